/**
 * The bytes in front of a fragment's samples: `prft` if wanted, `moof`, the header of `mdat`
 * (ISO/IEC 14496-12 8.16.5, 8.8.4-8.8.12), written into one buffer whose length is known
 * beforehand. Bytes:
 *
 *   prft 32  version 1, flags 24, reference_track_ID, NTP time, media time
 *   moof  8
 *     mfhd 16  sequence_number
 *     traf  8  per track
 *       tfhd 16  default-base-is-moof; + 4 when all samples last equally, + 4 for default flags
 *       tfdt 20  version 1
 *       trun 20  data_offset; + 4 first-sample-flags; per sample: 4 each of what differs
 *   mdat  8
 *
 * Sizes are always told per sample; durations, flags and composition offsets only when they
 * differ or are not zero.
 */
import { setU64 } from './box.ts';
import type { SampleColumns } from './sample-columns.ts';

const fourccs = {
  prft: 0x70726674,
  moof: 0x6d6f6f66,
  mfhd: 0x6d666864,
  traf: 0x74726166,
  tfhd: 0x74666864,
  tfdt: 0x74666474,
  trun: 0x7472756e,
  mdat: 0x6d646174,
} as const;

/** 8.8.3.1: depends on no other sample; depends on others and is not a sync sample. */
export const syncFlags = 0x02000000;
export const nonSyncFlags = 0x01010000;

const tfhdDuration = 0x08;
const tfhdFlags = 0x20;
const trunDataOffset = 0x01;
const trunFirstFlags = 0x04;
const trunDurations = 0x100;
const trunSizes = 0x200;
const trunFlags = 0x400;
const trunOffsets = 0x800;

/** What is told per sample of this track, as the flags of its trun. */
function layout(samples: SampleColumns): number {
  const { count, durations, offsets, keyframes } = samples;
  let flags = trunDataOffset | trunSizes;
  for (let i = 1; i < count; i++)
    if (durations[i] !== durations[0]) {
      flags |= trunDurations;
      break;
    }
  for (let i = 0; i < count; i++)
    if (offsets[i] !== 0) {
      flags |= trunOffsets;
      break;
    }
  // Default flags are those of the second sample; one key frame in front of the others is the common case.
  const rest = keyframes[count > 1 ? 1 : 0];
  for (let i = 2; i < count; i++) if (keyframes[i] !== rest) return flags | trunFlags;
  return keyframes[0] === rest ? flags : flags | trunFirstFlags;
}

function perSampleBytes(flags: number): number {
  let bytes = 4;
  if (flags & trunDurations) bytes += 4;
  if (flags & trunFlags) bytes += 4;
  if (flags & trunOffsets) bytes += 4;
  return bytes;
}

const tfhdBytes = (flags: number): number => 16 + (flags & trunDurations ? 0 : 4) + (flags & trunFlags ? 0 : 4);
const trunBytes = (flags: number, count: number): number =>
  20 + (flags & trunFirstFlags ? 4 : 0) + count * perSampleBytes(flags);

/**
 * The header for the samples of `all`, of which those without samples are left out. `origin` is
 * subtracted from decoding times: seconds. `prftOf` is whose first sample the `prft` tells about.
 */
export function writeFragmentHeader(
  sequence: number,
  all: readonly SampleColumns[],
  originSeconds: number,
  prftOf: SampleColumns | undefined,
): Uint8Array {
  const prftBytes = prftOf ? 32 : 0;
  let moofBytes = 8 + 16;
  let dataBytes = 0;
  for (const samples of all) {
    if (samples.count === 0) continue;
    const flags = layout(samples);
    moofBytes += 8 + tfhdBytes(flags) + 20 + trunBytes(flags, samples.count);
    dataBytes += samples.bytes;
  }
  const bytes = new Uint8Array(prftBytes + moofBytes + 8);
  const view = new DataView(bytes.buffer);
  if (prftOf) {
    const pts = writtenDts(prftOf, originSeconds) + (prftOf.offsets[0] ?? 0);
    writePrft(view, prftOf.index + 1, prftOf.wallMs, pts);
  }
  let at = prftBytes;
  view.setUint32(at, moofBytes);
  view.setUint32(at + 4, fourccs.moof);
  view.setUint32(at + 8, 16);
  view.setUint32(at + 12, fourccs.mfhd);
  view.setUint32(at + 20, sequence);
  at += 24;
  let dataOffset = moofBytes + 8;
  for (const samples of all) {
    if (samples.count === 0) continue;
    at = writeTraf(view, at, samples, writtenDts(samples, originSeconds), dataOffset);
    dataOffset += samples.bytes;
  }
  view.setUint32(at, dataBytes + 8);
  view.setUint32(at + 4, fourccs.mdat);
  return bytes;
}

