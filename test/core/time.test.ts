import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Fault } from '#core/errors';
import { isoTime, parseInterval, parseTime } from '#core/time';

describe('parseTime', () => {
  const t = Date.UTC(2026, 0, 2, 3, 4, 5);
  const cases: [name: string, text: string, ms: number | undefined][] = [
    ['no fraction', '2026-01-02T03:04:05Z', t],
    ['one fraction digit', '2026-01-02T03:04:05.1Z', t + 100],
    ['three fraction digits', '2026-01-02T03:04:05.123Z', t + 123],
    ['six fraction digits are cut off below the millisecond', '2026-01-02T03:04:05.123999Z', t + 123],
    ['seven fraction digits are refused', '2026-01-02T03:04:05.1234567Z', undefined],
    ['an offset is subtracted', '2026-01-02T06:04:05+03:00', t],
    ['a negative offset is added', '2026-01-01T21:34:05.000-05:30', t],
    ['milliseconds since the epoch', String(t + 7), t + 7],
    ['the epoch', '0', 0],
    ['milliseconds beyond the year 9999', '253402300800000', undefined],
    ['a year below 100 is that year', '0050-01-01T00:00:00Z', -60589296000000],
    ['29 February of a leap year', '2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
    ['29 February of another year', '2025-02-29T00:00:00Z', undefined],
    ['month 13', '2026-13-01T00:00:00Z', undefined],
    ['day 0', '2026-01-00T00:00:00Z', undefined],
    ['hour 24', '2026-01-02T24:00:00Z', undefined],
    ['second 60', '2026-01-02T03:04:60Z', undefined],
    ['local time says no moment', '2026-01-02T03:04:05', undefined],
    ['a date alone', '2026-01-02', undefined],
    ['negative milliseconds', '-5', undefined],
    ['a plus sign that became a space in a query', '2026-01-02T06:04:05 03:00', undefined],
    ['nothing', '', undefined],
    ['text around it', ' 2026-01-02T03:04:05Z', undefined],
  ];
  for (const [name, text, ms] of cases) test(name, () => assert.equal(parseTime(text), ms));

  test('what isoTime writes, parseTime reads back, and it has exactly three fraction digits', () => {
    fc.assert(
      fc.property(fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 }), ms => {
        assert.match(isoTime(ms), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
        assert.equal(parseTime(isoTime(ms)), ms);
      }),
    );
  });

  test('any text gives a number or undefined', () => {
    fc.assert(fc.property(fc.string(), text => ['number', 'undefined'].includes(typeof parseTime(text))));
  });

  test('isoTime survives any number', () => {
    for (const ms of [Number.NaN, Infinity, -Infinity, 1e300, 0.9]) assert.equal(isoTime(ms).length, 24);
  });
});

describe('parseInterval', () => {
  const day = Date.UTC(2026, 0, 1);
  const iso = '2026-01-01T00:00:00.000Z';
  test('missing and null bounds are open', () => {
    for (const open of [undefined, null, [], [null], [null, null]])
      assert.deepEqual(parseInterval(open), { beginMs: undefined, endMs: undefined });
  });
  test('one bound', () => {
    assert.deepEqual(parseInterval([iso]), { beginMs: day, endMs: undefined });
    assert.deepEqual(parseInterval([null, String(day)]), { beginMs: undefined, endMs: day });
  });
  test('an end at or before the begin is refused', () => {
    for (const end of [day, day - 1])
      assert.throws(
        () => parseInterval([iso, String(end)]),
        e => e instanceof Fault && e.code === 'bad-argument' && /^end: expected a time after begin/.test(e.message),
      );
  });
  test('a bound that is no time is named', () => {
    assert.throws(() => parseInterval([null, 'yesterday']), /^Fault: end: expected a time .* got "yesterday"$/);
  });
});
