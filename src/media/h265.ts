/**
 * What H.265 (ITU-T H.265, ISO/IEC 23008-2) says about a stream outside its pictures: NAL unit
 * types (7.4.2.2), the sequence parameter set (7.3.2.2.1, E.2.1) and the timing of the video
 * parameter set (7.3.2.1), as far as a recorder needs them. Extensions for layers and
 * 3D are left out: they come behind all that is read here.
 */
import { BitReader, rbspOf } from '#media/bit-reader';
import type { SampleFormat } from '#media/h264';
import type { VideoTrack } from '#media/track';

/** Types below 32 are slices; 16 to 23 are those of random access points (IRAP). RASL pictures follow one and are shown before it. */
export const h265Type = {
  raslN: 8,
  raslR: 9,
  firstIrap: 16,
  lastIrap: 23,
  lastSlice: 31,
  vps: 32,
  sps: 33,
  pps: 34,
  aud: 35,
  endOfSequence: 36,
  endOfStream: 37,
  filler: 38,
} as const;

export const h265TypeOf = (header: number): number => (header >> 1) & 0x3f;

export interface H265Sps {
  /** general profile, compatibility, constraints and level: 12 bytes, as hvcC repeats them. */
  readonly profile: Uint8Array;
  /** Pixels, after cropping. */
  readonly width: number;
  readonly height: number;
  /** Pictures per second by the timing in the VUI; 0 when it does not say, or not credibly. */
  readonly framerate: number;
  /** sps_max_num_reorder_pics: how many pictures may precede one in decoding order and follow it in output order. */
  readonly reorder: number;
}

/** Undefined when this is no SPS that makes sense. `nalu` with its header, without start code. */
export function parseH265Sps(nalu: Uint8Array): H265Sps | undefined {
  if (nalu.length < 16 || h265TypeOf(nalu[0] ?? 0) !== h265Type.sps) return undefined;
  const bytes = rbspOf(nalu.subarray(2, 2 + 4096));
  const r = new BitReader(bytes);
  const { profile, subLayers, chroma, width, height } = readHead(r, bytes);
  if (chroma > 3) return undefined;
  const orderCountBits = r.ue() + 4;
  const reorder = readReorder(r, subLayers);
  if (r.overrun || width < 8 || height < 8 || width > 16384 || height > 16384 || reorder > 16) return undefined;
  const framerate = framerateOfRest(r, orderCountBits);
  return { profile, width, height, framerate, reorder };
}

/** The first fields of an SPS, up to the bit depths. */
export interface H265SpsHead extends SampleFormat {
  /** As in `H265Sps`. */
  readonly profile: Uint8Array;
  /** sps_max_sub_layers_minus1, and whether each is nested in the one below. */
  readonly subLayers: number;
  readonly nested: boolean;
  readonly width: number;
  readonly height: number;
}

/** What the first fields of an SPS say, whatever comes behind them; undefined for what is too short to be one. */
export function h265SpsHead(nalu: Uint8Array): H265SpsHead | undefined {
  if (nalu.length < 16 || h265TypeOf(nalu[0] ?? 0) !== h265Type.sps) return undefined;
  const bytes = rbspOf(nalu.subarray(2, 2 + 4096));
  return readHead(new BitReader(bytes), bytes);
}

function readHead(r: BitReader, bytes: Uint8Array): H265SpsHead {
  r.skip(4); // sps_video_parameter_set_id
  const subLayers = r.bits(3);
  const nested = r.flag();
  const profile = bytes.slice(1, 13);
  skipProfileTierLevel(r, subLayers);
  r.ue(); // sps_seq_parameter_set_id
  const chroma = r.ue();
  if (chroma === 3) r.skip(1);
  let width = r.ue();
  let height = r.ue();
  if (r.flag()) {
    // Crop units of table 6-1: SubWidthC and SubHeightC.
    const unitX = chroma === 1 || chroma === 2 ? 2 : 1;
    const unitY = chroma === 1 ? 2 : 1;
    width -= (r.ue() + r.ue()) * unitX;
    height -= (r.ue() + r.ue()) * unitY;
  }
  return { profile, subLayers, nested, chroma, width, height, lumaDepth: r.ue(), chromaDepth: r.ue() };
}

/** sub_layer_ordering_info: the values of the highest sub-layer, which hold for the whole stream, come last. */
function readReorder(r: BitReader, subLayers: number): number {
  let reorder = 0;
  for (let i = r.flag() ? 0 : subLayers; i <= subLayers; i++) {
    r.ue();
    reorder = r.ue();
    r.ue();
  }
  return reorder;
}

/** 7.3.3, with profile_present_flag. */
function skipProfileTierLevel(r: BitReader, subLayers: number): void {
  r.skip(96);
  const present: number[] = [];
  for (let i = 0; i < subLayers; i++) present.push(r.bits(2));
  if (subLayers > 0) r.skip(2 * (8 - subLayers));
  for (const flags of present) r.skip((flags & 2 ? 88 : 0) + (flags & 1 ? 8 : 0));
}

