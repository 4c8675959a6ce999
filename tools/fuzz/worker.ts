/** One group in a thread of its own, so that who watches it can tell when it hangs. `workerData`: see `Work`. */
import { parentPort, workerData } from 'node:worker_threads';
import { allGroups } from './groups.ts';
import { spend } from './run.ts';

export interface Work {
  readonly name: string;
  readonly budget: number;
  readonly seed: number;
  /** The round that runs, and the bytes so far in KiB. */
  readonly progress: SharedArrayBuffer;
}

const { name, budget, seed, progress } = workerData as Work;
const told = new Int32Array(progress);
const group = (await allGroups()).find(g => g.name === name);
if (group === undefined) throw new Error(`no group ${name}`);
const spent = await spend(group, budget, seed, (round, bytes) => {
  Atomics.store(told, 0, round);
  Atomics.store(told, 1, Math.floor(bytes / 1024));
});
parentPort?.postMessage(spent);
