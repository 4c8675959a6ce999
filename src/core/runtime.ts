/**
 * The machine room's engine: makes what runs equal to what is wanted, step by printed
 * step, and knows how every object is. It knows capabilities and stages, never types
 * (docs/design/architecture.md 3, 5).
 */
import { type Arguments, checkArguments } from '#core/arguments';
import type { Binding, Checked, CheckedObject, Configuration } from '#core/configuration';
import { emptyConfiguration } from '#core/configuration';
import { interfacesOf, type ObjectType, type Stage as StageName, type State } from '#core/define';
import { Fault } from '#core/errors';
import type { Call, InterfaceDecl } from '#core/interface';
import type { Problem } from '#core/problem';
import { type Event, type Health, House, type Plan, type PlannedDocuments, Published } from '#core/published';
import type { Ask, Automatic, Links, Partner, StageHandle, StageNews } from '#core/stage';
import { isoTime } from '#core/time';
import type { World } from '#core/world';

/** An interface of every object, whatever its type. */
export interface CommonInterface {
  readonly decl: InterfaceDecl;
  /** Its functions for one object, by name; what the runtime itself knows suffices. Absent: it has signals only. */
  readonly implement?: (object: ObjectView) => Readonly<Record<string, () => unknown>>;
}

/** An interface of the house itself. */
export interface HouseInterface {
  readonly decl: InterfaceDecl;
  /** By name; called with checked arguments. */
  readonly functions: Readonly<Record<string, (args: Arguments, call: Call) => unknown>>;
}

/** An object as the runtime knows it. */
export interface ObjectView {
  readonly name: string;
  readonly type: string;
  readonly meta: Readonly<Record<string, unknown>> | undefined;
  readonly state: State;
}

export interface RuntimeParts {
  readonly world: World;
  readonly version: string;
  readonly types: ReadonlyMap<string, ObjectType>;
  /** Interfaces that every object has besides its type's. */
  readonly everyInterface: readonly CommonInterface[];
  /** What the house itself offers, beside its objects. */
  readonly houseInterfaces: readonly HouseInterface[];
  /** Opens the stages; called once, with where their news go and what the runtime provides. */
  readonly openStages: (news: StageNews, automatic: Automatic, ask: Ask) => Readonly<Record<StageName, StageHandle>>;
  /** Pure comparison: core/plan.ts. */
  readonly plan: (running: Configuration, wanted: Configuration) => Plan;
  /** Reads and checks a configuration: the files on disk unless these documents replace them. `running` is whose secrets "keep" means. */
  readonly load: (planned: PlannedDocuments, running: Configuration) => Promise<Checked>;
  readonly describe: (objects: readonly Published[]) => Readonly<Record<string, unknown>>;
  readonly schema: () => Readonly<Record<string, unknown>>;
}

/** An object as the runtime sees it: where it lives and how it is. */
interface Lodger {
  spec: CheckedObject;
  readonly type: ObjectType;
  readonly published: Published;
  state: State;
  error: string | undefined;
  sinceMs: number;
  urls: readonly string[];
}

/** States in which an object does its work (api.md 10.3, `StateChanged`). */
const works: ReadonlySet<State> = new Set<State>(['running', 'idle', 'degraded']);

export const filesOnDisk: PlannedDocuments = Object.freeze({ documents: [], replace: false });

