/**
 * RTP payloads to AAC frames, as RFC 6416 packs them (MP4A-LATM, and RFC 3016 before it): one
 * audioMuxElement (ISO/IEC 14496-3 1.7.3) over one or more packets, the marker on the last. With
 * `inBand` (cpresent=1) every element says whether the configuration stays, and may bring one. What is in an element: media/latm-reader.
 */
import { aacTrack } from '#media/aac';
import type { StreamMuxConfig } from '#media/latm';
import { LatmReader, type LatmTaker } from '#media/latm-reader';
import type { AudioTrack } from '#media/track';
import { UnitBuffer } from '#media/unit-buffer';
import type { Depacketizer, UnitTaker } from '../depacketizer.ts';

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

export class LatmDepacketizer implements Depacketizer, LatmTaker {
  readonly #taker: UnitTaker;
  readonly #packing: LatmPacking;
  readonly #unit = new UnitBuffer(slabBytes, unitLimitBytes);
  readonly #reader: LatmReader;
  #ticksPerUnit = 0;
  #timestamp = -1;
  #lost = 0;

  constructor(taker: UnitTaker, packing: LatmPacking) {
    this.#taker = taker;
    this.#packing = packing;
    this.#reader = new LatmReader(this, packing.inBand, packing.mux);
    const track = packing.mux && aacTrack(packing.mux.config);
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
    this.#reader.element(this.#unit.take());
  }

  // What the reader says, LatmTaker:

  format(track: AudioTrack): void {
    this.#setTicks(track);
    this.#taker.format(track);
  }
  frame(index: number, data: Uint8Array): void {
    const lost = this.#lost;
    this.#lost = 0;
    this.#taker.unit((this.#timestamp + index * this.#ticksPerUnit) >>> 0, true, data, lost);
  }
  fault(text: string): void {
    this.#taker.fault(text);
  }

  #setTicks(track: AudioTrack): void {
    this.#ticksPerUnit = Math.round((track.samplesPerUnit * this.#packing.clockRate) / track.timescale);
  }
}
