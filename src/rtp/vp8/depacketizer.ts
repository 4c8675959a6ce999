/**
 * RTP payloads to VP8 frames (RFC 7741): the payload descriptor is taken off, what is left is joined up
 * to the marker, or to where the timestamp changes. A frame with a hole in it is dropped, and its loss told with the next one.
 *
 *   X R N S R PID(3) | X: I L T K RSV(4) | I: M PictureID(7 or 15) | L: TL0PICIDX | T or K: TID Y KEYIDX
 */

import { UnitBuffer } from '#media/unit-buffer';
import { isVp8Keyframe, vp8Size, vp8Track } from '#media/vp8';
import type { Depacketizer, UnitTaker } from '../depacketizer.ts';

/** A picture larger than this is no picture: 8 MiB are a second at 64 Mbit/s. */
const unitLimitBytes = 8 << 20;
const slabBytes = 128 << 10;

export class Vp8Depacketizer implements Depacketizer {
  readonly #taker: UnitTaker;
  readonly #unit = new UnitBuffer(slabBytes, unitLimitBytes);
  /** The beginning of the frame is in the unit. */
  #begun = false;
  #timestamp = -1;
  #lost = 0;
  #width = 0;
  #height = 0;

  constructor(taker: UnitTaker) {
    this.#taker = taker;
  }

  restart(): void {
    this.#drop();
    this.#timestamp = -1;
    this.#lost = 0;
  }

  push(bytes: Uint8Array, begin: number, end: number, marker: boolean, timestamp: number, lost: number): void {
    if (lost > 0) {
      this.#lost += lost;
      if (this.#begun) this.#taker.fault('a packet of a frame was lost');
      this.#drop();
    }
    if (timestamp !== this.#timestamp) {
      // The marker was forgotten, for nothing is missing.
      if (this.#begun) this.#end();
      this.#timestamp = timestamp;
    }
    const data = descriptorEnd(bytes, begin, end);
    if (data < 0) {
      this.#taker.fault('a payload descriptor that does not fit');
      this.#drop();
      return;
    }
    const starts = (bytes[begin]! & 0x17) === 0x10; // S, and partition 0
    if (starts && !this.#begun) this.#begun = true;
    else if (!this.#begun) {
      this.#taker.fault('a frame without a beginning');
      return;
    }
    this.#unit.append(bytes, data, end);
    if (marker) this.#end();
  }

  #end(): void {
    const lost = this.#lost;
    this.#begun = false;
    if (this.#unit.overflown) {
      this.#unit.drop();
      this.#lost++;
      this.#taker.fault('a picture larger than 8 MiB was dropped');
      return;
    }
    this.#lost = 0;
    const data = this.#unit.take();
    const keyframe = isVp8Keyframe(data);
    const size = keyframe ? vp8Size(data) : undefined;
    if (keyframe && size === undefined) {
      this.#lost = lost + 1;
      this.#taker.fault('a keyframe without its start code');
      return;
    }
    if (size !== undefined && (size.width !== this.#width || size.height !== this.#height)) {
      this.#width = size.width;
      this.#height = size.height;
      this.#taker.format(vp8Track(size.width, size.height));
    }
    this.#taker.unit(this.#timestamp, keyframe, data, lost);
  }

  #drop(): void {
    this.#unit.drop();
    this.#begun = false;
  }
}

/** Where the frame's bytes begin; -1 if the descriptor does not leave any. */
function descriptorEnd(bytes: Uint8Array, begin: number, end: number): number {
  if (begin >= end) return -1;
  let at = begin + 1;
  if ((bytes[begin]! & 0x80) !== 0) {
    const extensions = at < end ? bytes[at]! : 0;
    at++;
    if ((extensions & 0x80) !== 0) at += at < end && (bytes[at]! & 0x80) !== 0 ? 2 : 1;
    if ((extensions & 0x40) !== 0) at++;
    if ((extensions & 0x30) !== 0) at++;
  }
  return at < end ? at : -1;
}
