import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Vp8Depacketizer } from '#rtp/vp8/depacketizer';
import { transcript } from '../transcript.ts';

/** Keyframe of 176x144: frame tag, start code, sizes. */
const key = '000000 9d012a b000 9000';
const keyHex = key.replaceAll(' ', '');
const cases: [name: string, into: string[], out: string[]][] = [
  ['a keyframe tells its size', [`1 10 ${key} aa M`], ['format vp8 176x144 vp08.00.10.08', `K1 ${keyHex}aa`]],
  ['another picture', ['1 10 01aa M'], ['P1 01aa']],
  ['over three packets', ['1 10 01', '1 00 02', '1 00 03 M'], ['P1 010203']],
  ['partitions are one picture', ['1 10 01', '1 11 02 M'], ['P1 0102']],
  ['picture id of 7 bits', ['1 90 80 05 01aa M'], ['P1 01aa']],
  ['picture id of 15 bits, temporal layers', ['1 90 f0 8005 01 20 01aa M'], ['P1 01aa']],
  ['no marker: the next timestamp ends it', ['1 10 01', '2 10 03 M'], ['P1 01', 'P2 03']],
  [
    'loss inside',
    ['1 10 01', '-', '1 00 03 M', '2 10 05 M'],
    ['! a packet of a frame was lost', '! a frame without a beginning', 'P2 05 lost 1'],
  ],
  ['loss of the end', ['1 10 01', '-', '2 10 05 M'], ['! a packet of a frame was lost', 'P2 05 lost 1']],
  [
    'a keyframe with a hole is none',
    [`1 10 ${key}`, '-', '1 00 03 M', `2 10 ${key} M`],
    [
      '! a packet of a frame was lost',
      '! a frame without a beginning',
      'format vp8 176x144 vp08.00.10.08',
      `K2 ${keyHex} lost 1`,
    ],
  ],
  ['loss between', ['1 10 01 M', '-', '2 10 05 M'], ['P1 01', 'P2 05 lost 1']],
  ['a descriptor alone', ['1 10 M'], ['! a payload descriptor that does not fit']],
  ['a descriptor longer than the packet', ['1 90 f0 80 M'], ['! a payload descriptor that does not fit']],
  [
    'a keyframe without start code',
    ['1 10 00aabbccddeeff0011223344 M', '2 10 01 M'],
    ['! a keyframe without its start code', 'P2 01 lost 1'],
  ],
];

describe('Vp8Depacketizer', () => {
  for (const [name, into, out] of cases)
    test(name, () =>
      assert.deepEqual(
        transcript(t => new Vp8Depacketizer(t), into),
        out,
      ),
    );
});