/** From log2_min_luma_coding_block_size_minus3 to the timing of the VUI; 0 where that is not there. */
function framerateOfRest(r: BitReader, orderCountBits: number): number {
  for (let i = 0; i < 6; i++) r.ue();
  if (r.flag() && r.flag()) skipScalingLists(r);
  r.skip(2);
  if (r.flag()) {
    r.skip(8); // pcm_sample_bit_depths
    r.ue();
    r.ue();
    r.skip(1);
  }
  if (!skipReferenceSets(r)) return 0;
  if (r.flag()) {
    const count = r.ue();
    if (count > 32) return 0;
    r.skip(count * (orderCountBits + 1));
  }
  r.skip(2);
  if (!r.flag()) return 0;
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
  r.skip(3); // neutral chroma, field_seq, frame_field_info
  if (r.flag()) for (let i = 0; i < 4; i++) r.ue(); // default display window
  return r.flag() ? readFramerate(r) : 0;
}

/** num_units_in_tick and time_scale; one tick is one picture. Beyond 240 a second the fields were filled in wrongly. */
function readFramerate(r: BitReader): number {
  const unitsInTick = r.bits(32);
  const timeScale = r.bits(32);
  const rate = unitsInTick > 0 ? timeScale / unitsInTick : 0;
  return !r.overrun && rate > 0 && rate <= 240 ? rate : 0;
}

/** 7.3.4 */
function skipScalingLists(r: BitReader): void {
  for (let size = 0; size < 4; size++)
    for (let matrix = 0; matrix < 6; matrix += size === 3 ? 3 : 1) {
      if (!r.flag()) {
        r.ue();
        continue;
      }
      if (size > 1) r.se();
      for (let i = Math.min(64, 1 << (4 + 2 * size)); i > 0; i--) r.se();
    }
}

/** 7.3.7, all of an SPS; false when they make no sense. */
function skipReferenceSets(r: BitReader): boolean {
  const count = r.ue();
  if (count > 64) return false;
  let before = 0;
  for (let set = 0; set < count && !r.overrun; set++) {
    if (set > 0 && r.flag()) {
      r.skip(1);
      r.ue();
      let kept = 0;
      for (let i = 0; i <= before; i++) if (r.flag() || r.flag()) kept++;
      before = kept;
      continue;
    }
    const negative = r.ue();
    const positive = r.ue();
    if (negative > 16 || positive > 16) return false;
    before = negative + positive;
    for (let i = 0; i < before; i++) {
      r.ue();
      r.skip(1);
    }
  }
  return !r.overrun;
}

/** The frame rate that a VPS tells; 0 when it does not. */
export function framerateOfVps(nalu: Uint8Array): number {
  const r = new BitReader(rbspOf(nalu.subarray(2, 2 + 1024)));
  r.skip(12);
  const subLayers = r.bits(3);
  r.skip(17);
  skipProfileTierLevel(r, subLayers);
  readReorder(r, subLayers);
  const layers = r.bits(6) + 1;
  const layerSets = r.ue();
  if (layerSets > 1023) return 0;
  r.skip(layerSets * layers);
  return r.flag() ? readFramerate(r) : 0;
}

/**
 * ISO/IEC 14496-15 E.3, of the 12 bytes of profile, compatibility, constraints and level:
 * compatibility flags with their bits reversed, tier and level, constraints without the zeros behind them.
 */
export function h265CodecText(profile: Uint8Array): string {
  const byte = (at: number): number => profile[at] ?? 0;
  const space = ['', 'A', 'B', 'C'][byte(0) >> 6];
  let reversed = 0;
  for (let i = 31; i >= 0; i--) reversed = reversed * 2 + ((byte(1 + (i >> 3)) >> (7 - (i & 7))) & 1);
  const constraints = Array.from(profile.subarray(5, 11));
  while (constraints.at(-1) === 0) constraints.pop();
  const hex = (n: number): string => n.toString(16).toUpperCase();
  const tier = byte(0) & 0x20 ? 'H' : 'L';
  return [`hvc1.${space}${byte(0) & 0x1f}.${hex(reversed)}.${tier}${byte(11)}`, ...constraints.map(hex)].join('.');
}

/** The track that parameter sets describe, in any order; undefined without VPS, PPS and an SPS that is one. The sets are copied. */
export function h265Track(sets: readonly Uint8Array[]): VideoTrack | undefined {
  const ofType = (type: number): Uint8Array[] => sets.filter(s => h265TypeOf(s[0] ?? 0) === type);
  const [vps, spsNalus, pps] = [ofType(h265Type.vps), ofType(h265Type.sps), ofType(h265Type.pps)];
  const sps = spsNalus[0] && parseH265Sps(spsNalus[0]);
  if (sps === undefined || vps[0] === undefined || pps.length === 0) return undefined;
  return Object.freeze({
    kind: 'video',
    codec: 'h265',
    timescale: 90000,
    width: sps.width,
    height: sps.height,
    parameterSets: Object.freeze([...vps, ...spsNalus, ...pps].map(n => n.slice())),
    codecText: h265CodecText(sps.profile),
    framerate: sps.framerate || framerateOfVps(vps[0]),
  } satisfies VideoTrack);
}
