/**
 * Basic and Digest as RTSP uses them (RFC 7617; RFC 7616 and the older RFC 2617, which most
 * cameras mean): the client's answer to a challenge, and the server's challenge and check.
 * MD5, SHA-256 and their -sess forms; qop `auth` or none; `auth-int` is not spoken. Pure:
 * nonces come from outside.
 */
import { createHash, timingSafeEqual } from 'node:crypto';

export type DigestAlgorithm = 'MD5' | 'MD5-sess' | 'SHA-256' | 'SHA-256-sess';

export interface BasicChallenge {
  readonly scheme: 'basic';
  readonly realm: string;
}
export interface DigestChallenge {
  readonly scheme: 'digest';
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | undefined;
  readonly algorithm: DigestAlgorithm;
  /** The name was given: it is repeated only then, since old cameras stumble over it. */
  readonly algorithmSaid: boolean;
  /** `auth` was offered. */
  readonly qop: boolean;
  /** The nonce had expired; the password may be right. */
  readonly stale: boolean;
  /** Realm and nonce with their backslashes, if they have any: some mean them as they stand. */
  readonly written?: { readonly realm: string; readonly nonce: string };
  /** Realm and nonce are as they were written, and go back like that. */
  readonly asWritten?: true;
}
export type Challenge = BasicChallenge | DigestChallenge;

export interface Login {
  readonly user: string;
  readonly password: string;
}

/** The values of all WWW-Authenticate headers, several challenges in one value included; what cannot be answered is left out. */
export function parseChallenges(values: readonly string[]): Challenge[] {
  const found: Challenge[] = [];
  for (const value of values) {
    for (const piece of value.split(/(?:^|,)\s*(?=(?:Basic|Digest)\b)/i)) {
      const [, scheme = '', rest = ''] = /^\s*(\w+)\s*(.*)$/s.exec(piece) ?? [];
      const p = parameters(rest);
      if (scheme.toLowerCase() === 'basic') found.push({ scheme: 'basic', realm: p.get('realm') ?? '' });
      if (scheme.toLowerCase() !== 'digest') continue;
      const algorithm = algorithmOf(p.get('algorithm'));
      const offered = p
        .get('qop')
        ?.toLowerCase()
        .split(/[\s,]+/);
      const qop = offered?.includes('auth') === true;
      const nonce = p.get('nonce');
      if (nonce === undefined || algorithm === undefined || (offered?.join('') && !qop)) continue;
      const asWritten = { realm: written(rest, 'realm'), nonce: written(rest, 'nonce') };
      found.push({
        scheme: 'digest',
        realm: p.get('realm') ?? '',
        nonce,
        opaque: p.get('opaque'),
        algorithm,
        algorithmSaid: p.has('algorithm'),
        qop,
        stale: p.get('stale')?.toLowerCase() === 'true',
        ...(`${asWritten.realm}${asWritten.nonce}`.includes('\\') ? { written: asWritten } : {}),
      });
    }
  }
  return found;
}

/** The one to answer: the strongest that was offered. */
export function strongest(challenges: readonly Challenge[]): Challenge | undefined {
  const rank = (c: Challenge): number => (c.scheme === 'basic' ? 0 : c.algorithm.startsWith('MD5') ? 1 : 2);
  return [...challenges].sort((a, b) => rank(b) - rank(a))[0];
}

/**
 * The value of Authorization for one request. `count` is the number of requests answered
 * with this nonce so far, this one included; `cnonce` any string, the same as long as the nonce.
 */
export function answerChallenge(
  challenge: Challenge,
  login: Login,
  request: { readonly method: string; readonly uri: string; readonly cnonce: string; readonly count: number },
): string {
  if (challenge.scheme === 'basic') return `Basic ${base64(`${login.user}:${login.password}`)}`;
  const nc = request.count.toString(16).padStart(8, '0');
  const proof = { ...challenge, ...request, nc };
  const response = digest(challenge.algorithm, digestSecret(challenge.realm, login, challenge.algorithm), proof);
  const said = (text: string): string => (challenge.asWritten === true ? text : quote(text));
  let text = `Digest username="${quote(login.user)}", realm="${said(challenge.realm)}", nonce="${said(challenge.nonce)}"`;
  text += `, uri="${quote(request.uri)}", response="${response}"`;
  if (challenge.algorithmSaid) text += `, algorithm=${challenge.algorithm}`;
  if (challenge.opaque !== undefined) text += `, opaque="${quote(challenge.opaque)}"`;
  if (challenge.qop) text += `, qop=auth, nc=${nc}`;
  if (challenge.qop || challenge.algorithm.endsWith('-sess')) text += `, cnonce="${quote(request.cnonce)}"`;
  return text;
}

/** The value of WWW-Authenticate for a Digest challenge. */
export function writeDigestChallenge(
  realm: string,
  nonce: string,
  options: { readonly algorithm?: DigestAlgorithm; readonly stale?: boolean; readonly qop?: boolean } = {},
): string {
  let text = `Digest realm="${quote(realm)}", nonce="${quote(nonce)}"`;
  if (options.algorithm !== undefined) text += `, algorithm=${options.algorithm}`;
  if (options.qop !== false) text += `, qop="auth"`;
  if (options.stale === true) text += `, stale=true`;
  return text;
}
export const writeBasicChallenge = (realm: string): string => `Basic realm="${quote(realm)}"`;

export interface Guard {
  readonly realm: string;
  /** Was this nonce given out by us, and is it still good? */
  nonce(nonce: string): 'good' | 'stale' | 'unknown';
  /** Undefined for an unknown user. */
  passwordOf(user: string): string | undefined;
  readonly basic?: boolean;
}

