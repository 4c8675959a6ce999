/**
 * RTP payloads to H.265 access units, as RFC 7798 packs them: single NAL unit packets (4.4.1),
 * aggregation packets (AP, 4.4.2), fragmentation units (FU, 4.4.3). A unit ends with the
 * marker, or where the timestamp changes. Parameter sets, access unit delimiters and filler
 * are taken out; SEI stays. A NAL unit with a hole in it is dropped whole; a picture of which
 * nothing is left is dropped, and its loss told with the next one. A keyframe is a picture at a
 * random access point (IRAP: IDR, CRA, BLA). Pictures that lead the first of them (RASL) refer to what
 * was before it and cannot be decoded (H.265 8.1.3): they are left out. A keyframe with a hole is none:
 * nothing may begin with it.
 *
 * Cameras break the RFC as they do with H.264, and are borne in the same way (h264/depacketizer.ts).
 *
 * NAL units with decoding order numbers come through `deinterleaver.ts`. Left out: PACI packets (4.4.4).
 */
import { h265Type, h265TypeOf } from '#media/h265';
import { H265ParameterSets } from '#media/h265-sets';
import { UnitBuffer } from '#media/unit-buffer';
import type { Depacketizer, UnitTaker } from '../depacketizer.ts';

const ap = 48;
const fu = 49;
/** A picture larger than this is no picture: 8 MiB are a second at 64 Mbit/s. */
const unitLimitBytes = 8 << 20;
const slabBytes = 128 << 10;

export class H265Depacketizer implements Depacketizer {
  readonly #taker: UnitTaker;
  readonly #sets = new H265ParameterSets();
  readonly #unit = new UnitBuffer(slabBytes, unitLimitBytes);
  /** Where in the unit the NAL unit being joined from fragments begins; -1: none is. */
  #fragment = -1;
  #timestamp = -1;
  /** A slice is in the unit. */
  #picture = false;
  #keyframe = false;
  #lost = 0;
  /** Something of the picture is missing. */
  #damaged = false;
  /** Of the slices of the unit. */
  #type = 0;
  /** Random access points so far: none, the first, more. */
  #irap: 0 | 1 | 2 = 0;
  #endedAt = -1;
  #markerLies = false;

  constructor(taker: UnitTaker) {
    this.#taker = taker;
  }

  /** Parameter sets known from elsewhere (SDP). */
  offer(nalus: readonly Uint8Array[]): void {
    for (const nalu of nalus) this.#sets.offer(nalu, 0, nalu.length);
  }

  restart(): void {
    this.#unit.drop();
    this.#fragment = -1;
    this.#picture = this.#keyframe = this.#damaged = false;
    this.#irap = 0;
    this.#timestamp = -1;
    this.#endedAt = -1;
    this.#lost = 0;
  }

