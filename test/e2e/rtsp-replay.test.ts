/**
 * The archive over RTSP as other people's players see it: ffmpeg over TCP and UDP, faster, from another place;
 * GStreamer that seeks. Pictures carry numbers: the first and the last are exact, and none is lost or comes twice
 * where one file ends and the next begins. VLC of Debian has no RTSP, so it is no judge here.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort, startDaemon, until } from '#fake/daemon';
import { needPeer } from '#fake/peers';
import { marksIn } from '../../tools/fake-camera/mark.ts';

/** Runs a player to its end; what it said on stdout. */
async function play(program: string, args: readonly string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], timeout: 30_000 });
  let said = '';
  child.stdout.on('data', (piece: Buffer) => (said += piece.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  assert.equal(code, 0, `${program} ${args.join(' ')}`);
  return said;
}

const row = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

test('ffmpeg and GStreamer play what was recorded, from the key frame at the begin to the last picture before the end, and come to an end', {
  skip: needPeer('ffmpeg', 'gst-rtsp-server'),
  timeout: 120_000,
}, async t => {
  const port = await freePort();
  const daemon = await startDaemon(t, folder => ({
    objects: [
      { type: 'testsource', name: 'cam7', audio: true },
      { type: 'storage', name: 'stor', folder: join(folder, 'archive'), file_seconds: 2 },
      { type: 'rtspsrv', name: 'server', address: '127.0.0.1', port },
    ],
    links: [['cam7', 'stor', 'server']],
  }));
  let beginMs = 0;
  await until(
    'eight seconds are recorded',
    async () => {
      const details = await daemon.get<{ timeline: [string, string][] }>('/v1/svc/stor/cam7').catch(() => undefined);
      const [begin, end] = (details?.timeline[0] ?? []).map(Date.parse);
      beginMs = begin ?? 0;
      return (end ?? 0) - beginMs > 8000;
    },
    30_000,
  );
  const iso = (ms: number): string => new Date(beginMs + ms).toISOString();
  // From within the second group of pictures, into the seventh second: at least two borders of files.
  const url = `rtsp://127.0.0.1:${port}/stor/cam7?begin=${iso(1300)}&end=${iso(6500)}`;
  const numbersOf = async (name: string, input: readonly string[], from: string): Promise<number[]> => {
    const file = join(daemon.folder, `${name}.mp4`);
    await play('ffmpeg', ['-v', 'fatal', '-nostdin', ...input, '-i', from, '-c', 'copy', file]);
    return marksIn(new Uint8Array(readFileSync(file))).map(m => m.unit);
  };
  const tcp = ['-rtsp_transport', 'tcp'];
  const [overTcp, overUdp, fast, backward, later] = await Promise.all([
    numbersOf('tcp', tcp, url),
    numbersOf('udp', ['-rtsp_transport', 'udp'], url),
    numbersOf('fast', tcp, `${url}&speed=4`),
    numbersOf('backward', tcp, `${url}&speed=-4`),
    numbersOf('later', [...tcp, '-ss', '3.5'], url),
  ]);
  // The export of the same interval says what there is.
  const exported = await daemon.bytes(`/v1/svc/stor/cam7/export?format=isom&begin=${iso(1300)}&end=${iso(6500)}`);
  const there = marksIn(exported).map(m => m.unit);
  const [first = -1, last = -1] = [there[0], there.at(-1)];
  assert.deepEqual(there, row(first, last));
  assert.ok(first % 25 === 0 && last - first > 120, `${first} to ${last}`);
  assert.deepEqual(overTcp, row(first, last));
  assert.deepEqual(overUdp, row(first, last));
  assert.deepEqual(fast, row(first, last));
  assert.deepEqual(backward, there.filter(n => n > first && n % 25 === 0).reverse());
  assert.deepEqual(later, row(first + 75, last));
  const script = fileURLToPath(new URL('../peer/gst-seek.py', import.meta.url));
  const sought = JSON.parse(await play('/usr/bin/python3', [script, url, '4.5'])) as { numbers: number[]; end: string };
  // Where it seeks before the first picture is out, there are none before the leap.
  const leap = Math.max(
    0,
    sought.numbers.findIndex((n, i) => i > 0 && n !== (sought.numbers[i - 1] ?? 0) + 1),
  );
  assert.equal(sought.end, 'eos');
  assert.deepEqual(sought.numbers.slice(0, leap), row(first, first + leap - 1));
  assert.deepEqual(sought.numbers.slice(leap), row(first + 100, last));
  assert.equal(await daemon.stop(), 0);
});
