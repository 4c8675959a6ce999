/**
 * Recording as an operator sees it: other people's cameras, the real daemon, and ffmpeg as
 * the judge of files and exports.
 */
import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDaemon, temporaryFolder, until } from '#fake/daemon';
import { GstCamera, makeClip } from '#fake/gst-camera';
import { needPeer } from '#fake/peers';
import { decodedPictures, packetTimes, pictureWallTimes, streamDuration, unevenSteps } from './judge.ts';

interface TrackDetails {
  readonly disk_usage: number;
  readonly time_boundaries: readonly [string, string] | null;
  readonly timeline: readonly (readonly [string, string])[];
}

const recordSeconds = 60;
const exportMs = 30_000;

test('two GStreamer cameras that play what ffmpeg made are recorded for a minute; every file and an export across a file border are exact', {
  skip: needPeer('gst-rtsp-server', 'ffmpeg', 'ffprobe'),
  timeout: 170_000,
}, async t => {
  const clip = join(temporaryFolder(t), 'clip.mp4');
  makeClip(clip, recordSeconds + 30);
  const cameras = [await GstCamera.create(clip), await GstCamera.create(clip)];
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

  const exports = new Map<string, { readonly file: string; readonly beginMs: number }>();
  // The export first, while recording goes on: 30 s that must cross at least one border of 20 s.
  for (const cam of ['cam0', 'cam1']) {
    const { timeline } = await details(cam);
    assert.equal(timeline.length, 1, `recorded in one piece: ${JSON.stringify(timeline)}`);
    const beginMs = Date.parse(timeline[0]![0]) + 7_300;
    const [begin, end] = [new Date(beginMs).toISOString(), new Date(beginMs + exportMs).toISOString()];
    const path = `/v1/svc/stor/${cam}/export?format=isom&begin=${begin}&end=${end}`;
    const file = join(daemon.folder, `${cam}.mp4`);
    const bytes = await daemon.bytes(path);
    writeFileSync(file, bytes);
    const head = await fetch(`${daemon.url}${path}`, { method: 'HEAD' });
    assert.equal(Number(head.headers.get('content-length')), bytes.length);
    const part = await fetch(`${daemon.url}${path}`, { headers: { range: 'bytes=1000-1999' } });
    assert.equal(part.status, 206);
    assert.deepEqual(new Uint8Array(await part.arrayBuffer()), bytes.slice(1000, 2000));
    exports.set(cam, { file, beginMs });
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
      assert.deepEqual(unevenSteps(times, 0.04, 0.002), [], `${f}: pictures come evenly`);
      assert.deepEqual(unevenSteps(packetTimes(file, 'a'), 1024 / 48000, 0.002), [], `${f}: sound comes evenly`);
    }
    assert.ok(pictures >= recordSeconds * 20, `${pictures} pictures in the files of ${cam}`);

    // Exact to the picture: those whose moment lies in [begin, end), by the files' own account of time.
    const { file, beginMs } = exports.get(cam)!;
    const times = await pictureWallTimes(files.map(f => join(folder, f)));
    const wanted = times.filter(ms => ms >= beginMs && ms < beginMs + exportMs).length;
    assert.ok(wanted > 600, `${wanted} pictures lie in the interval`);
    assert.equal(decodedPictures(file), wanted);
    const lasts = streamDuration(file, 'v');
    assert.ok(Math.abs(lasts - wanted * 0.04) <= 0.041, `${wanted} pictures of 40 ms last ${lasts} s`);
    assert.ok(Math.abs(streamDuration(file, 'a') - lasts) <= 0.1, `its sound lasts ${streamDuration(file, 'a')} s`);
    assert.deepEqual(unevenSteps(packetTimes(file, 'v'), 0.04, 0.002), [], 'the border of the files does not show');
  }
  assert.ok(!daemon.log.includes(GstCamera.password), 'the password is nowhere in the log');
});
