/**
 * RTP payloads to AAC frames, as RFC 6416 packs them (MP4A-LATM, and RFC 3016 before it): one
 * audioMuxElement (ISO/IEC 14496-3 1.7.3) over one or more packets, the marker on the last. With
 * `inBand` (cpresent=1) every element says whether the configuration stays, and may bring one.
 *
 *   [ stays(1) [ StreamMuxConfig ] ] | per frame: its length, in bytes of 255 and a last one below, and the frame | otherData
 */
import { aacTrack } from '#media/aac';
import type { AudioTrack } from '#media/track';
import type { Depacketizer, UnitTaker } from '../depacketizer.ts';
import { UnitBuffer } from '../unit-buffer.ts';
import { copyBits, parseStreamMuxConfig, type StreamMuxConfig } from './mux-config.ts';

export interface LatmPacking {
  readonly inBand: boolean;
  /** From the description; undefined when it only comes in band. */
  readonly mux: StreamMuxConfig | undefined;
  /** Of the RTP clock. */
  readonly clockRate: number;
}

/** 64 frames of 6144 bits a channel are not reached by far. */
const unitLimitBytes = 64 << 10;
const slabBytes = 16 << 10;

export class LatmDepacketizer implements Depacketizer {
  readonly #taker: UnitTaker;
  readonly #packing: LatmPacking;
  readonly #unit = new UnitBuffer(slabBytes, unitLimitBytes);
  #mux: StreamMuxConfig | undefined;
  #ticksPerUnit = 0;
  #timestamp = -1;
  #lost = 0;

  constructor(taker: UnitTaker, packing: LatmPacking) {
    this.#taker = taker;
    this.#packing = packing;
    this.#mux = packing.mux;
    const track = this.#mux && aacTrack(this.#mux.config);
    if (track !== undefined) this.#setTicks(track);
  }

  restart(): void {
    this.#unit.drop();
    this.#timestamp = -1;
    this.#lost = 0;
  }

  push(bytes: Uint8Array, begin: number, end: number, marker: boolean, timestamp: number, lost: number): void {
    this.#lost += lost;
    if (this.#unit.length > 0 && (lost > 0 || timestamp !== this.#timestamp)) {
      this.#taker.fault('an element in fragments did not end');
      this.#unit.drop();
    }
    this.#timestamp = timestamp;
    this.#unit.append(bytes, begin, end);
    if (!marker) return;
    if (this.#unit.overflown || this.#unit.length === 0) {
      this.#taker.fault(
        this.#unit.overflown ? 'an element larger than 64 KiB was dropped' : 'a packet without payload',
      );
      this.#unit.drop();
      return;
    }
    this.#element(this.#unit.take(), timestamp);
  }

  #element(bytes: Uint8Array, timestamp: number): void {
    let at = 0;
    if (this.#packing.inBand) {
      if (((bytes[0] ?? 0) & 0x80) === 0) {
        const mux = parseStreamMuxConfig(bytes, 1);
        if (mux === undefined || !this.#configure(mux)) {
          this.#taker.fault('a configuration that makes no sense');
          return;
        }
        at += mux.bits;
      }
      at++;
    }
    const mux = this.#mux;
    if (mux === undefined) {
      this.#taker.fault('frames before any configuration');
      return;
    }
    for (let frame = 0; frame < mux.frames; frame++) {
      let length = 0;
      for (let byte = 255; byte === 255; at += 8) {
        if (at + 8 > bytes.length * 8) {
          this.#taker.fault('a frame that does not fit');
          return;
        }
        byte = byteAt(bytes, at);
        length += byte;
      }
      if (at + 8 * length > bytes.length * 8) {
        this.#taker.fault('a frame that does not fit');
        return;
      }
      const begin = at >> 3;
      const data = (at & 7) === 0 ? bytes.subarray(begin, begin + length) : copyBits(bytes, at, 8 * length);
      at += 8 * length;
      if (length === 0) continue;
      const lost = this.#lost;
      this.#lost = 0;
      this.#taker.unit((timestamp + frame * this.#ticksPerUnit) >>> 0, true, data, lost);
    }
  }

  /** A configuration that came in band. */
  #configure(mux: StreamMuxConfig): boolean {
    const before = this.#mux;
    this.#mux = mux;
    if (before !== undefined && before.config.join() === mux.config.join()) return true;
    const track = aacTrack(mux.config);
    if (track === undefined) {
      this.#mux = before;
      return false;
    }
    this.#setTicks(track);
    this.#taker.format(track);
    return true;
  }

  #setTicks(track: AudioTrack): void {
    this.#ticksPerUnit = Math.round((track.samplesPerUnit * this.#packing.clockRate) / track.timescale);
  }
}

/** Eight bits from bit `at` on, which lie inside. */
function byteAt(bytes: Uint8Array, at: number): number {
  const first = at >> 3;
  const shift = at & 7;
  return ((((bytes[first] ?? 0) << 8) | (bytes[first + 1] ?? 0)) >> (8 - shift)) & 0xff;
}
