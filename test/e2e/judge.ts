/** ffprobe and ffmpeg as judges of what the daemon gives away. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { scan } from '#mp4/scan';

const run = (program: string, args: readonly string[]): string => {
  const done = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28, timeout: 120_000 });
  if (done.error) throw done.error;
  assert.equal(done.status, 0, `${program} ${args.join(' ')}: ${done.stderr}`);
  assert.equal(done.stderr.trim(), '', `${program} ${args.join(' ')}: ${done.stderr}`);
  return done.stdout;
};

/** Presentation times in seconds of one kind of stream, in file order; fails on any complaint of ffprobe. */
export function packetTimes(file: string, kind: 'v' | 'a'): number[] {
  const text = run('ffprobe', [
    '-v',
    'error',
    '-select_streams',
    `${kind}:0`,
    '-show_entries',
    'packet=pts_time',
    '-of',
    'csv=p=0',
    file,
  ]);
  return text
    .split('\n')
    .map(l => Number.parseFloat(l))
    .filter(n => !Number.isNaN(n));
}

/** Pictures keep the times that the file gives them; else ffmpeg rounds them to its idea of a frame rate and complains of two in one step. */
const atTheirTimes = ['-vsync', 'passthrough', '-enc_time_base', '-1'];

/** Decodes everything, failing on any complaint; the number of pictures shown. */
export function decodedPictures(file: string, fromSeconds = 0): number {
  run('ffmpeg', [
    '-v',
    'error',
    '-xerror',
    '-nostdin',
    '-ss',
    String(fromSeconds),
    '-i',
    file,
    ...atTheirTimes,
    '-f',
    'null',
    '-',
  ]);
  const text = run('ffprobe', [
    '-v',
    'error',
    '-count_frames',
    '-select_streams',
    'v:0',
    '-show_entries',
    'stream=nb_read_frames',
    '-of',
    'csv=p=0',
    file,
  ]);
  return Number.parseInt(text, 10);
}

/** Seconds between neighbours that are further apart than expected, or not ascending. */
export function unevenSteps(times: readonly number[], expected: number, tolerance: number): number[] {
  const wrong: number[] = [];
  for (let i = 1; i < times.length; i++) {
    const step = (times[i] ?? 0) - (times[i - 1] ?? 0);
    if (Math.abs(step - expected) > tolerance) wrong.push(step);
  }
  return wrong;
}

export function streamDuration(file: string, kind: 'v' | 'a'): number {
  return Number.parseFloat(
    run('ffprobe', [
      '-v',
      'error',
      '-select_streams',
      `${kind}:0`,
      '-show_entries',
      'stream=duration',
      '-of',
      'csv=p=0',
      file,
    ]),
  );
}

/** Wall clock of every recorded picture, UTC milliseconds, as the files themselves say: `prft` of its fragment plus the pictures before it. */
export async function pictureWallTimes(files: readonly string[]): Promise<number[]> {
  const times: number[] = [];
  for (const file of files) {
    const bytes = new Uint8Array(readFileSync(file));
    await scan(
      async (offset, length) => bytes.subarray(offset, offset + length),
      bytes.length,
      fragment => {
        const video = fragment.tracks.find(t => t.trackId === 1);
        let ticks = 0;
        for (const duration of video?.samples.duration ?? []) {
          times.push((fragment.prftWallMs ?? Number.NaN) + ticks / 90);
          ticks += duration;
        }
      },
    );
  }
  return times;
}
