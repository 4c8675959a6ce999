/**
 * What an export consists of (api.md 6.2): which fragments, where each lies on the time line of
 * the new file, what is cut, what the edit lists hide. From records and the fragment headers at the two
 * borders; no other sample is looked at. Times on the new time line are seconds.
 */

import type { Track } from '#media/track';
import type { FragmentInfo } from '#mp4/fragment-parser';
import type { Edit } from '#mp4/movie-parser';
import { type FragmentRecord, recordEndMs } from '../format/record.ts';
import type { FileRow } from '../index/rows.ts';
import { leadOf, type Source } from './fragment-units.ts';

/** Of movie and edit lists, ticks per second. */
export const movieTimescale = 90_000;

/** Samples of one fragment in one track of the export. */
export interface Chunk {
  readonly source: Source;
  /** Index of its track in the source. */
  readonly track: number;
  readonly count: number;
  /** Bytes of the samples that are taken. */
  readonly bytes: number;
  /** Decoding time of its first sample in the export, ticks. */
  dts: number;
  /** Of the samples taken, as the source has them. */
  readonly duration: number;
  /** Added to the last sample's duration, so that the next chunk begins where it should. */
  extra: number;
  description: number;
  /** From the first byte of sample data of the export. */
  dataOffset: number;
  /** Of its first sample, in the file that it is in. */
  fileOffset: number;
}

export interface OutTrack {
  readonly kind: Track['kind'];
  readonly timescale: number;
  readonly descriptions: [Track, ...Track[]];
  readonly chunks: Chunk[];
  edits: Edit[];
}

export interface Piece {
  readonly file: FileRow;
  readonly offset: number;
  readonly bytes: number;
}

/** A fragment of which something is taken, in its place. */
export interface OutFragment extends Taken {
  /** Added to seconds of its run to have those of the export. */
  readonly shift: number;
  /** It does not follow on from the fragment before it. */
  readonly discontinuity: boolean;
  /** Video first: with the index of their track in the export. */
  readonly chunks: readonly { readonly track: number; readonly chunk: Chunk }[];
}

export interface ExportPlan {
  readonly tracks: readonly OutTrack[];
  readonly fragments: readonly OutFragment[];
  /** A gap lasts as long as it did. */
  readonly keepsGaps: boolean;
  /** Sample data in order. */
  readonly pieces: readonly Piece[];
  readonly dataBytes: number;
  /** Wall clock of the first picture shown. */
  readonly beginMs: number;
}

/** A fragment with how many samples of each of its tracks are taken. */
export interface Taken {
  readonly source: Source;
  readonly tracks: readonly { readonly count: number; readonly bytes: number; readonly duration: number }[];
  /** Presentation time of the sample whose wall clock is the fragment's, seconds of the file, if its header was read. */
  readonly lead?: number;
}

/** All samples of a fragment, as its record counts them: for fragments within the interval. */
export const takeWhole = (source: Source): Taken => ({
  source,
  tracks: source.record.tracks.map(({ samples, bytes, duration }) => ({ count: samples, bytes, duration })),
});

/**
 * What of a fragment is shown before `endMs`: per track, in decoding order, up to the last sample that
 * begins before it.
 */
export function takeUntil(source: Source, info: FragmentInfo, endMs: number): Taken {
  const lead = leadOf(source, info);
  const tracks = source.init.tracks.map((track, i) => {
    const t = info.tracks.find(s => s.trackId === source.init.trackIds[i]);
    if (!t) return { count: 0, bytes: 0, duration: 0 };
    const { duration, size, compositionOffset } = t.samples;
    let [dts, bytes, time] = [t.baseDts ?? 0, 0, 0];
    let taken = { count: 0, bytes: 0, duration: 0 };
    for (let j = 0; j < t.count; j++) {
      const seconds = (dts + (compositionOffset[j] ?? 0)) / track.timescale;
      bytes += size[j] ?? 0;
      time += duration[j] ?? 0;
      dts += duration[j] ?? 0;
      // Half a tick of the slowest clock in use: rounding must not decide.
      if (source.record.beginMs + (seconds - lead) * 1000 < endMs - 0.05)
        taken = { count: j + 1, bytes, duration: time };
    }
    return taken;
  });
  return { source, tracks, lead };
}

