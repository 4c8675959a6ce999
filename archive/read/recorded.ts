/**
 * Recordings for playback (capability `recorded-media`): the fragment that comes next, as units. Nothing is
 * kept between two questions; a place in a track is the time at which a fragment begins, so that footage that
 * went in between is passed over.
 */
import type { ReadRequest, RecordedPiece } from '#capability/recorded-media';
import { Fault, faultFrom } from '#core/errors';
import { type FragmentRecord, recordEndMs } from '../format/record.ts';
import type { FileRow } from '../index/rows.ts';
import type { Place } from '../library/recovery.ts';
import { headerOf, readUnit, readUnits, type Source, shapesOf } from './fragment-units.ts';
import { initOf } from './hls.ts';
import { MediaReader } from './media-reader.ts';
import { trackNamed } from './timeline.ts';

/** Files that were found gone or changed in one question; more is trouble of another kind. */
const mostMissing = 1000;

/** The next piece that a request asks for; undefined without any. */
export async function readRecorded(place: Place, request: ReadRequest): Promise<RecordedPiece | undefined> {
  const track = trackNamed(place.index, request.track).id;
  for (let i = 0; i < mostMissing; i++) {
    const source = find(place, track, request);
    if (!source) return undefined;
    try {
      return await pieceOf(place, source, request);
    } catch (e) {
      // Somebody took the file: it is off the list now, and the next one is asked for.
      const fault = faultFrom(e);
      if (fault.code !== 'no-data' || place.index.fileNamed(source.file.name)) throw fault;
    }
  }
  throw new Fault('storage', 'index-mismatch', `expected files of ${request.track} on the disk, they are gone`);
}

async function pieceOf(place: Place, source: Source, { how }: ReadRequest): Promise<RecordedPiece> {
  const { file, init, record } = source;
  const reader = new MediaReader(place);
  try {
    return {
      beginMs: record.beginMs,
      endMs: recordEndMs(record),
      run: file.run,
      format: file.format,
      tracks: init.tracks,
      keyframe: record.keyframe,
      units: how === 'forward' ? await readUnits(reader, source) : await firstUnit(reader, source),
      next: record.beginMs,
    };
  } finally {
    await reader.close();
  }
}

async function firstUnit(reader: MediaReader, source: Source) {
  const shapes = shapesOf(source, await headerOf(reader, source));
  const video = shapes.find(s => source.init.tracks[s.track]?.kind === 'video') ?? shapes[0];
  return video ? [await readUnit(reader, source, video)] : [];
}

/** The fragment that the request means. */
function find(place: Place, track: number, { from, how, untilMs }: ReadRequest): Source | undefined {
  const backward = how === 'backward-keyframes';
  const end = untilMs ?? (backward ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY);
  const { index } = place;
  const at = 'next' in from ? from.next : from.atMs;
  const isNext = 'next' in from;
  let file = backward
    ? index.fileAtOrBefore(track, at)
    : (index.fileAtOrBefore(track, at) ?? index.fileAfter(track, at));
  while (file) {
    const records = index.records(file);
    const found = backward ? lastOf(records, at, isNext) : firstOf(records, at, isNext, how === 'forward-keyframes');
    if (found) {
      const isWithin = backward ? found.beginMs >= end : found.beginMs < end;
      return isWithin ? sourceOf(place, file, found) : undefined;
    }
    file = backward ? index.fileBefore(track, file.beginMs) : index.fileAfter(track, file.beginMs);
  }
  return undefined;
}

const sourceOf = ({ index }: Place, file: FileRow, record: FragmentRecord): Source => ({
  file,
  record,
  init: initOf(index, file.format),
});

/** Behind the one that begins at `at`, or the one from which on `at` can be shown. */
function firstOf(
  records: readonly FragmentRecord[],
  at: number,
  isNext: boolean,
  keyframes: boolean,
): FragmentRecord | undefined {
  if (isNext) return records.find(r => r.beginMs > at && (!keyframes || r.keyframe));
  let i = records.findIndex(r => recordEndMs(r) > at);
  // A file begins with a key frame.
  while (i > 0 && !records[i]?.keyframe) i--;
  return records[i];
}

/** The last key frame before `at`; or at it, where a time is asked for. */
function lastOf(records: readonly FragmentRecord[], at: number, isNext: boolean): FragmentRecord | undefined {
  return records.findLast(r => r.keyframe && (isNext ? r.beginMs < at : r.beginMs <= at));
}
