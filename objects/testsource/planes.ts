/** Pictures as the encoder works on them, and blocks of pixels within. */

/** Three planes, 4:2:0, on the grid of macroblocks. */
export class Planes {
  readonly wide: number;
  readonly high: number;
  readonly stride: number;
  readonly chromaStride: number;
  readonly y: Uint8Array;
  readonly u: Uint8Array;
  readonly v: Uint8Array;

  constructor(macroblocksWide: number, macroblocksHigh: number) {
    this.wide = macroblocksWide;
    this.high = macroblocksHigh;
    this.stride = macroblocksWide * 16;
    this.chromaStride = macroblocksWide * 8;
    this.y = new Uint8Array(this.stride * macroblocksHigh * 16);
    this.u = new Uint8Array(this.chromaStride * macroblocksHigh * 8).fill(128);
    this.v = new Uint8Array(this.chromaStride * macroblocksHigh * 8).fill(128);
  }
}

/**
 * Whether no pixel is off by more than one: then there is nothing worth a transform. It does not add up,
 * since every macroblock is held against the source.
 */
export function isNear(source: Uint8Array, at: number, stride: number, size: number, prediction: Uint8Array): boolean {
  for (let y = 0; y < size; y++) {
    const row = at + y * stride;
    for (let x = 0; x < size; x++) {
      const d = (source[row + x] ?? 0) - (prediction[y * size + x] ?? 0);
      if (d > 1 || d < -1) return false;
    }
  }
  return true;
}

/** Writes a square block into a plane. */
export function pasteBlock(from: Uint8Array, size: number, to: Uint8Array, at: number, stride: number): void {
  for (let y = 0; y < size; y++) {
    const row = at + y * stride;
    for (let x = 0; x < size; x++) to[row + x] = from[y * size + x] ?? 0;
  }
}

/** Reads a square block out of a plane. */
export function copyBlock(from: Uint8Array, at: number, stride: number, size: number, to: Uint8Array): void {
  for (let y = 0; y < size; y++) {
    const row = at + y * stride;
    for (let x = 0; x < size; x++) to[y * size + x] = from[row + x] ?? 0;
  }
}
