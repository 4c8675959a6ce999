/**
 * When each picture is due: at whole multiples of the picture period since the epoch, so that nothing
 * drifts and every test source of the same frame rate shows the same moment. Follows the wall clock as
 * it is; where that jumps, or the machine was asleep or too busy, pictures are left out, never hurried.
 */

/** Behind by no more than this, pictures are made one after the other until it is caught up. */
const catchUpMs = 250;
/** Beyond it, forward or back, media time is broken off too: a new run. */
const breakMs = 1000;

export interface DuePicture {
  /** Periods since the epoch. */
  readonly slot: number;
  /** UTC of the slot, whole milliseconds. */
  readonly wallMs: number;
  /** The time between the picture before and this one is not time in which media flowed. */
  readonly broken: boolean;
}

export class PictureGrid {
  readonly #framerate: number;
  #slot: number;

  /** The first picture is the one due next. */
  constructor(framerate: number, nowMs: number) {
    this.#framerate = framerate;
    this.#slot = Math.ceil((nowMs * framerate) / 1000);
  }

  /** Milliseconds until the next picture; never more than a period, whatever the clock has done. */
  waitMs(nowMs: number): number {
    return Math.max(0, Math.min(this.#dueMs(this.#slot) - nowMs, 1000 / this.#framerate));
  }

  /** The picture to make now. */
  take(nowMs: number): DuePicture {
    const lateMs = nowMs - this.#dueMs(this.#slot);
    const broken = lateMs > breakMs || lateMs < -breakMs;
    if (broken || lateMs > catchUpMs) this.#slot = Math.floor((nowMs * this.#framerate) / 1000);
    const slot = this.#slot++;
    return { slot, wallMs: Math.round(this.#dueMs(slot)), broken };
  }

  #dueMs(slot: number): number {
    return (slot * 1000) / this.#framerate;
  }
}
