/**
 * RTP payloads to complete JPEG pictures (RFC 2435): the tables that the payload leaves out are put back.
 *
 *   type-specific | fragment offset(24) | type | Q | width / 8 | height / 8
 *   type 64..127: restart interval(16) | F L count(14)
 *   Q 128..255, first packet: 0 | precision | length(16) | quantization tables
 *
 * Types 0 and 1 (4:2:2 and 4:2:0, with restart markers 64 and 65) are spoken, the only ones that are
 * assigned. A picture with a hole in it is dropped. Every picture is a keyframe. The two fields of interlaced
 * video (type-specific 1 and 2) come out as two pictures.
 */
import { jpegMarker, jpegQuantization, mjpegTrack } from '#media/jpeg';
import { UnitBuffer } from '#media/unit-buffer';
import type { Depacketizer, UnitTaker } from '../depacketizer.ts';
import { writeJpegHeader } from './header.ts';

/** A picture larger than this is no picture: 1 GB/s at 128 a second. */
const unitLimitBytes = 8 << 20;
const slabBytes = 256 << 10;
const nothing: Uint8Array = new Uint8Array(0);

export class MjpegDepacketizer implements Depacketizer {
  readonly #taker: UnitTaker;
  readonly #size: readonly [number, number] | undefined;
  readonly #unit = new UnitBuffer(slabBytes, unitLimitBytes);
  /** Where the scan begins in the unit; 0: no picture is begun. */
  #scanAt = 0;
  #timestamp = -1;
  #lost = 0;
  #width = 0;
  #height = 0;
  /** The header made last, and what it was made of: type, Q, width, height, interval; and tables. */
  #madeHeader = nothing;
  #madeOf = '';
  #madeOfTables = nothing;
  /** Tables last sent with each Q of 128..254; 255 changes with every picture (RFC 2435 4.2). */
  readonly #tables = new Map<number, { precision: number; tables: Uint8Array }>();

  /** `size`: from the description, for pictures of more than 2040 pixels, whose size the payload cannot say. */
  constructor(taker: UnitTaker, size?: readonly [width: number, height: number]) {
    this.#taker = taker;
    this.#size = size;
  }

  restart(): void {
    this.#drop();
    this.#timestamp = -1;
    this.#lost = 0;
  }

  push(bytes: Uint8Array, begin: number, end: number, marker: boolean, timestamp: number, lost: number): void {
    this.#lost += lost;
    if (this.#scanAt > 0 && (lost > 0 || timestamp !== this.#timestamp)) this.#abandon('a picture did not end');
    if (begin + 8 > end) {
      this.#taker.fault('a packet without payload');
      return;
    }
    const at = this.#header(bytes, begin, end);
    if (at < 0) return;
    this.#timestamp = timestamp;
    this.#unit.append(bytes, at, end);
    if (marker) this.#end();
  }

  /** Where the piece of the scan begins; -1 if it cannot be used. */
  #header(bytes: Uint8Array, begin: number, end: number): number {
    const offset = (bytes[begin + 1]! << 16) | (bytes[begin + 2]! << 8) | bytes[begin + 3]!;
    const type = bytes[begin + 4]!;
    let at = begin + 8;
    let interval = 0;
    if (type >= 64 && type < 128) {
      if (at + 4 > end) {
        this.#abandon('a restart header that does not fit');
        return -1;
      }
      interval = (bytes[at]! << 8) | bytes[at + 1]!;
      at += 4;
    }
    if (offset === 0) return this.#begin(bytes, begin, at, end, interval);
    if (this.#scanAt === 0) {
      this.#taker.fault('a picture without a beginning');
      return -1;
    }
    if (this.#unit.length - this.#scanAt === offset || this.#unit.overflown) return at;
    this.#abandon('a fragment that does not continue its picture');
    return -1;
  }

  /** The header of a picture; gives where its scan begins in the payload, -1 if it cannot. */
  #begin(bytes: Uint8Array, begin: number, at: number, end: number, interval: number): number {
    if (this.#scanAt > 0) this.#abandon('a picture did not end');
    const type = bytes[begin + 4]!;
    const q = bytes[begin + 5]!;
    const width = 8 * bytes[begin + 6]! || (this.#size?.[0] ?? 0);
    const height = 8 * bytes[begin + 7]! || (this.#size?.[1] ?? 0);
    const fail = (why: string): number => {
      this.#taker.fault(why);
      return -1;
    };
    if ((type & 0x3f) > 1 || type >= 128) return fail(`a picture of type ${type}`);
    if (width === 0 || height === 0) return fail('a picture whose size is not known');
    let quantization = q < 128 ? { precision: 0, tables: nothing } : this.#tables.get(q);
    if (q >= 128) {
      if (at + 4 > end) return fail('a quantization header that does not fit');
      const length = (bytes[at + 2]! << 8) | bytes[at + 3]!;
      const precision = bytes[at + 1]!;
      at += 4;
      if (at + length > end) return fail('a quantization header that does not fit');
      if (length > 0) quantization = this.#remember(q, precision, bytes.subarray(at, at + length));
      at += length;
    }
    if (quantization === undefined) return fail('a picture whose quantization tables did not come');
    const header = this.#headerOf(type, q, width, height, interval, quantization);
    if (header === undefined) return fail('quantization tables that do not add up');
    if (width !== this.#width || height !== this.#height) {
      this.#width = width;
      this.#height = height;
      this.#taker.format(mjpegTrack(width, height));
    }
    this.#unit.append(header, 0, header.length);
    this.#scanAt = header.length;
    return at;
  }

  #remember(q: number, precision: number, tables: Uint8Array): { precision: number; tables: Uint8Array } {
    const known = this.#tables.get(q);
    if (known !== undefined && known.precision === precision && same(known.tables, tables)) return known;
    const copied = { precision, tables: tables.slice(0, 256) };
    if (q < 255) this.#tables.set(q, copied);
    return copied;
  }

  #headerOf(
    type: number,
    q: number,
    width: number,
    height: number,
    restartInterval: number,
    { precision, tables }: { precision: number; tables: Uint8Array },
  ): Uint8Array | undefined {
    const madeOf = `${type} ${q} ${width} ${height} ${restartInterval} ${precision}`;
    if (madeOf === this.#madeOf && same(tables, this.#madeOfTables)) return this.#madeHeader;
    const sampling = (type & 1) as 0 | 1;
    const used = q < 128 ? jpegQuantization(q) : tables;
    const header = writeJpegHeader({ sampling, width, height, restartInterval, tables: used, precision });
    if (header === undefined) return undefined;
    this.#madeOf = madeOf;
    this.#madeOfTables = tables;
    return (this.#madeHeader = header);
  }

  #end(): void {
    const lost = this.#lost;
    this.#scanAt = 0;
    const { overflown, length } = this.#unit;
    if (overflown) {
      this.#unit.drop();
      this.#lost++;
      this.#taker.fault('a picture larger than 8 MiB was dropped');
      return;
    }
    if (this.#unit.byteAt(length - 2) !== 0xff || this.#unit.byteAt(length - 1) !== jpegMarker.eoi) {
      this.#unit.appendByte(0xff);
      this.#unit.appendByte(jpegMarker.eoi);
    }
    this.#lost = 0;
    this.#taker.unit(this.#timestamp, true, this.#unit.take(), lost);
  }

  #abandon(why: string): void {
    this.#taker.fault(why);
    this.#drop();
  }

  #drop(): void {
    this.#unit.drop();
    this.#scanAt = 0;
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