/** `tfdt` of the samples, in their timescale. */
export const writtenDts = (samples: SampleColumns, originSeconds: number): number =>
  samples.base - Math.round(originSeconds * samples.track.timescale);

function writeTraf(view: DataView, at: number, samples: SampleColumns, dts: number, dataOffset: number): number {
  const { count, durations, offsets, keyframes, chunks } = samples;
  const flags = layout(samples);
  const tfhd = tfhdBytes(flags);
  const trun = trunBytes(flags, count);
  view.setUint32(at, 8 + tfhd + 20 + trun);
  view.setUint32(at + 4, fourccs.traf);
  at += 8;

  view.setUint32(at, tfhd);
  view.setUint32(at + 4, fourccs.tfhd);
  // 0x20000: default-base-is-moof
  view.setUint32(at + 8, 0x20000 | (flags & trunDurations ? 0 : tfhdDuration) | (flags & trunFlags ? 0 : tfhdFlags));
  view.setUint32(at + 12, samples.index + 1);
  at += 16;
  if (!(flags & trunDurations)) {
    view.setUint32(at, durations[0] ?? 0);
    at += 4;
  }
  if (!(flags & trunFlags)) {
    view.setUint32(at, keyframes[count > 1 ? 1 : 0] ? syncFlags : nonSyncFlags);
    at += 4;
  }

  view.setUint32(at, 20);
  view.setUint32(at + 4, fourccs.tfdt);
  view.setUint32(at + 8, 0x1000000); // version 1
  setU64(view, at + 12, dts);
  at += 20;

  view.setUint32(at, trun);
  view.setUint32(at + 4, fourccs.trun);
  view.setUint32(at + 8, (flags & trunOffsets ? 0x1000000 : 0) | flags); // version 1: signed composition offsets
  view.setUint32(at + 12, count);
  view.setUint32(at + 16, dataOffset);
  at += 20;
  if (flags & trunFirstFlags) {
    view.setUint32(at, keyframes[0] ? syncFlags : nonSyncFlags);
    at += 4;
  }
  for (let i = 0; i < count; i++) {
    if (flags & trunDurations) {
      view.setUint32(at, durations[i] ?? 0);
      at += 4;
    }
    view.setUint32(at, chunks[i]?.length ?? 0);
    at += 4;
    if (flags & trunFlags) {
      view.setUint32(at, keyframes[i] ? syncFlags : nonSyncFlags);
      at += 4;
    }
    if (flags & trunOffsets) {
      view.setInt32(at, offsets[i] ?? 0);
      at += 4;
    }
  }
  return at;
}

/** 1900 to 1970: 70 years with 17 leap days. */
const ntpEpochSeconds = (70 * 365 + 17) * 86400;

/** 32 bytes at the beginning of `view`: that the sample of this track with this media time was captured at `wallMs`. */
export function writePrft(view: DataView, trackId: number, wallMs: number, mediaTime: number): void {
  view.setUint32(0, 32);
  view.setUint32(4, fourccs.prft);
  view.setUint32(8, 0x1000018); // flags 24: the wall clock at which the media was captured
  view.setUint32(12, trackId);
  const seconds = Math.floor(wallMs / 1000);
  const fraction = (wallMs - seconds * 1000) / 1000;
  view.setUint32(16, (seconds + ntpEpochSeconds) % 0x100000000);
  view.setUint32(20, Math.floor(fraction * 0x100000000));
  setU64(view, 24, mediaTime);
}

/**
 * UTC milliseconds of an NTP time, to the microsecond. Seconds below 2^31 are those after 2036
 * (RFC 4330 3), so that it is right until 2104.
 */
export function wallMsFromNtp(seconds: number, fraction: number): number {
  const era = seconds < 0x80000000 ? 0x100000000 : 0;
  return (seconds + era - ntpEpochSeconds) * 1000 + Math.round((fraction / 0x100000000) * 1_000_000) / 1000;
}
