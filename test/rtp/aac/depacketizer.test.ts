import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fuzzRounds, fuzzSeed, mutate } from '#fake/fuzz';
import { AacDepacketizer, type AacPacking } from '#rtp/aac/depacketizer';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const hbr: AacPacking = { sizeLength: 13, indexLength: 3, indexDeltaLength: 3, ticksPerUnit: 1024 };
const lbr: AacPacking = { sizeLength: 6, indexLength: 2, indexDeltaLength: 2, ticksPerUnit: 1024 };
const bare: AacPacking = { sizeLength: 0, indexLength: 0, indexDeltaLength: 0, ticksPerUnit: 1024 };

// in: `timestamp payload [M]`, `-` marks a lost packet. out: `timestamp frame [lost n]`.
const cases: [name: string, packing: AacPacking, into: string[], out: string[]][] = [
  ['one frame', hbr, ['100 0010 0018 aabbcc M'], ['100 aabbcc']],
  [
    'adts-in-aac: its header is taken off, where its length is that of the frame',
    hbr,
    ['1 0010 0050 fff15080015ffcaabbcc M', '2 0010 0050 fff15080017ffcaabbcc M'],
    ['1 aabbcc', '2 fff15080017ffcaabbcc'],
  ],
  ['two frames, a unit apart', hbr, ['100 0020 0010 0008 aabb cc M'], ['100 aabb', '1124 cc']],
  ['the time of the second frame wraps', hbr, ['4294967295 0020 0008 0008 aa bb M'], ['4294967295 aa', '1023 bb']],
  ['a frame over three packets', hbr, ['5 0010 0028 aa', '5 0010 0028 bbcc', '5 0010 0028 ddee M'], ['5 aabbccddee']],
  [
    'a fragment is lost',
    hbr,
    ['5 0010 0018 aa', '-', '5 0010 0018 bb M', '9 0010 0008 cc M'],
    ['! a fragmented frame did not end', '9 cc lost 1'],
  ],
  [
    'a fragmented frame ends too early',
    hbr,
    ['5 0010 0018 aa', '5 0010 0018 bb M', '9 0010 0008 cc M'],
    ['! a fragmented frame did not end', '9 cc'],
  ],
  [
    'another time begins inside a fragmented frame',
    hbr,
    ['5 0010 0018 aa', '9 0010 0008 cc M'],
    ['! a fragmented frame did not end', '9 cc'],
  ],
  ['low bit rate: headers of one byte', lbr, ['7 0010 08 04 aabb cc M'], ['7 aabb', '1031 cc']],
  ['no headers: a packet is a frame', bare, ['7 aabbcc M'], ['7 aabbcc']],
  ['headers longer than the packet', hbr, ['7 0080 0008 aa M'], ['! AU headers that do not fit']],
  ['no headers where they should be', hbr, ['7 0000 aa M'], ['! AU headers that do not fit']],
  ['the second frame does not fit', hbr, ['7 0020 0008 0040 aa bb M'], ['7 aa', '! a frame that does not fit']],
  ['a frame of no bytes is passed over', hbr, ['7 0020 0000 0008 aa M'], ['1031 aa']],
  ['too short for anything', hbr, ['7 00 M'], ['! a packet without payload']],
];

function run(packing: AacPacking) {
  const out: string[] = [];
  const d = new AacDepacketizer(
    {
      unit: (t, _k, data, lost) =>
        void out.push(`${t} ${Buffer.from(data).toString('hex')}${lost > 0 ? ` lost ${lost}` : ''}`),
      parameterSets: () => {},
      format: () => {},
      fault: text => void out.push(`! ${text}`),
    },
    packing,
  );
  return { out, d };
}

describe('AacDepacketizer', () => {
  for (const [name, packing, into, out] of cases)
    test(name, () => {
      const { out: got, d } = run(packing);
      let lost = 0;
      for (const line of into) {
        if (line === '-') {
          lost++;
          continue;
        }
        const [, timestamp = '', payload = '', marker] = /^(\d+) ([0-9a-f ]*?) ?(M)?$/.exec(line) ?? [];
        const bytes = hex(payload);
        d.push(bytes, 0, bytes.length, marker === 'M', Number(timestamp), lost);
        lost = 0;
      }
      // A fragment whose beginning was lost looks like a beginning: it is given up with the next packet.
      assert.deepEqual(
        got.filter((l, i) => l !== got[i - 1]),
        out,
      );
    });

  test('any payloads: no throw, bounded', () => {
    const random = fuzzSeed('aac depacketizer');
    for (let round = 0; round < fuzzRounds(500); round++) {
      const { out, d } = run([hbr, lbr, bare, { ...hbr, sizeLength: 32, indexLength: 32 }][random.below(4)]!);
      for (let i = 0; i < 30; i++) {
        const bytes = mutate(random, hex('0020 0010 0008 aabb cc'));
        d.push(bytes, 0, bytes.length, random.below(2) === 0, random.below(5), random.below(9) === 0 ? 1 : 0);
      }
      assert.ok(out.length < 30 * 4000);
    }
  });
});
