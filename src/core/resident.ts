/**
 * One object on its stage: its instance, its links, its state. Keeps the promise of
 * docs/design/architecture.md 5: what fails is tried again with back-off, here and nowhere
 * else; after `stop` nothing is open.
 */
import { Backoff } from '#core/backoff';
import {
  type Attempt,
  type Context,
  type Instance,
  interfacesOf,
  type ObjectType,
  type OwnState,
  type State,
} from '#core/define';
import { Fault, faultFrom, kinds } from '#core/errors';
import type { Call } from '#core/interface';
import { Pause } from '#core/pause';
import { Scope } from '#core/scope';
import type { Links, ObjectSpec, StageNews } from '#core/stage';
import { isoTime } from '#core/time';
import type { Log, World } from '#core/world';

type AnyInstance = Omit<Instance<any, any, any, any>, 'link'> & { link?(links: unknown): void | Promise<void> };

/** What the resident asks of its stage. */
export interface Neighbourhood {
  providers(links: Links): Record<string, unknown> | { readonly missing: string };
  /** The instance is another one now, or gone: who uses it must be linked anew. */
  changed(): Promise<void>;
}

/** An attempt that returns is not run again sooner than this after it began. */
const attemptEveryMs = 1000;
/** The same failure of the same object is not logged again sooner. */
const repeatLogMs = 600_000;

export class Resident {
  #spec: ObjectSpec;
  readonly #type: ObjectType;
  readonly #world: World;
  readonly #log: Log;
  readonly #news: StageNews;
  readonly #around: Neighbourhood;
  readonly #backoff = new Backoff();
  /** Outlives the instances: holds the wait before the next one. */
  readonly #life: Scope;
  #scope: Scope | undefined;
  #instance: AnyInstance | undefined;
  #links: Links = {};
  #linked: Record<string, unknown> | undefined;
  /** While a need is not met: the state to go back to. */
  #lonely: { readonly before: State } | undefined;
  #started = false;
  #wantsStart = false;
  /** Tasks under `persist`: they say when it runs. */
  #persisting = 0;
  #state: State | undefined;
  #error: string | undefined;
  #logged = { text: '', atMs: Number.NEGATIVE_INFINITY };

  constructor(spec: ObjectSpec, type: ObjectType, world: World, news: StageNews, around: Neighbourhood) {
    this.#spec = spec;
    this.#type = type;
    this.#world = world;
    this.#news = news;
    this.#around = around;
    this.#log = world.log.with({ object: spec.name });
    this.#life = new Scope(spec.name, e => this.#fail(e));
  }

  /** What the instance offers its partners; empty while there is none. */
  get provides(): Readonly<Record<string, unknown>> {
    return this.#instance?.provides ?? {};
  }

  get type(): string {
    return this.#spec.type;
  }

  get open(): readonly string[] {
    return this.#scope?.open ?? [];
  }

