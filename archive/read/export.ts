/**
 * An interval as one file (api.md 6.2): MP4 with `moov` first, exact begin by edit list, end exact
 * to the picture, length known before the first byte, any part of it on its own. Nothing is held
 * but index rows; whoever stops reading costs one piece. `fmp4` and `ts` are not built yet and refused.
 */
import { createHash } from 'node:crypto';
import type { ByteSource, ByteStream, MediaAnswer } from '#core/bytes';
import { Fault } from '#core/errors';
import { isoTime } from '#core/time';
import type { FragmentInfo } from '#mp4/fragment-parser';
import { type IsomBlock, type IsomMovie, isomHeadBytes, writeIsomHead } from '#mp4/isom';
import { writeIdentity } from '../format/identity.ts';
import type { ExportRequest } from '../library/library.ts';
import type { Place } from '../library/recovery.ts';
import {
  type Chunk,
  type ExportPlan,
  movieTimescale,
  neededOf,
  planExport,
  reorderMs,
  type Taken,
  takeUntil,
  takeWhole,
} from './export-plan.ts';
import { headerOf, type Source } from './fragment-units.ts';
import { initOf } from './hls.ts';
import { MediaReader } from './media-reader.ts';
import { presentFiles } from './present.ts';
import { trackNamed } from './timeline.ts';

/** About eleven days at one a second. A record takes a few hundred bytes here. */
const mostFragments = 1_000_000;
const pieceBytes = 256 * 1024;
/** Fragment headers kept between the passes over the tables: twenty minutes. Longer exports read them anew. */
const keptHeaders = 1200;

/**
 * An interval as one file. Length and ETag are known from the index before a byte is read; the
 * same footage gives the same bytes. Faults: `no-data`, `not-found`, `too-large`, and
 * `not-implemented` for other formats than isom.
 */
export async function exportAnswer(place: Place, request: ExportRequest): Promise<MediaAnswer> {
  const { track, beginMs, endMs, format, gaps } = request;
  if (format !== 'isom')
    throw new Fault('unsupported', 'not-implemented', `export as ${format} is not built yet; use format=isom`);
  const plan = await planOf(place, request);
  const movie = (reader: MediaReader): IsomMovie => movieOf(plan, track, reader);
  const headBytes = isomHeadBytes(movie(new MediaReader(place)));
  const body: ByteSource = {
    length: headBytes + plan.dataBytes,
    open: (begin = 0, end = headBytes + plan.dataBytes) => streamOf(place, plan, movie, headBytes, begin, end),
    close: () => {},
  };
  const stamp = (ms: number): string => isoTime(ms).replace(/[-:]/g, '');
  return {
    contentType: 'video/mp4',
    headers: {
      etag: `"${fingerprint(plan, request)}"`,
      'content-disposition': `attachment; filename="${track}_${stamp(beginMs)}_${stamp(endMs)}.mp4"`,
    },
    body,
  };

  // The same footage cut the same way gives the same bytes.
  function fingerprint(p: ExportPlan, r: ExportRequest): string {
    const hash = createHash('sha256').update(JSON.stringify([r.track, r.beginMs, r.endMs, gaps, 1]));
    for (const piece of p.pieces) hash.update(`${piece.file.name} ${piece.offset} ${piece.bytes}\n`);
    return hash.digest('hex').slice(0, 32);
  }
}

async function planOf(place: Place, { track: name, beginMs, endMs, gaps }: ExportRequest): Promise<ExportPlan> {
  const { index } = place;
  const track = trackNamed(index, name);
  const interval = { beginMs, endMs };
  const sources: Source[] = [];
  for (const file of await presentFiles(place, track.id, beginMs, endMs)) {
    const init = initOf(index, file.format);
    for (const record of neededOf(index.records(file), interval)) sources.push({ file, init, record });
    if (sources.length > mostFragments)
      throw new Fault('argument', 'too-large', `expected an interval of at most ${mostFragments} fragments`);
  }
  const reader = new MediaReader(place);
  try {
    const taken: Taken[] = [];
    for (const source of sources) {
      const { beginMs: begin, durationMs } = source.record;
      // Only at the end samples are looked at; pictures that are shown out of order may lie a little further back.
      const isBorder = begin + durationMs > endMs - (source.record.reordered ? reorderMs : 0);
      taken.push(isBorder ? takeUntil(source, await headerOf(reader, source), endMs) : takeWhole(source));
    }
    const some = taken.filter(t => t.tracks.some(n => n.count > 0));
    const first = some[0];
    if (!first) throw new Fault('absent', 'no-data', `nothing is recorded of ${name} in this interval`);
    return planExport(some, await headerOf(reader, first.source), interval, gaps);
  } finally {
    await reader.close();
  }
}

