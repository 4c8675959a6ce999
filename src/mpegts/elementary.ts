/**
 * What the readers of elementary streams have in common: bytes of one PID go in, with the times that PES
 * headers give to places in them; access units come out. A time belongs to the first unit that begins behind
 * its place (ISO/IEC 13818-1 2.4.3.7), so units need not begin with a PES packet.
 */
import type { Track } from '#media/track';

export interface UnitTaker {
  /** From the next unit on that is a keyframe the stream is this. */
  format(track: Track): void;
  /** Times in 90 kHz, not unwrapped; may have a fraction. `data` is as `AccessUnit` has it and the taker's. */
  unit(pts: number, dts: number, keyframe: boolean, data: Uint8Array, lost: number): void;
  /** The text is one of few, to be counted. */
  problem(text: string): void;
}

export interface ElementaryReader {
  /** What comes next begins a PES packet, with these times. */
  stamp(pts: number, dts: number): void;
  bytes(bytes: Uint8Array, begin: number, end: number): void;
  /** Packets are missing before what comes next; `starts`: that begins a PES packet, so the hole is in the end of what was before. */
  lost(packets: number, starts: boolean): void;
  /** Nothing follows: what is whole is handed on. */
  end(): void;
}

/** More PES packets than this do not begin within one unit. */
const mostStamps = 64;

/** Times by their place in a stream, until the unit that they are for is found. */
export class Stamps {
  readonly #at: number[] = [];
  readonly #pts: number[] = [];
  readonly #dts: number[] = [];

  /** Of the unit that `take` was asked about last. */
  pts = 0;
  dts = 0;

  add(at: number, pts: number, dts: number): void {
    if (this.#at.length === mostStamps) this.#shift();
    this.#at.push(at);
    this.#pts.push(pts);
    this.#dts.push(dts);
  }

  /** Whether a time waits that is for something behind `after`, up to `at`. */
  waits(after: number, at: number): boolean {
    for (const place of this.#at) if (place > after && place <= at) return true;
    return false;
  }

  /** Whether there is a time for the unit that begins at `at`, the latest before it; `pts` and `dts` are it then. */
  take(at: number): boolean {
    let found = false;
    while (this.#at.length > 0 && (this.#at[0] ?? 0) <= at) {
      this.pts = this.#pts[0] ?? 0;
      this.dts = this.#dts[0] ?? 0;
      this.#shift();
      found = true;
    }
    return found;
  }

  #shift(): void {
    this.#at.shift();
    this.#pts.shift();
    this.#dts.shift();
  }
}
