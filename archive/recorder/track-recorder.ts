/**
 * One track of an archive on its way to the disk: takes access units as a Sink of the hub,
 * cuts fragments, and decides about files and gaps. Nothing here waits for the disk: what does
 * not fit the write budget is dropped in whole groups of pictures, with a gap.
 *
 *   waiting    for a key frame: of a new run, behind a gap or a hole
 *   recording  fragments go to the writer
 *   dropping   the disk is slow, full or broken: until it has recovered, and then a key frame
 */
import { createHash } from 'node:crypto';
import { type Fault, faultFrom } from '#core/errors';
import type { AccessUnit } from '#media/access-unit';
import type { Gap, GapReason } from '#media/gap';
import type { Run } from '#media/track';
import type { Fragment } from '#mp4/fragment';
import { Fragmenter } from '#mp4/fragmenter';
import { writeInit } from '#mp4/init';
import { joinMs, type Span } from '../index/interval-list.ts';
import type { KnownTrack } from '../library/library.ts';
import type { GapNote } from '../library/notes.ts';
import { ClockBase } from './clock-base.ts';
import { earliestSecond, originsOf } from './origins.ts';
import { type FileSoFar, holeMs, rotation } from './rotation.ts';
import type { Shared } from './shared.ts';
import { type NewSegment, type RunInArchive, TrackWriter } from './track-writer.ts';

const maxFragmentSeconds = 1;
const retryFirstMs = 1000;
const retryLastMs = 30_000;
/** After so long without a failure the next one is a first one. */
const healthyMs = 60_000;

/** The file that the next fragment would go into, as it will be when everything queued is written. */
interface PlannedFile extends FileSoFar {
  bytes: number;
  endMs: number;
  /** Seconds of the run. */
  mediaEnd: number;
}

export class TrackRecorder {
  readonly track: string;
  readonly #shared: Shared;
  readonly #writer: TrackWriter;
  readonly #clock = new ClockBase();
  #stopped = false;

  // The run.
  #run: Run | undefined;
  #inArchive: RunInArchive | undefined;
  #fragmenter: Fragmenter | undefined;
  #hasVideo = false;
  #waiting = true;
  #reordered = false;
  /** Decoding time of the last unit of the leading track, and how long before it the one before was. */
  #lastDts: number | undefined;
  #lastStepMs = 0;
  #lostPackets = 0;

  // The track.
  /** Where accepted footage ends. */
  #edgeMs: number | undefined;
  #gap: GapNote | undefined;
  #planned: PlannedFile | undefined;
  /** The next key frame begins a new file. */
  #endsFile = false;
  #dropping: GapReason | undefined;
  #retryAt = 0;
  #retryMs = retryFirstMs;

