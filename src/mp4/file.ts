/**
 * MP4 and QuickTime files of others, progressive or fragmented (ISO/IEC 14496-12): the tracks that
 * we know, and every sample's place and time. Sample data stay in the file; `readUnit`
 * makes them access unit data. Left out: sample groups, external data references, encryption.
 */
import { Fault } from '#core/errors';
import { nalus } from '#media/access-unit';
import type { AudioTrack, Track, VideoTrack } from '#media/track';
import { boxesIn, boxHeader } from './box.ts';
import { type FragmentSamples, readSamples } from './fragment-parser.ts';
import { type Movie, type MovieTrack, parseMovie } from './movie-parser.ts';
import { emptySamples, type FileSamples, mostSamples, readSampleTable } from './sample-table.ts';
import type { ParsedEntry } from './track-parser.ts';

export type ReadBytes = (offset: number, length: number) => Promise<Uint8Array>;

export interface FileTrack {
  /** By sample description. pts and dts of the file are in the timescale of these. */
  readonly entries: readonly (ParsedEntry | undefined)[];
  readonly timescale: number;
  readonly samples: FileSamples;
  /** Added to pts and dts for the time of the movie, in the track's timescale: what the edit list moves the track by. */
  readonly shift: number;
}

export interface Mp4File {
  /** Those with samples, video first. */
  readonly tracks: readonly FileTrack[];
  /** Tracks left out, as handler and sample entry, e.g. `text/tx3g`. */
  readonly skipped: readonly string[];
}

/** A `moov` of more than that has more samples than we take. */
const moovLimitBytes = 1 << 29;

/** Rejects with Fault `unsupported` for what is no MP4, `protocol` for one that is damaged, and with whatever `read` rejects. */
export async function readMp4(read: ReadBytes, fileBytes: number): Promise<Mp4File> {
  const start = await read(0, Math.min(fileBytes, 4096));
  if (!looksLikeMp4(start)) throw new Fault('unsupported', 'not-mp4', `expected an MP4 file, got another`);
  let movie: Movie | undefined;
  let tables: FileSamples[] = [];
  const fragments: FragmentSamples[][] = [];
  let rows = 0;
  for (let at = 0; at + 8 <= fileBytes; ) {
    const headBytes = await read(at, Math.min(16, fileBytes - at));
    const header = boxHeader(headBytes, 0, headBytes.length);
    if (!header) break;
    const size = header.size === 0 ? fileBytes - at : header.size;
    if (at + size > fileBytes && header.type !== 'mdat') break;
    if (header.type === 'moov' && !movie) {
      if (size > moovLimitBytes) throw damaged(`a moov of at most ${moovLimitBytes} bytes, got ${size}`);
      const bytes = await read(at, size);
      const box = boxesIn(bytes)[0];
      if (!box) throw damaged(`a whole moov at ${at}`);
      const found = parseMovie(bytes, box);
      movie = found;
      tables = found.tracks.map(t => readSampleTable(bytes, t.tables) ?? emptySamples(0));
      rows = tables.reduce((sum, t) => sum + t.count, 0);
    } else if (header.type === 'moof' && movie && size <= 1 << 24) {
      const defaults = new Map(movie.tracks.flatMap(t => (t.defaults ? [[t.trackId, t.defaults] as const] : [])));
      const read1 = readSamples(await read(at, size), at, defaults);
      if (!read1) break;
      rows += read1.reduce((sum, t) => sum + t.count, 0);
      if (rows > mostSamples) break;
      fragments.push(read1);
    }
    at += size;
  }
  if (!movie) throw damaged('a moov box (a recording that was cut off before it was finished has none)');
  const tracks = movie.tracks.map((track, i) =>
    fileTrack(movie, track, tables[i] ?? emptySamples(0), fragments, fileBytes),
  );
  const used = tracks.filter(t => t.samples.count > 0);
  if (used.length === 0)
    throw damaged(`samples of video or audio that we know, got ${movie.skipped.join(', ') || 'none'}`);
  const isVideo = (t: FileTrack): boolean => t.entries[0]?.track.kind === 'video';
  return { tracks: [...used.filter(isVideo), ...used.filter(t => !isVideo(t))], skipped: movie.skipped };
}

const damaged = (expected: string): Fault => new Fault('protocol', 'mp4-damaged', `expected ${expected}`);

/** By the first bytes of a file. */
export function looksLikeMp4(start: Uint8Array): boolean {
  const first = boxHeader(start, 0, start.length);
  return first !== undefined && ['ftyp', 'moov', 'mdat', 'free', 'skip', 'wide', 'styp', 'pnot'].includes(first.type);
}

