/** Somebody who waits for a while: a promise with a deadline on the world's clock. */
import type { Fault } from '#core/errors';
import type { Clock, Timer } from '#core/world';

export class Wait<T> {
  readonly promise: Promise<T>;
  readonly #timer: Timer;
  readonly #resolve: (value: T) => void;
  readonly #reject: (fault: Fault) => void;

  /** Fails with `late()` after `ms`, unless `done` or `fail` come first; later calls do nothing. */
  constructor(clock: Clock, ms: number, late: () => Fault) {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.promise = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timer = clock.after(ms, () => reject(late()));
  }

  done(value: T): void {
    this.#timer.cancel();
    this.#resolve(value);
  }

  fail(fault: Fault): void {
    this.#timer.cancel();
    this.#reject(fault);
  }
}
