/**
 * Recording as an operator sees it: other people's cameras, the real daemon, and ffmpeg as
 * the judge of files and exports.
 */
import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDaemon, until } from '#fake/daemon';
import { GstCamera } from '#fake/gst-camera';
import { needPeer } from '#fake/peers';
import { decodedPictures, packetTimes, streamDuration, unevenSteps } from './judge.ts';

interface TrackDetails {
  readonly disk_usage: number;
  readonly time_boundaries: readonly [string, string] | null;
  readonly timeline: readonly (readonly [string, string])[];
}

const recordSeconds = 60;

test('two GStreamer cameras fed by ffmpeg are recorded for a minute; every file and an export across a file border are exact', {
  skip: needPeer('gst-rtsp-server', 'ffmpeg', 'ffprobe'),
  timeout: 170_000,
}, async t => {
  const cameras = [await GstCamera.create(), await GstCamera.create()];
  for (const c of cameras) {
    t.after(() => c.stop());
    await c.start();
  }
  const daemon = await startDaemon(t, folder => ({
    objects: [
      ...cameras.map((c, i) => ({
        type: 'rtsp',
        name: `cam${i}`,
        url: c.url,
        auth: [GstCamera.user, GstCamera.password],
        transport: ['tcp'],
      })),
      { type: 'storage', name: 'stor', folder: join(folder, 'archive'), file_seconds: 20 },
    ],
    links: [[['cam0', 'cam1'], 'stor']],
  }));
  const details = (cam: string) => daemon.get<TrackDetails>(`/v1/svc/stor/${cam}`);
  await until(
    'both record',
    async () => (await details('cam0')).timeline.length > 0 && (await details('cam1')).timeline.length > 0,
  );
  await sleep(recordSeconds * 1000);

  // The export first, while recording goes on: 30 s that must cross at least one border of 20 s.
  for (const cam of ['cam0', 'cam1']) {
    const { timeline } = await details(cam);
    assert.equal(timeline.length, 1, `recorded in one piece: ${JSON.stringify(timeline)}`);
    const beginMs = Date.parse(timeline[0]![0]) + 7_300;
    const [begin, end] = [new Date(beginMs).toISOString(), new Date(beginMs + 30_000).toISOString()];
    const path = `/v1/svc/stor/${cam}/export?format=isom&begin=${begin}&end=${end}`;
    const file = join(daemon.folder, `${cam}.mp4`);
    const bytes = await daemon.bytes(path);
    writeFileSync(file, bytes);
    const head = await fetch(`${daemon.url}${path}`, { method: 'HEAD' });
    assert.equal(Number(head.headers.get('content-length')), bytes.length);
    const part = await fetch(`${daemon.url}${path}`, { headers: { range: 'bytes=1000-1999' } });
    assert.equal(part.status, 206);
    assert.deepEqual(new Uint8Array(await part.arrayBuffer()), bytes.slice(1000, 2000));
    const pictures = decodedPictures(file);
    assert.ok(Math.abs(pictures - 750) <= 1, `30 s at 25 pictures a second are 750, the export shows ${pictures}`);
    assert.ok(Math.abs(streamDuration(file, 'v') - 30) <= 0.041, `the export lasts ${streamDuration(file, 'v')} s`);
    assert.ok(Math.abs(streamDuration(file, 'a') - 30) <= 0.1, `its sound lasts ${streamDuration(file, 'a')} s`);
  }

  assert.equal(await daemon.stop(), 0);
  for (const cam of ['cam0', 'cam1']) {
    const folder = join(daemon.folder, 'archive', cam);
    const files = (readdirSync(folder, { recursive: true }) as string[]).filter(f => f.endsWith('.mp4')).sort();
    assert.ok(files.length >= 3, `a minute in files of 20 s: ${files.join(', ')}`);
    let pictures = 0;
    for (const f of files) {
      const file = join(folder, f);
      decodedPictures(file);
      const times = packetTimes(file, 'v');
      pictures += times.length;
      // The encoder's clock is milliseconds in MPEG-TS' 90 kHz; a step is 40 ms.
      assert.deepEqual(unevenSteps(times, 0.04, 0.011), [], `${f}: pictures come evenly`);
      assert.deepEqual(unevenSteps(packetTimes(file, 'a'), 1024 / 48000, 0.002), [], `${f}: sound comes evenly`);
    }
    assert.ok(pictures >= recordSeconds * 25, `${pictures} pictures in the files of ${cam}`);
  }
  assert.ok(!daemon.log.includes(GstCamera.password), 'the password is nowhere in the log');
});
