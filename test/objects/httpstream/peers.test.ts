/** Streams that other people's programs make: GStreamer's HLS and multipart, ffmpeg's H.265 in fragments; TLS with a certificate of its own making. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { makeMedia, needPeer } from '#fake/peers';
import { type FaultLike, ofKind, pull, serve } from './rig.ts';

let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'ocellus-http-'));
});
after(() => rmSync(folder, { recursive: true }));

const gst = (pipeline: string) =>
  spawn('gst-launch-1.0', ['-q', ...pipeline.split(' ')], { stdio: ['ignore', 'pipe', 'ignore'] });

describe('peers', { concurrency: 3 }, () => {
  test('live HLS of GStreamer is followed', { skip: needPeer('gst-launch-1.0') }, async () => {
    const child = gst(
      'videotestsrc is-live=true ! video/x-raw,width=320,height=180,framerate=25/1 ! x264enc tune=zerolatency speed-preset=ultrafast ' +
        `key-int-max=25 ! h264parse ! hlssink2 target-duration=1 max-files=10 playlist-length=5 location=${folder}/g%05d.ts playlist-location=${folder}/g.m3u8`,
    );
    const server = await serve((request, response) => {
      try {
        response.end(readFileSync(join(folder, (request.url ?? '').slice(1))));
      } catch {
        response.writeHead(404).end(); // not made yet
      }
    });
    try {
      for (let tries = 0; tries < 200; tries++) {
        if ((await fetch(`${server.url}/g.m3u8`)).ok) break;
        await new Promise(done => setTimeout(done, 50));
      }
      const rig = pull({ url: `${server.url}/g.m3u8` });
      try {
        await rig.until(() => rig.units.length >= 100);
        assert.deepEqual(rig.context.said.faults, []);
        assert.equal(new Set(rig.units.map(u => u.run)).size, 1);
        const steps = new Set(rig.units.slice(1).map((u, i) => Math.round((u.dts - (rig.units[i]?.dts ?? 0)) / 90)));
        assert.deepEqual(steps, new Set([40]));
      } finally {
        await rig.close();
      }
    } finally {
      child.kill('SIGKILL');
      await server.close();
    }
  });

  test('pictures of the multipart muxer of GStreamer', { skip: needPeer('gst-launch-1.0') }, async () => {
    const server = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'multipart/x-mixed-replace;boundary=gst-frame' });
      const child = gst(
        'videotestsrc is-live=true ! video/x-raw,width=320,height=180,framerate=25/1 ! jpegenc ! multipartmux boundary=gst-frame ! fdsink fd=1',
      );
      child.stdout?.pipe(response);
      response.on('close', () => child.kill('SIGKILL'));
    });
    const rig = pull({ url: server.url });
    try {
      await rig.until(() => rig.units.length >= 50);
      const seconds = ((rig.units[49]?.pts ?? 0) - (rig.units[0]?.pts ?? 0)) / 90_000;
      assert.ok(seconds > 1.4 && seconds < 3, `${seconds}`);
      assert.deepEqual(
        rig.log.lines.filter(l => l.event === 'bad-media'),
        [],
      );
    } finally {
      await rig.close();
      await server.close();
    }
  });

  test('H.265 in fragments of ffmpeg, over TLS: any certificate, unless it is to be verified', {
    skip: needPeer('ffmpeg', 'openssl'),
  }, async () => {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const words = `req -x509 -newkey rsa:2048 -nodes -keyout ${key} -out ${cert} -days 2 -subj /CN=localhost`;
    assert.equal(spawnSync('openssl', words.split(' ')).status, 0);
    const more = ['-tag:v', 'hvc1', '-movflags', 'frag_keyframe+empty_moov+default_base_moof'];
    const file = makeMedia('mp4', { video: 'h265', seconds: 2, more });
    const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, response) => {
      response.writeHead(200, { 'content-type': 'video/mp4' });
      response.write(file);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/live.mp4`;
    const [any, strict] = [pull({ url }), pull({ url, verify_certificate: true })];
    try {
      await any.until(() => ofKind(any.units, 'video').length >= 49);
      assert.deepEqual(
        any.units[0]?.run.tracks.map(t => t.codec),
        ['h265'],
      );
      await strict.until(() => strict.context.said.faults.length > 0);
      assert.equal((strict.context.said.faults[0] as FaultLike).code, 'connect-failed');
      assert.equal(strict.units.length, 0);
    } finally {
      await any.close();
      await strict.close();
      server.closeAllConnections();
      server.close();
    }
  });
});
