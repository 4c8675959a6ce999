/**
 * Media time laid on the wall clock. Wall time of presentation = media time + offset. Network and
 * sender only ever add delay, so what was the least late within a window tells the offset best; the
 * sender's clock drifts against ours (tens of ppm, 1000 at worst), so the offset follows, slowly, and wall
 * time never goes back.
 */

/** Seconds, each with the smallest lateness in it, that the window of an anchor holds. */
const windowSeconds = 20;
/** How fast the offset follows drift: 5 ms a second, five times the worst clock. */
const driftRate = 0.005;
/** The device's word is exact, so it is followed faster. */
const deviceRate = 0.05;
/** At the beginning the first packets come from a queue: the offset may fall by half of the time that passes. */
const settlingMs = 5_000;
const settlingRate = 0.5;
/** Lateness that stays above the anchor by this for a whole window is not lateness: the media clock stood still. */
const brokenMs = 2_000;

/** The wall time of media of one run: approached slowly, so that it never jumps. */
export class WallAnchor {
  #offset = Number.NaN;
  /** Smallest lateness of each second of the window, a ring by second number. */
  readonly #smallest = new Float64Array(windowSeconds).fill(Number.POSITIVE_INFINITY);
  #second = -1;
  #beganMs = 0;
  #beforeMs = 0;
  #target = 0;
  #device = Number.NaN;
  #deviceSaidMs = Number.NEGATIVE_INFINITY;

  /** The media clock stood still or was set: a new run should begin. */
  broken = false;

  /** What to add to media time to get wall time, ms. */
  get offsetMs(): number {
    return this.#offset;
  }
  get from(): 'arrival' | 'device' {
    return Number.isNaN(this.#device) ? 'arrival' : 'device';
  }

  /** Media of the time `mediaMs` came at `arrivalMs`. Gives the wall time of `mediaMs`. */
  unit(mediaMs: number, arrivalMs: number): number {
    const lateness = arrivalMs - mediaMs;
    if (Number.isNaN(this.#offset)) {
      this.#offset = this.#target = lateness;
      this.#beganMs = arrivalMs;
      this.#beforeMs = mediaMs;
    }
    const second = Math.floor(arrivalMs / 1000);
    if (second !== this.#second) this.#nextSecond(second);
    const slot = second % windowSeconds;
    if (lateness < this.#smallest[slot]!) this.#smallest[slot] = lateness;
    // A new minimum is news at once; that it has grown is known only when the window has passed.
    if (lateness < this.#target) this.#target = lateness;
    this.#follow(mediaMs, arrivalMs);
    return mediaMs + this.#offset;
  }

  /** The device says that `mediaMs` is `wallMs` on its clock. Used when within 2 s of ours. */
  device(mediaMs: number, wallMs: number, arrivalMs: number): void {
    const said = wallMs - mediaMs;
    const near = !Number.isNaN(this.#offset) && Math.abs(said - this.#target) <= 2_000;
    this.#device = near ? said : Number.NaN;
    this.#deviceSaidMs = arrivalMs;
  }

  #follow(mediaMs: number, arrivalMs: number): void {
    const passed = mediaMs - this.#beforeMs;
    if (passed <= 0) return;
    this.#beforeMs = mediaMs;
    // A device that has stopped reporting is not believed for ever.
    if (arrivalMs - this.#deviceSaidMs > 60_000) this.#device = Number.NaN;
    const byDevice = !Number.isNaN(this.#device);
    const error = (byDevice ? this.#device : this.#target) - this.#offset;
    const settling = arrivalMs - this.#beganMs < settlingMs;
    const rate = settling ? settlingRate : byDevice ? deviceRate : driftRate;
    const most = Math.min(passed, 1_000) * rate;
    this.#offset += Math.max(-most, Math.min(most, error));
  }

  #nextSecond(second: number): void {
    const steps = this.#second < 0 ? 1 : Math.min(windowSeconds, Math.max(1, second - this.#second));
    for (let i = 0; i < steps; i++) this.#smallest[(second - i) % windowSeconds] = Number.POSITIVE_INFINITY;
    this.#second = second;
    let smallest = Number.POSITIVE_INFINITY;
    let known = 0;
    for (const s of this.#smallest) {
      if (s === Number.POSITIVE_INFINITY) continue;
      known++;
      if (s < smallest) smallest = s;
    }
    // While the window is not full, and after a silence, the least late packet may have been late.
    if (known < windowSeconds - 1) return;
    this.#target = smallest;
    if (smallest - this.#offset > brokenMs) this.broken = true;
  }
}
