/**
 * HLS of an interval (RFC 8216; api.md 6.2, 4.2): a VOD playlist of fMP4 segments that are
 * named by time, so that nothing is kept between requests and every answer below `hls/` is
 * immutable. A segment is a range of one file, from a key frame to a key frame.
 *
 *   hls/init-HASH.mp4   init segment of a format
 *   hls/A-B.m4s         fragments that begin in [A, B), whole UTC milliseconds
 *   hls/A-B.ts          the same as MPEG-TS; each in whole turns of the continuity counters, so that it follows any other
 */
import type { MediaAnswer } from '#core/bytes';
import { Fault } from '#core/errors';
import { isoTime } from '#core/time';
import { fitsHls } from '#hls/packager';
import { type Init, parseInit } from '#mp4/scan';
import { isCarried } from '#mpegts/layout';
import { Muxer } from '#mpegts/muxer';
import { hideTracks, shiftMediaTime } from '../format/media-time.ts';
import { type FragmentRecord, recordEndMs } from '../format/record.ts';
import type { ArchiveIndex } from '../index/archive-index.ts';
import type { FileRow } from '../index/rows.ts';
import type { Range } from '../library/library.ts';
import type { Place } from '../library/recovery.ts';
import { readUnits, type SampleUnit } from './fragment-units.ts';
import { MediaReader } from './media-reader.ts';
import { presentFiles } from './present.ts';
import { trackNamed } from './timeline.ts';

/** A segment ends at the first key frame behind this. */
const segmentMs = 4000;
/** About eleven days of segments, 3 MB of text. */
const mostSegments = 240_000;
/** Four seconds at 128 Mbit/s. */
const largestSegment = 64 * 1024 * 1024;
/** Further apart than this is a discontinuity. */
const holeMs = 1000;

interface Segment {
  readonly file: FileRow;
  readonly beginMs: number;
  readonly endMs: number;
  readonly uri: string;
}

/**
 * The playlist of an interval: segments of about `segmentMs`, a discontinuity at each gap and
 * change of codec. Faults: `no-data`, `not-found`, `too-large`.
 */
export async function playlistAnswer(
  place: Place,
  name: string,
  range: Range,
  container: 'fmp4' | 'ts',
): Promise<MediaAnswer> {
  const { index } = place;
  const track = trackNamed(index, name);
  const segments: Segment[] = [];
  for (const file of await presentFiles(place, track.id, range.beginMs ?? 0, range.endMs ?? Number.MAX_VALUE)) {
    if (segments.length > mostSegments)
      throw new Fault('argument', 'too-large', `expected an interval of at most ${mostSegments} segments`);
    if (isPlayable(index, file, container))
      segments.push(...segmentsOf(file, index.records(file), container).filter(s => isWithin(s, range)));
  }
  const [first] = segments;
  if (!first) throw new Fault('absent', 'no-data', `nothing is recorded of ${name} in this interval`);
  const body = writePlaylist(segments, Math.max(0, (range.beginMs ?? 0) - first.beginMs), container);
  return { contentType: 'application/vnd.apple.mpegurl', headers: { 'cache-control': 'no-cache' }, body };
}

const isWithin = (s: Segment, range: Range): boolean =>
  s.endMs > (range.beginMs ?? 0) && s.beginMs < (range.endMs ?? Number.MAX_VALUE);

/** Cut from the front of the file, never from the asked begin, so that the same footage has the same names. */
function segmentsOf(file: FileRow, records: readonly FragmentRecord[], container: 'fmp4' | 'ts'): Segment[] {
  const starts = records.filter((r, i) => i === 0 || r.keyframe);
  const segments: Segment[] = [];
  for (let i = 0; i < starts.length; ) {
    const begin = starts[i]?.beginMs ?? 0;
    let next = i + 1;
    while (next < starts.length && (starts[next]?.beginMs ?? 0) - begin < segmentMs) next++;
    const last = records.at(-1);
    const endMs = starts[next]?.beginMs ?? (last ? recordEndMs(last) : begin);
    const uri = `hls/${Math.floor(begin)}-${next < starts.length ? Math.floor(endMs) : Math.floor(endMs) + 1}.${container === 'ts' ? 'ts' : 'm4s'}`;
    segments.push({ file, beginMs: begin, endMs, uri });
    i = next;
  }
  return segments;
}

