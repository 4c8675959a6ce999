/**
 * What a file of the archive holds, from the file alone: identity from its `uuid` box; fragments
 * from the table of contents at its end or, where it has none that fits, from their own headers
 * with their wall clock from `prft`. A file cut off anywhere is good up to its last whole
 * fragment (config.md 11).
 */
import { createHash } from 'node:crypto';
import type { OpenFile } from '#core/world';
import type { FragmentInfo } from '#mp4/fragment-parser';
import { type Init, parseInit, scan } from '#mp4/scan';
import { contentsLength, parseContents } from '../format/contents.ts';
import { type Identity, parseIdentity } from '../format/identity.ts';
import { withoutUuid } from '../format/media-time.ts';
import { type FragmentRecord, packRecords, unpackRecords } from '../format/record.ts';
import { firstTorn } from './torn.ts';

export interface ScannedFile {
  readonly identity: Identity;
  readonly initBytes: number;
  readonly init: Uint8Array;
  readonly format: string;
  /** Packed (format/record.ts). */
  readonly records: Uint8Array;
  /** What lies behind is cut or garbage. */
  readonly goodBytes: number;
}

/** Holds the table of a file of five minutes; a longer one costs a second read. */
const endBytes = 16 * 1024;
/** Of a day in one file; what is longer is none. */
const mostContentsBytes = 16 << 20;
/** Holds any init segment that a camera has been seen to make. */
const beginBytes = 4096;

/**
 * Undefined when the file is not one of ours, or not even its init segment is whole. With `from`, the
 * end of what is known already, only what comes behind it is walked. `torn`: it may have been written when the power
 * went; then no table is believed, and pictures with zeros where the disk forgot something (torn.ts) end the file.
 */
export async function scanFile(file: OpenFile, from = 0, torn = false): Promise<ScannedFile | undefined> {
  const size = await file.size();
  if (torn) return fromFragments(file, size, from, true);
  return (await fromContents(file, size, from)) ?? (await fromFragments(file, size, from, false));
}

/** By the table at the end, with two reads. */
async function fromContents(file: OpenFile, size: number, from: number): Promise<ScannedFile | undefined> {
  const [begin, tail] = await Promise.all([
    file.read(0, Math.min(size, beginBytes)),
    file.read(Math.max(0, size - endBytes), Math.min(size, endBytes)),
  ]);
  const length = contentsLength(tail);
  const head = length === undefined ? undefined : identified(begin);
  if (length === undefined || !head || length > size - head.init.bytes) return undefined;
  const at = size - length;
  const box = length <= tail.length ? tail.subarray(tail.length - length) : await file.read(at, length);
  const { tracks } = head.init;
  const records = parseContents(begin.subarray(0, head.init.bytes), at, box, tracks.length);
  if (!records) return undefined;
  return scanned(begin, head, from === 0 ? records : recordsFrom(records, tracks.length, from), size);
}

/** Those that begin at `from` or later. */
function recordsFrom(packed: Uint8Array, tracks: number, from: number): Uint8Array {
  return packRecords(
    unpackRecords(packed, tracks).filter(r => r.offset >= from),
    tracks,
  );
}

/** By the header of every fragment, one read for each. */
async function fromFragments(
  file: OpenFile,
  size: number,
  from: number,
  torn: boolean,
): Promise<ScannedFile | undefined> {
  const infos: FragmentInfo[] = [];
  const records: FragmentRecord[] = [];
  let head: Head | undefined;
  let first = new Uint8Array();
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    const bytes = await file.read(offset, length);
    if (offset === 0) first = bytes as Uint8Array<ArrayBuffer>;
    return bytes;
  };
  const take = (fragment: FragmentInfo, offset: number): void => {
    head ??= identified(first);
    const record = head && recordFrom(fragment, offset, head.init, head.identity, records.at(-1));
    if (!record) return;
    records.push(record);
    if (torn) infos.push(fragment);
  };
  let { goodBytes } = await scan(read, size, take, from);
  head ??= identified(first);
  const bad = torn && head ? await firstTorn(file, size, head.init, records, infos) : undefined;
  if (bad !== undefined) {
    goodBytes = records[bad]?.offset ?? goodBytes;
    records.length = bad;
  } else if (torn && head && (await isContents(file, goodBytes, size, first, head.init))) goodBytes = size;
  return head && scanned(first, head, packRecords(records, head.init.tracks.length), goodBytes);
}

/** Whether the table of contents, whole, is all that comes behind the fragments. */
async function isContents(file: OpenFile, at: number, size: number, first: Uint8Array, init: Init): Promise<boolean> {
  if (size - at < 8 || size - at > mostContentsBytes) return false;
  const box = await file.read(at, size - at);
  return (
    contentsLength(box) === size - at && !!parseContents(first.subarray(0, init.bytes), at, box, init.tracks.length)
  );
}

interface Head {
  readonly init: Init;
  readonly identity: Identity;
}

function scanned(first: Uint8Array, head: Head, records: Uint8Array, goodBytes: number): ScannedFile {
  const init = withoutUuid(first.slice(0, head.init.bytes));
  return {
    identity: head.identity,
    initBytes: head.init.bytes,
    init,
    format: createHash('sha256').update(init).digest('hex').slice(0, 16),
    records,
    goodBytes,
  };
}

/** Init segment and identity at the beginning of a file. */
function identified(bytes: Uint8Array): Head | undefined {
  const init = parseInit(bytes);
  if (!init || 'need' in init) return undefined;
  for (const body of init.uuidBoxes) {
    const identity = parseIdentity(body);
    if (identity && identity.origins.length === init.tracks.length) return { init, identity };
  }
  return undefined;
}

function recordFrom(
  info: FragmentInfo,
  offset: number,
  init: Init,
  identity: Identity,
  before: FragmentRecord | undefined,
): FragmentRecord | undefined {
  const tracks = init.tracks.map((_, i) => info.tracks.find(t => t.trackId === init.trackIds[i]));
  const lead = init.tracks.findIndex((t, i) => t.kind === 'video' && (tracks[i]?.count ?? 0) > 0);
  const at = lead >= 0 ? lead : tracks.findIndex(t => t !== undefined);
  const samples = tracks[at];
  const timescale = init.tracks[at]?.timescale;
  if (!samples || !timescale) return undefined;
  return {
    beginMs: info.prftWallMs ?? (before ? before.beginMs + before.durationMs : identity.beginMs),
    durationMs: (samples.duration * 1000) / timescale,
    offset,
    bytes: info.bytes,
    headerBytes: info.headerBytes,
    keyframe: (lead >= 0 || !init.tracks.some(t => t.kind === 'video')) && samples.samples.keyframe[0] === 1,
    reordered: tracks.some(t => t?.samples.compositionOffset.some(o => o !== 0)),
    tracks: tracks.map(t => ({
      baseDts: t?.baseDts ?? 0,
      samples: t?.count ?? 0,
      duration: t?.duration ?? 0,
      bytes: t?.bytes ?? 0,
    })),
  };
}
