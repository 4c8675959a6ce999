/**
 * Context-adaptive variable-length coding of one block of transform levels, ITU-T H.264 9.2: the
 * tables 9-5, 9-7, 9-8, 9-9 and 9-10 as data, each code as [length, bits], and the writer.
 */
import type { BitWriter } from './bits.ts';

/** Table 9-5 by column (nC 0..1, 2..3, 4..7, 8..): index 4 * total_coeff + trailing_ones; 0 = no such code. */
export const coeffTokenLength: readonly Uint8Array[] = [
  [
    1, 0, 0, 0, 6, 2, 0, 0, 8, 6, 3, 0, 9, 8, 7, 5, 10, 9, 8, 6, 11, 10, 9, 7, 13, 11, 10, 8, 13, 13, 11, 9, 13, 13, 13,
    10, 14, 14, 13, 11, 14, 14, 14, 13, 15, 15, 14, 14, 15, 15, 15, 14, 16, 15, 15, 15, 16, 16, 16, 15, 16, 16, 16, 16,
    16, 16, 16, 16,
  ],
  [
    2, 0, 0, 0, 6, 2, 0, 0, 6, 5, 3, 0, 7, 6, 6, 4, 8, 6, 6, 4, 8, 7, 7, 5, 9, 8, 8, 6, 11, 9, 9, 6, 11, 11, 11, 7, 12,
    11, 11, 9, 12, 12, 12, 11, 12, 12, 12, 11, 13, 13, 13, 12, 13, 13, 13, 13, 13, 14, 13, 13, 14, 14, 14, 13, 14, 14,
    14, 14,
  ],
  [
    4, 0, 0, 0, 6, 4, 0, 0, 6, 5, 4, 0, 6, 5, 5, 4, 7, 5, 5, 4, 7, 5, 5, 4, 7, 6, 6, 4, 7, 6, 6, 4, 8, 7, 7, 5, 8, 8, 7,
    6, 9, 8, 8, 7, 9, 9, 8, 8, 9, 9, 9, 8, 10, 9, 9, 9, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10,
  ],
  [
    6, 0, 0, 0, 6, 6, 0, 0, 6, 6, 6, 0, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6,
    6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6,
  ],
].map(row => Uint8Array.from(row));

export const coeffTokenBits: readonly Uint8Array[] = [
  [
    1, 0, 0, 0, 5, 1, 0, 0, 7, 4, 1, 0, 7, 6, 5, 3, 7, 6, 5, 3, 7, 6, 5, 4, 15, 6, 5, 4, 11, 14, 5, 4, 8, 10, 13, 4, 15,
    14, 9, 4, 11, 10, 13, 12, 15, 14, 9, 12, 11, 10, 13, 8, 15, 1, 9, 12, 11, 14, 13, 8, 7, 10, 9, 12, 4, 6, 5, 8,
  ],
  [
    3, 0, 0, 0, 11, 2, 0, 0, 7, 7, 3, 0, 7, 10, 9, 5, 7, 6, 5, 4, 4, 6, 5, 6, 7, 6, 5, 8, 15, 6, 5, 4, 11, 14, 13, 4,
    15, 10, 9, 4, 11, 14, 13, 12, 8, 10, 9, 8, 15, 14, 13, 12, 11, 10, 9, 12, 7, 11, 6, 8, 9, 8, 10, 1, 7, 6, 5, 4,
  ],
  [
    15, 0, 0, 0, 15, 14, 0, 0, 11, 15, 13, 0, 8, 12, 14, 12, 15, 10, 11, 11, 11, 8, 9, 10, 9, 14, 13, 9, 8, 10, 9, 8,
    15, 14, 13, 13, 11, 14, 10, 12, 15, 10, 13, 12, 11, 14, 9, 12, 8, 10, 13, 8, 13, 7, 9, 12, 9, 12, 11, 10, 5, 8, 7,
    6, 1, 4, 3, 2,
  ],
  [
    3, 0, 0, 0, 0, 1, 0, 0, 4, 5, 6, 0, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27,
    28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56,
    57, 58, 59, 60, 61, 62, 63,
  ],
].map(row => Uint8Array.from(row));

