/**
 * Annex B byte streams (ISO/IEC 14496-10 B) to access units, for files small enough to be in
 * memory. One picture ends where the next begins: at a slice with first_mb_in_slice 0, or at
 * parameter sets, SEI or a delimiter behind a slice (7.4.1.2.3, as far as our clips need it).
 */

export interface AnnexB {
  /** SPS and PPS of the first keyframe. Later, different ones are not supported. */
  readonly parameterSets: readonly Uint8Array[];
  readonly units: readonly { readonly data: Uint8Array; readonly keyframe: boolean }[];
}

export function readAnnexB(bytes: Uint8Array): AnnexB {
  const parameterSets: Uint8Array[] = [];
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
    const type = (nalu[0] ?? 0) & 0x1f;
    const slice = type >= 1 && type <= 5;
    // ue(v) of 0 is the single bit 1.
    const begins = slice ? ((nalu[1] ?? 0) & 0x80) !== 0 : type >= 6 && type <= 9;
    if (sliced && begins) end();
    if (type === 7 || type === 8) {
      if (units.length === 0 && parameterSets.filter(s => ((s[0] ?? 0) & 0x1f) === type).length === 0)
        parameterSets.push(nalu);
      continue;
    }
    if (type === 9 || type > 9) continue; // delimiters, ends, filler: nothing that is transported
    picture.push(nalu);
    sliced ||= slice;
    keyframe ||= type === 5;
  }
  end();
  return { parameterSets, units };
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
