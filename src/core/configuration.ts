/** A checked configuration: what the runtime runs and the planner compares. Frozen, with defaults, without comments. */
import type { Problem } from '#core/problem';

export interface CheckedObject {
  readonly name: string;
  /** Canonical: aliases are resolved. */
  readonly type: string;
  /** The type's own properties, with defaults. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Verbatim; undefined if the object has none. */
  readonly meta: Readonly<Record<string, unknown>> | undefined;
}

/** A linked pair whose meaning is known: who consumes what of whom. Slot '' is what the runtime provides in the partner's name. */
export interface Binding {
  readonly consumer: string;
  readonly need: string;
  readonly provider: string;
  readonly slot: string;
}

/** Two linked names, in order of their names. */
export type Pair = readonly [string, string];

export interface Configuration {
  readonly objects: readonly CheckedObject[];
  readonly pairs: readonly Pair[];
  readonly bindings: readonly Binding[];
}

export const emptyConfiguration: Configuration = Object.freeze({ objects: [], pairs: [], bindings: [] });

/** The outcome of reading: every problem; the configuration only if none of them is an error. */
export interface Checked {
  readonly problems: readonly Problem[];
  readonly configuration?: Configuration;
}
