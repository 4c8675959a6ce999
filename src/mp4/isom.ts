/**
 * The head of a progressive MP4, `moov` first (ISO/IEC 14496-12 8.5-8.7), for exports of any
 * length: `ftyp`, `moov`, the header of `mdat`; sample data follow. Its length is a function of counts
 * alone, and it is produced piece by piece, one pass over the samples per table, so that a
 * day of video costs 64 KiB of memory. Hence no table is run-length coded:
 *
 *   stts 8 bytes per sample        stsc 12 bytes per chunk
 *   ctts 8 per sample if reordered  co64  8 per chunk
 *   stss 4 per keyframe (video)    stsz  4 per sample
 *
 * A track of JPEG has no stss: without it every sample is a sync sample (8.6.2).
 *
 * The wall clock of the start is the movie's creation time (whole seconds); `uuidBoxes` may tell it exactly.
 */
import { Fault } from '#core/errors';
import type { Track } from '#media/track';
import { ascii, box, fullBox, join, setU64, u32, u64 } from './box.ts';
import {
  dataInformation,
  editList,
  handlerBox,
  mediaHeader,
  mediaKindHeader,
  movieHeader,
  trackHeader,
} from './movie.ts';
import type { Edit } from './movie-parser.ts';
import { sampleEntry } from './sample-entry.ts';

/** Samples of one track whose data lie together: what the tables call a chunk. */
export interface IsomChunk {
  readonly count: number;
  /** Index into `descriptions` of its track. */
  readonly description: number;
  /** Of its first sample, from the first byte behind the head. */
  readonly dataOffset: number;
}

/** A chunk with its samples; the columns hold at least `count` entries. */
export interface IsomBlock extends IsomChunk {
  readonly samples: {
    readonly duration: Uint32Array;
    readonly compositionOffset: Int32Array;
    readonly size: Uint32Array;
    readonly keyframe: Uint8Array;
  };
}

export interface IsomTrack {
  /** All of one kind and one timescale; a new codec configuration in mid-interval is a further description. */
  readonly descriptions: readonly [Track, ...Track[]];
  /** In all chunks together. */
  readonly samples: number;
  /** For video: how many samples are sync samples. */
  readonly keyframes: number;
  readonly chunks: number;
  /** Some composition offset is not zero. */
  readonly reordered: boolean;
  /** Sum of the samples' durations, in the track's timescale. */
  readonly duration: number;
  /** Which part is shown: `mediaTime` in the track's timescale (-1: nothing, for so long), `duration` in the movie's. Empty: all of it. */
  readonly edits: readonly Edit[];
  /** Every chunk in order; called once per table. The same chunks every time, or the head is given up with a Fault. */
  blocks(): AsyncIterable<IsomBlock> | Iterable<IsomBlock>;
  /** The same without samples, where that is cheaper. */
  chunkList?(): AsyncIterable<IsomChunk> | Iterable<IsomChunk>;
}

export interface IsomMovie {
  /** Of the movie and its edits, e.g. 1000 or 90000. */
  readonly timescale: number;
  /** Wall clock of the start, UTC milliseconds. */
  readonly beginMs: number;
  readonly tracks: readonly IsomTrack[];
  /** Sample data behind the head. */
  readonly dataBytes: number;
  /** Bodies of `uuid` boxes at the end of `moov`: 16 bytes of type, then the payload. */
  readonly uuidBoxes?: readonly Uint8Array[];
}

/** A stretch of the head: bytes that are there, or rows that are produced on demand. */
type Section = Uint8Array | { readonly bytes: number; rows(): AsyncIterable<Uint8Array> };

const sectionBytes = (section: Section): number => (section instanceof Uint8Array ? section.length : section.bytes);
const total = (sections: readonly Section[]): number => sections.reduce((sum, s) => sum + sectionBytes(s), 0);

/** Length of the head. Reads no samples. */
export const isomHeadBytes = (movie: IsomMovie): number => total(head(movie, 0));

