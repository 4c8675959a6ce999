/**
 * A small H.264 encoder: Constrained Baseline, CAVLC, ITU-T H.264. One picture may be cut into slices of
 * whole rows of macroblocks; nothing is predicted across their borders, so a slice depends on its own
 * rows alone and may be kept and sent again.
 *
 * What it writes: Intra_16x16 in four modes, P_L0_16x16 with motion vector zero, P_Skip. No motion
 * search, no 4x4 prediction, no deblocking (switched off in each slice). Macroblocks that the painter
 * has not marked are skipped. `decoded` is at every moment, to the bit, what a decoder shows.
 */
import { BitWriter, naluFrom } from './bits.ts';
import { writeBlock } from './cavlc.ts';
import { frameNumBits } from './parameter-sets.ts';
import { dc, difference, horizontal, plane, predict, vertical } from './prediction.ts';
import { chromaQpOf, forward, hadamard4, inverse, inverseFlat, Quantiser, zigzag } from './transform.ts';

/** Below it a level could leave the range that Baseline's level_prefix can say (16320 * 16 / 2 >> 7 < 2063). */
export const lowestQp = 12;

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

export interface SliceShape {
  readonly firstRow: number;
  readonly rows: number;
  readonly qp: number;
  readonly idr: boolean;
  /** Pictures since the IDR picture. */
  readonly frameNum: number;
  /** 0 or 1, other than that of the IDR picture before. */
  readonly idrPicId: number;
}

/** Table 9-4, inter: codeNum by coded_block_pattern. */
const interPattern = new Uint8Array(48);
[
  0, 16, 1, 2, 4, 8, 32, 3, 5, 10, 12, 15, 47, 7, 11, 13, 14, 6, 9, 31, 35, 37, 42, 44, 33, 34, 36, 40, 39, 43, 45, 46,
  17, 18, 20, 24, 19, 21, 26, 28, 23, 27, 29, 30, 22, 25, 38, 41,
].forEach((pattern, codeNum) => {
  interPattern[pattern] = codeNum;
});

/** intra_chroma_pred_mode by Intra16x16PredMode: tables 8-5 and 8-4 number them differently. */
const chromaModeNumber = Uint8Array.of(2, 1, 0, 3);

/** x and y, in blocks, of the 4x4 luma blocks in coding order (figure 6-10). */
const blockX = Uint8Array.of(0, 1, 0, 1, 2, 3, 2, 3, 0, 1, 0, 1, 2, 3, 2, 3);
const blockY = Uint8Array.of(0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3);

export class Encoder {
  /** To be painted by the user. */
  readonly source: Planes;
  readonly decoded: Planes;
  /** One per macroblock, in raster order: the painter sets 1 where `source` has changed; the encoder clears it. */
  readonly changed: Uint8Array;
  readonly #out = new BitWriter(1 << 16);
  readonly #quantisers: Quantiser[] = [];

  // total_coeff of each 4x4 block of the picture: the context of its neighbours (9.2.1).
  readonly #countY: Uint8Array;
  readonly #countU: Uint8Array;
  readonly #countV: Uint8Array;

  readonly #predictedY = new Uint8Array(256);
  readonly #predictedU = new Uint8Array(64);
  readonly #predictedV = new Uint8Array(64);
  readonly #trial = new Uint8Array(256);
  // Levels of the macroblock at hand, in zigzag order per block.
  readonly #levelsY = new Int16Array(256);
  readonly #levelsU = new Int16Array(64);
  readonly #levelsV = new Int16Array(64);
  readonly #dcY = new Int16Array(16);
  readonly #dcU = new Int16Array(4);
  readonly #dcV = new Int16Array(4);
  #mode = 0;
  readonly #coefficients = new Int32Array(16);
  readonly #second = new Int32Array(16);

  constructor(macroblocksWide: number, macroblocksHigh: number) {
    this.source = new Planes(macroblocksWide, macroblocksHigh);
    this.decoded = new Planes(macroblocksWide, macroblocksHigh);
    this.changed = new Uint8Array(macroblocksWide * macroblocksHigh);
    this.#countY = new Uint8Array(this.changed.length * 16);
    this.#countU = new Uint8Array(this.changed.length * 4);
    this.#countV = new Uint8Array(this.changed.length * 4);
  }

