/**
 * Multipart bodies as a stream (RFC 2046 5.1.1), as cameras push pictures with `multipart/x-mixed-replace`: bytes split
 * anywhere go in, parts come out whole. Bounds: 8 KiB for the headers of a part, `limitBytes` for its body; what is larger is
 * passed over and told. Pure.
 *
 * Cameras break the RFC. What we tolerate:
 *   - the boundary parameter contains the dashes of the delimiter line already, or does not, and the body does it the other way;
 *   - lines end with LF alone; blank lines before the delimiter; text before the first one;
 *   - Content-Length is missing (the part ends where the next delimiter begins), or wrong (behind so many bytes no delimiter
 *     is found: then the next one is looked for).
 */
import { UnitBuffer } from '#media/unit-buffer';

export interface PartTaker {
  /** Lower-case names. `body` is the taker's. */
  part(headers: ReadonlyMap<string, string>, body: Uint8Array): void;
  /** The text is one of few, to be counted. */
  problem(text: string): void;
}

const lineLimitBytes = 8192;
const slabBytes = 256 << 10;
const [lf, cr, dash] = [10, 13, 45];

export class MultipartReader {
  readonly #taker: PartTaker;
  /** Without leading dashes. */
  readonly #boundary: Uint8Array;
  readonly #body: UnitBuffer;
  readonly #limitBytes: number;
  /** The body is larger than the limit: nothing of it is kept. */
  #tooLarge = false;
  #state: 'preamble' | 'headers' | 'counted' | 'open' | 'over' = 'preamble';
  /** The line at hand, in headers and before the first delimiter; in an open body what may be a delimiter. */
  readonly #line = new Uint8Array(lineLimitBytes);
  #lineBytes = 0;
  #headerBytes = 0;
  /** The line is longer than the limit: the rest of it is passed over. */
  #longLine = false;
  #headers = new Map<string, string>();
  /** Of the body at hand, still to come. */
  #left = 0;
  /** Open body: whether the byte before the one at hand ended a line. */
  #atLineStart = false;

  /** `boundary`: as `boundaryOf` gives it. */
  constructor(taker: PartTaker, boundary: string, limitBytes: number) {
    this.#taker = taker;
    this.#boundary = Uint8Array.from(boundary.replace(/^-+/, ''), c => c.charCodeAt(0));
    this.#limitBytes = limitBytes;
    this.#body = new UnitBuffer(slabBytes, limitBytes);
  }

  /** The closing delimiter has come: what follows is ignored. */
  get over(): boolean {
    return this.#state === 'over';
  }

