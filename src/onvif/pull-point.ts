/**
 * One subscription by PullPoint, from its making to its end: pulled, renewed in time and
 * given up in order. Faults of the device come through; a subscription that the device has
 * forgotten is one of them, and another one is made by whoever has this one.
 */
import { Fault, faultFrom } from '#core/errors';
import type { Clock } from '#core/world';
import type { OnvifDevice } from './device.ts';
import {
  actions,
  createPullPoint,
  type Notification,
  pullMessages,
  readLifetime,
  readMessages,
  readSubscription,
  renew,
  type SubscriptionReference,
  setSynchronizationPoint,
  unsubscribe,
} from './events.ts';
import type { XmlElement } from './xml.ts';

/** Wished for; what the device gives counts. */
const lifetimeMs = 60_000;
/** A device that gives less than it takes to renew is not believed. */
const shortestMs = 6000;
/** How long a device may hold a request while nothing happens. */
const pullMs = 10_000;

export class PullPoint {
  readonly #device: OnvifDevice;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #reference: SubscriptionReference;
  #livesMs = lifetimeMs;
  #endsAtMs = 0;
  #renews = true;

  private constructor(device: OnvifDevice, clock: Pick<Clock, 'monotonicMs'>, reference: SubscriptionReference) {
    this.#device = device;
    this.#clock = clock;
    this.#reference = reference;
  }

  /** Fault `onvif-unsupported` if the device has no events. */
  static async open(device: OnvifDevice, clock: Pick<Clock, 'monotonicMs'>, signal: AbortSignal): Promise<PullPoint> {
    const answer = await device.ask('events', createPullPoint(lifetimeMs), { signal });
    const reference = readSubscription(answer);
    if (reference === undefined)
      throw new Fault('protocol', 'onvif-garbled', `${device.peer}: expected the address of a subscription, got none`);
    const point = new PullPoint(device, clock, reference);
    point.#lives(readLifetime(answer));
    try {
      await point.#ask(actions.synchronize, setSynchronizationPoint, signal);
    } catch (e) {
      // Devices that do not know it tell their states at the first pull, or have none.
      if (!['onvif-unsupported', 'onvif-fault', 'onvif-garbled'].includes(faultFrom(e).code)) {
        await point.close();
        throw e;
      }
    }
    return point;
  }

  /** What has happened since; waits up to 10 s for something. */
  async pull(signal: AbortSignal): Promise<Notification[]> {
    const now = this.#clock.monotonicMs();
    if (this.#renews && this.#endsAtMs - now <= this.#livesMs / 2) await this.#renew(signal);
    const waitMs = Math.max(1000, Math.min(pullMs, this.#livesMs / 4));
    const answer = await this.#ask(actions.pull, pullMessages(waitMs), signal, waitMs + pullMs);
    // PullMessages itself prolongs the life with many devices (Core 9.2.2), and tells so.
    this.#lives(readLifetime(answer));
    return readMessages(answer);
  }

  /** Told to the device, which may be gone: it forgets by itself in a minute. */
  async close(): Promise<void> {
    try {
      await this.#ask(actions.unsubscribe, unsubscribe, undefined, 1000);
    } catch (e) {
      faultFrom(e); // nothing follows from it: see above
    }
  }

  async #renew(signal: AbortSignal): Promise<void> {
    try {
      this.#lives(readLifetime(await this.#ask(actions.renew, renew(lifetimeMs), signal)) ?? lifetimeMs);
    } catch (e) {
      if (faultFrom(e).code !== 'onvif-unsupported') throw e;
      // It prolongs by being pulled, or it ends, and another one is made.
      this.#renews = false;
    }
  }

  #lives(ms: number | undefined): void {
    if (ms === undefined && this.#endsAtMs > 0) return;
    this.#livesMs = Math.max(shortestMs, Math.min(lifetimeMs, ms ?? lifetimeMs));
    this.#endsAtMs = this.#clock.monotonicMs() + this.#livesMs;
  }

  #ask(action: string, body: string, signal: AbortSignal | undefined, timeoutMs?: number): Promise<XmlElement> {
    const { address, parameters } = this.#reference;
    return this.#device.ask({ address }, body, {
      signal,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      addressing: { to: address, action, parameters },
    });
  }
}
