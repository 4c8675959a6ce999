/**
 * What a prediction lacks, of one macroblock: transformed, quantised, and put back on top of the
 * prediction the way a decoder does (ITU-T H.264 8.5). Levels stay here until they are written.
 */
import { isNear, type Planes, pasteBlock } from './planes.ts';
import { forward, hadamard4, inverse, inverseFlat, type Quantiser, zigzag } from './transform.ts';

/** x and y, in blocks, of the 4x4 luma blocks in coding order (figure 6-10). */
export const blockX = Uint8Array.of(0, 1, 0, 1, 2, 3, 2, 3, 0, 1, 0, 1, 2, 3, 2, 3);
export const blockY = Uint8Array.of(0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3);

export class Residual {
  readonly #source: Planes;
  readonly #decoded: Planes;
  /** Rows of 16 and of 8 pixels; to be filled before `code`. */
  readonly predictedY = new Uint8Array(256);
  readonly predictedU = new Uint8Array(64);
  readonly predictedV = new Uint8Array(64);
  /** Sixteen levels a block, blocks in coding order, levels in zigzag order; of intra luma and of chroma the first one is unused. */
  readonly levelsY = new Int16Array(256);
  readonly levelsU = new Int16Array(64);
  readonly levelsV = new Int16Array(64);
  /** DC levels of an intra macroblock's luma, in zigzag order, and of chroma. */
  readonly dcY = new Int16Array(16);
  readonly dcU = new Int16Array(4);
  readonly dcV = new Int16Array(4);
  readonly #coefficients = new Int32Array(16);
  readonly #second = new Int32Array(16);

  constructor(source: Planes, decoded: Planes) {
    this.#source = source;
    this.#decoded = decoded;
  }

