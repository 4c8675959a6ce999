/**
 * A consumer that cannot take every unit at once: a queue between the source's loop and
 * somebody who asks for the next item when ready. It is bounded in bytes, and for viewers
 * in time too. When it is full:
 *
 *   skip-to-keyframe  for viewers, to whom an old picture is worth nothing: the queue is moved to
 *                     its newest keyframe, or emptied up to the next one that comes;
 *   drop-groups       for the archive: what is queued stays, and what comes is dropped up to a
 *                     keyframe that finds the queue half empty.
 *
 * Either way the units are counted, and a gap stands in their place.
 */
import type { Sink } from '#hub/sink';
import type { AccessUnit } from '#media/access-unit';
import type { Gap, GapReason } from '#media/gap';

export interface ReaderOptions {
  readonly whenSlow: 'skip-to-keyframe' | 'drop-groups';
  /** Of queued data, with `itemBytes` for each item, so that small ones are bounded too. */
  readonly limitBytes: number;
  /** From the oldest queued unit to the newest, by their wall clock. Default: no limit. */
  readonly limitMs?: number;
  /** Of the gaps that this reader makes; default `overload`. */
  readonly reason?: GapReason;
}

export type ReaderItem = AccessUnit | Gap;

export const isGap = (item: ReaderItem): item is Gap => 'reason' in item;

/** What an item costs beside its data, about: the unit, its view, its place in the queue. */
export const itemBytes = 128;

export class Reader implements Sink {
  readonly #options: ReaderOptions;
  readonly #limitMs: number;
  /** Places before `#head` are free again. No two gaps stand next to each other. */
  #queue: (ReaderItem | undefined)[] = [];
  #head = 0;
  #bytes = 0;
  /** Units are lost up to the next keyframe. */
  #skipping = false;
  #skipped = 0;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#limitMs = options.limitMs ?? Number.POSITIVE_INFINITY;
  }

  /** Units lost because this reader was slow. */
  get skipped(): number {
    return this.#skipped;
  }

  get queuedBytes(): number {
    return this.#bytes;
  }

  unit(unit: AccessUnit): void {
    if (this.#closed) return;
    if (this.#skipping && !this.#resumes(unit)) {
      this.#skipped++;
      return;
    }
    this.#skipping = false;
    if (this.#fits(unit) || (this.#options.whenSlow === 'skip-to-keyframe' && this.#skipTo(unit))) {
      this.#push(unit);
      return;
    }
    this.#skipped++;
    this.#skipping = true;
    this.gap({ reason: this.#options.reason ?? 'overload', atMs: unit.wallMs });
  }

  /** Two gaps without media between them become one: the time of the first, the reason of the last. */
  gap(gap: Gap): void {
    if (this.#closed) return;
    const last = this.#head < this.#queue.length ? this.#queue.at(-1) : undefined;
    if (last && isGap(last)) this.#queue[this.#queue.length - 1] = { reason: gap.reason, atMs: last.atMs };
    else this.#push(gap);
  }

  /** The next item, when there is one; undefined once the reader is closed. One call at a time. */
  async next(): Promise<ReaderItem | undefined> {
    while (this.#head === this.#queue.length && !this.#closed)
      await new Promise<void>(wake => {
        this.#wake = wake;
      });
    return this.poll();
  }

  /** The next item, if there is one now. */
  poll(): ReaderItem | undefined {
    const item = this.#queue[this.#head];
    if (!item) return undefined;
    this.#free(this.#head);
    this.#head++;
    // Rarely, and at most as many are moved as were taken since the last time: constant effort per item.
    if (this.#head >= 64 && this.#head * 2 > this.#queue.length) {
      this.#queue.splice(0, this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** Nothing more is wanted: what is queued is freed, and whoever waits gets undefined. */
  close(): void {
    this.#closed = true;
    this.#queue = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#wakeUp();
  }

  #resumes(unit: AccessUnit): boolean {
    if (!startsGroup(unit)) return false;
    // The archive begins again when there is room for more than the next picture.
    return this.#options.whenSlow === 'skip-to-keyframe' || this.#bytes * 2 <= this.#options.limitBytes;
  }

  #fits(unit: AccessUnit): boolean {
    if (this.#bytes + costOf(unit) > this.#options.limitBytes) return false;
    const first = this.#queue[this.#head];
    const oldest = first && isGap(first) ? this.#queue[this.#head + 1] : first;
    return !oldest || isGap(oldest) || unit.wallMs - oldest.wallMs <= this.#limitMs;
  }

  /** Drops what is queued before the newest keyframe, the unit's own included; tells whether the unit may follow now. */
  #skipTo(unit: AccessUnit): boolean {
    const end = this.#queue.length;
    let at = end;
    if (!startsGroup(unit)) {
      at--;
      while (at > this.#head && !startsGroup(this.#queue[at])) at--;
      if (at <= this.#head) at = end;
    }
    const usable = at < end || startsGroup(unit);
    this.#dropUntil(at);
    if (usable && this.#fits(unit)) return true;
    this.#dropUntil(end);
    return false;
  }

  /** Drops what is queued before this place; a gap takes its place. */
  #dropUntil(end: number): void {
    let atMs: number | undefined;
    for (; this.#head < end; this.#head++) {
      const item = this.#queue[this.#head] as ReaderItem;
      atMs ??= isGap(item) ? item.atMs : item.wallMs;
      if (!isGap(item)) this.#skipped++;
      this.#free(this.#head);
    }
    if (atMs === undefined) return;
    // At least one place has become free.
    this.#queue[--this.#head] = { reason: this.#options.reason ?? 'overload', atMs };
    this.#bytes += itemBytes;
  }

  #free(at: number): void {
    const item = this.#queue[at];
    if (item) this.#bytes -= costOf(item);
    this.#queue[at] = undefined;
  }

  #push(item: ReaderItem): void {
    this.#queue.push(item);
    this.#bytes += costOf(item);
    this.#wakeUp();
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

const costOf = (item: ReaderItem): number => (isGap(item) ? itemBytes : item.data.length + itemBytes);

/** A keyframe of the video track; any, in a run without video. */
function startsGroup(item: ReaderItem | undefined): boolean {
  if (!item || isGap(item) || !item.keyframe) return false;
  return item.run.tracks[item.track]?.kind === 'video' || !item.run.tracks.some(t => t.kind === 'video');
}