/** Table 9-5, column nC = -1: the DC levels of chroma. */
export const chromaTokenLength = Uint8Array.of(2, 0, 0, 0, 6, 1, 0, 0, 6, 6, 3, 0, 6, 7, 7, 6, 6, 8, 8, 7);
export const chromaTokenBits = Uint8Array.of(1, 0, 0, 0, 7, 1, 0, 0, 4, 6, 1, 0, 3, 3, 2, 5, 2, 3, 2, 0);

/** Tables 9-7 and 9-8: row total_coeff - 1, column total_zeros. */
export const totalZerosLength: readonly Uint8Array[] = [
  [1, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 9],
  [3, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 6, 6, 6, 6],
  [4, 3, 3, 3, 4, 4, 3, 3, 4, 5, 5, 6, 5, 6],
  [5, 3, 4, 4, 3, 3, 3, 4, 3, 4, 5, 5, 5],
  [4, 4, 4, 3, 3, 3, 3, 3, 4, 5, 4, 5],
  [6, 5, 3, 3, 3, 3, 3, 3, 4, 3, 6],
  [6, 5, 3, 3, 3, 2, 3, 4, 3, 6],
  [6, 4, 5, 3, 2, 2, 3, 3, 6],
  [6, 6, 4, 2, 2, 3, 2, 5],
  [5, 5, 3, 2, 2, 2, 4],
  [4, 4, 3, 3, 1, 3],
  [4, 4, 2, 1, 3],
  [3, 3, 1, 2],
  [2, 2, 1],
  [1, 1],
].map(row => Uint8Array.from(row));

export const totalZerosBits: readonly Uint8Array[] = [
  [1, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 1],
  [7, 6, 5, 4, 3, 5, 4, 3, 2, 3, 2, 3, 2, 1, 0],
  [5, 7, 6, 5, 4, 3, 4, 3, 2, 3, 2, 1, 1, 0],
  [3, 7, 5, 4, 6, 5, 4, 3, 3, 2, 2, 1, 0],
  [5, 4, 3, 7, 6, 5, 4, 3, 2, 1, 1, 0],
  [1, 1, 7, 6, 5, 4, 3, 2, 1, 1, 0],
  [1, 1, 5, 4, 3, 3, 2, 1, 1, 0],
  [1, 1, 1, 3, 3, 2, 2, 1, 0],
  [1, 0, 1, 3, 2, 1, 1, 1],
  [1, 0, 1, 3, 2, 1, 1],
  [0, 1, 1, 2, 1, 3],
  [0, 1, 1, 1, 1],
  [0, 1, 1, 1],
  [0, 1, 1],
  [0, 1],
].map(row => Uint8Array.from(row));

/** Table 9-9 (a): total_zeros of a 2x2 block of chroma DC levels. */
export const chromaZerosLength: readonly Uint8Array[] = [
  [1, 2, 3, 3],
  [1, 2, 2],
  [1, 1],
].map(row => Uint8Array.from(row));
export const chromaZerosBits: readonly Uint8Array[] = [
  [1, 1, 1, 0],
  [1, 1, 0],
  [1, 0],
].map(row => Uint8Array.from(row));

/** Table 9-10: row min(zerosLeft, 7) - 1, column run_before. */
export const runLength: readonly Uint8Array[] = [
  [1, 1],
  [1, 2, 2],
  [2, 2, 2, 2],
  [2, 2, 2, 3, 3],
  [2, 2, 3, 3, 3, 3],
  [2, 3, 3, 3, 3, 3, 3],
  [3, 3, 3, 3, 3, 3, 3, 4, 5, 6, 7, 8, 9, 10, 11],
].map(row => Uint8Array.from(row));
export const runBits: readonly Uint8Array[] = [
  [1, 0],
  [1, 1, 0],
  [3, 2, 1, 0],
  [3, 2, 1, 1, 0],
  [3, 2, 3, 2, 1, 0],
  [3, 0, 1, 3, 2, 5, 4],
  [7, 6, 5, 4, 3, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1],
].map(row => Uint8Array.from(row));

