/**
 * The table of contents at the end of a file that was closed in order (archive/DESIGN.md, "On
 * disk"): the fragment records of the whole file in one `uuid` box, which players pass over. One
 * read of it replaces one read per fragment when an index is made anew.
 *
 *    0  u32  bytes of the box, 76 and the records
 *    4  4cc  `uuid`
 *    8  16   user type
 *   24  u8   version, 1
 *   25  u8   MP4 tracks
 *   26  u16  0
 *   28  u32  records
 *   32  u32  where this box begins: bytes of the file in front of it
 *   36  32   SHA-256 of the init segment, of bytes 0-35 of this box, and of the records
 *   68  ..   records (format/record.ts)
 *   -8  u32  bytes of the box, again: it is found from the file's end
 *   -4  4cc  `octc`
 *
 * It is believed only when everything fits: its place and length, the hash, and records that lie end to end from the init
 * segment to the box. So a table that was copied to another file, or whose file was cut or changed in length, is none.
 */
import { createHash } from 'node:crypto';
import { recordBytes } from './record.ts';

export const contentsVersion = 1;

const userType = Uint8Array.from([
  0x6f, 0x63, 0x65, 0x6c, 0x6c, 0x75, 0x73, 0x00, 0xa1, 0xc7, 0x5e, 0x6d, 0x65, 0x6e, 0x74, 0x02,
]);
const uuid = 0x75756964;
const mark = 0x6f637463;
const head = 68;
const tail = 8;

/** Bytes at the end of a file that tell how long its table is. */
export const contentsTail = tail;

/** A file has at most a fragment or two a second for some minutes; more than this is no table of ours. */
const largest = 64 * 1024 * 1024;

const digest = (init: Uint8Array, begin: Uint8Array, records: Uint8Array): Buffer =>
  createHash('sha256').update(init).update(begin).update(records).digest();

/** The box for a file of `tracks` MP4 tracks. `init` is its init segment with the identity, `at` its length so far. */
export function writeContents(init: Uint8Array, at: number, packed: Uint8Array, tracks: number): Uint8Array {
  const bytes = new Uint8Array(head + packed.length + tail);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length);
  view.setUint32(4, uuid);
  bytes.set(userType, 8);
  view.setUint8(24, contentsVersion);
  view.setUint8(25, tracks);
  view.setUint32(28, packed.length / recordBytes(tracks));
  view.setUint32(32, at);
  bytes.set(digest(init, bytes.subarray(0, 36), packed), 36);
  bytes.set(packed, head);
  view.setUint32(bytes.length - 8, bytes.length);
  view.setUint32(bytes.length - 4, mark);
  return bytes;
}

/** How long the table at the end of a file is, from the file's last bytes; undefined when there is none. */
export function contentsLength(end: Uint8Array): number | undefined {
  if (end.length < tail) return undefined;
  const view = new DataView(end.buffer, end.byteOffset + end.length - tail, tail);
  const length = view.getUint32(0);
  return view.getUint32(4) === mark && length >= head + tail && length <= largest ? length : undefined;
}

/** The packed records of a table that begins at `at`; undefined when something does not fit. */
export function parseContents(init: Uint8Array, at: number, bytes: Uint8Array, tracks: number): Uint8Array | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (contentsLength(bytes) !== bytes.length) return undefined;
  if (view.getUint32(0) !== bytes.length || view.getUint32(4) !== uuid) return undefined;
  if (userType.some((b, i) => bytes[8 + i] !== b)) return undefined;
  if (view.getUint8(24) !== contentsVersion || view.getUint8(25) !== tracks || view.getUint32(32) !== at)
    return undefined;
  const packed = bytes.subarray(head, bytes.length - tail);
  if (packed.length !== view.getUint32(28) * recordBytes(tracks)) return undefined;
  if (digest(init, bytes.subarray(0, 36), packed).compare(bytes, 36, head) !== 0) return undefined;
  return liesEndToEnd(packed, tracks, init.length, at) ? packed : undefined;
}

/** Whether the records' fragments fill `[from, to)`, one after the other. */
function liesEndToEnd(packed: Uint8Array, tracks: number, from: number, to: number): boolean {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  let at = from;
  for (let r = 0; r < packed.length; r += recordBytes(tracks)) {
    if (view.getUint32(r + 8, true) !== at) return false;
    at += view.getUint32(r + 12, true);
  }
  return at === to;
}
