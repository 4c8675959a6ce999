/**
 * What the hub costs: nanoseconds and bytes of garbage per unit and reader, for sinks that do
 * nothing and for queues that are emptied at once. The floor is a bare loop over an array of
 * the same sinks, measured in turns with it.
 *
 *     node --expose-gc tools/bench/hub.ts
 */
import { Hub } from '#hub/hub';
import { Reader } from '#hub/reader';
import type { Sink } from '#hub/sink';
import type { AccessUnit } from '#media/access-unit';
import type { Run } from '#media/track';

const run: Run = {
  id: 0,
  tracks: [
    {
      kind: 'video',
      codec: 'h264',
      timescale: 90_000,
      width: 1920,
      height: 1080,
      parameterSets: [],
      codecText: 'avc1.640028',
      framerate: 25,
    },
  ],
};
const units: AccessUnit[] = Array.from({ length: 50 }, (_, i) => ({
  run,
  track: 0,
  pts: i * 3600,
  dts: i * 3600,
  wallMs: i * 40,
  keyframe: i === 0,
  data: new Uint8Array(20_000),
  lost: 0,
}));

let taken = 0;
class Count implements Sink {
  unit(unit: AccessUnit): void {
    taken += unit.data.length;
  }
  gap(): void {}
}

interface Subject {
  readonly name: string;
  publish(unit: AccessUnit): void;
}

function bare(readers: number): Subject {
  const sinks = Array.from({ length: readers }, () => new Count());
  return {
    name: 'bare loop',
    publish: unit => {
      for (let i = 0; i < sinks.length; i++) sinks[i]?.unit(unit);
    },
  };
}

const newHub = () =>
  new Hub({
    gopLimitBytes: 16 << 20,
    gopLimitMs: 32_000,
    onBug: e => {
      throw e;
    },
  });

function hubOfSinks(readers: number): Subject {
  const hub = newHub();
  for (let i = 0; i < readers; i++) hub.attach(new Count(), { who: `${i}`, from: 'next' });
  return { name: 'hub', publish: unit => hub.publish(unit) };
}

function hubOfReaders(readers: number): Subject {
  const hub = newHub();
  const queues = Array.from(
    { length: readers },
    () => new Reader({ whenSlow: 'skip-to-keyframe', limitBytes: 1 << 20 }),
  );
  queues.forEach((q, i) => void hub.attach(q, { who: `${i}`, from: 'next' }));
  return {
    name: 'hub + queue',
    publish: unit => {
      hub.publish(unit);
      for (const q of queues) q.poll();
    },
  };
}

/** Nanoseconds and bytes per unit and reader. */
function measure(subject: Subject, readers: number): { ns: number; bytes: number } {
  const rounds = Math.max(20, Math.floor(20_000 / readers));
  globalThis.gc?.();
  const heapBefore = process.memoryUsage().heapUsed;
  const began = process.hrtime.bigint();
  for (let r = 0; r < rounds; r++) for (const unit of units) subject.publish(unit);
  const ns = Number(process.hrtime.bigint() - began);
  const bytes = Math.max(0, process.memoryUsage().heapUsed - heapBefore);
  const calls = rounds * units.length * readers;
  return { ns: ns / calls, bytes: bytes / calls };
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? 0;

console.log(`node ${process.version}, ${process.arch}; per unit and reader; median of 7 rounds, interleaved`);
console.log('readers  what           ns     x bare  garbage bytes');
for (const readers of [1, 10, 100, 500]) {
  const subjects = [bare(readers), hubOfSinks(readers), hubOfReaders(readers)];
  const results = subjects.map(() => ({ ns: [] as number[], bytes: [] as number[] }));
  for (const s of subjects) measure(s, readers); // warm-up
  for (let round = 0; round < 7; round++)
    subjects.forEach((s, i) => {
      const { ns, bytes } = measure(s, readers);
      results[i]?.ns.push(ns);
      results[i]?.bytes.push(bytes);
    });
  const floor = median(results[0]?.ns ?? []);
  subjects.forEach((s, i) => {
    const ns = median(results[i]?.ns ?? []);
    const bytes = median(results[i]?.bytes ?? []);
    console.log(
      `${String(readers).padStart(7)}  ${s.name.padEnd(12)} ${ns.toFixed(1).padStart(6)}  ${(ns / floor).toFixed(1).padStart(6)}  ${bytes.toFixed(2).padStart(8)}`,
    );
  });
}
if (taken === 0) console.log('nothing was delivered');
