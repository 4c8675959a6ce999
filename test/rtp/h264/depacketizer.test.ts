import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fuzzRounds, fuzzSeed, mutate } from '#fake/fuzz';
import { nalus } from '#media/access-unit';
import { H264Depacketizer } from '#rtp/h264/depacketizer';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

/** What came out: units as `K|P timestamp nalus [lost n]`, parameter sets as `sets sps pps`, faults as their text. */
function collector() {
  const out: string[] = [];
  const taker = {
    unit: (timestamp: number, keyframe: boolean, data: Uint8Array, lost: number) =>
      void out.push(
        `${keyframe ? 'K' : 'P'}${timestamp} ${[...nalus(data)].map(n => Buffer.from(n).toString('hex')).join(' ')}${lost > 0 ? ` lost ${lost}` : ''}`,
      ),
    parameterSets: (sets: readonly Uint8Array[]) =>
      void out.push(`sets ${sets.map(n => Buffer.from(n).toString('hex')).join(' ')}`),
    format: () => void out.push('format'),
    quirk: (name: string) => void (name === 'no-idr' && out.push(`quirk ${name}`)),
    fault: (text: string) => void out.push(`! ${text}`),
  };
  return { out, taker };
}

// in: `timestamp payload`, `M` behind it for the marker; `-` marks a lost packet.
const cases: [name: string, into: string[], out: string[]][] = [
  ['a whole NAL unit with the marker', ['1 41aabb M'], ['P1 41aabb']],
  ['IDR makes a keyframe', ['1 65aa M'], ['K1 65aa']],
  ['no marker: the next timestamp ends the unit', ['1 41aa', '2 41bb M'], ['P1 41aa', 'P2 41bb']],
  ['two slices', ['1 41aa', '1 41bb M'], ['P1 41aa 41bb']],
  ['SEI stays, delimiter and filler go', ['1 0910', '1 0605', '1 41aa', '1 0cff M'], ['P1 0605 41aa']],
  [
    'STAP-A: parameter sets and SEI',
    ['1 78 0003 674201 0003 68ce01 0002 0605', '1 65aa M'],
    ['sets 674201 68ce01', 'K1 0605 65aa'],
  ],
  [
    'STAP-A: the last length points past the end',
    ['1 78 0002 41aa 0009 68', '1 41bb M'],
    ['! STAP-A with a length that does not fit', 'P1 41aa 41bb'],
  ],
  [
    'STAP-A: a lonely byte at the end',
    ['1 78 0002 41aa 00 M'],
    ['! STAP-A with a length that does not fit', 'P1 41aa'],
  ],
  ['FU-A: header rebuilt from indicator and FU header', ['1 7c85aa', '1 7c05bb', '1 7c45cc M'], ['K1 65aabbcc']],
  ['FU-A: start and end in one packet', ['1 7cc5aa M'], ['K1 65aa']],
  [
    'FU-A: loss inside drops the whole NAL unit',
    ['1 7c85aa', '-', '1 7c45cc M', '2 41dd M'],
    ['! a packet of a fragmented NAL unit was lost', '! FU-A without a beginning', 'P2 41dd lost 1'],
  ],
  [
    'FU-A: loss of the end',
    ['1 7c85aa', '-', '2 41dd M'],
    ['! a packet of a fragmented NAL unit was lost', 'P2 41dd lost 1'],
  ],
  [
    'FU-A: one slice of two is lost',
    ['1 41aa', '1 7c81aa', '-', '1 7c41cc M'],
    ['! a packet of a fragmented NAL unit was lost', '! FU-A without a beginning', 'P1 41aa lost 1'],
  ],
  [
    'FU-A: never ended',
    ['1 7c81aa M', '2 41bb M'],
    ['! a fragmented NAL unit did not end with its picture', 'P2 41bb'],
  ],
  [
    'FU-A: another begins',
    ['1 7c81aa', '1 7c81bb', '1 7c41cc M'],
    ['! a fragmented NAL unit began before the one before ended', 'P1 61bbcc'],
  ],
  [
    'FU-A: interrupted by a whole NAL unit',
    ['1 7c81aa', '1 41bb M'],
    ['! a fragmented NAL unit was interrupted by another', 'P1 41bb'],
  ],
  ['FU-A with an SPS in it', ['1 7c8742', '1 7c4701', '1 6801', '1 65aa M'], ['sets 674201 6801', 'K1 65aa']],
  [
    'a keyframe without its middle is none',
    ['1 6580', '-', '1 6520 M', '2 6580 M'],
    ['P1 6580 6520 lost 1', 'K2 6580'],
  ],
  ['a keyframe without its beginning is none', ['1 41aa M', '-', '2 6520 M'], ['P1 41aa', 'P2 6520 lost 1']],
  [
    'a keyframe without its end is none; the picture behind it is whole',
    ['1 6580', '-', '2 6580 M'],
    ['P1 6580 lost 1', 'K2 6580'],
  ],
  [
    'a picture of which nothing came does the next one no harm',
    ['1 7c8580', '-', '1 7c4501 M', '2 6580 M'],
    ['! a packet of a fragmented NAL unit was lost', '! FU-A without a beginning', 'K2 6580 lost 1'],
  ],
  [
    'a keyframe of which a slice was cut is none',
    ['1 6580', '1 7c8520', '-', '1 7c4501 M'],
    ['! a packet of a fragmented NAL unit was lost', '! FU-A without a beginning', 'P1 6580 lost 1'],
  ],
  ['what was lost before a keyframe does it no harm', ['1 41aa M', '-', '2 6580 M'], ['P1 41aa', 'K2 6580 lost 1']],
  ['a whole packet lost between units', ['1 41aa M', '-', '2 41bb M'], ['P1 41aa', 'P2 41bb lost 1']],
  [
    'the marker on parameter sets ends nothing',
    ['1 674201 M', '1 68ce01 M', '1 65aa M'],
    ['sets 674201 68ce01', 'K1 65aa'],
  ],
  [
    'parameter sets that repeat are told once',
    ['1 6742', '1 68ce', '1 65aa M', '2 6742', '2 68ce', '2 65bb M'],
    ['sets 6742 68ce', 'K1 65aa', 'K2 65bb'],
  ],
  [
    'another SPS takes the old PPS away when its own comes',
    ['1 6742', '1 68ce', '1 65aa M', '2 6743', '2 68cf', '2 65bb M'],
    ['sets 6742 68ce', 'K1 65aa', 'sets 6743 68cf', 'K2 65bb'],
  ],
  [
    'another PPS of the same id replaces it; of another id joins it',
    ['1 6742', '1 68ce', '1 6841', '1 65aa M', '2 68cf', '2 65bb M'],
    ['sets 6742 68ce 6841', 'K1 65aa', 'sets 6742 68cf 6841', 'K2 65bb'],
  ],
  [
    'sets with start codes between them in one packet',
    ['1 674201 00000001 68ce', '1 65aa M'],
    ['sets 674201 68ce', 'K1 65aa'],
  ],
  ['zeros behind a parameter set', ['1 67420000', '1 68ce', '1 65aa M'], ['sets 6742 68ce', 'K1 65aa']],
  [
    'the marker on every slice: noticed, then ignored',
    ['1 4180 M', '1 4120 M', '2 4181 M', '2 4121 M', '3 4182 M'],
    ['P1 4180', '! a slice after the marker: from now on only timestamps end a picture', 'P2 4181 4121 lost 1'],
  ],
  ['two fields with one timestamp and a marker each', ['1 4180 M', '1 4181 M'], ['P1 4180', 'P1 4181']],
  [
    'types that nobody offered',
    ['1 790000', '1 7d8100', '1 41aa M'],
    ['! a packet of type 25', '! a packet of type 29', 'P1 41aa'],
  ],
  // 0x88: macroblock 0, slice type 7, I; 0x9a: type 5, P. 06 06 01 c4 80: a recovery point at this picture.
  [
    'no IDR ever: the third picture of I slices is a keyframe, and those after it',
    ['1 4188 M', '2 419a M', '3 4188 M', '4 4188 M', '5 419a M', '6 4188 M'],
    ['P1 4188', 'P2 419a', 'P3 4188', 'quirk no-idr', 'K4 4188', 'P5 419a', 'quirk no-idr', 'K6 4188'],
  ],
  [
    'I slices are none where an IDR picture came: what follows may refer to what was before',
    ['1 6588 M', '2 4188 M', '3 4188 M', '4 4188 M', '5 4188 M'],
    ['K1 6588', 'P2 4188', 'P3 4188', 'P4 4188', 'P5 4188'],
  ],
  [
    'a picture with another slice than I is none',
    ['1 4188', '1 419a M', '2 4188', '2 419a M', '3 4188', '3 419a M', '4 4188', '4 419a M'],
    ['P1 4188 419a', 'P2 4188 419a', 'P3 4188 419a', 'P4 4188 419a'],
  ],
  [
    'gradual refresh behind one IDR picture: recovery points are keyframes from the third on',
    ['1 6588 M', ...[2, 3, 4, 5].flatMap(n => [`${n} 060601c480`, `${n} 419a M`])],
    [
      'K1 6588',
      'P2 060601c480 419a',
      'P3 060601c480 419a',
      'quirk no-idr',
      'K4 060601c480 419a',
      'quirk no-idr',
      'K5 060601c480 419a',
    ],
  ],
  [
    'recovery points between IDR pictures are none',
    ['1 6588 M', '2 060601c480', '2 419a M', '3 060601c480', '3 419a M', '4 6588 M', '5 060601c480', '5 419a M'],
    ['K1 6588', 'P2 060601c480 419a', 'P3 060601c480 419a', 'K4 6588', 'P5 060601c480 419a'],
  ],
  [
    'open groups: pictures that lead the first keyframe cannot be decoded and are left out, those of the next are not',
    ['1 4188 M', '3 4188 M', '9 4188 M', '7 419a M', '8 419a M', '10 419a M', '19 4188 M', '18 419a M'],
    ['P1 4188', 'P3 4188', 'quirk no-idr', 'K9 4188', 'P10 419a', 'quirk no-idr', 'K19 4188', 'P18 419a'],
  ],
  [
    'a recovery point with a hole is none, nor one whose picture never came',
    ['1 4188 M', '2 4188 M', '3 7c8188', '-', '3 7c4101 M', '4 060601c480', '-', '5 419a M', '6 4188 M'],
    [
      'P1 4188',
      'P2 4188',
      '! a packet of a fragmented NAL unit was lost',
      '! FU-A without a beginning',
      'P5 060601c480 419a lost 2',
      'quirk no-idr',
      'K6 4188',
    ],
  ],
  ['an empty payload', ['1 ', '1 41aa M'], ['! a packet without payload', 'P1 41aa']],
  ['type 0', ['1 00aa', '1 41aa M'], ['! a NAL unit of type 0', 'P1 41aa']],
];

