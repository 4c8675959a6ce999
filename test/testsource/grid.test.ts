import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PictureGrid } from '#objects/testsource/grid';

const t0 = Date.UTC(2026, 0, 1);

describe('pictures stand on whole periods of UTC', () => {
  // at: when the maker comes, ms after t0 (25 pictures a second, first due at 0). got: moments of the pictures, '|' where media time breaks.
  const cases: [name: string, at: number[], got: string][] = [
    ['in time', [0, 40, 80, 120], '0 40 80 120'],
    ['a little late, a little early', [3, 41, 99, 119], '0 40 80 120'],
    ['up to a quarter of a second late: caught up', [0, 240, 240, 240, 240, 240, 241], '0 40 80 120 160 200 240'],
    ['later than that: left out, none made twice', [0, 300, 320, 360], '0 280 320 360'],
    ['a second and more, asleep perhaps: media time breaks', [0, 5003, 5040], '0 |5000 5040'],
    ['the clock was put back: it breaks too', [0, 40, -4000, -3960], '0 40 |-4000 -3960'],
    ['the clock was put back a little: one waits for it', [0, 40, 79], '0 40 80'],
  ];
  for (const [name, at, want] of cases)
    test(name, () => {
      const grid = new PictureGrid(25, t0 - 20);
      const got = at.map(ms => grid.take(t0 + ms)).map(p => (p.broken ? '|' : '') + (p.wallMs - t0));
      assert.equal(got.join(' '), want);
    });
});

test('what does not divide a second is rounded, and does not drift', () => {
  const grid = new PictureGrid(30, t0);
  const moments = Array.from({ length: 31 }, (_, n) => grid.take(t0 + (n * 1000) / 30).wallMs - t0);
  assert.deepEqual([moments[1], moments[2], moments[3], moments[30]], [33, 67, 100, 1000]);
});

test('one waits for the next picture, never longer than a period', () => {
  const grid = new PictureGrid(25, t0 + 1);
  assert.deepEqual(
    [t0 + 1, t0 + 30, t0 + 45, t0 - 90_000].map(now => grid.waitMs(now)),
    [39, 10, 0, 40],
  );
});
