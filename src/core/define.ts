/**
 * An object type: one declaration from which types, validation, defaults, JSON Schema,
 * reference, reload cost, routes, procedures and legal links follow
 * (docs/design/architecture.md 2).
 */
import type { Linked, Needs, Provided, Provides } from '#core/capability';
import type { Implementation, InterfaceDecl } from '#core/interface';
import type { ProblemText } from '#core/problem';
import type { Static, TObject } from '#core/schema';
import type { Scope } from '#core/scope';
import type { Log, World } from '#core/world';

/** States an object may report of itself (config.md 6.1); `failed` and `stopped` are the runtime's to set. */
export type OwnState = 'starting' | 'running' | 'idle' | 'degraded';
export type State = OwnState | 'failed' | 'stopped';

/** One attempt of a task that is tried for ever (config.md 6.2). */
export interface Attempt {
  /** Closed when the attempt ends, however it ends. */
  readonly scope: Scope;
  readonly signal: AbortSignal;
  /** It works now: state `running`. The back-off is reset after a minute of this. */
  healthy(): void;
}

/** What an object is handed at birth. There is nothing else in the world. */
export interface Context<C extends TObject = TObject> {
  readonly name: string;
  readonly type: string;
  /** Checked, frozen, with defaults. `type`, `name` and `meta` are not in it. */
  readonly config: Static<C>;
  readonly world: World;
  /** Everything the object opens is owned here; the runtime closes it after `stop`. */
  readonly scope: Scope;
  /** Says the object's name in every line. */
  readonly log: Log;
  /** An event with this object as origin. `data` is plain. */
  emit(topic: string, data: Readonly<Record<string, unknown>>, details?: Readonly<Record<string, unknown>>): void;
  /** How the object is, when it changes; with a sentence for `degraded`. */
  report(state: OwnState, error?: string): void;
  /** Where the object can be reached from outside (`http://…`): for the ready line and the health page. */
  announce(urls: readonly string[]): void;
  /** How the object is, as everybody sees it: what `report` and `persist` said last, or the runtime. */
  state(): State;
  /**
   * Runs `attempt` now and again for ever: when it throws, the object is `failed` with that
   * error and is tried again after 1 s, doubling to 30 s, with jitter; kinds that are
   * retried `slowly` start at the slow end. When it returns it is run again at once, but
   * not more than once a second. Ends with the object's scope.
   */
  persist(what: string, attempt: (attempt: Attempt) => Promise<void>): Persistence;
}

/** A task that is tried for ever. */
export interface Persistence {
  /** It is worth trying now: the delay after a failure ends, when a second has passed. Not that of kinds that are retried `slowly`. */
  hasten(): void;
}

/**
 * What an object must be. The runtime calls, in this order: `link`, `start` once, then
 * `apply` and `link` as the configuration changes, `stop` once.
 */
export type Instance<C extends TObject, P extends Provides, N extends Needs, I extends readonly InterfaceDecl[]> = {
  /** Usable from birth on, so that objects can be linked and started in any order. */
  readonly provides: Provided<P>;
  /** The implementation of each interface that the type lists, by interface name. */
  readonly published: { readonly [D in I[number] as D['name']]: Implementation<D> };
  /** "Begin trying", not "succeeded". A throw makes the object `failed`; the runtime then recreates it with back-off. */
  start(): void | Promise<void>;
  /** For what the scope cannot close; the scope is closed after it. */
  stop?(): void | Promise<void>;
  /** Takes the new configuration, of which only fields marked `live` differ. */
  apply?(config: Static<C>): void | Promise<void>;
} & (0 extends 1 & N
  ? // Needs not known (`any`): a type of the list, whose objects may consume or not.
    Partial<Linking<N>>
  : keyof N extends never
    ? unknown
    : Linking<N>);

interface Linking<N extends Needs> {
  /** Takes the providers that are there now, in place of those of the last call. Called before `start`, and on change. */
  link(links: Linked<N>): void | Promise<void>;
}

/** Which thread an object lives in (docs/design/architecture.md 6): sources and what reads them live on the media loop. */
export type Stage = 'main' | 'media';

export interface ObjectType<
  C extends TObject = any,
  P extends Provides = any,
  N extends Needs = any,
  I extends readonly InterfaceDecl[] = any,
> {
  readonly type: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  readonly stage: Stage;
  /** Its own properties. `type`, `name`, `meta` and comments are everybody's and not listed. */
  readonly config: C;
  /** Properties of former times: name -> advice. Using one is an error with that advice. */
  readonly removed?: Readonly<Record<string, string>>;
  readonly provides: P;
  readonly consumes: N;
  readonly interfaces: I;
  /** Names of those of its interfaces that an object with this configuration has, where that is not all of them. Pure. */
  offers?(config: Static<C>): readonly I[number]['name'][];
  /** Findings that a schema cannot express (one of two required ...). Pure; pointers are relative to the object. */
  check?(config: Static<C>): readonly ProblemText[];
  /**
   * Every thread that knows of types loads all declarations. So a declaration stays light, and its behaviour is
   * imported in here, by the thread that the object lives on, when there is the first of its type.
   * What it returns is held against the declaration, and says nothing about it: hence no inference from it.
   */
  create(context: Context<C>): NoInfer<Instance<C, P, N, I>> | Promise<NoInfer<Instance<C, P, N, I>>>;
}

/** Freezes the declaration; its worth is in what the compiler refuses (test/architecture/refused.ts). */
export function defineObjectType<
  C extends TObject,
  P extends Provides,
  N extends Needs,
  const I extends readonly InterfaceDecl[],
>(type: ObjectType<C, P, N, I>): ObjectType<C, P, N, I> {
  return Object.freeze(type);
}

/** The interfaces that an object of this type and with this configuration has. */
export function interfacesOf(type: ObjectType, config: unknown): readonly InterfaceDecl[] {
  const all: readonly InterfaceDecl[] = type.interfaces;
  const offered: readonly string[] | undefined = type.offers?.(config);
  return offered === undefined ? all : all.filter(i => offered.includes(i.name));
}
