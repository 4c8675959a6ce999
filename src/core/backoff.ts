/**
 * How long to wait before the next attempt (docs/spec/config.md 6.2): 1 s doubling to 30 s,
 * with 20 % jitter either way, so that four hundred cameras behind one switch do not knock
 * in step; from the start again after a minute of health. No clock of its own.
 */
import type { Retry } from '#core/errors';

const firstMs = 1000;
const ceilingMs = 30_000;
const healthyMs = 60_000;
const jitter = 0.2;

export class Backoff {
  #failures = 0;

  /**
   * Delay before the next attempt. What is never retried on its merits (a bug, an unsupported
   * codec) is retried at the slow end all the same: the camera may be changed meanwhile, and a
   * source is retried for ever (config.md 6.2 rule 1).
   * @param healthyForMs how long the attempt that failed had been healthy; 0 if it never was
   * @param unit a random number in 0..1
   */
  nextMs(retry: Retry, healthyForMs: number, unit: number): number {
    if (healthyForMs >= healthyMs) this.#failures = 0;
    const base = retry === 'backoff' ? Math.min(ceilingMs, firstMs * 2 ** this.#failures) : ceilingMs;
    // 2^16 s is far past the ceiling: beyond that there is nothing to count.
    this.#failures = Math.min(16, this.#failures + 1);
    return base * (1 - jitter + 2 * jitter * unit);
  }
}
