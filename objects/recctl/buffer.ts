/**
 * What one source gave lately, in groups that begin with a key frame, and how far of it is
 * recorded. Pure. While nothing is recorded it keeps the groups that a recording with the wanted
 * lead would need; while something is, what is not yet handed on as well.
 *
 * A recording that ends within a group can go on there for as long as the group is kept: so
 * the next one neither repeats what is recorded nor misses what came in between.
 */
import { isGap, itemBytes, type ReaderItem } from '#hub/reader';
import type { AccessUnit } from '#media/access-unit';

/** Pictures are not so far out of order. */
const clockStepMs = 10_000;

interface Group {
  /** Of its first item. */
  readonly at: number;
  readonly wallMs: number;
  bytes: number;
}

/** The latest groups of pictures of one source, and a place in them. */
export class Prerecord {
  #items: (ReaderItem | undefined)[] = [];
  /** Items are counted through; the count of the first one in `#items`. */
  #first = 0;
  /** Places before it are free again. */
  #head = 0;
  #groups: Group[] = [];
  #bytes = 0;
  /** Of the next item to be recorded; undefined while nothing is. */
  #cursor: number | undefined;
  /** Where a recording that has ended could go on. */
  #resume: number | undefined;

  get bytes(): number {
    return this.#bytes;
  }

  /** Wall clock of the oldest key frame kept, UTC milliseconds; undefined if there is none. */
  get oldestMs(): number | undefined {
    return this.#groups[0]?.wallMs;
  }

  /** `neededFromMs`: a recording may have to begin there. */
  push(item: ReaderItem, neededFromMs: number): void {
    const begins = !isGap(item) && item.keyframe && leads(item);
    if (begins) this.#groups.push({ at: this.#end, wallMs: item.wallMs, bytes: 0 });
    const group = this.#groups.at(-1);
    // Before the first key frame nothing can be recorded.
    if (!group) return;
    this.#items.push(item);
    const bytes = bytesOf(item);
    group.bytes += bytes;
    this.#bytes += bytes;
    while (this.#groups.length > 1 && this.#isPast(this.#groups[1]?.wallMs ?? 0, neededFromMs, item) && this.#isDone(1))
      this.#drop();
  }

  /** No recording begins before a group of that moment: by the clock, or because the clock has been set back since. */
  #isPast(wallMs: number, neededFromMs: number, now: ReaderItem): boolean {
    return wallMs <= neededFromMs || (!isGap(now) && wallMs > now.wallMs + clockStepMs);
  }

  /** A recording has ended, and the next one could still go on where it did. */
  get resumable(): boolean {
    return this.#resume !== undefined;
  }

  /** The next item is the one behind the last recording, or the key frame at or before that moment, or else the oldest one. */
  begin(wallMs: number): void {
    if (this.#cursor !== undefined) return;
    const group = this.#groups.findLast(g => g.wallMs <= wallMs) ?? this.#groups[0];
    this.#cursor = this.#resume ?? group?.at ?? this.#end;
    this.#resume = undefined;
  }

  /** Nothing more is recorded. */
  end(): void {
    this.#resume = this.#cursor;
    this.#cursor = undefined;
  }

  /** The next one begins with a key frame. */
  settle(): void {
    this.#resume = undefined;
  }

  /** The next item to record, which stays the next one; undefined if there is none. */
  peek(): ReaderItem | undefined {
    return this.#cursor === undefined ? undefined : this.#items[this.#cursor - this.#first];
  }

  /** What `peek` gave has been handed on. */
  advance(): void {
    if (this.#cursor !== undefined && this.#cursor < this.#end) this.#cursor++;
  }

  /** Gives up the oldest group. True if something of it was still to be recorded. */
  dropOldest(): boolean {
    if (this.#groups.length === 0) return false;
    const lost = this.#cursor !== undefined && !this.#isDone(1);
    this.#drop();
    return lost;
  }

  get #end(): number {
    return this.#first + this.#items.length;
  }

  /** Whether all before that group has been recorded, or need not be. */
  #isDone(groupIndex: number): boolean {
    return this.#cursor === undefined || this.#cursor >= (this.#groups[groupIndex]?.at ?? this.#end);
  }

  #drop(): void {
    const group = this.#groups.shift();
    const end = this.#groups[0]?.at ?? this.#end;
    this.#bytes -= group?.bytes ?? 0;
    for (; this.#first + this.#head < end; this.#head++) this.#items[this.#head] = undefined;
    if (this.#cursor !== undefined && this.#cursor < end) this.#cursor = end;
    if (this.#resume !== undefined && this.#resume <= end) this.#resume = undefined;
    // Moved seldom, so that each item is moved about once.
    if (this.#head * 2 < this.#items.length) return;
    this.#items = this.#items.slice(this.#head);
    this.#first += this.#head;
    this.#head = 0;
  }
}

const bytesOf = (item: ReaderItem): number => itemBytes + (isGap(item) ? 0 : item.data.byteLength);

/** A unit that groups are cut at: of the video, or of anything where there is none. */
export const leads = (unit: AccessUnit): boolean =>
  unit.run.tracks[unit.track]?.kind === 'video' || !unit.run.tracks.some(t => t.kind === 'video');
