/**
 * Who may call: WS-UsernameToken digests (WSS UsernameToken Profile 1.0, ONVIF Core 5.9.2) and HTTP Digest (RFC 7616),
 * with the checks that real devices make: of the age of `Created` by the device's own clock, and that no nonce comes twice.
 */
import { createHash, randomBytes } from 'node:crypto';
import { child, type Element, textAt } from './xml.ts';

export interface OnvifLogin {
  readonly user: string;
  readonly password: string;
  /** What is taken: tokens in the SOAP header, HTTP Digest, or both. Default both. */
  readonly schemes?: readonly ('token' | 'digest')[];
  /** Of HTTP Digest, in the order in which they are offered. Default MD5. */
  readonly algorithms?: readonly ('MD5' | 'SHA-256')[];
}

export type Verdict = 'ok' | 'none' | 'wrong';

const realm = 'fake onvif';
const noncesKept = 1000;

export class Gate {
  readonly login: OnvifLogin;
  readonly #skewMs: number;
  readonly #used = new Set<string>();
  readonly #issued = new Set<string>();

  constructor(login: OnvifLogin, skewSeconds: number) {
    this.login = login;
    this.#skewMs = skewSeconds * 1000;
  }

  takes(scheme: 'token' | 'digest'): boolean {
    return (this.login.schemes ?? ['token', 'digest']).includes(scheme);
  }

  /** `nowMs` by the device's clock. */
  token(header: Element | undefined, nowMs: number): Verdict {
    const token = child(child(header, 'Security'), 'UsernameToken');
    // A device that takes no tokens does not look at them.
    if (!token || !this.takes('token')) return 'none';
    const [user, created, nonce] = [textAt(token, 'Username'), textAt(token, 'Created'), textAt(token, 'Nonce')];
    const password = child(token, 'Password');
    if (!password || !created || !nonce) return 'wrong';
    if (!/#PasswordDigest$/.test(password.attributes['Type'] ?? '') || user !== this.login.user) return 'wrong';
    const age = nowMs - Date.parse(created);
    if (!(Math.abs(age) <= this.#skewMs) || this.#used.has(nonce)) return 'wrong';
    const digest = createHash('sha1')
      .update(Buffer.from(nonce, 'base64'))
      .update(created + this.login.password)
      .digest('base64');
    if (digest !== password.text.trim()) return 'wrong';
    remember(this.#used, nonce);
    return 'ok';
  }

  /** RFC 7616 3.4, `qop` `auth` only; each (nonce, nc) once. */
  digest(authorization: string | undefined, method: string, target: string): Verdict {
    if (authorization === undefined || !/^digest\s/i.test(authorization)) return 'none';
    const { user, password } = this.login;
    const fields = new Map(
      [...authorization.matchAll(/(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g)].map(m => [
        (m[1] ?? '').toLowerCase(),
        m[2] ?? m[3] ?? '',
      ]),
    );
    const f = (name: string): string => fields.get(name) ?? '';
    const algorithm = f('algorithm') === '' ? 'MD5' : f('algorithm').toUpperCase();
    if (!this.takes('digest') || !this.#algorithms().includes(algorithm as 'MD5')) return 'wrong';
    if (!this.#issued.has(f('nonce')) || f('uri') !== target || f('username') !== user || f('realm') !== realm)
      return 'wrong';
    const use = `${f('nonce')} ${f('nc')}`;
    if (f('qop') !== 'auth' || !/^[0-9a-f]{8}$/i.test(f('nc')) || this.#used.has(use)) return 'wrong';
    const hash = (text: string): string =>
      createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
        .update(text)
        .digest('hex');
    const expected = hash(
      [
        hash(`${user}:${realm}:${password}`),
        f('nonce'),
        f('nc'),
        f('cnonce'),
        'auth',
        hash(`${method}:${target}`),
      ].join(':'),
    );
    if (expected !== f('response').toLowerCase()) return 'wrong';
    remember(this.#used, use);
    return 'ok';
  }

  /** Values of WWW-Authenticate. */
  challenges(): string[] {
    if (!this.takes('digest')) return [];
    return this.#algorithms().map(algorithm => {
      const nonce = randomBytes(16).toString('hex');
      remember(this.#issued, nonce);
      return `Digest realm="${realm}", qop="auth", algorithm=${algorithm}, nonce="${nonce}"`;
    });
  }

  #algorithms(): readonly ('MD5' | 'SHA-256')[] {
    return this.login.algorithms ?? ['MD5'];
  }
}

function remember(set: Set<string>, value: string): void {
  set.add(value);
  if (set.size > noncesKept) for (const oldest of set) return void set.delete(oldest);
}
