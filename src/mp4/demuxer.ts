/**
 * Fragmented MP4 as a stream (ISO/IEC 14496-12 8.8): `moov`, then `moof` and `mdat` for ever, split anywhere, to runs
 * and access units. The first video and the first audio track that we know; the first sample description of each. A
 * further `moov` may change them. Kept, whatever the bytes are: a header box (`moov` 1 MiB, `moof` 16 MiB) and one sample
 * (16 MiB) with its slab. Left out: `prft`, `sidx`, events, encryption, parameter sets inside samples.
 */
import type { DemuxerOptions, DemuxerTaker, StreamDemuxer } from '#demux/demuxer';
import { RunMaker, stampRate } from '#demux/run-maker';
import { UnitBuffer } from '#media/unit-buffer';
import { boxAt, boxHeader } from './box.ts';
import { houseTrack, shiftOf, unitData } from './file.ts';
import { readSamples, type SampleTable } from './fragment-parser.ts';
import { type Movie, type MovieTrack, parseMovie, type TrackDefaults } from './movie-parser.ts';
import type { ParsedEntry } from './track-parser.ts';

const moovLimitBytes = 1 << 20;
const moofLimitBytes = 1 << 24;
const slabBytes = 256 << 10;
const sampleLimitBytes = 16 << 20;

/** Why a stream cannot be played, however much of it comes. */
export interface Refusal {
  readonly why: 'not-mp4' | 'mp4-damaged' | 'in-band-parameter-sets' | 'no-supported-media';
  readonly expected: string;
}

/** A track that is taken, and where it is in its fragment. */
interface Taken {
  readonly kind: 'video' | 'audio';
  readonly id: number;
  readonly entry: ParsedEntry;
  readonly timescale: number;
  readonly shift: number;
  /** Decoding time of the next sample of the track; of the first of a fragment that does not say. */
  dts: number;
  samples: SampleTable | undefined;
  next: number;
}

export class Mp4Demuxer implements StreamDemuxer {
  readonly #taker: DemuxerTaker;
  readonly #enable: readonly string[];
  readonly #runs: RunMaker;
  readonly #sample = new UnitBuffer(slabBytes, sampleLimitBytes);
  /** Bytes of a box header, then of a box that is kept whole. */
  #kept = new Uint8Array(16);
  #filled = 0;
  /** Of the box at hand; 0: its header is not known yet. */
  #boxBytes = 0;
  #what: 'header' | 'keep' | 'skip' | 'data' = 'header';
  /** Still to be passed over, or in `mdat`. */
  #left = 0;
  /** Place of the next byte in the stream. */
  #at = 0;
  #boxAt = 0;
  #defaults: ReadonlyMap<number, TrackDefaults> = new Map();
  #tracks: readonly Taken[] = [];
  /** The sample that is read now. */
  #current: Taken | undefined;
  #currentEnd = 0;
  #refusal: Refusal | undefined;
  #sawMovie = false;

  /** `runs`: shared with a demuxer of the other kind of media, where pictures and sound are streams of their own. */
  constructor(taker: DemuxerTaker, options: DemuxerOptions, runs = new RunMaker(taker, options.nextRunId)) {
    this.#taker = taker;
    this.#enable = options.enable ?? ['video', 'audio'];
    this.#runs = runs;
  }

  /** Set for good when the stream cannot be played; what is pushed then is ignored. */
  get refusal(): Refusal | undefined {
    return this.#refusal;
  }

  push(bytes: Uint8Array, arrivalMs: number): void {
    for (let i = 0; i < bytes.length && this.#refusal === undefined; ) {
      switch (this.#what) {
        case 'header':
          i += this.#header(bytes, i);
          break;
        case 'keep':
          i += this.#keep(bytes, i);
          break;
        case 'skip':
          i += this.#skip(bytes.length - i);
          break;
        case 'data':
          i += this.#data(bytes, i, arrivalMs);
          break;
      }
    }
  }

