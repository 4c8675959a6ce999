/**
 * Fragment records, packed as the index keeps them. Little-endian, 24 bytes and 20 per MP4
 * track of the file:
 *
 *   0  f64  wall clock of the first picture, UTC milliseconds
 *   8  u32  offset in the file
 *  12  u32  bytes in the file: prft, moof and mdat
 *  16  u32  duration, microseconds
 *  20  u32  bit 31: begins with a key frame; bit 30: some sample's composition offset is not zero;
 *           bits 0-29: bytes in front of the sample data
 *  24  per MP4 track: f64 first decoding time in file time, u32 samples, u32 duration (ticks), u32 bytes
 */
import { Fault } from '#core/errors';

export interface RecordTrack {
  /** First decoding time, ticks from the file's origin; 0 when it has no samples. */
  readonly baseDts: number;
  readonly samples: number;
  /** Ticks. */
  readonly duration: number;
  readonly bytes: number;
}

export interface FragmentRecord {
  readonly beginMs: number;
  readonly durationMs: number;
  readonly offset: number;
  readonly bytes: number;
  /** Bytes before the sample data. */
  readonly headerBytes: number;
  readonly keyframe: boolean;
  /** Some composition offset may differ from zero. */
  readonly reordered: boolean;
  /** One per MP4 track of the file, in its order. */
  readonly tracks: readonly RecordTrack[];
}

/** Files stay below 4 GiB by far (rotation), so offsets have four bytes. */
export const largestFileBytes = 0xffff_ffff;

const head = 24;
const perTrack = 20;

export const recordBytes = (tracks: number): number => head + perTrack * tracks;

export const recordEndMs = (r: FragmentRecord): number => r.beginMs + r.durationMs;

/**
 * Records of one file as the index keeps them, each `recordBytes(tracks)` long; a missing
 * track is written as zeros.
 */
export function packRecords(records: readonly FragmentRecord[], tracks: number): Uint8Array {
  const size = recordBytes(tracks);
  const packed = new Uint8Array(size * records.length);
  const view = new DataView(packed.buffer);
  records.forEach((r, i) => {
    let at = i * size;
    view.setFloat64(at, r.beginMs, true);
    view.setUint32(at + 8, r.offset, true);
    view.setUint32(at + 12, r.bytes, true);
    view.setUint32(at + 16, Math.min(0xffff_ffff, Math.round(r.durationMs * 1000)), true);
    view.setUint32(
      at + 20,
      (r.headerBytes & 0x3fff_ffff) | (r.keyframe ? 0x8000_0000 : 0) | (r.reordered ? 0x4000_0000 : 0),
      true,
    );
    at += head;
    for (let t = 0; t < tracks; t++, at += perTrack) {
      const track = r.tracks[t];
      view.setFloat64(at, track?.baseDts ?? 0, true);
      view.setUint32(at + 8, track?.samples ?? 0, true);
      view.setUint32(at + 12, track?.duration ?? 0, true);
      view.setUint32(at + 16, track?.bytes ?? 0, true);
    }
  });
  return packed;
}

/** Fault `index-damaged` where the length is no whole number of records. */
export function unpackRecords(packed: Uint8Array, tracks: number): FragmentRecord[] {
  const size = recordBytes(tracks);
  if (packed.length % size !== 0)
    throw new Fault(
      'storage',
      'index-damaged',
      `expected fragment records of ${size} bytes, got ${packed.length} bytes in all`,
    );
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const records: FragmentRecord[] = [];
  for (let at = 0; at < packed.length; at += size) {
    const flags = view.getUint32(at + 20, true);
    records.push({
      beginMs: view.getFloat64(at, true),
      durationMs: view.getUint32(at + 16, true) / 1000,
      offset: view.getUint32(at + 8, true),
      bytes: view.getUint32(at + 12, true),
      headerBytes: flags & 0x3fff_ffff,
      keyframe: (flags & 0x8000_0000) !== 0,
      reordered: (flags & 0x4000_0000) !== 0,
      tracks: Array.from({ length: tracks }, (_, t) => {
        const p = at + head + t * perTrack;
        return {
          baseDts: view.getFloat64(p, true),
          samples: view.getUint32(p + 8, true),
          duration: view.getUint32(p + 12, true),
          bytes: view.getUint32(p + 16, true),
        };
      }),
    });
  }
  return records;
}

/** First moment and last of packed records in order; undefined without any. */
export function packedSpan(packed: Uint8Array, tracks: number): readonly [beginMs: number, endMs: number] | undefined {
  const last = packed.length - recordBytes(tracks);
  if (last < 0) return undefined;
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  return [view.getFloat64(0, true), view.getFloat64(last, true) + view.getUint32(last + 16, true) / 1000];
}
