/** Spends a budget of bytes on one group: round after round by seed, the heap measured when it has come to rest and at the end. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { SeededRandom } from '#fake/world';
import type { Group } from './group.ts';

export interface Spent {
  readonly bytes: number;
  readonly rounds: number;
  readonly seconds: number;
  /** After collections: between when it had come to rest, and the end. */
  readonly heapGrowthBytes: number;
}

/** A heap that has grown by more than this holds what it should have let go. */
const growthLimitBytes = 8 << 20;
/** Until then code is still being compiled. */
const warmBytes = 10e6;

/** Apart enough that neighbouring rounds have nothing in common. */
export const roundSeed = (seed: number, round: number): number => (seed * 1_000_003 + round * 7919) % 0x7ffffff0;

/** Rejects with what went wrong and the round to have it again. `told` is called before every round. */
export async function spend(
  group: Group,
  budget: number,
  seed: number,
  told?: (round: number, bytes: number) => void,
): Promise<Spent> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const heap = async (): Promise<number> => {
    // What the first one frees outside the heap is only counted when finalizers have run.
    for (let n = 0; n < 3; n++) {
      collect();
      await new Promise(setImmediate);
    }
    const { heapUsed, external, arrayBuffers } = process.memoryUsage();
    return heapUsed + external + arrayBuffers;
  };
  const began = performance.now();
  let bytes = 0;
  let round = 0;
  let rested: number | undefined;
  for (; bytes < budget; round++) {
    told?.(round, bytes);
    try {
      bytes += await group.round(new SeededRandom(roundSeed(seed, round)));
    } catch (e) {
      const again = `--only ${group.name} --seed ${seed} --round ${round}`;
      throw new Error(
        `${group.name}, round ${round}: ${e instanceof Error ? e.message : String(e)} (again: ${again})`,
        { cause: e },
      );
    }
    if (rested === undefined && bytes >= Math.max(budget / 10, Math.min(budget / 2, warmBytes))) rested = await heap();
  }
  const heapGrowthBytes = (await heap()) - (rested ?? 0);
  if (heapGrowthBytes > growthLimitBytes)
    throw new Error(`${group.name}: the heap grew by ${heapGrowthBytes} bytes over ${bytes} bytes of input`);
  return { bytes, rounds: round, seconds: (performance.now() - began) / 1000, heapGrowthBytes };
}
