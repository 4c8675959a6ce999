/** An export as a plain MP4: `moov` first, its sample tables made in passes over the fragments' headers; then ranges of files as they are. */
import { Fault } from '#core/errors';
import type { FragmentInfo } from '#mp4/fragment-parser';
import { type IsomBlock, type IsomMovie, isomHeadBytes, writeIsomHead } from '#mp4/isom';
import { writeIdentity } from '../format/identity.ts';
import { type Chunk, type ExportPlan, movieTimescale } from './export-plan.ts';
import { headerOf, type Source } from './fragment-units.ts';
import type { MediaReader } from './media-reader.ts';
import { behind, type Part, type Parts, range } from './parts.ts';

/** Fragment headers kept between the passes over the tables: twenty minutes. Longer exports read them anew. */
const keptHeaders = 1200;

/** The parts of the file: its head, and the ranges of its data. */
export function isomParts(plan: ExportPlan, track: string): Parts {
  const head: Part = {
    bytes: isomHeadBytes(movieOf(plan, track, undefined)),
    read: (reader, from) => writeIsomHead(movieOf(plan, track, reader), from),
  };
  return behind(
    head,
    plan.pieces,
    p => p.bytes,
    p => range(p.file, p.offset, p.bytes),
  );
}

function movieOf(plan: ExportPlan, track: string, reader: MediaReader | undefined): IsomMovie {
  const kept = new Map<Source, FragmentInfo>();
  const header = async (source: Source): Promise<FragmentInfo> => {
    const known = kept.get(source);
    if (known) return known;
    if (!reader) throw new Fault('bug', 'invariant', 'the length of a head needs no samples');
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
export function blockOf(chunk: Chunk, info: FragmentInfo): IsomBlock {
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