  /** Begins anew, with the next box: another file follows, or a piece is missing. Tracks stay known. */
  restart(): void {
    this.#nextBox();
    this.#sample.drop();
    this.#current = undefined;
    for (const t of this.#tracks) t.samples = undefined;
  }

  end(): void {
    this.restart();
    this.#runs.end();
    for (const t of this.#tracks) t.dts = 0;
  }

  #nextBox(): void {
    this.#what = 'header';
    this.#filled = 0;
    this.#boxBytes = 0;
    if (this.#kept.length > 65536) this.#kept = new Uint8Array(16);
  }

  /** Takes bytes of a header until it is whole; how many. */
  #header(bytes: Uint8Array, begin: number): number {
    if (this.#filled === 0) this.#boxAt = this.#at;
    const long = this.#filled >= 8 && isLong(this.#kept);
    const want = (long ? 16 : 8) - this.#filled;
    const taken = Math.min(want, bytes.length - begin);
    this.#kept.set(bytes.subarray(begin, begin + taken), this.#filled);
    this.#filled += taken;
    this.#at += taken;
    if (this.#filled < 8 || (isLong(this.#kept) && this.#filled < 16)) return taken;
    const header = boxHeader(this.#kept, 0, this.#filled);
    if (header === undefined || !/^[\w \u00a9-]{4}$/.test(header.type))
      this.#refuse('mp4-damaged', `a box at ${this.#boxAt}`);
    else if (this.#at <= 16 && !firstTypes.includes(header.type) && !this.#sawMovie)
      this.#refuse('not-mp4', 'an MP4 that begins with ftyp, styp or moov');
    else this.#open(header.type, header.size === 0 ? Number.POSITIVE_INFINITY : header.size);
    return taken;
  }

  #open(type: string, size: number): void {
    this.#boxBytes = size;
    this.#left = size - this.#filled;
    const limit = type === 'moov' ? moovLimitBytes : type === 'moof' ? moofLimitBytes : 0;
    if (size < this.#filled || (limit > 0 && size > limit)) {
      this.#refuse('mp4-damaged', `a ${type} of at most ${limit} bytes, got ${size} (is the file fragmented?)`);
      return;
    }
    if (type === 'mdat') {
      this.#what = 'data';
      if (!this.#sawMovie) this.#refuse('mp4-damaged', 'a fragmented MP4, got one whose media come before its moov');
    } else this.#what = limit > 0 ? 'keep' : 'skip';
    if (this.#left === 0) this.#boxEnds();
  }

  #keep(bytes: Uint8Array, begin: number): number {
    const taken = Math.min(this.#left, bytes.length - begin);
    const needed = this.#filled + taken;
    if (needed > this.#kept.length) {
      // Grows with what comes, not with what a header claims.
      const larger = new Uint8Array(Math.min(this.#boxBytes, Math.max(4096, 2 * needed)));
      larger.set(this.#kept.subarray(0, this.#filled));
      this.#kept = larger;
    }
    this.#kept.set(bytes.subarray(begin, begin + taken), this.#filled);
    this.#filled += taken;
    this.#pass(taken);
    return taken;
  }

  #skip(available: number): number {
    const taken = Math.min(this.#left, available);
    this.#pass(taken);
    return taken;
  }

  #pass(taken: number): void {
    this.#at += taken;
    this.#left -= taken;
    if (this.#left === 0) this.#boxEnds();
  }

  #boxEnds(): void {
    if (this.#what === 'keep') {
      const whole = this.#kept.subarray(0, this.#filled);
      const box = boxAt(whole, 0, whole.length);
      if (box?.type === 'moov') this.#movie(parseMovie(whole, box));
      else if (box?.type === 'moof') this.#fragment(whole);
    } else if (this.#what === 'data') {
      if (this.#current !== undefined) this.#drop('a sample that goes beyond its mdat');
      for (const t of this.#tracks) t.samples = undefined;
    }
    this.#nextBox();
  }

  #movie(movie: Movie): void {
    this.#sawMovie = true;
    for (const skipped of movie.skipped) this.#taker.problem(`left out: ${skipped}`);
    const find = (kind: 'video' | 'audio'): MovieTrack | undefined =>
      this.#enable.includes(kind) ? movie.tracks.find(t => t.entries[0]?.track.kind === kind) : undefined;
    const before = this.#tracks;
    const taken: Taken[] = [];
    for (const kind of ['video', 'audio'] as const) {
      const track = find(kind);
      const entry = track?.entries[0];
      if (track === undefined || entry === undefined) continue;
      if (entry.lengthBytes > 0 && entry.track.kind === 'video' && entry.track.parameterSets.length === 0) {
        this.#refuse('in-band-parameter-sets', 'parameter sets in the sample description, got none');
        return;
      }
      const dts = before.find(t => t.kind === kind)?.dts ?? 0;
      const { trackId: id, timescale } = track;
      taken.push({ kind, id, entry, timescale, shift: shiftOf(movie, track), dts, samples: undefined, next: 0 });
    }
    if (taken.length === 0) {
      this.#refuse(
        'no-supported-media',
        `${this.#enable.join(' or ')} that we know, got ${movie.skipped.join(', ') || 'none'}`,
      );
      return;
    }
    if (taken.every(t => !movie.tracks.some(m => m.trackId === t.id && m.defaults !== undefined))) {
      this.#refuse('mp4-damaged', 'a fragmented MP4, got one that is not');
      return;
    }
    this.#defaults = new Map(movie.tracks.flatMap(t => (t.defaults ? [[t.trackId, t.defaults] as const] : [])));
    this.#tracks = taken;
    this.#runs.streams(news(before, taken, 'video'), news(before, taken, 'audio'));
    for (const t of taken) this.#runs.format(houseTrack(t.entry.track));
  }

  #fragment(moof: Uint8Array): void {
    if (!this.#sawMovie) {
      this.#refuse('mp4-damaged', 'a moov before the first moof');
      return;
    }
    const read = readSamples(moof, this.#boxAt, this.#defaults);
    if (read === undefined) this.#taker.problem('a moof that makes no sense');
    for (const t of this.#tracks) {
      const fragment = read?.find(f => f.trackId === t.id);
      t.samples = fragment?.samples;
      t.next = 0;
      if (fragment?.baseDts !== undefined) t.dts = fragment.baseDts;
    }
  }

  /** Bytes of `mdat`: to the sample at hand, or past what is between samples. */
  #data(bytes: Uint8Array, begin: number, arrivalMs: number): number {
    const most = Math.min(this.#left, bytes.length - begin);
    if (this.#current === undefined) {
      const track = this.#earliest();
      if (track === undefined) {
        this.#pass(most);
        return most;
      }
      const place = track.samples?.offset[track.next] ?? 0;
      if (place > this.#at) {
        const taken = Math.min(most, place - this.#at);
        this.#pass(taken);
        return taken;
      }
      this.#current = track;
      this.#currentEnd = place + (track.samples?.size[track.next] ?? 0);
      if (place < this.#at) {
        this.#drop('a sample outside its mdat');
        return 0;
      }
    }
    const taken = Math.min(most, this.#currentEnd - this.#at);
    this.#sample.append(bytes, begin, begin + taken);
    const ends = this.#at + taken === this.#currentEnd;
    if (ends) this.#finish(this.#current, arrivalMs);
    this.#pass(taken);
    return taken;
  }

  /** The track whose next sample comes first in the stream. */
  #earliest(): Taken | undefined {
    let best: Taken | undefined;
    let bestPlace = Number.POSITIVE_INFINITY;
    for (const t of this.#tracks) {
      const place = t.samples?.offset[t.next];
      if (place === undefined || place >= bestPlace) continue;
      best = t;
      bestPlace = place;
    }
    return best;
  }

  #finish(track: Taken, arrivalMs: number): void {
    const { samples, next, entry, timescale } = track;
    this.#current = undefined;
    if (samples === undefined) return;
    if (this.#sample.overflown) {
      this.#current = track;
      this.#drop('a sample larger than 16 MiB');
      return;
    }
    const dts = ((track.dts + track.shift) * stampRate) / timescale;
    const pts = dts + ((samples.compositionOffset[next] ?? 0) * stampRate) / timescale;
    const keyframe = samples.keyframe[next] === 1;
    this.#advance(track);
    const data = unitData(this.#sample.take(), entry);
    if (data === undefined || data.length === 0) return;
    if (track.kind === 'video') this.#runs.video(pts, dts, keyframe, data, 0, arrivalMs);
    else this.#runs.audio(pts, data, 0, arrivalMs);
  }

  #drop(why: string): void {
    this.#sample.drop();
    if (this.#current !== undefined) this.#advance(this.#current);
    this.#current = undefined;
    this.#taker.problem(why);
  }

  #advance(track: Taken): void {
    track.dts += track.samples?.duration[track.next] ?? 0;
    track.next++;
  }

  #refuse(why: Refusal['why'], expected: string): void {
    this.#refusal ??= { why, expected };
  }
}

const firstTypes = ['ftyp', 'styp', 'moov', 'free', 'skip', 'sidx', 'prft', 'emsg', 'moof'];

/** Size 1: the size stands in the 8 bytes behind the type. */
const isLong = (b: Uint8Array): boolean => b[0] === 0 && b[1] === 0 && b[2] === 0 && b[3] === 1;

function news(before: readonly Taken[], now: readonly Taken[], kind: Taken['kind']): 'none' | 'same' | 'new' {
  const [had, has] = [before, now].map(list => list.some(t => t.kind === kind));
  return had === has ? 'same' : has ? 'new' : 'none';
}
