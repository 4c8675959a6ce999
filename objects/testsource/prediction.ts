/**
 * Intra prediction of whole macroblocks, ITU-T H.264 8.3.3 (16x16 luma) and 8.3.4 (8x8 chroma), out of
 * the already decoded neighbours in the same plane, and the choice among its four modes.
 */

/** Numbers of Intra16x16PredMode, table 8-4. */
export const vertical = 0;
export const horizontal = 1;
export const dc = 2;
export const plane = 3;

/** Predicts `size` x `size` pixels (16 or 8, of which 8 is chroma) at `at` into `out` with stride `size`. Modes that need an absent neighbour must not be asked for. */
export function predict(
  mode: number,
  size: number,
  pixels: Uint8Array,
  at: number,
  stride: number,
  left: boolean,
  top: boolean,
  out: Uint8Array,
): void {
  const above = at - stride;
  if (mode === vertical) {
    for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) out[y * size + x] = pixels[above + x] ?? 0;
  } else if (mode === horizontal) {
    for (let y = 0; y < size; y++) out.fill(pixels[at + y * stride - 1] ?? 0, y * size, y * size + size);
  } else if (mode === plane) predictPlane(size, pixels, at, stride, out);
  else if (size === 16) {
    let sum = 0;
    if (top) for (let x = 0; x < 16; x++) sum += pixels[above + x] ?? 0;
    if (left) for (let y = 0; y < 16; y++) sum += pixels[at + y * stride - 1] ?? 0;
    out.fill(left && top ? (sum + 16) >> 5 : left || top ? (sum + 8) >> 4 : 128);
  } else predictChromaDc(pixels, at, stride, left, top, out);
}

function predictPlane(size: number, pixels: Uint8Array, at: number, stride: number, out: Uint8Array): void {
  const half = size >> 1;
  const above = at - stride;
  let h = 0;
  let v = 0;
  for (let i = 0; i < half; i++) {
    h += (i + 1) * ((pixels[above + half + i] ?? 0) - (pixels[above + half - 2 - i] ?? 0));
    v += (i + 1) * ((pixels[at + (half + i) * stride - 1] ?? 0) - (pixels[at + (half - 2 - i) * stride - 1] ?? 0));
  }
  const gain = size === 16 ? 5 : 34;
  const b = (gain * h + 32) >> 6;
  const c = (gain * v + 32) >> 6;
  const a = 16 * ((pixels[at + (size - 1) * stride - 1] ?? 0) + (pixels[above + size - 1] ?? 0));
  for (let y = 0; y < size; y++) {
    let value = a + b * (1 - half) + c * (y + 1 - half) + 16;
    for (let x = 0; x < size; x++, value += b) {
      const pixel = value >> 5;
      out[y * size + x] = pixel < 0 ? 0 : pixel > 255 ? 255 : pixel;
    }
  }
}

/** 8.3.4.1: each 4x4 quarter has its own mean; those beside the diagonal look at one neighbour first. */
function predictChromaDc(
  pixels: Uint8Array,
  at: number,
  stride: number,
  left: boolean,
  top: boolean,
  out: Uint8Array,
): void {
  let above0 = 0;
  let above1 = 0;
  let beside0 = 0;
  let beside1 = 0;
  for (let i = 0; i < 4; i++) {
    if (top) {
      above0 += pixels[at - stride + i] ?? 0;
      above1 += pixels[at - stride + 4 + i] ?? 0;
    }
    if (left) {
      beside0 += pixels[at + i * stride - 1] ?? 0;
      beside1 += pixels[at + (4 + i) * stride - 1] ?? 0;
    }
  }
  let upperLeft = 128;
  let upperRight = 128;
  let lowerLeft = 128;
  let lowerRight = 128;
  if (left && top) {
    upperLeft = (above0 + beside0 + 4) >> 3;
    upperRight = (above1 + 2) >> 2;
    lowerLeft = (beside1 + 2) >> 2;
    lowerRight = (above1 + beside1 + 4) >> 3;
  } else if (top) {
    upperLeft = lowerLeft = (above0 + 2) >> 2;
    upperRight = lowerRight = (above1 + 2) >> 2;
  } else if (left) {
    upperLeft = upperRight = (beside0 + 2) >> 2;
    lowerLeft = lowerRight = (beside1 + 2) >> 2;
  }
  for (let y = 0; y < 8; y++)
    for (let x = 0; x < 4; x++) {
      out[y * 8 + x] = y < 4 ? upperLeft : lowerLeft;
      out[y * 8 + 4 + x] = y < 4 ? upperRight : lowerRight;
    }
}

/** Sum of absolute differences over every other row: good enough to choose by, at half the price. */
export function difference(
  source: Uint8Array,
  at: number,
  stride: number,
  size: number,
  other: Uint8Array,
  otherAt: number,
  otherStride: number,
): number {
  let sum = 0;
  for (let y = 0; y < size; y += 2) {
    const s = at + y * stride;
    const o = otherAt + y * otherStride;
    for (let x = 0; x < size; x++) {
      const d = (source[s + x] ?? 0) - (other[o + x] ?? 0);
      sum += d < 0 ? -d : d;
    }
  }
  return sum;
}
