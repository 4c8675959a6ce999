import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nalus } from '#media/access-unit';
import { H265Depacketizer } from '#rtp/h265/depacketizer';
import { hex, text, transcript } from '../transcript.ts';

const show = (data: Uint8Array): string => [...nalus(data)].map(text).join(' ');

// Headers: 2601 IDR_W_RADL, 2a01 CRA, 0201 TRAIL_R, 4001 VPS, 4201 SPS, 4401 PPS, 4e01 SEI, 4601 AUD, 6001 AP, 6201 FU.
// The first bit behind the header of a slice is first_slice_segment_in_pic_flag.
const cases: [name: string, into: string[], out: string[]][] = [
  ['a whole NAL unit with the marker', ['1 0201 80 M'], ['P1 020180']],
  ['IDR makes a keyframe', ['1 2601 80 M'], ['K1 260180']],
  ['so does CRA', ['1 2a01 80 M'], ['K1 2a0180']],
  [
    'pictures that lead the first CRA cannot be decoded; those of the next one can', // 1001 RASL_N, 1201 RASL_R
    ['5 2a01 80 M', '3 1201 80 M', '2 1001 80 M', '6 0201 80 M', '9 2a01 80 M', '7 1201 80 M'],
    ['K5 2a0180', 'P6 020180', 'K9 2a0180', 'P7 120180'],
  ],
  ['no marker: the next timestamp ends the unit', ['1 0201 80', '2 0201 81 M'], ['P1 020180', 'P2 020181']],
  ['two slices', ['1 0201 80', '1 0201 01 M'], ['P1 020180 020101']],
  ['SEI stays, delimiter and filler go', ['1 4601 50', '1 4e01 05', '1 0201 80', '1 4c01 ff M'], ['P1 4e0105 020180']],
  [
    'AP: parameter sets and SEI',
    ['1 6001 0003 4001aa 0003 4201bb 0003 4401cc 0003 4e0105', '1 2601 80 M'],
    ['sets 4001aa 4201bb 4401cc', 'K1 4e0105 260180'],
  ],
  [
    'AP: the last length points past the end',
    ['1 6001 0003 020180 0009 02 M'],
    ['! AP with a length that does not fit', 'P1 020180'],
  ],
  ['AP: a lonely byte at the end', ['1 6001 0003 020180 00 M'], ['! AP with a length that does not fit', 'P1 020180']],
  ['FU: header rebuilt', ['1 6201 93 80aa', '1 6201 13 bb', '1 6201 53 cc M'], ['K1 260180aabbcc']],
  ['FU: layer and temporal id are kept', ['1 6203 81 80', '1 6203 41 bb M'], ['P1 020380bb']],
  ['FU: start and end in one packet', ['1 6201 d3 80 M'], ['K1 260180']],
  [
    'FU: loss inside drops the whole NAL unit',
    ['1 6201 93 80', '-', '1 6201 53 cc M', '2 0201 80 M'],
    ['! a packet of a fragmented NAL unit was lost', '! FU without a beginning', 'P2 020180 lost 1'],
  ],
  [
    'a keyframe with a hole is none: the end of a slice',
    ['1 2601 80', '1 6201 93 01', '-', '1 6201 53 cc M', '2 2601 80 M'],
    ['! a packet of a fragmented NAL unit was lost', '! FU without a beginning', 'P1 260180 lost 1', 'K2 260180'],
  ],
  ['... its beginning', ['1 0201 80 M', '-', '2 2601 01 M'], ['P1 020180', 'P2 260101 lost 1']],
  ['... a slice in the middle', ['1 2601 80', '-', '1 2601 01 M'], ['P1 260180 260101 lost 1']],
  ['... its end, with the marker', ['1 2601 80', '-', '2 0201 80 M'], ['P1 260180 lost 1', 'P2 020180']],
  [
    'what was lost before a keyframe does it no harm',
    ['1 0201 80 M', '-', '2 2601 80 M'],
    ['P1 020180', 'K2 260180 lost 1'],
  ],
  [
    'FU: never ended',
    ['1 6201 81 80 M', '2 0201 80 M'],
    ['! a fragmented NAL unit did not end with its picture', 'P2 020180'],
  ],
  [
    'FU: another begins',
    ['1 6201 81 80', '1 6201 81 81', '1 6201 41 cc M'],
    ['! a fragmented NAL unit began before the one before ended', 'P1 020181cc'],
  ],
  [
    'FU with an SPS in it',
    ['1 4001aa', '1 6201 a1 11', '1 6201 61 22', '1 4401c0', '1 2601 80 M'],
    ['sets 4001aa 42011122 4401c0', 'K1 260180'],
  ],
  ['FU without content', ['1 6201 93', '1 0201 80 M'], ['! FU without content', 'P1 020180']],
  ['a whole packet lost between units', ['1 0201 80 M', '-', '2 0201 80 M'], ['P1 020180', 'P2 020180 lost 1']],
  [
    'parameter sets with the marker: the unit goes on until it has a picture',
    ['1 4001aa', '1 4201bb', '1 4401cc M', '1 2601 80 M'],
    ['sets 4001aa 4201bb 4401cc', 'K1 260180'],
  ],
  [
    'sets with start codes between them',
    ['1 4001aa 00000001 4201bb 000001 4401cc', '1 2601 80 M'],
    ['sets 4001aa 4201bb 4401cc', 'K1 260180'],
  ],
  [
    'the same sets again are nothing new; another SPS is, with the PPS behind it',
    [
      '1 4001aa',
      '1 4201bb',
      '1 4401cc',
      '1 2601 80 M',
      '2 4001aa',
      '2 4201bb',
      '2 4401cc',
      '2 2601 80 M',
      '3 4201b0',
      '3 4401dd',
      '3 2601 80 M',
    ],
    ['sets 4001aa 4201bb 4401cc', 'K1 260180', 'K2 260180', 'sets 4001aa 4201b0 4401dd', 'K3 260180'],
  ],
  [
    'two PPS with different ids are both kept', // ids 0 (1...) and 1 (010...)
    ['1 4001aa', '1 4201bb', '1 4401c0', '1 440140', '1 2601 80 M', '2 4401c1', '2 2601 80 M'],
    ['sets 4001aa 4201bb 4401c0 440140', 'K1 260180', 'sets 4001aa 4201bb 4401c1 440140', 'K2 260180'],
  ],
  [
    'the marker on every slice: from the second picture on only timestamps count',
    ['1 0201 80 M', '1 0201 01 M', '2 0201 80 M', '2 0201 01 M', '3 0201 80 M'],
    [
      'P1 020180',
      '! a slice after the marker: from now on only timestamps end a picture',
      'quirk marker-on-every-slice',
      'P2 020180 020101 lost 1',
    ],
  ],
  ['PACI is not spoken', ['1 6401 00 M', '1 0201 80 M'], ['! a packet of type 50', 'P1 020180']],
  [
    'an empty payload',
    ['1 ', '1 02', '1 0201 80 M'],
    ['! a packet without payload', '! a packet without payload', 'P1 020180'],
  ],
];

describe('H265Depacketizer', () => {
  for (const [name, into, out] of cases)
    test(name, () =>
      assert.deepEqual(
        transcript(t => new H265Depacketizer(t), into, show),
        out,
      ),
    );
  test('sets offered beforehand come with the first picture', () => {
    const create = (t: ConstructorParameters<typeof H265Depacketizer>[0]) => {
      const d = new H265Depacketizer(t);
      d.offer(['4001aa', '4201bb', '4401cc', '0201', ''].map(hex));
      return d;
    };
    assert.deepEqual(transcript(create, ['1 2601 80 M'], show), ['sets 4001aa 4201bb 4401cc', 'K1 260180']);
  });
});
