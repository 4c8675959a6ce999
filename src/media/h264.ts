/**
 * What H.264 (ISO/IEC 14496-10) says about a stream outside its pictures: NAL unit types and
 * the sequence parameter set (7.3.2.1.1, E.1.1), as far as a recorder needs it.
 */
import { BitReader, rbspOf } from '#media/bit-reader';
import type { VideoTrack } from '#media/track';

export const naluType = {
  slice: 1,
  idr: 5,
  sei: 6,
  sps: 7,
  pps: 8,
  aud: 9,
  endOfSequence: 10,
  endOfStream: 11,
  filler: 12,
} as const;

export interface Sps {
  readonly profile: number;
  readonly compatibility: number;
  readonly level: number;
  /** Pixels, after cropping. */
  readonly width: number;
  readonly height: number;
  /** Pictures per second by the timing in the VUI; 0 when it does not say, or not credibly. */
  readonly framerate: number;
  /**
   * How many pictures may precede one in decoding order and follow it in output order. By
   * the VUI, else 0 where the profile or the order count type forbids reordering; undefined: not known.
   */
  readonly reorder: number | undefined;
  /** frame_mbs_only: no picture is a field. */
  readonly framesOnly: boolean;
}

/** How samples are stored, as an SPS of either codec says and avcC and hvcC repeat. */
export interface SampleFormat {
  /** chroma_format_idc: 1 is 4:2:0. */
  readonly chroma: number;
  /** Bits of a sample above 8. */
  readonly lumaDepth: number;
  readonly chromaDepth: number;
}

/** Profiles whose SPS has the chroma fields (7.3.2.1.1). */
const chromaProfiles = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);

/** Undefined when this is no SPS that makes sense. `nalu` with its header byte, without start code. */
export function parseSps(nalu: Uint8Array): Sps | undefined {
  if (nalu.length < 4 || ((nalu[0] ?? 0) & 0x1f) !== naluType.sps) return undefined;
  const r = new BitReader(rbspOf(nalu.subarray(1, 1 + 1024)));
  const profile = r.bits(8);
  const compatibility = r.bits(8);
  const level = r.bits(8);
  r.ue();
  const { chroma } = readFormat(r, profile);
  r.ue(); // log2_max_frame_num_minus4
  const orderCountType = r.ue();
  if (orderCountType === 0) r.ue();
  else if (orderCountType === 1) {
    r.skip(1);
    r.se();
    r.se();
    const cycle = r.ue();
    if (cycle > 255) return undefined;
    for (let i = 0; i < cycle; i++) r.se();
  } else if (orderCountType > 2) return undefined;
  r.ue(); // max_num_ref_frames
  r.skip(1);
  const widthMbs = r.ue() + 1;
  const heightUnits = r.ue() + 1;
  const framesOnly = r.bit();
  if (framesOnly === 0) r.skip(1);
  r.skip(1); // direct_8x8_inference
  let width = widthMbs * 16;
  let height = heightUnits * 16 * (2 - framesOnly);
  if (r.flag()) {
    // Crop units of 7.4.2.1.1; for monochrome (0) and 4:4:4 (3) one pixel.
    const unitX = chroma === 1 || chroma === 2 ? 2 : 1;
    const unitY = (chroma === 1 ? 2 : 1) * (2 - framesOnly);
    width -= (r.ue() + r.ue()) * unitX;
    height -= (r.ue() + r.ue()) * unitY;
  }
  const hasVui = r.flag();
  if (r.overrun || width < 16 || height < 16 || width > 16384 || height > 16384) return undefined;
  const vui = hasVui ? parseVui(r) : { framerate: 0, reorder: undefined };
  const never = orderCountType === 2 || profile === 66;
  const reorder = never ? 0 : vui.reorder;
  return {
    profile,
    compatibility,
    level,
    width,
    height,
    framerate: vui.framerate,
    reorder,
    framesOnly: framesOnly === 1,
  };
}

