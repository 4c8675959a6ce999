/**
 * `npm run fuzz`: without `--bytes` the fuzz tests, with more rounds (tools/test.ts). With it,
 * so many bytes through every parser and dialogue (groups.ts), each in a thread of its own: nothing throws,
 * no round takes longer than `--hang` seconds, the heap does not grow. A failure names the round; `--round` repeats one.
 *
 *   npm run fuzz -- --bytes 1e9 [--only TEXT] [--seed N] [--round N] [--minutes N] [--hang 20] [--json FILE]
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { SeededRandom } from '#fake/world';
import { printTable, type Row } from '../bench/table.ts';
import { allGroups } from './groups.ts';
import { roundSeed, type Spent } from './run.ts';
import type { Work } from './worker.ts';

const words = process.argv.slice(2);
if (!words.some(w => w.startsWith('--bytes') || w.startsWith('--round'))) {
  const tests = fileURLToPath(new URL('../test.ts', import.meta.url));
  process.exit(spawnSync(process.execPath, [tests, '--fuzz', ...words], { stdio: 'inherit' }).status ?? 1);
}
const { values } = parseArgs({
  options: {
    bytes: { type: 'string', default: '0' },
    only: { type: 'string', default: '' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    round: { type: 'string' },
    /** No group begins after so many minutes. */
    minutes: { type: 'string', default: '100000' },
    hang: { type: 'string', default: '20' },
    json: { type: 'string' },
  },
});
const [budget, seed, hangMs] = [Number(values.bytes), Number(values.seed), Number(values.hang) * 1000];
const chosen = (await allGroups()).filter(g => g.name.includes(values.only));
if (chosen.length === 0) throw new Error(`--only: expected part of a group's name, got ${values.only}`);
if (values.round !== undefined) {
  for (const group of chosen) await group.round(new SeededRandom(roundSeed(seed, Number(values.round))));
  process.exit(0);
}

const rows: Row[] = [];
const began = performance.now();
for (const { name } of chosen) {
  if (performance.now() - began > Number(values.minutes) * 60_000) {
    rows.push({ group: name, bytes: 0, rounds: 0, 'MB/s': 0, 'heap grew by': '', verdict: 'no time was left' });
    continue;
  }
  const spent = await inThread(name);
  if (typeof spent === 'string') {
    process.stderr.write(`${spent}\n`);
    rows.push({ group: name, bytes: 0, rounds: 0, 'MB/s': 0, 'heap grew by': '', verdict: spent });
    continue;
  }
  const { bytes, rounds, seconds, heapGrowthBytes } = spent;
  process.stderr.write(`${name}: ${(bytes / 1e6).toFixed(0)} MB, ${seconds.toFixed(0)} s\n`);
  rows.push({
    ...{ group: name, bytes, rounds, 'MB/s': (bytes / 1e6 / seconds).toFixed(1) },
    ...{ 'heap grew by': `${(heapGrowthBytes / 1024).toFixed(0)} KiB`, verdict: 'ok' },
  });
}
printTable(`${budget} bytes through each group, seed ${seed}`, rows, values.json);
const total = rows.reduce((n, r) => n + Number(r['bytes']), 0);
process.stdout.write(`${total} bytes in all\n`);
process.exitCode = rows.every(r => r['verdict'] === 'ok') ? 0 : 1;

/** What was spent, or what went wrong. */
function inThread(name: string): Promise<Spent | string> {
  const progress = new SharedArrayBuffer(8);
  const told = new Int32Array(progress);
  const work: Work = { name, budget, seed, progress };
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: work });
  return new Promise(done => {
    let last = -1;
    let lastMs = performance.now();
    const watch = setInterval(() => {
      const round = Atomics.load(told, 0);
      if (round !== last) [last, lastMs] = [round, performance.now()];
      else if (performance.now() - lastMs > hangMs) {
        void worker.terminate();
        end(`${name}: round ${round} hangs (again: --only ${name} --seed ${seed} --round ${round})`);
      }
    }, 500);
    const end = (result: Spent | string): void => {
      clearInterval(watch);
      done(result);
    };
    worker.once('message', (spent: Spent) => end(spent));
    worker.once('error', (e: unknown) => end(e instanceof Error ? e.message : String(e)));
  });
}