function movieOf(plan: ExportPlan, track: string, reader: MediaReader): IsomMovie {
  const kept = new Map<Source, FragmentInfo>();
  const header = async (source: Source): Promise<FragmentInfo> => {
    const known = kept.get(source);
    if (known) return known;
    const info = await headerOf(reader, source);
    if (kept.size < keptHeaders) kept.set(source, info);
    return info;
  };
  async function* blocks(chunks: readonly Chunk[]): AsyncGenerator<IsomBlock> {
    for (const c of chunks) yield blockOf(c, await header(c.source));
  }
  return {
    timescale: movieTimescale,
    beginMs: plan.beginMs,
    dataBytes: plan.dataBytes,
    // Whose footage it is and when it begins, to the microsecond.
    uuidBoxes: [writeIdentity({ track, beginMs: plan.beginMs, run: 0, origins: [] })],
    tracks: plan.tracks.map(t => ({
      descriptions: t.descriptions,
      samples: t.chunks.reduce((sum, c) => sum + c.count, 0),
      keyframes: t.chunks.reduce((sum, c) => sum + (c.source.record.keyframe ? 1 : 0), 0),
      chunks: t.chunks.length,
      reordered: t.kind === 'video' && t.chunks.some(c => c.source.record.reordered),
      duration: t.chunks.reduce((sum, c) => sum + c.duration + c.extra, 0),
      edits: t.edits,
      blocks: () => blocks(t.chunks),
      chunkList: () => t.chunks,
    })),
  };
}

/** The chunk with its samples; its last one lasts until the next chunk. */
function blockOf(chunk: Chunk, info: FragmentInfo): IsomBlock {
  const { source, track, count, extra, description, dataOffset } = chunk;
  const samples = info.tracks.find(t => t.trackId === source.init.trackIds[track])?.samples;
  if (!samples || samples.size.length < count)
    throw new Fault(
      'storage',
      'index-mismatch',
      `expected ${count} samples at ${source.record.offset} of ${source.file.name}`,
    );
  const duration = samples.duration.slice(0, count);
  if (count > 0) duration[count - 1] = Math.max(1, (duration[count - 1] ?? 0) + extra);
  // A fragment is cut in front of every keyframe, so the index counts one at most. Only JPEG has more inside.
  const keyframe = samples.keyframe.slice(0, count).fill(0, 1);
  return { count, description, dataOffset, samples: { ...samples, duration, keyframe } };
}

/** Bytes `[begin, end)` of head and data. */
function streamOf(
  place: Place,
  plan: ExportPlan,
  movie: (reader: MediaReader) => IsomMovie,
  headBytes: number,
  begin: number,
  end: number,
): ByteStream {
  const reader = new MediaReader(place);
  async function* bytes(): AsyncGenerator<Uint8Array> {
    try {
      let left = end - begin;
      const limited = (piece: Uint8Array): Uint8Array => {
        const own = piece.subarray(0, left);
        left -= own.length;
        return own;
      };
      if (begin < headBytes)
        for await (const piece of writeIsomHead(movie(reader), begin)) {
          yield limited(piece);
          if (left <= 0) return;
        }
      let skip = Math.max(0, begin - headBytes);
      for (const { file, offset, bytes: length } of plan.pieces) {
        if (left <= 0) return;
        if (skip >= length) {
          skip -= length;
          continue;
        }
        for (let at = skip; at < length && left > 0; at += pieceBytes)
          yield limited(await reader.read(file, offset + at, Math.min(pieceBytes, length - at, left)));
        skip = 0;
      }
    } finally {
      await reader.close();
    }
  }
  const pieces = bytes();
  return {
    next: async () => (await pieces.next()).value ?? undefined,
    // Waits for the read under way, then closes the file.
    close: () => void pieces.return(undefined),
  };
}
