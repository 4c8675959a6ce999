/**
 * Where decoding may begin in H.264. At IDR pictures, and nowhere else as long as they come. Encoders with an
 * open group of pictures or a gradual refresh (broadcast, some cameras) send none, or one at the begin of the
 * session: there it is the picture with a recovery point (SEI, ISO/IEC 14496-10 D.1.8, D.2.8), or, where no IDR picture ever
 * came, one of I slices alone. Taken for that when `patience` of them have come without an IDR picture between.
 *
 * Pictures that are decoded behind the first of these and shown before it (B pictures) refer to what was before it: `leads`.
 * A decoder that begins at a gradual refresh shows some pictures half made.
 */
import { BitReader, rbspOf } from '#media/bit-reader';

/** Some encoders that do send IDR pictures have a few I pictures between them. */
const patience = 3;
const recoveryPoint = 6;
/** A recovery point stands behind the buffering period and the picture timing, of tens of bytes. */
const seiLimitBytes = 256;

/** Fed with what a picture is made of, asked when it is whole. */
export class H264EntryPoints {
  #sawIdr = false;
  #points = 0;
  #idr = false;
  #recovery = false;
  /** So far the picture is of I slices alone. */
  #intra = true;
  /** The group being sent is the first one, and began without an IDR picture. */
  #leading = false;

  /** Recovery points are taken for keyframes. */
  get open(): boolean {
    return this.#points >= patience;
  }

  /** A SEI NAL unit, with its header. */
  sei(bytes: Uint8Array, begin: number, end: number): void {
    if (hasRecoveryPoint(bytes.subarray(begin + 1, Math.min(end, begin + 1 + seiLimitBytes)))) this.#recovery = true;
  }

  /** A slice, or the begin of one, from behind its header byte on. */
  slice(idr: boolean, bytes: Uint8Array, begin: number, end: number): void {
    if (idr) this.#idr = true;
    else if (this.#intra && !this.#sawIdr) this.#intra = isIntra(bytes.subarray(begin, Math.min(end, begin + 16)));
  }

  /** The picture is complete; whether it is a keyframe. `whole`: nothing of it is missing. */
  picture(whole: boolean): boolean {
    const point = this.#recovery || (this.#intra && !this.#sawIdr);
    const idr = this.#idr;
    this.#idr = this.#recovery = false;
    this.#intra = true;
    if (idr) {
      this.#sawIdr = true;
      this.#points = 0;
      this.#leading = false;
      return whole;
    }
    if (!point || !whole) return false;
    const had = this.#points;
    if (had < patience) this.#points++;
    if (this.#points < patience) return false;
    this.#leading = had < patience && !this.#sawIdr;
    return true;
  }

  /** Whether pictures that are shown before the latest keyframe cannot be decoded. */
  get leads(): boolean {
    return this.#leading;
  }

  /** What of the picture came is dropped. */
  drop(): void {
    this.#idr = this.#recovery = false;
    this.#intra = true;
  }

  /** What follows has nothing to do with what came before. */
  restart(): void {
    this.drop();
    this.#sawIdr = this.#leading = false;
    this.#points = 0;
  }
}

/** D.1.1: messages with type and size, each a row of 255 and a rest. */
function hasRecoveryPoint(payload: Uint8Array): boolean {
  const bytes = rbspOf(payload);
  for (let at = 0; at + 2 < bytes.length; ) {
    let type = 0;
    while (bytes[at] === 255) {
      type += 255;
      at++;
    }
    type += bytes[at++] ?? 0;
    let size = 0;
    while (bytes[at] === 255) {
      size += 255;
      at++;
    }
    size += bytes[at++] ?? 0;
    if (type === recoveryPoint && size > 0 && at < bytes.length) return true;
    at += size;
  }
  return false;
}

/** 7.3.3, table 7-6: slice_type 2, 4, 7, 9 are I and SI. */
function isIntra(header: Uint8Array): boolean {
  const r = new BitReader(header);
  r.ue(); // first_mb_in_slice
  const type = r.ue();
  return !r.overrun && type < 10 && [2, 4].includes(type % 5);
}
