import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { type FakeContext, fakeContext } from '#fake/context';
import { FakeFiles } from '#fake/files';
import { makeMedia, needPeer } from '#fake/peers';
import { fakeWorld, settle } from '#fake/world';
import type { AccessUnit } from '#media/access-unit';
import type { Gap } from '#media/gap';
import mediafile from '#objects/mediafile/index';
import { type FileOptions, FileSource } from '#player/file-source';

/** 320x240, 25 pictures a second, a key frame every second, 4 s; AAC of 16 kHz for 4.096 s. */
const clip = new Uint8Array(readFileSync(new URL('../fixture/media/clip.mp4', import.meta.url)));

const defaults = {
  file: '/v/clip.mp4',
  loop: true,
  speed: 1,
  dynamic: false,
  enable: ['video', 'audio'],
  linger_seconds: 10,
};

function born(config: Partial<typeof defaults>, bytes: Uint8Array | undefined) {
  const files = new FakeFiles();
  if (bytes) files.put('/v/clip.mp4', bytes);
  const world = fakeWorld({ files });
  const context: FakeContext = fakeContext(mediafile, 'file1', { ...defaults, ...config }, world);
  const object = new FileSource(context as never, { ...defaults, ...config } as FileOptions);
  const units: AccessUnit[] = [];
  const gaps: Gap[] = [];
  const attach = () =>
    object.provides.media.attach(
      { unit: u => void units.push(u), gap: g => void gaps.push(g) },
      { who: 'test', from: 'next' },
    );
  return { world, files, context, object, units, gaps, attach };
}

const ofTrack = (units: readonly AccessUnit[], kind: string): AccessUnit[] =>
  units.filter(u => u.run.tracks[u.track]?.kind === kind);

