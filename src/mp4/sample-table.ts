/**
 * `stbl` to one row per sample (ISO/IEC 14496-12 8.6, 8.7). Tables contradict each other in
 * damaged files: rows end where the first of them does.
 */
import { type Box, boxesIn, getU64, viewOf } from './box.ts';

/** Samples of one track of a file, as parallel columns in decoding order. */
export interface FileSamples {
  readonly count: number;
  /** From the beginning of the file. */
  readonly offset: Float64Array;
  readonly size: Uint32Array;
  /** In the file's timescale, from 0. */
  readonly dts: Float64Array;
  readonly compositionOffset: Int32Array;
  readonly keyframe: Uint8Array;
  /** Index of the sample description. */
  readonly description: Uint8Array;
  /** Where the last sample ends. */
  readonly endDts: number;
}

/** Columns for `count` samples, all zero. */
export const emptySamples = (count: number): FileSamples => ({
  count,
  offset: new Float64Array(count),
  size: new Uint32Array(count),
  dts: new Float64Array(count),
  compositionOffset: new Int32Array(count),
  keyframe: new Uint8Array(count),
  description: new Uint8Array(count),
  endDts: 0,
});

/** 27 bytes each: half a GiB. A day at 25 pictures per second has two million. */
export const mostSamples = 20_000_000;

/** Rows of a table of `count` entries as the box says, but no more than it has. */
function tableOf(
  view: DataView,
  box: Box | undefined,
  fixedBytes: number,
  rowBytes: number,
): { at: number; count: number } {
  if (!box || box.body + fixedBytes > box.end) return { at: 0, count: 0 };
  const at = box.body + fixedBytes;
  const claimed = view.getUint32(at - 4);
  return { at, count: Math.min(claimed, Math.floor((box.end - at) / rowBytes)) };
}

/** The samples that `tables` (an `stbl`) describes; undefined when a table is missing or the number is not believable. */
export function readSampleTable(bytes: Uint8Array, tables: Box): FileSamples | undefined {
  const view = viewOf(bytes);
  const boxes = new Map(boxesIn(bytes, tables.body, tables.end).map(b => [b.type, b]));
  const stsz = boxes.get('stsz');
  if (!stsz || stsz.body + 12 > stsz.end) return undefined;
  const fixedSize = view.getUint32(stsz.body + 4);
  const sizes = tableOf(view, stsz, 12, 4);
  // One size for all has no rows, so nothing but the file's length bounds the number it claims.
  const count = fixedSize > 0 ? view.getUint32(stsz.body + 8) : sizes.count;
  if (count > mostSamples) return undefined;
  const samples = emptySamples(count);
  for (let i = 0; i < count; i++) samples.size[i] = fixedSize > 0 ? fixedSize : view.getUint32(sizes.at + 4 * i);
  const timed = readTimes(view, boxes.get('stts'), samples);
  const placed = readPlaces(view, boxes.get('stsc'), boxes.get('stco') ?? boxes.get('co64'), samples);
  readOffsets(view, boxes.get('ctts'), samples);
  readSync(view, boxes.get('stss'), samples);
  const whole = Math.min(timed.count, placed);
  return whole === count
    ? { ...samples, endDts: timed.endDts }
    : { ...samples, count: whole, endDts: whole < count ? (samples.dts[whole] ?? timed.endDts) : timed.endDts };
}

function readTimes(
  view: DataView,
  stts: Box | undefined,
  { count, dts }: FileSamples,
): { count: number; endDts: number } {
  const table = tableOf(view, stts, 8, 8);
  let i = 0;
  let time = 0;
  for (let row = 0; row < table.count && i < count; row++) {
    const duration = view.getUint32(table.at + 8 * row + 4);
    for (let n = view.getUint32(table.at + 8 * row); n > 0 && i < count; n--) {
      dts[i++] = time;
      time += duration;
    }
  }
  return { count: i, endDts: time };
}

function readOffsets(view: DataView, ctts: Box | undefined, { count, compositionOffset }: FileSamples): void {
  const table = tableOf(view, ctts, 8, 8);
  let i = 0;
  for (let row = 0; row < table.count && i < count; row++) {
    const offset = view.getInt32(table.at + 8 * row + 4);
    for (let n = view.getUint32(table.at + 8 * row); n > 0 && i < count; n--) compositionOffset[i++] = offset;
  }
}

function readSync(view: DataView, stss: Box | undefined, { count, keyframe }: FileSamples): void {
  if (!stss) {
    keyframe.fill(1); // 8.6.2: without the box every sample is a sync sample
    return;
  }
  const table = tableOf(view, stss, 8, 4);
  for (let row = 0; row < table.count; row++) {
    const number = view.getUint32(table.at + 4 * row);
    if (number >= 1 && number <= count) keyframe[number - 1] = 1;
  }
}

/** Fills offsets and descriptions chunk by chunk; returns how many samples have a place. */
function readPlaces(view: DataView, stsc: Box | undefined, chunks: Box | undefined, samples: FileSamples): number {
  const { count, offset, size, description } = samples;
  const long = chunks?.type === 'co64';
  const places = tableOf(view, chunks, 8, long ? 8 : 4);
  const runs = tableOf(view, stsc, 8, 12);
  let i = 0;
  for (let row = 0; row < runs.count; row++) {
    const at = runs.at + 12 * row;
    const firstChunk = view.getUint32(at);
    const nextChunk = row + 1 < runs.count ? view.getUint32(at + 12) : places.count + 1;
    const perChunk = view.getUint32(at + 4);
    const described = Math.min(255, Math.max(0, view.getUint32(at + 8) - 1));
    for (let chunk = Math.max(1, firstChunk); chunk < nextChunk && chunk <= places.count && i < count; chunk++) {
      const placeAt = places.at + (long ? 8 : 4) * (chunk - 1);
      let place = long ? getU64(view, placeAt) : view.getUint32(placeAt);
      for (let n = 0; n < perChunk && i < count; n++, i++) {
        offset[i] = place;
        description[i] = described;
        place += size[i] ?? 0;
      }
    }
  }
  return i;
}
