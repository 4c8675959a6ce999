import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { obus } from '#media/av1';
import { Av1Depacketizer } from '#rtp/av1/depacketizer';
import { text, transcript } from '../transcript.ts';

/** OBUs as `type:payload`. */
const show = (data: Uint8Array): string =>
  [...obus(data)].map(o => `${o.type}:${text(data.subarray(o.payload, o.end))}`).join(' ');

/** Headers without size: 08 sequence header, 10 delimiter, 18 frame header, 20 tile group, 30 frame, 78 padding. A frame of 10.. is a shown key frame, 30.. another. */
const sequence = '00000003bd7c79b5f20080'; // libaom: Main, level 2.0, 176x144
const cases: [name: string, into: string[], out: string[]][] = [
  ['one OBU, its length not said (W 1)', ['1 10 30 30aa M'], ['P1 6:30aa']],
  ['two, with lengths (W 0)', ['1 00 03 2811bb 03 3030aa M'], ['P1 5:11bb 6:30aa']],
  ['two, the last without length (W 2)', ['1 20 03 2811bb 3030aa M'], ['P1 5:11bb 6:30aa']],
  ['a size inside the OBU is taken off', ['1 10 32 02 30aa M'], ['P1 6:30aa']],
  ['the extension byte stays', ['1 10 34 08 30aa M'], ['P1 6:30aa']],
  ['over three packets', ['1 50 30 30aa', '1 d0 bb', '1 90 cc M'], ['P1 6:30aabbcc']],
  ['delimiter and padding go', ['1 30 02 1000 03 3030aa 78ff M'], ['P1 6:30aa']],
  ['padding over two packets goes', ['1 60 03 3030aa 78ff', '1 90 ff M'], ['P1 6:30aa']],
  [
    'a key frame tells the format',
    [`1 28 0c 08${sequence} 3010aa M`],
    ['format av1 176x144 av01.0.00M.08', `K1 1:${sequence} 6:10aa`],
  ],
  [
    'a key frame without its sequence header gets the one known',
    [`1 28 0c 08${sequence} 3010aa M`, '2 10 30 10bb M'],
    ['format av1 176x144 av01.0.00M.08', `K1 1:${sequence} 6:10aa`, `K2 1:${sequence} 6:10bb`],
  ],
  ['no marker: the next timestamp ends the unit', ['1 10 30 30aa', '2 10 30 30bb M'], ['P1 6:30aa', 'P2 6:30bb']],
  [
    'loss inside drops the unit',
    ['1 50 30 30aa', '-', '1 90 cc M', '2 10 30 30bb M'],
    ['! a packet of a temporal unit was lost', 'P2 6:30bb lost 1'],
  ],
  [
    'loss of the end',
    ['1 50 30 30aa', '-', '2 10 30 30bb M'],
    ['! a packet of a temporal unit was lost', 'P2 6:30bb lost 1'],
  ],
  ['loss between', ['1 10 30 30aa M', '-', '2 10 30 30bb M'], ['P1 6:30aa', 'P2 6:30bb lost 1']],
  [
    'loss of the beginning: tiles without their frame are not used',
    ['1 10 30 30aa M', '-', '2 10 20 11 M', '3 10 30 30bb M'],
    ['P1 6:30aa', '! a packet of a temporal unit was lost', 'P3 6:30bb lost 1'],
  ],
  ['a continuation of nothing', ['1 90 cc M', '2 10 30 30bb M'], ['! OBU elements that do not fit', 'P2 6:30bb']],
  ['a length past the end', ['1 00 09 30 M'], ['! OBU elements that do not fit']],
  [
    'an OBU that never ends',
    ['1 50 30 30aa M', '2 10 30 30bb M'],
    ['! an OBU did not end with its temporal unit', 'P2 6:30bb lost 1'],
  ],
  ['no elements', ['1 00 M'], ['! OBU elements that do not fit']],
];

describe('Av1Depacketizer', () => {
  for (const [name, into, out] of cases)
    test(name, () =>
      assert.deepEqual(
        transcript(t => new Av1Depacketizer(t), into, show),
        out,
      ),
    );
});