describe('mediafile', () => {
  test('plays in real time, begins with a key frame, tells its tracks', async () => {
    const { world, context, object, units, attach } = born({}, clip);
    attach();
    await object.start();
    await world.clock.pass(1990);
    const video = ofTrack(units, 'video');
    assert.equal(video.length, 50);
    assert.ok(ofTrack(units, 'audio').length >= 30);
    assert.deepEqual([units[0]?.track, units[0]?.keyframe, units[0]?.pts], [0, true, 0]);
    assert.deepEqual(
      units[0]?.run.tracks.map(t => [t.codec, t.timescale]),
      [
        ['h264', 90_000],
        ['aac', 16_000],
      ],
    );
    assert.deepEqual(context.said.states, ['running']);
    await context.scope.close();
  });

  test('goes on over the end of the file in one run: times grow, wall clock and media time agree', async () => {
    const { world, files, context, object, units, attach } = born({}, clip);
    attach();
    const beganMs = world.clock.wallMs();
    await object.start();
    await world.clock.pass(12_900);
    await context.scope.close();
    assert.equal(new Set(units.map(u => u.run)).size, 1);
    const video = ofTrack(units, 'video');
    assert.ok(video.length > 300, `${video.length}`);
    for (const kind of ['video', 'audio']) {
      const dts = ofTrack(units, kind).map(u => u.dts);
      assert.ok(
        dts.every((d, i) => i === 0 || d > (dts[i - 1] ?? 0)),
        `${kind} grows`,
      );
    }
    for (const u of units) {
      const seconds = u.pts / (u.run.tracks[u.track]?.timescale ?? 1);
      assert.ok(Math.abs(u.wallMs - beganMs - seconds * 1000) < 20, `${u.wallMs - beganMs} at ${seconds}`);
    }
    assert.equal(files.openCount, 0);
    assert.deepEqual(context.scope.open, []);
  });

  test('without loop it plays once, then says that there is no media', async () => {
    const { world, context, object, units, gaps, attach } = born({ loop: false }, clip);
    attach();
    await object.start();
    await world.clock.pass(20_000);
    assert.equal(ofTrack(units, 'video').length, 100);
    assert.deepEqual(
      gaps.map(g => g.reason),
      ['no-media'],
    );
    assert.equal(context.said.states.at(-1), 'idle');
    await context.scope.close();
  });

  test('speed 2 plays in half the time, without sound', async () => {
    const { world, context, object, units, attach } = born({ speed: 2, loop: false }, clip);
    attach();
    await object.start();
    await world.clock.pass(2100);
    assert.deepEqual([units.length, units[0]?.run.tracks.length, units[99]?.pts], [100, 1, 99 * 1800]);
    await context.scope.close();
  });

  test('speed 0 waits for nothing', async () => {
    const { world, context, object, units, attach } = born({ speed: 0, loop: false }, clip);
    attach();
    await object.start();
    await world.clock.pass(1);
    assert.equal(ofTrack(units, 'video').length, 100);
    await context.scope.close();
  });

  test('enable leaves tracks out', async () => {
    const { world, context, object, units, attach } = born({ enable: ['audio'] }, clip);
    attach();
    await object.start();
    await world.clock.pass(500);
    assert.deepEqual([...new Set(units.map(u => u.run.tracks.map(t => t.kind).join()))], ['audio']);
    await context.scope.close();
  });

  test('a dynamic file is open only while somebody watches, and a bit longer', async () => {
    const { world, files, context, object, units, attach } = born({ dynamic: true }, clip);
    await object.start();
    await world.clock.pass(1000);
    assert.deepEqual([files.openCount, context.said.states], [0, ['idle']]);
    const viewer = attach();
    await world.clock.pass(1000);
    assert.ok(units.length > 25);
    viewer.close();
    await world.clock.pass(9000);
    assert.equal(files.openCount, 1);
    await world.clock.pass(2000);
    assert.equal(files.openCount, 0);
    await context.scope.close();
  });

  const failures: [name: string, bytes: Uint8Array | undefined, code: string, says: RegExp][] = [
    ['a missing file', undefined, 'not-found', /clip\.mp4/],
    ['an empty file', new Uint8Array(0), 'not-media', /an empty file/],
    ['something else', new Uint8Array(4096).fill(1), 'not-media', /bytes 01 01/],
    ['MPEG-TS without a program', new Uint8Array(4096).fill(0x47), 'no-media', /video or audio/],
    ['Matroska without a track', Uint8Array.of(0x1a, 0x45, 0xdf, 0xa3, 0x80), 'no-media', /video or audio/],
    ['an MP4 without its end', clip.slice(0, 2000), 'mp4-damaged', /moov/],
  ];
  for (const [name, bytes, code, says] of failures)
    test(`${name} is a failure with a clear error`, async () => {
      const { context, object, gaps, attach } = born({}, bytes);
      attach();
      await object.start();
      await settle();
      const fault = context.said.faults[0] as { code?: string; message?: string };
      assert.equal(fault?.code, code);
      assert.match(fault?.message ?? '', says);
      assert.deepEqual([context.said.states, gaps.map(g => g.reason)], [['failed'], ['camera-unreachable']]);
      await context.scope.close();
      assert.deepEqual(context.scope.open, []);
    });

  test('B-pictures keep their order: decoding times grow, presentation times are a permutation', {
    skip: needPeer('ffmpeg'),
  }, async () => {
    const { world, context, object, units, attach } = born(
      {},
      makeMedia('mp4', { video: 'h265', audio: 'aac', bframes: 3 }),
    );
    attach();
    await object.start();
    await world.clock.pass(1999);
    await context.scope.close();
    const video = ofTrack(units, 'video');
    assert.deepEqual(
      video.map(u => u.dts),
      video.map((_, i) => i * 3600),
    );
    assert.ok(
      video.some((u, i) => i > 0 && u.pts < (video[i - 1]?.pts ?? 0)),
      'reordered',
    );
    const pts = video.map(u => u.pts).sort((a, b) => a - b);
    assert.ok(
      pts.slice(0, 40).every((p, i) => i === 0 || p - (pts[i - 1] ?? 0) === 3600),
      'one picture every 40 ms',
    );
    assert.ok(video.every(u => u.pts >= u.dts));
  });
});
