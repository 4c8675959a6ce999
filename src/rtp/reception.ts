/**
 * What is known about one incoming RTP source from its sequence numbers: what is missing,
 * and the figures of a receiver report (RFC 3550 6.4.1, A.1, A.3, A.8). Packets are taken in
 * the order that somebody before us has made (`JitterBuffer`); one that still comes late is counted and refused,
 * since the unit it belongs to has gone. For reports it counts as received, as does a double (A.3).
 * Where the connection keeps the order, many in a row mean that the numbers say nothing.
 */

import { seqDistance } from './packet.ts';
import type { ReportBlock } from './rtcp.ts';

/** A jump this far is a restart of the sender, not loss (MAX_DROPOUT of RFC 3550 A.1). */
const maxDropout = 3000;
const maxMisorder = 100;

/** `packet()` says how many packets are missing right before this one, or one of these. */
export const late = -1;
/** `frozen-sequence` (quirks.ts). */
const frozenPackets = 64;
/** Another SSRC, or a sequence number out of nowhere. */
export const restarted = -2;

export class Reception {
  ssrc = -1;
  #highest = -1;
  #cycles = 0;
  #base = 0;
  #received = 0;
  #lost = 0;
  #late = 0;
  #expectedBefore = 0;
  #receivedBefore = 0;
  #transit = Number.NaN;
  #jitter = 0;
  /** Middle 32 bits of the last sender report's NTP time, and when it came. */
  #lastReport = 0;
  #lastReportAtMs = 0;
  readonly #clockRate: number;
  readonly #ordered: boolean;
  #lateInARow = 0;

  /** `ordered`: packets come as they were sent, so none can be late. */
  constructor(clockRate: number, ordered = false) {
    this.#clockRate = clockRate;
    this.#ordered = ordered;
  }

  /** The sender does not count: its numbers are not looked at any more. */
  frozen = false;

  /** Packets in all. */
  get received(): number {
    return this.#received;
  }
  /** Packets that never came, restarts not counted. */
  get lost(): number {
    return this.#lost;
  }
  /** Packets that came after a later one, doubles among them. */
  get late(): number {
    return this.#late;
  }
  /** Interarrival jitter in clock ticks. */
  get jitter(): number {
    return this.#jitter;
  }

  packet(seq: number, ssrc: number, timestamp: number, arrivalMs: number): number {
    if (this.#highest < 0 || ssrc !== this.ssrc) {
      const first = this.#highest < 0;
      this.#begin(seq, ssrc);
      return first ? 0 : restarted;
    }
    if (this.frozen) return this.#next(seq, timestamp, arrivalMs, 0);
    const distance = seqDistance(this.#highest, seq);
    if (distance <= 0 && distance > -maxMisorder) {
      this.#late++;
      this.#lateInARow++;
      this.frozen = this.#ordered && this.#lateInARow >= frozenPackets;
      return late;
    }
    this.#lateInARow = 0;
    if (distance <= -maxMisorder || distance >= maxDropout) {
      this.#begin(seq, ssrc);
      return restarted;
    }
    if (seq < this.#highest) this.#cycles += 65536;
    return this.#next(seq, timestamp, arrivalMs, distance - 1);
  }

  #next(seq: number, timestamp: number, arrivalMs: number, missing: number): number {
    this.#highest = seq;
    this.#received++;
    this.#lost += missing;
    // A.8; differences only, so the wrap of either clock does no harm beyond one packet.
    const transit = (arrivalMs * this.#clockRate) / 1000 - timestamp;
    const d = Math.abs(transit - this.#transit);
    if (d < this.#clockRate * 10) this.#jitter += (d - this.#jitter) / 16;
    this.#transit = transit;
    return missing;
  }

  senderReport(ntpMiddle: number, arrivalMs: number): void {
    this.#lastReport = ntpMiddle;
    this.#lastReportAtMs = arrivalMs;
  }

  /** What to report now; begins the next interval. Undefined before the first packet. */
  report(nowMs: number): ReportBlock | undefined {
    if (this.#highest < 0) return undefined;
    const extendedHighest = this.#cycles + this.#highest;
    const expected = extendedHighest - this.#base + 1;
    const expectedInterval = expected - this.#expectedBefore;
    const received = this.#received + this.#late;
    const lostInterval = expectedInterval - (received - this.#receivedBefore);
    this.#expectedBefore = expected;
    this.#receivedBefore = received;
    const fractionLost =
      expectedInterval <= 0 || lostInterval <= 0
        ? 0
        : Math.min(255, Math.floor((lostInterval * 256) / expectedInterval));
    return {
      ssrc: this.ssrc,
      fractionLost,
      lost: this.#lost - this.#late,
      highestSeq: extendedHighest,
      jitter: Math.round(this.#jitter),
      lastReport: this.#lastReport,
      delaySinceLastReport: this.#lastReport === 0 ? 0 : Math.round(((nowMs - this.#lastReportAtMs) * 65536) / 1000),
    };
  }

  #begin(seq: number, ssrc: number): void {
    this.ssrc = ssrc;
    this.#highest = seq;
    this.#cycles = 0;
    this.#base = seq - this.#received;
    this.#received++;
    this.#expectedBefore = Math.min(this.#expectedBefore, this.#received - 1);
    this.#transit = Number.NaN;
  }
}
