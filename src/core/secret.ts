/**
 * What must never be shown (docs/spec/config.md 3.2 rule 6): values whose schema says
 * `secret`, and credentials inside addresses. Names that always hold secrets are taken for
 * such even where a declaration forgot to say so.
 */
import { deepCopy, deepEqual, isObject, own, type Path, setOwn } from '#core/json-value';
import type { TSchema } from '#core/schema';
import { alternativesOf, branchOf, memberSchema, partsOf } from '#core/schema-walk';

/** Stands for a secret in every document that is returned. */
export const keptSecret = Object.freeze({ $secret: 'keep' });

const secretNames: ReadonlySet<string> = new Set(['password', 'ha1', 'secret', 'credential']);

const isSecret = (schema: TSchema | undefined): boolean =>
  schema !== undefined && [...partsOf(schema), ...alternativesOf(schema)].some(part => own(part, 'secret') === true);

/** The second item of `auth` is a password (config.md 8.2). */
const isSecretStep = (path: Path, step: string | number): boolean =>
  secretNames.has(String(step)) || (path.at(-1) === 'auth' && step === 1);

/** A copy in which every secret reads `{"$secret":"keep"}` and no address has credentials. */
export function maskSecrets(schema: TSchema | undefined, value: unknown, path: Path = []): unknown {
  if (value === null || value === undefined) return value;
  if (isSecret(schema)) return keptSecret;
  const branch = schema && branchOf(schema, value);
  const member = (step: string | number, part: unknown): unknown =>
    isSecretStep(path, step) && !isObject(part) && part !== null
      ? keptSecret
      : maskSecrets(memberSchema(branch, step), part, [...path, step]);
  if (typeof value === 'string') return withoutCredentials(value);
  if (Array.isArray(value)) return value.map((item, index) => member(index, item));
  if (!isObject(value)) return deepCopy(value);
  const copy = {};
  for (const name of Object.keys(value)) setOwn(copy, name, member(name, value[name]));
  return copy;
}

/** Whether a value at this path, or a part of it, is nobody's to see. `login` and `key` name whom a secret belongs to. */
export function hidesSecret(schema: TSchema, value: unknown, path: Path): boolean {
  let [at, part]: [TSchema | undefined, unknown] = [schema, value];
  if (isSecret(at)) return true;
  for (const [index, step] of path.entries()) {
    if (isSecretStep(path.slice(0, index), step) || step === 'auth') return true;
    at = memberSchema(at && branchOf(at, part), typeof part === 'object' && Array.isArray(part) ? Number(step) : step);
    part = own(part, step);
    if (isSecret(at)) return true;
  }
  return false;
}

/** `scheme://login:password@rest`. The last `@` before the path counts: passwords with one are common in cameras. */
const withCredentials = /^([a-z][a-z0-9+.-]*:\/\/)([^/?#\s]*)@/i;

export interface Credentials {
  readonly login: string;
  readonly password: string;
  /** The address without them. */
  readonly url: string;
}

/** Login and password inside an address; undefined if it has none. */
export function credentialsIn(url: string): Credentials | undefined {
  const [found, scheme = '', user = ''] = withCredentials.exec(url) ?? [];
  if (found === undefined) return undefined;
  const colon = user.indexOf(':');
  const [login, password] = colon < 0 ? [user, ''] : [user.slice(0, colon), user.slice(colon + 1)];
  return { login: decoded(login), password: decoded(password), url: scheme + url.slice(found.length) };
}

/** Any text with addresses in it, without their credentials. */
export const withoutCredentials = (text: string): string => text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^/?#\s]*@/gi, '$1');

/** Percent-decoded; a `%` that begins no code, which a raw one in a password looks like, stays. */
const decoded = (text: string): string =>
  text.replace(/(?:%[0-9a-f]{2})+/gi, run =>
    new TextDecoder().decode(Uint8Array.from(run.slice(1).split('%'), hex => Number.parseInt(hex, 16))),
  );

/** Whom or what a secret is for. Where one of these differs a kept secret would go to somebody else. */
const identity = ['type', 'host', 'url', 'urls', 'login', 'user', 'key', 'username'] as const;

/**
 * Puts the present secrets in the place of every `{"$secret":"keep"}`, where each part that
 * encloses it still names the same address and login; `lost` are the places where it does
 * not, or where there is no present secret. The value given is not changed.
 */
export function restoreSecrets(schema: TSchema, value: unknown, present: unknown): { value: unknown; lost: Path[] } {
  const lost: Path[] = [];
  const visit = (part: unknown, old: unknown, path: Path, same: boolean): unknown => {
    if (isObject(part) && part['$secret'] === 'keep' && Object.keys(part).length === 1) {
      if (same && typeof old === 'string' && hidesSecret(schema, present, path)) return old;
      lost.push(path);
      return part;
    }
    const sameHere = same && sameIdentity(part, old, path);
    if (Array.isArray(part)) return part.map((item, at) => visit(item, own(old, at), [...path, at], sameHere));
    if (!isObject(part)) return part;
    const copy = {};
    for (const name of Object.keys(part))
      setOwn(copy, name, visit(part[name], own(old, name), [...path, name], sameHere));
    return copy;
  };
  return { value: visit(value, present, [], true), lost };
}

function sameIdentity(part: unknown, old: unknown, path: Path): boolean {
  if (Array.isArray(part)) return path.at(-1) !== 'auth' || deepEqual(part[0], own(old, 0));
  // The login of an object may be the first item of its `auth`.
  return (
    deepEqual(own(own(part, 'auth'), 0), own(own(old, 'auth'), 0)) &&
    identity.every(name => deepEqual(own(part, name), own(old, name)))
  );
}