/**
 * The head from byte `begin` on, in pieces of at most 64 KiB. Tables wholly before `begin` are not
 * produced. Throws Fault `storage` when the samples are not what the counts promised.
 */
export async function* writeIsomHead(movie: IsomMovie, begin = 0): AsyncGenerator<Uint8Array> {
  let skip = begin;
  for (const section of head(movie, isomHeadBytes(movie))) {
    const bytes = sectionBytes(section);
    if (skip >= bytes) {
      skip -= bytes;
      continue;
    }
    for await (const piece of section instanceof Uint8Array ? [section] : section.rows()) {
      if (skip < piece.length) yield piece.subarray(skip);
      skip = Math.max(0, skip - piece.length);
    }
  }
}

function head(movie: IsomMovie, headBytes: number): Section[] {
  const moov = nest('moov', [
    movieHeader(movie.timescale, longest(movie), movie.tracks.length + 1, movie.beginMs),
    ...movie.tracks.flatMap((track, i) => trak(movie, track, i + 1, headBytes)),
    ...(movie.uuidBoxes ?? []).map(body => box('uuid', body)),
  ]);
  const ftyp = box('ftyp', ascii('isom'), u32(0x200), ascii('isomiso2mp41'));
  // The long form of the size always, so that the head's length does not depend on it.
  return [ftyp, ...moov, join(u32(1), ascii('mdat'), u64(movie.dataBytes + 16))];
}

/** Presented, in the movie's timescale. */
const shown = (movie: IsomMovie, track: IsomTrack): number =>
  track.edits.length > 0
    ? track.edits.reduce((sum, e) => sum + e.duration, 0)
    : Math.round((track.duration * movie.timescale) / track.descriptions[0].timescale);

const longest = (movie: IsomMovie): number => movie.tracks.reduce((most, t) => Math.max(most, shown(movie, t)), 0);

/** A box around sections. `moov` of a day has 43 MB, so 4 bytes of size are enough. */
const nest = (type: string, sections: readonly Section[]): Section[] => [
  join(u32(8 + total(sections)), ascii(type)),
  ...sections,
];

function trak(movie: IsomMovie, track: IsomTrack, trackId: number, headBytes: number): Section[] {
  const { descriptions, edits } = track;
  const [first] = descriptions;
  return nest('trak', [
    trackHeader(first, trackId, shown(movie, track)),
    ...(edits.length > 0 ? [box('edts', editList(edits))] : []),
    ...nest('mdia', [
      mediaHeader(first.timescale, track.duration),
      handlerBox(first.kind),
      ...nest('minf', [
        mediaKindHeader(first.kind),
        dataInformation(),
        ...nest('stbl', [
          fullBox('stsd', 0, 0, u32(descriptions.length), ...descriptions.map(d => sampleEntry(d))),
          ...tables(track, first.kind === 'video' && descriptions.some(d => d.codec !== 'mjpeg'), headBytes),
        ]),
      ]),
    ]),
  ]);
}

