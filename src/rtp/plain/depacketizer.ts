/**
 * Payload formats in which a payload is an access unit as it stands: Opus (RFC 7587 4.2),
 * PCMU and PCMA (RFC 3551 4.5.14), L16 (4.5.11). Their timestamps are those of the first sample.
 */
import type { Depacketizer, UnitTaker } from '../depacketizer.ts';

export class PlainDepacketizer implements Depacketizer {
  readonly #taker: UnitTaker;
  readonly #stepBytes: number;
  #lost = 0;

  /** `stepBytes`: of one sample of all channels; a payload is a multiple of it, and what is over is cut off. */
  constructor(taker: UnitTaker, stepBytes: number) {
    this.#taker = taker;
    this.#stepBytes = stepBytes;
  }

  restart(): void {
    this.#lost = 0;
  }

  push(bytes: Uint8Array, begin: number, end: number, _marker: boolean, timestamp: number, lost: number): void {
    this.#lost += lost;
    const over = (end - begin) % this.#stepBytes;
    if (begin + over >= end) {
      this.#taker.fault('a packet without payload');
      return;
    }
    if (over > 0) this.#taker.fault('a payload that ends within a sample');
    const missing = this.#lost;
    this.#lost = 0;
    this.#taker.unit(timestamp, true, bytes.slice(begin, end - over), missing);
  }
}
