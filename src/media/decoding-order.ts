/**
 * Decoding times, which RTP does not carry: it has presentation times in decoding order. A
 * stream whose pictures may be shown up to `depth` pictures later than they are decoded has
 * as its n-th decoding time the n-th smallest presentation time, moved `depth` pictures
 * forward in the list; the first few are counted back from the first picture. So dts grows,
 * is never after pts, and is known at once. Without reordering dts is pts.
 *
 * Where the depth is not known, or was told wrongly, `seen` counts what the stream really does, for the next run.
 */
/** Pictures that a decoder can hold back (ISO/IEC 14496-10 A.3.1, H.265 A.4.2). */
const deepest = 16;

export class DecodingOrder {
  readonly #depth: number;
  /** The `depth` smallest presentation times that have not yet been a decoding time, ascending. */
  readonly #waiting: number[];
  readonly #frameTicks: number;
  #last = Number.NEGATIVE_INFINITY;
  #begun = false;
  /** Presentation times of the latest pictures, as many as can be shown after one that is decoded later. */
  readonly #recent: number[] = [];

  /** `frameTicks`: duration of a picture, for the first ones only. */
  constructor(depth: number, frameTicks: number) {
    this.#depth = depth;
    this.#frameTicks = frameTicks;
    this.#waiting = [];
  }

  /** A picture was to be shown before one already decoded, more often than `depth` allows. */
  reordered = false;

  /** The largest number of pictures so far that were decoded before one and are shown after it. */
  seen = 0;

  /** The decoding time of the next picture. It may lie after `pts`: then the depth was wrong, and `pts` has to be raised to it. */
  next(pts: number): number {
    this.#observe(pts);
    if (this.#depth === 0) {
      if (pts > this.#last) return (this.#last = pts);
      // Two fields of a frame may carry one timestamp; going back means reordering.
      if (pts < this.#last) this.reordered = true;
      return (this.#last += 1);
    }
    if (!this.#begun) {
      this.#begun = true;
      for (let i = this.#depth; i > 0; i--) this.#waiting.push(pts - i * this.#frameTicks);
    }
    let at = this.#waiting.length;
    while (at > 0 && this.#waiting[at - 1]! > pts) at--;
    this.#waiting.splice(at, 0, pts);
    const smallest = this.#waiting.shift()!;
    const dts = Math.max(smallest, this.#last + 1);
    if (dts > pts) this.reordered = true;
    return (this.#last = dts);
  }

  #observe(pts: number): void {
    const recent = this.#recent;
    let later = 0;
    for (let i = 0; i < recent.length; i++) if (recent[i]! > pts) later++;
    if (later > this.seen) this.seen = later;
    recent.push(pts);
    if (recent.length > deepest) recent.shift();
  }
}