function fileTrack(
  movie: Movie,
  track: MovieTrack,
  table: FileSamples,
  fragments: readonly (readonly FragmentSamples[])[],
  fileBytes: number,
): FileTrack {
  const mine = fragments.flatMap(f => f.filter(t => t.trackId === track.trackId));
  const samples = inside(mine.length > 0 ? appended(table, mine) : table, fileBytes);
  const seconds = (samples.endDts - (samples.dts[0] ?? 0)) / track.timescale;
  const framerate = seconds > 0 ? Math.round((samples.count / seconds) * 1000) / 1000 : 0;
  return {
    entries: track.entries.map(e => (e?.track.kind === 'video' ? { ...e, track: { ...e.track, framerate } } : e)),
    timescale: track.timescale,
    samples,
    shift: shiftOf(movie, track),
  };
}

/** Empty edits move a track back in time, the start of the first real one forward (8.6.6). Later edits are not followed. */
export function shiftOf(movie: Movie, track: MovieTrack): number {
  let shift = 0;
  for (const edit of track.edits) {
    if (edit.mediaTime >= 0) return shift - edit.mediaTime;
    shift += Math.round((edit.duration * track.timescale) / movie.timescale);
  }
  return shift;
}

/** Samples up to the first whose data the file has not. */
function inside(samples: FileSamples, fileBytes: number): FileSamples {
  for (let i = 0; i < samples.count; i++) {
    const offset = samples.offset[i] ?? 0;
    if (offset >= 0 && offset + (samples.size[i] ?? 0) <= fileBytes) continue;
    return { ...samples, count: i, endDts: samples.dts[i] ?? 0 };
  }
  return samples;
}

function appended(table: FileSamples, fragments: readonly FragmentSamples[]): FileSamples {
  const all = emptySamples(table.count + fragments.reduce((sum, f) => sum + f.count, 0));
  for (const column of ['offset', 'size', 'dts', 'compositionOffset', 'keyframe', 'description'] as const)
    all[column].set(table[column].subarray(0, table.count));
  let i = table.count;
  let time = table.endDts;
  for (const { baseDts, count, samples } of fragments) {
    time = Math.max(time, baseDts ?? time);
    all.offset.set(samples.offset, i);
    all.size.set(samples.size, i);
    all.compositionOffset.set(samples.compositionOffset, i);
    all.keyframe.set(samples.keyframe, i);
    for (let n = 0; n < count; n++, i++) {
      all.dts[i] = time;
      time += samples.duration[n] ?? 0;
    }
  }
  return { ...all, endDts: time };
}

/**
 * Bytes of a sample as an access unit has them: lengths of 4 bytes, no parameter sets, no
 * delimiters. The sample itself where it is so already, else a copy; undefined when nothing is left.
 */
export function unitData(sample: Uint8Array, { track, lengthBytes }: ParsedEntry): Uint8Array | undefined {
  if (lengthBytes === 0) return sample;
  if (lengthBytes === 4) {
    let covered = 0;
    let clean = true;
    for (const nalu of nalus(sample)) {
      covered += 4 + nalu.length;
      if (!isMedia(nalu, track.codec)) clean = false;
    }
    if (clean && covered === sample.length) return covered > 0 ? sample : undefined;
  }
  const kept: Uint8Array[] = [];
  let length = 0;
  for (const nalu of lengthBytes === 4 ? nalus(sample) : shortNalus(sample, lengthBytes)) {
    if (!isMedia(nalu, track.codec)) continue;
    kept.push(nalu);
    length += 4 + nalu.length;
  }
  if (length === 0) return undefined;
  const data = new Uint8Array(length);
  const view = new DataView(data.buffer);
  let at = 0;
  for (const nalu of kept) {
    view.setUint32(at, nalu.length);
    data.set(nalu, at + 4);
    at += 4 + nalu.length;
  }
  return data;
}

/** Neither parameter set nor access unit delimiter nor empty. H.264 table 7-1, H.265 table 7-1. */
function isMedia(nalu: Uint8Array, codec: Track['codec']): boolean {
  const first = nalu[0];
  if (first === undefined) return false;
  if (codec === 'h265') {
    const type = (first >> 1) & 0x3f;
    return type < 32 || type > 35;
  }
  const type = first & 0x1f;
  return type < 7 || (type > 9 && type !== 13);
}

function* shortNalus(sample: Uint8Array, lengthBytes: number): Generator<Uint8Array> {
  for (let at = 0; at + lengthBytes <= sample.length; ) {
    let length = 0;
    for (let i = 0; i < lengthBytes; i++) length = length * 256 + (sample[at + i] ?? 0);
    const end = at + lengthBytes + length;
    if (end > sample.length) return;
    yield sample.subarray(at + lengthBytes, end);
    at = end;
  }
}

/** The track as the house wants it: video in 90000 ticks per second, audio in its sample rate. */
export function houseTrack(track: Track): VideoTrack | AudioTrack {
  if (track.kind === 'video') return { ...track, timescale: 90_000 };
  const samplesPerUnit = Math.round((track.samplesPerUnit * track.sampleRate) / track.timescale);
  return { ...track, timescale: track.sampleRate, samplesPerUnit };
}
