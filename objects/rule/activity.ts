/**
 * What a rule would record for: events by origin and topic, from their begin to their end
 * (docs/spec/config.md 10.3). Pure; times are monotonic milliseconds where not said otherwise.
 */
import type { Event } from '#core/published';

/** Said by the product of itself, not by a device or an application: they do not count unless a filter names them. */
const ownTopics: ReadonlySet<string> = new Set(['StateChanged', 'StreamChanged']);

export interface ActivitySettings {
  /** Topics; empty: all but the product's own. */
  readonly filter: readonly string[];
  /** Seconds that an event without a state holds. */
  readonly duration: number;
  /** Seconds after which an event ends by itself; 0: never. */
  readonly max_duration: number;
}

interface Active {
  readonly origin: Event['origin'];
  readonly topic: string;
  /** As the event's timestamp. */
  readonly since: string;
  readonly beganMs: number;
  /** Of a pulse. */
  readonly endsMs: number;
}

/** Of origins that make up details without end: what is active already holds the cause, and the others are pulses. */
const activeLimit = 1000;

export class Activity {
  readonly #active = new Map<string, Active>();

  /** True if it was a pulse: whoever records does so for a moment at least, even with duration 0. */
  take(event: Event, nowMs: number, { filter, duration }: ActivitySettings): boolean {
    const { topic, origin, data } = event;
    if (topic === 'StateChanged' && data['state'] === false) this.lose(origin.name);
    const key = keyOf(event);
    const { state } = data;
    if (state === false) {
      this.#active.delete(key);
      return false;
    }
    if (!passes(filter, topic)) return false;
    const endsMs = state === true ? Number.POSITIVE_INFINITY : nowMs + duration * 1000;
    const before = this.#active.get(key);
    // Said again while it holds: motion is, once a second.
    if (before) this.#active.set(key, { ...before, endsMs });
    else if (this.#active.size >= activeLimit) return true;
    else this.#active.set(key, { origin, topic, since: event.timestamp, beganMs: nowMs, endsMs });
    return state !== true;
  }

  /** The origin works no more, or is linked no more: nobody will tell the end. */
  lose(name: string): void {
    for (const [key, { origin }] of this.#active) if (origin.name === name) this.#active.delete(key);
  }

  /** Ends what lasted long enough. */
  expire(nowMs: number, settings: ActivitySettings): void {
    for (const [key, active] of this.#active) if (this.#endOf(active, settings) <= nowMs) this.#active.delete(key);
  }

  /** When the first of them ends by itself; Infinity if none does. */
  firstEndMs(settings: ActivitySettings): number {
    let first = Number.POSITIVE_INFINITY;
    for (const active of this.#active.values()) first = Math.min(first, this.#endOf(active, settings));
    return first;
  }

  get list(): { origin: Event['origin']; topic: string; since: string }[] {
    return [...this.#active.values()].map(({ origin, topic, since }) => ({ origin, topic, since }));
  }

  get any(): boolean {
    return this.#active.size > 0;
  }

  #endOf({ beganMs, endsMs }: Active, { max_duration }: ActivitySettings): number {
    return max_duration > 0 ? Math.min(endsMs, beganMs + max_duration * 1000) : endsMs;
  }
}

/** Two pins of one device are two origins; what begins as PublishStarted ends as PublishEnded (docs/spec/api.md 10.3). */
const keyOf = ({ topic, origin }: Event): string =>
  JSON.stringify([topic.replace(/(?<=\w)(Started|Ended|Stopped)$/, ''), origin.name, origin.details ?? null]);

const passes = (filter: readonly string[], topic: string): boolean =>
  filter.length === 0
    ? !ownTopics.has(topic)
    : filter.includes(topic) || (topic === 'GlobalSceneChange' && filter.includes('SceneChange'));