export interface Interval {
  readonly beginMs: number;
  readonly endMs: number;
}

/** `first` is the header of the first fragment taken. At least one fragment is taken. */
export function planExport(
  taken: readonly Taken[],
  first: FragmentInfo,
  interval: Interval,
  gaps: 'skip' | 'keep',
): ExportPlan {
  const tracks = new Map<Track['kind'], OutTrack>();
  const place = new TimeLine(gaps);
  for (const t of taken) place.add(t, tracks);
  const out = (['video', 'audio'] as const).flatMap(kind => tracks.get(kind) ?? []);
  for (const t of out) closeHoles(t);
  const { fragments, pieces, dataBytes } = layOut(taken, out, place.places);
  const start = taken[0]?.source;
  const beginMs = start ? Math.max(interval.beginMs, start.record.beginMs) : interval.beginMs;
  if (start) {
    const lead = leadOf(start, first);
    // Pictures shown out of order are shown so much later than they are decoded.
    const delay = lead - dtsSeconds(start);
    const from = place.secondsOf(start, lead) + (beginMs - start.record.beginMs) / 1000;
    const last = taken.at(-1);
    const lastLead = last?.lead ?? (last ? dtsSeconds(last.source) + delay : 0);
    // The last footage may be of another kind than the first.
    const lastDelay = last ? lastLead - dtsSeconds(last.source) : delay;
    const endWanted = last
      ? place.secondsOf(last.source, lastLead) + (interval.endMs - last.source.record.beginMs) / 1000
      : 0;
    // The last picture lasts until the end asked for, or until the footage ends.
    const to = Math.min(place.end + lastDelay, endWanted);
    const wait = gaps === 'keep' ? Math.max(0, beginMs - interval.beginMs) / 1000 : 0;
    for (const t of out) t.edits = editsOf(t, from, Math.max(from, to), wait, t.kind === 'video' ? lastDelay : 0);
  }
  return {
    keepsGaps: gaps === 'keep',
    tracks: out,
    fragments,
    pieces,
    dataBytes,
    beginMs: gaps === 'keep' ? interval.beginMs : beginMs,
  };
}

/** Puts fragments one behind the other: exactly within uninterrupted media, closed up or held apart at gaps. */
class TimeLine {
  readonly #gaps: 'skip' | 'keep';
  #run: number | undefined;
  /** What is added to seconds of the run. */
  #shift = 0;
  #firstShift: number | undefined;
  /** Media end of the last fragment, seconds of the run. */
  #runEnd = 0;
  /** Wall clock minus time line, of the first fragment. */
  #wallStartMs: number | undefined;
  #last: Source | undefined;
  /** Where everything so far ends. */
  end = 0;
  /** Of each fragment that is used. */
  readonly places = new Map<Source, { readonly shift: number; readonly discontinuity: boolean }>();

  constructor(gaps: 'skip' | 'keep') {
    this.#gaps = gaps;
  }

