/**
 * The 4x4 integer transform of ITU-T H.264 and its quantiser: forward as encoders agree on, backward
 * exactly as 8.5 demands, so that what the encoder keeps is what every decoder shows.
 */

/** Figure 8-8: zigzag position to index 4 * y + x. */
export const zigzag = Uint8Array.of(0, 1, 4, 8, 5, 2, 3, 6, 9, 12, 13, 10, 7, 11, 14, 15);

/** Rows qP % 6; columns: both coordinates even, both odd, mixed. 8.5.9 normAdjust, and its inverse scaled by 2^15. */
const scale = [
  [10, 16, 13],
  [11, 18, 14],
  [13, 20, 16],
  [14, 23, 18],
  [16, 25, 20],
  [18, 29, 23],
] as const;
const inverseScale = [
  [13107, 5243, 8066],
  [11916, 4660, 7490],
  [10082, 4194, 6554],
  [9362, 3647, 5825],
  [8192, 3355, 5243],
  [7282, 2893, 4559],
] as const;

/** Table 8-15: QPc for qPi 30..51; below 30 they are equal. */
const chromaQp = [29, 30, 31, 32, 32, 33, 34, 34, 35, 35, 36, 36, 37, 37, 37, 38, 38, 38, 39, 39, 39, 39];
export const chromaQpOf = (qp: number): number => chromaQp[qp - 30] ?? qp;

/** Everything that follows from one quantisation parameter. */
export class Quantiser {
  readonly qp: number;
  /** By index 4 * y + x. */
  readonly multiplier = new Int32Array(16);
  /** LevelScale / 16 << qP / 6, by index. */
  readonly step = new Int32Array(16);
  readonly shift: number;
  /** A third of a step: what x264 and JM use for intra. */
  readonly roundIntra: number;
  /** A sixth. */
  readonly roundInter: number;

  constructor(qp: number) {
    this.qp = qp;
    const sixth = Math.floor(qp / 6);
    for (let i = 0; i < 16; i++) {
      const odd = (i & 1) + ((i >> 2) & 1);
      const kind = odd === 0 ? 0 : odd === 2 ? 1 : 2;
      this.multiplier[i] = inverseScale[qp % 6]?.[kind] ?? 0;
      this.step[i] = (scale[qp % 6]?.[kind] ?? 0) << sixth;
    }
    this.shift = 15 + sixth;
    this.roundIntra = Math.floor(2 ** this.shift / 3);
    this.roundInter = Math.floor(2 ** this.shift / 6);
  }

  /** Of a DC coefficient that went through the second transform: one bit coarser, twice the rounding. */
  dc(value: number, round: number): number {
    const size = ((value < 0 ? -value : value) * (this.multiplier[0] ?? 0) + 2 * round) >> (this.shift + 1);
    return value < 0 ? -size : size;
  }
}

/** Difference of source and prediction, transformed (the core transform of 8.5.12 turned round), into `out` by index 4 * y + x. Answers whether they differ; if not, `out` is not whole. */
export function forward(
  source: Uint8Array,
  at: number,
  stride: number,
  prediction: Uint8Array,
  predictionAt: number,
  predictionStride: number,
  out: Int32Array,
): boolean {
  let some = 0;
  for (let y = 0; y < 4; y++) {
    const s = at + y * stride;
    const p = predictionAt + y * predictionStride;
    const a = (source[s] ?? 0) - (prediction[p] ?? 0);
    const b = (source[s + 1] ?? 0) - (prediction[p + 1] ?? 0);
    const c = (source[s + 2] ?? 0) - (prediction[p + 2] ?? 0);
    const d = (source[s + 3] ?? 0) - (prediction[p + 3] ?? 0);
    some |= a | b | c | d;
    const i = y << 2;
    out[i] = a + b + c + d;
    out[i + 1] = 2 * a + b - c - 2 * d;
    out[i + 2] = a - b - c + d;
    out[i + 3] = a - 2 * b + 2 * c - d;
  }
  if (some === 0) return false;
  for (let x = 0; x < 4; x++) {
    const a = out[x] ?? 0;
    const b = out[x + 4] ?? 0;
    const c = out[x + 8] ?? 0;
    const d = out[x + 12] ?? 0;
    out[x] = a + b + c + d;
    out[x + 4] = 2 * a + b - c - 2 * d;
    out[x + 8] = a - b - c + d;
    out[x + 12] = a - 2 * b + 2 * c - d;
  }
  return true;
}

