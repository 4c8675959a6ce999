/**
 * The disk's side of one track: a queue of fragments and notes, worked off in order, one file
 * at a time. When the disk refuses, the file is given up, what waits is dropped, and the
 * recorder is told which footage is lost.
 */
import { type Fault, faultFrom } from '#core/errors';
import type { Run } from '#media/track';
import type { Fragment } from '#mp4/fragment';
import { writeInit } from '#mp4/init';
import { writeIdentity } from '../format/identity.ts';
import type { Span } from '../index/interval-list.ts';
import type { Note } from '../library/notes.ts';
import { holeMs } from './rotation.ts';
import { SegmentFile } from './segment-file.ts';
import type { Shared } from './shared.ts';

export interface RunInArchive {
  readonly run: Run;
  /** Wall clock of its first recorded sample, microseconds; 0 until there is one. */
  startUs: number;
  /** Init segment without identity, and its hash. */
  readonly init: Uint8Array;
  readonly format: string;
}

export interface NewSegment {
  readonly run: RunInArchive;
  /** Media time of the run at the file's time 0, per MP4 track. */
  readonly origins: readonly number[];
  readonly beginMs: number;
}

interface FragmentJob {
  readonly is: 'fragment';
  readonly fragment: Fragment;
  readonly reordered: boolean;
  /** The file that begins with it; undefined: goes on in the present one. */
  readonly file: NewSegment | undefined;
}

type Job =
  | FragmentJob
  | { readonly is: 'note'; readonly note: Note }
  /** Ends the present file. */
  | { readonly is: 'close' }
  | { readonly is: 'abandon'; readonly file: SegmentFile };

export class TrackWriter {
  readonly #track: string;
  readonly #shared: Shared;
  readonly #onFail: (fault: Fault, lost: readonly Span[]) => void;
  readonly #queue: Job[] = [];
  #queuedBytes = 0;
  #working: Promise<void> | undefined;
  #file: SegmentFile | undefined;
  #safeFolder: string | undefined;

  constructor(track: string, shared: Shared, onFail: (fault: Fault, lost: readonly Span[]) => void) {
    this.#track = track;
    this.#shared = shared;
    this.#onFail = onFail;
  }

  /** Bytes that wait for the disk. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }
  /** Monotonic time since which something is written and not yet safe; undefined when all is. */
  get waitingSince(): number | undefined {
    return this.#file?.waitingSince;
  }

  /** False when the budget does not have so much: then it is not taken. */
  write(fragment: Fragment, reordered: boolean, file: NewSegment | undefined): boolean {
    if (!this.#shared.budget.take(fragment.bytes, this.#queuedBytes)) return false;
    this.#queuedBytes += fragment.bytes;
    this.#enqueue({ is: 'fragment', fragment, reordered, file });
    return true;
  }
  /** Notes keep their place among fragments, so that a gap is told after the footage before it. */
  note(note: Note): void {
    this.#enqueue({ is: 'note', note });
  }
  endFile(): void {
    this.#enqueue({ is: 'close' });
  }

  /** Flushes the present file. Never rejects. */
  async makeSafe(): Promise<void> {
    const file = this.#file;
    try {
      await file?.makeSafe();
    } catch (e) {
      // If the file has ended meanwhile, whoever ended it has met the same failure.
      if (file === this.#file) this.#fail(faultFrom(e), []);
    }
  }

  /** Resolves when everything queued is done, or given up. */
  async drained(): Promise<void> {
    while (this.#working) await this.#working;
  }

  #enqueue(job: Job): void {
    this.#queue.push(job);
    this.#wake();
  }

  #wake(): void {
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
      if (this.#queue.length > 0) this.#wake();
    });
  }

  async #work(): Promise<void> {
    // What is queued in one go is seen together.
    await Promise.resolve();
    for (let job = this.#queue.shift(); job; job = this.#queue.shift()) {
      if (job.is === 'fragment') {
        const fragments = [job.fragment];
        // What goes into the same file goes in one write.
        for (let next = this.#queue[0]; next?.is === 'fragment' && !next.file; next = this.#queue[0]) {
          fragments.push(next.fragment);
          this.#queue.shift();
        }
        await this.#attempt(fragments, this.#write(fragments, job));
      } else await this.#attempt([], this.#do(job));
    }
  }

  async #attempt(fragments: readonly Fragment[], work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (e) {
      this.#fail(faultFrom(e), fragments);
    }
    for (const f of fragments) this.#gone(f);
  }

  async #write(fragments: readonly Fragment[], { file, reordered }: FragmentJob): Promise<void> {
    if (file) {
      await this.#closeFile();
      this.#file = await this.#create(file);
    }
    // Without a file the failure that took it has been told, and this fragment with it.
    await this.#file?.append(fragments, reordered, this.#shared.monotonicMs());
  }

  async #do(job: Exclude<Job, FragmentJob>): Promise<void> {
    switch (job.is) {
      case 'note':
        this.#shared.say(job.note);
        break;
      case 'close':
        await this.#closeFile();
        break;
      case 'abandon':
        await job.file.abandon();
        break;
      default:
        job satisfies never;
    }
  }

  async #closeFile(): Promise<void> {
    await this.#file?.close();
    this.#safeFolder = this.#file?.safeFolder;
    this.#file = undefined;
  }

  async #create({ run, origins, beginMs }: NewSegment): Promise<SegmentFile> {
    const { files, folder, say } = this.#shared;
    const track = this.#track;
    const identity = writeIdentity({ track, beginMs, run: run.startUs, origins });
    const init = writeInit(run.run.tracks, { uuidBoxes: [identity] });
    const file = await SegmentFile.create({
      ...{ files, folder, track, beginMs, origins, init, say },
      safeFolder: this.#safeFolder,
    });
    const { path } = file;
    const about = { track, path, beginMs, run: run.startUs, origins, initBytes: init.length };
    say({ is: 'opened', ...about, init: run.init, format: run.format });
    return file;
  }

  /** Gives up the file and everything that waits; notes and ends of files stay in their order. */
  #fail(fault: Fault, fragments: readonly Fragment[]): void {
    const lost: Span[] = [];
    if (this.#file) {
      lost.push(...this.#file.unsafeSpans);
      this.#queue.unshift({ is: 'abandon', file: this.#file });
      this.#file = undefined;
    }
    for (const f of fragments) lost.push([f.beginMs, f.endMs]);
    const kept: Job[] = [];
    for (const job of this.#queue)
      if (job.is === 'fragment') {
        lost.push([job.fragment.beginMs, job.fragment.endMs]);
        this.#gone(job.fragment);
      } else kept.push(job);
    this.#queue.splice(0, this.#queue.length, ...kept);
    this.#onFail(fault, joinSpans(lost));
    this.#wake();
  }

  #gone(fragment: Fragment): void {
    this.#queuedBytes -= fragment.bytes;
    this.#shared.budget.give(fragment.bytes);
  }
}

/** Spans in order, those less than a hole apart as one. */
function joinSpans(spans: readonly Span[]): Span[] {
  const out: Span[] = [];
  for (const [begin, end] of spans) {
    const last = out.at(-1);
    if (last && begin - last[1] <= holeMs) out[out.length - 1] = [last[0], Math.max(last[1], end)];
    else out.push([begin, end]);
  }
  return out;
}