  add({ source, tracks }: Taken, out: Map<Track['kind'], OutTrack>): void {
    const spans = source.init.tracks.map((t, i) => {
      const begin = runTicks(source, i) / t.timescale;
      return { begin, end: begin + (tracks[i]?.duration ?? 0) / t.timescale, used: (tracks[i]?.count ?? 0) > 0 };
    });
    const used = spans.filter(s => s.used);
    if (used.length === 0) return;
    const lead = spans.find((s, i) => s.used && source.init.tracks[i]?.kind === 'video') ?? used[0];
    const begin = Math.min(...used.map(s => s.begin));
    const wall = source.record.beginMs / 1000;
    const wallBegin = wall - ((lead?.begin ?? 0) - begin);
    this.#wallStartMs ??= wallBegin * 1000;
    const kept = this.#gaps === 'keep' ? wallBegin - this.#wallStartMs / 1000 : 0;
    // With gaps kept the wall clock may leave the media behind within a run too: it was set, or the camera's clock is slow.
    const isNew =
      this.#run !== source.file.run ||
      Math.abs((lead?.begin ?? 0) - this.#runEnd) > 1 ||
      kept - (begin + this.#shift) > 1;
    if (isNew) {
      const at = Math.max(this.end, kept);
      this.#shift = at - begin;
      this.#firstShift ??= this.#shift;
      this.#run = source.file.run;
    }
    this.places.set(source, { shift: this.#shift, discontinuity: isNew && this.places.size > 0 });
    this.#runEnd = lead?.end ?? 0;
    this.#last = source;
    source.init.tracks.forEach((track, i) => {
      const t = tracks[i];
      if (!t || t.count === 0) return;
      this.#addChunk(out, track, source, i, t, isNew);
    });
    this.end = Math.max(this.end, ...used.map(s => s.end + this.#shift));
  }

  #addChunk(
    out: Map<Track['kind'], OutTrack>,
    track: Track,
    source: Source,
    index: number,
    { count, bytes, duration }: Taken['tracks'][number],
    isNew: boolean,
  ): void {
    let o = out.get(track.kind);
    if (!o) {
      o = { kind: track.kind, timescale: track.timescale, descriptions: [track], chunks: [], edits: [] };
      out.set(track.kind, o);
    }
    // One track of a kind, one timescale: what does not fit is left out.
    const isFirst = source.init.tracks.findIndex(t => t.kind === track.kind) === index;
    if (!isFirst || track.timescale !== o.timescale) return;
    const before = o.chunks.at(-1);
    const same = before && !isNew && before.source.file.run === source.file.run;
    const dts = same
      ? before.dts + runTicks(source, index) - runTicks(before.source, before.track)
      : Math.round((runTicks(source, index) / track.timescale + this.#shift) * track.timescale);
    const description = before?.source.file.format === source.file.format ? before.description : describe(o, track);
    o.chunks.push({
      source,
      track: index,
      count,
      bytes,
      dts,
      duration,
      extra: 0,
      description,
      dataOffset: 0,
      fileOffset: 0,
    });
  }

  /** Time line of a moment of a file's time, seconds; of the first fragment's file or the last one's. */
  secondsOf(source: Source, fileSeconds: number): number {
    const i = leadTrack(source);
    const shift = source === this.#last ? this.#shift : (this.#firstShift ?? 0);
    return (source.file.origins[i] ?? 0) / (source.init.tracks[i]?.timescale ?? 1) + fileSeconds + shift;
  }
}

/** The video track if the fragment has any of it, else the first that it has. */
function leadTrack({ init, record }: Source): number {
  const has = (i: number): boolean => (record.tracks[i]?.samples ?? 0) > 0;
  const video = init.tracks.findIndex((t, i) => t.kind === 'video' && has(i));
  return video >= 0
    ? video
    : Math.max(
        0,
        init.tracks.findIndex((_, i) => has(i)),
      );
}

/** Decoding time of a fragment's first sample, seconds of the file. */
const dtsSeconds = (source: Source): number => {
  const i = leadTrack(source);
  return (source.record.tracks[i]?.baseDts ?? 0) / (source.init.tracks[i]?.timescale ?? 1);
};

/** Decoding time of a fragment's first sample, ticks of the run. */
const runTicks = ({ file, record }: Source, track: number): number =>
  (file.origins[track] ?? 0) + (record.tracks[track]?.baseDts ?? 0);

function describe(out: OutTrack, track: Track): number {
  const text = JSON.stringify(track);
  const known = out.descriptions.findIndex(d => JSON.stringify(d) === text);
  return known >= 0 ? known : out.descriptions.push(track) - 1;
}

/** A chunk's last sample lasts until the next chunk begins: over what is missing, or a little less where clocks overlap. */
function closeHoles({ chunks }: OutTrack): void {
  chunks.forEach((c, i) => {
    const next = chunks[i + 1];
    if (next) c.extra = next.dts - c.dts - c.duration;
  });
}

/** Ranges of files in the order of the export, adjoining ones joined; fills in where each chunk's data lie. */
function layOut(
  taken: readonly Taken[],
  out: readonly OutTrack[],
  places: TimeLine['places'],
): Pick<ExportPlan, 'fragments' | 'pieces' | 'dataBytes'> {
  const chunksOf = new Map<Source, { track: number; chunk: Chunk }[]>();
  for (const [track, { chunks }] of out.entries())
    for (const chunk of chunks) {
      const known = chunksOf.get(chunk.source);
      if (known) known.push({ track, chunk });
      else chunksOf.set(chunk.source, [{ track, chunk }]);
    }
  const fragments: OutFragment[] = [];
  const pieces: Piece[] = [];
  let dataBytes = 0;
  for (const t of taken) {
    const { source } = t;
    const place = places.get(source);
    const chunks = chunksOf.get(source) ?? [];
    if (place) fragments.push({ ...t, ...place, chunks });
    // In a fragment the data of video come first, then those of the other tracks in order.
    for (const { chunk: c } of chunks) {
      const offset = source.record.offset + source.record.headerBytes + bytesBefore(source, c.track);
      c.dataOffset = dataBytes;
      c.fileOffset = offset;
      dataBytes += c.bytes;
      const last = pieces.at(-1);
      if (last?.file === source.file && last.offset + last.bytes === offset)
        pieces[pieces.length - 1] = { ...last, bytes: last.bytes + c.bytes };
      else pieces.push({ file: source.file, offset, bytes: c.bytes });
    }
  }
  return { fragments, pieces, dataBytes };
}

function bytesBefore({ init, record }: Source, track: number): number {
  const rank = (i: number): number => (init.tracks[i]?.kind === 'video' ? 0 : 1) * init.tracks.length + i;
  return record.tracks.reduce((sum, t, i) => (rank(i) < rank(track) ? sum + t.bytes : sum), 0);
}

function editsOf(track: OutTrack, from: number, to: number, wait: number, delay: number): Edit[] {
  const first = track.chunks[0];
  const last = track.chunks.at(-1);
  if (!first || !last) return [];
  const begin = first.dts / track.timescale;
  const end = (last.dts + last.duration) / track.timescale + delay;
  const ticks = (seconds: number): number => Math.round(seconds * movieTimescale);
  // What of the track comes later than the picture shown first, or than the begin asked for.
  const empty = ticks(wait + Math.max(0, begin - from));
  const shown = Math.max(0, ticks(Math.min(to, end)) - ticks(Math.max(from, begin)));
  return [
    ...(empty > 0 ? [{ duration: empty, mediaTime: -1 }] : []),
    { duration: shown, mediaTime: Math.max(0, Math.round((from - begin) * track.timescale)) },
  ];
}

/** How far from its place in decoding order a picture may be shown: sixteen pictures of 25 a second. */
export const reorderMs = 640;

/** Fragments of a file that an interval needs: from the key frame before its begin. */
export function neededOf(records: readonly FragmentRecord[], interval: Interval): FragmentRecord[] {
  let first = records.findIndex(r => recordEndMs(r) > interval.beginMs);
  if (first < 0) return [];
  while (first > 0 && !records[first]?.keyframe) first--;
  return records.slice(first).filter(r => r.beginMs - (r.reordered ? reorderMs : 0) < interval.endMs);
}
