/**
 * A capability is a contract that two objects can be linked by: one object provides it,
 * the other consumes it. `T` is what the consumer gets to call; it exists only for the
 * compiler. At run time a capability is its id, so it can be printed and matched.
 */
export interface Capability<T> {
  readonly id: string;
  readonly doc: string;
  /** `automatic`: the runtime offers it to whoever consumes it, with the link (`object`) or without one (`house`). */
  readonly automatic?: 'object' | 'house';
  /**
   * All functions of it, if each of them answers later, with plain data in and out: then consumer and provider may
   * live on different stages. Without it they have to share one.
   */
  readonly calls?: readonly string[];
  readonly contract?: T;
}

type Later<T> = { [K in keyof T]: T[K] extends (...args: never[]) => Promise<unknown> ? K : never }[keyof T];

/** A contract that types can be linked by; `id` is unique in the house. */
export function capability<T>(
  id: string,
  doc: string,
  reach: { readonly automatic?: 'object' | 'house'; readonly calls?: readonly (Later<T> & string)[] } = {},
): Capability<T> {
  return Object.freeze({ id, doc, ...reach });
}

/**
 * How many providers a consumer wants behind one of its needs; where `one` or `optional` meet
 * several, the first by name is taken. `optional` is undefined only where nothing is linked: a
 * linked provider that is not there now is waited for, so that a server whose guard fails
 * keeps the guard it had, or stays closed.
 */
export interface Need<T, Handle> {
  readonly capability: Capability<T>;
  readonly count: 'one' | 'optional' | 'many';
  readonly handle?: Handle;
}

export const one = <T>(c: Capability<T>): Need<T, T> => ({ capability: c, count: 'one' });
export const optional = <T>(c: Capability<T>): Need<T, T | undefined> => ({ capability: c, count: 'optional' });
export const many = <T>(c: Capability<T>): Need<T, ReadonlyMap<string, T>> => ({ capability: c, count: 'many' });

export type Provides = Readonly<Record<string, Capability<any>>>;
export type Needs = Readonly<Record<string, Need<any, any>>>;
export type Provided<P extends Provides> = { readonly [K in keyof P]: P[K] extends Capability<infer T> ? T : never };
export type Linked<N extends Needs> = { readonly [K in keyof N]: N[K] extends Need<any, infer H> ? H : never };
