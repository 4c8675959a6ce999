/**
 * Events of the device as events of the object (docs/spec/api.md 10.2): subscribed for as long
 * as the object lives, whether its stream is played or not. A subscription that is lost is made
 * again after a while (core/backoff.ts); while there is none the object is `degraded`, if it
 * is well otherwise. A device without events is told once, and asked again now and then: its
 * firmware may be changed.
 */
import { Backoff } from '#core/backoff';
import { faultFrom, kinds } from '#core/errors';
import { PullPoint } from '#onvif/pull-point';
import { type DeviceState, DeviceStates, deviceState } from '#onvif/topics';
import type { DeviceAccess } from './access.ts';

/** A device tells its states at once after a subscription; what it has not told by then has ended. */
const settleMs = 15_000;
const withoutEventsMs = 3_600_000;
/** A login that is refused is tried by the stream, too; devices lock accounts. */
const refusedMs = 300_000;
/** A failure of the stream lasts longer (core/backoff.ts). */
const watchMs = 500;
/** A device that answers at once with no news is not asked at once again. */
const pauseMs = 250;
/** Nor is one that has so much of it: a hundred a second, in the long run, are heard of one device. */
const pausePerEventMs = 10;

export class EventTeller {
  readonly #access: DeviceAccess;
  readonly #states = new DeviceStates();
  readonly #backoff = new Backoff();
  #told = '';
  /** How the object was before it was us who said that it is degraded. */
  #before: 'running' | 'idle' | undefined;
  /** Why there are no events now. */
  #trouble: string | undefined;
  /** The object had failed when it was looked at last. */
  #hadFailed = false;

  constructor(access: DeviceAccess) {
    this.#access = access;
  }

  /** Until the scope of the object closes. */
  start(): void {
    const { scope, world } = this.#access.context;
    scope.run('events', signal => this.#live(signal));
    scope.own(
      'events watch',
      world.clock.every(watchMs, () => this.#watch()),
      timer => timer.cancel(),
    );
  }

  /** Whoever follows our events has let go what held while we failed, and the device tells it once only (docs/spec/api.md 10.1). */
  #watch(): void {
    const failed = this.#access.context.state() === 'failed';
    if (this.#hadFailed && !failed) for (const told of this.#states.list) this.#emit(told);
    this.#hadFailed = failed;
    // The stream that is back says that all is well, and cannot know better.
    if (this.#trouble !== undefined) this.#report(this.#trouble);
  }

  async #live(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#access.context.world;
    while (!signal.aborted) {
      const beganMs = clock.monotonicMs();
      let waitMs: number;
      try {
        await this.#subscription(signal);
        waitMs = 1000;
      } catch (e) {
        if (signal.aborted) return;
        const fault = faultFrom(e);
        const none = fault.code === 'onvif-unsupported';
        this.#tell(none ? 'no-device-events' : 'device-events-lost', fault.code, fault.message);
        if (!none) this.#access.failed();
        this.#report(none ? undefined : fault.message);
        waitMs = none
          ? withoutEventsMs
          : fault.kind === 'refused'
            ? refusedMs
            : this.#backoff.nextMs(kinds[fault.kind].retry, clock.monotonicMs() - beganMs, random.unit());
      }
      await clock.sleep(waitMs, signal);
    }
  }

  async #subscription(signal: AbortSignal): Promise<void> {
    const { clock } = this.#access.context.world;
    const device = this.#access.device();
    const point = await PullPoint.open(device, clock, signal);
    try {
      this.#states.begin();
      const openedMs = clock.monotonicMs();
      let settled = false;
      for (let first = true; !signal.aborted; first = false) {
        const askedMs = clock.monotonicMs();
        const messages = await point.pull(signal);
        if (first) this.#works();
        let told = 0;
        for (const message of messages) {
          const state = deviceState(message);
          const news = state && this.#states.take(state);
          if (!news) continue;
          this.#emit(news);
          told++;
        }
        const nowMs = clock.monotonicMs();
        if (!settled && nowMs - openedMs >= settleMs) {
          settled = true;
          for (const ended of this.#states.settle()) this.#emit(ended);
        }
        if (told > 0) await clock.sleep(told * pausePerEventMs, signal);
        else if (nowMs - askedMs < pauseMs) await clock.sleep(pauseMs, signal);
      }
    } finally {
      await point.close();
    }
  }

  #emit({ topic, state, details }: Pick<DeviceState, 'topic' | 'state' | 'details'>): void {
    this.#access.context.emit(topic, { state }, details);
  }

  #works(): void {
    if (this.#told !== '') this.#access.context.log.info('device-events-back');
    this.#told = '';
    this.#report(undefined);
  }

  #report(trouble: string | undefined): void {
    const { context } = this.#access;
    const state = context.state();
    this.#trouble = trouble;
    if (trouble !== undefined && (state === 'running' || state === 'idle')) {
      this.#before = state;
      context.report('degraded', `no events: ${trouble}`);
    } else if (trouble === undefined && this.#before !== undefined) {
      if (state === 'degraded') context.report(this.#before);
      this.#before = undefined;
    } else if (trouble === undefined && state === 'starting' && !this.#streams) context.report('running');
  }

  get #streams(): boolean {
    const { enable } = this.#access.context.config;
    return enable.includes('video') || enable.includes('audio');
  }

  /** Once per kind of trouble, until it is over. */
  #tell(event: string, code: string, error: string): void {
    if (this.#told === code) return;
    this.#told = code;
    const { log } = this.#access.context;
    if (event === 'no-device-events') log.info(event, { error });
    else log.warn(event, { code, error });
  }
}
