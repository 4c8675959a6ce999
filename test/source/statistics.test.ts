import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aacTrack, epochMs, fakeRun, fakeUnit, h264Track } from '#fake/media';
import { Statistics } from '#source/statistics';

const run = fakeRun(0, [h264Track, aacTrack]);

/** 25 pictures a second of 1000 bytes from `fromMs` to `toMs` of the stream, arriving in batches every `batchMs`. */
function play(s: Statistics, { fromMs = 0, toMs = 0, batchMs = 1, media = run, lateMs = 0 } = {}): void {
  for (let ms = fromMs; ms < toMs; ms += 40)
    s.unit(fakeUnit(media, ms, { keyframe: ms % 1000 === 0, bytes: 1000 }), Math.ceil(ms / batchMs) * batchMs + lateMs);
}

describe('Statistics', () => {
  test('before the first unit everything is zero', () => {
    const s = new Statistics();
    assert.deepEqual([s.bitrate(0), s.framerate(0), s.lastFrameMs, s.video, s.audio], [0, 0, 0, undefined, undefined]);
    assert.deepEqual([s.bitrate(1e9), s.framerate(1e9)], [0, 0]);
  });

  // 25 pictures a second of 1000 bytes are 200000 bit/s
  const rates: [name: string, play: Parameters<typeof play>[1], atMs: number, bitrate: number, framerate: number][] = [
    ['a steady stream', { toMs: 20_000 }, 20_000, 200_000, 25],
    ['a stream younger than the window', { toMs: 2000 }, 2000, 200_000, 25],
    ['a stream that began when the clock was far on', { toMs: 2000, lateMs: 1e7 }, 1e7 + 2000, 200_000, 25],
    [
      'pictures that arrive in batches are rated by their own times',
      { toMs: 20_000, batchMs: 240 },
      20_000,
      200_000,
      25,
    ],
    ['a stream that stopped half a window ago', { toMs: 20_000 }, 22_500, 100_000, 25],
    ['a stream that stopped long ago', { toMs: 20_000 }, 30_000, 0, 0],
  ];
  for (const [name, what, atMs, bitrate, framerate] of rates)
    test(name, () => {
      const s = new Statistics();
      play(s, what);
      assert.equal(s.framerate(atMs), framerate);
      const got = s.bitrate(atMs);
      assert.ok(Math.abs(got - bitrate) <= 0.05 * bitrate, `${got} bit/s`);
    });

  test('asking does not change the answer', () => {
    const [asked, not] = [new Statistics(), new Statistics()];
    for (let ms = 0; ms < 8000; ms += 400) {
      asked.bitrate(ms);
      asked.framerate(ms);
      play(asked, { fromMs: ms, toMs: ms + 400 });
      play(not, { fromMs: ms, toMs: ms + 400 });
    }
    assert.equal(asked.bitrate(8000), not.bitrate(8000));
    assert.equal(asked.framerate(8000), not.framerate(8000));
  });

  test('more pictures than are remembered shorten the window, not the rate', () => {
    const s = new Statistics();
    for (let i = 0; i < 1000; i++) s.unit(fakeUnit(run, i * 8, { keyframe: i % 100 === 0 }), i * 8);
    assert.equal(s.framerate(8000), 125);
  });

  test('a new run begins its own rate; bits are counted over both', () => {
    const s = new Statistics();
    play(s, { toMs: 3000 });
    const other = fakeRun(1);
    assert.equal(s.unit(fakeUnit(other, 0, { keyframe: true }), 3000), true);
    assert.equal(s.unit(fakeUnit(other, 500), 3500), false);
    assert.equal(s.framerate(3500), 2);
    assert.ok(s.bitrate(3500) > 150_000);
  });

  test('the last frame is the newest picture; audio counts only without video', () => {
    const s = new Statistics();
    s.unit(fakeUnit(run, 80, { keyframe: true }), 0);
    s.unit(fakeUnit(run, 40), 1);
    s.unit(fakeUnit(run, 500, { track: 1, keyframe: true }), 2);
    assert.equal(s.lastFrameMs, epochMs + 80);
    s.unit(fakeUnit(fakeRun(1, [aacTrack]), 600, { keyframe: true }), 3);
    assert.equal(s.lastFrameMs, epochMs + 600);
    assert.deepEqual([s.video, s.audio], [undefined, aacTrack]);
  });
});
