/**
 * Footage of the past on its way into one gap of a track (archive/DESIGN.md, "Fill a gap"): takes access units, in
 * order and with the wall times that they had, and writes files that are listed one by one, each
 * when it is complete. Recording goes on beside it; of one track there is one filling at a time.
 *
 * It begins with the key frame that begins the incomplete group of pictures before the gap, and
 * then that group makes room, or else with the first key frame inside; it ends before the key frame with
 * which recording went on, in decoding order, so of reordered pictures one or two may be left out.
 */
import { createHash } from 'node:crypto';
import { Fault, faultFrom } from '#core/errors';
import type { Files } from '#core/world';
import type { AccessUnit } from '#media/access-unit';
import type { Run } from '#media/track';
import type { Fragment } from '#mp4/fragment';
import { Fragmenter } from '#mp4/fragmenter';
import { writeInit } from '#mp4/init';
import { writeIdentity } from '../format/identity.ts';
import { joinMs, type Span } from '../index/interval-list.ts';
import type { Library } from '../library/library.ts';
import type { Missing } from '../library/missing.ts';
import type { Note } from '../library/notes.ts';
import { earliestSecond, originsOf } from './origins.ts';
import { type FileSoFar, holeMs, type RotationLimits, rotation } from './rotation.ts';
import { SegmentFile } from './segment-file.ts';

export interface FillingParts {
  readonly files: Files;
  readonly folder: string;
  readonly library: Pick<Library, 'reserve' | 'unreserve' | 'fill'>;
  readonly limits: () => RotationLimits;
  readonly monotonicMs: () => number;
  /** A limit is passed and nothing deletable is left. */
  readonly full: () => boolean;
}

/** The clocks of the two who took the same picture may differ by so much. */
const sameMs = 250;
/** More does not wait for the disk: who fills has not stopped when it was told to. */
const limitBytes = 64 << 20;

interface FormatNow {
  readonly run: Run;
  readonly init: Uint8Array;
  readonly hash: string;
  readonly fragmenter: Fragmenter;
  readonly hasVideo: boolean;
  /** Wall clock of the first sample, microseconds; 0 until there is one. */
  startUs: number;
}

interface Job {
  readonly fragment: Fragment;
  readonly reordered: boolean;
  /** Of the file that begins with it. */
  readonly begins:
    | { readonly format: FormatNow; readonly origins: readonly number[]; readonly run: number }
    | undefined;
}

/** A file being written, and what there will be to tell of it. */
interface OpenFile {
  readonly file: SegmentFile;
  readonly notes: Note[];
}

export class Filling {
  readonly track: string;
  readonly #gap: Missing;
  readonly #parts: FillingParts;
  #format: FormatNow | undefined;
  #waiting = true;
  #reordered = false;
  #lastDts: number | undefined;
  #lastStepMs = 0;
  /** Not every picture is a key frame. */
  #hasGroups = false;
  /** What brings the times of the units to those of the track. */
  #shiftMs = 0;
  /** Where accepted footage ends. */
  #edgeMs: number | undefined;
  #planned: (FileSoFar & { bytes: number; endMs: number }) | undefined;
  #over = false;

  readonly #queue: Job[] = [];
  #waitingBytes = 0;
  #working: Promise<void> | undefined;
  #file: OpenFile | undefined;
  #cancelled = false;
  #fault: Fault | undefined;
  readonly #filled: Span[] = [];

  constructor(track: string, gap: Missing, parts: FillingParts) {
    this.track = track;
    this.#gap = gap;
    this.#parts = parts;
  }

  /** Bytes that wait for the disk. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }
  /** Nothing more is taken: the gap has come to its end, or it failed. */
  get over(): boolean {
    return this.#over;
  }

