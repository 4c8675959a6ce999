/**
 * Fragments back to samples: `prft`, `moof` and `mdat` (ISO/IEC 14496-12 8.8, 8.16.5), of ours and
 * of other writers: several runs per track, base-data-offset, defaults from `trex`. Never
 * throws; what it returns is bounded by the bytes it is given.
 */
import { type Box, boxesIn, boxHeader, getU64, viewOf } from './box.ts';
import { wallMsFromNtp } from './fragment-header.ts';
import type { TrackDefaults } from './movie-parser.ts';

/** Samples of one track in one fragment, as parallel columns. */
export interface FragmentSamples {
  readonly trackId: number;
  /** `tfdt`; undefined when the fragment does not say (foreign files: goes on where the last one ended). */
  readonly baseDts: number | undefined;
  readonly count: number;
  /** In the track's timescale. */
  readonly duration: number;
  /** Of sample data. */
  readonly bytes: number;
  readonly samples: SampleTable;
}

/** One entry per sample. */
export interface SampleTable {
  /** Where its data are: from the same zero as the `moofOffset` given. */
  readonly offset: Float64Array;
  readonly size: Uint32Array;
  readonly duration: Uint32Array;
  readonly compositionOffset: Int32Array;
  /** 1: sync sample. */
  readonly keyframe: Uint8Array;
}

export interface FragmentInfo {
  /** From the first byte of `prft` (or `moof`) to the last of `mdat`. */
  readonly bytes: number;
  /** Up to the first byte of sample data. */
  readonly headerBytes: number;
  readonly sequence: number;
  /** Wall clock of the first sample in `prft`, UTC milliseconds; undefined without one. */
  readonly prftWallMs: number | undefined;
  /** Offsets inside count from the fragment's first byte. */
  readonly tracks: readonly FragmentSamples[];
}

/** A `trun` that gives no bytes per sample may claim any number of them; more than this is not believed. */
const mostSamples = 1 << 20;

/**
 * The fragment that begins at `at`. `{ need }`: it may be one, but so many bytes from `at` on are needed
 * to tell (the header, never the sample data). undefined: it is none, or is damaged.
 */
export function parseFragmentHeader(
  bytes: Uint8Array,
  at: number,
): FragmentInfo | { readonly need: number } | undefined {
  let position = at;
  let prftWallMs: number | undefined;
  let header = boxHeader(bytes, position, bytes.length);
  if (header?.type === 'prft' && header.size >= 28 && header.size <= 32) {
    if (position + header.size > bytes.length) return { need: header.size + 8 };
    const view = viewOf(bytes);
    prftWallMs = wallMsFromNtp(view.getUint32(position + 16), view.getUint32(position + 20));
    position += header.size;
    header = boxHeader(bytes, position, bytes.length);
  }
  if (!header) return bytes.length - position < 8 ? { need: position - at + 8 } : undefined;
  // A moof of more than 16 MiB would describe over a million samples: that is no fragment of anybody's.
  if (header.type !== 'moof' || header.headerBytes !== 8 || header.size > 1 << 24) return undefined;
  const moofEnd = position + header.size;
  const need = moofEnd - at + 16;
  if (moofEnd + 8 > bytes.length) return { need };
  const mdat = boxHeader(bytes, moofEnd, bytes.length);
  if (!mdat) return bytes.length < at + need ? { need } : undefined;
  if (mdat.type !== 'mdat' || mdat.size === 0) return undefined;
  const headerBytes = moofEnd + mdat.headerBytes - at;
  const total = moofEnd + mdat.size - at;
  const moof = { type: 'moof', begin: position, body: position + 8, end: moofEnd };
  const tracks = readTrafs(bytes, moof, position - at, new Map());
  if (!tracks) return undefined;
  for (const { samples, count } of tracks)
    for (let i = 0; i < count; i++) {
      const begin = samples.offset[i] ?? 0;
      if (begin < headerBytes || begin + (samples.size[i] ?? 0) > total) return undefined;
    }
  return { bytes: total, headerBytes, sequence: sequenceOf(bytes, moof), prftWallMs, tracks };
}

function sequenceOf(bytes: Uint8Array, moof: Box): number {
  const mfhd = boxesIn(bytes, moof.body, moof.end).find(b => b.type === 'mfhd');
  return mfhd && mfhd.body + 8 <= mfhd.end ? viewOf(bytes).getUint32(mfhd.body + 4) : 0;
}

/**
 * Samples of a whole `moof` box, which stands at `moofOffset` in its file; per track in file order.
 * `defaults` are those of the `trex` boxes, by track_ID. undefined when it is damaged.
 */
export function readSamples(
  moof: Uint8Array,
  moofOffset: number,
  defaults: ReadonlyMap<number, TrackDefaults> = new Map(),
): FragmentSamples[] | undefined {
  const header = boxHeader(moof, 0, moof.length);
  if (header?.type !== 'moof' || header.size > moof.length) return undefined;
  const box = { type: 'moof', begin: 0, body: header.headerBytes, end: header.size };
  return readTrafs(moof, box, moofOffset, defaults);
}

/** A run of samples before its columns are filled: where its rows are, and what holds for all of them. */
interface TrackRun {
  readonly flags: number;
  readonly count: number;
  /** First row in the bytes. */
  readonly at: number;
  /** Of the first sample's data; undefined: behind the run before. */
  readonly dataOffset: number | undefined;
  readonly firstFlags: number | undefined;
}