/** The column of table 9-5 for nC 0..16. */
const column = Uint8Array.of(0, 0, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3);

// Filled and read within one call of writeBlock.
const level = new Int32Array(16);
const run = new Int32Array(16);

/**
 * Writes `count` levels (15 or 16 of luma, 15 of chroma AC; 4 of chroma DC, with nC -1) that stand in
 * zigzag order from `at` on, and returns total_coeff. A level must be within +-2047 (prefix 15, all
 * that Baseline has); the encoder's lowest quantiser sees to it.
 */
export function writeBlock(out: BitWriter, levels: Int16Array, at: number, count: number, nC: number): number {
  let total = 0;
  let zeros = 0;
  let gap = 0;
  // From the lowest frequency up; afterwards they are read from the end, as 9.2 wants the highest first.
  for (let i = 0; i < count; i++) {
    const value = levels[at + i] ?? 0;
    if (value === 0) {
      gap++;
      continue;
    }
    level[total] = value;
    run[total] = gap;
    zeros += gap;
    gap = 0;
    total++;
  }
  let ones = 0;
  while (ones < 3 && ones < total && Math.abs(level[total - 1 - ones] ?? 0) === 1) ones++;
  const token = 4 * total + ones;
  if (nC < 0) out.put(chromaTokenBits[token] ?? 0, chromaTokenLength[token] ?? 0);
  else {
    const table = column[nC] ?? 3;
    out.put(coeffTokenBits[table]?.[token] ?? 0, coeffTokenLength[table]?.[token] ?? 0);
  }
  if (total === 0) return 0;

  for (let i = 1; i <= ones; i++) out.put((level[total - i] ?? 0) < 0 ? 1 : 0, 1);
  // 9.2.2.1: levels, the prefix in unary, the suffix of a length that adapts.
  let suffixLength = total > 10 && ones < 3 ? 1 : 0;
  for (let i = total - 1 - ones; i >= 0; i--) {
    const value = level[i] ?? 0;
    let code = value > 0 ? 2 * value - 2 : -2 * value - 1;
    // The first level after fewer than three ones cannot be a one: its code begins two lower.
    if (i === total - 1 - ones && ones < 3) code -= 2;
    if (suffixLength === 0) {
      if (code < 14) out.put(1, code + 1);
      else if (code < 30) {
        out.put(1, 15);
        out.put(code - 14, 4);
      } else {
        out.put(1, 16);
        out.put(code - 30, 12);
      }
      suffixLength = 1;
    } else if (code < 15 << suffixLength) {
      out.put(1, (code >> suffixLength) + 1);
      out.put(code, suffixLength);
    } else {
      out.put(1, 16);
      out.put(code - (15 << suffixLength), 12);
    }
    if (Math.abs(value) > 3 << (suffixLength - 1) && suffixLength < 6) suffixLength++;
  }

  if (total < count) {
    const length = nC < 0 ? chromaZerosLength : totalZerosLength;
    const bits = nC < 0 ? chromaZerosBits : totalZerosBits;
    out.put(bits[total - 1]?.[zeros] ?? 0, length[total - 1]?.[zeros] ?? 0);
  }
  for (let i = total - 1; i > 0 && zeros > 0; i--) {
    const before = run[i] ?? 0;
    const row = Math.min(zeros, 7) - 1;
    out.put(runBits[row]?.[before] ?? 0, runLength[row]?.[before] ?? 0);
    zeros -= before;
  }
  return total;
}
