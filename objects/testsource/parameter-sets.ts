/**
 * Sequence and picture parameter sets of the test picture, ITU-T H.264 7.3.2.1, 7.3.2.2 and annex E:
 * Constrained Baseline, progressive, 4:2:0, one reference picture, output in decoding order
 * (pic_order_cnt_type 2, no reordering: a decoder may show each picture at once), BT.709 limited range.
 */
import { BitWriter, naluFrom } from './bits.ts';

/** Bits of frame_num in slice headers: a group of pictures is shorter than 65536. */
export const frameNumBits = 16;

/** Table A-1: level_idc, macroblocks per second, macroblocks per picture, kbit/s. */
const levels: readonly (readonly [idc: number, rate: number, size: number, kilobits: number])[] = [
  [10, 1485, 99, 64],
  [11, 3000, 396, 192],
  [12, 6000, 396, 384],
  [13, 11_880, 396, 768],
  [20, 11_880, 396, 2000],
  [21, 19_800, 792, 4000],
  [22, 20_250, 1620, 4000],
  [30, 40_500, 1620, 10_000],
  [31, 108_000, 3600, 14_000],
  [32, 216_000, 5120, 20_000],
  [40, 245_760, 8192, 20_000],
  [42, 522_240, 8704, 50_000],
];

export interface VideoShape {
  /** Pixels, even, as shown; what the macroblock grid has more is cropped away. */
  readonly width: number;
  readonly height: number;
  readonly framerate: number;
  /** Bits per second, for the choice of the level. */
  readonly bitrate: number;
}

export const inMacroblocks = (pixels: number): number => (pixels + 15) >> 4;

/** The lowest level that allows it; no side longer than sqrt(8 * size) macroblocks (A.3.1). */
export function levelOf(shape: VideoShape): number {
  const wide = inMacroblocks(shape.width);
  const high = inMacroblocks(shape.height);
  const longest = Math.max(wide, high);
  const fits = levels.find(
    ([, rate, size, kilobits]) =>
      wide * high <= size &&
      longest * longest <= 8 * size &&
      wide * high * shape.framerate <= rate &&
      shape.bitrate <= kilobits * 1000,
  );
  return fits?.[0] ?? 42;
}

/** As a NAL unit (7.3.2.1): size, level and colour of the pictures; what does not fill a macroblock is cropped. */
export function sequenceParameterSet(shape: VideoShape): Uint8Array {
  const wide = inMacroblocks(shape.width);
  const high = inMacroblocks(shape.height);
  const out = new BitWriter(64);
  out.put(66, 8); // profile_idc: Baseline
  out.put(0xc0, 8); // constraint_set0 and 1: Constrained Baseline
  out.put(levelOf(shape), 8);
  out.ue(0); // seq_parameter_set_id
  out.ue(frameNumBits - 4);
  out.ue(2); // pic_order_cnt_type
  out.ue(1); // max_num_ref_frames
  out.flag(false); // gaps_in_frame_num_value_allowed
  out.ue(wide - 1);
  out.ue(high - 1);
  out.flag(true); // frame_mbs_only
  out.flag(true); // direct_8x8_inference
  const right = (wide * 16 - shape.width) / 2;
  const bottom = (high * 16 - shape.height) / 2;
  out.flag(right > 0 || bottom > 0);
  if (right > 0 || bottom > 0) for (const offset of [0, right, 0, bottom]) out.ue(offset);

  out.flag(true); // vui_parameters, E.1.1
  out.flag(true); // aspect ratio:
  out.put(1, 8); //   square
  out.flag(false); // overscan_info
  out.flag(true); // video_signal_type:
  out.put(5, 3); //   unspecified format
  out.flag(false); //   limited range
  out.flag(true); //   colour description: BT.709 primaries, transfer, matrix
  for (const bt709 of [1, 1, 1]) out.put(bt709, 8);
  out.flag(false); // chroma_loc_info
  out.flag(true); // timing_info, in fields:
  out.put32(1);
  out.put32(2 * shape.framerate);
  out.flag(false); //   not fixed: a machine that was asleep skips pictures
  out.flag(false); // nal_hrd
  out.flag(false); // vcl_hrd
  out.flag(false); // pic_struct
  out.flag(true); // bitstream_restriction:
  out.flag(true); //   motion_vectors_over_pic_boundaries
  // max_bytes_per_pic_denom, max_bits_per_mb_denom, log2_max_mv_length horizontal and vertical,
  // max_num_reorder_frames, max_dec_frame_buffering
  for (const value of [0, 0, 10, 10, 0, 1]) out.ue(value);
  out.trailing();
  return naluFrom(0x67, out.bytes());
}

/** As a NAL unit (7.3.2.2): always the same. */
export function pictureParameterSet(): Uint8Array {
  const out = new BitWriter(16);
  out.ue(0); // pic_parameter_set_id
  out.ue(0); // seq_parameter_set_id
  out.flag(false); // entropy_coding_mode: CAVLC
  out.flag(false); // bottom_field_pic_order_in_frame_present
  out.ue(0); // one slice group
  out.ue(0); // one reference, list 0
  out.ue(0); // one reference, list 1
  out.flag(false); // weighted_pred
  out.put(0, 2); // weighted_bipred_idc
  out.se(0); // pic_init_qp 26
  out.se(0); // pic_init_qs 26
  out.se(0); // chroma_qp_index_offset
  out.flag(true); // deblocking_filter_control_present: slices switch it off
  out.flag(false); // constrained_intra_pred
  out.flag(false); // redundant_pic_cnt_present
  out.trailing();
  return naluFrom(0x68, out.bytes());
}
