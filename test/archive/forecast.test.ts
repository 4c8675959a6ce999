import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { forecast, type TrackFacts } from '#archive/library/forecast';
import type { Limits } from '#archive/library/library';

const gb = 1e9;
const nowMs = Date.UTC(2026, 0, 1);
const volume = { sizeBytes: 1000 * gb, freeBytes: 500 * gb };

/** Takes so many gigabytes a day. */
const track = (name: string, perDay: number, more: Partial<TrackFacts> = {}): TrackFacts => ({
  name,
  bytes: 0,
  bytesPerDay: perDay * gb,
  share: 1,
  depthHours: 0,
  lockedBytes: 0,
  limits: {},
  ...more,
});

type Expected = readonly [hours: number | null, by: string | null];

const rows: [what: string, facts: TrackFacts[], limits: Limits, wanted: Expected[]][] = [
  [
    'a size is shared by all, equally far back',
    [track('a', 10), track('b', 30)],
    { max_size_gb: 80 },
    [
      [48, 'max_size_gb'],
      [48, 'max_size_gb'],
    ],
  ],
  ['without a limit the volume ends it', [track('a', 10)], { max_depth_abs_hours: 1e9 }, [[1200, 'volume']]],
  ['what must stay free is not there', [track('a', 10)], { keep_free_percents: 10 }, [[960, 'keep_free_percents']]],
  [
    'bytes that are used come back',
    [track('a', 10, { bytes: 100 * gb })],
    { keep_free_percents: 0 },
    [[1440, 'keep_free_percents']],
  ],
  [
    'a depth that comes first ends it',
    [track('a', 10, { limits: { max_depth_abs_hours: 24 } })],
    { max_size_gb: 80 },
    [[24, 'max_depth_abs_hours']],
  ],
  [
    'recorded hours last longer when not all is recorded',
    [track('a', 10, { share: 0.5, limits: { max_depth_rel_hours: 24 } })],
    {},
    [[48, 'max_depth_rel_hours']],
  ],
  [
    'what one leaves by its own depth goes to the other',
    [track('a', 10, { limits: { max_depth_abs_hours: 24 } }), track('b', 10)],
    { max_size_gb: 40 },
    [
      [24, 'max_depth_abs_hours'],
      [72, 'max_size_gb'],
    ],
  ],
  [
    'an own size',
    [track('a', 10, { limits: { max_size_gb: 5 } }), track('b', 10)],
    { max_size_gb: 25 },
    [
      [12, 'max_size_gb'],
      [48, 'max_size_gb'],
    ],
  ],
  [
    'locked bytes are lost to the ring',
    [track('a', 10, { lockedBytes: 20 * gb })],
    { max_size_gb: 40 },
    [[48, 'max_size_gb']],
  ],
  ['a track that records nothing has no end', [track('a', 0)], { max_size_gb: 40 }, [[null, null]]],
];

describe('forecast', () => {
  for (const [what, facts, limits, wanted] of rows)
    test(what, () => {
      const { tracks } = forecast(facts, limits, volume, nowMs);
      assert.deepEqual(
        Object.values(tracks).map(t => [t.expected_depth_hours, t.limited_by]),
        wanted,
      );
    });

  test('a wish that the space does not grant is told, with what is missing', () => {
    const wish = { max_depth_abs_hours: 14 * 24 };
    const { advice, tracks } = forecast(
      [track('cam1', 50, { limits: wish })],
      { ...wish, max_size_gb: 570 },
      { ...volume, freeBytes: 1000 * gb },
      nowMs,
    );
    assert.deepEqual(advice, ['cam1 will keep 11.4 of 14 days; 130 GB more in max_size_gb fixes it']);
    assert.equal(tracks['cam1']?.wanted_hours, 336);
    const byVolume = forecast([track('cam1', 50, { limits: wish })], wish, volume, nowMs);
    assert.deepEqual(byVolume.advice, ['cam1 will keep 10 of 14 days; 200 GB more fixes it']);
    const granted = forecast([track('cam1', 10, { limits: wish })], wish, volume, nowMs);
    assert.deepEqual(granted.advice, []);
  });

  test('full is when the space is used; never while depths come first, nor when the ring turns already', () => {
    const at = (facts: TrackFacts[], limits: Limits) => forecast(facts, limits, volume, nowMs).full_at;
    assert.equal(at([track('a', 10, { bytes: 20 * gb })], { max_size_gb: 40 }), '2026-01-03T00:00:00.000Z');
    assert.equal(at([track('a', 10, { limits: { max_depth_abs_hours: 24 } })], { max_size_gb: 40 }), null);
    assert.equal(at([track('a', 10, { bytes: 40 * gb })], { max_size_gb: 40 }), null);
    assert.equal(at([], { max_size_gb: 40 }), null);
  });

  test('locks that hold half of the space are told', () => {
    const { advice } = forecast(
      [track('a', 10, { lockedBytes: 30 * gb, bytes: 35 * gb })],
      { max_size_gb: 40 },
      volume,
      nowMs,
    );
    assert.match(advice[0] ?? '', /^locks hold 30 GB of 40 GB/);
  });

  test('whatever the tracks: what they are said to keep fits the space, and fills it unless their own limits end all of them', () => {
    const facts = fc.array(fc.tuple(fc.integer({ min: 1, max: 100 }), fc.option(fc.integer({ min: 1, max: 500 }))), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(facts, fc.integer({ min: 1, max: 400 }), (some, size) => {
        const all = some.map(([rate, hours], i) =>
          track(`t${i}`, rate, hours === null ? {} : { limits: { max_depth_abs_hours: hours } }),
        );
        const { tracks } = forecast(all, { max_size_gb: size }, volume, nowMs);
        const kept = all.reduce(
          (sum, t) => sum + (t.bytesPerDay / 24) * (tracks[t.name]?.expected_depth_hours ?? 0),
          0,
        );
        const rounding = all.reduce((sum, t) => sum + (t.bytesPerDay / 24) * 0.06, 0);
        assert.ok(kept <= size * gb + rounding);
        const ring = Object.values(tracks).some(t => t.limited_by === 'max_size_gb');
        if (ring) assert.ok(kept >= size * gb - rounding);
      }),
    );
  });
});
