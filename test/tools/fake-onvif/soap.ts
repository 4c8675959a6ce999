/** Hand-written SOAP for the tests of the fake ONVIF device: what goes over the wire is to be seen in the test. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';

export const body = (operation: string, namespace: string, inner = ''): string =>
  `<x:${operation} xmlns:x="http://www.onvif.org/${namespace}/wsdl" xmlns:tt="http://www.onvif.org/ver10/schema">${inner}</x:${operation}>`;

export const device = (operation: string): string => body(operation, 'ver10/device');
export const media = (operation: string, inner = ''): string => body(operation, 'ver10/media', inner);
export const media2 = (operation: string, inner = ''): string => body(operation, 'ver20/media', inner);
export const events = (operation: string, inner = ''): string => body(operation, 'ver10/events', inner);
export const ptz = (operation: string, inner = ''): string => body(operation, 'ver20/ptz', inner);

const wsse = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss';

/** WS-UsernameToken header; `nonce` and `createdMs` are the test's to choose. */
export function token(
  user: string,
  password: string,
  { createdMs = Date.now(), nonce = randomBytes(16) }: { createdMs?: number; nonce?: Buffer } = {},
): string {
  const created = new Date(createdMs).toISOString();
  const digest = createHash('sha1').update(nonce).update(created).update(password).digest('base64');
  return `<w:Security xmlns:w="${wsse}-wssecurity-secext-1.0.xsd" xmlns:u="${wsse}-wssecurity-utility-1.0.xsd"><w:UsernameToken><w:Username>${user}</w:Username><w:Password Type="${wsse}-username-token-profile-1.0#PasswordDigest">${digest}</w:Password><w:Nonce>${nonce.toString('base64')}</w:Nonce><u:Created>${created}</u:Created></w:UsernameToken></w:Security>`;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export async function call(
  url: string,
  content: string,
  { header = '', headers = {} }: { header?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const envelope = `<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Header>${header}</e:Header><e:Body>${content}</e:Body></e:Envelope>`;
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/soap+xml', ...headers },
    body: envelope,
    redirect: 'manual',
  });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

/** Texts of all elements of this qualified name, or values of one attribute of them. */
export function all(xml: string, tag: string, attribute?: string): string[] {
  const element = new RegExp(`<${tag}(\\s[^>]*)?>([^<]*)`, 'g');
  return [...xml.matchAll(element)].map(m =>
    attribute === undefined ? (m[2] ?? '') : (new RegExp(`\\b${attribute}="([^"]*)"`).exec(m[1] ?? '')?.[1] ?? ''),
  );
}

/** The answer to a challenge, as RFC 7616 3.4.1 has it. */
export function digest(challenge: string, url: string, user: string, password: string, nc = 1): string {
  const field = (name: string): string => new RegExp(`${name}="?([^",]*)`).exec(challenge)?.[1] ?? '';
  const algorithm = field('algorithm');
  assert.ok(algorithm === 'MD5' || algorithm === 'SHA-256', challenge);
  const hash = (text: string): string =>
    createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
      .update(text)
      .digest('hex');
  const uri = new URL(url).pathname;
  const count = nc.toString(16).padStart(8, '0');
  const secret = hash(`${user}:${field('realm')}:${password}`);
  const response = hash(`${secret}:${field('nonce')}:${count}:c0:auth:${hash(`POST:${uri}`)}`);
  return `Digest username="${user}", realm="${field('realm')}", nonce="${field('nonce')}", uri="${uri}", qop=auth, nc=${count}, cnonce="c0", response="${response}", algorithm=${algorithm}`;
}
