/**
 * RTP payloads to AAC frames, as RFC 3640 packs them (mode AAC-hbr, AAC-lbr, generic):
 * several frames in a packet behind their headers, or one frame over several packets.
 * A header of ADTS in front of a frame is taken off (quirk `adts-in-aac`).
 * Interleaving (indices that skip) is not spoken; frames are taken as they stand.
 *
 *   AU-headers-length (16 bits, in bits) | per frame: size, index or index delta | frames
 */

import { UnitBuffer } from '#media/unit-buffer';
import type { Depacketizer, UnitTaker } from '../depacketizer.ts';

export interface AacPacking {
  /** Bits; 0: no headers, a packet is a frame. */
  readonly sizeLength: number;
  readonly indexLength: number;
  readonly indexDeltaLength: number;
  /** Of the RTP clock, from one frame to the next. */
  readonly ticksPerUnit: number;
}

/** A frame is 8191 bytes at most with 13 bits of size; 16 bits are allowed too. */
const unitLimitBytes = 64 << 10;
const slabBytes = 16 << 10;

export class AacDepacketizer implements Depacketizer {
  readonly #taker: UnitTaker;
  readonly #packing: AacPacking;
  readonly #unit = new UnitBuffer(slabBytes, unitLimitBytes);
  /** Bytes of the frame being joined that are still to come; 0: none is. */
  #awaited = 0;
  #timestamp = -1;
  #lost = 0;

  constructor(taker: UnitTaker, packing: AacPacking) {
    this.#taker = taker;
    this.#packing = packing;
  }

  restart(): void {
    this.#unit.drop();
    this.#awaited = 0;
    this.#lost = 0;
  }

  push(bytes: Uint8Array, begin: number, end: number, marker: boolean, timestamp: number, lost: number): void {
    this.#lost += lost;
    if (this.#awaited > 0 && (lost > 0 || timestamp !== this.#timestamp)) {
      this.#taker.fault('a fragmented frame did not end');
      this.#unit.drop();
      this.#awaited = 0;
    }
    const { sizeLength, indexLength, indexDeltaLength, ticksPerUnit } = this.#packing;
    if (sizeLength === 0) {
      if (begin >= end) {
        this.#taker.fault('a packet without payload');
        return;
      }
      this.#unit.append(bytes, begin, end);
      this.#hand(timestamp);
      return;
    }
    if (begin + 2 > end) {
      this.#taker.fault('a packet without payload');
      return;
    }
    const headerBits = (bytes[begin]! << 8) | bytes[begin + 1]!;
    let data = begin + 2 + ((headerBits + 7) >> 3);
    if (headerBits < sizeLength || data > end) {
      this.#taker.fault('AU headers that do not fit');
      return;
    }
    if (this.#awaited > 0) {
      // The header is repeated in every fragment (RFC 3640 3.2.3.1).
      const piece = Math.min(end - data, this.#awaited);
      this.#unit.append(bytes, data, data + piece);
      this.#awaited -= piece;
      if (this.#awaited === 0) this.#hand(timestamp);
      else if (marker) {
        this.#taker.fault('a fragmented frame did not end');
        this.#unit.drop();
        this.#awaited = 0;
      }
      return;
    }
    let frame = 0;
    for (let bit = 0; bit + sizeLength <= headerBits; frame++) {
      const size = bitsAt(bytes, (begin + 2) * 8 + bit, sizeLength);
      bit += sizeLength + (frame === 0 ? indexLength : indexDeltaLength);
      if (size === 0) continue;
      if (data + size > end) {
        if (frame > 0 || data >= end) {
          this.#taker.fault('a frame that does not fit');
          return;
        }
        this.#unit.append(bytes, data, end);
        this.#awaited = size - (end - data);
        this.#timestamp = timestamp;
        return;
      }
      this.#unit.append(bytes, data, data + size);
      data += size;
      this.#hand((timestamp + frame * ticksPerUnit) >>> 0);
    }
  }

  #hand(timestamp: number): void {
    const lost = this.#lost;
    this.#lost = 0;
    const data = this.#unit.take();
    const header = adtsBytes(data);
    if (header > 0) this.#taker.quirk?.('adts-in-aac');
    this.#taker.unit(timestamp, true, header > 0 ? data.subarray(header) : data, lost);
  }
}

/** Bytes of an ADTS header (ISO/IEC 14496-3 1.A.2.2) in front of a frame; 0 without. A raw frame that begins like one would be empty. */
function adtsBytes(data: Uint8Array): number {
  if (data.length < 8 || data[0] !== 0xff || (data[1]! & 0xf6) !== 0xf0) return 0;
  const length = ((data[3]! & 3) << 11) | (data[4]! << 3) | (data[5]! >> 5);
  const header = (data[1]! & 1) === 0 ? 9 : 7;
  return length === data.length && length > header ? header : 0;
}

function bitsAt(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let i = at; i < at + count; i++) value = value * 2 + ((bytes[i >> 3]! >> (7 - (i & 7))) & 1);
  return value;
}
