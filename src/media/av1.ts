/**
 * What AV1 (AV1 Bitstream & Decoding Process Specification) says about a stream outside its
 * pictures: OBU headers (5.3), the sequence header (5.5), and which temporal unit can be
 * decoded without others (5.9.2).
 *
 *   OBU  0 | type(4) | extension(1) | has_size(1) | 0    [ extension byte ]    [ size, leb128 ]    payload
 *
 * The access units of the house have every OBU with its size (the low overhead format, 5.2), without temporal delimiters.
 */
import { BitReader } from '#media/bit-reader';
import type { VideoTrack } from '#media/track';

export const obuType = {
  sequenceHeader: 1,
  temporalDelimiter: 2,
  frameHeader: 3,
  tileGroup: 4,
  frame: 6,
  redundantFrameHeader: 7,
  tileList: 8,
  padding: 15,
} as const;

export const obuTypeOf = (header: number): number => (header >> 3) & 15;

/** One OBU in bytes: where its header and its payload lie. */
export interface Obu {
  readonly type: number;
  readonly begin: number;
  readonly payload: number;
  readonly end: number;
}

/** The OBUs of a temporal unit in low overhead format. Stops at a size that does not fit; one without a size reaches to the end. */
export function* obus(bytes: Uint8Array): Generator<Obu> {
  for (let begin = 0; begin < bytes.length; ) {
    const header = bytes[begin] ?? 0;
    let at = begin + ((header & 4) !== 0 ? 2 : 1);
    let end = bytes.length;
    if ((header & 2) !== 0) {
      const size = leb128(bytes, at);
      if (size === undefined) return;
      at = size.end;
      end = at + size.value;
    }
    if (end > bytes.length || at > end) return;
    yield { type: obuTypeOf(header), begin, payload: at, end };
    begin = end;
  }
}

/** 4.10.5, at most 5 bytes: nothing is larger than 2^32. */
export function leb128(bytes: Uint8Array, at: number): { value: number; end: number } | undefined {
  let value = 0;
  for (let i = 0; i < 5; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if ((byte & 0x80) === 0) return { value, end: at + i + 1 };
  }
  return undefined;
}

export interface SequenceHeader {
  readonly profile: number;
  /** seq_level_idx of the first operating point. */
  readonly level: number;
  readonly tier: number;
  readonly width: number;
  readonly height: number;
  readonly framerate: number;
  readonly bitDepth: number;
  readonly monochrome: boolean;
  readonly subsamplingX: number;
  readonly subsamplingY: number;
  readonly chromaPosition: number;
}

/** `obu`: a sequence header OBU, header included. Undefined where it makes no sense. */
export function parseSequenceHeader(obu: Uint8Array): SequenceHeader | undefined {
  const [found] = obus(obu.subarray(0, 1024));
  if (found?.type !== obuType.sequenceHeader) return undefined;
  const r = new BitReader(obu.subarray(found.payload, found.end));
  const profile = r.bits(3);
  r.skip(1);
  const reduced = r.flag();
  const { level, tier, framerate } = reduced ? { level: r.bits(5), tier: 0, framerate: 0 } : readOperatingPoints(r);
  const widthBits = r.bits(4) + 1;
  const heightBits = r.bits(4) + 1;
  const width = r.bits(widthBits) + 1;
  const height = r.bits(heightBits) + 1;
  if (!reduced && r.flag()) r.skip(7); // frame ids
  r.skip(3);
  if (!reduced) skipTools(r);
  r.skip(3);
  const colour = readColour(r, profile);
  if (r.overrun || profile > 2 || width < 8 || height < 8 || width > 16384 || height > 16384) return undefined;
  return { profile, level, tier, width, height, framerate, ...colour };
}