function writePlaylist(segments: readonly Segment[], startMs: number, container: 'fmp4' | 'ts'): string {
  const longest = segments.reduce((most, s) => Math.max(most, s.endMs - s.beginMs), 0);
  const lines = [
    '#EXTM3U',
    `#EXT-X-VERSION:${container === 'ts' ? 3 : 7}`,
    `#EXT-X-TARGETDURATION:${Math.max(1, Math.ceil(longest / 1000))}`,
    '#EXT-X-PLAYLIST-TYPE:VOD',
    '#EXT-X-INDEPENDENT-SEGMENTS',
  ];
  if (startMs > 0) lines.push(`#EXT-X-START:TIME-OFFSET=${(startMs / 1000).toFixed(3)},PRECISE=YES`);
  let before: Segment | undefined;
  for (const s of segments) {
    const newFormat = before?.file.format !== s.file.format;
    const broken = before && (newFormat || before.file.run !== s.file.run || s.beginMs - before.endMs > holeMs);
    if (broken) lines.push('#EXT-X-DISCONTINUITY');
    if (newFormat && container === 'fmp4') lines.push(`#EXT-X-MAP:URI="hls/init-${s.file.format}.mp4"`);
    if (before?.file !== s.file) lines.push(`#EXT-X-PROGRAM-DATE-TIME:${isoTime(s.beginMs)}`);
    lines.push(`#EXTINF:${((s.endMs - s.beginMs) / 1000).toFixed(5)},`, s.uri);
    before = s;
  }
  lines.push('#EXT-X-ENDLIST', '');
  return lines.join('\n');
}

/**
 * What a playlist names: an init segment by format, or a segment by its times. Fault
 * `not-found` for any other path.
 */
export async function hlsAnswer(place: Place, name: string, path: string): Promise<MediaAnswer> {
  const track = trackNamed(place.index, name);
  const format = /^init-([0-9a-f]{16})\.mp4$/.exec(path)?.[1];
  if (format !== undefined) return { ...answer, body: initSegment(place.index, format) };
  const [, from, to, extension] = /^(\d{1,15})-(\d{1,15})\.(m4s|ts)$/.exec(path) ?? [];
  if (from === undefined || to === undefined) throw absent(path);
  const [a, b] = [Number(from), Number(to)];
  for (const file of place.index.files(track.id, a, b)) {
    const records = place.index.records(file).filter(r => Math.floor(r.beginMs) >= a && Math.floor(r.beginMs) < b);
    if (records.length === 0) continue;
    if (extension === 'm4s') return { ...answer, body: await readSegment(place, file, records) };
    return { contentType: 'video/mp2t', immutable: true, body: await readTsSegment(place, file, records) };
  }
  throw absent(path);
}

const answer = { contentType: 'video/mp4', immutable: true } as const;

const absent = (path: string): Fault => new Fault('absent', 'no-data', `there is no footage behind hls/${path}`);

async function readTsSegment(place: Place, file: FileRow, records: readonly FragmentRecord[]): Promise<Uint8Array> {
  checkSize(records);
  const init = initOf(place.index, file.format);
  const reader = new MediaReader(place);
  try {
    const units: SampleUnit[] = [];
    for (const record of records) units.push(...(await readUnits(reader, { file, init, record })));
    // The first digits of the format's hash: another version of the program map where the format is another one.
    const version = Number.parseInt(file.format.slice(0, 2), 16) % 32;
    return new Muxer({ id: 0, tracks: init.tracks }, {}, { version }).segment(units);
  } finally {
    await reader.close();
  }
}

function checkSize(records: readonly FragmentRecord[]): { begin: number; end: number } {
  const begin = records[0]?.offset ?? 0;
  const end = records.reduce((most, r) => Math.max(most, r.offset + r.bytes), 0);
  if (end - begin > largestSegment)
    throw new Fault('argument', 'too-large', `expected a segment of at most ${largestSegment} bytes`);
  return { begin, end };
}

async function readSegment(place: Place, file: FileRow, records: readonly FragmentRecord[]): Promise<Uint8Array> {
  const { begin, end } = checkSize(records);
  const reader = new MediaReader(place);
  try {
    const bytes = await reader.read(file, begin, end - begin);
    shiftMediaTime(bytes, file.origins);
    hideUnplayable(bytes, initOf(place.index, file.format));
    return bytes;
  } finally {
    await reader.close();
  }
}

function initSegment(index: ArchiveIndex, format: string): Uint8Array {
  const bytes = index.format(format)?.slice();
  if (!bytes) throw absent(`init-${format}.mp4`);
  hideUnplayable(bytes, initOf(index, format));
  return bytes;
}

/** What is in an init segment of the index. */
export function initOf(index: ArchiveIndex, format: string): Init {
  const init = parseInit(index.format(format) ?? new Uint8Array());
  if (!init || 'need' in init)
    throw new Fault('storage', 'index-damaged', `expected an init segment under ${format}, got something else`);
  return init;
}

const isPlayable = (index: ArchiveIndex, file: FileRow, container: 'fmp4' | 'ts'): boolean =>
  initOf(index, file.format).tracks.some(container === 'ts' ? isCarried : fitsHls);

function hideUnplayable(bytes: Uint8Array, init: Init): void {
  if (init.tracks.every(fitsHls)) return;
  const hidden = new Set(init.tracks.flatMap((t, i) => (fitsHls(t) ? [] : (init.trackIds[i] ?? []))));
  hideTracks(bytes, id => !hidden.has(id));
}
