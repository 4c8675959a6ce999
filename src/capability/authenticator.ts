/**
 * Capability `authenticator`: what an authnz object provides, and every server that lets
 * people in consumes. Proofs and identities are plain data and answers come later, so that
 * the two may live in different threads.
 */
import { capability } from '#core/capability';

/** What a caller shows to be let in. */
export type Proof =
  /** The value of Authorization for a Digest challenge, and the method it was sent with. The server has seen to the nonce. */
  | { readonly how: 'digest'; readonly authorization: string; readonly method: string }
  /** As it came through a connection that nobody can listen to: an account's password, or an API key and its secret. */
  | { readonly how: 'password'; readonly login: string; readonly password: string };

export interface Identity {
  /** Login, or API key. */
  readonly login: string;
  readonly roles: readonly string[];
}

/** What servers put into Digest challenges (RFC 7616). */
export interface DigestTerms {
  readonly realm: string;
  /** The strongest first. */
  readonly algorithms: readonly ('SHA-256' | 'MD5')[];
}

/** What somebody wants to do (docs/spec/api.md 11.5). */
export interface Wish {
  readonly object: string;
  readonly interface: string;
  readonly right: 'read' | 'operate' | 'administer';
}

/** Who is it, and may they? */
export interface Authenticator {
  /** Asked for every challenge: it changes with the accounts. */
  digestTerms(): Promise<DigestTerms>;
  /** Whose proof this is; undefined where it proves nothing. Asked once per connection or request. */
  identify(proof: Proof): Promise<Identity | undefined>;
  /** Asked for every request that concerns an object, whether that exists or not. */
  allows(identity: Identity, wish: Wish): Promise<boolean>;
}

export const Authenticator = capability<Authenticator>(
  'authenticator',
  'Knows accounts, and what each of them may do.',
  { calls: ['digestTerms', 'identify', 'allows'] },
);
