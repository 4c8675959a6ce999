/**
 * What stands before every request: whom the request comes from, whether this Host and this
 * Origin are welcome, and what other origins may read (docs/spec/api.md 2.4).
 */
import { Fault } from '#core/errors';
import type { HttpRequest } from '#core/world';

export interface GuardOptions {
  /** `"*"`, origins, or nothing. */
  readonly cors: readonly string[];
  /** Further names that the server answers to. */
  readonly hosts: readonly string[];
  /** Addresses whose `X-Forwarded-*` count. */
  readonly trustProxy: readonly string[];
  /** The machine's name. */
  readonly hostname: string;
  /** Names are checked only where nobody logs in: a login is bound to its origin by the browser. */
  readonly checkHost: boolean;
}

export interface Peer {
  readonly address: string;
  /** As it came, with the port; undefined if missing. */
  readonly host: string | undefined;
}

const plainAddress = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '');

/** Behind a trusted proxy the nearest address that is none of ours, and the host that the client meant. */
export function peerOf(request: HttpRequest, trustProxy: readonly string[]): Peer {
  const direct = plainAddress(request.address);
  if (trustProxy.length === 0) return { address: direct, host: request.headers['host'] };
  const trusted = new Set(trustProxy.map(plainAddress));
  if (!trusted.has(direct)) return { address: direct, host: request.headers['host'] };
  const forwarded = (request.headers['x-forwarded-for'] ?? '').split(',').map(a => plainAddress(a.trim()));
  const client = forwarded.reverse().find(a => a !== '' && !trusted.has(a));
  const host = request.headers['x-forwarded-host']?.split(',')[0]?.trim();
  return { address: client ?? direct, host: host || request.headers['host'] };
}

/** The name of a Host header without its port, in lower case, and without the brackets of IPv6. */
export function hostName(host: string): string {
  const name = host.trim().toLowerCase();
  const bracketed = /^\[([0-9a-f:.]+)\](:\d+)?$/.exec(name);
  return bracketed?.[1] ?? name.replace(/:\d*$/, '').replace(/\.$/, '');
}

const isIpLiteral = (name: string): boolean => {
  const parts = name.split('.');
  if (parts.length === 4) return parts.every(p => /^\d{1,3}$/.test(p) && Number(p) <= 255);
  return name.includes(':') && /^[0-9a-f:.]+$/.test(name);
};

/** DNS rebinding makes a foreign page same-origin: a server without login answers to known names only. */
export function guardHost(peer: Peer, options: GuardOptions): void {
  if (!options.checkHost) return;
  const name = peer.host === undefined ? '' : hostName(peer.host);
  if (name !== '' && (isIpLiteral(name) || name === 'localhost')) return;
  if (name !== '' && [options.hostname, ...options.hosts].some(known => hostName(known) === name)) return;
  throw new Fault(
    'forbidden',
    'forbidden',
    `Host: expected an address, localhost, this machine's name or one of "hosts", got ${JSON.stringify(name.slice(0, 100))}`,
  );
}

/** Bodies are accepted under any Content-Type, so a foreign page could post without preflight. */
export function guardOrigin(request: HttpRequest, peer: Peer, options: GuardOptions): void {
  const origin = request.headers['origin'];
  const reads = request.method === 'GET' || request.method === 'HEAD' || request.method === 'OPTIONS';
  if (origin === undefined || (reads && request.headers['upgrade'] === undefined)) return;
  if (options.cors.includes('*') || options.cors.includes(origin) || isOwn(origin, peer.host)) return;
  throw new Fault(
    'forbidden',
    'forbidden',
    `Origin: expected this server's own or one that "cors" allows, got ${JSON.stringify(origin.slice(0, 100))}`,
  );
}

function isOwn(origin: string, host: string | undefined): boolean {
  const m = /^(https?):\/\/([^/]+)$/i.exec(origin);
  if (!m?.[2] || host === undefined) return false;
  const port = m[1]?.toLowerCase() === 'https' ? ':443' : ':80';
  const whole = (h: string): string => (/:\d+$/.test(h) ? h : `${h}${port}`).toLowerCase();
  return whole(m[2]) === whole(host.trim());
}

const exposed = 'Location, ETag, Link, Content-Range, Content-Disposition, X-Timestamp';
const verbs = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';

/** Headers for every answer. */
export function corsHeaders(request: HttpRequest, cors: readonly string[]): Record<string, string> {
  const origin = request.headers['origin'];
  if (cors.includes('*')) return { 'access-control-allow-origin': '*', 'access-control-expose-headers': exposed };
  if (cors.length === 0) return {};
  if (origin === undefined || !cors.includes(origin)) return { vary: 'Origin' };
  return {
    'access-control-allow-origin': origin,
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': exposed,
    vary: 'Origin',
  };
}

/** Answer to OPTIONS of any route; who may not, finds no permission in it. */
export function preflight(request: HttpRequest, cors: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = { ...corsHeaders(request, cors), allow: verbs };
  if (headers['access-control-allow-origin'] === undefined) return headers;
  headers['access-control-allow-methods'] = verbs;
  headers['access-control-max-age'] = '600';
  const asked = request.headers['access-control-request-headers'];
  if (asked !== undefined && /^[\w\-, ]{1,1000}$/.test(asked)) headers['access-control-allow-headers'] = asked;
  return headers;
}