/** From timing_info to the operating points (5.5.1). */
function readOperatingPoints(r: BitReader): { level: number; tier: number; framerate: number } {
  let framerate = 0;
  let delayBits = 0;
  if (r.flag()) {
    const unitsInTick = r.bits(32);
    const timeScale = r.bits(32);
    // uvlc(): as Exp-Golomb
    const ticks = r.flag() ? r.ue() + 1 : 0;
    const rate = unitsInTick > 0 && ticks > 0 ? timeScale / unitsInTick / ticks : 0;
    if (rate > 0 && rate <= 240) framerate = rate;
    if (r.flag()) {
      delayBits = r.bits(5) + 1;
      r.skip(42);
    }
  }
  const hasDelay = r.flag();
  let level = 0;
  let tier = 0;
  for (let i = 0, count = r.bits(5) + 1; i < count; i++) {
    r.skip(12);
    const itsLevel = r.bits(5);
    const itsTier = itsLevel > 7 ? r.bit() : 0;
    if (i === 0) [level, tier] = [itsLevel, itsTier];
    if (delayBits > 0 && r.flag()) r.skip(2 * delayBits + 1);
    if (hasDelay && r.flag()) r.skip(4);
  }
  return { level, tier, framerate };
}

/** From enable_interintra_compound to order_hint_bits. */
function skipTools(r: BitReader): void {
  r.skip(4);
  const orderHint = r.flag();
  if (orderHint) r.skip(2);
  // seq_force_screen_content_tools is 2 where the pictures choose.
  const screen = r.flag() ? 2 : r.bit();
  if (screen > 0 && !r.flag()) r.skip(1);
  if (orderHint) r.skip(3);
}

/** 5.5.2 */
function readColour(r: BitReader, profile: number) {
  const high = r.flag();
  const bitDepth = profile === 2 && high && r.flag() ? 12 : high ? 10 : 8;
  const monochrome = profile !== 1 && r.flag();
  const described = r.flag() ? r.bits(24) : 0x020202;
  if (monochrome) {
    r.skip(1);
    return { bitDepth, monochrome, subsamplingX: 1, subsamplingY: 1, chromaPosition: 0 };
  }
  // BT.709, sRGB, identity: 4:4:4 without a word about it.
  if (described === 0x010d00) return { bitDepth, monochrome, subsamplingX: 0, subsamplingY: 0, chromaPosition: 0 };
  r.skip(1);
  let [subsamplingX, subsamplingY] = profile === 0 ? [1, 1] : profile === 1 ? [0, 0] : [1, 0];
  if (profile === 2 && bitDepth === 12) {
    subsamplingX = r.bit();
    subsamplingY = subsamplingX === 1 ? r.bit() : 0;
  }
  const chromaPosition = subsamplingX === 1 && subsamplingY === 1 ? r.bits(2) : 0;
  return { bitDepth, monochrome, subsamplingX, subsamplingY, chromaPosition };
}

/** Whether a temporal unit begins with a key frame that is shown: a decoder can start there. */
export function isAv1Keyframe(data: Uint8Array): boolean {
  for (const { type, payload, end } of obus(data)) {
    if (type !== obuType.frame && type !== obuType.frameHeader) continue;
    const first = payload < end ? (data[payload] ?? 0) : 0xff;
    // show_existing_frame 0, frame_type KEY_FRAME 0, show_frame 1
    return first >> 4 === 1;
  }
  return false;
}

/** "AV1 Codec ISO Media File Format Binding" 5, e.g. `av01.0.04M.08`. */
export const av1CodecText = (s: SequenceHeader): string => {
  const two = (n: number): string => String(n).padStart(2, '0');
  return `av01.${s.profile}.${two(s.level)}${s.tier === 1 ? 'H' : 'M'}.${two(s.bitDepth)}`;
};

/** The track of a sequence header OBU (with its size), which is copied; undefined where it is none. */
export function av1Track(sequenceHeader: Uint8Array): VideoTrack | undefined {
  const s = parseSequenceHeader(sequenceHeader);
  if (s === undefined) return undefined;
  return Object.freeze({
    kind: 'video',
    codec: 'av1',
    timescale: 90000,
    width: s.width,
    height: s.height,
    parameterSets: Object.freeze([sequenceHeader.slice()]),
    codecText: av1CodecText(s),
    framerate: s.framerate,
  } satisfies VideoTrack);
}
