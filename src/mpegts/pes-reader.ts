/**
 * The packets of one PID to the bytes of its elementary stream and their times (ISO/IEC 13818-1 2.4.3.3,
 * 2.4.3.6). Holes show in the continuity counter; a packet that comes twice is passed over. PES headers may lie over
 * several packets. Scrambled packets are passed over.
 *
 *   packet  0x47 | error(1) start(1) priority(1) PID(13) | scrambled(2) adaptation(1) payload(1) counter(4) | [ adaptation ] payload
 *   PES     00 00 01 stream_id | length(16) | 10...... | PTS_DTS(2) ...... | header length(8) | [ PTS 5 | DTS 5 ] ... | payload
 */

import { stampWrap } from '#demux/run-maker';
import type { ElementaryReader } from './elementary.ts';
import { packetBytes } from './packet-reader.ts';

/** Fixed part, and what its length byte can say. */
const headerLimitBytes = 9 + 255;

export class PesReader {
  readonly #stream: ElementaryReader;
  readonly #problem: (text: string) => void;
  readonly #header = new Uint8Array(headerLimitBytes);
  #headerLength = 0;
  #state: 'between' | 'header' | 'payload' = 'between';
  /** Payload of the PES packet still to come; -1: as long as it is. */
  #left = -1;
  #counter = -1;

  constructor(stream: ElementaryReader, problem: (text: string) => void) {
    this.#stream = stream;
    this.#problem = problem;
  }

  /** One packet of the PID. Gives how many are missing before it. */
  packet(bytes: Uint8Array, at: number): number {
    const flags = bytes[at + 1] ?? 0;
    const control = bytes[at + 3] ?? 0;
    const end = at + packetBytes;
    const begin = payloadBegin(bytes, at);
    if (begin >= end) return 0;
    const starts = (flags & 0x40) !== 0;
    const lost = this.#count(control & 15, discontinuous(bytes, at));
    if (lost < 0) return 0;
    if (lost > 0) this.#stream.lost(lost, starts);
    if ((flags & 0x80) !== 0 || (control & 0xc0) !== 0) {
      this.#problem((control & 0xc0) !== 0 ? 'scrambled packets' : 'packets marked as damaged');
      this.#stream.lost(1, false);
      return lost;
    }
    if (starts) {
      this.#state = 'header';
      this.#headerLength = 0;
    } else if (lost > 0 && this.#state === 'header') this.#state = 'between';
    if (this.#state === 'header') this.#headerBytes(bytes, begin, end);
    else if (this.#state === 'payload') this.#payload(bytes, begin, end);
    return lost;
  }

  end(): void {
    this.#stream.end();
  }

  /** Packets missing before the one with this counter; -1 for one that came already. */
  #count(counter: number, discontinuity: boolean): number {
    const before = this.#counter;
    this.#counter = counter;
    if (before < 0 || discontinuity) return 0;
    if (counter === before) return -1;
    return (counter - before - 1) & 15;
  }

  #headerBytes(bytes: Uint8Array, begin: number, end: number): void {
    const header = this.#header;
    let at = begin;
    for (;;) {
      const wanted = this.#headerLength < 9 ? 9 : 9 + (header[8] ?? 0);
      const count = Math.min(wanted - this.#headerLength, end - at);
      header.set(bytes.subarray(at, at + count), this.#headerLength);
      this.#headerLength += count;
      at += count;
      if (this.#headerLength < wanted) return;
      if (wanted > 9 || header[8] === 0) break;
    }
    if (!isPes(header)) {
      this.#state = 'between';
      this.#problem('a PES packet without a header');
      return;
    }
    const length = ((header[4] ?? 0) << 8) | (header[5] ?? 0);
    this.#left = length === 0 ? -1 : Math.max(0, length + 6 - this.#headerLength);
    this.#state = 'payload';
    const flags = (header[7] ?? 0) >> 6;
    if (flags >= 2 && this.#headerLength >= (flags === 3 ? 19 : 14)) {
      const pts = stampAt(header, 9);
      this.#stream.stamp(pts, flags === 3 ? stampAt(header, 14) : pts);
    }
    this.#payload(bytes, at, end);
  }

  #payload(bytes: Uint8Array, begin: number, end: number): void {
    let until = end;
    if (this.#left >= 0) {
      until = Math.min(end, begin + this.#left);
      this.#left -= until - begin;
      if (this.#left === 0) this.#state = 'between';
    }
    if (until > begin) this.#stream.bytes(bytes, begin, until);
  }
}

/** Where the payload of a packet begins; its end where it has none. */
export function payloadBegin(bytes: Uint8Array, at: number): number {
  const control = bytes[at + 3] ?? 0;
  if ((control & 0x10) === 0) return at + packetBytes;
  const begin = (control & 0x20) === 0 ? at + 4 : at + 5 + (bytes[at + 4] ?? 0);
  return Math.min(begin, at + packetBytes);
}

/** discontinuity_indicator: the counter may jump here. */
export const discontinuous = (bytes: Uint8Array, at: number): boolean =>
  ((bytes[at + 3] ?? 0) & 0x20) !== 0 && (bytes[at + 4] ?? 0) > 0 && ((bytes[at + 5] ?? 0) & 0x80) !== 0;

/** Start code, and the marker bits that the streams of video and audio have. */
const isPes = (header: Uint8Array): boolean =>
  header[0] === 0 && header[1] === 0 && header[2] === 1 && ((header[6] ?? 0) & 0xc0) === 0x80;

/** 33 bits in 5 bytes: 4 + 3 + marker, 15 + marker, 15 + marker. */
function stampAt(bytes: Uint8Array, at: number): number {
  const byte = (i: number): number => bytes[at + i] ?? 0;
  const high = (byte(0) >> 1) & 7;
  return (high * 2 ** 30 + ((byte(1) << 22) | ((byte(2) >> 1) << 15) | (byte(3) << 7) | (byte(4) >> 1))) % stampWrap;
}
