/** Key frames of a track: where they are, and one of them as a file (api.md 6.2). Nothing is decoded. */
import type { MediaAnswer } from '#core/bytes';
import { Fault } from '#core/errors';
import { isoTime } from '#core/time';
import { oneSampleFile } from '#mp4/one-sample';
import type { FragmentRecord } from '../format/record.ts';
import type { FileRow } from '../index/rows.ts';
import type { KeyframeEntry, Range } from '../library/library.ts';
import type { Place } from '../library/recovery.ts';
import { headerOf, readUnit, type SampleShape, type Source, shapesOf } from './fragment-units.ts';
import { initOf } from './hls.ts';
import { MediaReader } from './media-reader.ts';
import { presentFiles } from './present.ts';
import { trackNamed } from './timeline.ts';

/** Five hours and a half of one a second: a header is read for each. */
const mostKeyframes = 20_000;

/** Every key frame within the range. Faults: `not-found`, `too-large`. */
export async function keyframesOf(place: Place, name: string, range: Range): Promise<KeyframeEntry[]> {
  const { id } = trackNamed(place.index, name);
  const [begin, end] = [range.beginMs ?? Number.NEGATIVE_INFINITY, range.endMs ?? Number.POSITIVE_INFINITY];
  const found: KeyframeEntry[] = [];
  const reader = new MediaReader(place);
  try {
    for (const file of await presentFiles(place, id, begin, end)) {
      const init = initOf(place.index, file.format);
      for (const record of place.index.records(file)) {
        if (!record.keyframe || record.beginMs >= end || record.beginMs + record.durationMs < begin) continue;
        const source = { file, init, record };
        for (const { wallMs, data } of pictures(source, shapesOf(source, await headerOf(reader, source))))
          if (wallMs >= begin && wallMs < end) found.push({ time: isoTime(wallMs), size: data.length });
        if (found.length > mostKeyframes)
          throw new Fault('argument', 'too-large', `expected an interval of at most ${mostKeyframes} key frames`);
      }
    }
  } finally {
    await reader.close();
  }
  return found;
}

/** The key frame at or before a time; the newest without one. Faults: `not-found`, `no-data`. */
export async function keyframeAnswer(place: Place, name: string, atMs: number | undefined): Promise<MediaAnswer> {
  const { index } = place;
  const { id } = trackNamed(index, name);
  // Times that callers know are whole milliseconds; those of pictures have fractions.
  const at = atMs === undefined ? Number.MAX_VALUE : Math.floor(atMs) + 0.999;
  for (let file = index.fileAtOrBefore(id, at); file; file = index.fileBefore(id, file.beginMs)) {
    // A file that somebody has taken is off the list then, and the one before it has the key frame.
    const [present] = await presentFiles(place, id, file.beginMs, file.endMs);
    const answer = present && (await keyframeIn(place, present, at));
    if (answer) return answer;
  }
  throw new Fault('absent', 'no-data', `no key frame of ${name} is recorded at that time or before it`);
}

async function keyframeIn(place: Place, file: FileRow, atMs: number): Promise<MediaAnswer | undefined> {
  const init = initOf(place.index, file.format);
  if (!init.tracks.some(t => t.kind === 'video')) return undefined;
  const reader = new MediaReader(place);
  try {
    for (const record of place.index.records(file).reverse()) {
      if (!isCandidate(record, atMs)) continue;
      const source = { file, init, record };
      const shape = pictures(source, shapesOf(source, await headerOf(reader, source))).findLast(s => s.wallMs <= atMs);
      const track = shape && init.tracks[shape.track];
      if (!shape || !track) continue;
      const unit = await readUnit(reader, source, shape);
      return {
        contentType: 'video/mp4',
        headers: { 'x-timestamp': isoTime(unit.wallMs), 'cache-control': 'no-cache' },
        body: oneSampleFile({ id: 0, tracks: init.tracks }, { ...unit, lost: 0 }),
      };
    }
    return undefined;
  } finally {
    await reader.close();
  }
}

const isCandidate = (record: FragmentRecord, atMs: number): boolean => record.keyframe && record.beginMs <= atMs;

/** Of a fragment the first picture is a key frame; of JPEG all are. */
const pictures = ({ init }: Source, shapes: readonly SampleShape[]): SampleShape[] =>
  shapes.filter(s => s.keyframe && init.tracks[s.track]?.kind === 'video');