  push(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; )
      switch (this.#state) {
        case 'preamble':
        case 'headers':
          i = this.#readLine(bytes, i);
          break;
        case 'counted':
          i = this.#readCounted(bytes, i);
          break;
        case 'open':
          i = this.#readOpen(bytes, i);
          break;
        case 'over':
          return;
      }
  }

  #readLine(bytes: Uint8Array, begin: number): number {
    const found = bytes.indexOf(lf, begin);
    const end = found < 0 ? bytes.length : found;
    const size = end - begin;
    if (this.#lineBytes + size > lineLimitBytes) this.#longLine = true;
    else {
      this.#line.set(bytes.subarray(begin, end), this.#lineBytes);
      this.#lineBytes += size;
    }
    if (found < 0) return end;
    let length = this.#lineBytes;
    if (length > 0 && this.#line[length - 1] === cr) length--;
    const long = this.#longLine;
    this.#lineBytes = 0;
    this.#longLine = false;
    this.#wholeLine(this.#line.subarray(0, length), long);
    return end + 1;
  }

  #wholeLine(line: Uint8Array, long: boolean): void {
    if (this.#state === 'preamble') {
      if (!long) this.#delimiter(line);
      return;
    }
    this.#headerBytes += line.length;
    if (long || this.#headerBytes > lineLimitBytes) {
      this.#taker.problem('headers of a part longer than 8 KiB');
      this.#state = 'preamble';
    } else if (line.length === 0) this.#headersEnd();
    else {
      const text = String.fromCharCode(...line);
      const colon = text.indexOf(':');
      if (colon > 0) this.#headers.set(text.slice(0, colon).trim().toLowerCase(), text.slice(colon + 1).trim());
    }
  }

  /** Whether `line` is a delimiter; then the next part begins, or nothing follows. */
  #delimiter(line: Uint8Array): boolean {
    const dashes = this.#dashes(line);
    if (dashes < 0) return false;
    const rest = line.subarray(dashes + this.#boundary.length);
    const closes = rest[0] === dash && rest[1] === dash && isBlank(rest.subarray(2));
    if (!closes && !isBlank(rest)) return false;
    this.#state = closes ? 'over' : 'headers';
    this.#headers = new Map();
    this.#headerBytes = 0;
    return true;
  }

  /** How many dashes stand before the boundary at the begin of `line`; -1 where it does not begin so. */
  #dashes(line: Uint8Array): number {
    let dashes = 0;
    while (line[dashes] === dash) dashes++;
    for (let i = 0; i < this.#boundary.length; i++) if (line[dashes + i] !== this.#boundary[i]) return -1;
    // Without any dashes only where the boundary has none to lose and the camera forgets its own: that is still a line of its own.
    return dashes;
  }

  #headersEnd(): void {
    const text = this.#headers.get('content-length') ?? '';
    const length = /^\d{1,10}$/.test(text) ? Number(text) : 0;
    this.#body.drop();
    this.#tooLarge = length > this.#limitBytes;
    this.#atLineStart = true;
    this.#lineBytes = 0;
    this.#left = length;
    this.#state = length > 0 ? 'counted' : 'open';
  }

  #readCounted(bytes: Uint8Array, begin: number): number {
    const end = Math.min(bytes.length, begin + this.#left);
    this.#append(bytes, begin, end);
    this.#left -= end - begin;
    if (this.#left === 0) {
      this.#state = 'preamble';
      this.#partEnds(this.#headers);
    }
    return end;
  }

  /**
   * A body without a length: copied up to a line that is a delimiter. Only what follows a line end and
   * begins with a dash is held back to be compared.
   */
  #readOpen(bytes: Uint8Array, begin: number): number {
    let i = begin;
    if (this.#atLineStart || this.#lineBytes > 0) {
      const longest = this.#boundary.length + 80;
      while (i < bytes.length) {
        const byte = bytes[i] as number;
        if (byte === lf && this.#lineBytes > 0) {
          const length = this.#lineBytes - (this.#line[this.#lineBytes - 1] === cr ? 1 : 0);
          const headers = this.#headers;
          if (this.#delimiter(this.#line.subarray(0, length))) {
            this.#lineBytes = 0;
            this.#trimLineEnd();
            this.#partEnds(headers);
            return i + 1;
          }
          break;
        }
        const first = this.#lineBytes === 0;
        if ((first && byte !== dash && byte !== this.#boundary[0]) || this.#lineBytes >= longest) break;
        this.#line[this.#lineBytes++] = byte;
        i++;
      }
      if (i === bytes.length) return i;
      this.#append(this.#line, 0, this.#lineBytes);
      this.#lineBytes = 0;
      this.#atLineStart = false;
    }
    const found = bytes.indexOf(lf, i);
    const end = found < 0 ? bytes.length : found + 1;
    this.#append(bytes, i, end);
    this.#atLineStart = found >= 0;
    return end;
  }

  /** The line end before a delimiter belongs to it. */
  #trimLineEnd(): void {
    let length = this.#body.length;
    if (length > 0 && this.#body.byteAt(length - 1) === lf) length--;
    if (length > 0 && this.#body.byteAt(length - 1) === cr) length--;
    this.#body.truncate(length);
  }

  #append(bytes: Uint8Array, begin: number, end: number): void {
    if (this.#tooLarge) return;
    if (this.#body.length + end - begin <= this.#limitBytes) this.#body.append(bytes, begin, end);
    else {
      this.#tooLarge = true;
      this.#body.drop();
    }
  }

  #partEnds(headers: ReadonlyMap<string, string>): void {
    if (this.#tooLarge) this.#taker.problem('a part larger than the limit');
    else if (this.#body.length > 0) this.#taker.part(headers, this.#body.take());
    this.#body.drop();
    this.#tooLarge = false;
  }
}

const isBlank = (bytes: Uint8Array): boolean => bytes.every(b => b === 32 || b === 9);

/** The boundary that a Content-Type names, quoted or not; undefined if it is no multipart or names none. */
export function boundaryOf(contentType: string): string | undefined {
  if (!/^\s*multipart\//i.test(contentType)) return undefined;
  const [, quoted, plain] = /;\s*boundary\s*=\s*(?:"([^"]{1,200})"|([^;\s]{1,200}))/i.exec(contentType) ?? [];
  const boundary = quoted ?? plain;
  return boundary === undefined || boundary.replace(/^-+/, '') === '' ? undefined : boundary;
}
