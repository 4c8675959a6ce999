/**
 * The archive at size (docs/design/numbers.md P12, P13, P14): look-ups in an index of 10^3 to 10^N fragments, the start with an
 * archive and the rebuild of its index, and deletion while cameras record.
 *
 *     npm run bench -- archive [--files 100000] [--decades 6] [--cameras 20] [--folder DIR] [--json FILE]
 *
 * The index and deletion run on the library thread of the program, recording on this one.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { LibraryClient } from '#archive/library/client';
import type { AllLimits } from '#archive/library/library';
import { LibraryOfFolder } from '#archive/library/service';
import { Recorder } from '#archive/recorder/recorder';
import type { ByteSource } from '#core/bytes';
import type { World } from '#core/world';
import { createLog } from '#host/log';
import { createPaths } from '#host/paths';
import { MainThreads } from '#host/threads';
import { createWorld } from '#host/world';
import type { AccessUnit } from '#media/access-unit';
import type { Run } from '#media/track';
import { archiveOf, fileMs, fragmentsPerFile, writeArchive } from './archive-maker.ts';
import { printTable, quantile, type Row } from './table.ts';

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '100000' },
    decades: { type: 'string', default: '6' },
    cameras: { type: 'string', default: '20' },
    folder: { type: 'string', default: tmpdir() },
    json: { type: 'string' },
  },
});
const files = Number(values.files);
const cameras = Number(values.cameras);
const tracks = 10;
const dayMs = 86_400_000;

const log = createLog({ level: 'error', thread: 'bench', text: true });
const home = process.cwd();
const entry = (name: string): URL => new URL(`../../src/${name}-thread.ts`, import.meta.url);
const threads = new MainThreads(
  { media: entry('media'), library: entry('library') },
  { logLevel: 'error', logText: true, home },
  (thread, reason) => {
    throw new Error(`${thread} ended: ${reason}`);
  },
);
const world: World = createWorld({ log, threads, paths: createPaths(home), mayBlock: true });

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(values.folder, 'ocellus-bench-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const seconds = (since: number): number => (performance.now() - since) / 1000;
const day = (ms: number): number => Math.floor(ms / dayMs) * dayMs;

async function timesOf(count: number, work: (i: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const since = performance.now();
    await work(i);
    times.push(performance.now() - since);
  }
  return times;
}

/** P12. The index has all files; on the disk are those of the hour that is exported. */
async function lookUps(fragments: number): Promise<Row> {
  return inFolder(async folder => {
    const library = new LibraryOfFolder(world);
    await library.open(folder);
    const endMs = Math.floor(Date.now() / 1000) * 1000 - 3_600_000;
    let notes = [];
    const recent = [];
    for (const file of archiveOf(Math.ceil(fragments / fragmentsPerFile), tracks, endMs)) {
      if (file.notes[0]?.is === 'opened' && file.notes[0].beginMs > endMs - 1_800_000) recent.push(file);
      notes.push(...file.notes);
      if (notes.length < 3000) continue;
      await library.commit(notes);
      notes = [];
    }
    await library.commit(notes);
    writeArchive(folder, recent);
    const range = { beginMs: day(endMs), endMs: day(endMs) + dayMs };
    const ask = { track: 'cam1', format: 'isom', gaps: 'skip' } as const;
    const at = (i: number): number => endMs - 30_000 - (i % 8) * 10_000;
    const results = {
      day: await timesOf(200, () => library.channelSummary('cam1', range)),
      year: await timesOf(200, () => library.channelSummary('cam1', { beginMs: endMs - 365 * dayMs, endMs })),
      find: await timesOf(200, i => library.gaps('cam1', { beginMs: at(i), endMs: at(i) + 1 })),
      clip: await timesOf(50, async i => {
        const { body } = await library.export({ ...ask, beginMs: at(i), endMs: at(i) + 20_000 });
        const stream = (body as ByteSource).open();
        await stream.next();
        stream.close();
      }),
    };
    const p99 = Object.fromEntries(Object.entries(results).map(([k, v]) => [`${k} p99 ms`, quantile(v, 0.99)]));
    const indexMb = statSync(join(folder, 'index.sqlite3')).size / 1e6;
    await library.close();
    return { fragments, ...p99, 'index MB': Math.round(indexMb) };
  });
}

const client = (): LibraryClient => new LibraryClient(threads.connect('library', 'archive'));

