import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzzRounds, fuzzSeed, mutate } from '#fake/fuzz';
import { numberIn, parseRange, writeClockRange, writeNptRange } from '#rtsp/play-range';

const at = Date.UTC(2026, 0, 2, 3, 4, 5);
const rows: [text: string, unit: 'clock' | 'npt', from: number | 'now' | undefined, to: number | undefined][] = [
  ['clock=20260102T030405Z-', 'clock', at, undefined],
  ['clock=20260102T030405.25Z-20260102T030406.5Z', 'clock', at + 250, at + 1500],
  ['clock=-20260102T030405Z', 'clock', undefined, at],
  ['Clock = 20260102t030405.123456z -', 'clock', at + 123, undefined],
  ['clock=20260102T030405Z-;time=20260102T000000Z', 'clock', at, undefined],
  ['npt=0-', 'npt', 0, undefined],
  ['npt=now-', 'npt', 'now', undefined],
  ['npt=-30', 'npt', undefined, 30_000],
  ['npt=7.125-8', 'npt', 7125, 8000],
  ['npt=1:02:03.5-', 'npt', 3_723_500, undefined],
];
for (const [text, ...want] of rows)
  test(`range ${text}`, () => {
    const r = parseRange(text);
    assert.deepEqual([r?.unit, r?.from, r?.to], want);
  });

const wrong = [
  '',
  'npt=',
  'npt=-',
  'clock=-',
  'smpte=0:10:20-',
  'npt=1',
  'npt=a-b',
  'npt=1:60:00-',
  'clock=20260230T000000Z-',
  'clock=20260102T250000Z-',
  'clock=2026-01-02T00:00:00Z-',
  'npt=5-now',
];
for (const text of wrong) test(`${JSON.stringify(text)} is no range`, () => assert.equal(parseRange(text), undefined));

test('what is written is read as the same', () => {
  assert.equal(writeClockRange(at + 250, undefined), 'clock=20260102T030405.250Z-');
  assert.deepEqual(parseRange(writeClockRange(at + 7, at + 9)), { unit: 'clock', from: at + 7, to: at + 9 });
  assert.equal(writeNptRange(-5, 2500), 'npt=0.000-2.500');
  assert.deepEqual(parseRange(writeNptRange(1234, undefined)), { unit: 'npt', from: 1234, to: undefined });
});

test('a header is one decimal number or none', () => {
  assert.deepEqual(['1', '-2.5', ' 0.125 ', '1e3', 'NaN', '', '1,2', '99999999'].map(numberIn), [
    1,
    -2.5,
    0.125,
    ...Array(5).fill(undefined),
  ]);
});

test('any text is a range or none, and its times are finite', () => {
  const random = fuzzSeed('play-range');
  for (let i = 0; i < fuzzRounds(500); i++) {
    const [text = ''] = rows[random.below(rows.length)] ?? [];
    const r = parseRange(Buffer.from(mutate(random, Buffer.from(text))).toString('latin1'));
    for (const t of [r?.from, r?.to]) assert.ok(t === undefined || t === 'now' || Number.isFinite(t));
  }
});
