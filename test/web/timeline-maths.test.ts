import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  coveredMs,
  endOf,
  type Interval,
  intervalAt,
  leastSpanMs,
  merge,
  mostSpanMs,
  pan,
  pinch,
  showing,
  ticks,
  timeFromX,
  type Window,
  within,
  xFromTime,
  zoom,
} from '#web/timeline-maths';

const minute = 60_000;
const hour = 60 * minute;
const noon = Date.UTC(2026, 0, 2, 12);
const anHour: Window = Object.freeze({ beginMs: noon, spanMs: hour, widthPx: 1000 });
const close = (a: number, b: number, by = 1): void => assert.ok(Math.abs(a - b) <= by, `${a} is not ${b}`);

const windows = fc.record({
  beginMs: fc.integer({ min: 0, max: 4e12 }),
  spanMs: fc.integer({ min: leastSpanMs, max: mostSpanMs }),
  widthPx: fc.integer({ min: 1, max: 8000 }),
});

describe('time and pixels', () => {
  test('a moment in the middle is in the middle', () => {
    assert.equal(xFromTime(anHour, noon + 30 * minute), 500);
  });

  test('there and back is the same pixel', () => {
    fc.assert(
      fc.property(windows, fc.integer({ min: -500, max: 9000 }), (w, x) =>
        close(xFromTime(w, timeFromX(w, x)), x, 0.01),
      ),
    );
  });

  test('without width every pixel is the begin, not infinity', () => {
    assert.equal(timeFromX({ ...anHour, widthPx: 0 }, 17), noon);
  });
});

describe('zoom, pan, pinch', () => {
  test('zooming holds what is under the pointer, and stays within the limits', () => {
    fc.assert(
      fc.property(
        windows,
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (w, factor, share) => {
          const x = share * w.widthPx;
          const zoomed = zoom(w, factor, x);
          assert.ok(zoomed.spanMs >= leastSpanMs && zoomed.spanMs <= mostSpanMs);
          close(timeFromX(zoomed, x), timeFromX(w, x), 5);
        },
      ),
    );
  });

  test('dragging to the right shows what was before', () => {
    assert.equal(pan(anHour, 100).beginMs, noon - 6 * minute);
  });

  test('what two fingers hold stays under them', () => {
    const moved = pinch(anHour, [400, 600], [300, 700]);
    close(timeFromX(moved, 300), timeFromX(anHour, 400));
    close(timeFromX(moved, 700), timeFromX(anHour, 600));
  });

  test('fingers at one point do not zoom for ever', () => {
    assert.ok(pinch(anHour, [500, 500], [100, 900]).spanMs >= leastSpanMs);
  });

  test('the future is not more than a third of the window', () => {
    assert.equal(within(anHour, noon - hour).beginMs, noon - hour - 40 * minute);
    assert.equal(within(anHour, noon + hour).beginMs, noon);
  });

  test('a window that shows a moment stays, one that does not moves', () => {
    assert.equal(showing(anHour, noon + 10 * minute), anHour);
    assert.equal(showing(anHour, noon + 2 * hour, 0.25).beginMs, noon + 105 * minute);
  });
});

describe('ticks', () => {
  const utc = (): number => 0;
  const text = (ms: number): string => new Date(ms).toISOString().slice(5, 16);

  const rows: readonly (readonly [name: string, spanMs: number, stepMs: number])[] = [
    ['twenty seconds', 20_000, 2000],
    ['an hour', hour, 10 * minute],
    ['a day', 24 * hour, 3 * hour],
    ['a week', 7 * 24 * hour, 24 * hour],
    ['five weeks', 35 * 24 * hour, 7 * 24 * hour],
  ];
  for (const [name, spanMs, stepMs] of rows)
    test(`${name} on 1000 pixels, labels of 84: a tick every ${stepMs / 1000} s`, () => {
      assert.equal(ticks({ ...anHour, spanMs }, 84, utc).stepMs, stepMs);
    });

  test('they stand at round times inside of the window', () => {
    const { timesMs } = ticks({ ...anHour, beginMs: noon + 1 }, 84, utc);
    assert.deepEqual(timesMs.map(text), ['10', '20', '30', '40', '50'].map(m => `01-02T12:${m}`).concat('01-02T13:00'));
  });

  test('in a zone of half hours, hours are those of its clock', () => {
    const { timesMs } = ticks({ beginMs: noon, spanMs: 6 * hour, widthPx: 600 }, 84, () => 5.5 * hour);
    assert.deepEqual(
      timesMs.map(text),
      ['12', '13', '14', '15', '16', '17'].map(h => `01-02T${h}:30`),
    );
  });

  test('midnight is midnight before and after the clock is put forward', () => {
    // As in Berlin, 29 March 2026, 01:00 UTC: from +1 to +2.
    const change = Date.UTC(2026, 2, 29, 1);
    const { timesMs } = ticks({ beginMs: Date.UTC(2026, 2, 28), spanMs: 3 * 24 * hour, widthPx: 300 }, 84, t =>
      t < change ? hour : 2 * hour,
    );
    assert.deepEqual(timesMs.map(text), ['03-28T23:00', '03-29T22:00', '03-30T22:00']);
  });

  test('they ascend, are inside, and few, whatever the window and the zone', () => {
    fc.assert(
      fc.property(windows, fc.integer({ min: -56, max: 56 }), (w, quarters) => {
        const { timesMs } = ticks(w, 84, () => quarters * 15 * minute);
        assert.ok(timesMs.length <= w.widthPx / 84 + 2);
        for (const [i, t] of timesMs.entries())
          assert.ok(t >= w.beginMs && t <= endOf(w) && t > (timesMs[i - 1] ?? -1));
      }),
    );
  });
});

describe('intervals', () => {
  const rows: readonly (readonly [name: string, into: Interval[], joinMs: number, out: Interval[]])[] = [
    [
      'order is made',
      [
        [5, 6],
        [1, 2],
      ],
      0,
      [
        [1, 2],
        [5, 6],
      ],
    ],
    [
      'what touches becomes one',
      [
        [1, 2],
        [2, 3],
      ],
      0,
      [[1, 3]],
    ],
    [
      'what is near enough becomes one',
      [
        [1, 2],
        [4, 5],
      ],
      2,
      [[1, 5]],
    ],
    [
      'one inside another adds nothing',
      [
        [1, 9],
        [2, 3],
      ],
      0,
      [[1, 9]],
    ],
    [
      'the empty and the reversed are dropped',
      [
        [1, 1],
        [3, 2],
      ],
      0,
      [],
    ],
  ];
  for (const [name, into, joinMs, out] of rows) test(name, () => assert.deepEqual(merge(into, joinMs), out));

  const some: readonly Interval[] = [
    [10, 20],
    [30, 40],
  ];
  test('the begin belongs to an interval, the end does not', () => {
    const found = [9, 10, 19, 20, 30, 40].map(t => intervalAt(some, t)?.[0]);
    assert.deepEqual(found, [undefined, 10, 10, undefined, 30, undefined]);
  });

  test('covered is what both have', () => {
    assert.equal(coveredMs(some, [15, 35]), 10);
  });
});
