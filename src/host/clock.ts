/** The machine's clocks and timers as `Clock` (core/world.ts). */
import type { Clock } from '#core/world';

/** setTimeout takes a signed 32-bit number of milliseconds and fires at once past it. */
const longestMs = 0x7fffffff;

export const clock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (ms, then) => {
    const timer = setTimeout(then, Math.min(ms, longestMs));
    return { cancel: () => clearTimeout(timer) };
  },
  every: (ms, then) => {
    const timer = setInterval(then, Math.min(ms, longestMs));
    return { cancel: () => clearInterval(timer) };
  },
  sleep: (ms, signal) =>
    new Promise(done => {
      if (signal?.aborted) return done();
      const end = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', end);
        done();
      };
      const timer = setTimeout(end, Math.min(ms, longestMs));
      signal?.addEventListener('abort', end, { once: true });
    }),
};
