/**
 * Decoder setup as MP4 keeps it, both ways: avcC and hvcC (ISO/IEC 14496-15 5.3.3, 8.3.3),
 * esds (14496-1 7.2.6, 14496-14 5.6), av1C and vpcC (the bindings of the Alliance for Open Media and of
 * WebM, 2.3 and 2.2). Writing takes what a track has; reading returns undefined for bytes that
 * make no sense and never throws.
 */
import { obus, obuType, parseSequenceHeader } from '#media/av1';
import { sampleFormatOf } from '#media/h264';
import { h265SpsHead } from '#media/h265';
import { join, u8, u16, u32, viewOf } from './box.ts';

/** Profiles whose SPS tells chroma format and bit depth (14496-10 7.3.2.1.1), and whose avcC repeats them (14496-15 5.3.3.1.2). */
const highProfiles: ReadonlySet<number> = new Set([100, 110, 122, 144]);

/** From SPS and PPS (and SPS extensions) in any order; undefined without an SPS. Lengths inside samples have 4 bytes. */
export function writeAvcC(parameterSets: readonly Uint8Array[]): Uint8Array | undefined {
  const ofType = (type: number): Uint8Array[] => parameterSets.filter(n => ((n[0] ?? 0) & 0x1f) === type);
  const sps = ofType(7);
  const pps = ofType(8);
  const first = sps[0];
  if (!first || first.length < 4 || sps.length > 31 || pps.length > 255) return undefined;
  const list = (nalus: readonly Uint8Array[]): Uint8Array => join(...nalus.flatMap(n => [u16(n.length), n]));
  const profile = first[1] ?? 0;
  const parts = [
    u8(1, profile, first[2] ?? 0, first[3] ?? 0, 0xff, 0xe0 | sps.length),
    list(sps),
    u8(pps.length),
    list(pps),
  ];
  if (highProfiles.has(profile)) {
    const { chroma, lumaDepth, chromaDepth } = sampleFormatOf(first);
    const extensions = ofType(13);
    parts.push(u8(0xfc | (chroma & 3), 0xf8 | (lumaDepth & 7), 0xf8 | (chromaDepth & 7), extensions.length));
    parts.push(list(extensions));
  }
  return join(...parts);
}

/** A list of NAL units behind lengths of 2 bytes. */
function readList(bytes: Uint8Array, at: number, count: number): { nalus: Uint8Array[]; end: number } | undefined {
  const view = viewOf(bytes);
  const nalus: Uint8Array[] = [];
  for (; count > 0; count--) {
    if (at + 2 > bytes.length) return undefined;
    const end = at + 2 + view.getUint16(at);
    if (end > bytes.length) return undefined;
    nalus.push(bytes.slice(at + 2, end));
    at = end;
  }
  return { nalus, end: at };
}

/** What an avcC or hvcC says; `lengthBytes` is the size of the lengths inside samples, 1, 2 or 4. */
export interface NaluConfig {
  readonly parameterSets: readonly Uint8Array[];
  readonly lengthBytes: number;
}

/** Undefined where the bytes end too early or are of another version. */
export function parseAvcC(bytes: Uint8Array): NaluConfig | undefined {
  if (bytes.length < 7 || bytes[0] !== 1) return undefined;
  const sps = readList(bytes, 6, (bytes[5] ?? 0) & 0x1f);
  if (!sps || sps.end >= bytes.length) return undefined;
  const pps = readList(bytes, sps.end + 1, bytes[sps.end] ?? 0);
  if (!pps) return undefined;
  return { parameterSets: [...sps.nalus, ...pps.nalus], lengthBytes: ((bytes[4] ?? 0) & 3) + 1 };
}

/** From VPS, SPS and PPS; undefined without an SPS. What the VUI would tell is left as unknown (0). */
export function writeHvcC(parameterSets: readonly Uint8Array[]): Uint8Array | undefined {
  const typeOf = (n: Uint8Array): number => ((n[0] ?? 0) >> 1) & 0x3f;
  const found = parameterSets.find(n => typeOf(n) === 33);
  const sps = found && h265SpsHead(found);
  if (sps === undefined) return undefined;
  const arrays = [32, 33, 34].flatMap(type => {
    const nalus = parameterSets.filter(n => typeOf(n) === type);
    if (nalus.length === 0) return [];
    return [u8(0x80 | type), u16(nalus.length), ...nalus.flatMap(n => [u16(n.length), n])];
  });
  const arrayCount = [32, 33, 34].filter(type => parameterSets.some(n => typeOf(n) === type)).length;
  return join(
    u8(1),
    sps.profile, // general profile, compatibility, constraints and level, as in the SPS
    u16(0xf000), // min_spatial_segmentation_idc unknown
    u8(0xfc, 0xfc | (sps.chroma & 3), 0xf8 | (sps.lumaDepth & 7), 0xf8 | (sps.chromaDepth & 7)),
    u16(0), // avgFrameRate unknown
    u8(((sps.subLayers + 1) << 3) | (sps.nested ? 4 : 0) | 3, arrayCount),
    ...arrays,
  );
}

