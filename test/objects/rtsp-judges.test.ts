/**
 * The object `rtsp` plays GStreamer's RTSP server, by every transport that both have: other
 * people's idea of RTSP. Not by multicast: that server keeps the ports of its groups for
 * itself, so nobody else on its machine can listen there.
 */
import assert from 'node:assert/strict';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { Camera } from '#camera/camera';
import { fakeContext } from '#fake/context';
import { temporaryFolder } from '#fake/daemon';
import { GstCamera, makeClip } from '#fake/gst-camera';
import { needPeer, runPeer, scratchFolder } from '#fake/peers';
import { fakeWorld } from '#fake/world';
import { clock } from '#host/clock';
import { createTcp } from '#host/tcp';
import { createUdp } from '#host/udp';
import type { AccessUnit } from '#media/access-unit';
import rtsp from '../../objects/rtsp/index.ts';

type T = { after(f: () => Promise<void> | void): void };
const defaults = {
  port: 554,
  path: '/',
  verify_certificate: false,
  dynamic: false,
  enable: ['video', 'audio'],
  rtpstats: false,
  stall_seconds: 10,
  linger_seconds: 10,
  time: 'server',
  auth: [GstCamera.user, GstCamera.password],
};

async function until(what: string, ask: () => boolean, timeoutMs: number): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!ask()) {
    if (performance.now() > end) assert.fail(`${what}: not within ${timeoutMs} ms`);
    await new Promise(r => setTimeout(r, 10));
  }
}

function play(t: T, url: string, transport: string) {
  const world = fakeWorld({ clock: clock as never, tcp: createTcp(), udp: createUdp() });
  const context = fakeContext(rtsp, 'cam', { ...defaults, url, transport: [transport] }, world);
  const object = new Camera(context as never, () => url);
  const units: AccessUnit[] = [];
  object.provides.media.attach({ unit: u => void units.push(u), gap: () => {} }, { who: 'test', from: 'keyframe' });
  t.after(async () => {
    await context.scope.close();
    assert.deepEqual(context.scope.open, []);
  });
  object.start();
  return { units, context, figures: () => (object as Camera).rtpFigures() };
}

/** Whole, evenly and together: 25 pictures a second of one run, and sound. */
function judge(units: readonly AccessUnit[], seconds: number): void {
  const video = units.filter(u => u.track === 0);
  assert.ok(video.length >= seconds * 24, `${video.length} pictures`);
  assert.deepEqual([...new Set(units.map(u => u.run.id))].length, 1);
  assert.ok(units.every(u => u.lost === 0));
  const steps = video.map((u, i) => (i === 0 ? 3600 : u.dts - video[i - 1]!.dts));
  assert.deepEqual(
    steps.filter(s => Math.abs(s - 3600) > 100),
    [],
    'a picture every 40 ms',
  );
  assert.ok(units.filter(u => u.track === 1).length > seconds * 30);
}

describe('rtsp plays GStreamer', { skip: needPeer('gst-rtsp-server', 'ffmpeg', 'openssl') }, () => {
  const clip = join(scratchFolder(), 'clip.mp4');
  before(() => makeClip(clip, 30));

  const rows: [transport: string, tls: boolean][] = [
    ['tcp', false],
    ['udp', false],
    ['http', false],
    ['tcp', true],
    ['http', true],
  ];
  for (const [transport, secure] of rows)
    test(`${transport}${secure ? ' over TLS' : ''} with Digest: nothing is missing`, async t => {
      const tls = secure ? ownCertificate(t) : undefined;
      const camera = await GstCamera.create(clip, tls);
      t.after(() => camera.stop());
      await camera.start();
      const { units, context, figures } = play(t, camera.url, transport);
      await until('three seconds', () => units.some(u => u.track === 0 && u.pts > 3 * 90000), 15_000);
      judge(units, 3);
      const { lost, late, strangers } = figures();
      assert.deepEqual([lost, late, strangers, context.said.faults], [0, 0, 0, []]);
    });

  test('UDP goes on while the connection is lost and made again: no picture is missing', async t => {
    const camera = await GstCamera.create(clip);
    t.after(() => camera.stop());
    await camera.start();
    const through = await proxy(t, camera.port);
    const { units, context } = play(t, camera.url.replace(`:${camera.port}`, `:${through.port}`), 'udp');
    await until('two seconds', () => units.some(u => u.track === 0 && u.pts > 2 * 90000), 15_000);
    through.cut();
    await until('made again', () => through.connections() === 2, 8000);
    await until('three more', () => units.some(u => u.track === 0 && u.pts > 8.5 * 90000), 15_000);
    judge(units, 8);
    assert.deepEqual([context.said.faults, through.answers().includes(' 454 ')], [[], false]);
    assert.match(through.answers(), /^RTSP\/1.0 200 OK/m, 'it was asked, and remembers');
  });
});

function ownCertificate(t: T): { key: string; cert: string } {
  const folder = temporaryFolder(t as never);
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const made = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=cam', '-days', '2'];
  runPeer('openssl', ['req', ...made, '-keyout', key, '-out', cert]);
  return { key, cert };
}

/** Between us and the camera; what it cuts on our side, the camera does not notice. */
async function proxy(t: T, to: number) {
  const ours: Socket[] = [];
  const theirs: Socket[] = [];
  let answers = '';
  const server = createServer(socket => {
    const camera = connect(to, '127.0.0.1');
    ours.push(socket);
    theirs.push(camera);
    socket.on('error', () => {});
    camera.on('error', () => {});
    socket.on('data', b => void camera.write(b));
    const second = ours.length > 1;
    camera.on('data', b => {
      if (second) answers += b.toString('latin1');
      if (!socket.destroyed) socket.write(b);
    });
  });
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  t.after(() => {
    for (const s of [...ours, ...theirs]) s.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  return { port, cut: () => ours[0]?.destroy(), connections: () => ours.length, answers: () => answers };
}
