/**
 * A body of parts: each one's length is known before any is made, so that all of it has a length, any part of it
 * can be had on its own, and nothing is made that nobody asked for. Who stops reading costs one piece.
 */
import type { ByteSource, ByteStream } from '#core/bytes';
import { Fault } from '#core/errors';
import type { FileRow } from '../index/rows.ts';
import type { Place } from '../library/recovery.ts';
import { MediaReader } from './media-reader.ts';

export interface Part {
  readonly bytes: number;
  /** Its bytes from `from` on, in pieces of any size that belong to who takes them; it may be left before its end. */
  read(reader: MediaReader, from: number): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** Parts that are made when they are asked for: of a long export there are many. */
export interface Parts {
  readonly count: number;
  bytesOf(i: number): number;
  at(i: number): Part;
}

/** Handed on at once. */
const pieceBytes = 256 * 1024;

/** A range of a file as it is. */
export const range = (file: FileRow, offset: number, bytes: number): Part => ({
  bytes,
  read: (reader, from) => rangeOf(reader, file, offset, bytes, from),
});

/** A part that is made whole and then handed on. */
export const made = (bytes: number, make: (reader: MediaReader) => Promise<Uint8Array>): Part => ({
  bytes,
  read: async function* (reader, from) {
    yield* inPieces(await make(reader), from);
  },
});

/** `head`, and a part for each of `list`. */
export const behind = <T>(
  head: Part | undefined,
  list: readonly T[],
  bytesOf: (item: T, i: number) => number,
  part: (item: T, i: number) => Part,
): Parts => {
  const first = head ? 1 : 0;
  const item = (i: number): T => list[i - first] as T;
  return {
    count: list.length + first,
    bytesOf: i => (head && i === 0 ? head.bytes : bytesOf(item(i), i - first)),
    at: i => (head && i === 0 ? head : part(item(i), i - first)),
  };
};

/** Copies: what is moved to another thread takes its whole buffer with it. */
export function* inPieces(bytes: Uint8Array, from: number): Generator<Uint8Array> {
  for (let at = from; at < bytes.length; at += pieceBytes) yield bytes.slice(at, at + pieceBytes);
}

/** A range of a file as it is, from `from` of it on. */
export async function* rangeOf(
  reader: MediaReader,
  file: FileRow,
  offset: number,
  bytes: number,
  from = 0,
): AsyncGenerator<Uint8Array> {
  for (let at = from; at < bytes; at += pieceBytes)
    yield await reader.read(file, offset + at, Math.min(pieceBytes, bytes - at));
}

/** All parts, one behind the other. */
export function bodyOf(place: Place, parts: Parts): ByteSource & { readonly length: number } {
  const begins = new Float64Array(parts.count + 1);
  for (let i = 0; i < parts.count; i++) begins[i + 1] = (begins[i] ?? 0) + parts.bytesOf(i);
  const length = begins[parts.count] ?? 0;
  return { length, open: (begin = 0, end = length) => open(place, parts, begins, begin, end), close: () => {} };
}

function open(place: Place, parts: Parts, begins: Float64Array, begin: number, end: number): ByteStream {
  const reader = new MediaReader(place);
  async function* bytes(): AsyncGenerator<Uint8Array> {
    try {
      let at = begin;
      for (let i = partAt(begins, begin); i < parts.count && at < end; i++) {
        const last = begins[i + 1] ?? 0;
        if (last <= at) continue;
        for await (const piece of parts.at(i).read(reader, at - (begins[i] ?? 0))) {
          const own = piece.subarray(0, end - at);
          at += own.length;
          if (at > last) throw mismatch('more');
          yield own.length === piece.length ? piece : own.slice();
          if (at >= end) return;
        }
        if (at !== last) throw mismatch(`${last - at} less`);
      }
    } finally {
      await reader.close();
    }
  }
  const pieces = bytes();
  return {
    next: async () => (await pieces.next()).value ?? undefined,
    // Waits for the read under way, then closes the file.
    close: () => void pieces.return(undefined),
  };
}

const mismatch = (what: string): Fault =>
  new Fault('storage', 'index-mismatch', `expected as many bytes of a part as the index told, got ${what}`);

/** The part in which a byte lies. */
function partAt(begins: Float64Array, byte: number): number {
  let [low, high] = [0, begins.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((begins[middle + 1] ?? Number.POSITIVE_INFINITY) <= byte) low = middle + 1;
    else high = middle;
  }
  return low;
}