function readTrafs(
  bytes: Uint8Array,
  moof: Box,
  moofOffset: number,
  defaults: ReadonlyMap<number, TrackDefaults>,
): FragmentSamples[] | undefined {
  const tracks: FragmentSamples[] = [];
  // Without any base, data of a further track follow those of the track before (8.8.7.1).
  let follow = moofOffset;
  for (const traf of boxesIn(bytes, moof.body, moof.end)) {
    if (traf.type !== 'traf') continue;
    const read = readTraf(bytes, traf, moofOffset, follow, defaults);
    if (!read) return undefined;
    tracks.push(read.track);
    follow = read.dataEnd;
  }
  return tracks;
}

function readTraf(
  bytes: Uint8Array,
  traf: Box,
  moofOffset: number,
  follow: number,
  allDefaults: ReadonlyMap<number, TrackDefaults>,
): { track: FragmentSamples; dataEnd: number } | undefined {
  const view = viewOf(bytes);
  const boxes = boxesIn(bytes, traf.body, traf.end);
  const tfhd = boxes.find(b => b.type === 'tfhd');
  const tfdt = boxes.find(b => b.type === 'tfdt');
  if (!tfhd || tfhd.body + 8 > tfhd.end) return undefined;
  const tfhdFlags = view.getUint32(tfhd.body) & 0xffffff;
  const trackId = view.getUint32(tfhd.body + 4);
  let at = tfhd.body + 8;
  const optional = (flag: number, length: number): number | undefined => {
    if (!(tfhdFlags & flag) || at + length > tfhd.end) return undefined;
    at += length;
    return length === 8 ? getU64(view, at - 8) : view.getUint32(at - 4);
  };
  const base = optional(0x01, 8) ?? (tfhdFlags & 0x20000 ? moofOffset : follow);
  optional(0x02, 4); // sample_description_index
  const trex = allDefaults.get(trackId);
  const defaults = {
    duration: optional(0x08, 4) ?? trex?.duration ?? 0,
    size: optional(0x10, 4) ?? trex?.size ?? 0,
    flags: optional(0x20, 4) ?? trex?.flags ?? 0,
  };
  const runs: TrackRun[] = [];
  let count = 0;
  for (const box of boxes) {
    if (box.type !== 'trun') continue;
    const run = readRun(view, box);
    if (!run) return undefined;
    runs.push(run);
    count += run.count;
    if (count > mostSamples) return undefined;
  }
  const samples: SampleTable = {
    offset: new Float64Array(count),
    size: new Uint32Array(count),
    duration: new Uint32Array(count),
    compositionOffset: new Int32Array(count),
    keyframe: new Uint8Array(count),
  };
  let filled = 0;
  let dataAt = base;
  for (const run of runs) {
    if (run.dataOffset !== undefined) dataAt = base + run.dataOffset;
    dataAt = fill(view, run, samples, filled, dataAt, defaults);
    filled += run.count;
  }
  let duration = 0;
  let dataBytes = 0;
  for (let i = 0; i < count; i++) {
    duration += samples.duration[i] ?? 0;
    dataBytes += samples.size[i] ?? 0;
  }
  const baseDts = tfdt && decodeTime(view, tfdt);
  return { track: { trackId, baseDts, count, duration, bytes: dataBytes, samples }, dataEnd: dataAt };
}

function decodeTime(view: DataView, tfdt: Box): number | undefined {
  const long = tfdt.body < tfdt.end && view.getUint8(tfdt.body) === 1;
  if (tfdt.body + (long ? 12 : 8) > tfdt.end) return undefined;
  return long ? getU64(view, tfdt.body + 4) : view.getUint32(tfdt.body + 4);
}

function readRun(view: DataView, box: Box): TrackRun | undefined {
  if (box.body + 8 > box.end) return undefined;
  const flags = view.getUint32(box.body) & 0xffffff;
  const count = view.getUint32(box.body + 4);
  let at = box.body + 8;
  const optional = (flag: number): boolean => (flags & flag) !== 0 && (at += 4) <= box.end;
  const dataOffset = optional(0x01) ? view.getInt32(at - 4) : undefined;
  const firstFlags = optional(0x04) ? view.getUint32(at - 4) : undefined;
  if (at > box.end) return undefined;
  const fields = [0x100, 0x200, 0x400, 0x800].filter(f => flags & f).length;
  if (fields > 0 ? count > (box.end - at) / (4 * fields) : count > mostSamples) return undefined;
  return { flags, count, at, dataOffset, firstFlags };
}

/** Fills the columns from `from` on; returns where the data of the run end. */
function fill(
  view: DataView,
  run: TrackRun,
  { offset, size, duration, compositionOffset, keyframe }: SampleTable,
  from: number,
  dataAt: number,
  defaults: TrackDefaults,
): number {
  let at = run.at;
  for (let i = from; i < from + run.count; i++) {
    duration[i] = run.flags & 0x100 ? view.getUint32((at += 4) - 4) : defaults.duration;
    const bytes = run.flags & 0x200 ? view.getUint32((at += 4) - 4) : defaults.size;
    let flags = run.flags & 0x400 ? view.getUint32((at += 4) - 4) : defaults.flags;
    if (i === from && run.firstFlags !== undefined) flags = run.firstFlags;
    // Version 0 says unsigned; writers put negative offsets there too, and none of ours reaches 2^31.
    compositionOffset[i] = run.flags & 0x800 ? view.getInt32((at += 4) - 4) : 0;
    keyframe[i] = flags & 0x10000 ? 0 : 1; // sample_is_non_sync_sample
    offset[i] = dataAt;
    size[i] = bytes;
    dataAt += bytes;
  }
  return dataAt;
}
