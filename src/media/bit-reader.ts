/**
 * Bits of a parameter set, most significant first (ISO/IEC 14496-10 7.2, 9.1). Reading past
 * the end gives zeros and sets `overrun`, so that a parser checks once, at its end.
 */
export class BitReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get overrun(): boolean {
    return this.#at > this.#bytes.length * 8;
  }
  get bitsLeft(): number {
    return Math.max(0, this.#bytes.length * 8 - this.#at);
  }
  bit(): number {
    const byte = this.#bytes[this.#at >> 3] ?? 0;
    return (byte >> (7 - (this.#at++ & 7))) & 1;
  }
  flag(): boolean {
    return this.bit() === 1;
  }
  /** An unsigned number of up to 32 bits. */
  bits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) value = value * 2 + this.bit();
    return value;
  }
  skip(count: number): void {
    this.#at += count;
  }
  /** ue(v): Exp-Golomb, unsigned. */
  ue(): number {
    let zeros = 0;
    while (zeros < 32 && !this.overrun && this.bit() === 0) zeros++;
    return 2 ** zeros - 1 + this.bits(zeros);
  }
  /** se(v): Exp-Golomb, signed. */
  se(): number {
    const k = this.ue();
    return k % 2 === 1 ? (k + 1) / 2 : k === 0 ? 0 : -k / 2;
  }
}

/** The payload of a NAL unit without emulation prevention bytes (ISO/IEC 14496-10 7.4.1). */
export function rbspOf(nalu: Uint8Array): Uint8Array {
  const out = new Uint8Array(nalu.length);
  let length = 0;
  let zeros = 0;
  for (const byte of nalu) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    out[length++] = byte;
  }
  return out.subarray(0, length);
}
