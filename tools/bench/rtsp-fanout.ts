/**
 * Fan-out of one 1080p25 camera over RTSP/TCP (numbers.md P9): core-% per viewer, what the
 * camera itself costs without viewers taken off. Viewers live in a process of their own and
 * check every packet's sequence number: a run with one that is lost, repeated or reordered
 * scores nothing.
 *
 *   npm run bench -- rtsp-fanout [--viewers 60,200,500] [--table] [--runs 3] [--seconds 10] [--warm 4] [--folder DIR] [--json FILE]
 *
 * `--table`: 1, 10, 50, 100, 200 and 500 viewers.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { prepareLoad, startLoad } from './load.ts';
import { cpuOf, pssBytesOf } from './process-tree.ts';
import { median, printTable, type Row } from './table.ts';

const { values } = parseArgs({
  options: {
    viewers: { type: 'string' },
    table: { type: 'boolean', default: false },
    runs: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '10' },
    warm: { type: 'string', default: '4' },
    folder: { type: 'string', default: `${tmpdir()}/ocellus-bench` },
    json: { type: 'string' },
  },
});
const [runs, seconds, warm] = [Number(values.runs), Number(values.seconds), Number(values.warm)];
const ocellus = fileURLToPath(new URL('../ocellus', import.meta.url));
const viewersProgram = fileURLToPath(new URL('rtsp-viewers.ts', import.meta.url));
/** Above this average the generator was overloaded (tools/rtspload/README.md). */
const lateLimitMs = 5;
const cameraPort = 18_654;
const serverPort = 18_655;
const attempts = 3;

interface Figures {
  readonly viewers: number;
  readonly packets: number;
  readonly bytes: number;
  readonly wrong: number;
  readonly least: number;
}

/** The viewers' process, and what it said last. */
class Crowd {
  readonly child: ChildProcess;
  figures: Figures = { viewers: 0, packets: 0, bytes: 0, wrong: 0, least: 0 };
  readonly ready: Promise<void>;

  constructor(count: number) {
    this.child = spawn(process.execPath, [viewersProgram, `rtsp://127.0.0.1:${serverPort}/cam`, String(count)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    this.ready = new Promise((done, fail) => {
      this.child.once('exit', code => fail(new Error(`the viewers' process ended with ${code}`)));
      this.child.stdout?.on('data', (piece: Buffer) => {
        text += piece.toString();
        const lines = text.split('\n');
        text = lines.pop() ?? '';
        for (const line of lines)
          if (line === 'ready') done();
          else this.figures = JSON.parse(line) as Figures;
      });
    });
    this.ready.catch(() => undefined); // told by who waits for it
  }
}

const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
};

interface Run {
  readonly userSeconds: number;
  readonly systemSeconds: number;
  readonly pssBytes: number;
  readonly mbitPerViewer: number;
}

async function measure(count: number): Promise<Run | string> {
  const out = `${values.folder}/fanout`;
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const load = await startLoad(values.folder, 1, cameraPort);
  const objects = [
    { type: 'rtsp', name: 'cam', url: `rtsp://127.0.0.1:${cameraPort}/cam0`, transport: ['tcp'] },
    { type: 'rtspsrv', name: 'server', address: '127.0.0.1', port: serverPort, transport: ['tcp'] },
  ];
  writeFileSync(`${out}/bench.json`, JSON.stringify({ objects, links: [['cam', 'server']] }));
  const daemon = spawn(ocellus, ['run', '--state', `${out}/state`, '--log-level', 'warn', `${out}/bench.json`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(daemon.stdout, 'data');
  await sleep(1500);
  const crowd = count > 0 ? new Crowd(count) : undefined;
  try {
    await crowd?.ready;
    await sleep(warm * 1000);
    const pids = [daemon.pid ?? 0];
    const [before, first] = [cpuOf(pids), crowd?.figures];
    await sleep(seconds * 1000);
    const [after, last] = [cpuOf(pids), crowd?.figures];
    const pssBytes = pssBytesOf(pids);
    const late = load.lateMs().average;
    if (late > lateLimitMs) return `the generator was ${late.toFixed(1)} ms late on average`;
    if (first && last) {
      if (last.viewers < count) return `${count - last.viewers} of ${count} viewers were cut off`;
      if (last.wrong > 0) return `${last.wrong} packets lost, repeated or out of order`;
      if (last.least < seconds * 25 * 10) return `a viewer got ${last.least} packets only`;
    }
    return {
      userSeconds: after.userSeconds - before.userSeconds,
      systemSeconds: after.systemSeconds - before.systemSeconds,
      pssBytes,
      mbitPerViewer: first && last ? ((last.bytes - first.bytes) * 8) / seconds / 1e6 / count : 0,
    };
  } finally {
    if (crowd) await end(crowd.child);
    await end(daemon);
    await load.stop();
    rmSync(out, { recursive: true, force: true });
  }
}

/** A run that counts, or why none did. */
async function scored(count: number): Promise<Run | string> {
  let why = '';
  for (let i = 0; i < attempts; i++) {
    const run = await measure(count);
    if (typeof run !== 'string') return run;
    why = run;
    process.stderr.write(`discarded: ${count} viewers: ${run}\n`);
  }
  return `no run of ${attempts} counted: ${why}`;
}

prepareLoad(values.folder);
const percent = (s: number): number => (s / seconds) * 100;
const cost = (r: Run): number => percent(r.userSeconds + r.systemSeconds);
const repeated = async (count: number): Promise<Run[] | string> => {
  const done: Run[] = [];
  for (let i = 0; i < runs; i++) {
    const run = await scored(count);
    if (typeof run === 'string') return run;
    done.push(run);
  }
  return done;
};
const alone = await repeated(0);
if (typeof alone === 'string') throw new Error(`without viewers: ${alone}`);
const idle = median(alone.map(cost));
const idleUser = median(alone.map(r => percent(r.userSeconds)));
const rows: Row[] = [];
for (const count of (values.viewers ?? (values.table ? '1,10,50,100,200,500' : '60,200,500')).split(',').map(Number)) {
  const mine = await repeated(count);
  if (typeof mine === 'string') {
    rows.push({ viewers: count, 'core-% per viewer': mine });
    process.exitCode = 1;
    continue;
  }
  rows.push({
    viewers: count,
    'core-% per viewer': median(mine.map(r => (cost(r) - idle) / count)),
    'of it user': median(mine.map(r => (percent(r.userSeconds) - idleUser) / count)),
    'core-% of all': median(mine.map(cost)),
    'without viewers': idle,
    'Mbit/s per viewer': median(mine.map(r => r.mbitPerViewer)),
    'PSS MB': Math.round(median(mine.map(r => r.pssBytes)) / 1e6),
  });
}
printTable(
  `RTSP/TCP fan-out of one 1080p25 H.264 4.2 Mbit/s + AAC camera, ${runs} runs of ${seconds} s after ${warm} s`,
  rows,
  values.json,
);
