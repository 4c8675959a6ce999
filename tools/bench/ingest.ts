/**
 * Recording N cameras over TCP or UDP, beside N `ffmpeg -c copy` into fragmented MP4 (numbers.md P1, P3, P4,
 * P5): CPU seconds per camera-minute, and memory. Both record the same emulated cameras, one
 * after the other, A B A B; a run that lost, repeated or reordered one picture, or whose
 * generator was late, scores nothing and is run again.
 *
 *   npm run bench -- ingest [--cameras 1,8,32] [--pairs 5] [--seconds 15] [--warm 6] [--transport tcp] [--folder DIR] [--json FILE]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { disorder, mp4Files, pictureNumbers, prepareLoad, startLoad } from './load.ts';
import { cpuOf, pssBytesOf } from './process-tree.ts';
import { median, printTable, quantile, type Row } from './table.ts';

const { values } = parseArgs({
  options: {
    cameras: { type: 'string', default: '1,8,32' },
    pairs: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '15' },
    warm: { type: 'string', default: '6' },
    transport: { type: 'string', default: 'tcp' },
    folder: { type: 'string', default: `${tmpdir()}/ocellus-bench` },
    json: { type: 'string' },
  },
});
const [pairs, seconds, warm] = [Number(values.pairs), Number(values.seconds), Number(values.warm)];
const ocellus = fileURLToPath(new URL('../ocellus', import.meta.url));
const port = 18554;
/** Above this average the generator was overloaded (tools/rtspload/README.md). */
const lateLimitMs = 5;
const attempts = 3;

interface Run {
  readonly userSeconds: number;
  readonly systemSeconds: number;
  readonly pssBytes: number;
}

type Recorder = (cameras: number, out: string) => { children: ChildProcess[]; folderOf(camera: number): string };

const recorders: Readonly<Record<string, Recorder>> = {
  ocellus: (cameras, out) => {
    const names = Array.from({ length: cameras }, (_, i) => `cam${i}`);
    const objects = [
      ...names.map(name => ({
        type: 'rtsp',
        name,
        url: `rtsp://127.0.0.1:${port}/${name}`,
        transport: [values.transport],
      })),
      { type: 'storage', name: 'archive', folder: `${out}/archive` },
    ];
    writeFileSync(`${out}/bench.json`, JSON.stringify({ objects, links: [[names, 'archive']] }));
    const child = spawn(ocellus, ['run', '--state', `${out}/state`, '--log-level', 'warn', `${out}/bench.json`], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return { children: [child], folderOf: camera => `${out}/archive/cam${camera}` };
  },
  ffmpeg: (cameras, out) => {
    const children = Array.from({ length: cameras }, (_, i) => {
      mkdirSync(`${out}/cam${i}`);
      const words = [
        '-v',
        'error',
        '-nostdin',
        '-rtsp_transport',
        values.transport,
        '-i',
        `rtsp://127.0.0.1:${port}/cam${i}`,
        '-c',
        'copy',
      ];
      return spawn(
        'ffmpeg',
        [...words, '-movflags', '+frag_keyframe+empty_moov+default_base_moof', '-f', 'mp4', `${out}/cam${i}/out.mp4`],
        {
          stdio: ['ignore', 'ignore', 'ignore'],
        },
      );
    });
    return { children, folderOf: camera => `${out}/cam${camera}` };
  },
};

async function measure(name: string, cameras: number): Promise<Run | string> {
  const out = `${values.folder}/${name}`;
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const load = await startLoad(values.folder, cameras, port);
  const { children, folderOf } = recorders[name]!(cameras, out);
  const pids = children.map(c => c.pid ?? 0);
  await sleep(warm * 1000);
  const before = cpuOf(pids);
  await sleep(seconds * 1000);
  const after = cpuOf(pids);
  const pssBytes = pssBytesOf(pids);
  for (const c of children) c.kill('SIGTERM');
  await Promise.all(children.map(c => (c.exitCode === null && c.signalCode === null ? once(c, 'exit') : undefined)));
  const late = load.lateMs();
  await load.stop();
  const verdict = verify(cameras, folderOf);
  rmSync(out, { recursive: true, force: true });
  if (verdict) return verdict;
  if (late.average > lateLimitMs) return `the generator was ${late.average.toFixed(1)} ms late on average`;
  return {
    userSeconds: after.userSeconds - before.userSeconds,
    systemSeconds: after.systemSeconds - before.systemSeconds,
    pssBytes,
  };
}

/** What is wrong with what was recorded, if anything. */
function verify(cameras: number, folderOf: (camera: number) => string): string | undefined {
  for (let camera = 0; camera < cameras; camera++) {
    const numbers = pictureNumbers(mp4Files(folderOf(camera)), camera);
    const least = (warm + seconds - 3) * 25;
    if (numbers.length < least)
      return `camera ${camera}: ${numbers.length} pictures recorded, at least ${least} expected`;
    const wrong = disorder(numbers);
    if (wrong > 0) return `camera ${camera}: ${wrong} pictures lost, repeated or out of order`;
  }
  return undefined;
}

async function scored(name: string, cameras: number): Promise<Run> {
  for (let i = 0; i < attempts; i++) {
    const run = await measure(name, cameras);
    if (typeof run !== 'string') return run;
    process.stderr.write(`discarded: ${name}, ${cameras} cameras: ${run}\n`);
  }
  throw new Error(`${name} with ${cameras} cameras: no run of ${attempts} counted`);
}

prepareLoad(values.folder);
const rows: Row[] = [];
for (const cameras of values.cameras.split(',').map(Number)) {
  const runs: { a: Run; b: Run }[] = [];
  for (let i = 0; i < pairs; i++)
    runs.push({ a: await scored('ocellus', cameras), b: await scored('ffmpeg', cameras) });
  const perMinute = (r: Run): number => ((r.userSeconds + r.systemSeconds) / seconds / cameras) * 60;
  const ratios = runs.map(({ a, b }) => perMinute(a) / perMinute(b));
  for (const [name, of] of [
    ['ocellus', 'a'],
    ['ffmpeg', 'b'],
  ] as const) {
    const mine = runs.map(r => r[of]);
    rows.push({
      cameras,
      recorder: name,
      'CPU s per camera-minute': median(mine.map(perMinute)),
      'user s': median(mine.map(r => (r.userSeconds / seconds / cameras) * 60)),
      'system s': median(mine.map(r => (r.systemSeconds / seconds / cameras) * 60)),
      'core %': median(mine.map(r => ((r.userSeconds + r.systemSeconds) / seconds) * 100)),
      'PSS MB': Math.round(median(mine.map(r => r.pssBytes)) / 1e6),
      'ratio (quartiles)':
        of === 'a'
          ? `${median(ratios).toFixed(2)} (${quantile(ratios, 0.25).toFixed(2)}-${quantile(ratios, 0.75).toFixed(2)})`
          : '1',
    });
  }
}
printTable(
  `Recording over ${values.transport.toUpperCase()}, 1080p25 H.264 4.2 Mbit/s + AAC, ${pairs} pairs of ${seconds} s after ${warm} s`,
  rows,
  values.json,
);
