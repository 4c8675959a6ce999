/**
 * One stream as HLS: access units in, a media playlist and the files that it names out
 * (docs/spec/api.md 4.2; RFC 8216 6.2). Pure: no clock, no timer.
 *
 * A segment is a list of fragments, at most a second each, and is cut
 *   - in front of the first keyframe after `segmentSeconds` (less a tenth: frame rates are not
 *     exact), and in front of every keyframe until the playlist holds that much, so that the
 *     first viewer does not wait longer than need be;
 *   - in front of any picture, while the playlist holds nothing, when it reaches eight seconds, or
 *     when `showKept` says that nothing more is at hand: cameras that save bits let twenty seconds
 *     pass between keyframes, and a player gives up sooner. The next keyframe ends what follows;
 *   - in front of any picture when it grows beyond a quarter of `limitBytes` or ten times
 *     `segmentSeconds`: a camera without keyframes is still shown, and holds no more memory.
 *
 * A new run, or media after a gap, is a discontinuity with an init segment of its own. Names
 * and sequence numbers go on: a viewer that keeps asking stays on through a reconnect.
 *
 * Media times are seconds since 1970, about: the wall clock at the start of each run, and never
 * less than before. Times that begin again at 0 are legal behind a discontinuity, but ffmpeg
 * drops what lies before its last, and hls.js, which knows a timeline by its discontinuity
 * number alone, waits for ever when the daemon has restarted and the number with it.
 *
 * Segments that have left the playlist stay for another window (RFC 8216 6.2.2), as long as
 * all of it fits into `limitBytes`; beyond that the oldest go first, whether listed or not.
 *
 * Segments are fragmented MP4, or MPEG-TS. Audio other than AAC and Opus is left out, and so are JPEG and VP8; of MPEG-TS AV1 too. Parts of LL-HLS are not offered yet.
 */
import { Fault, faultFrom } from '#core/errors';
import type { Sink } from '#hub/sink';
import type { AccessUnit } from '#media/access-unit';
import type { Gap } from '#media/gap';
import type { Run, Track } from '#media/track';
import type { Fragment } from '#mp4/fragment';
import { Fragmenter } from '#mp4/fragmenter';
import { writeInit } from '#mp4/init';
import { isCarried } from '#mpegts/layout';
import type { Counters } from '#mpegts/muxer';
import { type PlaylistSegment, writeLivePlaylist } from './playlist.ts';
import { writeTsSegment } from './ts-segment.ts';

export interface PackagerOptions {
  /** Part of every URI but the playlist's; no other packager of this source has or had the same. */
  readonly epoch: string;
  readonly segmentSeconds: number;
  /** Default fmp4. */
  readonly container?: 'fmp4' | 'ts';
  /** Segments listed. */
  readonly window: number;
  /** Media sequence number of the first segment; more than that of any packager that these viewers knew. */
  readonly firstSequence: number;
  /**
   * Discontinuity sequence number of the first segment; other than that of any packager that these
   * viewers knew. Small: hls.js 1.7 walks through all numbers from 0 on.
   */
  readonly firstDiscontinuity: number;
  /** Of everything held. Default 64 MiB: 16 s at 32 Mbit/s. */
  readonly limitBytes?: number;
  /** There is one more segment, or a fault. */
  onNews?(): void;
}

/** Names relative to the epoch's folder; the bytes lie in memory that threads share, so that a face in another one copies nothing. */
export interface HlsFile {
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

/** Below the ten seconds that players wait for a playlist. */
const patienceSeconds = 8;

/** What segments of one run have in common. */
interface Init {
  /** Undefined in MPEG-TS, whose segments have it all. */
  readonly file: { readonly name: string; readonly bytes: Uint8Array } | undefined;
  /** With the tracks that are shown. */
  readonly run: Run;
  /** Of the program map: another one for each run. */
  readonly version: number;
}

/** A segment that grows. */
class OpenSegment {
  readonly fragments: Fragment[] = [];
  readonly init: Init;
  readonly discontinuity: boolean;
  bytes = 0;
  leadSeconds = 0;
  otherSeconds = 0;

  constructor(init: Init, discontinuity: boolean) {
    this.init = init;
    this.discontinuity = discontinuity;
  }

  add(fragment: Fragment): void {
    this.fragments.push(fragment);
    this.bytes += fragment.bytes;
    const { tracks } = fragment.run;
    const lead = tracks.some(t => t.kind === 'video') ? 'video' : 'audio';
    for (const { track, duration } of fragment.tracks) {
      const { kind, timescale } = tracks[track] as Track;
      if (kind === lead) this.leadSeconds += duration / timescale;
      else this.otherSeconds += duration / timescale;
    }
  }

  get independent(): boolean {
    return this.fragments[0]?.keyframe ?? false;
  }

