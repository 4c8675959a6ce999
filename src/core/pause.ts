/** The time between two attempts of a task that is tried for ever, which can be cut short. */
import type { Clock } from '#core/world';

/** So long a pause is at least: whoever hastens again and again does no harm. */
const leastMs = 1000;

export class Pause {
  #hastened = false;
  #wake: (() => void) | undefined;

  /** What comes next is worth trying now. Without effect while nobody pauses. */
  hasten(): void {
    this.#hastened = true;
    this.#wake?.();
  }

  /** Waits `ms`, or until the signal fires. `patient`: nobody can hasten it. */
  async wait(clock: Clock, ms: number, signal: AbortSignal, patient: boolean): Promise<void> {
    this.#hastened = false;
    if (patient || ms <= leastMs) return clock.sleep(ms, signal);
    await clock.sleep(leastMs, signal);
    if (this.#hastened) return;
    const awake = new AbortController();
    this.#wake = () => awake.abort();
    await clock.sleep(ms - leastMs, AbortSignal.any([signal, awake.signal]));
    this.#wake = undefined;
  }
}
