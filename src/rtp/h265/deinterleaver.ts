/**
 * H.265 whose NAL units carry decoding order numbers (RFC 7798 4.4, sprop-max-don-diff above 0), and may come in
 * another order: they are taken out of their packets, put in order as clause 6 has it, and handed one by
 * one to the depacketizer for those that come in order.
 *
 *   single: header(2) DONL(2) rest | AP: header(2) DONL(2) { [DOND(1)] size(2) NAL unit } | FU: header(2) FU(1) [DONL(2) in the first] rest
 *
 * Markers are not looked at: the last packet of a picture need not hold its last NAL unit. So a picture is
 * known to be whole when the next one begins. At most 8 MiB are held; beyond them the order is given up.
 */
import { h265TypeOf } from '#media/h265';
import { UnitBuffer } from '#media/unit-buffer';
import type { Depacketizer, UnitTaker } from '../depacketizer.ts';
import { seqDistance } from '../packet.ts';

const ap = 48;
const fu = 49;
const heldBytes = 8 << 20;
const slabBytes = 128 << 10;

export interface Interleaving {
  /** sprop-max-don-diff */
  readonly maxDonDiff: number;
  /** sprop-depack-buf-nalus; 0: not told. */
  readonly bufferNalus: number;
}

interface Numbered {
  /** AbsDon of RFC 7798 4.1: does not wrap. */
  readonly don: number;
  readonly nalu: Uint8Array;
  readonly timestamp: number;
  readonly lost: number;
}

export class H265Deinterleaver implements Depacketizer {
  readonly #taker: UnitTaker;
  readonly #inner: Depacketizer;
  readonly #how: Interleaving;
  /** Ascending by their number. */
  #held: Numbered[] = [];
  #heldBytes = 0;
  #don = -1;
  #lost = 0;
  /** The NAL unit that is joined from fragments. */
  readonly #unit = new UnitBuffer(slabBytes, heldBytes);
  #fragment: { readonly don: number; readonly timestamp: number } | undefined;

  /** `inner`: takes a NAL unit in each payload. */
  constructor(taker: UnitTaker, inner: Depacketizer, how: Interleaving) {
    this.#taker = taker;
    this.#inner = inner;
    this.#how = how;
  }

  restart(): void {
    this.#held = [];
    this.#heldBytes = 0;
    this.#don = -1;
    this.#lost = 0;
    this.#fragment = undefined;
    this.#unit.drop();
    this.#inner.restart();
  }

  push(bytes: Uint8Array, begin: number, end: number, _marker: boolean, timestamp: number, lost: number): void {
    this.#lost += lost;
    const type = begin + 3 > end ? -1 : h265TypeOf(bytes[begin]!);
    const middle = type === fu && (bytes[begin + 2]! & 0x80) === 0;
    if (lost > 0 || !middle) this.#abandon();
    if (type === fu) this.#fragmentOf(bytes, begin, end, timestamp);
    else if (begin + 5 > end) this.#taker.fault('a packet without payload');
    else if (type === ap) this.#aggregate(bytes, begin, end, timestamp);
    else if (type > ap) this.#taker.fault(`a packet of type ${type}`);
    else {
      this.#unit.append(bytes, begin, begin + 2);
      this.#unit.append(bytes, begin + 4, end);
      this.#hold(this.#numberOf(bytes, begin + 2), this.#unit.take(), timestamp);
    }
  }

  #aggregate(bytes: Uint8Array, begin: number, end: number, timestamp: number): void {
    let don = this.#numberOf(bytes, begin + 2);
    for (let at = begin + 4, first = true; at < end; first = false) {
      if (!first) don += bytes[at++]! + 1;
      const next = at + 2 + (at + 1 < end ? (bytes[at]! << 8) | bytes[at + 1]! : 0);
      if (next < at + 4 || next > end) {
        this.#taker.fault('AP with a length that does not fit');
        break;
      }
      this.#hold(don, bytes.slice(at + 2, next), timestamp);
      at = next;
    }
    this.#don = don;
  }

  #fragmentOf(bytes: Uint8Array, begin: number, end: number, timestamp: number): void {
    const header = bytes[begin + 2]!;
    let at = begin + 3;
    if ((header & 0x80) !== 0) {
      if (at + 2 >= end) {
        this.#taker.fault('FU without content');
        return;
      }
      this.#fragment = { don: this.#numberOf(bytes, at), timestamp };
      at += 2;
      this.#unit.appendByte((bytes[begin]! & 0x81) | ((header & 0x3f) << 1));
      this.#unit.append(bytes, begin + 1, begin + 2);
    } else if (this.#fragment === undefined || at >= end) {
      this.#taker.fault('FU without a beginning');
      return;
    }
    this.#unit.append(bytes, at, end);
    if ((header & 0x40) === 0 || this.#fragment === undefined) return;
    const { don } = this.#fragment;
    this.#fragment = undefined;
    if (this.#unit.overflown) {
      this.#unit.drop();
      this.#taker.fault('a picture larger than 8 MiB was dropped');
    } else this.#hold(don, this.#unit.take(), timestamp);
  }

  /** The number that stands at `at`, without its wrap. */
  #numberOf(bytes: Uint8Array, at: number): number {
    const said = (bytes[at]! << 8) | bytes[at + 1]!;
    this.#don = this.#don < 0 ? said + 0x10000 : this.#don + seqDistance(this.#don & 0xffff, said);
    return this.#don;
  }

  #hold(don: number, nalu: Uint8Array, timestamp: number): void {
    const { maxDonDiff, bufferNalus } = this.#how;
    const held = this.#held;
    let at = held.length;
    while (at > 0 && held[at - 1]!.don > don) at--;
    held.splice(at, 0, { don, nalu, timestamp, lost: this.#lost });
    this.#lost = 0;
    this.#heldBytes += nalu.length;
    while (
      held.length > 0 &&
      (held.at(-1)!.don - held[0]!.don >= maxDonDiff ||
        (bufferNalus > 0 && held.length > bufferNalus) ||
        this.#heldBytes > heldBytes)
    )
      this.#release();
  }

  #release(): void {
    const next = this.#held.shift();
    if (next === undefined) return;
    this.#heldBytes -= next.nalu.length;
    this.#inner.push(next.nalu, 0, next.nalu.length, false, next.timestamp, next.lost);
  }

  #abandon(): void {
    if (this.#fragment === undefined) return;
    this.#fragment = undefined;
    this.#unit.drop();
    // It is missing like a lost packet is.
    this.#lost++;
    this.#taker.fault('a fragmented NAL unit did not end');
  }
}
