/** Who may look: none, Basic or Digest, with one user. One nonce per connection, replaced when it is stale. */
import type { SeededRandom } from '#fake/world';
import { type DigestAlgorithm, verifyAuthorization, writeBasicChallenge, writeDigestChallenge } from '#rtsp/auth';
import { type Headers, header, type RtspRequest } from '#rtsp/message';

export interface LoginOptions {
  readonly user: string;
  readonly password: string;
  /** What is offered, in this order. */
  readonly schemes: readonly ('Basic' | 'MD5' | 'SHA-256')[];
  /** After so many seconds a nonce is stale; undefined: never. */
  readonly nonceSeconds?: number;
}

const realm = 'fake camera';

export class ConnectionGuard {
  readonly #login: LoginOptions | undefined;
  readonly #random: SeededRandom;
  #nonce = '';
  #nonceMs = 0;

  constructor(login: LoginOptions | undefined, random: SeededRandom) {
    this.#login = login;
    this.#random = random;
  }

  /** Undefined: welcome. Else the challenges to send with 401. */
  challenge(request: RtspRequest, nowMs: number): Headers | undefined {
    const login = this.#login;
    if (!login) return undefined;
    const authorization = header(request, 'authorization');
    const offered = login.schemes.includes(schemeOf(authorization));
    const { result } = verifyAuthorization(offered ? authorization : undefined, request.method, {
      realm,
      nonce: n => (n !== this.#nonce || n === '' ? 'unknown' : this.#isStale(nowMs) ? 'stale' : 'good'),
      passwordOf: user => (user === login.user ? login.password : undefined),
      basic: login.schemes.includes('Basic'),
    });
    if (result === 'ok') return undefined;
    if (this.#nonce === '' || this.#isStale(nowMs)) {
      this.#nonce = Buffer.from(this.#random.bytes(16)).toString('hex');
      this.#nonceMs = nowMs;
    }
    return login.schemes.map(scheme => [
      'WWW-Authenticate',
      scheme === 'Basic'
        ? writeBasicChallenge(realm)
        : writeDigestChallenge(realm, this.#nonce, {
            algorithm: scheme satisfies DigestAlgorithm,
            stale: result === 'stale',
          }),
    ]);
  }

  #isStale(nowMs: number): boolean {
    const seconds = this.#login?.nonceSeconds;
    return seconds !== undefined && nowMs - this.#nonceMs > seconds * 1000;
  }
}

/** Fault `unauthorized`: whatever was proved, it is to be proved again with another nonce. */
export const freshChallenge = (random: SeededRandom): Headers => [
  [
    'WWW-Authenticate',
    writeDigestChallenge(realm, Buffer.from(random.bytes(16)).toString('hex'), { algorithm: 'MD5', stale: true }),
  ],
];

/** What the client answered with; a Digest without `algorithm` means MD5. */
function schemeOf(authorization: string | undefined): 'Basic' | 'MD5' | 'SHA-256' {
  if (/^\s*basic\b/i.test(authorization ?? '')) return 'Basic';
  return /\balgorithm\s*=\s*"?SHA-256\b/i.test(authorization ?? '') ? 'SHA-256' : 'MD5';
}
