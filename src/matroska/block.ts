/**
 * Blocks (RFC 9559 10.1, 10.3): frames of one track, one or several laced together.
 *
 *   track (vint) | timestamp, relative to the cluster (signed 16) | keyframe(1) 000 invisible(1) lacing(2) discardable(1) | [ count - 1 | sizes ] | frames
 *   lacing  0 none, 1 Xiph (bytes of 255 and a last one), 2 all of one size, 3 EBML (the first size, then differences)
 */
import { readVint } from './ebml.ts';

export interface Block {
  readonly track: number;
  readonly timestamp: number;
  /** Of a SimpleBlock; in a BlockGroup what is referred to tells it. */
  readonly keyframe: boolean;
  /** Views. */
  readonly frames: readonly Uint8Array[];
}

/** Undefined for what is none. */
export function parseBlock(bytes: Uint8Array, begin: number, end: number): Block | undefined {
  const track = readVint(bytes, begin, end);
  if (track === undefined) return undefined;
  const at = begin + track.length;
  if (at + 3 > end) return undefined;
  const timestamp = (((bytes[at] ?? 0) << 24) >> 16) | (bytes[at + 1] ?? 0);
  const flags = bytes[at + 2] ?? 0;
  const frames = framesOf(bytes, at + 3, end, (flags >> 1) & 3);
  return frames && { track: track.value, timestamp, keyframe: (flags & 0x80) !== 0, frames };
}

function framesOf(bytes: Uint8Array, begin: number, end: number, lacing: number): Uint8Array[] | undefined {
  if (lacing === 0) return [bytes.subarray(begin, end)];
  if (begin >= end) return undefined;
  const count = (bytes[begin] ?? 0) + 1;
  const laced =
    lacing === 2
      ? undefined
      : lacing === 1
        ? xiphSizes(bytes, begin + 1, end, count)
        : ebmlSizes(bytes, begin + 1, end, count);
  if (lacing !== 2 && laced === undefined) return undefined;
  let at = laced?.at ?? begin + 1;
  const equal = (end - at) / count;
  if (lacing === 2 && !Number.isInteger(equal)) return undefined;
  const frames: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    const next = i === count - 1 ? end : at + (laced?.sizes[i] ?? equal);
    if (next > end || next < at) return undefined;
    frames.push(bytes.subarray(at, next));
    at = next;
  }
  return frames;
}

/** Sizes of all frames but the last, and where the frames begin. */
interface Sizes {
  readonly sizes: readonly number[];
  readonly at: number;
}

function xiphSizes(bytes: Uint8Array, begin: number, end: number, count: number): Sizes | undefined {
  const sizes: number[] = [];
  let at = begin;
  while (sizes.length < count - 1) {
    let size = 0;
    for (let byte = 255; byte === 255; size += byte) {
      if (at >= end) return undefined;
      byte = bytes[at++] ?? 0;
    }
    sizes.push(size);
  }
  return { sizes, at };
}

function ebmlSizes(bytes: Uint8Array, begin: number, end: number, count: number): Sizes | undefined {
  const sizes: number[] = [];
  let at = begin;
  while (sizes.length < count - 1) {
    const read = readVint(bytes, at, end);
    if (read === undefined) return undefined;
    at += read.length;
    // Differences are signed by an offset: half of what the length can say.
    const size = (sizes.at(-1) ?? 0) + read.value - (sizes.length === 0 ? 0 : 2 ** (7 * read.length - 1) - 1);
    if (size < 0) return undefined;
    sizes.push(size);
  }
  return { sizes, at };
}
