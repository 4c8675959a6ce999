import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '#fake/world';
import { pictureSei } from '#objects/testsource/sei';
import { readStrip, stripBits, stripCell } from '#objects/testsource/strip';

/** A plane with the cells painted. */
const painted = (bits: Uint8Array, side: number): Uint8Array =>
  Uint8Array.from({ length: side * 32 * side * 2 }, (_, i) => {
    const x = Math.floor((i % (side * 32)) / side);
    const y = Math.floor(i / (side * 32) / side);
    return bits[y * 32 + x] === 1 ? 220 : 20;
  });

test('the strip is read back as it was written, at any time until 2109', () => {
  const random = new SeededRandom(2);
  for (let i = 0; i < 2000; i++) {
    const wallMs = Math.floor(random.unit() * 2 ** 42);
    const number = random.below(1e6);
    const got = readStrip(painted(stripBits(wallMs, number), 4), 4 * 32, 4);
    assert.deepEqual(got, { wallMs, number: number % 16384 }, `seed 2, ${i}`);
  }
});

test('a known strip, bit by bit', () => {
  assert.equal(
    stripBits(Date.UTC(2026, 0, 1), 5).join(''),
    '011001101101110110110110101010100000000000' + '00000000000101' + '01011000',
  );
});

test('any single wrong cell is noticed', () => {
  const bits = stripBits(1_795_557_494_123, 4711);
  for (let i = 0; i < 64; i++) {
    const wrong = bits.slice();
    wrong[i] = 1 - wrong[i]!;
    assert.equal(readStrip(painted(wrong, 4), 4 * 32, 4), undefined, `cell ${i}`);
  }
});

test('a black, a white and a grey picture have no strip', () => {
  for (const luma of [0, 16, 125, 235, 255])
    assert.equal(readStrip(new Uint8Array(8192).fill(luma), 128, 4), undefined);
});

test('cells grow with the picture and are left out of small ones', () => {
  const sides = [
    [1920, 1080],
    [640, 360],
    [320, 180],
    [160, 120],
    [120, 90],
    [1920, 36],
  ].map(([w, h]) => stripCell(w!, h!));
  assert.deepEqual(sides, [32, 16, 8, 4, 0, 0]);
});

test('the SEI is the one that tools/rtspload reads', () => {
  const nalu = pictureSei(7, 123_456, 1_795_557_494_123);
  assert.deepEqual([...nalu.subarray(0, 3)], [6, 5, 80]);
  assert.equal(
    Buffer.from(nalu.subarray(3, 83)).toString('latin1'),
    'rtspload-sei-v1!cam=00007 au=000000123456 t=1795557494123000000 ................',
  );
  assert.deepEqual([nalu[83], nalu.length], [0x80, 84]);
});