/** VPS, SPS and PPS, without other NAL units that may be there. Undefined as for avcC. */
export function parseHvcC(bytes: Uint8Array): NaluConfig | undefined {
  if (bytes.length < 23 || bytes[0] !== 1) return undefined;
  const parameterSets: Uint8Array[] = [];
  let at = 23;
  for (let arrays = bytes[22] ?? 0; arrays > 0; arrays--) {
    if (at + 3 > bytes.length) return undefined;
    const type = (bytes[at] ?? 0) & 0x3f;
    const list = readList(bytes, at + 3, viewOf(bytes).getUint16(at + 1));
    if (!list) return undefined;
    if (type >= 32 && type <= 34) parameterSets.push(...list.nalus);
    at = list.end;
  }
  return { parameterSets, lengthBytes: ((bytes[21] ?? 0) & 3) + 1 };
}

/** From a sequence header OBU; undefined without one. */
export function writeAv1C(parameterSets: readonly Uint8Array[]): Uint8Array | undefined {
  const [obu] = parameterSets;
  const s = obu && parseSequenceHeader(obu);
  if (!obu || !s) return undefined;
  const depth = (s.bitDepth > 8 ? 0x40 : 0) | (s.bitDepth === 12 ? 0x20 : 0) | (s.monochrome ? 0x10 : 0);
  const colour = (s.subsamplingX << 3) | (s.subsamplingY << 2) | s.chromaPosition;
  // marker and version 1; initial_presentation_delay not told
  return join(u8(0x81, (s.profile << 5) | s.level, (s.tier << 7) | depth | colour, 0), obu);
}

/** The sequence header OBU in an av1C; undefined where there is none. */
export function parseAv1C(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes[0] !== 0x81) return undefined;
  const config = bytes.subarray(4);
  for (const { type, begin, end } of obus(config)) if (type === obuType.sequenceHeader) return config.slice(begin, end);
  return undefined;
}

/** VP8 as it always is: profile 0, level not defined (the lowest), 8 bits, 4:2:0, colours not told, no further setup. */
export const writeVpcC = (): Uint8Array => u8(0, 10, 0x82, 2, 2, 2, 0, 0);

/** Object types of 14496-1 table 5 that we meet. */
export const objectTypes = { aac: 0x40, mpeg2AacLc: 0x67, mjpeg: 0x6c } as const;

/** The body of an esds after version and flags. `config` may be empty. Every descriptor here stays under 128 bytes. */
export function writeEsds(objectType: number, streamType: 'audio' | 'video', config: Uint8Array): Uint8Array {
  const specific = config.length === 0 ? [] : [u8(5, config.length), config];
  const specificBytes = config.length === 0 ? 0 : 2 + config.length;
  return join(
    u8(3, 3 + 2 + 13 + specificBytes + 3), // ES_Descriptor
    u16(0), // ES_ID: 0 in a file
    u8(0),
    u8(4, 13 + specificBytes, objectType, streamType === 'audio' ? 0x15 : 0x11, 0, 0, 0), // DecoderConfigDescriptor
    u32(0, 0), // maximum and average bit rate unknown
    ...specific,
    u8(6, 1, 2), // SLConfigDescriptor: as MP4 files have it
  );
}

/** Object type and DecoderSpecificInfo of the body of an esds. */
export function parseEsds(bytes: Uint8Array): { objectType: number; config: Uint8Array } | undefined {
  /** Tag and extent of the descriptor at `at`; sizes have 7 bits per byte, at most 4 bytes (14496-1 8.3.3). */
  const descriptor = (at: number): { tag: number; body: number; end: number } | undefined => {
    let size = 0;
    for (let i = 1; i <= 4; i++) {
      const byte = bytes[at + i];
      if (byte === undefined) return undefined;
      size = size * 128 + (byte & 0x7f);
      if ((byte & 0x80) === 0) return { tag: bytes[at] ?? 0, body: at + i + 1, end: at + i + 1 + size };
    }
    return undefined;
  };
  const es = descriptor(0);
  if (es?.tag !== 3) return undefined;
  const flags = bytes[es.body + 2] ?? 0;
  let at = es.body + 3;
  if (flags & 0x80) at += 2;
  if (flags & 0x40) at += 1 + (bytes[at] ?? 0);
  if (flags & 0x20) at += 2;
  const decoder = descriptor(at);
  if (decoder?.tag !== 4 || decoder.body + 13 > bytes.length) return undefined;
  const objectType = bytes[decoder.body] ?? 0;
  const specific = descriptor(decoder.body + 13);
  if (specific?.tag !== 5 || specific.end > bytes.length) return { objectType, config: new Uint8Array(0) };
  return { objectType, config: bytes.slice(specific.body, specific.end) };
}
