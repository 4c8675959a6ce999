/** Times and failures in words; the zone of the machine is set for this file. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gapReasons } from '#media/gap';
import {
  clockText,
  codecText,
  durationText,
  fileTime,
  momentText,
  offsetMs,
  rateText,
  sizeText,
  tickText,
  zoneName,
} from '#web/time-text';
import { failureText, isHarmless, reasonText } from '#web/words';

process.env['TZ'] = 'Asia/Kathmandu'; // +5:45, without summer time
const at = Date.UTC(2026, 0, 2, 20, 3, 22, 500);

describe('times', () => {
  test('in UTC and in the zone of the machine, with the zone beside', () => {
    assert.equal(momentText('utc', at), '2026-01-02 20:03:22 UTC');
    assert.equal(momentText('local', at), '2026-01-03 01:48:22 UTC+5:45');
  });

  test('west of Greenwich the offset is negative', () => {
    process.env['TZ'] = 'America/New_York';
    assert.equal(zoneName('local', at), 'UTC\u22125');
    assert.equal(offsetMs('local', Date.UTC(2026, 6, 2)), -4 * 3_600_000);
    assert.equal(clockText('local', at), '15:03:22');
    process.env['TZ'] = 'Asia/Kathmandu';
  });

  const rows: readonly (readonly [text: string, timeMs: number, stepMs: number])[] = [
    ['20:03:22', at, 1000],
    ['20:03', at, 60_000],
    ['Fri 2 Jan', Date.UTC(2026, 0, 2), 3_600_000],
  ];
  for (const [text, timeMs, stepMs] of rows)
    test(`a tick every ${stepMs / 1000} s says ${text}`, () => assert.equal(tickText('utc', timeMs, stepMs), text));

  test('in a file name they sort, and need no quoting', () => assert.equal(fileTime(at), '20260102T200322Z'));
});

describe('amounts', () => {
  const durations: readonly (readonly [ms: number, text: string])[] = [
    [0, '0.0 s'],
    [4240, '4.2 s'],
    [9960, '10 s'],
    [59_900, '1 min'],
    [150_000, '2 min 30 s'],
    [3_600_000, '1 h'],
    [11_100_000, '3 h 5 min'],
    [49 * 3_600_000, '2 d 1 h'],
  ];
  for (const [ms, text] of durations) test(`${ms} ms are ${text}`, () => assert.equal(durationText(ms), text));

  test('sizes and rates have three digits at most', () => {
    assert.deepEqual([0, 999, 1000, 999_600, 24_300_000].map(sizeText), ['0 B', '999 B', '1.0 kB', '1.0 MB', '24 MB']);
    assert.equal(rateText(1_840_000), '1.8 Mbit/s');
  });

  test('codecs have the names that people know', () => {
    assert.deepEqual(['avc1.64001f', 'hvc1.1.6.L93.B0', 'xyz'].map(codecText), ['H.264', 'H.265', 'xyz']);
  });
});

describe('words', () => {
  test('every reason of a gap has words of its own', () => {
    const words = gapReasons.map(reasonText);
    assert.equal(new Set(words).size, gapReasons.length);
    for (const [i, w] of words.entries()) assert.ok(w.includes(' ') && w !== gapReasons[i], w);
  });

  test('that a camera failed is not harmless, that nobody wanted to record is', () => {
    assert.deepEqual(['camera-unreachable', 'disk-full', 'not-scheduled'].map(isHarmless), [false, false, true]);
  });

  const failures: readonly (readonly [status: number, code: string, says: RegExp])[] = [
    [0, 'unreachable', /no connection/],
    [0, 'timeout', /does not answer/],
    [403, 'forbidden', /“hosts” of its webserver/],
    [404, 'no-data', /Nothing is recorded/],
    [200, 'not-json', /other than Ocellus/],
    [503, 'unavailable', /server says: why/],
    [400, 'bad-argument', /refused: why/],
  ];
  for (const [status, code, says] of failures)
    test(`status ${status} ${code} says ${says.source}`, () =>
      assert.match(failureText({ status, code, message: 'why' }), says));
});
