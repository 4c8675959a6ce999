import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aacTrack, fakeRun, fakeUnit, h264Track } from '#fake/media';
import { FakeClock, settle } from '#fake/world';
import type { AccessUnit } from '#media/access-unit';
import { Pacer } from '#objects/httpstream/pacer';

const run1 = fakeRun(1, [h264Track, aacTrack]);

function paced(roomMs = 60_000) {
  const clock = new FakeClock();
  const given: { unit: AccessUnit; atMs: number }[] = [];
  const pacer = new Pacer(clock, roomMs, unit => void given.push({ unit, atMs: clock.monotonicMs() }));
  return { clock, given, pacer };
}

/** Pictures every 40 ms from `fromMs` up to `toMs`. */
function push(pacer: Pacer, fromMs: number, toMs: number, run = run1, saidMs?: number): void {
  for (let ms = fromMs; ms < toMs; ms += 40)
    pacer.push(fakeUnit(run, ms, { bytes: 1000 }), ms === fromMs ? saidMs : undefined);
}

const near = (got: number | undefined, expected: number, by: number): void =>
  assert.ok(got !== undefined && Math.abs(got - expected) <= by, `${got}, expected ${expected} +- ${by}`);

describe('pacing', () => {
  test('what comes at once is given on as its times say', async () => {
    const { clock, given, pacer } = paced();
    push(pacer, 0, 2000);
    await clock.pass(1000);
    near(given.length, 26, 1);
    await clock.pass(2000);
    assert.equal(given.length, 50);
    for (const { unit, atMs } of given) near(atMs, unit.pts / 90, 8);
    assert.equal(clock.waiting, 0);
  });

  test('sound that is multiplexed later does not hold up pictures, and goes out in its own time', async () => {
    const { clock, given, pacer } = paced();
    push(pacer, 0, 1000);
    for (let ms = 0; ms < 1000; ms += 20) pacer.push(fakeUnit(run1, ms, { track: 1 }));
    await clock.pass(1500);
    assert.equal(given.length, 75);
    for (const { unit, atMs } of given) near(atMs, (unit.dts * 1000) / (unit.track === 0 ? 90_000 : 48_000), 8);
  });

  test('a hiccup of the feeder costs delay and no unit; wall times go on evenly', async () => {
    const { clock, given, pacer } = paced();
    push(pacer, 0, 1000);
    await clock.pass(5000);
    push(pacer, 1000, 2000);
    await clock.pass(2000);
    assert.equal(given.length, 50);
    near(given[25]?.atMs, 5000, 50);
    near(given[49]?.atMs, 5960, 50);
    near((given[49]?.unit.wallMs ?? 0) - (given[0]?.unit.wallMs ?? 0), 1960, 15);
  });

  test('delay beyond the limit is worked off at 105 %', async () => {
    const { clock, given, pacer } = paced();
    pacer.catchUpMs = 1000;
    push(pacer, 0, 22_000);
    await clock.pass(10_000);
    near((given.at(-1)?.unit.pts ?? 0) / 90, 10_500, 60);
    await clock.pass(11_000);
    assert.ok(pacer.aheadMs <= 1000);
  });

  test('runs follow each other without a hole, whatever their times', async () => {
    const { clock, given, pacer } = paced();
    push(pacer, 5000, 6000);
    push(pacer, 0, 1000, fakeRun(2, [h264Track, aacTrack]));
    await clock.pass(3000);
    near(given[25]?.atMs, 1000, 8);
    assert.equal(given[25]?.unit.run.id, 2);
    near((given[25]?.unit.wallMs ?? 0) - (given[0]?.unit.wallMs ?? 0), 1000, 10);
  });

  test('the wall time that somebody said holds on in the run', async () => {
    const { clock, given, pacer } = paced();
    const saidMs = clock.wallMs() - 60_000;
    push(pacer, 0, 1000, run1, saidMs);
    await clock.pass(2000);
    for (const { unit } of given) near(unit.wallMs, saidMs + unit.pts / 90, 1);
  });

  test('the feeder waits for room, in time and in bytes', async () => {
    const { clock, pacer } = paced(500);
    push(pacer, 0, 1000);
    let room = false;
    void pacer.room(new AbortController().signal).then(() => {
      room = true;
    });
    await clock.pass(300);
    assert.equal(room, false);
    await clock.pass(400);
    assert.equal(room, true);
    for (let i = 0; i < 30; i++) pacer.push(fakeUnit(run1, 1000 + i, { bytes: 1 << 20 }));
    const abort = new AbortController();
    let ended = false;
    void pacer.room(abort.signal).then(() => {
      ended = true;
    });
    await settle();
    assert.equal(ended, false);
    abort.abort();
    await settle();
    assert.equal(ended, true);
    pacer.close();
    assert.deepEqual([clock.waiting, pacer.queuedBytes], [0, 0]);
  });
});
