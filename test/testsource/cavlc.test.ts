import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SeededRandom } from '#fake/world';
import { BitWriter } from '#objects/testsource/bits';
import * as tables from '#objects/testsource/cavlc';

type Code = { bits: string; value: number };

const codesOf = (length: Uint8Array, bits: Uint8Array): Code[] =>
  [...length].flatMap((count, value) =>
    count === 0 ? [] : [{ bits: (bits[value] ?? 0).toString(2).padStart(count, '0'), value }],
  );
const rows = (lengths: readonly Uint8Array[], bits: readonly Uint8Array[]): Code[][] =>
  lengths.map((length, i) => codesOf(length, bits[i]!));

const tokens = rows(tables.coeffTokenLength, tables.coeffTokenBits);
const chromaTokens = codesOf(tables.chromaTokenLength, tables.chromaTokenBits);
const zeros = rows(tables.totalZerosLength, tables.totalZerosBits);
const chromaZeros = rows(tables.chromaZerosLength, tables.chromaZerosBits);
const runs = rows(tables.runLength, tables.runBits);

describe('the tables are prefix codes that leave little or nothing out', () => {
  // A wrong digit nearly always breaks one of the two: codes collide, or the sum of 2^-length leaves 1.
  const all: [name: string, codes: Code[], least: number][] = [
    ...tokens.map((codes, i): [string, Code[], number] => [`coeff_token, column ${i}`, codes, 0.96]),
    ['coeff_token, chroma DC', chromaTokens, 0.98],
    ...zeros.map((codes, i): [string, Code[], number] => [`total_zeros, total_coeff ${i + 1}`, codes, 0.98]),
    ...chromaZeros.map((codes, i): [string, Code[], number] => [`total_zeros, chroma ${i + 1}`, codes, 1]),
    ...runs.map((codes, i): [string, Code[], number] => [`run_before, zerosLeft ${i + 1}`, codes, 0.99]),
  ];
  for (const [name, codes, least] of all)
    test(name, () => {
      for (const a of codes)
        for (const b of codes) assert.ok(a === b || !b.bits.startsWith(a.bits), `${a.bits} begins ${b.bits}`);
      const sum = codes.reduce((total, code) => total + 2 ** -code.bits.length, 0);
      assert.ok(sum <= 1 && sum >= least, `${sum}`);
    });
});

const written = (levels: number[], count: number, nC: number): string => {
  const out = new BitWriter();
  tables.writeBlock(out, Int16Array.from(levels), 0, count, nC);
  const { bits } = out;
  out.trailing();
  return Array.from(out.bytes(), byte => byte.toString(2).padStart(8, '0'))
    .join('')
    .slice(0, bits);
};

describe('worked examples of I. Richardson, The H.264 Advanced Video Compression Standard, 7.4.3', () => {
  const cases: [levels: number[], bits: string][] = [
    [[0, 3, 0, 1, -1, -1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], '000010001110010111101101'],
    [[-2, 4, 3, -3, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0], '000000011010001001000010111001100'],
    [[0, 0, 0, 1, 0, 1, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0], '0001110001110010'],
  ];
  for (const [levels, bits] of cases) test(levels.join(' '), () => assert.equal(written(levels, 16, 0), bits));
});

/** 9.2 read the slow way. */
function read(text: string, count: number, nC: number): number[] {
  let at = 0;
  const bit = (): number => Number(text[at++]);
  const number = (length: number): number => Array.from({ length }, bit).reduce((sum, b) => sum * 2 + b, 0);
  const code = (table: Code[]): number => {
    const found = table.find(c => text.startsWith(c.bits, at));
    assert.ok(found, `no code at ${at}`);
    at += found.bits.length;
    return found.value;
  };
  const token = code(nC < 0 ? chromaTokens : tokens[nC < 2 ? 0 : nC < 4 ? 1 : nC < 8 ? 2 : 3]!);
  const total = token >> 2;
  const ones = token & 3;
  const values: number[] = [];
  for (let i = 0; i < ones; i++) values.push(bit() ? -1 : 1);
  let suffixLength = total > 10 && ones < 3 ? 1 : 0;
  while (values.length < total) {
    let prefix = 0;
    while (bit() === 0) prefix++;
    assert.ok(prefix <= 15, 'Baseline has no longer prefix');
    const size = prefix === 14 && suffixLength === 0 ? 4 : prefix === 15 ? 12 : suffixLength;
    let level = (Math.min(15, prefix) << suffixLength) + number(size);
    if (prefix === 15 && suffixLength === 0) level += 15;
    if (values.length === ones && ones < 3) level += 2;
    values.push(level % 2 === 0 ? (level + 2) >> 1 : (-level - 1) >> 1);
    if (suffixLength === 0) suffixLength = 1;
    if (Math.abs(values.at(-1)!) > 3 << (suffixLength - 1) && suffixLength < 6) suffixLength++;
  }
  let left = total > 0 && total < count ? code((nC < 0 ? chromaZeros : zeros)[total - 1]!) : 0;
  const block: number[] = new Array(count).fill(0);
  let position = total + left - 1;
  for (const [i, value] of values.entries()) {
    block[position] = value;
    const before = left > 0 && i < total - 1 ? code(runs[Math.min(left, 7) - 1]!) : 0;
    position -= 1 + before;
    left -= before;
  }
  assert.equal(at, text.length, 'all bits are read');
  return block;
}

test('any block reads back, in every context and size', () => {
  const random = new SeededRandom(3);
  for (let i = 0; i < 6000; i++) {
    const [count, nC] = [[16, random.below(17)] as const, [15, random.below(17)] as const, [4, -1] as const][i % 3]!;
    const density = random.unit();
    const size = 2 ** random.below(12);
    const levels = Array.from({ length: count }, () =>
      random.unit() < density ? Math.trunc((random.unit() * 2 - 1) * Math.min(size, 2000)) : 0,
    ).map(v => v + 0);
    assert.deepEqual(read(written(levels, count, nC), count, nC), levels, `seed 3, block ${i}: ${levels} at nC ${nC}`);
  }
});
