/** The real daemon records cameras by every transport at once; ffprobe and FFmpeg judge the files, marks in the pictures the order. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDaemon, temporaryFolder, until } from '#fake/daemon';
import { GstCamera, makeClip } from '#fake/gst-camera';
import { needPeer, runPeer } from '#fake/peers';
import { type FakeCamera, type FakeCameraOptions, startFakeCamera } from '../../tools/fake-camera/fake-camera.ts';
import { marksIn } from '../../tools/fake-camera/mark.ts';
import { decodedPictures, packetTimes, unevenSteps } from './judge.ts';

const seconds = 8;

test('cameras by UDP, multicast, TLS and HTTP are recorded side by side, and no picture is missing', {
  skip: needPeer('gst-rtsp-server', 'ffmpeg', 'ffprobe', 'openssl'),
  timeout: 120_000,
}, async t => {
  const folder = temporaryFolder(t);
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const made = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=cam', '-days', '2'];
  runPeer('openssl', ['req', ...made, '-keyout', key, '-out', cert]);
  const clip = join(folder, 'clip.mp4');
  makeClip(clip, seconds + 20);
  const plain = await GstCamera.create(clip);
  const secure = await GstCamera.create(clip, { key, cert });
  for (const c of [plain, secure]) {
    t.after(() => c.stop());
    await c.start();
  }
  const fakes: Readonly<Record<string, FakeCamera>> = {
    'fake-udp': await fake({ faults: ['type=reorder,p=0.1', 'type=dup,p=0.1'] }),
    'fake-multicast': await fake({ transports: ['multicast'] }),
    'fake-http': await fake({ tunnelLogin: true, login: { user: 'u', password: 'p', schemes: ['SHA-256'] } }),
  };
  async function fake(options: FakeCameraOptions): Promise<FakeCamera> {
    const camera = await startFakeCamera(options);
    t.after(() => camera.stop());
    return camera;
  }
  const auth = [GstCamera.user, GstCamera.password];
  const cameras = [
    { name: 'gst-udp', url: plain.url, auth, transport: ['udp'] },
    { name: 'gst-http', url: plain.url, auth, transport: ['http'] },
    { name: 'gst-rtsps', url: secure.url, auth },
    { name: 'fake-udp', url: fakes['fake-udp']!.url(), transport: ['udp'] },
    { name: 'fake-multicast', url: fakes['fake-multicast']!.url(), transport: ['multicast'] },
    { name: 'fake-http', url: fakes['fake-http']!.url().replace('u:p@', ''), auth: ['u', 'p'], transport: ['http'] },
  ].map(c => ({ type: 'rtsp', ...c }));
  const daemon = await startDaemon(t, home => ({
    objects: [...cameras, { type: 'storage', name: 'stor', folder: join(home, 'archive') }],
    links: [[cameras.map(c => c.name), 'stor']],
  }));
  await until('all record', async () => {
    const all = cameras.map(c => daemon.get<{ timeline: unknown[] }>(`/v1/svc/stor/${c.name}`).catch(() => undefined));
    return (await Promise.all(all)).every(d => d !== undefined && d.timeline.length > 0);
  });
  await sleep(seconds * 1000);
  assert.equal(await daemon.stop(), 0);

  for (const { name } of cameras) {
    const place = join(daemon.folder, 'archive', name);
    const files = (readdirSync(place, { recursive: true }) as string[]).filter(f => f.endsWith('.mp4')).sort();
    // At PLAY this server seeks to the begin that is asked for: it sends the first pictures twice (the same
    // timestamps, seen on the socket), and the sequence numbers of what its flush threw away are never sent. Over TCP nothing was
    // sent before. The recording has that second, as it begins with what was kept.
    const fromSeconds = name === 'gst-udp' ? 3 : 0;
    const pictures = files.reduce((n, f) => n + decodedPictures(join(place, f), fromSeconds), 0);
    assert.ok(pictures >= (seconds - 2) * 25, `${name}: ${pictures} pictures`);
    for (const f of files) {
      const times = packetTimes(join(place, f), 'v').filter(s => s >= fromSeconds);
      assert.deepEqual(unevenSteps(times, 0.04, 0.002), [], `${name}: ${f}`);
    }
    if (fakes[name] === undefined) continue;
    const numbers = files.flatMap(f => marksIn(new Uint8Array(readFileSync(join(place, f)))).map(m => m.unit));
    const holes = numbers.filter((n, i) => i > 0 && n !== numbers[i - 1]! + 1);
    assert.deepEqual([numbers.length > 100, holes], [true, []], `${name}: pictures behind which one is missing`);
  }
});
