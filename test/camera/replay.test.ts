/** Replay of what a device has recorded, against the fake camera over loopback. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { replay } from '#camera/replay';
import { type Fault, faultFrom } from '#core/errors';
import { clock } from '#host/clock';
import { random } from '#host/random';
import { createTcp } from '#host/tcp';
import type { AccessUnit } from '#media/access-unit';
import { parseRtspUrl } from '#rtsp/url';
import { type FakeCameraOptions, startFakeCamera } from '../../tools/fake-camera/fake-camera.ts';
import { marksIn } from '../../tools/fake-camera/mark.ts';

type T = { after(f: () => Promise<void> | void): void };
/** An hour ago. */
const past = Math.floor(Date.now() / 1000) * 1000 - 3_600_000;
const world = { tcp: createTcp(), random, clock };

async function bench(
  t: T,
  spans: readonly (readonly [number, number])[],
  options: FakeCameraOptions = {},
  name = 'rec',
) {
  const camera = await startFakeCamera({
    cameras: ['cam', 'rec'],
    steady: true,
    recordings: new Map([['rec', { camera: 0, spans: () => spans.map(([b, e]) => [past + b, past + e] as const) }]]),
    ...options,
  });
  t.after(() => camera.stop());
  const units: AccessUnit[] = [];
  const taker = { unit: (u: AccessUnit) => void units.push(u), over: false, busy: false };
  const play = (beginMs: number, endMs: number, more: Partial<Parameters<typeof replay>[0]> = {}) =>
    replay(
      {
        world,
        url: parseRtspUrl(camera.url(name))!,
        login: undefined,
        want: { video: true, audio: true },
        beginMs: past + beginMs,
        endMs: past + endMs,
        deviceAheadMs: 0,
        mostSpeed: 50,
        signal: new AbortController().signal,
        ...more,
      },
      taker,
    );
  const pictures = (): AccessUnit[] => units.filter(u => u.track === 0);
  const marks = (): number[] => pictures().flatMap(u => marksIn(u.data).map(m => m.unit));
  return { camera, units, taker, play, pictures, marks };
}

/** Where each number is not one more than the last. */
const seams = (numbers: readonly number[]): number[] => numbers.filter((n, i) => i > 0 && n !== numbers[i - 1]! + 1);

describe('a replay', { concurrency: true }, () => {
  for (const replayEnd of ['goodbye', 'silence', 'close'] as const)
    test(`brings every picture once, with the time at which it was taken, and ends by ${replayEnd}`, async t => {
      const b = await bench(t, [[0, 60_000]], { replayEnd });
      const began = performance.now();
      assert.ok((await b.play(10_000, 20_000)) > 250);
      assert.ok(performance.now() - began < 15_000);
      assert.deepEqual(seams(b.marks()), []);
      for (const u of b.pictures()) {
        const [mark] = marksIn(u.data);
        assert.ok(Math.abs(u.wallMs - Number(mark!.atNs / 1_000_000n)) < 2, `${u.wallMs} ${mark!.atNs}`);
      }
      assert.equal(b.pictures()[0]!.keyframe, true);
      assert.ok(b.pictures()[0]!.wallMs <= past + 10_000 && b.pictures()[0]!.wallMs > past + 7_000);
      assert.ok(Math.abs(b.pictures().at(-1)!.wallMs - (past + 19_980)) < 60);
      const sound = b.units.filter(u => u.track === 1);
      assert.ok(sound.length > 150, 'with its sound');
      assert.equal(new Set(b.units.map(u => u.run)).size, 1);
    });

  test('tells the times by our clock', async t => {
    const b = await bench(t, [[0, 60_000]]);
    await b.play(7_000, 17_000, { deviceAheadMs: 3_000 });
    assert.ok(Math.abs(b.pictures().at(-1)!.wallMs - (past + 16_980)) < 60);
  });

  test('goes on behind a hole with a run whose times are right', async t => {
    const b = await bench(t, [
      [0, 12_000],
      [40_000, 60_000],
    ]);
    await b.play(10_000, 45_000);
    assert.equal(seams(b.marks()).length, 1);
    for (const u of b.pictures()) assert.ok(Math.abs(u.wallMs - Number(marksIn(u.data)[0]!.atNs / 1_000_000n)) < 2);
  });

  test('of what the device does not have brings nothing', async t => {
    const b = await bench(t, [[0, 5_000]]);
    assert.equal(await b.play(10_000, 20_000), 0);
  });

  test('waits while the taker is busy, and is no faster than it may be', async t => {
    const b = await bench(t, [[0, 600_000]]);
    b.taker.busy = true;
    const done = b.play(0, 24_000, { mostSpeed: 10 });
    await new Promise(r => setTimeout(r, 1000));
    // One read of at most 256 KiB had come before it was known.
    const early = b.units.length;
    await new Promise(r => setTimeout(r, 500));
    assert.equal(b.units.length, early);
    b.taker.busy = false;
    const began = performance.now();
    await done;
    assert.ok(performance.now() - began > 400, `${performance.now() - began}`);
    assert.deepEqual(seams(b.marks()), []);
  });

  test('is not slowed down by a hole of an hour', async t => {
    const b = await bench(t, [
      [-4_000_000, -3_990_000],
      [0, 60_000],
    ]);
    const began = performance.now();
    await b.play(-3_995_000, 5_000, { mostSpeed: 8 });
    assert.ok(performance.now() - began < 20_000, `${performance.now() - began}`);
    assert.equal(seams(b.marks()).length, 1);
    assert.ok(Math.abs(b.pictures().at(-1)!.wallMs - (past + 4_980)) < 60);
  });

  test('ends at once when nothing more is wanted', async t => {
    const b = await bench(t, [[0, 600_000]]);
    const done = b.play(0, 600_000, { mostSpeed: 5 });
    setTimeout(() => {
      b.taker.over = true;
    }, 300);
    await done;
    assert.ok(b.units.length > 10);
    await new Promise(r => setTimeout(r, 200));
    assert.equal(b.camera.clients.open, 0);
  });

  const failures: [
    name: string,
    code: string,
    options: FakeCameraOptions,
    play: string,
    after: (b: Awaited<ReturnType<typeof bench>>) => void,
  ][] = [
    [
      'a device that dies',
      'connection-lost',
      { replaySpeed: 4 },
      'rec',
      b => setTimeout(() => b.camera.drop('rec', 'rst'), 700),
    ],
    ['a device that plays something else', 'replay-without-times', { steady: false }, 'cam', () => {}],
    ['a device without this recording', 'rtsp-404', {}, 'nothing', () => {}],
  ];
  for (const [name, code, options, presentation, after] of failures)
    test(`fails with ${code}: ${name}`, { timeout: 30_000 }, async t => {
      const b = await bench(t, [[0, 60_000]], options, presentation);
      after(b);
      await assert.rejects(b.play(0, 60_000), (e: Fault) => faultFrom(e).code === code);
    });
});
