/**
 * Plain JSON values, wherever the machine room compares, freezes, names or prints them.
 * Nesting is bounded where values are read (json-text.ts), so plain recursion is safe.
 */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
export type JsonObject = { readonly [name: string]: unknown };

/** Steps from the root of a document to a value: names of properties, indexes of items. */
export type Path = readonly (string | number)[];

/** RFC 6901. */
export const pointerOf = (path: Path): string =>
  path.map(step => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/** The steps of a pointer; indexes stay text, which finds array items just as well. */
export const pathOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map(step => step.replaceAll('~1', '/').replaceAll('~0', '~'));

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An own property or item; never one that is inherited, whatever its name. */
export const own = (value: unknown, step: string | number): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, step)
    ? (value as Record<string | number, unknown>)[step]
    : undefined;

/** Sets an own property; `__proto__` is a name like any other here. */
export function setOwn(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
}

/** Of plain data: the order of members does not count. */
export function deepEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a))
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => deepEqual(item, b[index]));
  if (!isObject(a) || !isObject(b)) return false;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every(n => Object.hasOwn(b, n) && deepEqual(a[n], b[n]));
}

/** The value itself, frozen at every depth. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    for (const name of Object.keys(value)) deepFreeze((value as Record<string, unknown>)[name]);
    Object.freeze(value);
  }
  return value;
}

/** Of plain data; anything else than arrays and objects is kept as it is. */
export function deepCopy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(deepCopy);
  if (!isObject(value)) return value;
  const copy = {};
  for (const name of Object.keys(value)) setOwn(copy, name, deepCopy(value[name]));
  return copy;
}

/** JSON text in which equal values are equal texts: names sorted by code units, no spaces. Undefined members are left out. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value) ?? 'null';
  const members = Object.keys(value)
    .sort()
    .filter(name => value[name] !== undefined)
    .map(name => `${JSON.stringify(name)}:${canonicalJson(value[name])}`);
  return `{${members.join(',')}}`;
}
