/**
 * Headers of fragments whose length follows from the number of samples alone (ISO/IEC 14496-12 8.8, 8.16.5), so
 * that the length of a whole export is known before a sample is looked at. Everything is told per sample:
 *
 *   prft 32
 *   moof  8
 *     mfhd 16
 *     traf  8  per track: tfhd 20 (with the sample description), tfdt 20, trun 20 + 16 per sample
 *   mdat  8
 */
import { setU64 } from './box.ts';
import { nonSyncFlags, syncFlags, writePrft } from './fragment-header.ts';
import type { SampleTable } from './fragment-parser.ts';

export interface ExportFragmentTrack {
  readonly trackId: number;
  /** Index into the track's descriptions. */
  readonly description: number;
  readonly baseDts: number;
  readonly count: number;
  readonly samples: Omit<SampleTable, 'offset'>;
}

/** Length of the header of a fragment with so many samples in each of its tracks. */
export const exportHeaderBytes = (counts: readonly number[]): number =>
  counts.reduce((sum, n) => sum + 8 + 20 + 20 + 20 + 16 * n, 32 + 8 + 16 + 8);

/** `wallMs` is when the first sample of the first track is shown. Sample data follow, of one track behind the other. */
export function writeExportHeader(
  sequence: number,
  tracks: readonly ExportFragmentTrack[],
  wallMs: number,
): Uint8Array {
  const bytes = new Uint8Array(exportHeaderBytes(tracks.map(t => t.count)));
  const view = new DataView(bytes.buffer);
  const [first] = tracks;
  if (first)
    writePrft(view, first.trackId, wallMs, Math.max(0, first.baseDts + (first.samples.compositionOffset[0] ?? 0)));
  const moofBytes = bytes.length - 32 - 8;
  let at = begin(view, 32, moofBytes, 'moof');
  at = begin(view, at, 16, 'mfhd');
  view.setUint32(at + 4, sequence);
  at += 8;
  const dataOffset = moofBytes + 8;
  let dataBytes = 0;
  for (const track of tracks) {
    const size = writeTraf(view, at, track, dataOffset + dataBytes);
    for (let i = 0; i < track.count; i++) dataBytes += track.samples.size[i] ?? 0;
    at += size;
  }
  begin(view, at, 8 + dataBytes, 'mdat');
  return bytes;
}

/** The size of the box. */
function writeTraf(view: DataView, from: number, track: ExportFragmentTrack, dataOffset: number): number {
  const { count, samples } = track;
  const trunBytes = 20 + 16 * count;
  const size = 8 + 20 + 20 + trunBytes;
  let at = begin(view, from, size, 'traf');
  at = begin(view, at, 20, 'tfhd');
  view.setUint32(at, 0x20002); // default-base-is-moof, sample_description_index
  view.setUint32(at + 4, track.trackId);
  view.setUint32(at + 8, track.description + 1);
  at = begin(view, at + 12, 20, 'tfdt');
  view.setUint32(at, 0x1000000); // version 1
  setU64(view, at + 4, track.baseDts);
  at = begin(view, at + 12, trunBytes, 'trun');
  view.setUint32(at, 0x1000f01); // version 1: signed offsets; data_offset, and all four columns
  view.setUint32(at + 4, count);
  view.setInt32(at + 8, dataOffset);
  at += 12;
  for (let i = 0; i < count; i++, at += 16) {
    view.setUint32(at, samples.duration[i] ?? 0);
    view.setUint32(at + 4, samples.size[i] ?? 0);
    view.setUint32(at + 8, samples.keyframe[i] ? syncFlags : nonSyncFlags);
    view.setInt32(at + 12, samples.compositionOffset[i] ?? 0);
  }
  return size;
}

/** Writes size and type; gives where the content begins. */
function begin(view: DataView, at: number, size: number, type: string): number {
  view.setUint32(at, size);
  for (let i = 0; i < 4; i++) view.setUint8(at + 4 + i, type.charCodeAt(i));
  return at + 8;
}