  /** Of the video; of the audio, where video stood still. */
  get seconds(): number {
    return this.leadSeconds || this.otherSeconds;
  }
}

/** A segment that is complete. */
interface Segment {
  readonly sequence: number;
  readonly init: Init;
  readonly seconds: number;
  readonly wallMs: number;
  readonly independent: boolean;
  readonly discontinuity: boolean;
  /** Discontinuities up to it, its own included. */
  readonly discontinuities: number;
  readonly bytes: Uint8Array;
}

export class Packager implements Sink {
  readonly #options: PackagerOptions;
  readonly #limitBytes: number;
  readonly #segments: Segment[] = [];
  #bytes = 0;
  #run: Run | undefined;
  /** By index of the track in the run: index of the track in the fragments, -1 for those left out. */
  #trackMap: readonly number[] = [];
  #fragmenter: Fragmenter | undefined;
  /** Added to the run's times, the same whole seconds in every track. */
  #shiftSeconds = 0;
  /** The latest decoding time so far, shifted. */
  #endSeconds = 0;
  #init: Init | undefined;
  #inits = 0;
  #counters: Counters = {};
  #open: OpenSegment | undefined;
  #discontinuous = false;
  #discontinuities: number;
  #sequence: number;
  #targetSeconds: number;
  #fault: Fault | undefined;

  constructor(options: PackagerOptions) {
    this.#options = options;
    this.#limitBytes = options.limitBytes ?? 64 << 20;
    this.#sequence = options.firstSequence;
    this.#discontinuities = options.firstDiscontinuity;
    this.#targetSeconds = Math.max(1, Math.round(options.segmentSeconds));
  }

  /** As much media is listed as makes a viewer begin well. */
  get ready(): boolean {
    let seconds = 0;
    for (const s of this.#segments) seconds += s.seconds;
    return seconds >= this.#leastSeconds;
  }

  /** Why the stream that flows now cannot be shown. */
  get fault(): Fault | undefined {
    return this.#fault;
  }

  /** Media sequence number of the segment that is made next. */
  get nextSequence(): number {
    return this.#sequence;
  }

  /** Discontinuity sequence number of the newest segment. */
  get discontinuities(): number {
    return this.#discontinuities;
  }

  /** Everything held, listed or not, complete or not. */
  get bytes(): number {
    return this.#bytes + (this.#open?.bytes ?? 0);
  }

  unit(unit: AccessUnit): void {
    const { run, pts, dts, wallMs, keyframe, data, lost } = unit;
    if (run !== this.#run) this.#begin(unit);
    const fragmenter = this.#fragmenter;
    const track = this.#trackMap[unit.track] ?? -1;
    if (!fragmenter || track < 0) return;
    const { timescale } = run.tracks[unit.track] as Track;
    const shift = this.#shiftSeconds * timescale;
    this.#endSeconds = Math.max(this.#endSeconds, (dts + shift) / timescale);
    const fragment = fragmenter.push({
      run,
      track,
      pts: pts + shift,
      dts: dts + shift,
      wallMs,
      keyframe,
      data,
      lost,
    });
    if (fragment) this.#take(fragment, fragmenter.nextIsKeyframe);
  }

  gap(_gap: Gap): void {
    this.#end();
  }

  playlist(): string {
    const listed = this.#segments.slice(-this.#options.window);
    const first = listed[0];
    const { epoch } = this.#options;
    return writeLivePlaylist({
      targetSeconds: this.#targetSeconds,
      sequence: first?.sequence ?? this.#sequence,
      discontinuitySequence: first ? first.discontinuities - (first.discontinuity ? 1 : 0) : this.#discontinuities,
      independent: listed.every(s => s.independent),
      segments: listed.map(
        (s): PlaylistSegment => ({
          uri: `hls/${epoch}/${s.sequence}.${this.#isTs ? 'ts' : 'm4s'}`,
          seconds: s.seconds,
          wallMs: s.wallMs,
          map: s.init.file && `hls/${epoch}/${s.init.file.name}`,
          discontinuity: s.discontinuity,
        }),
      ),
    });
  }

  /** A file of this epoch; undefined if it has gone or never was. */
  file(name: string): HlsFile | undefined {
    const sequence = (this.#isTs ? /^(\d{1,15})\.ts$/ : /^(\d{1,15})\.m4s$/).exec(name)?.[1];
    if (sequence === undefined) {
      const init = this.#segments.find(s => s.init.file?.name === name)?.init.file;
      return init && { contentType: 'video/mp4', bytes: init.bytes };
    }
    const segment = this.#segments[Number(sequence) - (this.#segments[0]?.sequence ?? 0)];
    return segment && { contentType: this.#isTs ? 'video/mp2t' : 'video/iso.segment', bytes: segment.bytes };
  }

  get #isTs(): boolean {
    return this.#options.container === 'ts';
  }

  get #leastSeconds(): number {
    return this.#options.segmentSeconds * 0.9;
  }

  #begin(first: AccessUnit): void {
    const { run } = first;
    this.#end();
    this.#run = run;
    const dtsSeconds = first.dts / (run.tracks[first.track] as Track).timescale;
    this.#shiftSeconds = Math.max(
      Math.floor(first.wallMs / 1000 - dtsSeconds),
      Math.ceil(this.#endSeconds + 1 - dtsSeconds),
    );
    this.#fault = undefined;
    const fits = this.#isTs ? isCarried : fitsHls;
    const tracks = run.tracks.filter(fits);
    this.#trackMap = run.tracks.map(t => tracks.indexOf(t));
    try {
      const refused = run.tracks.find(t => t.kind === 'video' && !fits(t));
      if (refused || tracks.length === 0)
        throw new Fault(
          'unsupported',
          'not-implemented',
          `HLS${this.#isTs ? ' in MPEG-TS' : ''} needs video in ${this.#isTs ? 'H.264 or H.265' : 'H.264, H.265 or AV1'}, or audio in AAC or Opus; the stream has ${run.tracks.map(t => t.codec).join(', ')}`,
        );
      const name = this.#inits === 0 ? 'init.mp4' : `init-${this.#inits}.mp4`;
      const shown = { id: run.id, tracks };
      const file = this.#isTs ? undefined : { name, bytes: shared(writeInit(tracks)) };
      this.#init = { file, run: shown, version: this.#inits++ % 32 };
      const limitBytes = this.#limitBytes / 8;
      this.#fragmenter = new Fragmenter(shown, {
        maxSeconds: 1,
        cutAtKeyframes: true,
        prft: false,
        originDts: 'run',
        limitBytes,
      });
    } catch (e) {
      // Parameter sets that make no init segment are the camera's; whoever asks for the playlist is told.
      this.#fault = faultFrom(e);
      this.#options.onNews?.();
    }
  }

