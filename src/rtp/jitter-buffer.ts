/**
 * Packets of one RTP source as a network without order brings them, put in the order of
 * their sequence numbers (RFC 3550 5.1). Pure: times are milliseconds of any one clock.
 *
 * What comes in order passes at once and uncopied. What comes too early is copied and waits
 * for the missing, `waitMs` at most; then the hole is given up, and whoever counts sequence
 * numbers behind us (`Reception`) sees it as loss. What comes too late is passed on for it to count.
 *
 * A packet out of nowhere (another SSRC, a sequence number far off) is held until a second one
 * continues it, as RFC 3550 A.1 has it: one stray packet ends no run. Then both are passed on.
 *
 * Limits: 512 packets and `limitBytes`; beyond them the oldest hole is given up early.
 */
import { seqDistance, seqOf, ssrcOf } from './packet.ts';

export type PacketTaker = (bytes: Uint8Array, begin: number, end: number, arrivalMs: number) => void;

export interface JitterOptions {
  readonly waitMs: number;
  readonly limitBytes: number;
}

interface Held {
  readonly bytes: Uint8Array;
  readonly arrivalMs: number;
  readonly heldMs: number;
}

/** A power of two: a packet's place is its sequence number modulo this. */
const slots = 512;
/** So far back a packet is late; further, it is out of nowhere (MAX_MISORDER of RFC 3550 A.1). */
const lateMost = 100;

export class JitterBuffer {
  readonly #take: PacketTaker;
  readonly #options: JitterOptions;
  readonly #held: (Held | undefined)[] = new Array<Held | undefined>(slots).fill(undefined);
  #heldCount = 0;
  #heldBytes = 0;
  /** When the packet that waits longest came; Infinity: none waits. */
  #oldestMs = Number.POSITIVE_INFINITY;
  #ssrc = -1;
  /** Sequence number that is due. */
  #next = -1;
  #highest = -1;
  #outlier: Held | undefined;
  /** Packets that came behind a later one and were put right. */
  reordered = 0;
  /** Packets out of nowhere that nothing continued. */
  strays = 0;

  constructor(take: PacketTaker, options: JitterOptions) {
    this.#take = take;
    this.#options = options;
  }

  /** When `tick` has something to do; Infinity: nothing waits. */
  get deadlineMs(): number {
    return this.#oldestMs + this.#options.waitMs;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** A packet of at least 12 bytes. `arrivalMs` is handed on with it, `nowMs` is the clock of `tick`. */
  push(bytes: Uint8Array, begin: number, end: number, arrivalMs: number, nowMs: number): void {
    const seq = seqOf(bytes, begin);
    const ssrc = ssrcOf(bytes, begin);
    if (this.#next < 0) this.#restart(seq, ssrc);
    const distance = seqDistance(this.#next, seq);
    if (ssrc !== this.#ssrc || distance >= slots || distance <= -lateMost) {
      this.#outOfNowhere(bytes, begin, end, arrivalMs, nowMs);
    } else if (distance < 0) {
      this.#take(bytes, begin, end, arrivalMs);
    } else {
      if (seqDistance(this.#highest, seq) > 0) this.#highest = seq;
      else if (this.#heldCount > 0 && this.#held[seq & (slots - 1)] === undefined) this.reordered++;
      if (distance === 0) {
        this.#next = (seq + 1) & 0xffff;
        this.#take(bytes, begin, end, arrivalMs);
        if (this.#heldCount > 0) this.#release();
      } else this.#hold(seq, { bytes: bytes.slice(begin, end), arrivalMs, heldMs: nowMs });
    }
    if (this.#heldCount > 0) this.tick(nowMs);
  }

  /** Gives up holes whose time is over. */
  tick(nowMs: number): void {
    while (this.#heldCount > 0 && (nowMs >= this.deadlineMs || this.#heldBytes > this.#options.limitBytes))
      this.#giveUp();
  }

  #hold(seq: number, packet: Held): void {
    const at = seq & (slots - 1);
    if (this.#held[at] !== undefined) return; // a double
    this.#held[at] = packet;
    this.#heldCount++;
    this.#heldBytes += packet.bytes.length;
    this.#oldestMs = Math.min(this.#oldestMs, packet.heldMs);
  }

  /** Goes on behind the first hole. */
  #giveUp(): void {
    while (this.#held[this.#next & (slots - 1)] === undefined) this.#next = (this.#next + 1) & 0xffff;
    this.#release();
  }

  /** Passes on what is held from `next` on, up to the next hole. */
  #release(): void {
    for (;;) {
      const at = this.#next & (slots - 1);
      const packet = this.#held[at];
      if (packet === undefined) break;
      this.#held[at] = undefined;
      this.#heldCount--;
      this.#heldBytes -= packet.bytes.length;
      this.#next = (this.#next + 1) & 0xffff;
      this.#take(packet.bytes, 0, packet.bytes.length, packet.arrivalMs);
    }
    this.#oldestMs = Number.POSITIVE_INFINITY;
    if (this.#heldCount > 0) for (const p of this.#held) if (p) this.#oldestMs = Math.min(this.#oldestMs, p.heldMs);
  }

  #outOfNowhere(bytes: Uint8Array, begin: number, end: number, arrivalMs: number, nowMs: number): void {
    const before = this.#outlier;
    const seq = seqOf(bytes, begin);
    const ssrc = ssrcOf(bytes, begin);
    if (before === undefined || ssrcOf(before.bytes, 0) !== ssrc || seqDistance(seqOf(before.bytes, 0), seq) !== 1) {
      if (before !== undefined) this.strays++;
      this.#outlier = { bytes: bytes.slice(begin, end), arrivalMs, heldMs: nowMs };
      return;
    }
    this.#outlier = undefined;
    while (this.#heldCount > 0) this.#giveUp();
    this.#restart((seq + 1) & 0xffff, ssrc);
    this.#take(before.bytes, 0, before.bytes.length, before.arrivalMs);
    this.#take(bytes, begin, end, arrivalMs);
  }

  #restart(next: number, ssrc: number): void {
    this.#ssrc = ssrc;
    this.#next = next;
    this.#highest = (next - 1) & 0xffff;
  }
}
