/**
 * The archive's time never goes back (config.md 11, clock steps): when a run begins before the
 * end of the last footage, recording goes on in the old time base, which then approaches the wall
 * clock by at most 5 ms per second. Pure.
 */

/** Milliseconds per millisecond. */
const approach = 0.005;

export class ClockBase {
  #offsetMs = 0;
  #atMs = 0;

  /** How far archive time is ahead of the wall clock. */
  get offsetMs(): number {
    return this.#offsetMs;
  }

  /** A run begins at `wallMs` behind footage that ends at `edgeMs`. True when the base had to step. */
  begin(wallMs: number, edgeMs: number | undefined): boolean {
    this.#atMs = wallMs;
    const needed = edgeMs === undefined ? 0 : Math.max(0, edgeMs - wallMs);
    const stepped = needed > this.#offsetMs;
    // A run that begins late enough needs no offset any more: there is a hole to hide the step in.
    this.#offsetMs = needed;
    return stepped;
  }

  /** Archive time of a moment of the run. */
  map(wallMs: number): number {
    if (this.#offsetMs === 0) return wallMs;
    const passed = wallMs - this.#atMs;
    if (passed > 0) {
      this.#offsetMs = Math.max(0, this.#offsetMs - passed * approach);
      this.#atMs = wallMs;
    }
    return wallMs + this.#offsetMs;
  }
}