  unit(given: AccessUnit): void {
    if (this.#over) return;
    if (given.run !== this.#format?.run && !this.#begin(given.run)) return;
    const format = this.#format;
    if (!format) return;
    const leads = !format.hasVideo || given.run.tracks[given.track]?.kind === 'video';
    // A device whose clock was set back has two footages of one time: the first counts.
    const goesBack = given.wallMs + this.#shiftMs < (this.#edgeMs ?? Number.NEGATIVE_INFINITY) - joinMs;
    if (leads && (this.#isHole(given) || goesBack) && !this.#waiting) {
      this.#take(format, format.fragmenter.flush());
      this.#waiting = true;
    }
    if (this.#waiting) {
      if (!leads || !given.keyframe || !this.#mayBegin(given, format.hash)) return;
      this.#waiting = false;
    }
    const unit = this.#shiftMs === 0 ? given : { ...given, wallMs: given.wallMs + this.#shiftMs };
    if (leads && this.#isBehind(unit)) {
      this.#finish();
      return;
    }
    if (!leads && unit.wallMs >= this.#gap.endMs) return;
    if (unit.pts !== unit.dts) this.#reordered = true;
    this.#take(format, format.fragmenter.push(unit));
  }

  /** Nothing more comes. Gives what is filled, listed and safe; Fault when it could not all be written. */
  async end(): Promise<readonly Span[]> {
    this.#finish();
    while (this.#working) await this.#working;
    await this.#attempt(() => this.#closeFile());
    if (this.#fault && !this.#cancelled) throw this.#fault;
    return this.#filled;
  }

  /** What is not listed yet is thrown away. */
  async cancel(): Promise<void> {
    this.#over = this.#cancelled = true;
    this.#queue.length = 0;
    while (this.#working) await this.#working;
    await this.#abandon();
  }

  #finish(): void {
    if (this.#over) return;
    if (this.#format && !this.#waiting) this.#take(this.#format, this.#format.fragmenter.flush());
    this.#over = true;
  }

  /**
   * Recording went on with a key frame, so that one ends it whose time is about that; the clocks are not the same to the
   * picture. Where every picture is one, or none comes in time, the time alone says it.
   */
  #isBehind(unit: AccessUnit): boolean {
    const lateMs = unit.wallMs - this.#gap.endMs;
    if (!unit.keyframe) this.#hasGroups = true;
    if (!this.#hasGroups) return lateMs >= -this.#lastStepMs / 2;
    return unit.keyframe ? lateMs >= -sameMs : lateMs >= this.#lastStepMs * 1.5;
  }

  #begin(run: Run): boolean {
    if (this.#format && !this.#waiting) this.#take(this.#format, this.#format.fragmenter.flush());
    this.#format = undefined;
    this.#waiting = true;
    this.#reordered = false;
    this.#lastDts = undefined;
    try {
      const init = writeInit(run.tracks);
      const hash = createHash('sha256').update(init).digest('hex').slice(0, 16);
      const how = { maxSeconds: 1, cutAtKeyframes: true, prft: true, originDts: 'run' } as const;
      const hasVideo = run.tracks.some(t => t.kind === 'video');
      this.#format = { run, init, hash, fragmenter: new Fragmenter(run, how), hasVideo, startUs: 0 };
      return true;
    } catch (e) {
      this.#fail(faultFrom(e));
      return false;
    }
  }

  /** A leading track that stood still: the picture before is not stretched over it. */
  #isHole(unit: AccessUnit): boolean {
    const last = this.#lastDts;
    this.#lastDts = unit.dts;
    if (last === undefined) return false;
    const stepMs = ((unit.dts - last) * 1000) / (unit.run.tracks[unit.track]?.timescale ?? 1);
    const usualMs = this.#lastStepMs;
    this.#lastStepMs = stepMs;
    return stepMs > holeMs && stepMs > 2.5 * usualMs;
  }

  #mayBegin({ wallMs }: AccessUnit, format: string): boolean {
    const { beginMs, lead } = this.#gap;
    if (this.#edgeMs === undefined && lead?.format === format && Math.abs(wallMs - lead.beginMs) <= sameMs) {
      // The same picture: now the two clocks are known to agree.
      this.#shiftMs = lead.beginMs - wallMs;
      return true;
    }
    return wallMs + this.#shiftMs >= (this.#edgeMs ?? beginMs) - 1;
  }

  #take(format: FormatNow, cut: Fragment | undefined): void {
    if (!cut || this.#over || this.#isOnlyLateSound(format, cut)) return;
    const begins = rotation(this.#planned, { ...cut, runId: cut.run.id }, this.#parts.limits()) !== undefined;
    if (begins && !cut.keyframe && format.hasVideo) return;
    const floor = this.#edgeMs ?? Number.NEGATIVE_INFINITY;
    const beginMs = Math.max(cut.beginMs, floor);
    const fragment = { ...cut, beginMs, endMs: Math.max(beginMs, Math.min(cut.endMs, this.#gap.endMs)) };
    if (this.#waitingBytes + fragment.bytes > limitBytes || this.#parts.full()) {
      const full = this.#parts.full();
      this.#fail(
        full
          ? new Fault('storage', 'disk-full', 'no room for footage of the past: a limit is passed')
          : new Fault('overload', 'overload', `${limitBytes} bytes of the past wait for the disk`),
      );
      return;
    }
    if (begins && format.startUs === 0) format.startUs = Math.round(beginMs * 1000);
    const origin = earliestSecond(fragment);
    if (begins) format.fragmenter.leaveOutBefore(origin);
    if (begins || !this.#planned)
      this.#planned = { runId: cut.run.id, beginMs, bytes: format.init.length, endMs: beginMs };
    this.#planned.bytes += fragment.bytes;
    this.#planned.endMs = this.#edgeMs = fragment.endMs;
    this.#waitingBytes += fragment.bytes;
    const file = begins ? { format, origins: originsOf(fragment, origin), run: format.startUs } : undefined;
    this.#queue.push({ fragment, reordered: this.#reordered, begins: file });
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
  }

  /** Sound without pictures is never put behind what is recorded and dated before. */
  #isOnlyLateSound({ hasVideo, run }: FormatNow, { tracks, beginMs, endMs }: Fragment): boolean {
    if (!hasVideo || tracks.some(t => run.tracks[t.track]?.kind === 'video')) return false;
    return this.#edgeMs === undefined || endMs <= this.#edgeMs || beginMs < this.#edgeMs - joinMs;
  }

  async #work(): Promise<void> {
    for (let job = this.#queue.shift(); job; job = this.#queue.shift()) {
      const now = job;
      await this.#attempt(() => this.#write(now));
      this.#waitingBytes -= now.fragment.bytes;
    }
  }

  async #write({ fragment, reordered, begins }: Job): Promise<void> {
    if (begins) {
      await this.#closeFile();
      this.#file = await this.#open(fragment.beginMs, begins);
    }
    await this.#file?.file.append([fragment], reordered, this.#parts.monotonicMs());
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    if (this.#fault) return;
    try {
      await work();
    } catch (e) {
      this.#fail(faultFrom(e));
      await this.#abandon();
    }
  }

  async #open(beginMs: number, { format, origins, run }: NonNullable<Job['begins']>): Promise<OpenFile> {
    const { files, folder, library } = this.#parts;
    const { track } = this;
    const path = await library.reserve(track, beginMs);
    const notes: Note[] = [];
    const init = writeInit(format.run.tracks, { uuidBoxes: [writeIdentity({ track, beginMs, run, origins })] });
    try {
      const say = (note: Note): void => void notes.push(note);
      const file = await SegmentFile.create({ files, folder, track, beginMs, origins, init, say, path });
      const about = { track, path, beginMs, run, origins, initBytes: init.length };
      notes.push({ is: 'opened', ...about, init: format.init, format: format.hash });
      return { file, notes };
    } catch (e) {
      await library.unreserve(path);
      throw faultFrom(e);
    }
  }

  /** Complete, safe, and part of the track. */
  async #closeFile(): Promise<void> {
    const open = this.#file;
    if (!open) return;
    await open.file.close();
    this.#file = undefined;
    this.#filled.push(await this.#parts.library.fill(this.track, open.file.path, open.notes));
  }

  async #abandon(): Promise<void> {
    const open = this.#file;
    this.#file = undefined;
    if (!open) return;
    await open.file.abandon();
    await this.#parts.library.unreserve(open.file.path).catch(e => {
      // A library that does not answer any more unlinks it at its next start.
      if (faultFrom(e).kind === 'bug') throw e;
    });
  }

  #fail(fault: Fault): void {
    this.#fault ??= fault;
    this.#over = true;
    for (const job of this.#queue) this.#waitingBytes -= job.fragment.bytes;
    this.#queue.length = 0;
  }
}
