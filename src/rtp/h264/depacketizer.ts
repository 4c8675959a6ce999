/**
 * RTP payloads to H.264 access units, as RFC 6184 packs them: single NAL unit packets,
 * STAP-A, FU-A. A unit ends with the marker, or where the timestamp changes. Parameter sets
 * and access unit delimiters are taken out, filler too; SEI stays. A NAL unit with a hole in it is dropped
 * whole; a picture of which nothing is left is dropped, and its loss told with the next one.
 * What is left of a picture is handed on, with how much is missing: an archive keeps what there
 * is, and players conceal it. But a keyframe with a hole is none: nothing may begin with it. A keyframe is an IDR
 * picture; of a stream without them, what `media/h264-entry.ts` says (quirk `no-idr`).
 *
 * Cameras break the RFC. What we tolerate:
 *   - S and E both set in one FU-A header (RFC 6184 5.8 forbids it): taken as a whole NAL unit.
 *   - marker on packets that hold only parameter sets: the unit goes on until it has a picture.
 *   - marker on every slice: noticed at the first slice after the end that does not begin a
 *     picture; from then on only the timestamp ends a unit, and that one picture is cut.
 *   - several NAL units with start codes between them in what should be one parameter set.
 * Not spoken: interleaved mode (STAP-B, MTAP, FU-B), which is never offered.
 */
import { naluType } from '#media/h264';
import { H264EntryPoints } from '#media/h264-entry';
import { H264ParameterSets } from '#media/h264-sets';
import { UnitBuffer } from '#media/unit-buffer';
import type { Depacketizer, UnitTaker } from '../depacketizer.ts';
import { timestampDistance } from '../packet.ts';

const stapA = 24;
const fuA = 28;
/** A picture larger than this is no picture: 8 MiB are a second at 64 Mbit/s. */
const unitLimitBytes = 8 << 20;
const slabBytes = 128 << 10;

export class H264Depacketizer implements Depacketizer {
  readonly #taker: UnitTaker;
  readonly #unit = new UnitBuffer(slabBytes, unitLimitBytes);
  /** Where in the unit the NAL unit being joined from fragments begins; -1: none is. */
  #fragment = -1;
  #timestamp = -1;
  /** A slice is in the unit. */
  #picture = false;
  readonly #entry = new H264EntryPoints();
  #keyTimestamp = 0;
  #lost = 0;
  /** Something of the picture is missing. */
  #damaged = false;
  #endedAt = -1;
  #markerLies = false;
  readonly #sets = new H264ParameterSets();

  constructor(taker: UnitTaker) {
    this.#taker = taker;
  }

  /** Parameter sets known from elsewhere (SDP). */
  offer(nalus: readonly Uint8Array[]): void {
    for (const nalu of nalus) this.#sets.offer(nalu, 0, nalu.length);
  }

  restart(): void {
    this.#drop();
    this.#entry.restart();
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
      // A recovery point whose picture never came is not that of the next one.
      else this.#entry.drop();
      this.#timestamp = timestamp;
      this.#damaged = false;
    }
    if (begin >= end) {
      this.#taker.fault('a packet without payload');
    } else {
      const type = bytes[begin]! & 0x1f;
      if (type === fuA) this.#fragmentOf(bytes, begin, end);
      else {
        this.#abandon('a fragmented NAL unit was interrupted by another');
        if (type === stapA) this.#aggregate(bytes, begin, end);
        else if (type > 23) this.#taker.fault(`a packet of type ${type}`);
        else this.#whole(bytes, begin, end);
      }
    }
    if (marker && this.#picture && !this.#markerLies) {
      this.#abandon('a fragmented NAL unit did not end with its picture');
      if (this.#picture) this.#end();
    }
  }

  #fragmentOf(bytes: Uint8Array, begin: number, end: number): void {
    if (end - begin < 3) {
      this.#taker.fault('FU-A without content');
      return;
    }
    const header = bytes[begin + 1]!;
    if ((header & 0x80) !== 0) {
      this.#abandon('a fragmented NAL unit began before the one before ended');
      const type = header & 0x1f;
      if (type >= 1 && type <= 5) {
        if (!this.#belongs(bytes[begin + 2]!)) return;
        this.#entry.slice(type === naluType.idr, bytes, begin + 2, end);
      }
      this.#fragment = this.#unit.length;
      this.#unit.appendPrefix((bytes[begin]! & 0xe0) | type);
    } else if (this.#fragment < 0) {
      this.#damaged = true;
      this.#taker.fault('FU-A without a beginning');
      return;
    }
    this.#unit.append(bytes, begin + 2, end);
    if ((header & 0x40) === 0) return;
    const at = this.#fragment;
    this.#fragment = -1;
    const type = this.#unit.byteAt(at + 4) & 0x1f;
    if (type >= naluType.sps || type === 0) {
      const nalu = this.#unit.copyFrom(at + 4);
      this.#unit.truncate(at);
      this.#whole(nalu, 0, nalu.length);
      return;
    }
    this.#unit.setLength(at);
    this.#picture ||= type <= naluType.idr;
  }

  #aggregate(bytes: Uint8Array, begin: number, end: number): void {
    for (let at = begin + 1; at < end; ) {
      const next = at + 2 + ((bytes[at]! << 8) | (at + 1 < end ? bytes[at + 1]! : 0));
      if (next === at + 2 || next > end) {
        this.#taker.fault('STAP-A with a length that does not fit');
        return;
      }
      this.#whole(bytes, at + 2, next);
      at = next;
    }
  }

  #whole(bytes: Uint8Array, begin: number, end: number): void {
    const type = bytes[begin]! & 0x1f;
    if (type === naluType.sps || type === naluType.pps) {
      this.#sets.offer(bytes, begin, end);
      return;
    }
    if (type === naluType.aud || (type >= naluType.endOfSequence && type <= naluType.filler)) return;
    if (type === 0) {
      this.#taker.fault('a NAL unit of type 0');
      return;
    }
    if (type <= naluType.idr) {
      if (!this.#belongs(end - begin > 1 ? bytes[begin + 1]! : 0x80)) return;
      this.#entry.slice(type === naluType.idr, bytes, begin + 1, end);
      this.#picture = true;
    } else if (type === naluType.sei) this.#entry.sei(bytes, begin, end);
    this.#unit.appendLength(end - begin);
    this.#unit.append(bytes, begin, end);
  }

  /** Is a slice with this first byte part of the unit being made? Not if its picture was handed on already. */
  #belongs(first: number): boolean {
    // first_mb_in_slice is ue(v): a leading 1 is macroblock 0, the beginning of a picture.
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

  #end(): void {
    const lost = this.#lost;
    const overflown = this.#unit.overflown;
    const keyframe = this.#entry.picture(!this.#damaged && !overflown);
    this.#endedAt = this.#timestamp;
    this.#picture = this.#damaged = false;
    if (overflown) {
      this.#unit.drop();
      this.#lost++;
      this.#taker.fault('a picture larger than 8 MiB was dropped');
      return;
    }
    if (keyframe) {
      this.#keyTimestamp = this.#timestamp;
      if (this.#entry.open) this.#taker.quirk?.('no-idr');
    } else if (this.#entry.leads && timestampDistance(this.#keyTimestamp, this.#timestamp) < 0) {
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

  #drop(): void {
    this.#unit.drop();
    this.#fragment = -1;
    this.#picture = this.#damaged = false;
  }
}