function tables(track: IsomTrack, someSync: boolean, headBytes: number): Section[] {
  const blocks = () => track.blocks();
  const chunks = () => track.chunkList?.() ?? track.blocks();
  return [
    ...table('stts', 0, u32(track.samples), track.samples * 8, () =>
      sampleRows(blocks(), 8, (view, at, { samples }, i) => {
        view.setUint32(at, 1);
        view.setUint32(at + 4, samples.duration[i] ?? 0);
        return true;
      }),
    ),
    ...(track.reordered
      ? table('ctts', 1, u32(track.samples), track.samples * 8, () =>
          sampleRows(blocks(), 8, (view, at, { samples }, i) => {
            view.setUint32(at, 1);
            view.setInt32(at + 4, samples.compositionOffset[i] ?? 0);
            return true;
          }),
        )
      : []),
    ...(someSync
      ? table('stss', 0, u32(track.keyframes), track.keyframes * 4, () =>
          sampleRows(blocks(), 4, (view, at, { samples }, i, number) => {
            if (!samples.keyframe[i]) return false;
            view.setUint32(at, number);
            return true;
          }),
        )
      : []),
    ...table('stsc', 0, u32(track.chunks), track.chunks * 12, () =>
      chunkRows(chunks(), 12, (view, at, chunk, number) => {
        view.setUint32(at, number);
        view.setUint32(at + 4, chunk.count);
        view.setUint32(at + 8, chunk.description + 1);
      }),
    ),
    ...table('stsz', 0, u32(0, track.samples), track.samples * 4, () =>
      sampleRows(blocks(), 4, (view, at, { samples }, i) => {
        view.setUint32(at, samples.size[i] ?? 0);
        return true;
      }),
    ),
    ...table('co64', 0, u32(track.chunks), track.chunks * 8, () =>
      chunkRows(chunks(), 8, (view, at, chunk) => setU64(view, at, headBytes + chunk.dataOffset)),
    ),
  ];
}

/** A full box of `fixed` and rows of `rowBytes` in all. */
function table(
  type: string,
  version: number,
  fixed: Uint8Array,
  rowBytes: number,
  rows: () => AsyncGenerator<Uint8Array>,
): Section[] {
  const start = join(u32(12 + fixed.length + rowBytes), ascii(type), u32(version * 0x1000000), fixed);
  return [start, { bytes: rowBytes, rows: () => exactly(rowBytes, type, rows()) }];
}

/** Passes pieces on and sees to it that they are as many bytes as were promised. */
async function* exactly(bytes: number, type: string, pieces: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  let left = bytes;
  for await (const piece of pieces) {
    left -= piece.length;
    if (left < 0) break;
    yield piece;
  }
  if (left === 0) return;
  const got = left < 0 ? 'more' : `${bytes - left}`;
  throw new Fault('storage', 'index-mismatch', `expected ${bytes} bytes of ${type} from the counts, got ${got}`);
}

const pieceBytes = 64 * 1024;

/** One row per sample for which `write` answers true; `number` counts samples from 1. */
async function* sampleRows(
  blocks: AsyncIterable<IsomBlock> | Iterable<IsomBlock>,
  rowBytes: number,
  write: (view: DataView, at: number, block: IsomBlock, i: number, number: number) => boolean,
): AsyncGenerator<Uint8Array> {
  let view = new DataView(new ArrayBuffer(pieceBytes));
  let at = 0;
  let number = 0;
  for await (const block of blocks) {
    for (let i = 0; i < block.count; i++) {
      if (!write(view, at, block, i, ++number)) continue;
      at += rowBytes;
      if (at + rowBytes <= pieceBytes) continue;
      yield new Uint8Array(view.buffer, 0, at);
      view = new DataView(new ArrayBuffer(pieceBytes));
      at = 0;
    }
  }
  if (at > 0) yield new Uint8Array(view.buffer, 0, at);
}

/** One row per chunk that has samples; `number` counts them from 1. */
async function* chunkRows(
  chunks: AsyncIterable<IsomChunk> | Iterable<IsomChunk>,
  rowBytes: number,
  write: (view: DataView, at: number, chunk: IsomChunk, number: number) => void,
): AsyncGenerator<Uint8Array> {
  let view = new DataView(new ArrayBuffer(pieceBytes));
  let at = 0;
  let number = 0;
  for await (const chunk of chunks) {
    if (chunk.count === 0) continue;
    write(view, at, chunk, ++number);
    at += rowBytes;
    if (at + rowBytes <= pieceBytes) continue;
    yield new Uint8Array(view.buffer, 0, at);
    view = new DataView(new ArrayBuffer(pieceBytes));
    at = 0;
  }
  if (at > 0) yield new Uint8Array(view.buffer, 0, at);
}
