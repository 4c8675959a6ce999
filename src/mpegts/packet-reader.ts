/**
 * Transport stream packets out of bytes split anywhere (ISO/IEC 13818-1 2.4.3.2). A packet is 188 bytes
 * that begin with 0x47; packets may stand 192 apart (a time stamp before each: Blu-ray, some recorders)
 * or 204 (check bytes behind each: broadcast). Which it is shows when three of them begin at the same distance;
 * after a byte that should be 0x47 and is not, it is looked for again. What does not belong to packets is
 * counted as skipped. At most 3 packets are kept between calls.
 */

export const packetBytes = 188;
export const syncByte = 0x47;

const strides = [188, 192, 204] as const;
/** So many packets in a row are none by chance. */
const certain = 3;
/** Nowhere near this many bytes are packets: less would not do to see three of them. */
const lookBytes = certain * 204;

export interface PacketTaker {
  /** A packet of 188 bytes at `at`; the bytes are the caller's. */
  packet(bytes: Uint8Array, at: number): void;
  /** Bytes passed over before the next packet. */
  skipped(count: number): void;
}

export class PacketReader {
  readonly #taker: PacketTaker;
  /** From packet to packet; 0: not known, looking. */
  #stride = 0;
  #rest = new Uint8Array(0);
  /** Bytes between two packets that are still to come. */
  #between = 0;

  constructor(taker: PacketTaker) {
    this.#taker = taker;
  }

  push(bytes: Uint8Array): void {
    const begin = Math.min(this.#between, bytes.length);
    this.#between -= begin;
    if (begin === bytes.length) return;
    let all = begin === 0 ? bytes : bytes.subarray(begin);
    if (this.#rest.length > 0) {
      all = new Uint8Array(this.#rest.length + bytes.length);
      all.set(this.#rest);
      all.set(bytes, this.#rest.length);
    }
    this.#rest = all.slice(this.#read(all, false));
  }

  /** Nothing more will come: a last packet or two that could not be sure of themselves are taken. */
  end(): void {
    const rest = this.#rest;
    this.#rest = new Uint8Array(0);
    const at = this.#read(rest, true);
    if (at < rest.length) this.#taker.skipped(rest.length - at);
    this.#stride = this.#between = 0;
  }

  /** Reads as far as can be; gives where what is left begins. */
  #read(all: Uint8Array, last: boolean): number {
    let at = 0;
    for (;;) {
      if (this.#stride === 0) {
        const found = this.#look(all, at, last);
        if (found > at) this.#taker.skipped(found - at);
        at = found;
        if (this.#stride === 0) return at;
      }
      for (; at + packetBytes <= all.length && all[at] === syncByte; at += this.#stride) this.#taker.packet(all, at);
      if (at >= all.length) {
        this.#between = at - all.length;
        return all.length;
      }
      if (all[at] === syncByte) return at;
      this.#stride = 0;
    }
  }

  /** Where packets begin; sets the stride if they do. Gives the end of what they cannot begin in. */
  #look(all: Uint8Array, from: number, last: boolean): number {
    for (let at = from; at < all.length; at++) {
      if (all[at] !== syncByte) continue;
      if (at + lookBytes > all.length && !last) return at;
      for (const stride of strides) {
        let count = 1;
        while (count < certain && all[at + count * stride] === syncByte) count++;
        const reached = at + count * stride >= all.length && at + packetBytes <= all.length;
        if (count < certain && !(last && reached)) continue;
        this.#stride = stride;
        return at;
      }
    }
    return all.length;
  }
}