  /** `before`: as the library knows the track. */
  constructor(track: string, shared: Shared, before: Omit<KnownTrack, 'track'>) {
    this.track = track;
    this.#shared = shared;
    this.#writer = new TrackWriter(track, shared, (fault, lost) => this.#failed(fault, lost));
    this.#edgeMs = before.lastMs ?? undefined;
    this.#writer.note({ is: 'track', track });
    if (before.openGap) this.#gap = { is: 'gap', track, endMs: null, ...before.openGap };
    else if (this.#edgeMs !== undefined) this.#openGap('restart', this.#edgeMs);
  }

  /** Why footage is dropped now; undefined when it is not. */
  get dropping(): GapReason | undefined {
    return this.#dropping;
  }
  /** The present run has a codec that is not stored. */
  get unsupported(): boolean {
    return this.#run !== undefined && this.#fragmenter === undefined && !this.#stopped;
  }
  /** Where accepted footage ends; what is from before that must not be recorded again. */
  get edgeMs(): number {
    return this.#edgeMs ?? Number.NEGATIVE_INFINITY;
  }
  get waitingSince(): number | undefined {
    return this.#writer.waitingSince;
  }
  makeSafe(): Promise<void> {
    return this.#writer.makeSafe();
  }
  /** The present file ends where the next key frame comes; that is soon, or there is a gap, which ends it too. */
  endFile(): void {
    this.#endsFile = this.#planned !== undefined;
  }

  unit(unit: AccessUnit): void {
    if (this.#stopped) return;
    if (unit.run !== this.#run) this.#beginRun(unit);
    const fragmenter = this.#fragmenter;
    if (!fragmenter) return;
    const leads = !this.#hasVideo || unit.run.tracks[unit.track]?.kind === 'video';
    this.#lostPackets += unit.lost;
    if (leads && this.#isHole(unit)) {
      this.#take(fragmenter.flush());
      this.#waiting = true;
    }
    if (this.#waiting) {
      if (!leads || !unit.keyframe) return;
      this.#waiting = false;
    }
    if (unit.pts !== unit.dts) this.#reordered = true;
    const wallMs = this.#clock.map(unit.wallMs);
    this.#take(fragmenter.push(wallMs === unit.wallMs ? unit : { ...unit, wallMs }));
  }

  /** The source says that there is no media. */
  gap(gap: Gap): void {
    if (this.#stopped) return;
    this.#take(this.#fragmenter?.flush());
    this.#waiting = true;
    this.#lastDts = undefined;
    this.#planned = undefined;
    this.#writer.endFile();
    this.#changeGap(gap.reason, this.#clock.map(gap.atMs));
  }

  /** Nothing more comes; resolves when all is written, safe and told. */
  async stop(reason: GapReason): Promise<void> {
    if (!this.#stopped) {
      this.#take(this.#fragmenter?.flush());
      this.#stopped = true;
      this.#writer.endFile();
      if (!this.#gap && this.#edgeMs !== undefined) this.#openGap(reason, this.#edgeMs);
      else if (this.#gap && reason === 'config-change') this.#changeGap(reason, this.#shared.wallMs());
    }
    await this.#writer.drained();
  }

  #beginRun(unit: AccessUnit): void {
    this.#take(this.#fragmenter?.flush());
    const { run } = unit;
    this.#run = run;
    this.#fragmenter = undefined;
    this.#waiting = true;
    this.#lastDts = undefined;
    this.#reordered = false;
    this.#hasVideo = run.tracks.some(t => t.kind === 'video');
    if (this.#clock.begin(unit.wallMs, this.#edgeMs))
      this.#writer.note({ is: 'clock', track: this.track, atMs: unit.wallMs, offsetMs: this.#clock.offsetMs });
    try {
      const init = writeInit(run.tracks);
      const format = createHash('sha256').update(init).digest('hex').slice(0, 16);
      this.#inArchive = { run, startUs: 0, init, format };
      const how = { maxSeconds: maxFragmentSeconds, cutAtKeyframes: true, prft: true, originDts: 'run' } as const;
      this.#fragmenter = new Fragmenter(run, how);
    } catch (e) {
      this.#changeGap('no-media', this.#clock.map(unit.wallMs));
      this.#shared.trouble(this.track, faultFrom(e));
    }
  }

  /** The leading track stood still: what is held must not be stretched over the hole. A slow picture rate is no hole. */
  #isHole(unit: AccessUnit): boolean {
    const last = this.#lastDts;
    this.#lastDts = unit.dts;
    if (last === undefined) return false;
    const stepMs = ((unit.dts - last) * 1000) / (unit.run.tracks[unit.track]?.timescale ?? 1);
    const usualMs = this.#lastStepMs;
    this.#lastStepMs = stepMs;
    return stepMs > holeMs && stepMs > 2.5 * usualMs;
  }

  #take(fragment: Fragment | undefined): void {
    const run = this.#inArchive;
    if (!fragment || !run || this.#isOnlyLateSound(fragment)) return;
    if (this.#dropping !== undefined && !this.#mayGoOn(fragment)) {
      this.#changeGap(this.#dropping, fragment.beginMs);
      return;
    }
    const next = { runId: fragment.run.id, beginMs: fragment.beginMs, keyframe: fragment.keyframe };
    const begins =
      rotation(this.#planned, next, this.#shared.limits()) !== undefined || (this.#endsFile && fragment.keyframe);
    const media = mediaSpan(fragment);
    this.#tellHole(fragment, media);
    // A file begins with a key frame; behind a clock step the rest of the group of pictures has none.
    if (begins && !fragment.keyframe && this.#hasVideo) return;
    if (begins && run.startUs === 0) run.startUs = Math.round(fragment.beginMs * 1000);
    const origin = begins ? earliestSecond(fragment) : 0;
    const file: NewSegment | undefined = begins
      ? { run, origins: originsOf(fragment, origin), beginMs: fragment.beginMs }
      : undefined;
    const full = this.#shared.full(this.track);
    if (full || !this.#writer.write(fragment, this.#reordered, file)) {
      this.#drop(full ? 'disk-full' : 'disk-slow', fragment.beginMs);
      return;
    }

    this.#dropping = undefined;
    this.#lostPackets = 0;
    this.#closeGap(fragment.beginMs);
    this.#edgeMs = fragment.endMs;
    if (begins) this.#endsFile = false;
    // Nothing of a file lies before its time 0: sound that comes later than that belongs to the file before.
    if (begins) this.#fragmenter?.leaveOutBefore(origin);
    if (begins || !this.#planned) this.#planned = { ...next, bytes: run.init.length, endMs: 0, mediaEnd: 0 };
    this.#planned.bytes += fragment.bytes;
    this.#planned.endMs = fragment.endMs;
    this.#planned.mediaEnd = media.end;
  }

  /** Sound without pictures goes on behind what is recorded, when pictures stand still; it is never put behind and dated before. */
  #isOnlyLateSound({ run, tracks, beginMs, endMs }: Fragment): boolean {
    if (!this.#hasVideo || this.#edgeMs === undefined || tracks.some(t => run.tracks[t.track]?.kind === 'video'))
      return false;
    return endMs <= this.#edgeMs || beginMs < this.#edgeMs - joinMs;
  }

  /** A hole that nobody gave a reason for. Media without one and a wall clock with one: the clock stepped forward. */
  #tellHole(fragment: Fragment, media: { readonly begin: number }): void {
    // What the timeline does not join needs a reason.
    if (this.#edgeMs === undefined || this.#gap || fragment.beginMs - this.#edgeMs < joinMs) return;
    const stepped = this.#planned?.runId === fragment.run.id && media.begin - this.#planned.mediaEnd < holeMs / 1000;
    this.#openGap(stepped ? 'clock-step' : this.#lostPackets > 0 ? 'network-loss' : 'no-media', this.#edgeMs);
  }

  #mayGoOn(fragment: Fragment): boolean {
    const { budget, monotonicMs, full } = this.#shared;
    const recovered = monotonicMs() >= this.#retryAt && budget.hasRecovered(this.#writer.queuedBytes);
    return recovered && !full(this.track) && (fragment.keyframe || !this.#hasVideo);
  }

  #drop(reason: GapReason, atMs: number): void {
    this.#dropping = reason;
    this.#planned = undefined;
    this.#writer.endFile();
    this.#changeGap(reason, atMs);
  }

  /** The disk refused. What is lost becomes a gap, and after a while a new file is tried. */
  #failed(fault: Fault, lost: readonly Span[]): void {
    this.#shared.trouble(this.track, fault);
    const reason: GapReason = fault.code === 'disk-full' ? 'disk-full' : 'disk-slow';
    this.#planned = undefined;
    this.#dropping = reason;
    const now = this.#shared.monotonicMs();
    if (now - this.#retryAt > healthyMs) this.#retryMs = retryFirstMs;
    this.#retryAt = now + this.#retryMs;
    this.#retryMs = Math.min(retryLastMs, 2 * this.#retryMs);
    const last = lost.at(-1);
    for (const [beginMs, endMs] of lost)
      if (this.#gap || beginMs !== last?.[0])
        this.#writer.note({ is: 'gap', track: this.track, beginMs, endMs, reason });
    if (!this.#gap && this.#edgeMs !== undefined) this.#openGap(reason, last?.[0] ?? this.#edgeMs);
  }

  #openGap(reason: GapReason, beginMs: number): void {
    this.#gap = { is: 'gap', track: this.track, beginMs, endMs: null, reason };
    this.#writer.note(this.#gap);
    this.#shared.gapStarted(this.#gap);
  }

  #closeGap(endMs: number): void {
    if (!this.#gap) return;
    const ended = { ...this.#gap, endMs: Math.max(endMs, this.#gap.beginMs) };
    this.#gap = undefined;
    this.#writer.note(ended);
    this.#shared.gapEnded(ended);
  }

  /** There is no media for this reason, from `atMs` on or, if nothing was said before, since the last footage. */
  #changeGap(reason: GapReason, atMs: number): void {
    if (this.#gap?.reason === reason) return;
    const since = this.#gap ? Math.max(atMs, this.#gap.beginMs) : (this.#edgeMs ?? atMs);
    this.#closeGap(since);
    this.#openGap(reason, since);
  }
}

/** Media time of a fragment's leading track, seconds of the run. */
function mediaSpan({ run, tracks }: Fragment): { readonly begin: number; readonly end: number } {
  const lead = tracks.find(t => run.tracks[t.track]?.kind === 'video') ?? tracks[0];
  const timescale = (lead && run.tracks[lead.track]?.timescale) || 1;
  const begin = (lead?.baseDts ?? 0) / timescale;
  return { begin, end: begin + (lead?.duration ?? 0) / timescale };
}
