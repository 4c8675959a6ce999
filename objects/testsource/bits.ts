/**
 * Bits, first bit highest, as ITU-T H.264 7.2 and 9.1 write them: fixed length, Exp-Golomb, and the
 * wrapping of a finished payload as a NAL unit (7.4.1: emulation prevention).
 */

/** Bits as the H.264 syntax wants them, most significant first; one writer is used for picture after picture. */
export class BitWriter {
  #bytes: Uint8Array;
  #at = 0;
  /** Bits not yet in `#bytes`, right-aligned; fewer than 8 between calls. */
  #rest = 0;
  #restBits = 0;

  /** Grows as needed; what is written is bounded by the writer (a picture is at most `sliceLimitBytes`). */
  constructor(bytes = 4096) {
    this.#bytes = new Uint8Array(bytes);
  }

  reset(): void {
    this.#at = 0;
    this.#rest = 0;
    this.#restBits = 0;
  }

  /** Bits written since the last reset. */
  get bits(): number {
    return this.#at * 8 + this.#restBits;
  }

  /** The lowest `count` bits of `value`; 0..24 of them. */
  put(value: number, count: number): void {
    let rest = (this.#rest << count) | (value & ((1 << count) - 1));
    let bits = this.#restBits + count;
    if (bits >= 8) {
      if (this.#at + 4 > this.#bytes.length) this.#grow();
      const bytes = this.#bytes;
      do {
        bits -= 8;
        bytes[this.#at++] = rest >>> bits;
      } while (bits >= 8);
      rest &= (1 << bits) - 1;
    }
    this.#rest = rest;
    this.#restBits = bits;
  }

  flag(value: boolean): void {
    this.put(value ? 1 : 0, 1);
  }

  /** 32 bits, for fields of the parameter sets. */
  put32(value: number): void {
    this.put(value >>> 16, 16);
    this.put(value & 0xffff, 16);
  }

  /** ue(v), 9.1; value below 2^24 - 1. */
  ue(value: number): void {
    const bits = 32 - Math.clz32(value + 1);
    if (bits > 1) this.put(0, bits - 1);
    this.put(value + 1, bits);
  }

  /** se(v), 9.1.1. */
  se(value: number): void {
    this.ue(value > 0 ? 2 * value - 1 : -2 * value);
  }

  /** rbsp_trailing_bits, 7.3.2.11: a one, then zeros up to the byte. */
  trailing(): void {
    this.put(1, 1);
    if (this.#restBits > 0) this.put(0, 8 - this.#restBits);
  }

  /** The whole bytes written so far: a view that the next write after `reset` changes. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  #grow(): void {
    const more = new Uint8Array(this.#bytes.length * 2);
    more.set(this.#bytes);
    this.#bytes = more;
  }
}

/**
 * A NAL unit with one header byte (7.3.1): the payload with 0x03 put in wherever three bytes would
 * look like a start code or its reserved neighbours.
 */
export function naluFrom(header: number, payload: Uint8Array): Uint8Array {
  let extra = 0;
  for (let i = 0, zeros = 0; i < payload.length; i++) {
    const byte = payload[i] ?? 0;
    if (zeros >= 2 && byte <= 3) {
      extra++;
      zeros = 0;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  const nalu = new Uint8Array(1 + payload.length + extra);
  nalu[0] = header;
  if (extra === 0) {
    nalu.set(payload, 1);
    return nalu;
  }
  for (let i = 0, at = 1, zeros = 0; i < payload.length; i++) {
    const byte = payload[i] ?? 0;
    if (zeros >= 2 && byte <= 3) {
      nalu[at++] = 3;
      zeros = 0;
    }
    nalu[at++] = byte;
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return nalu;
}
