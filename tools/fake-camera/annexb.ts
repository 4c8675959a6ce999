/**
 * Annex B byte streams (ISO/IEC 14496-10 B, H.265 B) to access units, for files small enough to be in
 * memory. One picture ends where the next begins: at its first slice, or at parameter sets, SEI or a delimiter
 * behind a slice (H.264 7.4.1.2.3, H.265 7.4.2.4.4, as far as our clips need it).
 */
import { h265Type, h265TypeOf } from '#media/h265';

export interface AnnexB {
  /** Those of the first keyframe, one of each type. Later, different ones are not supported. */
  readonly parameterSets: readonly Uint8Array[];
  readonly units: readonly { readonly data: Uint8Array; readonly keyframe: boolean }[];
}

/** What a NAL unit is to a picture. */
interface Syntax {
  type(nalu: Uint8Array): number;
  isSlice(type: number): boolean;
  isKeyframe(type: number): boolean;
  isParameterSet(type: number): boolean;
  /** Nothing that is transported: delimiters, ends, filler. */
  isIdle(type: number): boolean;
  /** Where the slice header begins, whose first bit is set on the first slice of a picture: as ue(v) of 0, or as a flag. */
  readonly headerBytes: number;
}

const h264: Syntax = {
  type: nalu => (nalu[0] ?? 0) & 0x1f,
  isSlice: type => type >= 1 && type <= 5,
  isKeyframe: type => type === 5,
  isParameterSet: type => type === 7 || type === 8,
  isIdle: type => type >= 9,
  headerBytes: 1,
};

const h265: Syntax = {
  type: nalu => h265TypeOf(nalu[0] ?? 0),
  isSlice: type => type <= h265Type.lastSlice,
  isKeyframe: type => type >= h265Type.firstIrap && type <= h265Type.lastIrap,
  isParameterSet: type => type >= h265Type.vps && type <= h265Type.pps,
  isIdle: type => type >= h265Type.aud && type <= h265Type.filler,
  headerBytes: 2,
};

export function readAnnexB(bytes: Uint8Array, codec: 'h264' | 'h265' = 'h264'): AnnexB {
  const syntax = codec === 'h264' ? h264 : h265;
  const parameterSets = new Map<number, Uint8Array>();
  const units: { data: Uint8Array; keyframe: boolean }[] = [];
  let picture: Uint8Array[] = [];
  let sliced = false;
  let keyframe = false;
  const end = (): void => {
    if (sliced) units.push({ data: lengthPrefixed(picture), keyframe });
    picture = [];
    sliced = keyframe = false;
  };
  for (const nalu of nalusOf(bytes)) {
    const type = syntax.type(nalu);
    const slice = syntax.isSlice(type);
    if (sliced && (!slice || ((nalu[syntax.headerBytes] ?? 0) & 0x80) !== 0)) end();
    if (syntax.isParameterSet(type)) {
      if (units.length === 0 && !parameterSets.has(type)) parameterSets.set(type, nalu);
      continue;
    }
    if (syntax.isIdle(type)) continue;
    picture.push(nalu);
    sliced ||= slice;
    keyframe ||= syntax.isKeyframe(type);
  }
  end();
  return { parameterSets: [...parameterSets.values()], units };
}

function* nalusOf(bytes: Uint8Array): Generator<Uint8Array> {
  let begin = -1;
  for (let at = 0; at + 2 < bytes.length; at++) {
    if (bytes[at] !== 0 || bytes[at + 1] !== 0 || bytes[at + 2] !== 1) continue;
    if (begin >= 0) yield trimmed(bytes, begin, at);
    begin = at + 3;
    at += 2;
  }
  if (begin >= 0) yield trimmed(bytes, begin, bytes.length);
}

/** Zeros before the next start code belong to nobody (B.1.1: trailing_zero_8bits). */
function trimmed(bytes: Uint8Array, begin: number, end: number): Uint8Array {
  while (end > begin && bytes[end - 1] === 0) end--;
  return bytes.slice(begin, end);
}

/** NAL units as `AccessUnit.data` has them. */
export function lengthPrefixed(nalus: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(nalus.reduce((n, u) => n + 4 + u.length, 0));
  const view = new DataView(whole.buffer);
  let at = 0;
  for (const nalu of nalus) {
    view.setUint32(at, nalu.length);
    whole.set(nalu, at + 4);
    at += 4 + nalu.length;
  }
  return whole;
}
