/**
 * An export as fragmented MP4: a head with edit lists, and each fragment with a header of its own, whose length the
 * index tells. Samples stay as they are, with one exception: where there are several codec configurations, which one
 * file must have in one head, the first picture of a further one has its parameter sets before it too, since not every
 * demuxer heeds the sample description of a fragment.
 */
import type { Track } from '#media/track';
import { type ExportFragmentTrack, exportHeaderBytes, writeExportHeader } from '#mp4/export-fragment';
import { type HeadTrack, writeHead } from '#mp4/init';
import { writeIdentity } from '../format/identity.ts';
import { blockOf } from './export-isom.ts';
import { type Chunk, type ExportPlan, movieTimescale, type OutFragment, type OutTrack } from './export-plan.ts';
import { headerOf } from './fragment-units.ts';
import type { MediaReader } from './media-reader.ts';
import { behind, inPieces, type Part, type Parts, rangeOf } from './parts.ts';

/** The parts of the file: its head, and its fragments. */
export function fmp4Parts(plan: ExportPlan, track: string): Parts {
  const head = writeHead(plan.tracks.map(headTrack), {
    timescale: movieTimescale,
    duration: Math.max(0, ...plan.tracks.map(t => t.edits.reduce((sum, e) => sum + e.duration, 0))),
    beginMs: plan.beginMs,
    uuidBoxes: [writeIdentity({ track, beginMs: plan.beginMs, run: 0, origins: [] })],
  });
  const sets = new Map(plan.tracks.flatMap(setsBefore));
  return behind(
    { bytes: head.length, read: (_, from) => inPieces(head, from) },
    plan.fragments,
    f => fragmentBytes(f, sets),
    (f, i) => fragmentPart(plan, f, i + 1, sets),
  );
}

const hasSets = (track: Track): track is Track & { kind: 'video' } => track.codec === 'h264' || track.codec === 'h265';

/** Edits count from a track's first sample; decoding times are told outright here, and need not begin at 0. */
function headTrack({ descriptions, edits, chunks }: OutTrack): HeadTrack {
  const begin = chunks[0]?.dts ?? 0;
  return {
    descriptions,
    edits: edits.map(e => (e.mediaTime < 0 ? e : { ...e, mediaTime: e.mediaTime + begin })),
    inBand: descriptions.length > 1 && hasSets(descriptions[0]),
  };
}

/** Chunks whose first picture has other parameter sets than the one before, and those, behind their lengths. */
function setsBefore({ descriptions, chunks }: OutTrack): [Chunk, Uint8Array][] {
  return chunks.flatMap((chunk, i): [Chunk, Uint8Array][] => {
    const before = chunks[i - 1];
    const track = descriptions[chunk.description];
    if (!before || !track || before.description === chunk.description || !hasSets(track)) return [];
    return [[chunk, lengthPrefixed(track.parameterSets)]];
  });
}

function lengthPrefixed(nalus: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(nalus.reduce((sum, n) => sum + 4 + n.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const nalu of nalus) {
    view.setUint32(at, nalu.length);
    bytes.set(nalu, at + 4);
    at += 4 + nalu.length;
  }
  return bytes;
}

const none = new Uint8Array(0);

const usedOf = ({ chunks }: OutFragment) => chunks.filter(c => c.chunk.count > 0);

const fragmentBytes = (fragment: OutFragment, sets: ReadonlyMap<Chunk, Uint8Array>): number =>
  usedOf(fragment).reduce(
    (sum, { chunk }) => sum + (sets.get(chunk)?.length ?? 0) + chunk.bytes,
    exportHeaderBytes(usedOf(fragment).map(c => c.chunk.count)),
  );

function fragmentPart(
  plan: ExportPlan,
  fragment: OutFragment,
  sequence: number,
  sets: ReadonlyMap<Chunk, Uint8Array>,
): Part {
  const chunks = usedOf(fragment);
  const headerBytes = exportHeaderBytes(chunks.map(c => c.chunk.count));
  const setsOf = (chunk: Chunk): Uint8Array => sets.get(chunk) ?? none;
  async function header(reader: MediaReader): Promise<Uint8Array> {
    const { source } = fragment;
    const info = await headerOf(reader, source);
    const tracks = chunks.map(({ track, chunk }): ExportFragmentTrack => {
      const { samples } = blockOf(chunk, info);
      const own = info.tracks.find(t => t.trackId === source.init.trackIds[chunk.track])?.samples.keyframe;
      const isVideo = plan.tracks[track]?.kind === 'video';
      const keyframe = isVideo && own ? own : new Uint8Array(chunk.count).fill(1);
      const size = samples.size.slice(0, chunk.count);
      size[0] = (size[0] ?? 0) + setsOf(chunk).length;
      const { description, count, dts: baseDts } = chunk;
      return { trackId: track + 1, description, baseDts, count, samples: { ...samples, keyframe, size } };
    });
    return writeExportHeader(sequence, tracks, source.record.beginMs);
  }
  async function* read(reader: MediaReader, from: number): AsyncGenerator<Uint8Array> {
    if (from < headerBytes) yield* inPieces(await header(reader), from);
    let skip = Math.max(0, from - headerBytes);
    for (const { chunk } of chunks) {
      const before = setsOf(chunk);
      if (skip < before.length) yield* inPieces(before, skip);
      skip = Math.max(0, skip - before.length);
      if (skip < chunk.bytes) yield* rangeOf(reader, fragment.source.file, chunk.fileOffset, chunk.bytes, skip);
      skip = Math.max(0, skip - chunk.bytes);
    }
  }
  return { bytes: fragmentBytes(fragment, sets), read };
}