describe('H264Depacketizer', () => {
  for (const [name, into, out] of cases)
    test(name, () => {
      const c = collector();
      const d = new H264Depacketizer(c.taker);
      let lost = 0;
      for (const line of into) {
        if (line === '-') {
          lost++;
          continue;
        }
        const [, timestamp = '', payload = '', marker] = /^(\d+) ([0-9a-f ]*?) ?(M)?$/.exec(line) ?? [];
        const bytes = Uint8Array.of(0xee, ...hex(payload), 0xee);
        d.push(bytes, 1, bytes.length - 1, marker === 'M', Number(timestamp), lost);
        lost = 0;
      }
      assert.deepEqual(c.out, out);
    });

  test('sets offered beforehand come with the first picture; what is no set is not taken', () => {
    const c = collector();
    const d = new H264Depacketizer(c.taker);
    d.offer([hex('6742'), hex('68ce'), hex('41aa'), hex('')]);
    d.push(hex('65aa'), 0, 2, true, 1, 0);
    assert.deepEqual(c.out, ['sets 6742 68ce', 'K1 65aa']);
  });

  test('units that were handed on are never written again', () => {
    const units: Uint8Array[] = [];
    const d = new H264Depacketizer({
      unit: (_t, _k, data) => void units.push(data),
      parameterSets: () => {},
      format: () => {},
      fault: () => {},
    });
    for (let i = 0; i < 400; i++) d.push(new Uint8Array(1400).fill(0x41), 0, 1400, true, i, 0);
    for (const unit of units)
      assert.equal(Buffer.from(unit).compare(Buffer.concat([hex('00000578'), Buffer.alloc(1400, 0x41)])), 0);
  });

  test('a picture without end is dropped at 8 MiB, and the next one is whole', () => {
    const c = collector();
    const d = new H264Depacketizer(c.taker);
    const middle = new Uint8Array(60000).fill(0xaa);
    middle[0] = 0x7c;
    middle[1] = 0x01;
    d.push(hex('7c81aa'), 0, 3, false, 1, 0);
    for (let i = 0; i < 300; i++) d.push(middle, 0, middle.length, false, 1, 0);
    d.push(hex('7c41aa'), 0, 3, true, 1, 0);
    d.push(hex('41bb'), 0, 2, true, 2, 0);
    assert.deepEqual(c.out, ['! a picture larger than 8 MiB was dropped', 'P2 41bb lost 1']);
  });

  test('any payloads: no throw, units not larger than what came', () => {
    const random = fuzzSeed('h264 depacketizer');
    const valid = cases.flatMap(([, into]) => into.filter(l => l !== '-').map(l => hex(l.replace(/^\d+ | ?M$/g, ''))));
    for (let round = 0; round < fuzzRounds(300); round++) {
      let into = 0;
      let out = 0;
      const d = new H264Depacketizer({
        unit: (_t, _k, data) => void (out += data.length),
        parameterSets: sets => assert.ok(sets.length <= 17 && sets.every(s => s.length <= 1024)),
        format: () => {},
        fault: () => {},
      });
      for (let i = 0; i < 60; i++) {
        const bytes = mutate(random, valid[random.below(valid.length)]!);
        into += bytes.length + 8;
        d.push(bytes, 0, bytes.length, random.below(3) === 0, random.below(4), random.below(6) === 0 ? 1 : 0);
      }
      assert.ok(out <= into * 3);
    }
  });
});
