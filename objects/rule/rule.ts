/** The object: hears events of what it is linked with, and holds its cause at the recording controllers. */
import type { RecordControl } from '#capability/record-control';
import type { Context } from '#core/define';
import { faultFrom } from '#core/errors';
import type { Implementation } from '#core/interface';
import type { House, Published } from '#core/published';
import type { Timer } from '#core/world';
import type { RuleControl } from '#interface/rule-control';
import { Activity } from './activity.ts';
import type { RuleConfig, ruleConfig } from './config.ts';
import { inForce } from './schedule.ts';

/** A controller that was made anew learns of the cause after so long at most; one whose rule is gone forgets it after three times that. */
const renewMs = 3000;
const leaseSeconds = (3 * renewMs) / 1000;

export interface RuleLinks {
  readonly controllers: ReadonlyMap<string, RecordControl>;
  readonly objects: ReadonlyMap<string, Published>;
  readonly house: House;
}

export class Rule {
  readonly provides = {};
  readonly published: { readonly RuleControl: Implementation<typeof RuleControl> };
  readonly #context: Context<typeof ruleConfig>;
  readonly #activity = new Activity();
  #config: RuleConfig;
  #enabled: boolean;
  #links: RuleLinks | undefined;
  #listening: { close(): void } | undefined;
  #timer: Timer | undefined;
  /** Controllers that have been told that the cause holds. */
  readonly #held = new Map<string, RecordControl>();
  readonly #troubled = new Set<string>();

  constructor(context: Context<typeof ruleConfig>) {
    this.#context = context;
    this.#config = context.config;
    this.#enabled = context.config.enabled;
    this.published = {
      RuleControl: {
        status: () => this.#status(),
        set: ({ enabled }) => {
          this.#enabled = enabled;
          this.#evaluate();
          return this.#status();
        },
      },
    };
  }

  start(): void {
    this.#evaluate();
  }

  link(links: RuleLinks): void {
    const gone = [...(this.#links?.objects.keys() ?? [])].filter(name => !links.objects.has(name));
    for (const name of gone) this.#activity.lose(name);
    if (this.#links?.house !== links.house) {
      this.#listening?.close();
      this.#listening = links.house.onEvent(event => {
        const { name } = event.origin;
        // What a controller says of its own recording is no reason to record.
        if (!this.#links?.objects.has(name) || this.#links.controllers.has(name)) return;
        const isPulse = this.#activity.take(event, this.#now, this.#config);
        this.#evaluate(isPulse);
      });
    }
    this.#links = links;
    this.#evaluate();
  }

  apply(next: RuleConfig): void {
    if (next.enabled !== this.#config.enabled) this.#enabled = next.enabled;
    this.#config = next;
    this.#evaluate();
  }

  stop(): void {
    this.#listening?.close();
    this.#timer?.cancel();
    for (const [name, controller] of this.#held) this.#release(name, controller);
  }

  get #now(): number {
    return this.#context.world.clock.monotonicMs();
  }

  #status() {
    this.#activity.expire(this.#now, this.#config);
    return { enabled: this.#enabled, active: this.#activity.list };
  }

  /** `pulse`: a cause that may be over already is held for a moment, so that what was before and after is recorded. */
  #evaluate(pulse = false): void {
    const { clock } = this.#context.world;
    const now = this.#now;
    const inTime = this.#enabled && inForce(this.#config.schedule, clock.wallMs());
    const controllers = this.#links?.controllers ?? new Map<string, RecordControl>();
    if (pulse && inTime) for (const [name, controller] of controllers) this.#hold(name, controller);
    this.#activity.expire(now, this.#config);
    const holds = inTime && this.#activity.any;
    for (const [name, controller] of this.#held)
      if (!holds || controllers.get(name) !== controller) this.#release(name, controller);
    if (holds) for (const [name, controller] of controllers) this.#hold(name, controller);
    this.#timer?.cancel();
    this.#timer = undefined;
    if (!this.#activity.any) return;
    const nextMs = Math.min(renewMs, Math.max(1, this.#activity.firstEndMs(this.#config) - now));
    this.#timer = clock.after(nextMs, () => this.#evaluate());
  }

  #hold(name: string, controller: RecordControl): void {
    this.#held.set(name, controller);
    this.#tell(name, controller.hold(this.#context.name, leaseSeconds));
  }

  #release(name: string, controller: RecordControl): void {
    this.#held.delete(name);
    this.#tell(name, controller.release(this.#context.name));
  }

  /** A controller that does not work now is asked again with the next renewal; it is told once until it works. */
  #tell(name: string, answer: Promise<void>): void {
    answer.then(
      () => this.#troubled.delete(name),
      e => {
        if (!this.#troubled.has(name))
          this.#context.log.warn('controller-unavailable', { controller: name, error: faultFrom(e).message });
        this.#troubled.add(name);
      },
    );
  }
}
