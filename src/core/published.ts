/**
 * What the faces see of an object, and of the house as a whole. Both are automatic: the
 * runtime gives `Published` to a consumer for every object it is linked with, of whatever
 * thread, and `House` to every consumer without a link.
 */
import { capability } from '#core/capability';
import type { Document } from '#core/configuration';
import type { State } from '#core/define';
import type { Call, InterfaceDecl } from '#core/interface';
import type { Problem } from '#core/problem';

export interface Health {
  readonly name: string;
  readonly type: string;
  readonly state: State;
  /** ISO time at which this state began. */
  readonly since: string;
  readonly error?: string;
}

export interface Published {
  readonly name: string;
  readonly type: string;
  /** Verbatim from the configuration; undefined if it has none. */
  readonly meta: Readonly<Record<string, unknown>> | undefined;
  /** With EventProducer and BaseObject. */
  readonly interfaces: readonly InterfaceDecl[];
  health(): Health;
  /**
   * Calls a function (or `get_p`, `set_p` of a property). `args` are named and not yet checked:
   * the answer is checked arguments in, plain result (or MediaAnswer) out; Fault otherwise.
   */
  call(
    interfaceName: string,
    functionName: string,
    args: Readonly<Record<string, unknown>>,
    call: Call,
  ): Promise<unknown>;
}

export const Published = capability<Published>(
  'published',
  'The functions of an object, for the faces that publish it.',
  { automatic: 'object' },
);

/** An event as every face hands it out (api.md 10.1). */
export interface Event {
  readonly topic: string;
  readonly origin: {
    readonly name: string;
    readonly type: string;
    readonly details?: Readonly<Record<string, unknown>>;
  };
  readonly timestamp: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A step of a plan as it is printed (config.md 6.3). */
export type PlanStep =
  | { readonly op: 'remove' | 'create'; readonly object: string }
  | {
      readonly op: 'recreate';
      readonly object: string;
      readonly because: readonly string[];
      readonly interrupts: readonly string[];
    }
  | { readonly op: 'apply'; readonly object: string; readonly because: readonly string[] }
  | { readonly op: 'relink'; readonly pair: readonly [string, string]; readonly change: 'add' | 'remove' | 'replace' };

export interface Plan {
  /** Of the wanted configuration. */
  readonly hash: string;
  readonly steps: readonly PlanStep[];
}

/** Whose plan is wanted: the files on disk with these documents after them, or these documents alone. */
export interface PlannedDocuments {
  readonly documents: readonly Document[];
  readonly replace: boolean;
}

/** The house as a whole: what does not belong to one object. */
export interface House {
  readonly version: string;
  /** Seconds since the start. */
  uptimeSeconds(): number;
  /** Of the daemon itself: it answers `failed` once it is stopping. */
  stopping(): boolean;
  /** Every object of the cluster, in order of name. */
  objects(): readonly Published[];
  /** Functions that belong to no object: the interfaces of the house. Reached below `/v1/env`; named `env`, though no object is. */
  readonly environment: Published;
  /** Types, interfaces: for describe; JSON Schema of a document: for editors. */
  describe(): Readonly<Record<string, unknown>>;
  schema(): Readonly<Record<string, unknown>>;
  /** What a reload would do; problems if it would be refused. */
  plan(documents: PlannedDocuments): Promise<{ plan: Plan } | { problems: readonly Problem[] }>;
  /** Every event, in order per origin. */
  onEvent(take: (event: Event) => void): { close(): void };
}

export const House = capability<House>('house', 'The daemon as a whole: all objects, types, plan, events.', {
  automatic: 'house',
});
