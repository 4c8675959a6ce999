/**
 * Rules that keep a slip in the configuration from opening a server (docs/spec/config.md
 * 3.2): they concern the part a type has in access control (core/catalogue.ts), hold before
 * and beside its own declaration, and fail closed.
 */
import type { CatalogueType } from '#core/catalogue';
import { type Finding, quoted } from '#core/findings';
import { isObject, own, type Path } from '#core/json-value';
import { nearest } from '#core/names';

/** Id of the capability that guards provide and servers ask (src/capability/authenticator.ts). */
export const guardCapability = 'authenticator';

/** Properties that decide who gets in. */
const protecting: readonly string[] = ['auth', 'authnz', 'tls', 'acl', 'accounts', 'roles', 'secret'];

/** What an unknown property is: a warning, or an error if it may have been meant to protect. */
export function unknownProperty(
  object: string,
  entry: CatalogueType | undefined,
  path: Path,
  known: readonly string[],
): Finding {
  const name = String(path.at(-1));
  const shown = JSON.stringify(name.slice(0, 60));
  const topLevel = path.length === 1;
  const server = entry?.access === 'listener' || entry?.access === 'server';
  if (topLevel && server && name === 'auth')
    return {
      severity: 'error',
      code: 'use-authnz',
      reason: `property "auth" of ${object} does not protect it: that is the form before viinex 3.1`,
      hint: `declare an authnz object and link it with ${object}`,
    };
  const meant = nearest(name, topLevel && entry?.access ? [...known, ...protecting] : known);
  if (meant !== undefined && protecting.includes(meant))
    return {
      severity: 'error',
      code: 'access-property',
      reason: `${entry?.type ?? 'this'} has no property ${shown}, and ignoring it might open ${object} to others`,
      ...(known.includes(meant) ? { hint: meant } : {}),
    };
  return {
    severity: 'warning',
    code: 'unknown-property',
    reason: `property ${shown} of ${object} is unknown and ignored`,
    ...(meant === undefined ? {} : { hint: meant }),
  };
}

/** What the rules see of an object: its properties as written, with variables substituted. */
export interface Guarded {
  readonly name: string;
  readonly entry: CatalogueType;
  readonly value: Readonly<Record<string, unknown>>;
  /** The type of this build asks a guard, so that a link with one protects it. */
  readonly asksGuard: boolean;
}

/** `path` is relative to the object. */
export type AccessFinding = Finding & { readonly path: Path };

/** `guards` are the authnz objects it is linked with, in order of name. */
export function accessFindings(object: Guarded, guards: readonly string[]): AccessFinding[] {
  const { access } = object.entry;
  const found: (AccessFinding | undefined)[] = [];
  if (access === 'guard') found.push(weakSecret(object));
  if (access === 'listener' || access === 'server') found.push(secondGuard(object, guards), deafTo(object, guards));
  if (access === 'listener') found.push(guards.length === 0 ? unguarded(object) : undefined);
  if (object.entry.interfaces.includes('WebRTC')) found.push(silentMeta(object));
  return found.filter(f => f !== undefined);
}

function secondGuard({ name, value }: Guarded, guards: readonly string[]): AccessFinding | undefined {
  if (guards.length < 2) return undefined;
  const reason = `${quoted(name)} is linked with ${guards.length} authnz objects (${guards.slice(0, 5).join(', ')}), expected at most one`;
  return { severity: 'error', code: 'link-count', reason, path: Object.hasOwn(value, 'name') ? ['name'] : [] };
}

/** The link would look like protection and be none. */
function deafTo({ name, entry, asksGuard }: Guarded, guards: readonly string[]): AccessFinding | undefined {
  if (asksGuard || guards.length === 0) return undefined;
  const reason = `${quoted(name)} is linked with ${quoted(guards[0] ?? '')}, but a ${entry.type} of this build lets everybody in all the same`;
  return {
    severity: 'error',
    code: 'unsupported',
    reason,
    hint: `remove the link, and set "address" of ${name} to "127.0.0.1"`,
    path: [],
  };
}

function unguarded({ name, value }: Guarded): AccessFinding | undefined {
  const objects = own(value, 'objects');
  if (own(objects, 'scope') === 'registry') {
    const reason = `${quoted(name)} publishes every object (scope "registry") and is linked with no authnz`;
    return { severity: 'error', code: 'registry-open', reason, path: ['objects', 'scope'] };
  }
  if (isLoopbackOnly(own(value, 'address'))) return undefined;
  return {
    severity: 'warning',
    code: 'open-to-everyone',
    reason: `${quoted(name)} is open to everyone who can reach it: it is linked with no authnz`,
    hint: 'link an authnz object, or set "address" to "127.0.0.1"',
    path: [],
  };
}

/** No address means all of them. */
function isLoopbackOnly(address: unknown): boolean {
  const addresses = Array.isArray(address) ? address : [address];
  return (
    addresses.length > 0 &&
    addresses.every(a => typeof a === 'string' && /^(127(\.\d{1,3}){3}|\[?::1\]?|localhost)$/i.test(a))
  );
}

/** 16 bytes: what HS256 needs at the least to resist guessing (config.md 14.2). */
const leastSecretBytes = 16;

function weakSecret({ name, value }: Guarded): AccessFinding | undefined {
  const secret = own(value, 'secret');
  if (typeof secret !== 'string' && typeof secret !== 'number') return undefined;
  const bytes = new TextEncoder().encode(String(secret)).length;
  if (bytes >= leastSecretBytes) return undefined;
  if (bytes === 0)
    return { severity: 'error', code: 'empty-secret', reason: `secret of ${quoted(name)} is empty`, path: ['secret'] };
  const reason = `secret of ${quoted(name)} is shorter than ${leastSecretBytes} bytes and can be guessed`;
  return { severity: 'warning', code: 'weak-secret', reason, path: ['secret'] };
}

function silentMeta({ name, value }: Guarded): AccessFinding | undefined {
  const present = ['stunsrv', 'ice_servers'].filter(p => Object.hasOwn(value, p));
  const meta = isObject(own(value, 'meta')) ? (own(value, 'meta') as object) : {};
  if (present.length === 0 || ['stunsrv', 'ice_servers', 'stun', 'iceServers'].some(p => Object.hasOwn(meta, p)))
    return undefined;
  return {
    severity: 'hint',
    code: 'webrtc-meta',
    reason: `${quoted(name)} has "${present[0]}", but its meta does not tell clients which servers to use`,
    hint: 'meta is handed to clients verbatim and is not derived from the properties',
    path: present.slice(0, 1),
  };
}
