/** Parameter sets of real encoders, and what is made of them; any bytes. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fuzzRounds, fuzzSeed, mutate } from '#fake/fuzz';
import { av1Track, parseSequenceHeader } from '#media/av1';
import { framerateOfVps, h265CodecText, h265Track, parseH265Sps } from '#media/h265';
import { vp8Size } from '#media/vp8';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

describe('H.265 SPS', () => {
  const cases: [name: string, sps: string, told: string][] = [
    [
      'no reordering',
      '42010101600000030090000003000003003ca01620245964a924caf0168080000003008000000c84',
      '176x144 25 reorder 0 hvc1.1.6.L60.90',
    ],
    [
      '1080 lines are cropped from 1088, B pictures two deep',
      '420101016000000300900000030000030078a003c08010e596565924caf01680800001f480003a9804',
      '1920x1080 29.97 reorder 2 hvc1.1.6.L120.90',
    ],
    [
      '4:2:2 with 10 bits and scaling lists',
      '4201010408000003009d0800000300005ab005020169365959249395e02d010000030001000003003208',
      '640x360 50 reorder 2 hvc1.4.10.L90.9D.8',
    ],
    [
      '4:4:4, an odd size, and a model of the buffer',
      '4201010408000003009e0800000300003c90014901f39e7cb22724995e02d010000003001000000300f600c944e001e840007a1220',
      '322x242 15 reorder 1 hvc1.4.10.L60.9E.8',
    ],
  ];
  for (const [name, sps, told] of cases)
    test(name, () => {
      const s = parseH265Sps(hex(sps));
      const rate = Math.round((s?.framerate ?? 0) * 1000) / 1000;
      assert.equal(s && `${s.width}x${s.height} ${rate} reorder ${s.reorder} ${h265CodecText(s.profile)}`, told);
    });

  test('a VPS may tell the frame rate', () =>
    assert.equal(framerateOfVps(hex('40010c01ffff01600000030090000003000003003cac0c00000fa40001d53840')), 30));

  test('VPS, SPS and PPS make a track, in any order; without one of them there is none', () => {
    const sets = [
      '40010c01ffff01600000030090000003000003003c928090',
      '42010101600000030090000003000003003ca01620245964a924caf0168080000003008000000c84',
      '4401c172b46240',
    ].map(hex);
    const track = h265Track([sets[2]!, sets[0]!, sets[1]!]);
    assert.deepEqual(track?.parameterSets, sets);
    for (const left of sets) assert.equal(h265Track(sets.filter(s => s !== left)), undefined);
  });

  test('any bytes: no throw, sizes that can be', () => {
    const random = fuzzSeed('h265 sps');
    for (let round = 0; round < fuzzRounds(3000); round++) {
      const bytes = mutate(random, hex(cases[random.below(cases.length)]![1]));
      const s = parseH265Sps(bytes);
      if (s) assert.ok(s.width >= 8 && s.height <= 16384 && s.reorder <= 16 && s.framerate <= 240);
      framerateOfVps(bytes);
    }
  });
});

describe('AV1 sequence header', () => {
  const libaom = '0a0b00000003bd7c79b5f20080';
  const cases: [name: string, obu: string, told: string | undefined][] = [
    ['libaom, Main, 176x144', libaom, '176x144 av01.0.00M.08'],
    ['another kind of OBU', `12${libaom.slice(2)}`, undefined],
    ['cut off', '0a0300000003', undefined],
    ['nothing', '', undefined],
  ];
  for (const [name, obu, told] of cases)
    test(name, () => {
      const track = av1Track(hex(obu));
      assert.equal(track && `${track.width}x${track.height} ${track.codecText}`, told);
    });
  test('any bytes: no throw, sizes that can be', () => {
    const random = fuzzSeed('av1 sequence header');
    for (let round = 0; round < fuzzRounds(3000); round++) {
      const s = parseSequenceHeader(mutate(random, hex(libaom)));
      if (s) assert.ok(s.width >= 8 && s.height <= 16384 && s.framerate <= 240);
    }
  });
});

describe('VP8 keyframe', () => {
  const cases: [name: string, frame: string, told: string | undefined][] = [
    ['176x144', '100f00 9d012a b000 9000 00', '176x144'],
    ['the scale bits are no size', '100f00 9d012a b040 9080 00', '176x144'],
    ['not a keyframe', '110f00 9d012a b000 9000 00', undefined],
    ['another start code', '100f00 9d012b b000 9000 00', undefined],
    ['cut off', '100f00 9d012a b000 90', undefined],
    ['no width', '100f00 9d012a 0000 9000 00', undefined],
  ];
  for (const [name, frame, told] of cases)
    test(name, () => {
      const size = vp8Size(hex(frame));
      assert.equal(size && `${size.width}x${size.height}`, told);
    });
});