  uses(name: string): boolean {
    return Object.values(this.#links).some(partners => partners.some(p => p.name === name));
  }

  async create(): Promise<void> {
    this.#set('starting');
    try {
      const scope = new Scope(this.#spec.name, (e, task) => this.#log.error('task-failed', { task, ...factsOf(e) }));
      this.#scope = scope;
      const made: AnyInstance | Promise<AnyInstance> = this.#type.create(this.#context(scope));
      this.#instance = await made;
    } catch (e) {
      await this.#fall(e);
    }
  }

  async link(links: Links): Promise<void> {
    this.#links = links;
    await this.relink();
  }

  /** Hands the instance its partners if they are others than last time. */
  async relink(): Promise<void> {
    if (!this.#instance?.link) return;
    const providers = this.#around.providers(this.#links);
    if ('missing' in providers) {
      if (!this.#lonely) this.#lonely = { before: this.#state ?? 'starting' };
      this.#set('failed', `it is linked with nothing that offers ${providers.missing} now`);
      return;
    }
    const lonely = this.#lonely;
    this.#lonely = undefined;
    if (lonely && this.#started) this.#set(lonely.before);
    if (this.#linked && sameProviders(this.#linked, providers)) return;
    this.#linked = providers;
    if (!this.#started && this.#state === 'failed') this.#set('starting');
    try {
      await this.#instance.link(providers);
    } catch (e) {
      await this.#fall(e);
      return;
    }
    if (this.#wantsStart && !this.#started) await this.start();
  }

  async start(): Promise<void> {
    this.#wantsStart = true;
    const instance = this.#instance;
    if (!instance || this.#started || (instance.link && !this.#linked)) return;
    this.#started = true;
    try {
      await instance.start();
    } catch (e) {
      await this.#fall(e);
      return;
    }
    if (this.#instance === instance && this.#state === 'starting' && !this.#persisting) this.#set('running');
  }

  async apply(config: Readonly<Record<string, unknown>>): Promise<void> {
    this.#spec = { ...this.#spec, config };
    try {
      await this.#instance?.apply?.(config as never);
    } catch (e) {
      await this.#fall(e);
    }
  }

  async stop(): Promise<void> {
    this.#wantsStart = false;
    await this.#life.close();
    await this.#bury();
    this.#set('stopped');
  }

  async call(
    interfaceName: string,
    functionName: string,
    args: Readonly<Record<string, unknown>>,
    call: Call,
  ): Promise<unknown> {
    if (!this.#instance)
      throw new Fault(
        'storage',
        'unavailable',
        `${this.#spec.name} does not work now: ${this.#error ?? 'it is starting'}`,
        { object: this.#spec.name },
      );
    const declared = interfacesOf(this.#type, this.#spec.config).find(d => d.name === interfaceName);
    const property = /^[gs]et_(.*)$/.exec(functionName)?.[1];
    const known =
      declared !== undefined &&
      (Object.hasOwn(declared.functions, functionName) ||
        (property !== undefined && Object.hasOwn(declared.properties, property)));
    if (!known)
      throw new Fault('absent', 'not-found', `${this.#spec.name} has no function ${interfaceName}.${functionName}`, {
        object: this.#spec.name,
      });
    const implementation = (
      this.#instance.published as Record<string, Record<string, (args: unknown, call: Call) => unknown>>
    )[interfaceName];
    const run = implementation?.[functionName];
    if (!run)
      throw new Fault(
        'bug',
        'internal',
        `${this.#type.type} declares ${interfaceName}.${functionName} and does not implement it`,
      );
    return run.call(implementation, args, call);
  }

  #context(scope: Scope): Context<any> {
    const { name, type, config } = this.#spec;
    return {
      name,
      type,
      config,
      world: this.#world,
      scope,
      log: this.#log,
      emit: (topic, data, details) =>
        this.#news.emitted({
          topic,
          origin: { name, type, ...(details === undefined ? {} : { details }) },
          timestamp: isoTime(this.#world.clock.wallMs()),
          data,
        }),
      report: (state, error) => {
        if (this.#scope === scope) this.#set(state, error);
      },
      state: () => this.#state ?? 'starting',
      announce: urls => this.#news.announced(name, urls),
      persist: (what, attempt) => {
        this.#persisting++;
        const pause = new Pause();
        scope.run(what, signal => this.#persist(scope, what, attempt, signal, pause));
        return pause;
      },
    };
  }

  async #persist(
    scope: Scope,
    what: string,
    attempt: (a: Attempt) => Promise<void>,
    signal: AbortSignal,
    pause: Pause,
  ): Promise<void> {
    const { clock, random } = this.#world;
    const backoff = new Backoff();
    while (!signal.aborted) {
      const inner = scope.child(what);
      const beganMs = clock.monotonicMs();
      this.#log.debug('attempt', { what });
      let healthyAtMs: number | undefined;
      let fault: Fault | undefined;
      const healthy = (): void => {
        healthyAtMs ??= clock.monotonicMs();
        if (!inner.signal.aborted) this.#set('running');
      };
      try {
        await attempt({ scope: inner, signal: inner.signal, healthy });
      } catch (e) {
        fault = faultFrom(e);
      }
      const endedMs = clock.monotonicMs();
      await inner.close();
      scope.forget(inner);
      if (signal.aborted) return;
      let waitMs = Math.max(0, attemptEveryMs - (endedMs - beganMs));
      if (fault) {
        waitMs = backoff.nextMs(
          kinds[fault.kind].retry,
          healthyAtMs === undefined ? 0 : endedMs - healthyAtMs,
          random.unit(),
        );
        this.#fail(fault, waitMs);
      }
      await pause.wait(clock, waitMs, signal, fault !== undefined && kinds[fault.kind].retry !== 'backoff');
    }
  }

  /** The instance cannot go on: it is buried, and another is born after a while. */
  async #fall(thrown: unknown): Promise<void> {
    const fault = faultFrom(thrown);
    const waitMs = this.#backoff.nextMs(kinds[fault.kind].retry, 0, this.#world.random.unit());
    this.#fail(fault, waitMs);
    await this.#bury();
    if (this.#life.signal.aborted) return;
    this.#life.run('wait before rebirth', async signal => {
      await this.#around.changed();
      await this.#world.clock.sleep(waitMs, signal);
      if (!signal.aborted) await this.#rebirth();
    });
  }

  async #rebirth(): Promise<void> {
    await this.create();
    if (!this.#instance) return;
    await this.relink();
    await this.#around.changed();
    if (this.#wantsStart) await this.start();
  }

  async #bury(): Promise<void> {
    const [instance, scope] = [this.#instance, this.#scope];
    this.#instance = undefined;
    this.#linked = undefined;
    this.#lonely = undefined;
    this.#started = false;
    this.#persisting = 0;
    try {
      await instance?.stop?.();
    } catch (e) {
      this.#log.error('stop-failed', factsOf(e));
    }
    await scope?.close();
    if (this.#scope === scope) this.#scope = undefined;
  }

  #fail(thrown: unknown, retryInMs?: number): void {
    const fault = faultFrom(thrown);
    const nowMs = this.#world.clock.monotonicMs();
    const text = `${fault.code} ${fault.message}`;
    if (text !== this.#logged.text || nowMs - this.#logged.atMs >= repeatLogMs) {
      this.#logged = { text, atMs: nowMs };
      this.#log[kinds[fault.kind].log]('object-failed', {
        ...factsOf(fault),
        ...(retryInMs === undefined ? {} : { retry_in_ms: Math.round(retryInMs) }),
      });
    }
    this.#set('failed', fault.message);
  }

  #set(state: OwnState | State, error?: string): void {
    if (state === this.#state && error === this.#error) return;
    if (state === 'running' && this.#state === 'failed') this.#log.info('object-works-again');
    this.#state = state;
    this.#error = error;
    this.#news.reported(this.#spec.name, state, error);
  }
}

/** What was thrown, as facts for the log; a bug keeps its stack. */
function factsOf(thrown: unknown): Record<string, unknown> {
  const fault = faultFrom(thrown);
  const stack = fault.kind === 'bug' ? ((fault.cause as Error | undefined)?.stack ?? fault.stack) : undefined;
  return {
    kind: fault.kind,
    code: fault.code,
    error: fault.message,
    ...fault.where,
    ...(stack === undefined ? {} : { stack }),
  };
}

function sameProviders(a: Record<string, unknown>, b: Record<string, unknown>): boolean {
  return Object.entries(b).every(([need, handle]) => {
    const before = a[need];
    if (!(handle instanceof Map) || !(before instanceof Map)) return before === handle;
    return before.size === handle.size && [...handle].every(([name, provider]) => before.get(name) === provider);
  });
}
