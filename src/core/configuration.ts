/** A checked configuration: what the runtime runs and the planner compares. Frozen, with defaults, without comments. */
import type { Problem } from '#core/problem';

/** A document as it was read. */
export interface Document {
  /** How problems call it: a file name, or what the caller calls its text. */
  readonly name: string;
  readonly text: string;
}

/** Where an object is declared, for messages that come later. Line and column are 1-based. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly pointer: string;
}

export interface CheckedObject {
  readonly name: string;
  /** Canonical: aliases are resolved. */
  readonly type: string;
  /** The type's own properties, with defaults. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Verbatim; undefined if the object has none. */
  readonly meta: Readonly<Record<string, unknown>> | undefined;
  /** Absent only where the object came from no document. */
  readonly place?: Place;
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