/** P13. */
async function starts(folder: string, bytes: number): Promise<Row> {
  const since = performance.now();
  const library = client();
  await library.open(folder);
  const open = seconds(since);
  await library.summary();
  const answering = seconds(since);
  let longest = 0;
  // Through the walk, questions are answered.
  for (;;) {
    const asked = performance.now();
    const { disk_usage } = await library.summary();
    longest = Math.max(longest, performance.now() - asked);
    if (disk_usage === bytes) break;
    await new Promise(next => setTimeout(next, 50));
  }
  const rebuilt = seconds(since);
  await library.close();
  const again = performance.now();
  const { unclean } = await library.open(folder);
  const withIndex = seconds(again);
  await library.close();
  library.end();
  return {
    files,
    'recording s': open,
    'answering s': answering,
    'rebuilt s': rebuilt,
    'longest answer ms': longest,
    'start with index s': withIndex,
    clean: unclean ? 'no' : 'yes',
  };
}

/** P14: cameras of 4 Mbit/s record here while everything else is deleted there. */
async function deletion(folder: string): Promise<Row> {
  const library = client();
  const opened = await library.open(folder);
  let gaps = 0;
  let limits: AllLimits = { limits: { max_size_gb: 1000 }, tracks: {} };
  const hooks = {
    gapStarted: () => void gaps++,
    gapEnded: () => {},
    locksEnded: () => {},
    full: () => {},
    slow: () => {},
    trouble: (_: string, fault: Error) => void process.stderr.write(`${fault.message}\n`),
    recovered: () => {},
  };
  const options = () => ({ fileBytes: 16e6, fileSeconds: 300, syncSeconds: 2, limits });
  const recorder = new Recorder(world, folder, library, opened, options, hooks, fault => {
    throw fault;
  });
  const data = new Uint8Array(20_000);
  const runs = Array.from({ length: cameras }, (_, id): Run => ({ id: id + 1, tracks: benchRun.tracks }));
  const sinks = runs.map((_, i) => recorder.track(`live${i + 1}`));
  const startMs = Date.now();
  let picture = 0;
  let waited: number[] = [];
  const step = (): void => {
    for (; picture * 40 <= Date.now() - startMs; picture++)
      for (const [i, run] of runs.entries()) {
        const at = { pts: picture * 3600, dts: picture * 3600, wallMs: startMs + picture * 40 };
        sinks[i]?.unit({ run, track: 0, ...at, keyframe: picture % 50 === 0, data, lost: 0 } satisfies AccessUnit);
      }
    waited.push(recorder.queuedBytes);
  };
  const timer = setInterval(step, 20);
  const ticks = setInterval(() => recorder.tick(), Recorder.tickMs);
  const delay = monitorEventLoopDelay({ resolution: 5 });
  const measured = async (what: string, until: () => Promise<boolean>) => {
    waited = [];
    delay.reset();
    delay.enable();
    const since = performance.now();
    while (!(await until())) await new Promise(next => setTimeout(next, 100));
    delay.disable();
    return {
      [`${what} s`]: seconds(since),
      [`${what}: loop p99 ms`]: delay.percentile(99) / 1e6 - 5,
      [`${what}: queue p99 s of media`]: quantile(waited, 0.99) / (500_000 * cameras),
    };
  };
  const begun = performance.now();
  gaps = 0;
  const quiet = await measured('quiet', async () => seconds(begun) > 10);
  limits = { limits: { max_depth_abs_hours: 0.2 }, tracks: {} };
  const deleting = await measured('deleting', async () => !('cam1' in (await library.summary()).contexts));
  clearInterval(timer);
  clearInterval(ticks);
  const lost = gaps;
  await recorder.stop();
  await library.close();
  library.end();
  return { files, cameras, ...quiet, ...deleting, gaps: lost };
}

const benchRun: Run = {
  id: 0,
  tracks: [
    {
      ...{ kind: 'video', codec: 'h264', timescale: 90_000, width: 1920, height: 1080 },
      parameterSets: [
        Buffer.from('67640016acd940a02ff9610000030001000003003c8f162d96', 'hex'),
        Buffer.from('68ebe3cb22c0', 'hex'),
      ],
      ...{ codecText: 'avc1.640016', framerate: 25 },
    },
  ],
};

const rows: Row[] = [];
for (let decade = 3; decade <= Number(values.decades); decade++) rows.push(await lookUps(10 ** decade));
printTable('P12 look-ups by size of the index', rows, values.json && `${values.json}.p12`);
await inFolder(async folder => {
  const bytes = writeArchive(folder, archiveOf(files, tracks, Math.floor(Date.now() / 1000) * 1000 - 3_600_000));
  printTable(
    `P13 start with ${files * fragmentsPerFile} fragments of ${fileMs / 1000} s files, index deleted`,
    [await starts(folder, bytes)],
    values.json && `${values.json}.p13`,
  );
  printTable('P14 deletion while cameras record', [await deletion(folder)], values.json && `${values.json}.p14`);
});
await threads.end();
