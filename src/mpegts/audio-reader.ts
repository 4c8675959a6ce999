/**
 * Elementary streams of sound to frames: bytes are kept until a frame is whole, wherever PES packets begin, and a
 * `Framing` says where it ends. The time of a frame without one of its own follows from the frame before.
 */

import { stampRate, stampWrap } from '#demux/run-maker';
import type { AudioTrack } from '#media/track';
import { sameTrack } from '#media/track';
import { type ElementaryReader, Stamps, type UnitTaker } from './elementary.ts';

/** What a frame is in one packing. */
export interface Framing {
  /**
   * Looks at `bytes` from `at` on, up to `end`. Gives how many bytes to go on by, having told `out` the frames among
   * them; 0: more bytes are needed.
   */
  next(bytes: Uint8Array, at: number, end: number, out: FrameTaker): number;
}

export interface FrameTaker {
  /** The frames from here on are of this track. */
  format(track: AudioTrack): void;
  /** One frame, `samples` long, in ticks of the track. `data` is a view. */
  frame(data: Uint8Array, samples: number): void;
  problem(text: string): void;
}

/** More than any frame: 8 KiB of ADTS and of LOAS, some Opus packets. */
const limitBytes = 64 << 10;

export class AudioReader implements ElementaryReader, FrameTaker {
  readonly #taker: UnitTaker;
  readonly #framing: Framing;
  readonly #stamps = new Stamps();
  readonly #bytes = new Uint8Array(limitBytes);
  #length = 0;
  /** Place in the stream of the first byte kept, and of the frame being read. */
  #base = 0;
  #at = 0;
  #track: AudioTrack | undefined;
  /** Time of the next frame; NaN: not known. */
  #pts = Number.NaN;
  #lost = 0;

  constructor(framing: Framing, taker: UnitTaker) {
    this.#framing = framing;
    this.#taker = taker;
  }

  stamp(pts: number, dts: number): void {
    this.#stamps.add(this.#base + this.#length, pts, dts);
  }

  bytes(bytes: Uint8Array, begin: number, end: number): void {
    if (this.#length + (end - begin) > limitBytes) {
      this.problem('a frame of sound larger than 64 KiB');
      this.#forget(this.#length);
    }
    this.#bytes.set(bytes.subarray(begin, end), this.#length);
    this.#length += end - begin;
    let at = 0;
    for (;;) {
      this.#at = this.#base + at;
      const step = this.#framing.next(this.#bytes, at, this.#length, this);
      if (step <= 0) break;
      at += step;
    }
    this.#forget(at);
  }

  lost(packets: number): void {
    this.#lost += packets;
    // What is kept has no end, and nobody knows how many frames are missing.
    this.#forget(this.#length);
    this.#pts = Number.NaN;
  }

  end(): void {
    this.#forget(this.#length);
    this.#pts = Number.NaN;
  }

  // What the framing says, FrameTaker:

  format(track: AudioTrack): void {
    if (this.#track !== undefined && sameTrack(this.#track, track)) return;
    this.#track = track;
    this.#taker.format(track);
  }

  frame(data: Uint8Array, samples: number): void {
    const track = this.#track;
    if (track === undefined) return;
    if (this.#stamps.take(this.#at)) this.#pts = this.#stamps.pts;
    if (Number.isNaN(this.#pts)) return;
    const pts = this.#pts;
    const lost = this.#lost;
    this.#pts = (pts + (samples * stampRate) / track.timescale) % stampWrap;
    this.#lost = 0;
    this.#taker.unit(pts, pts, true, data.slice(), lost);
  }

  problem(text: string): void {
    this.#taker.problem(text);
  }

  #forget(count: number): void {
    if (count > 0) this.#bytes.copyWithin(0, count, this.#length);
    this.#length -= count;
    this.#base += count;
  }
}
