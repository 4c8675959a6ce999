/**
 * RTP payloads to XML documents, as ONVIF sends metadata (ONVIF Streaming Specification 5.1.2.1.1): a document is
 * cut into packets anywhere, and the marker is on the last. A document with a hole in it is dropped.
 */

import { UnitBuffer } from '#media/unit-buffer';
import type { Depacketizer, UnitTaker } from '../depacketizer.ts';

/** Documents are a few kB; a crowd of tracked objects makes tens. */
const unitLimitBytes = 1 << 20;
const slabBytes = 16 << 10;

export class MetadataDepacketizer implements Depacketizer {
  readonly #taker: UnitTaker;
  readonly #unit = new UnitBuffer(slabBytes, unitLimitBytes);
  #timestamp = -1;
  #lost = 0;
  /** Up to its end the document has a hole. */
  #torn = false;

  constructor(taker: UnitTaker) {
    this.#taker = taker;
  }

  restart(): void {
    this.#unit.drop();
    this.#timestamp = -1;
    this.#lost = 0;
    this.#torn = false;
  }

  push(bytes: Uint8Array, begin: number, end: number, marker: boolean, timestamp: number, lost: number): void {
    if (timestamp !== this.#timestamp) {
      if (lost > 0) this.#tear();
      this.#end();
      this.#timestamp = timestamp;
    }
    this.#lost += lost;
    // What begins as a document does is whole from here on.
    if (lost > 0 && (this.#unit.length > 0 || bytes[begin] !== 0x3c)) this.#tear();
    if (!this.#torn) this.#unit.append(bytes, begin, end);
    if (marker) this.#end();
  }

  #end(): void {
    const { overflown, length } = this.#unit;
    if (overflown) this.#taker.fault('a document larger than 1 MiB was dropped');
    if (this.#torn || overflown || length === 0) {
      this.#unit.drop();
      this.#torn = false;
      return;
    }
    const lost = this.#lost;
    this.#lost = 0;
    this.#taker.unit(this.#timestamp, true, this.#unit.take(), lost);
  }

  #tear(): void {
    if (this.#unit.length > 0) this.#taker.fault('a packet of a document was lost');
    this.#unit.drop();
    this.#torn = true;
  }
}
