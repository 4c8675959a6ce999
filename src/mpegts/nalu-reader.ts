/**
 * The byte stream of H.264 and H.265 (Annex B of both) to NAL units: 00 00 01 begins one. Bytes may be split
 * anywhere. A NAL unit with a hole in it is dropped whole, as from RTP; one whose end may be missing is kept.
 * Bytes are copied once, to where a NAL unit lies in one piece; it must be used before the next call.
 */

export interface NaluTaker {
  /** Without start code and trailing zeros, at least one byte. `at`: place in the stream of its start code (of the last zeros). */
  nalu(bytes: Uint8Array, begin: number, end: number, at: number): void;
  /** A NAL unit was dropped: `why` is one of few. */
  dropped(why: string): void;
}

/** No picture has more: 8 MiB are a second at 64 Mbit/s. */
const naluLimitBytes = 8 << 20;

export class NaluReader {
  readonly #taker: NaluTaker;
  #bytes = new Uint8Array(64 << 10);
  #length = 0;
  /** Place in the stream of the first byte kept. */
  #base = 0;
  /** No start code begins before this. */
  #scanned = 0;
  /** A NAL unit is at hand, whose start code is at `#begin` of what is kept; else one is looked for. */
  #begun = false;
  #begin = 0;

  constructor(taker: NaluTaker) {
    this.#taker = taker;
  }

  /** Place in the stream of the next byte. */
  get place(): number {
    return this.#base + this.#length;
  }

  push(bytes: Uint8Array, begin: number, end: number): void {
    const size = end - begin;
    if (this.#length + size > naluLimitBytes) {
      this.#forget(this.#length);
      this.#begun = false;
      this.#taker.dropped('a NAL unit larger than 8 MiB');
    }
    if (this.#length + size > this.#bytes.length) this.#grow(this.#length + size);
    this.#bytes.set(bytes.subarray(begin, end), this.#length);
    this.#length += size;
    this.#scan();
  }

  /** Bytes are missing here, inside the NAL unit at hand. */
  hole(): void {
    if (this.#begun) this.#taker.dropped('a NAL unit with a hole');
    this.#forget(this.#length);
    this.#begun = false;
  }

  /** The NAL unit at hand has ended. */
  end(): void {
    if (this.#begun) this.#emit(this.#length);
    this.#forget(this.#length);
    this.#begun = false;
  }

  #scan(): void {
    const bytes = this.#bytes;
    let at = this.#scanned;
    const last = this.#length - 3;
    while (at <= last) {
      const third = bytes[at + 2]!;
      if (third > 1) at += 3;
      else if (third === 1) {
        if (bytes[at] === 0 && bytes[at + 1] === 0) this.#startCode(at);
        at += 3;
      } else at++;
    }
    this.#scanned = Math.max(this.#scanned, Math.min(at, this.#length));
    if (!this.#begun) {
      // Zeros at the end may belong to a start code.
      this.#forget(Math.max(0, this.#length - 3));
    } else this.#forget(this.#begin);
  }

  #startCode(at: number): void {
    if (this.#begun) this.#emit(at);
    this.#begin = at;
    this.#begun = true;
  }

  #emit(end: number): void {
    const bytes = this.#bytes;
    const begin = this.#begin + 3;
    while (end > begin && bytes[end - 1] === 0) end--;
    if (end > begin) this.#taker.nalu(bytes, begin, end, this.#base + this.#begin);
  }

  /** The first `count` bytes are not needed any more. */
  #forget(count: number): void {
    if (count > 0) this.#bytes.copyWithin(0, count, this.#length);
    this.#length -= count;
    this.#base += count;
    this.#scanned = Math.max(0, this.#scanned - count);
    this.#begin = Math.max(0, this.#begin - count);
  }

  #grow(wanted: number): void {
    const larger = new Uint8Array(Math.max(wanted, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
