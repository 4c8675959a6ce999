/**
 * Who may come in: Digest with MD5 always, with SHA-256 where every password is known; Basic
 * over TLS alone. One nonce per connection, so that what was overheard on one proves nothing
 * on another. A connection stays who it is: requests without Authorization are taken for the
 * same caller.
 */
import type { Authenticator, Identity, Wish } from '#capability/authenticator';
import type { World } from '#core/world';
import { basicLogin, digestNonce, writeBasicChallenge, writeDigestChallenge } from '#rtsp/auth';
import { type Headers, header, type RtspRequest } from '#rtsp/message';
import { recordingIn } from './replay-wish.ts';

/** Then the client proves itself anew: how long an overheard proof would be good on this connection. */
const nonceMs = 600_000;
/** Wrong proofs on one connection; the next one ends it. */
const wrongLimit = 5;

export type Admission =
  | { readonly may: 'in' }
  /** 401 with these challenges. */
  | { readonly may: 'prove'; readonly challenges: Headers }
  | { readonly may: 'no' }
  /** Too many wrong proofs. */
  | { readonly may: 'leave' };

export class Door {
  readonly #authenticator: Authenticator | undefined;
  readonly #world: Pick<World, 'clock' | 'random'>;
  readonly #secure: boolean;
  #identity: Identity | undefined;
  #nonce = '';
  #nonceMs = 0;
  #wrong = 0;

  /** `secure`: nobody can listen to the connection. */
  constructor(authenticator: Authenticator | undefined, world: Pick<World, 'clock' | 'random'>, secure: boolean) {
    this.#authenticator = authenticator;
    this.#world = world;
    this.#secure = secure;
  }

  /** Of whom we know who it is. */
  get login(): string | undefined {
    return this.#identity?.login;
  }

  /** May whoever sent this do one of these things? */
  async admit(request: RtspRequest, wishes: readonly Wish[]): Promise<Admission> {
    const authenticator = this.#authenticator;
    if (!authenticator) return { may: 'in' };
    const authorization = header(request, 'authorization');
    if (authorization !== undefined || !this.#identity) {
      const stale = digestNonce(authorization ?? '') === this.#nonce && this.#isStale();
      const identity = stale ? undefined : await this.#identify(authenticator, authorization, request.method);
      if (!identity) {
        if (authorization !== undefined && !stale && ++this.#wrong > wrongLimit) return { may: 'leave' };
        return { may: 'prove', challenges: await this.#challenges(authenticator, stale) };
      }
      this.#identity = identity;
    }
    for (const wish of wishes) if (await authenticator.allows(this.#identity, wish)) return { may: 'in' };
    return { may: 'no' };
  }

  async #identify(by: Authenticator, authorization: string | undefined, method: string): Promise<Identity | undefined> {
    if (authorization === undefined) return undefined;
    const basic = this.#secure ? basicLogin(authorization) : undefined;
    if (basic) return by.identify({ how: 'password', login: basic.user, password: basic.password });
    if (this.#nonce === '' || digestNonce(authorization) !== this.#nonce) return undefined;
    return by.identify({ how: 'digest', authorization, method });
  }

  async #challenges(by: Authenticator, stale: boolean): Promise<Headers> {
    const { realm, algorithms } = await by.digestTerms();
    if (this.#nonce === '' || this.#isStale()) {
      this.#nonce = Array.from(this.#world.random.bytes(16), b => b.toString(16).padStart(2, '0')).join('');
      this.#nonceMs = this.#world.clock.monotonicMs();
    }
    // Clients that know one kind only take the last they are told (FFmpeg, live555): MD5 comes last.
    return [
      ...(this.#secure ? [['WWW-Authenticate', writeBasicChallenge(realm)] as const] : []),
      ...algorithms.map(
        algorithm => ['WWW-Authenticate', writeDigestChallenge(realm, this.#nonce, { algorithm, stale })] as const,
      ),
    ];
  }

  #isStale(): boolean {
    return this.#world.clock.monotonicMs() - this.#nonceMs > nonceMs;
  }
}

/** What a request needs: one of these rights. Of an archive that on the whole, or on one track (docs/spec/api.md 11.5). */
export function wishesOf(object: string, publishes: boolean): readonly Wish[] {
  if (publishes) return [{ object, interface: 'PushSource', right: 'operate' }];
  const recording = recordingIn(object);
  if (!recording) return [{ object, interface: 'VideoSource', right: 'read' }];
  return [recording.storage, object].map(o => ({ object: o, interface: 'VideoStorage', right: 'read' }));
}