  /** The rows as one NAL unit, header byte and emulation prevention included. An IDR slice codes everything, another one what has changed. */
  slice(shape: SliceShape): Uint8Array {
    const { firstRow, rows, idr } = shape;
    const out = this.#out;
    const wide = this.source.wide;
    const luma = this.#quantiser(shape.qp);
    const chroma = this.#quantiser(chromaQpOf(shape.qp));
    out.reset();
    writeSliceHeader(out, shape, wide);
    this.#countY.fill(0, firstRow * wide * 16, (firstRow + rows) * wide * 16);
    this.#countU.fill(0, firstRow * wide * 4, (firstRow + rows) * wide * 4);
    this.#countV.fill(0, firstRow * wide * 4, (firstRow + rows) * wide * 4);
    let skipped = 0;
    for (let y = firstRow; y < firstRow + rows; y++)
      for (let x = 0; x < wide; x++) {
        if (!idr && this.changed[y * wide + x] === 0) {
          skipped++;
          continue;
        }
        this.changed[y * wide + x] = 0;
        const top = y > firstRow;
        if (!idr && this.#zeroMotionIsBetter(x, y, top)) {
          const pattern = this.#codeResidual(x, y, false, luma, chroma);
          if (pattern === 0) {
            skipped++;
            continue;
          }
          out.ue(skipped);
          skipped = 0;
          out.put(0b111, 3); // mb_type P_L0_16x16, mvd 0, 0
          out.ue(interPattern[pattern] ?? 0);
          out.se(0); // mb_qp_delta
          this.#writeLuma(x, y, top, pattern, 16);
          this.#writeChroma(x, y, top, pattern >> 4);
          continue;
        }
        if (!idr) out.ue(skipped);
        skipped = 0;
        const mode = idr ? this.#predictIntra(x, y, top) : this.#mode;
        const chromaMode = this.#predictIntraChroma(x, y, top, mode);
        const pattern = this.#codeResidual(x, y, true, luma, chroma);
        out.ue((idr ? 1 : 6) + mode + 4 * (pattern >> 4) + ((pattern & 15) === 0 ? 0 : 12));
        out.ue(chromaModeNumber[chromaMode] ?? 0);
        out.se(0); // mb_qp_delta
        writeBlock(out, this.#dcY, 0, 16, this.#context(this.#countY, 4, 4 * x, 4 * y, top));
        if ((pattern & 15) !== 0) this.#writeLuma(x, y, top, 15, 15);
        this.#writeChroma(x, y, top, pattern >> 4);
      }
    if (skipped > 0) out.ue(skipped);
    out.trailing();
    return naluFrom(idr ? 0x65 : 0x61, out.bytes());
  }

  #quantiser(qp: number): Quantiser {
    return (this.#quantisers[qp] ??= new Quantiser(qp));
  }

  /** Leaves the choice's prediction in the buffers, and an intra mode in `#mode`. Without motion it is what stands in `decoded`. */
  #zeroMotionIsBetter(x: number, y: number, top: boolean): boolean {
    const { source, decoded } = this;
    const at = y * 16 * source.stride + x * 16;
    const still = difference(source.y, at, source.stride, 16, decoded.y, at, decoded.stride);
    // A prediction off by two a pixel is not worth a search.
    if (still > 256) {
      this.#mode = this.#predictIntra(x, y, top);
      if (difference(source.y, at, source.stride, 16, this.#predictedY, 0, 16) + 96 < still) return false;
    }
    copyBlock(decoded.y, at, decoded.stride, 16, this.#predictedY);
    const chromaAt = y * 8 * source.chromaStride + x * 8;
    copyBlock(decoded.u, chromaAt, decoded.chromaStride, 8, this.#predictedU);
    copyBlock(decoded.v, chromaAt, decoded.chromaStride, 8, this.#predictedV);
    return true;
  }

  #predictIntra(x: number, y: number, top: boolean): number {
    const { source, decoded } = this;
    const left = x > 0;
    const at = y * 16 * source.stride + x * 16;
    predict(dc, 16, decoded.y, at, decoded.stride, left, top, this.#predictedY);
    let best = difference(source.y, at, source.stride, 16, this.#predictedY, 0, 16);
    let mode = dc;
    for (let candidate = vertical; candidate <= plane && best > 128; candidate++) {
      if (candidate === dc || (candidate !== horizontal && !top) || (candidate !== vertical && !left)) continue;
      predict(candidate, 16, decoded.y, at, decoded.stride, left, top, this.#trial);
      const cost = difference(source.y, at, source.stride, 16, this.#trial, 0, 16);
      if (cost >= best) continue;
      best = cost;
      mode = candidate;
      this.#predictedY.set(this.#trial);
    }
    return mode;
  }

  /** Mean, or what luma has chosen. */
  #predictIntraChroma(x: number, y: number, top: boolean, lumaMode: number): number {
    const { source, decoded } = this;
    const stride = source.chromaStride;
    const at = y * 8 * stride + x * 8;
    const cost = (mode: number): number => {
      predict(mode, 8, decoded.u, at, stride, x > 0, top, this.#predictedU);
      predict(mode, 8, decoded.v, at, stride, x > 0, top, this.#predictedV);
      return (
        difference(source.u, at, stride, 8, this.#predictedU, 0, 8) +
        difference(source.v, at, stride, 8, this.#predictedV, 0, 8)
      );
    };
    const mean = cost(dc);
    if (lumaMode === dc || mean === 0 || cost(lumaMode) < mean) return mean === 0 ? dc : lumaMode;
    cost(dc);
    return dc;
  }

  /** Transforms, quantises and reconstructs source minus prediction; answers coded_block_pattern. */
  #codeResidual(x: number, y: number, intra: boolean, luma: Quantiser, chroma: Quantiser): number {
    const pattern = this.#codeLuma(y * 16 * this.source.stride + x * 16, intra, luma);
    const at = y * 8 * this.source.chromaStride + x * 8;
    const u = this.#codeChroma(
      this.source.u,
      this.decoded.u,
      this.#predictedU,
      at,
      intra,
      chroma,
      this.#levelsU,
      this.#dcU,
    );
    const v = this.#codeChroma(
      this.source.v,
      this.decoded.v,
      this.#predictedV,
      at,
      intra,
      chroma,
      this.#levelsV,
      this.#dcV,
    );
    return pattern | (Math.max(u, v) << 4);
  }

  #codeLuma(at: number, intra: boolean, quantiser: Quantiser): number {
    const { source, decoded } = this;
    const stride = source.stride;
    const predicted = this.#predictedY;
    const w = this.#coefficients;
    const levels = this.#levelsY;
    const second = this.#second;
    const round = intra ? quantiser.roundIntra : quantiser.roundInter;
    if (isNear(source.y, at, stride, 16, predicted)) {
      this.#dcY.fill(0);
      pasteBlock(predicted, 16, decoded.y, at, stride);
      return 0;
    }
    let pattern = 0;
    // First all transforms, since the DC coefficients of an intra macroblock are coded together.
    let anyDc = 0;
    for (let block = 0; block < 16; block++) {
      const bx = blockX[block] ?? 0;
      const by = blockY[block] ?? 0;
      const any = forward(source.y, at + by * 4 * stride + bx * 4, stride, predicted, by * 64 + bx * 4, 16, w);
      const to = block * 16;
      if (intra) {
        const mean = any ? (w[0] ?? 0) : 0;
        second[by * 4 + bx] = mean;
        anyDc |= mean;
      }
      if (any && quantise(w, quantiser, round, levels, to, intra ? 1 : 0)) pattern |= 1 << (block >> 2);
      else levels.fill(0, to, to + 16);
    }
    if (intra) {
      this.#dcY.fill(0);
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

  /** 8.5.10: levels into `#dcY`, and what a decoder makes of them into `#second`. */
  #codeLumaDc(quantiser: Quantiser, round: number): void {
    const second = this.#second;
    hadamard4(second);
    for (let i = 0; i < 16; i++) {
      const raster = zigzag[i] ?? 0;
      const level = quantiser.dc(((second[raster] ?? 0) + 1) >> 1, round);
      this.#dcY[i] = level;
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
    const stride = this.source.chromaStride;
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
      const any = forward(source, at + (block >> 1) * 4 * stride + (block & 1) * 4, stride, predicted, from, 8, w);
      second[block] = any ? (w[0] ?? 0) : 0;
      if (any && quantise(w, quantiser, round, levels, block * 16, 1)) coded = 2;
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

  #writeLuma(x: number, y: number, top: boolean, pattern: number, count: number): void {
    const width = this.source.wide * 4;
    for (let block = 0; block < 16; block++) {
      if ((pattern & (1 << (block >> 2))) === 0) continue;
      const bx = 4 * x + (blockX[block] ?? 0);
      const by = 4 * y + (blockY[block] ?? 0);
      const nC = this.#context(this.#countY, 4, bx, by, top);
      this.#countY[by * width + bx] = writeBlock(this.#out, this.#levelsY, block * 16 + 16 - count, count, nC);
    }
  }

  #writeChroma(x: number, y: number, top: boolean, pattern: number): void {
    if (pattern === 0) return;
    writeBlock(this.#out, this.#dcU, 0, 4, -1);
    writeBlock(this.#out, this.#dcV, 0, 4, -1);
    if (pattern !== 2) return;
    const width = this.source.wide * 2;
    for (let part = 0; part < 2; part++) {
      const counts = part === 0 ? this.#countU : this.#countV;
      const levels = part === 0 ? this.#levelsU : this.#levelsV;
      for (let block = 0; block < 4; block++) {
        const bx = 2 * x + (block & 1);
        const by = 2 * y + (block >> 1);
        const nC = this.#context(counts, 2, bx, by, top);
        counts[by * width + bx] = writeBlock(this.#out, levels, block * 16 + 1, 15, nC);
      }
    }
  }

  /** nC of 9.2.1 for a block whose macroblock is `side` blocks wide. `top`: the macroblock above is in the slice. */
  #context(counts: Uint8Array, side: number, bx: number, by: number, top: boolean): number {
    const width = this.source.wide * side;
    const at = by * width + bx;
    const above = top || (by & (side - 1)) !== 0;
    if (bx > 0) return above ? ((counts[at - 1] ?? 0) + (counts[at - width] ?? 0) + 1) >> 1 : (counts[at - 1] ?? 0);
    return above ? (counts[at - width] ?? 0) : 0;
  }
}

/** 7.3.3 for these parameter sets. */
function writeSliceHeader(out: BitWriter, shape: SliceShape, wide: number): void {
  out.ue(shape.firstRow * wide); // first_mb_in_slice
  out.ue(shape.idr ? 7 : 5); // slice_type, the same in the whole picture
  out.ue(0); // pic_parameter_set_id
  out.put(shape.frameNum, frameNumBits);
  if (shape.idr) {
    out.ue(shape.idrPicId);
    out.flag(false); // no_output_of_prior_pics
    out.flag(false); // long_term_reference
  } else {
    out.flag(false); // num_ref_idx_active_override
    out.flag(false); // ref_pic_list_modification_flag_l0
    out.flag(false); // adaptive_ref_pic_marking_mode
  }
  out.se(shape.qp - 26);
  out.ue(1); // disable_deblocking_filter_idc
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
  let any = 0;
  if (first === 1) levels[to] = 0;
  for (let i = first; i < 16; i++) {
    const raster = zigzag[i] ?? 0;
    const value = w[raster] ?? 0;
    const size = ((value < 0 ? -value : value) * (multiplier[raster] ?? 0) + round) >> shift;
    levels[to + i] = value < 0 ? -size : size;
    any |= size;
  }
  return any !== 0;
}

/** The other way round; answers whether there was anything. */
function dequantise(levels: Int16Array, from: number, quantiser: Quantiser, w: Int32Array, first: number): boolean {
  const step = quantiser.step;
  let any = 0;
  w[0] = 0;
  for (let i = first; i < 16; i++) {
    const level = levels[from + i] ?? 0;
    const raster = zigzag[i] ?? 0;
    w[raster] = level * (step[raster] ?? 0);
    any |= level;
  }
  return any !== 0;
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

/**
 * Whether no pixel is off by more than one: then there is nothing worth a transform. It does not add up,
 * since every macroblock is held against the source.
 */
function isNear(source: Uint8Array, at: number, stride: number, size: number, prediction: Uint8Array): boolean {
  for (let y = 0; y < size; y++) {
    const row = at + y * stride;
    for (let x = 0; x < size; x++) {
      const d = (source[row + x] ?? 0) - (prediction[y * size + x] ?? 0);
      if (d > 1 || d < -1) return false;
    }
  }
  return true;
}

function pasteBlock(from: Uint8Array, size: number, to: Uint8Array, at: number, stride: number): void {
  for (let y = 0; y < size; y++) {
    const row = at + y * stride;
    for (let x = 0; x < size; x++) to[row + x] = from[y * size + x] ?? 0;
  }
}

function copyBlock(from: Uint8Array, at: number, stride: number, size: number, to: Uint8Array): void {
  for (let y = 0; y < size; y++) {
    const row = at + y * stride;
    for (let x = 0; x < size; x++) to[y * size + x] = from[row + x] ?? 0;
  }
}
