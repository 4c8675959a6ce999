/**
 * RTP payloads of G.726 to linear PCM of 16 bits, big-endian (config.md 11: G.726 is decoded, for
 * no file format that players know holds it). RFC 3551 4.5.4 packs code words into octets from the lowest
 * bit on (G726-16 .. G726-40), and names AAL2-G726-16 .. -40 what ITU-T I.366.2 packs from the highest on. Many
 * cameras say the one and do the other; the description is believed.
 */
import type { Depacketizer, UnitTaker } from '../depacketizer.ts';
import { type G726Bits, G726Decoder } from './decoder.ts';

export interface G726Packing {
  readonly bits: G726Bits;
  readonly order: 'lowest-first' | 'highest-first';
}

export class G726Depacketizer implements Depacketizer {
  readonly #taker: UnitTaker;
  readonly #packing: G726Packing;
  #decoder: G726Decoder;
  #lost = 0;

  constructor(taker: UnitTaker, packing: G726Packing) {
    this.#taker = taker;
    this.#packing = packing;
    this.#decoder = new G726Decoder(packing.bits);
  }

  restart(): void {
    this.#lost = 0;
    this.#decoder = new G726Decoder(this.#packing.bits);
  }

  /** After a loss the decoder goes on as it is: it forgets within a fraction of a second. */
  push(bytes: Uint8Array, begin: number, end: number, _marker: boolean, timestamp: number, lost: number): void {
    this.#lost += lost;
    const { bits, order } = this.#packing;
    const samples = Math.floor(((end - begin) * 8) / bits);
    if (samples <= 0) {
      this.#taker.fault('a packet without payload');
      return;
    }
    const out = new Uint8Array(2 * samples);
    const mask = (1 << bits) - 1;
    let held = 0;
    let heldBits = 0;
    let at = begin;
    for (let i = 0; i < samples; i++) {
      if (heldBits < bits) {
        held = order === 'lowest-first' ? held | (bytes[at]! << heldBits) : ((held << 8) | bytes[at]!) & 0xffff;
        heldBits += 8;
        at++;
      }
      heldBits -= bits;
      const code = order === 'lowest-first' ? held & mask : (held >> heldBits) & mask;
      if (order === 'lowest-first') held >>= bits;
      const sample = this.#decoder.next(code);
      out[2 * i] = sample >> 8;
      out[2 * i + 1] = sample;
    }
    const missing = this.#lost;
    this.#lost = 0;
    this.#taker.unit(timestamp, true, out, missing);
  }
}