/** 8.5.12.2: the inverse of scaled coefficients, added to the prediction, clipped, written to `target`. Spoils `w`. */
export function inverse(
  w: Int32Array,
  prediction: Uint8Array,
  predictionAt: number,
  predictionStride: number,
  target: Uint8Array,
  at: number,
  stride: number,
): void {
  for (let i = 0; i < 16; i += 4) {
    const a = w[i] ?? 0;
    const b = w[i + 1] ?? 0;
    const c = w[i + 2] ?? 0;
    const d = w[i + 3] ?? 0;
    const e = a + c;
    const f = a - c;
    const g = (b >> 1) - d;
    const h = b + (d >> 1);
    w[i] = e + h;
    w[i + 1] = f + g;
    w[i + 2] = f - g;
    w[i + 3] = e - h;
  }
  for (let x = 0; x < 4; x++) {
    const a = w[x] ?? 0;
    const b = w[x + 4] ?? 0;
    const c = w[x + 8] ?? 0;
    const d = w[x + 12] ?? 0;
    const e = a + c;
    const f = a - c;
    const g = (b >> 1) - d;
    const h = b + (d >> 1);
    const p = predictionAt + x;
    const t = at + x;
    target[t] = clip((prediction[p] ?? 0) + ((e + h + 32) >> 6));
    target[t + stride] = clip((prediction[p + predictionStride] ?? 0) + ((f + g + 32) >> 6));
    target[t + 2 * stride] = clip((prediction[p + 2 * predictionStride] ?? 0) + ((f - g + 32) >> 6));
    target[t + 3 * stride] = clip((prediction[p + 3 * predictionStride] ?? 0) + ((e - h + 32) >> 6));
  }
}

/** Where only the DC coefficient is left, the inverse is one number for all sixteen. */
export function inverseFlat(
  dc: number,
  prediction: Uint8Array,
  predictionAt: number,
  predictionStride: number,
  target: Uint8Array,
  at: number,
  stride: number,
): void {
  const add = (dc + 32) >> 6;
  for (let y = 0; y < 4; y++) {
    const p = predictionAt + y * predictionStride;
    const t = at + y * stride;
    target[t] = clip((prediction[p] ?? 0) + add);
    target[t + 1] = clip((prediction[p + 1] ?? 0) + add);
    target[t + 2] = clip((prediction[p + 2] ?? 0) + add);
    target[t + 3] = clip((prediction[p + 3] ?? 0) + add);
  }
}

/** 8.5.10's 4x4 Hadamard transform, in place; it is its own inverse but for the scale. */
export function hadamard4(m: Int32Array): void {
  for (let pass = 0; pass < 2; pass++) {
    const along = pass === 0 ? 1 : 4;
    const across = pass === 0 ? 4 : 1;
    for (let k = 0; k < 4; k++) {
      const i = k * across;
      const a = m[i] ?? 0;
      const b = m[i + along] ?? 0;
      const c = m[i + 2 * along] ?? 0;
      const d = m[i + 3 * along] ?? 0;
      m[i] = a + b + c + d;
      m[i + along] = a + b - c - d;
      m[i + 2 * along] = a - b - c + d;
      m[i + 3 * along] = a - b + c - d;
    }
  }
}

const clip = (value: number): number => (value < 0 ? 0 : value > 255 ? 255 : value);
