/**
 * Time of a session's tracks: 32-bit RTP timestamps that wrap (RFC 3550 5.1) become numbers
 * that do not; media/wall-anchor lays them on the wall clock.
 *
 * `TrackClock`: one track. Ticks that never wrap, and jumps: media may come late (a queue
 * somewhere) but not before it was made, so a timestamp far ahead of the time that passed,
 * or behind its predecessor, begins something new.
 */
import { timestampDistance } from './packet.ts';

/** This much ahead of the least late packet is a jump. Some cameras open with a group of pictures at once, so at first more is allowed, but in small steps. */
const aheadMs = 1_000;
const aheadAtFirstMs = 12_000;
const firstMs = 10_000;
/** The least late packet is forgotten at this rate, faster than any clock drifts. */
const forgetRate = 0.001;
/** B-frames go back by a few pictures. */
const backMs = 1_500;

/**
 * Times of pictures by their arrival, for a sender whose timestamps mean nothing (quirk
 * `jumping-timestamps`): the usual distance from picture to picture, drawn gently to when they came.
 */
export class ArrivalClock {
  readonly #clockRate: number;
  #lastMs = Number.NaN;
  #arrivedMs = 0;
  #periodMs = 40;

  constructor(clockRate: number) {
    this.#clockRate = clockRate;
  }

  /** A timestamp for what came at `arrivalMs`, 32 bits. Grows from call to call. */
  timestamp(arrivalMs: number): number {
    if (Number.isNaN(this.#lastMs)) this.#lastMs = arrivalMs;
    else {
      const passedMs = Math.max(0, arrivalMs - this.#arrivedMs);
      this.#periodMs += (Math.min(passedMs, 1_000) - this.#periodMs) / 16;
      const due = this.#lastMs + this.#periodMs;
      const off = arrivalMs - due;
      this.#lastMs = off > 1_000 ? arrivalMs : Math.max(this.#lastMs + 1, due + off / 8);
    }
    this.#arrivedMs = arrivalMs;
    return Math.round((this.#lastMs * this.#clockRate) / 1000) % 0x100000000;
  }
}

/** The 32-bit timestamps of one track as a count that does not wrap, and how they lie on the wall clock. */
export class TrackClock {
  readonly clockRate: number;
  #last = -1;
  #ticks = 0;
  #lastArrivalMs = 0;
  #beganMs = 0;
  /** Smallest of arrival - media time, in ms, creeping up slowly: how the track lies on the wall clock. */
  #lead = Number.POSITIVE_INFINITY;

  constructor(clockRate: number) {
    this.clockRate = clockRate;
  }

  /** Set by `ticks()`: this timestamp does not continue the ones before. */
  jumped = false;

  /** Nothing came yet. */
  get blank(): boolean {
    return this.#last < 0;
  }
  /** arrival - media time of the least late packet so far: adds media time (ms) to wall time. */
  get leadMs(): number {
    return this.#lead;
  }

  /** Ticks of a timestamp, in an arbitrary but continuing count. `arrivalMs` is wall or monotonic, always the same one. */
  ticks(timestamp: number, arrivalMs: number): number {
    this.jumped = false;
    if (this.#last < 0) {
      this.#last = timestamp;
      this.#ticks = timestamp;
      this.#lastArrivalMs = this.#beganMs = arrivalMs;
      this.#lead = arrivalMs - (timestamp * 1000) / this.clockRate;
    }
    const distance = timestampDistance(this.#last, timestamp);
    this.#last = timestamp;
    this.#ticks += distance;
    const lateness = arrivalMs - (this.#ticks * 1000) / this.clockRate;
    const stepMs = (distance * 1000) / this.clockRate - Math.max(0, arrivalMs - this.#lastArrivalMs);
    const allowed = arrivalMs - this.#beganMs < firstMs && stepMs < aheadMs ? aheadAtFirstMs : aheadMs;
    if (lateness < this.#lead - allowed || distance * 1000 < -backMs * this.clockRate) {
      this.jumped = true;
      this.#lead = lateness;
      this.#beganMs = arrivalMs;
    }
    this.#lead = Math.min(lateness, this.#lead + Math.max(0, arrivalMs - this.#lastArrivalMs) * forgetRate);
    this.#lastArrivalMs = arrivalMs;
    return this.#ticks;
  }

  /** Ticks of a timestamp that somebody else names (sender report, RTP-Info); nothing is remembered. */
  ticksOf(timestamp: number): number {
    return this.#last < 0 ? timestamp : this.#ticks + timestampDistance(this.#last, timestamp);
  }

  restart(): void {
    this.#last = -1;
    this.#lead = Number.POSITIVE_INFINITY;
  }
}
