/**
 * A stage is where objects live: the main thread is one, the media loop another. It creates,
 * links, starts, changes and buries them as the runtime says, keeps trying what fails, and
 * tells the runtime how each is. Objects of one stage hold each other directly.
 */
import type { Capability, Needs, Provides } from '#core/capability';
import type { ObjectType, Stage as StageName, State } from '#core/define';
import { Fault } from '#core/errors';
import type { Call } from '#core/interface';
import type { Event } from '#core/published';
import { Resident } from '#core/resident';
import type { World } from '#core/world';

/** One partner behind a need; `slot` names what the partner provides, '' for what the runtime provides in its name. */
export interface Partner {
  readonly name: string;
  readonly slot: string;
  /** It lives on another stage. */
  readonly elsewhere?: true;
}

/** The partners of one object, by need. */
export type Links = Readonly<Record<string, readonly Partner[]>>;

export interface ObjectSpec {
  readonly name: string;
  /** Canonical. */
  readonly type: string;
  readonly config: Readonly<Record<string, unknown>>;
}

/** What the runtime asks of a stage, in this thread or another: plain data only. */
export interface StageHandle {
  create(spec: ObjectSpec): Promise<void>;
  link(name: string, links: Links): Promise<void>;
  start(name: string): Promise<void>;
  apply(name: string, config: Readonly<Record<string, unknown>>): Promise<void>;
  /** Returns when nothing of the object is open. */
  stop(name: string): Promise<void>;
  call(
    name: string,
    interfaceName: string,
    functionName: string,
    args: Readonly<Record<string, unknown>>,
    call: Call,
  ): Promise<unknown>;
  /** Calls a function of what an object provides, for a consumer on another stage. */
  ask(name: string, slot: string, functionName: string, args: readonly unknown[]): Promise<unknown>;
}

/** Calls a function of what an object of another stage provides; Fault if that one does not work now. */
export type Ask = StageHandle['ask'];

/** What a stage tells the runtime. */
export interface StageNews {
  reported(name: string, state: State, error: string | undefined): void;
  announced(name: string, urls: readonly string[]): void;
  emitted(event: Event): void;
}

/** What the runtime provides in the name of objects: capabilities declared `automatic`. */
export interface Automatic {
  object(capabilityId: string, name: string): unknown;
  house(capabilityId: string): unknown;
}

const none: Automatic = { object: () => undefined, house: () => undefined };
const nobody: Ask = async name => {
  throw new Fault('absent', 'not-found', `no other stage, so no object "${name}" on it`);
};

export class Stage implements StageHandle {
  readonly #name: StageName;
  readonly #world: World;
  readonly #types: ReadonlyMap<string, ObjectType>;
  readonly #news: StageNews;
  readonly #automatic: Automatic;
  readonly #ask: Ask;
  readonly #residents = new Map<string, Resident>();
  readonly #distants = new Map<string, unknown>();

  constructor(
    name: StageName,
    world: World,
    types: ReadonlyMap<string, ObjectType>,
    news: StageNews,
    automatic: Automatic = none,
    ask: Ask = nobody,
  ) {
    this.#name = name;
    this.#world = world;
    this.#types = types;
    this.#news = news;
    this.#automatic = automatic;
    this.#ask = ask;
  }

  async create(spec: ObjectSpec): Promise<void> {
    const type = this.#types.get(spec.type);
    if (type?.stage !== this.#name)
      throw new Fault('bug', 'internal', `type "${spec.type}" does not live on the ${this.#name} stage`);
    const resident = new Resident(spec, type, this.#world, this.#news, {
      providers: links => this.#resolve(type.consumes as Needs, links),
      changed: () => this.#relinkUsersOf(spec.name),
    });
    this.#residents.set(spec.name, resident);
    await resident.create();
    await this.#relinkUsersOf(spec.name);
  }

  link(name: string, links: Links): Promise<void> {
    return this.#resident(name).link(links);
  }

  start(name: string): Promise<void> {
    return this.#resident(name).start();
  }

  apply(name: string, config: Readonly<Record<string, unknown>>): Promise<void> {
    return this.#resident(name).apply(config);
  }

  async stop(name: string): Promise<void> {
    const resident = this.#resident(name);
    await resident.stop();
    this.#residents.delete(name);
    await this.#relinkUsersOf(name);
  }

  async call(
    name: string,
    interfaceName: string,
    functionName: string,
    args: Readonly<Record<string, unknown>>,
    call: Call,
  ): Promise<unknown> {
    return this.#resident(name).call(interfaceName, functionName, args, call);
  }

  async ask(name: string, slot: string, functionName: string, args: readonly unknown[]): Promise<unknown> {
    const type = this.#types.get(this.#resident(name).type);
    const { calls = [] } = (type?.provides as Provides | undefined)?.[slot] ?? {};
    if (!calls.includes(functionName))
      throw new Fault('bug', 'internal', `${name} offers no function ${slot}.${functionName} to other stages`);
    const offered = this.#resident(name).provides[slot] as Readonly<Record<string, (...a: unknown[]) => unknown>>;
    if (!offered) throw new Fault('storage', 'unavailable', `${name} does not work now`, { object: name });
    return offered[functionName]?.(...args);
  }

  /** What is open, per object; for the leak tests. */
  get open(): Readonly<Record<string, readonly string[]>> {
    return Object.fromEntries([...this.#residents].map(([name, r]) => [name, r.open]));
  }

  #resident(name: string): Resident {
    const found = this.#residents.get(name);
    if (!found) throw new Fault('absent', 'not-found', `no object "${name}" lives on the ${this.#name} stage`);
    return found;
  }

  async #relinkUsersOf(name: string): Promise<void> {
    for (const r of this.#residents.values()) if (r.uses(name)) await r.relink();
  }

  /** Always there: whether its provider works shows when it is called. The same one each time, so that nobody is linked anew for it. */
  #distant({ id, calls }: Capability<unknown>, { name, slot }: Partner): unknown {
    if (!calls) return undefined;
    const key = JSON.stringify([id, name, slot]);
    const known = this.#distants.get(key);
    if (known) return known;
    const ask = this.#ask;
    const made = Object.fromEntries(calls.map(f => [f, (...args: unknown[]) => ask(name, slot, f, args)]));
    this.#distants.set(key, made);
    return made;
  }

  /** The handles of an object's needs as things stand, or which one is not met: a need for `one`, or a linked `optional` one. */
  #resolve(consumes: Needs, links: Links): Record<string, unknown> | { readonly missing: string } {
    const handles: Record<string, unknown> = {};
    for (const [need, { capability, count }] of Object.entries(consumes)) {
      const found = new Map<string, unknown>();
      if (capability.automatic === 'house') found.set('', this.#automatic.house(capability.id));
      for (const partner of links[need] ?? []) {
        const { name, slot } = partner;
        const offered =
          capability.automatic === 'object'
            ? this.#automatic.object(capability.id, name)
            : partner.elsewhere
              ? this.#distant(capability, partner)
              : this.#residents.get(name)?.provides[slot];
        // Two slots of one partner that offer the same capability count once: the first.
        if (offered !== undefined && !found.has(name)) found.set(name, offered);
      }
      if (count === 'many') handles[need] = found;
      else {
        const [first] = [...found].sort(([a], [b]) => (a < b ? -1 : 1));
        const isLinked = (links[need]?.length ?? 0) > 0;
        if (first === undefined && (count === 'one' || isLinked)) return { missing: capability.id };
        handles[need] = first?.[1];
      }
    }
    return handles;
  }
}