  /** Transforms, quantises and reconstructs source minus prediction; answers coded_block_pattern. */
  code(x: number, y: number, intra: boolean, luma: Quantiser, chroma: Quantiser): number {
    const pattern = this.#codeLuma(y * 16 * this.#source.stride + x * 16, intra, luma);
    const at = y * 8 * this.#source.chromaStride + x * 8;
    const u = this.#codeChroma(
      this.#source.u,
      this.#decoded.u,
      this.predictedU,
      at,
      intra,
      chroma,
      this.levelsU,
      this.dcU,
    );
    const v = this.#codeChroma(
      this.#source.v,
      this.#decoded.v,
      this.predictedV,
      at,
      intra,
      chroma,
      this.levelsV,
      this.dcV,
    );
    return pattern | (Math.max(u, v) << 4);
  }

  #codeLuma(at: number, intra: boolean, quantiser: Quantiser): number {
    const source = this.#source;
    const decoded = this.#decoded;
    const stride = source.stride;
    const predicted = this.predictedY;
    const w = this.#coefficients;
    const levels = this.levelsY;
    const second = this.#second;
    const round = intra ? quantiser.roundIntra : quantiser.roundInter;
    if (isNear(source.y, at, stride, 16, predicted)) {
      this.dcY.fill(0);
      pasteBlock(predicted, 16, decoded.y, at, stride);
      return 0;
    }
    let pattern = 0;
    // First all transforms, since the DC coefficients of an intra macroblock are coded together.
    let anyDc = 0;
    for (let block = 0; block < 16; block++) {
      const bx = blockX[block] ?? 0;
      const by = blockY[block] ?? 0;
      const some = forward(source.y, at + by * 4 * stride + bx * 4, stride, predicted, by * 64 + bx * 4, 16, w);
      const to = block * 16;
      if (intra) {
        const mean = some ? (w[0] ?? 0) : 0;
        second[by * 4 + bx] = mean;
        anyDc |= mean;
      }
      if (some && quantise(w, quantiser, round, levels, to, intra ? 1 : 0)) pattern |= 1 << (block >> 2);
      else levels.fill(0, to, to + 16);
    }
    if (intra) {
      this.dcY.fill(0);
      if (anyDc !== 0) this.#codeLumaDc(quantiser, round);
      if (pattern !== 0) pattern = 15;
    }
    for (let block = 0; block < 16; block++) {
      const bx = blockX[block] ?? 0;
      const by = blockY[block] ?? 0;
      const target = at + by * 4 * stride + bx * 4;
      const from = by * 64 + bx * 4;
      const mean = intra ? (second[by * 4 + bx] ?? 0) : 0;
      const coded =
        (pattern & (1 << (block >> 2))) !== 0 && dequantise(levels, block * 16, quantiser, w, intra ? 1 : 0);
      if (!coded) inverseFlat(mean, predicted, from, 16, decoded.y, target, stride);
      else {
        if (intra) w[0] = mean;
        inverse(w, predicted, from, 16, decoded.y, target, stride);
      }
    }
    return pattern;
  }

  /** 8.5.10: levels into `dcY`, and what a decoder makes of them into `#second`. */
  #codeLumaDc(quantiser: Quantiser, round: number): void {
    const second = this.#second;
    hadamard4(second);
    for (let i = 0; i < 16; i++) {
      const raster = zigzag[i] ?? 0;
      const level = quantiser.dc(((second[raster] ?? 0) + 1) >> 1, round);
      this.dcY[i] = level;
      second[raster] = level;
    }
    hadamard4(second);
    // The standard tells qP below 36 and from 36 on apart; with the step already shifted both are this.
    const step = quantiser.step[0] ?? 0;
    for (let i = 0; i < 16; i++) second[i] = ((second[i] ?? 0) * step + 2) >> 2;
  }

  /** 0: nothing; 1: DC levels only; 2: AC levels too. */
  #codeChroma(
    source: Uint8Array,
    decoded: Uint8Array,
    predicted: Uint8Array,
    at: number,
    intra: boolean,
    quantiser: Quantiser,
    levels: Int16Array,
    means: Int16Array,
  ): number {
    const stride = this.#source.chromaStride;
    const w = this.#coefficients;
    const second = this.#second;
    if (isNear(source, at, stride, 8, predicted)) {
      means.fill(0);
      levels.fill(0);
      pasteBlock(predicted, 8, decoded, at, stride);
      return 0;
    }
    const round = intra ? quantiser.roundIntra : quantiser.roundInter;
    let coded = 0;
    for (let block = 0; block < 4; block++) {
      const from = (block >> 1) * 32 + (block & 1) * 4;
      const some = forward(source, at + (block >> 1) * 4 * stride + (block & 1) * 4, stride, predicted, from, 8, w);
      second[block] = some ? (w[0] ?? 0) : 0;
      if (some && quantise(w, quantiser, round, levels, block * 16, 1)) coded = 2;
      else levels.fill(0, block * 16, block * 16 + 16);
    }
    butterfly(second);
    for (let i = 0; i < 4; i++) {
      const level = quantiser.dc(second[i] ?? 0, round);
      means[i] = level;
      second[i] = level;
      if (level !== 0) coded = coded === 0 ? 1 : coded;
    }
    butterfly(second);
    const step = quantiser.step[0] ?? 0;
    for (let block = 0; block < 4; block++) {
      const from = (block >> 1) * 32 + (block & 1) * 4;
      const target = at + (block >> 1) * 4 * stride + (block & 1) * 4;
      const mean = ((second[block] ?? 0) * step) >> 1;
      if (coded === 2 && dequantise(levels, block * 16, quantiser, w, 1)) {
        w[0] = mean;
        inverse(w, predicted, from, 8, decoded, target, stride);
      } else inverseFlat(mean, predicted, from, 8, decoded, target, stride);
    }
    return coded;
  }
}

/** Levels in zigzag order from position `first` on; answers whether any is not zero. */
function quantise(
  w: Int32Array,
  quantiser: Quantiser,
  round: number,
  levels: Int16Array,
  to: number,
  first: number,
): boolean {
  const multiplier = quantiser.multiplier;
  const shift = quantiser.shift;
  let some = 0;
  if (first === 1) levels[to] = 0;
  for (let i = first; i < 16; i++) {
    const raster = zigzag[i] ?? 0;
    const value = w[raster] ?? 0;
    const size = ((value < 0 ? -value : value) * (multiplier[raster] ?? 0) + round) >> shift;
    levels[to + i] = value < 0 ? -size : size;
    some |= size;
  }
  return some !== 0;
}

/** The other way round; answers whether there was anything. */
function dequantise(levels: Int16Array, from: number, quantiser: Quantiser, w: Int32Array, first: number): boolean {
  const step = quantiser.step;
  let some = 0;
  w[0] = 0;
  for (let i = first; i < 16; i++) {
    const level = levels[from + i] ?? 0;
    const raster = zigzag[i] ?? 0;
    w[raster] = level * (step[raster] ?? 0);
    some |= level;
  }
  return some !== 0;
}

/** 8.5.11.1: the 2x2 transform, in place. */
function butterfly(m: Int32Array): void {
  const a = m[0] ?? 0;
  const b = m[1] ?? 0;
  const c = m[2] ?? 0;
  const d = m[3] ?? 0;
  m[0] = a + b + c + d;
  m[1] = a - b + c - d;
  m[2] = a + b - c - d;
  m[3] = a - b - c + d;
}
