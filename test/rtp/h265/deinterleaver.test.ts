import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fuzzRounds, fuzzSeed, mutate } from '#fake/fuzz';
import { nalus } from '#media/access-unit';
import { H265Deinterleaver, type Interleaving } from '#rtp/h265/deinterleaver';
import { H265Depacketizer } from '#rtp/h265/depacketizer';
import { hex, text, transcript } from '../transcript.ts';

const show = (data: Uint8Array): string => [...nalus(data)].map(text).join(' ');
const run = (how: Interleaving, into: readonly string[]): string[] =>
  transcript(t => new H265Deinterleaver(t, new H265Depacketizer(t), how), into, show);

// Headers as in depacketizer.test.ts. DONL is 2 bytes behind them; in an AP DOND, 1 byte, is in front of all but the first.
const two: Interleaving = { maxDonDiff: 2, bufferNalus: 0 };
const cases: [name: string, how: Interleaving, into: string[], out: string[]][] = [
  [
    'in order: a picture is known to be whole when the next has begun, and its number lies far enough behind',
    { maxDonDiff: 1, bufferNalus: 0 },
    ['1 0201 0007 8001 M', '2 0201 0008 8002 M', '3 0201 0009 8003 M'],
    ['P1 02018001'],
  ],
  [
    'slices of two pictures in turn',
    two,
    [
      '1 2601 0000 80aa',
      '2 0201 0002 80cc',
      '1 2601 0001 01bb',
      '2 0201 0003 01dd',
      '3 0201 0004 80',
      '4 0201 0006 80',
    ],
    ['K1 260180aa 260101bb', 'P2 020180cc 020101dd'],
  ],
  [
    'numbers wrap',
    two,
    ['1 0201 ffff 8001', '2 0201 0001 8003', '1 0201 0000 0002', '3 0201 0002 8004', '4 0201 0004 8005'],
    ['P1 02018001 02010002', 'P2 02018003'],
  ],
  [
    'an AP: each number is said as its distance to the one before, less one',
    { maxDonDiff: 1, bufferNalus: 0 },
    ['1 6001 0007 0003 4e0105 00 0003 020180', '2 0201 0009 80', '3 0201 000a 80'],
    ['P1 4e0105 020180'],
  ],
  [
    'an FU has its number in the first packet',
    { maxDonDiff: 1, bufferNalus: 0 },
    ['1 6201 93 0007 80aa', '1 6201 13 bb', '1 6201 53 cc M', '2 0201 0008 80', '3 0201 0009 80'],
    ['K1 260180aabbcc'],
  ],
  [
    'a fragment is lost: the NAL unit is missing, and its keyframe is none',
    { maxDonDiff: 1, bufferNalus: 0 },
    [
      '1 2601 0006 80',
      '1 6201 93 0007 01aa',
      '-',
      '1 6201 53 cc',
      '1 2601 0008 01',
      '2 0201 0009 80',
      '3 0201 000a 80',
    ],
    ['! a fragmented NAL unit did not end', '! FU without a beginning', 'P1 260180 260101 lost 2'],
  ],
  [
    'no more NAL units are held than the sender says',
    { maxDonDiff: 100, bufferNalus: 1 },
    ['1 0201 0000 80', '2 0201 0001 80', '3 0201 0002 80'],
    ['P1 020180'],
  ],
  [
    'nothing in it',
    two,
    ['1 0201', '1 6201 93 0007', '1 6001 0007 0009 02'],
    ['! a packet without payload', '! FU without content', '! AP with a length that does not fit'],
  ],
];

describe('H265Deinterleaver', () => {
  for (const [name, how, into, out] of cases) test(name, () => assert.deepEqual(run(how, into), out));

  test('any bytes: no throw, what is held stays bounded', () => {
    const random = fuzzSeed('H265Deinterleaver');
    const seeds = ['02010007 8001', '6001 0007 0003 4e0105 00 0003 020180', '6201 93 0007 80aa', '6201 53 cc'].map(hex);
    let units = 0;
    const taker = { unit: () => void units++, parameterSets: () => {}, format: () => {}, fault: () => {} };
    const d = new H265Deinterleaver(taker, new H265Depacketizer(taker), { maxDonDiff: 32767, bufferNalus: 8 });
    for (let i = 0; i < fuzzRounds(5000); i++) {
      const bytes = mutate(random, seeds[random.below(seeds.length)]!);
      d.push(bytes, 0, bytes.length, random.below(2) === 0, i >> 2, random.below(10) === 0 ? 1 : 0);
    }
    assert.ok(units > 0);
  });
});
