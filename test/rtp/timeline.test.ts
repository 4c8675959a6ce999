import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SeededRandom } from '#fake/world';
import { WallAnchor } from '#media/wall-anchor';
import { TrackClock } from '#rtp/timeline';

describe('TrackClock', () => {
  // [timestamp, arrival ms]; out: ticks since the first, 'J' behind a jump.
  const cases: [name: string, into: [number, number][], out: string[]][] = [
    [
      'counts on',
      [
        [1000, 0],
        [4600, 40],
      ],
      ['0', '3600'],
    ],
    [
      'wraps',
      [
        [0xffffff00, 0],
        [0x00000e10 - 0x100, 40],
      ],
      ['0', '3600'],
    ],
    [
      'B pictures go back a little',
      [
        [0, 0],
        [10800, 40],
        [3600, 80],
      ],
      ['0', '10800', '3600'],
    ],
    [
      'a stall, and everything after it at once',
      [
        [0, 0],
        [3600, 5000],
        [7200, 5001],
        [453600, 5040],
      ],
      ['0', '3600', '7200', '453600'],
    ],
    [
      'ten seconds forward at once',
      [
        [0, 0],
        [3600, 40],
        [903600, 80],
      ],
      ['0', '3600', '903600J'],
    ],
    [
      'two seconds back',
      [
        [900000, 0],
        [720000, 40],
      ],
      ['0', '-180000J'],
    ],
    [
      'a second ahead later on is a jump',
      [
        [0, 0],
        [90000 * 20, 20000],
        [90000 * 22, 20040],
      ],
      ['0', '1800000', '1980000J'],
    ],
  ];
  for (const [name, into, out] of cases)
    test(name, () => {
      const clock = new TrackClock(90000);
      const got = into.map(([t, at]) => `${clock.ticks(t, at) - into[0]![0]}${clock.jumped ? 'J' : ''}`);
      assert.deepEqual(got, out);
    });
  test('a group of pictures at once at the beginning is no jump', () => {
    const clock = new TrackClock(90000);
    for (let i = 0; i < 200; i++) {
      clock.ticks(i * 3600, i / 10);
      assert.equal(clock.jumped, false);
    }
  });
  test('many wraps', () => {
    const clock = new TrackClock(90000);
    const begin = clock.ticks(0, 0);
    for (let i = 1; i <= 1000; i++) clock.ticks((i * 900_000_000) % 0x100000000, i * 10_000_000);
    assert.equal(clock.ticks((1001 * 900_000_000) % 0x100000000, 1001 * 10_000_000) - begin, 1001 * 900_000_000);
  });
});

describe('WallAnchor', () => {
  /** Feeds pictures of a camera whose clock runs `ppm` fast; gives the error of each wall time, ms. */
  function run(options: { seconds: number; ppm?: number; late?: (i: number) => number; device?: number }): {
    errors: number[];
    anchor: WallAnchor;
    walls: number[];
  } {
    const anchor = new WallAnchor();
    const errors: number[] = [];
    const walls: number[] = [];
    for (let i = 0; i < options.seconds * 25; i++) {
      const trueMs = 1_000_000 + i * 40;
      const mediaMs = i * 40 * (1 + (options.ppm ?? 0) / 1e6);
      const arrivalMs = trueMs + (options.late?.(i) ?? 0);
      if (options.device !== undefined && i % 125 === 10) anchor.device(mediaMs, trueMs + options.device, arrivalMs);
      const wall = anchor.unit(mediaMs, arrivalMs);
      errors.push(wall - trueMs);
      walls.push(wall);
    }
    return { errors, anchor, walls };
  }
  const worst = (errors: number[]): number => Math.max(...errors.map(Math.abs));
  const grows = (walls: number[]): boolean => walls.every((w, i) => i === 0 || w >= walls[i - 1]!);

  test('media in time: the wall time is the time of arrival', () =>
    assert.equal(worst(run({ seconds: 60 }).errors), 0));
  test('jitter is taken out after the first seconds', () => {
    const random = new SeededRandom(3);
    const { errors, walls } = run({ seconds: 120, late: () => 5 + random.unit() * 60 });
    assert.ok(worst(errors.slice(250)) < 8, `${worst(errors.slice(250))}`);
    assert.ok(grows(walls));
  });
  test('reading in batches of 200 ms adds nothing', () => {
    const { errors } = run({ seconds: 60, late: i => 160 - (i % 5) * 40 });
    assert.ok(worst(errors.slice(50)) <= 1);
  });
  for (const ppm of [-200, 200, 1000])
    test(`a camera clock ${ppm} ppm fast is followed, for an hour`, () => {
      const { errors, walls, anchor } = run({ seconds: 3600, ppm });
      assert.ok(worst(errors) < 30, `${worst(errors)}`);
      assert.ok(grows(walls) && !anchor.broken);
    });
  test('an opening group of pictures that is 2 s old: corrected within 5 s, never going back', () => {
    const { errors, walls } = run({ seconds: 30, late: i => (i < 50 ? 2000 - i * 40 : 0) });
    assert.ok(worst(errors.slice(25 * 6)) < 1, `${worst(errors.slice(25 * 6))}`);
    assert.ok(grows(walls));
  });
  test('a stall of 5 s moves nothing', () => {
    const { errors } = run({ seconds: 120, late: i => (i >= 1000 && i < 1125 ? (1125 - i) * 40 : 0) });
    assert.ok(worst(errors) < 1);
  });
  test('a media clock that stood still for 3 s is noticed', () => {
    const { anchor } = run({ seconds: 90, late: i => (i > 500 ? 3000 : 0) });
    assert.equal(anchor.broken, true);
  });
  test('the device is believed within 2 s of us, and not beyond', () => {
    const near = run({ seconds: 60, device: 400 });
    assert.ok(Math.abs(near.errors.at(-1)! - 400) < 1 && grows(near.walls));
    assert.equal(near.anchor.from, 'device');
    const far = run({ seconds: 60, device: 2500 });
    assert.ok(worst(far.errors) < 1);
    assert.equal(far.anchor.from, 'arrival');
  });
});