function readFormat(r: BitReader, profile: number): SampleFormat {
  if (!chromaProfiles.has(profile)) return { chroma: 1, lumaDepth: 0, chromaDepth: 0 };
  const chroma = r.ue();
  if (chroma === 3) r.skip(1);
  const lumaDepth = r.ue();
  const chromaDepth = r.ue();
  r.skip(1);
  const lists = r.flag() ? (chroma === 3 ? 12 : 8) : 0;
  for (let i = 0; i < lists; i++) if (r.flag()) skipScalingList(r, i < 6 ? 16 : 64);
  return { chroma, lumaDepth, chromaDepth };
}

/** What the first fields of an SPS say, whatever comes behind them. */
export function sampleFormatOf(nalu: Uint8Array): SampleFormat {
  const r = new BitReader(rbspOf(nalu.subarray(1, 1 + 1024)));
  const profile = r.bits(8);
  r.skip(16);
  r.ue();
  return readFormat(r, profile);
}

/** E.1.1. A VUI cut short says nothing from there on. */
function parseVui(r: BitReader): { framerate: number; reorder: number | undefined } {
  let framerate = 0;
  if (r.flag() && r.bits(8) === 255) r.skip(32); // aspect_ratio
  if (r.flag()) r.skip(1); // overscan
  if (r.flag()) {
    r.skip(4); // video_format, full_range
    if (r.flag()) r.skip(24);
  }
  if (r.flag()) {
    r.ue();
    r.ue();
  }
  if (r.flag()) {
    const unitsInTick = r.bits(32);
    const timeScale = r.bits(32);
    r.skip(1);
    // Two ticks (fields) to a picture. Beyond 240 pictures a second the field was filled in wrongly.
    const rate = unitsInTick > 0 ? timeScale / unitsInTick / 2 : 0;
    if (!r.overrun && rate > 0 && rate <= 240) framerate = rate;
  }
  const nal = r.flag() && skipHrd(r);
  const vcl = r.flag() && skipHrd(r);
  if (nal || vcl) r.skip(1);
  r.skip(1); // pic_struct_present
  if (!r.flag() || r.overrun) return { framerate, reorder: undefined };
  r.skip(1);
  r.ue();
  r.ue();
  r.ue();
  r.ue();
  const reorder = r.ue();
  return { framerate, reorder: r.overrun || reorder > 16 ? undefined : reorder };
}

function skipHrd(r: BitReader): true {
  const count = r.ue() + 1;
  r.skip(8);
  for (let i = 0; i < count && i < 32; i++) {
    r.ue();
    r.ue();
    r.skip(1);
  }
  r.skip(20);
  return true;
}

function skipScalingList(r: BitReader, size: number): void {
  let last = 8;
  let next = 8;
  for (let i = 0; i < size; i++) {
    if (next !== 0) next = (last + r.se() + 256) % 256;
    last = next === 0 ? last : next;
  }
}

/** RFC 6381 3.3: profile, constraint flags and level in hexadecimal. */
export const h264CodecText = (sps: Pick<Sps, 'profile' | 'compatibility' | 'level'>): string =>
  `avc1.${[sps.profile, sps.compatibility, sps.level].map(b => b.toString(16).padStart(2, '0')).join('')}`;

/** The track that parameter sets describe; undefined when the first is no good SPS. The sets are copied. */
export function h264Track(spsNalu: Uint8Array, ppsNalus: readonly Uint8Array[]): VideoTrack | undefined {
  const sps = parseSps(spsNalu);
  if (sps === undefined || ppsNalus.length === 0) return undefined;
  return Object.freeze({
    kind: 'video',
    codec: 'h264',
    timescale: 90000,
    width: sps.width,
    height: sps.height,
    parameterSets: Object.freeze([spsNalu, ...ppsNalus].map(n => n.slice())),
    codecText: h264CodecText(sps),
    framerate: sps.framerate,
  } satisfies VideoTrack);
}