/** Checks the value of Authorization. `stale`: challenge again with `stale=true`, the proof itself was right. */
export function verifyAuthorization(
  value: string | undefined,
  method: string,
  guard: Guard,
): { result: 'ok' | 'stale' | 'wrong'; user: string } {
  const login = guard.basic === true ? basicLogin(value ?? '') : undefined;
  if (login) {
    const password = guard.passwordOf(login.user);
    const right = password !== undefined && sameText(login.password, password);
    return { result: right ? 'ok' : 'wrong', user: login.user };
  }
  const known = guard.nonce(digestNonce(value ?? '') ?? '');
  const { user, right } = verifyDigest(value ?? '', method, (name, algorithm) => {
    const password = known === 'unknown' ? undefined : guard.passwordOf(name);
    return password === undefined ? undefined : digestSecret(guard.realm, { user: name, password }, algorithm);
  });
  return { result: !right ? 'wrong' : known === 'good' ? 'ok' : 'stale', user };
}

/** User and password of a Basic Authorization (RFC 7617); undefined if it is none. */
export function basicLogin(authorization: string): Login | undefined {
  const [, rest] = /^\s*basic\s+(.*)$/is.exec(authorization) ?? [];
  if (rest === undefined) return undefined;
  const plain = fromBase64(rest.trim());
  const colon = plain.indexOf(':');
  return colon < 0 ? undefined : { user: plain.slice(0, colon), password: plain.slice(colon + 1) };
}

/** The nonce that a Digest Authorization answers; undefined if it is none. */
export const digestNonce = (authorization: string): string | undefined => digestOf(authorization)?.get('nonce');

/**
 * Checks a Digest Authorization, all but its nonce. `secretOf` is asked for H(user:realm:password),
 * lower-case hex, of the user named there, and answers undefined for one who is unknown.
 */
export function verifyDigest(
  authorization: string,
  method: string,
  secretOf: (user: string, algorithm: 'MD5' | 'SHA-256') => string | undefined,
): { readonly user: string; readonly right: boolean } {
  const p = digestOf(authorization);
  const user = p?.get('username') ?? '';
  const algorithm = algorithmOf(p?.get('algorithm'));
  const secret = algorithm && p ? secretOf(user, algorithm.startsWith('MD5') ? 'MD5' : 'SHA-256') : undefined;
  if (!p || algorithm === undefined || secret === undefined) return { user, right: false };
  const proof = {
    method,
    uri: p.get('uri') ?? '',
    nonce: p.get('nonce') ?? '',
    nc: p.get('nc') ?? '',
    cnonce: p.get('cnonce') ?? '',
    qop: p.get('qop')?.toLowerCase() === 'auth',
  };
  const expected = digest(algorithm, secret, proof);
  return { user, right: sameText(p.get('response')?.toLowerCase() ?? '', expected) };
}

/** H(user:realm:password), lower-case hex: all that need be stored to check a Digest (RFC 7616 3.4.2). */
export const digestSecret = (realm: string, login: Login, algorithm: DigestAlgorithm): string =>
  hashOf(algorithm)(`${login.user}:${realm}:${login.password}`);

function digestOf(authorization: string): Map<string, string> | undefined {
  const [, rest] = /^\s*digest\s+(.*)$/is.exec(authorization) ?? [];
  return rest === undefined ? undefined : parameters(rest);
}

interface Proof {
  readonly method: string;
  readonly uri: string;
  readonly nonce: string;
  readonly nc: string;
  readonly cnonce: string;
  readonly qop: boolean;
}

/** RFC 7616 3.4.1 to 3.4.3. `secret`: see `digestSecret`. */
function digest(algorithm: DigestAlgorithm, secret: string, p: Proof): string {
  const hash = hashOf(algorithm);
  const a1 = algorithm.endsWith('-sess') ? hash(`${secret}:${p.nonce}:${p.cnonce}`) : secret;
  const a2 = hash(`${p.method}:${p.uri}`);
  return hash(p.qop ? `${a1}:${p.nonce}:${p.nc}:${p.cnonce}:auth:${a2}` : `${a1}:${p.nonce}:${a2}`);
}
const hashOf =
  (algorithm: DigestAlgorithm) =>
  (text: string): string =>
    createHash(algorithm.startsWith('MD5') ? 'md5' : 'sha256')
      .update(text)
      .digest('hex');

function algorithmOf(text: string | undefined): DigestAlgorithm | undefined {
  if (text === undefined || text === '') return 'MD5';
  const known: readonly DigestAlgorithm[] = ['MD5', 'MD5-sess', 'SHA-256', 'SHA-256-sess'];
  return known.find(a => a.toLowerCase() === text.toLowerCase());
}

/** `name=value` and `name="value"` pairs, in either order of commas and blanks. */
function parameters(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const m of text.matchAll(/([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]*))/g))
    if (m[1] !== undefined && !found.has(m[1].toLowerCase()))
      found.set(m[1].toLowerCase(), m[2]?.replace(/\\(.)/g, '$1') ?? m[3] ?? '');
  return found;
}
/** The value of one parameter with its escapes, without the quotes around it. */
const written = (text: string, name: string): string =>
  new RegExp(`(?:^|[\\s,])${name}\\s*=\\s*"((?:[^"\\\\]|\\\\.)*)"`, 'i').exec(text)?.[1] ?? '';
const quote = (text: string): string => text.replace(/["\\]/g, c => `\\${c}`);
const base64 = (text: string): string => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
function fromBase64(text: string): string {
  if (text.length > 4096 || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return '';
  return new TextDecoder().decode(Uint8Array.from(atob(text), c => c.charCodeAt(0)));
}
/** Takes as long for a near miss as for a far one. */
export function sameText(a: string, b: string): boolean {
  const hash = (text: string): Uint8Array => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}
