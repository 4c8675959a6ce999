/**
 * EBML (RFC 8794): elements, each an id, a size and that many bytes. Ids are unique over all levels in
 * Matroska, so large elements can be entered without remembering where they end.
 *
 *   id    1 to 4 bytes; how many zeros lead tells the length, and the leading one stays part of the id
 *   size  1 to 8 bytes; the leading one is taken off; all ones: the size is not known
 */

export interface Element {
  readonly id: number;
  readonly begin: number;
  readonly body: number;
  readonly end: number;
}

export interface ElementHeader {
  readonly id: number;
  /** Of what follows; -1: not known. */
  readonly size: number;
  /** Of the header itself. */
  readonly length: number;
}

/** The header at `at`; undefined: more bytes are needed; null: none begins here. */
export function elementHeader(bytes: Uint8Array, at: number, end: number): ElementHeader | null | undefined {
  const first = bytes[at];
  if (first === undefined || at >= end) return undefined;
  const idLength = Math.clz32(first) - 23;
  if (idLength > 4) return null;
  const sizeAt = at + idLength;
  if (sizeAt >= end) return undefined;
  const sizeLength = Math.clz32(bytes[sizeAt] ?? 0) - 23;
  if (sizeLength > 8) return null;
  if (sizeAt + sizeLength > end) return undefined;
  let id = 0;
  for (let i = 0; i < idLength; i++) id = id * 256 + (bytes[at + i] ?? 0);
  const size = vint(bytes, sizeAt, sizeLength);
  return { id, size: size === 2 ** (7 * sizeLength) - 1 ? -1 : size, length: idLength + sizeLength };
}

/** A number with its length in its leading zeros, at `at`; undefined where it does not fit. */
export function readVint(bytes: Uint8Array, at: number, end: number): { value: number; length: number } | undefined {
  const length = Math.clz32(bytes[at] ?? 0) - 23;
  if (at >= end || length > 8 || at + length > end) return undefined;
  return { value: vint(bytes, at, length), length };
}

function vint(bytes: Uint8Array, at: number, length: number): number {
  let value = (bytes[at] ?? 0) & (0xff >> length);
  for (let i = 1; i < length; i++) value = value * 256 + (bytes[at + i] ?? 0);
  return value;
}

/** The elements from `begin` to `end`, which is all there; ends where one does not fit. */
export function* elements(bytes: Uint8Array, begin: number, end: number): Generator<Element> {
  for (let at = begin; at < end; ) {
    const header = elementHeader(bytes, at, end);
    if (!header || header.size < 0) return;
    const body = at + header.length;
    const next = body + header.size;
    if (next > end) return;
    yield { id: header.id, begin: at, body, end: next };
    at = next;
  }
}

/** An unsigned number of up to 8 bytes; beyond 2^53 it is not exact. */
export function uintOf(bytes: Uint8Array, { body, end }: Element): number {
  let value = 0;
  for (let at = body; at < Math.min(end, body + 8); at++) value = value * 256 + (bytes[at] ?? 0);
  return value;
}

/** 4 or 8 bytes; 0 for anything else. */
export function floatOf(bytes: Uint8Array, { body, end }: Element): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return end - body === 4 ? view.getFloat32(body) : end - body === 8 ? view.getFloat64(body) : 0;
}

/** UTF-8, without the zeros that may fill it up. */
export const textOf = (bytes: Uint8Array, { body, end }: Element): string =>
  new TextDecoder().decode(bytes.subarray(body, Math.min(end, body + 4096))).replace(/\0.*$/s, '');
