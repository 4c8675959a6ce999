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
import { copyBlock, Planes } from './planes.ts';
import { dc, difference, horizontal, plane, predict, vertical } from './prediction.ts';
import { blockX, blockY, Residual } from './residual.ts';
import { chromaQpOf, Quantiser } from './transform.ts';

/** Below it a level could leave the range that Baseline's level_prefix can say (16320 * 16 / 2 >> 7 < 2063). */
export const lowestQp = 12;

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

  readonly #residual: Residual;
  readonly #trial = new Uint8Array(256);
  #mode = 0;

  constructor(macroblocksWide: number, macroblocksHigh: number) {
    this.source = new Planes(macroblocksWide, macroblocksHigh);
    this.decoded = new Planes(macroblocksWide, macroblocksHigh);
    this.#residual = new Residual(this.source, this.decoded);
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
          const pattern = this.#residual.code(x, y, false, luma, chroma);
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
        const pattern = this.#residual.code(x, y, true, luma, chroma);
        out.ue((idr ? 1 : 6) + mode + 4 * (pattern >> 4) + ((pattern & 15) === 0 ? 0 : 12));
        out.ue(chromaModeNumber[chromaMode] ?? 0);
        out.se(0); // mb_qp_delta
        writeBlock(out, this.#residual.dcY, 0, 16, this.#context(this.#countY, 4, 4 * x, 4 * y, top));
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
      if (difference(source.y, at, source.stride, 16, this.#residual.predictedY, 0, 16) + 96 < still) return false;
    }
    copyBlock(decoded.y, at, decoded.stride, 16, this.#residual.predictedY);
    const chromaAt = y * 8 * source.chromaStride + x * 8;
    copyBlock(decoded.u, chromaAt, decoded.chromaStride, 8, this.#residual.predictedU);
    copyBlock(decoded.v, chromaAt, decoded.chromaStride, 8, this.#residual.predictedV);
    return true;
  }

  #predictIntra(x: number, y: number, top: boolean): number {
    const { source, decoded } = this;
    const left = x > 0;
    const at = y * 16 * source.stride + x * 16;
    predict(dc, 16, decoded.y, at, decoded.stride, left, top, this.#residual.predictedY);
    let best = difference(source.y, at, source.stride, 16, this.#residual.predictedY, 0, 16);
    let mode = dc;
    for (let candidate = vertical; candidate <= plane && best > 128; candidate++) {
      if (candidate === dc || (candidate !== horizontal && !top) || (candidate !== vertical && !left)) continue;
      predict(candidate, 16, decoded.y, at, decoded.stride, left, top, this.#trial);
      const cost = difference(source.y, at, source.stride, 16, this.#trial, 0, 16);
      if (cost >= best) continue;
      best = cost;
      mode = candidate;
      this.#residual.predictedY.set(this.#trial);
    }
    return mode;
  }

  /** Mean, or what luma has chosen. */
  #predictIntraChroma(x: number, y: number, top: boolean, lumaMode: number): number {
    const { source, decoded } = this;
    const stride = source.chromaStride;
    const at = y * 8 * stride + x * 8;
    const cost = (mode: number): number => {
      predict(mode, 8, decoded.u, at, stride, x > 0, top, this.#residual.predictedU);
      predict(mode, 8, decoded.v, at, stride, x > 0, top, this.#residual.predictedV);
      return (
        difference(source.u, at, stride, 8, this.#residual.predictedU, 0, 8) +
        difference(source.v, at, stride, 8, this.#residual.predictedV, 0, 8)
      );
    };
    const mean = cost(dc);
    if (lumaMode === dc || mean === 0 || cost(lumaMode) < mean) return mean === 0 ? dc : lumaMode;
    cost(dc);
    return dc;
  }

  #writeLuma(x: number, y: number, top: boolean, pattern: number, count: number): void {
    const width = this.source.wide * 4;
    for (let block = 0; block < 16; block++) {
      if ((pattern & (1 << (block >> 2))) === 0) continue;
      const bx = 4 * x + (blockX[block] ?? 0);
      const by = 4 * y + (blockY[block] ?? 0);
      const nC = this.#context(this.#countY, 4, bx, by, top);
      this.#countY[by * width + bx] = writeBlock(this.#out, this.#residual.levelsY, block * 16 + 16 - count, count, nC);
    }
  }

  #writeChroma(x: number, y: number, top: boolean, pattern: number): void {
    if (pattern === 0) return;
    writeBlock(this.#out, this.#residual.dcU, 0, 4, -1);
    writeBlock(this.#out, this.#residual.dcV, 0, 4, -1);
    if (pattern !== 2) return;
    const width = this.source.wide * 2;
    for (let part = 0; part < 2; part++) {
      const counts = part === 0 ? this.#countU : this.#countV;
      const levels = part === 0 ? this.#residual.levelsU : this.#residual.levelsV;
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