export class Runtime {
  readonly house: House;
  readonly #parts: RuntimeParts;
  readonly #stages: Readonly<Record<StageName, StageHandle>>;
  readonly #lodgers = new Map<string, Lodger>();
  readonly #listeners = new Set<(event: Event) => void>();
  readonly #beganMs: number;
  #running: Configuration = emptyConfiguration;
  #stopping = false;
  /** Changes happen one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: RuntimeParts) {
    this.#parts = parts;
    this.#beganMs = parts.world.clock.monotonicMs();
    this.house = {
      version: parts.version,
      uptimeSeconds: () => (parts.world.clock.monotonicMs() - this.#beganMs) / 1000,
      stopping: () => this.#stopping,
      objects: () => this.#objects(),
      environment: environmentOf(parts),
      describe: () => parts.describe(this.#objects()),
      schema: parts.schema,
      plan: planned => this.plan(planned),
      onEvent: take => {
        this.#listeners.add(take);
        return { close: () => void this.#listeners.delete(take) };
      },
    };
    this.#stages = parts.openStages(
      {
        reported: (...news) => this.#reported(...news),
        announced: (name, urls) => this.#announced(name, urls),
        emitted: e => this.#emit(e),
      },
      {
        object: (id, name) => (id === Published.id ? this.#lodgers.get(name)?.published : undefined),
        house: id => (id === House.id ? this.house : undefined),
      },
      async (name, ...question) => this.#stageOf(name).ask(name, ...question),
    );
  }

  /** Where objects say they can be reached. */
  get urls(): readonly string[] {
    return [...this.#lodgers.values()].flatMap(l => l.urls);
  }

  /** Reads the configuration again and carries out the difference; with an error in it nothing changes. */
  reload(): Promise<
    { readonly plan: Plan; readonly problems: readonly Problem[] } | { readonly problems: readonly Problem[] }
  > {
    return this.#inTurn(async () => {
      if (this.#stopping) throw new Fault('cancelled', 'stopped', 'the daemon is stopping: nothing is loaded any more');
      const { problems, configuration } = await this.#parts.load(filesOnDisk, this.#running);
      if (!configuration) {
        this.#emitOwn('ConfigRejected', { problems: problems.filter(p => p.severity === 'error').length });
        return { problems };
      }
      return { plan: await this.#apply(configuration), problems };
    });
  }

  /** What a reload would do now, of the files on disk or of what is handed in. */
  async plan(planned: PlannedDocuments): Promise<{ plan: Plan } | { problems: readonly Problem[] }> {
    const { problems, configuration } = await this.#parts.load(planned, this.#running);
    return configuration ? { plan: this.#parts.plan(this.#running, configuration) } : { problems };
  }

  /** Makes this what runs. */
  apply(wanted: Configuration): Promise<Plan> {
    return this.#inTurn(() => this.#apply(wanted));
  }

  /** Stops every object, consumers before what they consume. Returns when nothing is open. */
  stop(): Promise<void> {
    this.#stopping = true;
    return this.#inTurn(async () => {
      for (const group of stopOrder([...this.#lodgers.keys()], this.#running.bindings))
        await Promise.all(group.map(name => this.#remove(name)));
      this.#running = emptyConfiguration;
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => undefined); // whoever asked for it gets the failure
    return mine;
  }

  async #apply(wanted: Configuration): Promise<Plan> {
    const plan = this.#parts.plan(this.#running, wanted);
    const specs = new Map(wanted.objects.map(o => [o.name, o]));
    const born = new Set<string>();
    for (const step of plan.steps) {
      if (step.op === 'remove' || step.op === 'recreate') await this.#remove(step.object);
    }
    const fresh = plan.steps.flatMap(s => (s.op === 'create' || s.op === 'recreate' ? [s.object] : []));
    await Promise.all(
      fresh.map(name => {
        born.add(name);
        return this.#create(known(specs, name));
      }),
    );
    for (const step of plan.steps) if (step.op === 'apply') await this.#change(known(specs, step.object), step.because);
    await this.#linkAll(wanted, born);
    await Promise.all(fresh.map(name => this.#stageOf(name).start(name)));
    this.#running = wanted;
    this.#emitOwn('ConfigApplied', { hash: plan.hash });
    return plan;
  }

  async #create(spec: CheckedObject): Promise<void> {
    const type = this.#parts.types.get(spec.type);
    if (!type) throw new Fault('bug', 'internal', `type "${spec.type}" passed the check and is not built in`);
    const lodger: Lodger = {
      spec,
      type,
      published: this.#publish(spec.name, type, interfacesOf(type, spec.config)),
      state: 'starting',
      error: undefined,
      sinceMs: this.#parts.world.clock.wallMs(),
      urls: [],
    };
    this.#lodgers.set(spec.name, lodger);
    await this.#stages[type.stage].create({ name: spec.name, type: spec.type, config: spec.config });
  }

  /** The partners of each consumer; of those on another stage it is said. */
  #linksByConsumer({ objects, bindings }: Configuration): Map<string, Links> {
    const stages = new Map(objects.map(o => [o.name, this.#parts.types.get(o.type)?.stage]));
    const found = new Map<string, Record<string, Partner[]>>();
    for (const { consumer, need, provider, slot } of bindings) {
      const links = found.get(consumer) ?? {};
      found.set(consumer, links);
      const elsewhere = slot !== '' && stages.get(consumer) !== stages.get(provider);
      (links[need] ??= []).push({ name: provider, slot, ...(elsewhere ? { elsewhere } : {}) });
    }
    return found;
  }

  async #remove(name: string): Promise<void> {
    await this.#stageOf(name).stop(name);
    this.#lodgers.delete(name);
  }

  async #change(spec: CheckedObject, because: readonly string[]): Promise<void> {
    const lodger = known(this.#lodgers, spec.name);
    lodger.spec = spec;
    // `meta` is for the faces alone: the object does not see it.
    if (because.some(pointer => pointer !== '/meta' && !pointer.startsWith('/meta/')))
      await this.#stageOf(spec.name).apply(spec.name, spec.config);
  }

  /** Hands links to new objects, and to those whose partners are others now. The stage leaves alone whom nothing changes for. */
  async #linkAll(wanted: Configuration, born: ReadonlySet<string>): Promise<void> {
    const gone = new Set(this.#running.objects.map(o => o.name).filter(name => !this.#lodgers.has(name)));
    const before = this.#linksByConsumer(this.#running);
    const after = this.#linksByConsumer(wanted);
    for (const { name } of wanted.objects) {
      const links = after.get(name) ?? {};
      const touched = (l: Links): boolean =>
        Object.values(l).some(ps => ps.some(p => born.has(p.name) || gone.has(p.name)));
      const same = JSON.stringify(before.get(name) ?? {}) === JSON.stringify(links);
      if (born.has(name) || !same || touched(links)) await this.#stageOf(name).link(name, links);
    }
  }

  #stageOf(name: string): StageHandle {
    return this.#stages[known(this.#lodgers, name).type.stage];
  }

  #publish(name: string, type: ObjectType, interfaces: readonly InterfaceDecl[]): Published {
    const lodger = (): Lodger => known(this.#lodgers, name);
    return {
      name,
      type: type.type,
      get meta() {
        return lodger().spec.meta;
      },
      interfaces: [...interfaces, ...this.#parts.everyInterface.map(c => c.decl)],
      health: () => healthOf(lodger()),
      call: async (interfaceName, functionName, args, call) => {
        const common = this.#parts.everyInterface.find(c => c.decl.name === interfaceName);
        if (!common) return this.#stages[type.stage].call(name, interfaceName, functionName, args, call);
        const { spec, state } = lodger();
        const functions = common.implement?.({ name, type: type.type, meta: spec.meta, state }) ?? {};
        const run = Object.hasOwn(functions, functionName) ? functions[functionName] : undefined;
        if (!run)
          throw new Fault('absent', 'not-found', `${name} has no function ${interfaceName}.${functionName}`, {
            object: name,
          });
        return run();
      },
    };
  }

  #objects(): readonly Published[] {
    return [...this.#lodgers.values()].map(l => l.published).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #reported(name: string, state: State, error: string | undefined): void {
    const lodger = this.#lodgers.get(name);
    if (!lodger) return;
    lodger.state = state;
    lodger.error = error;
    lodger.sinceMs = this.#parts.world.clock.wallMs();
    this.#emit({
      topic: 'StateChanged',
      origin: { name, type: lodger.type.type },
      timestamp: isoTime(lodger.sinceMs),
      data: { state: works.has(state), name: state, ...(error === undefined ? {} : { error }) },
    });
  }

  #announced(name: string, urls: readonly string[]): void {
    const lodger = this.#lodgers.get(name);
    if (lodger) lodger.urls = urls;
  }

  #emitOwn(topic: string, data: Readonly<Record<string, unknown>>): void {
    this.#emit({
      topic,
      origin: { name: 'main', type: 'cluster' },
      timestamp: isoTime(this.#parts.world.clock.wallMs()),
      data,
    });
  }

  #emit(event: Event): void {
    for (const take of this.#listeners) {
      try {
        take(event);
      } catch (e) {
        this.#parts.world.log.error('event-listener-failed', { topic: event.topic, error: String(e) });
      }
    }
  }
}

/** The functions of the house as one more published thing, so that faces check and call them like any others. */
function environmentOf({ houseInterfaces, world }: RuntimeParts): Published {
  const since = isoTime(world.clock.wallMs());
  return {
    name: 'env',
    type: 'environment',
    meta: undefined,
    interfaces: houseInterfaces.map(h => h.decl),
    health: () => ({ name: 'env', type: 'environment', state: 'running', since }),
    call: async (interfaceName, functionName, args, call) => {
      const found = houseInterfaces.find(h => h.decl.name === interfaceName);
      const run = found && Object.hasOwn(found.functions, functionName) ? found.functions[functionName] : undefined;
      const decl = found?.decl.functions[functionName];
      if (!run || !decl)
        throw new Fault('absent', 'not-found', `the house has no function ${interfaceName}.${functionName}`);
      return run(checkArguments(functionName, decl, args), call);
    },
  };
}

const healthOf = ({ spec, type, state, sinceMs, error }: Lodger): Health => ({
  name: spec.name,
  type: type.type,
  state,
  since: isoTime(sinceMs),
  ...(error === undefined ? {} : { error }),
});

function known<T>(map: ReadonlyMap<string, T>, name: string): T {
  const found = map.get(name);
  if (found === undefined) throw new Fault('absent', 'not-found', `there is no object "${name}"`, { object: name });
  return found;
}

/** Groups of names: nobody in a group consumes what a former group provided; within a cycle all go at once. */
export function stopOrder(names: readonly string[], bindings: readonly Binding[]): string[][] {
  const left = new Set(names);
  const groups: string[][] = [];
  while (left.size > 0) {
    const free = [...left].filter(
      name => !bindings.some(b => b.provider === name && b.consumer !== name && left.has(b.consumer)),
    );
    const group = free.length > 0 ? free : [...left];
    groups.push(group);
    for (const name of group) left.delete(name);
  }
  return groups;
}