  push(bytes: Uint8Array, begin: number, end: number, marker: boolean, timestamp: number, lost: number): void {
    if (lost > 0) {
      this.#lost += lost;
      // Its middle if this packet is of the same picture, else its end.
      if (this.#picture || (timestamp === this.#timestamp && timestamp !== this.#endedAt)) this.#damaged = true;
      this.#abandon('a packet of a fragmented NAL unit was lost');
    }
    if (timestamp !== this.#timestamp) {
      this.#abandon('a fragmented NAL unit did not end with its picture');
      if (this.#picture) this.#end();
      this.#timestamp = timestamp;
      this.#damaged = false;
    }
    if (begin + 2 > end) {
      this.#taker.fault('a packet without payload');
    } else {
      const type = h265TypeOf(bytes[begin]!);
      if (type === fu) this.#fragmentOf(bytes, begin, end);
      else {
        this.#abandon('a fragmented NAL unit was interrupted by another');
        if (type === ap) this.#aggregate(bytes, begin, end);
        else if (type > ap) this.#taker.fault(`a packet of type ${type}`);
        else this.#whole(bytes, begin, end);
      }
    }
    if (marker && this.#picture && !this.#markerLies) {
      this.#abandon('a fragmented NAL unit did not end with its picture');
      if (this.#picture) this.#end();
    }
  }

  #fragmentOf(bytes: Uint8Array, begin: number, end: number): void {
    const header = bytes[begin + 2] ?? 0;
    const first = (header & 0x80) !== 0;
    const content = begin + 3;
    if (content >= end) {
      this.#taker.fault('FU without content');
      return;
    }
    const type = header & 0x3f;
    if (first) {
      this.#abandon('a fragmented NAL unit began before the one before ended');
      if (type <= h265Type.lastSlice && !this.#belongs(bytes[content]!)) return;
      this.#fragment = this.#unit.length;
      // PayloadHdr with the fragment's type in place of 49; its second byte is the NAL unit's own.
      this.#unit.appendPrefix((bytes[begin]! & 0x81) | (type << 1));
      this.#unit.append(bytes, begin + 1, begin + 2);
    } else if (this.#fragment < 0) {
      this.#damaged = true;
      this.#taker.fault('FU without a beginning');
      return;
    }
    this.#unit.append(bytes, content, end);
    if ((header & 0x40) === 0) return;
    const at = this.#fragment;
    this.#fragment = -1;
    if (type > h265Type.lastSlice) {
      const nalu = this.#unit.copyFrom(at + 4);
      this.#unit.truncate(at);
      this.#whole(nalu, 0, nalu.length);
      return;
    }
    this.#unit.setLength(at);
    this.#note(type);
  }

  #aggregate(bytes: Uint8Array, begin: number, end: number): void {
    for (let at = begin + 2; at < end; ) {
      const next = at + 2 + (at + 1 < end ? (bytes[at]! << 8) | bytes[at + 1]! : 0);
      if (next < at + 4 || next > end) {
        this.#taker.fault('AP with a length that does not fit');
        return;
      }
      this.#whole(bytes, at + 2, next);
      at = next;
    }
  }

  #whole(bytes: Uint8Array, begin: number, end: number): void {
    const type = h265TypeOf(bytes[begin]!);
    if (type >= h265Type.vps && type <= h265Type.pps) {
      this.#sets.offer(bytes, begin, end);
      return;
    }
    if (type >= h265Type.aud && type <= h265Type.filler) return;
    if (type >= ap) {
      this.#taker.fault(`a NAL unit of type ${type} inside a packet`);
      return;
    }
    if (type <= h265Type.lastSlice && !this.#belongs(end - begin > 2 ? bytes[begin + 2]! : 0x80)) return;
    this.#unit.appendLength(end - begin);
    this.#unit.append(bytes, begin, end);
    this.#note(type);
  }

  /** Is a slice whose header begins with this byte part of the unit being made? Not if its picture was handed on already. */
  #belongs(first: number): boolean {
    // first_slice_segment_in_pic_flag
    if (!this.#picture && this.#fragment < 0 && (first & 0x80) === 0) this.#damaged = true;
    if (this.#timestamp !== this.#endedAt || (first & 0x80) !== 0) return true;
    if (!this.#markerLies) {
      this.#taker.fault('a slice after the marker: from now on only timestamps end a picture');
      this.#taker.quirk?.('marker-on-every-slice');
      // The picture that was handed on lacks this slice: that is told with the next one.
      this.#lost++;
    }
    this.#markerLies = true;
    return false;
  }

  #note(type: number): void {
    if (type > h265Type.lastSlice) return;
    this.#picture = true;
    this.#type = type;
    if (type >= h265Type.firstIrap && type <= h265Type.lastIrap) this.#keyframe = true;
  }

  #end(): void {
    const lost = this.#lost;
    const keyframe = this.#keyframe && !this.#damaged;
    const overflown = this.#unit.overflown;
    this.#endedAt = this.#timestamp;
    this.#picture = this.#keyframe = this.#damaged = false;
    if (overflown) {
      this.#unit.drop();
      this.#lost++;
      this.#taker.fault('a picture larger than 8 MiB was dropped');
      return;
    }
    if (keyframe) this.#irap = this.#irap === 0 ? 1 : 2;
    else if (this.#irap === 1 && (this.#type === h265Type.raslN || this.#type === h265Type.raslR)) {
      this.#unit.drop();
      return;
    }
    this.#lost = 0;
    const sets = this.#sets.takeChanged();
    if (sets !== undefined) this.#taker.parameterSets(sets);
    this.#taker.unit(this.#timestamp, keyframe, this.#unit.take(), lost);
  }

  /** A NAL unit that will not become whole: what came of it goes. */
  #abandon(why: string): void {
    if (this.#fragment < 0) return;
    this.#unit.truncate(this.#fragment);
    this.#fragment = -1;
    this.#damaged = true;
    this.#taker.fault(why);
  }
}
