/** How V8 decides when to collect garbage. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Access units live in array buffers, outside of V8's heap. By default every few tens of
 * megabytes of new ones start a full collection, whatever the heap looks like: with 30 cameras once
 * or twice a second, a third of all CPU time. With this flag V8 weighs them together with
 * the heap, as its own limits grow (half as many collections, 30% less CPU, 10% more memory). Call
 * it before any thread starts. Versions that do not know the flag are left as they are.
 */
export function weighBuffersWithHeap(): void {
  if (Number.parseInt(process.versions.v8, 10) >= 14) setFlagsFromString('--external-memory-accounted-in-global-limit');
}

/**
 * Gives threads that start from now on more room for young objects than the launcher's
 * `--max-semi-space-size=1`. Every access unit is one, small in the heap and large outside of it: with many
 * cameras too little room means garbage collection all the time (32 cameras recorded: 10.5 % of a core with
 * 1 MB, 6.3 % with 8 MB, the same memory); with few it costs 50 MB and saves nothing.
 */
export function giveThreadsRoom(): void {
  setFlagsFromString('--max-semi-space-size=8');
}

const settledAfterMs = 5_000;

/**
 * Gives back, once, what only the start of this thread needed: a quiet daemon allocates so little that V8 would
 * keep it for hours (one camera recorded: 78 MB of own memory without this, 62 MB with it). Takes about 20 ms,
 * a few seconds after the call, when the first media have been seen.
 */
export function releaseStartMemory(): void {
  const release = (): void => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('globalThis.gc') as NodeJS.GCFunction | undefined;
    collect?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  };
  setTimeout(release, settledAfterMs).unref();
}
