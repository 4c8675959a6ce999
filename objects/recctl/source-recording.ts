/**
 * One source of a recctl: keeps what came lately, and hands it to the archives while it is
 * recorded. What was kept is handed on in portions, so that an archive's queue is not
 * overrun by a long lead.
 */
import type { Inlet } from '#capability/media-storage';
import { isGap, type ReaderItem } from '#hub/reader';
import type { Sink } from '#hub/sink';
import type { AccessUnit } from '#media/access-unit';
import type { Gap } from '#media/gap';
import { leads, Prerecord } from './buffer.ts';

/** At most so much at once; with a portion every 100 ms that is 20 MB/s of one source. */
const portionBytes = 2 << 20;

export interface SourceRecordingParts {
  readonly inlets: () => Iterable<Inlet>;
  readonly wallMs: () => number;
  /** How far back a recording may begin. */
  readonly prerecordMs: () => number;
  /** So many bytes more (or fewer) are kept. */
  readonly grown: (bytes: number) => void;
}

export class SourceRecording implements Sink {
  readonly #parts: SourceRecordingParts;
  readonly #buffer = new Prerecord();
  #state: 'idle' | 'recording' | 'ending' = 'idle';
  /** Of presentation: the recording is complete with what is before. */
  #endMs = Number.POSITIVE_INFINITY;
  /** Leading units at or behind the end, in a row: with reordered pictures one of them may come before others that are wanted. */
  #beyond = 0;
  #firstMs: number | undefined;
  #lastMs = 0;
  #sourceGap: Gap | undefined;
  /** The archives know that nothing is recorded. */
  #told = true;
  #accountedBytes = 0;

  constructor(parts: SourceRecordingParts) {
    this.#parts = parts;
  }

  get oldestMs(): number | undefined {
    return this.#buffer.oldestMs;
  }
  /** Wall clock of the first unit of this recording; undefined before. */
  get firstMs(): number | undefined {
    return this.#firstMs;
  }
  get recording(): boolean {
    return this.#state !== 'idle';
  }
  /** More is kept than has been handed on. */
  get behind(): boolean {
    return this.#buffer.peek() !== undefined;
  }

  unit(unit: AccessUnit): void {
    this.#sourceGap = undefined;
    this.#push(unit);
  }

  gap(gap: Gap): void {
    this.#sourceGap = gap;
    this.#push(gap);
    // What comes next begins with a key frame anyway.
    if (this.#state === 'idle') this.#settle();
  }

  begin(fromMs: number): void {
    if (this.#state === 'idle') {
      this.#firstMs = undefined;
      this.#buffer.begin(fromMs);
      const gap = this.#sourceGap;
      if (gap && this.#buffer.peek() === undefined) this.#tell({ ...gap, atMs: Math.max(gap.atMs, fromMs) });
    }
    this.#state = 'recording';
    this.#told = false;
    this.#endMs = Number.POSITIVE_INFINITY;
    this.#beyond = 0;
    this.pump();
  }

  /** Nothing presented from `endMs` on is recorded. */
  endAt(endMs: number): void {
    if (this.#state !== 'recording') return;
    this.#state = 'ending';
    this.#endMs = endMs;
    this.pump();
  }

  /** Ends now, whatever is missing. */
  end(): void {
    if (this.#state === 'idle') return;
    this.#state = 'idle';
    this.#buffer.end();
    if (this.#sourceGap || this.#firstMs === undefined) this.#settle();
  }

  /** Forgets what is kept: nobody needs it before the next `begin`. */
  forget(): void {
    this.end();
    this.#settle();
    while (this.#buffer.bytes > 0) this.#buffer.dropOldest();
    this.#account();
  }

  /** Hands on a portion. */
  pump(): void {
    let bytes = 0;
    for (let item = this.#buffer.peek(); item !== undefined && bytes < portionBytes; item = this.#buffer.peek()) {
      if (this.#isEnd(item)) {
        this.end();
        return;
      }
      this.#buffer.advance();
      if (isGap(item)) this.#tell(item);
      else {
        bytes += item.data.byteLength;
        this.#firstMs ??= item.wallMs;
        this.#lastMs = Math.max(this.#lastMs, item.wallMs);
        for (const inlet of this.#parts.inlets()) inlet.unit(item);
      }
    }
  }

  /** Gives up the oldest group, for want of memory. True if it was to be recorded. */
  dropOldest(): boolean {
    const lost = this.#buffer.dropOldest();
    if (lost) this.#tell({ reason: 'overload', atMs: this.#lastMs || this.#parts.wallMs() });
    if (!this.#buffer.resumable) this.#settle();
    this.#account();
    return lost;
  }

  #push(item: ReaderItem): void {
    this.#buffer.push(item, this.#parts.wallMs() - this.#parts.prerecordMs());
    if (this.#state === 'idle') {
      if (!this.#buffer.resumable) this.#settle();
    } else this.pump();
    this.#account();
  }

  #account(): void {
    const grown = this.#buffer.bytes - this.#accountedBytes;
    this.#accountedBytes += grown;
    if (grown !== 0) this.#parts.grown(grown);
  }

  #isEnd(item: ReaderItem): boolean {
    if (isGap(item)) return item.atMs >= this.#endMs;
    if (!leads(item)) return false;
    this.#beyond = item.wallMs >= this.#endMs ? this.#beyond + 1 : 0;
    return this.#beyond > 1;
  }

  /** The last recording is over for good. */
  #settle(): void {
    if (this.#state !== 'idle' || this.#told) return;
    this.#told = true;
    this.#buffer.settle();
    const footageEndsMs = this.#sourceGap ? 0 : this.#lastMs;
    this.#tell({ reason: 'not-scheduled', atMs: footageEndsMs || this.#parts.wallMs() });
  }

  #tell(gap: Gap): void {
    for (const inlet of this.#parts.inlets()) inlet.gap(gap);
  }
}
