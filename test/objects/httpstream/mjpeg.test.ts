import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { describe, test } from 'node:test';
import { needPeer, probe } from '#fake/peers';
import { jpegSize } from '#media/jpeg';
import { Fragmenter } from '#mp4/fragmenter';
import { writeInit } from '#mp4/init';
import { pull, serve } from './rig.ts';

/** 176x144, some JPEGs one after the other. */
const clip = new Uint8Array(readFileSync(new URL('../../fixture/media/clip.mjpeg', import.meta.url)));
const pictures = splitPictures(clip);

function splitPictures(bytes: Uint8Array): Uint8Array[] {
  const begins: number[] = [];
  for (let i = 0; i + 2 < bytes.length; i++)
    if (bytes[i] === 0xff && bytes[i + 1] === 0xd8 && bytes[i + 2] === 0xff) begins.push(i);
  return begins.map((b, i) => bytes.subarray(b, begins[i + 1] ?? bytes.length));
}

/** Sends `count` pictures, one every `everyMs`, with these headers. */
async function push(
  response: ServerResponse,
  count: number,
  everyMs: number,
  part: (picture: Uint8Array, n: number) => string,
): Promise<void> {
  for (let n = 0; n < count && !response.destroyed; n++) {
    const picture = pictures[n % pictures.length] as Uint8Array;
    response.write(Buffer.concat([Buffer.from(part(picture, n), 'latin1'), picture, Buffer.from('\r\n')]));
    await new Promise(done => setTimeout(done, everyMs));
  }
}

const withLength = (p: Uint8Array): string =>
  `--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${p.length}\r\n\r\n`;

describe('MJPEG', () => {
  test('the size of a JPEG', () => {
    assert.deepEqual(jpegSize(pictures[0] as Uint8Array), { width: 176, height: 144 });
    assert.equal(jpegSize(Uint8Array.of(0xff, 0xd8, 0xff, 0xd9)), undefined);
    assert.equal(jpegSize(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0xff, 0xff)), undefined);
    assert.equal(jpegSize(Uint8Array.of(0xff, 0xd8, ...new Array(20).fill(0xff))), undefined);
  });

  test('pictures come at once, one for one, at the times they arrive', { skip: needPeer('ffprobe') }, async () => {
    const server = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'multipart/x-mixed-replace; boundary=frame' });
      void push(response, 100, 50, withLength);
    });
    const rig = pull({ url: `${server.url}/video` });
    try {
      await rig.until(() => rig.units.length >= 30);
      const [first] = rig.units;
      assert.deepEqual(
        first?.run.tracks.map(t => [t.codec, t.kind === 'video' && t.width]),
        [['mjpeg', 176]],
      );
      for (const [n, unit] of rig.units.slice(0, 30).entries())
        assert.equal(Buffer.compare(unit.data, pictures[n % pictures.length] as Uint8Array), 0, `picture ${n}`);
      const seconds = ((rig.units[29]?.pts ?? 0) - (rig.units[0]?.pts ?? 0)) / 90_000;
      assert.ok(seconds > 1.4 && seconds < 4, `${seconds}`);
      assert.ok(Math.abs((rig.units[29]?.wallMs ?? 0) - Date.now()) < 1000);
      // A recording of it is a file that others read.
      const run = first?.run as NonNullable<typeof first>['run'];
      const fragmenter = new Fragmenter(run, {
        maxSeconds: 10,
        cutAtKeyframes: false,
        prft: false,
        originDts: 'first',
      });
      for (const u of rig.units.slice(0, 30)) fragmenter.push(u);
      const fragment = fragmenter.flush();
      assert.ok(fragment);
      const file = new Uint8Array(Buffer.concat([writeInit(run.tracks), fragment.header, ...fragment.chunks]));
      const { streams } = probe(file, ['-count_frames', '-show_streams']);
      assert.deepEqual([streams[0].codec_name, streams[0].nb_read_frames, streams[0].width], ['mjpeg', '30', 176]);
    } finally {
      await rig.close();
      await server.close();
    }
    assert.deepEqual(rig.context.scope.open, []);
  });

  // Content-Type of the answer, and what stands before each picture
  const dialects: [name: string, type: string, part: (p: Uint8Array) => string][] = [
    ['dashes in the parameter', 'multipart/x-mixed-replace;boundary=--frame', withLength],
    ['quoted', 'multipart/x-mixed-replace; boundary="frame"', withLength],
    ['no length, LF alone', 'multipart/x-mixed-replace; boundary=frame', () => '--frame\nContent-type: image/jpeg\n\n'],
    [
      'headers that are not ended',
      'multipart/x-mixed-replace; boundary=frame',
      () => '--frame\r\n\r\nContent-Type: image/jpeg\r\n\r\n',
    ],
  ];
  for (const [name, type, part] of dialects)
    test(`dialect: ${name}`, async () => {
      const server = await serve((_, response) => {
        response.writeHead(200, { 'content-type': type });
        void push(response, 100, 10, part);
      });
      const rig = pull({ url: server.url });
      try {
        await rig.until(() => rig.units.length >= 5);
        const end = (pictures[0] as Uint8Array).length;
        assert.equal(
          Buffer.compare((rig.units[0]?.data ?? new Uint8Array(0)).subarray(0, end), pictures[0] as Uint8Array),
          0,
        );
      } finally {
        await rig.close();
        await server.close();
      }
    });

  test('with "device" times are those of X-Timestamp, if they are near ours', async () => {
    for (const [offMs, expectedStep] of [
      [-1000, 900],
      [-100_000, undefined],
    ] as const) {
      const zero = Date.now() + offMs;
      const server = await serve((_, response) => {
        response.writeHead(200, { 'content-type': 'multipart/x-mixed-replace; boundary=frame' });
        void push(response, 100, 20, (p, n) =>
          withLength(p).replace('\r\n\r\n', `\r\nX-Timestamp: ${((zero + n * 10) / 1000).toFixed(3)}\r\n\r\n`),
        );
      });
      const rig = pull({ url: server.url, time: 'device' });
      try {
        await rig.until(() => rig.units.length >= 10);
        const steps = rig.units.slice(1).map((u, i) => u.pts - (rig.units[i]?.pts ?? 0));
        assert.equal(
          steps.every(s => s === expectedStep),
          expectedStep !== undefined,
        );
        const offset = (rig.units[0]?.wallMs ?? 0) - zero;
        assert.ok(expectedStep === undefined ? offset > 90_000 : Math.abs(offset) < 2, `${offset}`);
      } finally {
        await rig.close();
        await server.close();
      }
    }
  });

  test('a URL of one picture is asked for again every second; another size begins another run', async () => {
    let asked = 0;
    const other = Uint8Array.from(pictures[0] as Uint8Array);
    const at = other.findIndex((b, i) => b === 0xff && other[i + 1] === 0xc0);
    other[at + 8] = 0x50;
    const server = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'image/jpeg' });
      response.end(asked++ < 2 ? pictures[0] : other);
    });
    const rig = pull({ url: `${server.url}/snap.jpg` });
    try {
      await rig.until(() => rig.units.length >= 3);
      const ms = (rig.arrivedMs[2] ?? 0) - (rig.arrivedMs[0] ?? 0);
      assert.ok(ms > 1700 && ms < 3500, `${ms}`);
      assert.deepEqual(
        rig.units.map(u => u.run.id),
        [1, 1, 2],
      );
    } finally {
      await rig.close();
      await server.close();
    }
  });
});
