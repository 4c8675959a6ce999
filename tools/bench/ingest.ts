/**
 * Recording N cameras over TCP or UDP, beside N `ffmpeg -c copy` into fragmented MP4 (numbers.md P1, P3, P4,
 * P5): CPU seconds per camera-minute, and memory. All record the same emulated cameras, one
 * after the other, A B A B; a run that lost, repeated or reordered one picture, or whose
 * generator was late, scores nothing and is run again.
 *
 *   npm run bench -- ingest [--cameras 1,8,32] [--pairs 5] [--seconds 15] [--warm 6] [--transport tcp] [--ffmpeg 400]
 *                           [--gstreamer 0] [--table] [--folder DIR] [--json FILE]
 *
 * `--ffmpeg N`, `--gstreamer N`: the peer runs beside us up to so many cameras. `--table` is all of it: TCP and UDP with
 * 1, 10, 20, 50, 100 and 200 cameras, ffmpeg up to 50, GStreamer up to 20; with five pairs it takes the better part of an hour.
 */
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { disorder, mp4Files, pictureNumbers, prepareLoad, startLoad } from './load.ts';
import { cpuOf, pssBytesOf } from './process-tree.ts';
import { type RecorderName, recorders, type Transport } from './recorders.ts';
import { median, printTable, quantile, type Row } from './table.ts';

const { values } = parseArgs({
  options: {
    cameras: { type: 'string' },
    pairs: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '15' },
    warm: { type: 'string', default: '6' },
    transport: { type: 'string' },
    ffmpeg: { type: 'string' },
    gstreamer: { type: 'string' },
    table: { type: 'boolean', default: false },
    folder: { type: 'string', default: `${tmpdir()}/ocellus-bench` },
    json: { type: 'string' },
  },
});
const wanted = values.table
  ? { cameras: '1,10,20,50,100,200', transport: 'tcp,udp', ffmpeg: '50', gstreamer: '20' }
  : { cameras: '1,8,32', transport: 'tcp', ffmpeg: '400', gstreamer: '0' };
const most: Readonly<Record<RecorderName, number>> = {
  ocellus: Number.POSITIVE_INFINITY,
  ffmpeg: Number(values.ffmpeg ?? wanted.ffmpeg),
  gstreamer: Number(values.gstreamer ?? wanted.gstreamer),
};
const [pairs, seconds, warm] = [Number(values.pairs), Number(values.seconds), Number(values.warm)];
const port = 18654;
/** Above this average the generator was overloaded (tools/rtspload/README.md). */
const lateLimitMs = 5;
const attempts = 3;

interface Run {
  readonly userSeconds: number;
  readonly systemSeconds: number;
  readonly pssBytes: number;
}

async function measure(name: RecorderName, transport: Transport, cameras: number): Promise<Run | string> {
  const out = `${values.folder}/${name}`;
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const load = await startLoad(values.folder, cameras, port);
  const urls = Array.from({ length: cameras }, (_, i) => `rtsp://127.0.0.1:${port}/cam${i}`);
  const { children, folderOf } = recorders[name](urls, transport, out);
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
  if (late.average > lateLimitMs) return `the generator was ${late.average.toFixed(1)} ms late on average`;
  if (verdict) return verdict;
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

/** A run that counts, or why none did. */
async function scored(name: RecorderName, transport: Transport, cameras: number): Promise<Run | string> {
  let why = '';
  for (let i = 0; i < attempts; i++) {
    const run = await measure(name, transport, cameras);
    if (typeof run !== 'string') return run;
    why = run;
    process.stderr.write(`discarded: ${name}, ${cameras} cameras over ${transport}: ${run}\n`);
  }
  return why;
}

prepareLoad(values.folder);
const rows: Row[] = [];
let counted = true;
for (const transport of (values.transport ?? wanted.transport).split(',') as Transport[])
  for (const cameras of (values.cameras ?? wanted.cameras).split(',').map(Number)) {
    const names = (Object.keys(recorders) as RecorderName[]).filter(name => cameras <= most[name]);
    const runs = new Map(names.map(name => [name, [] as Run[]]));
    const failed = new Map<RecorderName, string>();
    for (let i = 0; i < pairs; i++)
      for (const name of names) {
        const run = failed.has(name) ? (failed.get(name) ?? '') : await scored(name, transport, cameras);
        if (typeof run === 'string') failed.set(name, run);
        else runs.get(name)?.push(run);
      }
    const perMinute = (r: Run): number => ((r.userSeconds + r.systemSeconds) / seconds / cameras) * 60;
    const peer = runs.get('ffmpeg') ?? [];
    for (const name of names) {
      const mine = runs.get(name) ?? [];
      const why = failed.get(name);
      if (why !== undefined) {
        // A peer that cannot carry the load is a figure too; we have to.
        counted &&= name !== 'ocellus';
        rows.push({ transport, cameras, recorder: name, 'ratio (quartiles)': `no run of ${attempts} counted: ${why}` });
        continue;
      }
      const ratios = failed.has('ffmpeg')
        ? []
        : mine.flatMap((r, i) => (peer[i] ? [perMinute(r) / perMinute(peer[i])] : []));
      const quartiles = [0.25, 0.75].map(q => quantile(ratios, q).toFixed(2)).join('-');
      rows.push({
        ...{ transport, cameras, recorder: name },
        'CPU s per camera-minute': median(mine.map(perMinute)),
        'user s': median(mine.map(r => (r.userSeconds / seconds / cameras) * 60)),
        'system s': median(mine.map(r => (r.systemSeconds / seconds / cameras) * 60)),
        'core %': median(mine.map(r => ((r.userSeconds + r.systemSeconds) / seconds) * 100)),
        'PSS MB': Math.round(median(mine.map(r => r.pssBytes)) / 1e6),
        'ratio (quartiles)':
          ratios.length === 0 ? '' : name === 'ffmpeg' ? '1' : `${median(ratios).toFixed(2)} (${quartiles})`,
      });
    }
  }
printTable(
  `Recording 1080p25 H.264 4.2 Mbit/s + AAC, CPU as a ratio to ffmpeg, ${pairs} rounds of ${seconds} s after ${warm} s`,
  rows,
  values.json,
);
if (!counted) process.exitCode = 1;
