/**
 * Time and number of a picture for machines: 64 black or white cells, two rows of 32, in the upper left
 * corner of the picture, read like text, first bit first. Square cells of `stripCell(width, height)` pixels.
 *
 *   bits 0..41   UTC time of the picture, milliseconds since the epoch
 *   bits 42..55  number of the picture, its lowest 14 bits
 *   bits 56..63  CRC-8 of the seven bytes before (polynomial 0x07, start 0xff)
 *
 * The same time and number stand in the SEI before the picture (sei.ts).
 */

export const stripColumns = 32;
export const stripRows = 2;
const cells = stripColumns * stripRows;

/** Pixels of a cell's side, 0 when the picture is too small for a strip. Multiples of 4, so that cells keep to transform blocks. */
export function stripCell(width: number, height: number): number {
  for (const side of [32, 16, 8, 4])
    if (side * stripColumns <= width * 0.86 && side * stripRows * 5 <= height) return side;
  return 0;
}

/** The cells, 1 white. `wallMs` whole. */
export function stripBits(wallMs: number, number: number, into = new Uint8Array(cells)): Uint8Array {
  // 42 + 14 bits do not fit in the bit operators; time's upper 24 bits, its lower 18 with the number.
  const upper = Math.floor(wallMs / 0x40000);
  const lower = ((wallMs % 0x40000) * 0x4000 + (number % 0x4000)) >>> 0;
  for (let i = 0; i < 24; i++) into[i] = (upper >>> (23 - i)) & 1;
  for (let i = 0; i < 32; i++) into[24 + i] = (lower >>> (31 - i)) & 1;
  const check = crc8(into);
  for (let i = 0; i < 8; i++) into[56 + i] = (check >>> (7 - i)) & 1;
  return into;
}

/** Reads the strip out of a plane of luma as decoded; undefined when the check fails. For benches and tests. */
export function readStrip(
  luma: Uint8Array,
  stride: number,
  side: number,
): { readonly wallMs: number; readonly number: number } | undefined {
  const bits = new Uint8Array(cells);
  for (let i = 0; i < cells; i++) {
    const x = (i % stripColumns) * side + (side >> 1);
    const y = Math.floor(i / stripColumns) * side + (side >> 1);
    bits[i] = (luma[y * stride + x] ?? 0) > 125 ? 1 : 0;
  }
  const value = (from: number, to: number): number => bits.subarray(from, to).reduce((sum, bit) => sum * 2 + bit, 0);
  if (value(56, 64) !== crc8(bits)) return undefined;
  return { wallMs: value(0, 42), number: value(42, 56) };
}

/** Over the first 56 bits. */
function crc8(bits: Uint8Array): number {
  let crc = 0xff;
  for (let i = 0; i < 56; i++) {
    const high = (crc >> 7) ^ (bits[i] ?? 0);
    crc = ((crc << 1) & 0xff) ^ (high === 1 ? 0x07 : 0);
  }
  return crc;
}
