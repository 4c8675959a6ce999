/**
 * RTP payloads to AV1 temporal units ("RTP Payload Format for AV1", AOM, v1.0). A payload is an aggregation header and OBU elements:
 *
 *   Z Y W(2) N 0(3) | elements, each behind its length (leb128); with W > 0 there are W, and the last has no length
 *
 * Z: the first element continues one from the packet before; Y: the last goes on in the next; N: a
 * coded video sequence begins. A unit ends with the marker, or where the timestamp changes.
 *
 * OBUs come without their sizes and leave with them (media/av1). A size is written in 4 bytes, whatever it
 * is (4.10.5 allows leading zeros), so that an OBU in fragments is copied but once. Temporal
 * delimiters, tile lists and padding are taken out (5 of the payload format). A keyframe always has its
 * sequence header. A unit with a hole in it is dropped, and its loss told with the next one. Layers are not told apart.
 */
import { av1Track, isAv1Keyframe, leb128, obus, obuType, obuTypeOf } from '#media/av1';
import { UnitBuffer } from '#media/unit-buffer';
import type { Depacketizer, UnitTaker } from '../depacketizer.ts';

/** A picture larger than this is no picture: 8 MiB are a second at 64 Mbit/s. */
const unitLimitBytes = 8 << 20;
const slabBytes = 128 << 10;
/** Of the size that every OBU gets. */
const sizeBytes = 4;

export class Av1Depacketizer implements Depacketizer {
  readonly #taker: UnitTaker;
  readonly #unit = new UnitBuffer(slabBytes, unitLimitBytes);
  /** Where in the unit the OBU being joined begins; -1: none is. */
  #open = -1;
  /** The OBU being joined is one of those that are taken out. */
  #skipping = false;
  /** A packet of the unit was lost or broken. */
  #torn = false;
  #timestamp = -1;
  #lost = 0;
  #sequenceHeader = new Uint8Array(0);

  constructor(taker: UnitTaker) {
    this.#taker = taker;
  }

  restart(): void {
    this.#drop();
    this.#torn = false;
    this.#timestamp = -1;
    this.#lost = 0;
  }

  push(bytes: Uint8Array, begin: number, end: number, marker: boolean, timestamp: number, lost: number): void {
    if (timestamp !== this.#timestamp) {
      if (lost > 0 && this.#unit.length > 0) this.#tear('a packet of a temporal unit was lost');
      this.#end();
      this.#timestamp = timestamp;
    }
    if (lost > 0) {
      this.#lost += lost;
      if (this.#unit.length > 0 || !beginsUnit(bytes, begin, end)) this.#tear('a packet of a temporal unit was lost');
    }
    if (!this.#torn && !this.#elements(bytes, begin, end)) this.#tear('OBU elements that do not fit');
    if (marker) this.#end();
  }

  #elements(bytes: Uint8Array, begin: number, end: number): boolean {
    if (begin + 1 >= end) return false;
    const header = bytes[begin]!;
    const count = (header >> 4) & 3;
    const goesOn = (header & 0x40) !== 0;
    if ((header & 0x80) === 0) {
      if (this.#open >= 0 || this.#skipping) return false;
    } else if (this.#open < 0 && !this.#skipping) return false;
    let at = begin + 1;
    for (let number = 1; at < end; number++) {
      let next = end;
      if (count === 0 || number < count) {
        const length = leb128(bytes, at);
        if (length === undefined || length.end + length.value > end) return false;
        at = length.end;
        next = at + length.value;
      }
      const continues = number === 1 && (header & 0x80) !== 0;
      if (!continues && at < next && !this.#beginObu(bytes, at, next)) return false;
      if (continues && !this.#skipping) this.#unit.append(bytes, at, next);
      at = next;
      if (at < end || !goesOn) this.#endObu();
      if (number === count) break;
    }
    return true;
  }

  /** The header of an OBU, with the room for its size, and what there is of its payload. */
  #beginObu(bytes: Uint8Array, begin: number, end: number): boolean {
    const header = bytes[begin]!;
    const type = obuTypeOf(header);
    this.#skipping = type === obuType.temporalDelimiter || type === obuType.tileList || type === obuType.padding;
    if (this.#skipping) return true;
    let at = begin + 1;
    if ((header & 4) !== 0) at++;
    if (at > end) return false;
    this.#open = this.#unit.length;
    this.#unit.appendByte(header | 2);
    if ((header & 4) !== 0) this.#unit.appendByte(bytes[begin + 1]!);
    this.#unit.appendLength(0);
    if ((header & 2) !== 0) {
      // A size is not wanted here, but allowed: ours takes its place.
      const size = leb128(bytes, at);
      if (size === undefined || size.end > end) return false;
      at = size.end;
    }
    this.#unit.append(bytes, at, end);
    return true;
  }

  #endObu(): void {
    const at = this.#open;
    this.#open = -1;
    this.#skipping = false;
    if (at < 0) return;
    const size = at + ((this.#unit.byteAt(at) & 4) !== 0 ? 2 : 1);
    const value = this.#unit.length - size - sizeBytes;
    for (let i = 0; i < sizeBytes; i++)
      this.#unit.setByte(size + i, ((value >> (7 * i)) & 0x7f) | (i < sizeBytes - 1 ? 0x80 : 0));
  }

  #end(): void {
    const { overflown, length } = this.#unit;
    const unfinished = this.#open >= 0;
    const lost = this.#lost;
    if (this.#torn || overflown || unfinished || length === 0) {
      if (overflown) this.#taker.fault('a picture larger than 8 MiB was dropped');
      else if (unfinished && !this.#torn) this.#taker.fault('an OBU did not end with its temporal unit');
      if ((overflown || unfinished) && lost === 0) this.#lost = 1;
      this.#torn = false;
      this.#drop();
      return;
    }
    this.#skipping = false;
    this.#lost = 0;
    const data = this.#unit.take();
    const keyframe = isAv1Keyframe(data);
    this.#taker.unit(this.#timestamp, keyframe, keyframe ? this.#withHeader(data) : data, lost);
  }

  /** Tells a new sequence header; puts the one known before a keyframe without. */
  #withHeader(data: Uint8Array): Uint8Array {
    for (const { type, begin, end } of obus(data)) {
      if (type !== obuType.sequenceHeader) continue;
      const header = data.subarray(begin, end);
      if (same(header, this.#sequenceHeader)) return data;
      const track = av1Track(header);
      if (track === undefined) this.#taker.fault('a sequence header that makes no sense');
      else {
        this.#sequenceHeader = header.slice();
        this.#taker.format(track);
      }
      return data;
    }
    const whole = new Uint8Array(this.#sequenceHeader.length + data.length);
    whole.set(this.#sequenceHeader);
    whole.set(data, this.#sequenceHeader.length);
    return whole;
  }

  #tear(why: string): void {
    if (!this.#torn) this.#taker.fault(why);
    this.#drop();
    this.#torn = true;
  }

  #drop(): void {
    this.#unit.drop();
    this.#open = -1;
    this.#skipping = false;
  }
}

/** Could be the first packet of a temporal unit: it begins with an OBU that such a unit begins with. */
function beginsUnit(bytes: Uint8Array, begin: number, end: number): boolean {
  if (begin + 1 >= end || (bytes[begin]! & 0x80) !== 0) return false;
  const length = (bytes[begin]! & 0x30) === 0x10 ? { end: begin + 1 } : leb128(bytes, begin + 1);
  const type = obuTypeOf(length === undefined ? 0 : (bytes[length.end] ?? 0));
  return type !== obuType.tileGroup && type !== obuType.redundantFrameHeader;
}

const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i]);
