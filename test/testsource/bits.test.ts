import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SeededRandom } from '#fake/world';
import { BitWriter, naluFrom } from '#objects/testsource/bits';

const bitsOf = (write: (out: BitWriter) => void): string => {
  const out = new BitWriter(1);
  write(out);
  const { bits } = out;
  out.trailing();
  return Array.from(out.bytes(), byte => byte.toString(2).padStart(8, '0'))
    .join('')
    .slice(0, bits);
};

describe('Exp-Golomb codes as table 9-2 and 9-3 list them', () => {
  const unsigned: [number, string][] = [
    [0, '1'],
    [1, '010'],
    [2, '011'],
    [3, '00100'],
    [6, '00111'],
    [7, '0001000'],
    [8, '0001001'],
    [65534, '0000000000000001111111111111111'],
  ];
  for (const [value, want] of unsigned)
    test(`ue(${value})`, () =>
      assert.equal(
        bitsOf(o => o.ue(value)),
        want,
      ));
  const signed: [number, string][] = [
    [0, '1'],
    [1, '010'],
    [-1, '011'],
    [2, '00100'],
    [-2, '00101'],
    [-3, '00111'],
  ];
  for (const [value, want] of signed)
    test(`se(${value})`, () =>
      assert.equal(
        bitsOf(o => o.se(value)),
        want,
      ));
});

test('any fields read back as they were written', () => {
  const random = new SeededRandom(7);
  let want = '';
  const got = bitsOf(out => {
    for (let i = 0; i < 5000; i++) {
      const count = random.below(25);
      const value = random.below(2 ** count);
      out.put(value, count);
      if (count > 0) want += value.toString(2).padStart(count, '0');
    }
  });
  assert.equal(got, want);
});

test('the trailing bits fill the byte and count a full one', () => {
  const out = new BitWriter();
  out.trailing();
  assert.deepEqual([...out.bytes()], [0x80]);
  out.reset();
  out.put(0b101, 3);
  out.trailing();
  assert.deepEqual([...out.bytes()], [0b10110000]);
});

describe('emulation prevention', () => {
  const cases: [name: string, payload: number[], nalu: number[]][] = [
    ['nothing to prevent', [1, 0, 2, 0, 0, 4], [0x65, 1, 0, 2, 0, 0, 4]],
    ['a start code', [0, 0, 1], [0x65, 0, 0, 3, 1]],
    ['each of 0..3 behind two zeros', [0, 0, 2, 0, 0, 3], [0x65, 0, 0, 3, 2, 0, 0, 3, 3]],
    ['five zeros', [0, 0, 0, 0, 0, 9], [0x65, 0, 0, 3, 0, 0, 3, 0, 9]],
    ['zeros at the end', [7, 0, 0], [0x65, 7, 0, 0]],
  ];
  for (const [name, payload, nalu] of cases)
    test(name, () => assert.deepEqual([...naluFrom(0x65, Uint8Array.from(payload))], nalu));
});
