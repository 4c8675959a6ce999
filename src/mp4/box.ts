/**
 * Boxes of ISO/IEC 14496-12 4.2: size (4 bytes, of the whole box), type (4), then for size 1
 * the size in 8 bytes, for a full box version (1) and flags (3). All numbers are big-endian.
 * Writing is for what is small and rare (init segments); the fragmenter writes its own.
 */

/** `type` + parts as one box. */
export function box(type: string, ...parts: readonly Uint8Array[]): Uint8Array {
  let length = 8;
  for (const part of parts) length += part.length;
  const bytes = new Uint8Array(length);
  new DataView(bytes.buffer).setUint32(0, length);
  for (let i = 0; i < 4; i++) bytes[4 + i] = type.charCodeAt(i);
  let at = 8;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

export const fullBox = (type: string, version: number, flags: number, ...parts: readonly Uint8Array[]): Uint8Array =>
  box(type, u32(version * 0x1000000 + flags), ...parts);

export const u8 = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);

/** Big-endian, one after the other. */
export function u16(...values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(2 * values.length));
  values.forEach((v, i) => void view.setUint16(2 * i, v));
  return new Uint8Array(view.buffer);
}

/** Big-endian, one after the other. */
export function u32(...values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((v, i) => void view.setUint32(4 * i, v));
  return new Uint8Array(view.buffer);
}

/** Integers up to 2^53; two's complement for negative ones. */
export function u64(...values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(8 * values.length));
  values.forEach((v, i) => void setU64(view, 8 * i, v));
  return new Uint8Array(view.buffer);
}

export const zeros = (length: number): Uint8Array => new Uint8Array(length);

export const ascii = (text: string): Uint8Array => Uint8Array.from(text, c => c.charCodeAt(0));

/** Copies once. */
export function join(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Exact up to 2^53: `value` is an integer. */
export function setU64(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / 0x100000000));
  view.setUint32(at + 4, value >>> 0);
}

/** An unsigned 64-bit number; beyond 2^53 it loses its low bits, which no length or time of ours reaches. */
export const getU64 = (view: DataView, at: number): number => view.getUint32(at) * 0x100000000 + view.getUint32(at + 4);

export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** A box found in bytes. Positions count from the beginning of those bytes. */
export interface Box {
  /** Four characters; bytes above 0x7f as Latin-1. */
  readonly type: string;
  readonly begin: number;
  /** First byte behind size and type; for a full box that is its version. */
  readonly body: number;
  readonly end: number;
}

/**
 * The box at `at`, or undefined when there is none whole before `end`. Size 0 ("to the end of
 * the file") is taken as reaching `end`.
 */
export function boxAt(bytes: Uint8Array, at: number, end: number): Box | undefined {
  const header = boxHeader(bytes, at, end);
  if (!header) return undefined;
  const boxEnd = header.size === 0 ? end : at + header.size;
  if (boxEnd > end) return undefined;
  return { type: header.type, begin: at, body: at + header.headerBytes, end: boxEnd };
}

/** What the first bytes of a box say; the box itself may reach beyond `end`. `size` 0 means up to the end of the file. */
export function boxHeader(
  bytes: Uint8Array,
  at: number,
  end: number,
): { readonly type: string; readonly size: number; readonly headerBytes: number } | undefined {
  if (at + 8 > end || end > bytes.length) return undefined;
  const view = viewOf(bytes);
  const type = fourcc(bytes, at + 4);
  const size = view.getUint32(at);
  if (size === 0) return { type, size: 0, headerBytes: 8 };
  if (size !== 1) return size < 8 ? undefined : { type, size, headerBytes: 8 };
  if (at + 16 > end) return undefined;
  const large = getU64(view, at + 8);
  return large < 16 || large > Number.MAX_SAFE_INTEGER ? undefined : { type, size: large, headerBytes: 16 };
}

export const fourcc = (bytes: Uint8Array, at: number): string =>
  String.fromCharCode(bytes[at] ?? 0, bytes[at + 1] ?? 0, bytes[at + 2] ?? 0, bytes[at + 3] ?? 0);

/** The boxes one after the other in `begin` .. `end`; stops at the first that is not whole. */
export function boxesIn(bytes: Uint8Array, begin = 0, end = bytes.length): Box[] {
  const found: Box[] = [];
  for (let at = begin; at < end; ) {
    const next = boxAt(bytes, at, end);
    if (!next) break;
    found.push(next);
    at = next.end;
  }
  return found;
}

/** The first box along `path`, each inside the one before, e.g. `mdia/minf/stbl`. */
export function findBox(bytes: Uint8Array, path: string, begin = 0, end = bytes.length): Box | undefined {
  let found: Box | undefined;
  for (const type of path.split('/')) {
    found = boxesIn(bytes, found?.body ?? begin, found?.end ?? end).find(b => b.type === type);
    if (!found) return undefined;
  }
  return found;
}
