/**
 * The real daemon pulls over HTTP what it serves itself (HLS) and what ffmpeg serves (endless MPEG-TS), and records it:
 * pictures carry numbers, so that none can go missing unseen; ffprobe judges the files.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort, startDaemon, until } from '#fake/daemon';
import { needPeer } from '#fake/peers';
import { marksIn } from '../../tools/fake-camera/mark.ts';
import { decodedPictures, packetTimes, unevenSteps } from './judge.ts';

const recordings = (folder: string): string[] =>
  (readdirSync(folder, { recursive: true }) as string[])
    .filter(f => f.endsWith('.mp4'))
    .sort()
    .map(f => join(folder, f));

test('our own HLS and the endless MPEG-TS of ffmpeg are pulled and recorded, no picture missing', {
  skip: needPeer('ffmpeg', 'ffprobe'),
  timeout: 120_000,
}, async t => {
  const port = await freePort();
  const storage = (name: string, folder: string) => ({
    type: 'storage',
    name,
    folder: join(folder, name),
    limits: { max_size_gb: 1, keep_free_percents: 1 },
  });
  const daemon = await startDaemon(t, (folder, web) => ({
    objects: [
      { type: 'testsource', name: 'cam0', audio: true },
      { type: 'httpstream', name: 'hls0', url: `${web}/v1/svc/cam0/stream.m3u8` },
      { type: 'httpstream', name: 'ts0', url: `http://127.0.0.1:${port}/`, stall_seconds: 3 },
      storage('stor0', folder),
      storage('stor1', folder),
    ],
    links: [
      ['hls0', 'stor0'],
      ['ts0', 'stor1'],
    ],
  }));
  const state = async (name: string): Promise<string> => (await daemon.get<{ state: string }>(`/v1/svc/${name}`)).state;
  assert.notEqual(await state('ts0'), 'running');
  // The server comes later: an absent camera is a state.
  const source = [
    '-re',
    '-f',
    'lavfi',
    '-i',
    'testsrc2=size=320x180:rate=25',
    '-f',
    'lavfi',
    '-re',
    '-i',
    'sine=sample_rate=48000',
  ];
  const coded = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25', '-c:a', 'aac', '-t', '8'];
  const served = ['-f', 'mpegts', '-listen', '1', `http://127.0.0.1:${port}/`];
  const server = spawn('ffmpeg', ['-v', 'error', '-nostdin', ...source, ...coded, ...served], { stdio: 'ignore' });
  t.after(() => server.kill('SIGKILL'));
  await until('both run', async () => (await state('hls0')) === 'running' && (await state('ts0')) === 'running');
  await once(server, 'exit');
  await until('the end of ts0 is seen', async () => (await state('ts0')) === 'failed');
  assert.equal(await daemon.stop(), 0);

  const own = recordings(join(daemon.folder, 'stor0'));
  const numbers = own.flatMap(f => marksIn(new Uint8Array(readFileSync(f))).map(m => m.unit));
  assert.ok(numbers.length > 100, `${numbers.length} pictures`);
  assert.deepEqual(
    numbers.filter((n, i) => i > 0 && n !== (numbers[i - 1] ?? 0) + 1),
    [],
  );
  for (const file of [...own, ...recordings(join(daemon.folder, 'stor1'))]) {
    const times = packetTimes(file, 'v');
    assert.equal(decodedPictures(file), times.length);
    assert.deepEqual(unevenSteps(times, 0.04, 0.005), [], file);
    assert.ok(packetTimes(file, 'a').length > times.length, file);
  }
  const pulled = recordings(join(daemon.folder, 'stor1')).map(f => packetTimes(f, 'v').length);
  assert.ok(pulled.reduce((a, b) => a + b, 0) > 100, `${pulled}`);
});
