/**
 * AAC frames of an audioMuxElement (ISO/IEC 14496-3 1.7.3):
 *
 *   [ stays(1) [ StreamMuxConfig ] ] | per frame: its length, in bytes of 255 and a last one below, and the frame | otherData
 *
 * The part in brackets is there if the configuration is sent in band (muxConfigPresent).
 */
import { aacTrack } from '#media/aac';
import { copyBits, parseStreamMuxConfig, type StreamMuxConfig } from '#media/latm';
import type { AudioTrack } from '#media/track';

export interface LatmTaker {
  /** A configuration that came in band and is another than before. */
  format(track: AudioTrack): void;
  /** `index` counts the frames of one element. `data` is a view of the element where it can be. */
  frame(index: number, data: Uint8Array): void;
  /** The text is one of few, to be counted. */
  fault(text: string): void;
}

export class LatmReader {
  readonly #taker: LatmTaker;
  readonly #inBand: boolean;
  #mux: StreamMuxConfig | undefined;

  /** `mux`: the configuration if it is known from elsewhere. */
  constructor(taker: LatmTaker, inBand: boolean, mux: StreamMuxConfig | undefined) {
    this.#taker = taker;
    this.#inBand = inBand;
    this.#mux = mux;
  }

  element(bytes: Uint8Array): void {
    let at = 0;
    if (this.#inBand) {
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
      if (length > 0) this.#taker.frame(frame, data);
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
    this.#taker.format(track);
    return true;
  }
}

/** Eight bits from bit `at` on, which lie inside. */
function byteAt(bytes: Uint8Array, at: number): number {
  const first = at >> 3;
  const shift = at & 7;
  return ((((bytes[first] ?? 0) << 8) | (bytes[first + 1] ?? 0)) >> (8 - shift)) & 0xff;
}
