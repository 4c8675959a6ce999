/**
 * Where an access unit is put together: payload after payload is copied to the end of a slab
 * of memory, and the finished unit is a view of it. That is the one copy a picture goes
 * through. Units are never overwritten: a full slab is left to its units, which free it, and a new one begun.
 */
export class UnitBuffer {
  readonly #limitBytes: number;
  #slabBytes: number;
  #slab = new Uint8Array(0);
  #begin = 0;
  #end = 0;
  #largest = 0;

  /** `limitBytes` is the size of the largest unit; what goes beyond is not kept, and `overflown` says so. */
  constructor(slabBytes: number, limitBytes: number) {
    this.#slabBytes = slabBytes;
    this.#limitBytes = limitBytes;
  }

  overflown = false;

  /** Of the unit so far. */
  get length(): number {
    return this.#end - this.#begin;
  }

  append(bytes: Uint8Array, begin: number, end: number): void {
    const size = end - begin;
    if (this.#end + size > this.#slab.length && !this.#grow(size)) return;
    this.#slab.set(bytes.subarray(begin, end), this.#end);
    this.#end += size;
  }

  /** Room for a length, to be filled in by `setLength`, and one byte behind it. */
  appendPrefix(byte: number): void {
    if (this.#end + 5 > this.#slab.length && !this.#grow(5)) return;
    const slab = this.#slab;
    const at = this.#end;
    slab[at] = slab[at + 1] = slab[at + 2] = slab[at + 3] = 0;
    slab[at + 4] = byte;
    this.#end += 5;
  }

  appendByte(value: number): void {
    if (this.#end + 1 > this.#slab.length && !this.#grow(1)) return;
    this.#slab[this.#end++] = value;
  }

  appendLength(value: number): void {
    if (this.#end + 4 > this.#slab.length && !this.#grow(4)) return;
    this.#writeLength(this.#end, value);
    this.#end += 4;
  }

  /** Writes the length of what follows the 4 bytes at `at` up to the end of the unit. */
  setLength(at: number): void {
    this.#writeLength(this.#begin + at, this.length - at - 4);
  }

  setByte(at: number, value: number): void {
    if (at < this.length) this.#slab[this.#begin + at] = value;
  }

  byteAt(at: number): number {
    return this.#slab[this.#begin + at] ?? 0;
  }

  /** A copy of what is from `at` to the end. */
  copyFrom(at: number): Uint8Array {
    return this.#slab.slice(this.#begin + at, this.#end);
  }

  /** Forgets what is from `at` on. */
  truncate(at: number): void {
    this.#end = Math.min(this.#end, this.#begin + at);
  }

  /** The unit, which from now on belongs to the caller; the next one begins behind it. */
  take(): Uint8Array {
    const unit = this.#slab.subarray(this.#begin, this.#end);
    this.#largest = Math.max(unit.length, this.#largest * 0.98);
    this.#begin = this.#end;
    this.overflown = false;
    return unit;
  }

  drop(): void {
    this.#end = this.#begin;
    this.overflown = false;
  }

  #grow(size: number): boolean {
    const length = this.length;
    if (length + size > this.#limitBytes) {
      this.overflown = true;
      return false;
    }
    // Two of the largest units at least, so that a unit seldom has to move.
    const wanted = Math.max(this.#slabBytes, 2 * (length + size), Math.min(2 * this.#largest, 4 * this.#slabBytes));
    const slab = new Uint8Array(wanted);
    slab.set(this.#slab.subarray(this.#begin, this.#end));
    this.#slab = slab;
    this.#begin = 0;
    this.#end = length;
    return true;
  }

  #writeLength(at: number, value: number): void {
    const slab = this.#slab;
    slab[at] = value >>> 24;
    slab[at + 1] = value >>> 16;
    slab[at + 2] = value >>> 8;
    slab[at + 3] = value;
  }
}