  /** Media stops: what there is becomes the last segment before the discontinuity. */
  #end(): void {
    const rest = this.#fragmenter?.flush();
    if (rest) this.#take(rest, false);
    this.#close();
    this.#fragmenter = undefined;
    this.#run = undefined;
    this.#discontinuous = this.#segments.length > 0;
  }

  #take(fragment: Fragment, keyframeFollows: boolean): void {
    if (!this.#init) return;
    if (!this.#open) {
      this.#open = new OpenSegment(this.#init, this.#discontinuous);
      this.#discontinuous = false;
    }
    const open = this.#open;
    open.add(fragment);
    const due = open.leadSeconds >= (this.ready ? this.#leastSeconds : Math.min(0.5, this.#leastSeconds));
    const waited = this.#segments.length === 0 && open.seconds >= patienceSeconds;
    const overdue = open.seconds >= this.#options.segmentSeconds * 10 || open.bytes >= this.#limitBytes / 4;
    if ((keyframeFollows && (due || !open.independent)) || waited || overdue) this.#close();
  }

  #bytesOf({ init, fragments }: OpenSegment): readonly Uint8Array[] {
    if (!this.#isTs) return fragments.flatMap(f => [f.header, ...f.chunks]);
    const { pieces, counters } = writeTsSegment(init.run, fragments, this.#counters, init.version);
    this.#counters = counters;
    return pieces;
  }

  /** The kept group of pictures has been taken: if it is enough to begin with, it is shown now. */
  showKept(): void {
    if (this.#segments.length === 0 && (this.#open?.seconds ?? 0) >= this.#leastSeconds) this.#close();
  }

  #close(): void {
    const open = this.#open;
    const first = open?.fragments[0];
    this.#open = undefined;
    if (!open || !first) return;
    if (open.discontinuity) this.#discontinuities++;
    const segment: Segment = {
      sequence: this.#sequence++,
      init: open.init,
      seconds: open.seconds,
      wallMs: first.beginMs,
      independent: open.independent,
      discontinuity: open.discontinuity,
      discontinuities: this.#discontinuities,
      bytes: shared(...this.#bytesOf(open)),
    };
    this.#segments.push(segment);
    this.#bytes += segment.bytes.length;
    this.#targetSeconds = Math.max(this.#targetSeconds, Math.round(segment.seconds));
    while (
      this.#segments.length > 1 &&
      (this.#segments.length > this.#options.window * 2 || this.#bytes > this.#limitBytes)
    )
      this.#bytes -= this.#segments.shift()?.bytes.length ?? 0;
    this.#options.onNews?.();
  }
}

/** Codecs that players of fragmented MP4 take. Whether this one has a decoder, a player reads in the init segment. */
export const fitsHls = ({ codec }: Pick<Track, 'codec'>): boolean =>
  codec === 'h264' || codec === 'h265' || codec === 'av1' || codec === 'aac' || codec === 'opus';

/** All of it in one piece, in memory that threads share. */
function shared(...pieces: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const p of pieces) length += p.length;
  const whole = new Uint8Array(new SharedArrayBuffer(length));
  let at = 0;
  for (const p of pieces) {
    whole.set(p, at);
    at += p.length;
  }
  return whole;
}
