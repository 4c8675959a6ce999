/** A fragment of the archive read back to access units, in the times of its run. */
import { Fault } from '#core/errors';
import type { AccessUnit } from '#media/access-unit';
import { type FragmentInfo, parseFragmentHeader } from '#mp4/fragment-parser';
import type { Init } from '#mp4/scan';
import type { FragmentRecord } from '../format/record.ts';
import type { FileRow } from '../index/rows.ts';
import type { MediaReader } from './media-reader.ts';

/** One fragment of a file of the archive. */
export interface Source {
  readonly file: FileRow;
  readonly init: Init;
  readonly record: FragmentRecord;
}

/** Where a sample lies and when: an access unit without its bytes. Offsets count from the fragment's first byte. */
export interface SampleShape extends Pick<AccessUnit, 'track' | 'pts' | 'dts' | 'wallMs' | 'keyframe'> {
  readonly offset: number;
  readonly data: { readonly length: number };
}

export type SampleUnit = Omit<AccessUnit, 'run' | 'lost'>;

/** A fragment that is held whole has at most so many bytes: those of the recorder are below by far. */
export const largestFragment = 64 * 1024 * 1024;

/** The header of a fragment. Fault `index-mismatch` where there is none. */
export async function headerOf(reader: MediaReader, { file, record }: Source): Promise<FragmentInfo> {
  return parsed(await reader.read(file, record.offset, record.headerBytes), { file, record });
}

function parsed(bytes: Uint8Array, { file, record }: Pick<Source, 'file' | 'record'>): FragmentInfo {
  const info = parseFragmentHeader(bytes, 0);
  if (!info || 'need' in info)
    throw new Fault('storage', 'index-mismatch', `expected a fragment at ${record.offset} of ${file.name}`);
  return info;
}

/** Presentation time of the sample whose wall clock is the fragment's: seconds of the file. */
export function leadOf({ init }: Source, info: FragmentInfo): number {
  const of = (i: number) => info.tracks.find(t => t.trackId === init.trackIds[i] && t.count > 0);
  const video = init.tracks.findIndex((t, i) => t.kind === 'video' && of(i));
  const i = video >= 0 ? video : init.tracks.findIndex((_, j) => of(j));
  const t = of(i);
  return ((t?.baseDts ?? 0) + (t?.samples.compositionOffset[0] ?? 0)) / (init.tracks[i]?.timescale ?? 1);
}

/**
 * The samples of a fragment in the order of their decoding times, tracks interleaved, video first where times are
 * equal; of each track at most as many as `counts` says.
 */
export function shapesOf(source: Source, info: FragmentInfo, counts?: readonly number[]): SampleShape[] {
  const { file, init, record } = source;
  const lead = leadOf(source, info);
  const shapes: (SampleShape & { readonly at: number })[] = [];
  init.tracks.forEach(({ kind, timescale }, track) => {
    const t = info.tracks.find(s => s.trackId === init.trackIds[track]);
    if (!t) return;
    const { offset, size, duration, compositionOffset, keyframe } = t.samples;
    const origin = file.origins[track] ?? 0;
    let dts = t.baseDts ?? 0;
    const count = Math.min(t.count, counts?.[track] ?? t.count);
    for (let i = 0; i < count; i++) {
      const pts = dts + (compositionOffset[i] ?? 0);
      shapes.push({
        track,
        pts: origin + pts,
        dts: origin + dts,
        wallMs: record.beginMs + (pts / timescale - lead) * 1000,
        keyframe: kind === 'audio' || keyframe[i] === 1,
        offset: offset[i] ?? 0,
        data: { length: size[i] ?? 0 },
        at: (origin + dts) / timescale,
      });
      dts += duration[i] ?? 0;
    }
  });
  const rank = ({ track }: SampleShape): number => (init.tracks[track]?.kind === 'video' ? 0 : 1);
  return shapes.sort((a, b) => a.at - b.at || rank(a) - rank(b));
}

/** The units of a fragment, ordered as `shapesOf` does. Their data are views of one buffer that nobody else has. */
export async function readUnits(
  reader: MediaReader,
  source: Source,
  counts?: readonly number[],
): Promise<SampleUnit[]> {
  const { file, record } = source;
  if (record.bytes > largestFragment)
    throw new Fault('argument', 'too-large', `expected fragments of at most ${largestFragment} bytes in ${file.name}`);
  const bytes = await reader.read(file, record.offset, record.bytes);
  return shapesOf(source, parsed(bytes, source), counts).map(s => unitOf(s, bytes, 0));
}

/** The sample with its bytes, of which `bytes` begin at `from` of the fragment. */
const unitOf = ({ track, pts, dts, wallMs, keyframe, offset, data }: SampleShape, bytes: Uint8Array, from: number) => ({
  track,
  pts,
  dts,
  wallMs,
  keyframe,
  data: bytes.subarray(offset - from, offset - from + data.length),
});

/** One sample alone. */
export async function readUnit(reader: MediaReader, { file, record }: Source, shape: SampleShape): Promise<SampleUnit> {
  return unitOf(shape, await reader.read(file, record.offset + shape.offset, shape.data.length), shape.offset);
}
