import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fakeContext } from '#fake/context';
import { FakeClock, fakeWorld, settle } from '#fake/world';
import type { AccessUnit } from '#media/access-unit';
import type { Gap } from '#media/gap';
import testsource from '#objects/testsource/index';
import { TestSource } from '#objects/testsource/test-source';

const begin = Date.UTC(2026, 2, 1, 12, 0, 0);
const defaults = {
  dynamic: false,
  linger_seconds: 10,
  size: [64, 64],
  framerate: 25,
  gop: 1,
  bitrate: 100_000,
  audio: false,
};

function born(config: Record<string, unknown> = {}, name = 'cam7') {
  const world = fakeWorld({ clock: new FakeClock(begin) });
  const context = fakeContext(testsource, name, { ...defaults, ...config }, world);
  const object = new TestSource(context as never);
  const units: AccessUnit[] = [];
  const gaps: Gap[] = [];
  const attach = () =>
    object.provides.media.attach(
      { unit: u => void units.push(u), gap: g => void gaps.push(g) },
      { who: 'test', from: 'next' },
    );
  return { world, clock: world.clock as FakeClock, context, object, units, gaps, attach };
}

test('pictures come on the grid of UTC, with the clock they show, a keyframe every second', async () => {
  const { clock, context, object, units, attach } = born();
  object.start();
  attach();
  await clock.pass(2999);
  assert.equal(units.length, 75);
  assert.deepEqual(
    units.map(u => u.wallMs),
    units.map((_, n) => begin + n * 40),
  );
  assert.deepEqual(
    units.map(u => u.pts),
    units.map((_, n) => n * 3600),
  );
  assert.ok(units.every(u => u.dts === u.pts && u.lost === 0 && u.track === 0));
  assert.deepEqual(
    units.flatMap((u, n) => (u.keyframe ? [n] : [])),
    [0, 25, 50],
  );
  const [track] = units[0]!.run.tracks;
  assert.ok(track?.kind === 'video' && track.codecText.startsWith('avc1.42c0') && track.width === 64);
  assert.equal(context.state(), 'running');
  await context.scope.close();
  assert.deepEqual([context.scope.open, clock.waiting, context.said.faults], [[], 0, []]);
});

test('the SEI tells the camera by the digits of its name, and numbers without a hole', async () => {
  const { clock, context, object, units, attach } = born({}, 'yard-12');
  object.start();
  attach();
  await clock.pass(399);
  const text = units.map(u => Buffer.from(u.data.subarray(4 + 19, 4 + 19 + 26)).toString('latin1'));
  assert.deepEqual(
    text,
    units.map((_, n) => `cam=00012 au=${String(n).padStart(12, '0')} `),
  );
  await context.scope.close();
});

test('audio: true is the tone, false is none', async () => {
  for (const [audio, kinds] of [
    [true, ['video', 'audio']],
    ['tone', ['video', 'audio']],
    [false, ['video']],
  ] as const) {
    const { clock, context, object, units, attach } = born({ audio });
    object.start();
    attach();
    await clock.pass(100);
    assert.deepEqual(
      units[0]?.run.tracks.map(t => t.kind),
      kinds,
    );
    await context.scope.close();
  }
});

test('with a tone there are two tracks, and sound keeps up with the pictures', async () => {
  const { clock, context, object, units, attach } = born({ audio: 'tone' });
  object.start();
  attach();
  await clock.pass(3999);
  const audio = units.filter(u => u.track === 1);
  assert.equal(units[0]!.track, 0);
  assert.deepEqual(
    audio.map(u => u.pts),
    audio.map((_, n) => n * 1024),
  );
  // Up to the last picture, at 3960 ms.
  assert.equal(audio.length, Math.floor((3960 * 48) / 1024) + 1);
  for (const u of audio) assert.ok(Math.abs(u.wallMs - begin - u.pts / 48) < 1e-3);
  const beeps = audio.filter(u => u.data.length > 40).map(u => Math.floor((u.wallMs - begin) / 1000));
  assert.deepEqual(
    beeps,
    [0, 1, 2, 3].flatMap(second => [second, second, second, second, second]),
  );
  await context.scope.close();
});

describe('dynamic', () => {
  test('it makes nothing until somebody looks, and stops when he has been gone for a while', async () => {
    const { clock, context, object, units, attach } = born({ dynamic: true, linger_seconds: 2 });
    object.start();
    await clock.pass(5000);
    assert.deepEqual([units.length, clock.waiting, context.state()], [0, 0, 'idle']);
    const first = attach();
    await clock.pass(1000);
    assert.equal(context.state(), 'running');
    assert.ok(units.length >= 25 && units[0]!.keyframe);
    first.close();
    await clock.pass(2500);
    assert.deepEqual([clock.waiting, context.state()], [0, 'idle']);
    const seen = units.length;
    attach();
    await clock.pass(500);
    const again = units.slice(seen);
    assert.ok(again.length >= 12 && again[0]!.keyframe);
    assert.deepEqual([again[0]!.run.id, again[0]!.pts], [2, 0]);
    await context.scope.close();
    assert.deepEqual([context.scope.open, clock.waiting], [[], 0]);
  });
});

describe('when time jumps', () => {
  test('a clock put forward by an hour: a gap, a new run, no burst', async () => {
    const { clock, context, object, units, gaps, attach } = born();
    object.start();
    attach();
    await clock.pass(1000);
    const before = units.length;
    clock.stepWall(3_600_000);
    await clock.pass(199);
    const after = units.slice(before);
    assert.ok(after.length >= 4 && after.length <= 6, `${after.length}`);
    assert.deepEqual([after[0]!.keyframe, after[0]!.run.id, after[0]!.pts], [true, 2, 0]);
    assert.ok(after[0]!.wallMs >= begin + 3_600_000);
    assert.deepEqual(
      gaps.map(g => g.reason),
      ['clock-step'],
    );
    await context.scope.close();
  });

  test('a clock put back: the same, and pictures go on at once', async () => {
    const { clock, context, object, units, gaps, attach } = born();
    object.start();
    attach();
    await clock.pass(1000);
    const before = units.length;
    clock.stepWall(-600_000);
    await clock.pass(399);
    const after = units.slice(before);
    assert.ok(after.length >= 8 && after.length <= 11, `${after.length}`);
    assert.deepEqual([after[0]!.run.id, gaps.map(g => g.reason)], [2, ['clock-step']]);
    await context.scope.close();
  });

  test('half a second of a busy machine: the pictures of it are left out, the run goes on', async () => {
    const { clock, context, object, units, gaps, attach } = born();
    object.start();
    attach();
    await clock.pass(1000);
    const before = units.length;
    clock.stepWall(500);
    await clock.pass(199);
    const after = units.slice(before);
    assert.ok(after.length >= 4 && after.length <= 6, `${after.length}`);
    assert.deepEqual([after[0]!.run.id, gaps.length], [1, 0]);
    assert.ok(after[0]!.pts - units[before - 1]!.pts >= 12 * 3600);
    await context.scope.close();
  });
});

test('nothing is made before start, and details tell what flows', async () => {
  const { clock, context, object, attach } = born();
  attach();
  await settle();
  assert.equal(clock.waiting, 0);
  object.start();
  await clock.pass(2000);
  const details = await object.published.VideoSource.details({}, { caller: { login: null, address: '' } });
  assert.deepEqual([details.resolution, details.framerate, details.consumers], [[64, 64], 25, 1]);
  assert.ok(details.bitrate > 10_000 && details.bitrate < 200_000, `${details.bitrate}`);
  await context.scope.close();
});
