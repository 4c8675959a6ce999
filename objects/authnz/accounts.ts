/**
 * Whose proof is right, and what they may (docs/spec/api.md 11.5). Pure: a list of accounts
 * in, answers out. An unknown name takes as long as a known one with a wrong password.
 */
import { createHash } from 'node:crypto';
import type { DigestTerms, Identity, Proof, Wish } from '#capability/authenticator';
import { digestSecret, sameText, verifyDigest } from '#rtsp/auth';
import { type Account, type AuthnzConfig, nameOf, type PasswordAccount } from './config.ts';

const levels = { read: 1, operate: 2, administer: 3 } as const;

export class Accounts {
  readonly terms: DigestTerms;
  readonly #realm: string;
  readonly #byName = new Map<string, Account>();
  readonly #rolesOf = new Map<string, string[]>();
  readonly #acl: AuthnzConfig['acl'];

  constructor(config: Pick<AuthnzConfig, 'realm' | 'accounts' | 'roles' | 'acl'>) {
    this.#realm = config.realm;
    this.#acl = config.acl;
    for (const account of config.accounts) {
      const name = nameOf(account);
      if (name !== undefined) this.#byName.set(name, account);
    }
    for (const [who, role] of config.roles)
      for (const name of typeof who === 'string' ? [who] : who)
        this.#rolesOf.set(name, [...(this.#rolesOf.get(name) ?? []), role]);
    const clear = config.accounts.every(a => a.type !== 'password' || a.password !== undefined);
    // A client takes the strongest that is offered: SHA-256 must then work for everybody.
    this.terms = { realm: config.realm, algorithms: clear ? ['SHA-256', 'MD5'] : ['MD5'] };
  }

  identify(proof: Proof): Identity | undefined {
    if (proof.how === 'digest') {
      const { user, right } = verifyDigest(proof.authorization, proof.method, (login, algorithm) =>
        this.#digestSecret(login, algorithm),
      );
      return right ? this.#identity(user) : undefined;
    }
    const account = this.#byName.get(proof.login);
    return this.#isPassword(account, proof.login, proof.password) ? this.#identity(proof.login) : undefined;
  }

  allows({ roles }: Identity, wish: Wish): boolean {
    if (this.#acl === undefined) return wish.right === 'read';
    return this.#acl.some(([role, object, interfaces, right]) => {
      if (!roles.includes(role)) return false;
      if (object !== null && object !== wish.object) return false;
      if (
        typeof interfaces === 'string' ? interfaces !== wish.interface : !(interfaces?.includes(wish.interface) ?? true)
      )
        return false;
      const highest = right ?? (object === null && interfaces === null ? 'administer' : 'operate');
      return levels[highest] >= levels[wish.right];
    });
  }

  #identity(login: string): Identity {
    return { login, roles: this.#rolesOf.get(login) ?? [] };
  }

  /** Of password accounts alone: the secret of an API key is no password, and goes over protected connections only. */
  #digestSecret(login: string, algorithm: 'MD5' | 'SHA-256'): string | undefined {
    const account = this.#byName.get(login);
    if (account?.type !== 'password') return undefined;
    if (account.password !== undefined)
      return digestSecret(this.#realm, { user: login, password: account.password }, algorithm);
    return algorithm === 'MD5' ? account.ha1 : undefined;
  }

  #isPassword(account: Account | undefined, login: string, password: string): boolean {
    const given = digestSecret(this.#realm, { user: login, password }, 'MD5');
    if (account?.type === 'apikey') return sameText(password, account.secret);
    const wanted = account?.type === 'password' ? this.#ha1(account) : undefined;
    return sameText(given, wanted ?? createHash('md5').update('nobody').digest('hex')) && wanted !== undefined;
  }

  #ha1(account: PasswordAccount): string | undefined {
    if (account.password === undefined) return account.ha1;
    return digestSecret(this.#realm, { user: account.login, password: account.password }, 'MD5');
  }
}
