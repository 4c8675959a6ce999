/** Fragments as a segment of MPEG-TS: the samples of all of them, in the order of their decoding times. */
import type { Run } from '#media/track';
import type { Fragment } from '#mp4/fragment';
import { parseFragmentHeader } from '#mp4/fragment-parser';
import { type Counters, Muxer, type MuxUnit } from '#mpegts/muxer';

/** Bytes of the segment, and the counters of the one that follows it. */
export function writeTsSegment(
  run: Run,
  fragments: readonly Fragment[],
  counters: Counters,
  version: number,
): { readonly pieces: readonly Uint8Array[]; readonly counters: Counters } {
  const muxer = new Muxer(run, counters, { version });
  const pieces: Uint8Array[] = [];
  for (const fragment of fragments) for (const unit of unitsOf(run, fragment)) pieces.push(muxer.push(unit));
  pieces.push(muxer.flush());
  const { pat, pmt, video, audio } = muxer.counts;
  return { pieces, counters: { pat: pat % 16, pmt: pmt % 16, video: video % 16, audio: audio % 16 } };
}

function unitsOf(run: Run, { header, chunks }: Fragment): MuxUnit[] {
  const info = parseFragmentHeader(header, 0);
  const units: (MuxUnit & { readonly at: number })[] = [];
  let chunk = 0;
  for (const { trackId, baseDts = 0, count, samples } of info && 'tracks' in info ? info.tracks : []) {
    // track_ID is one more than the index; data lie in the order of the tracks.
    const track = trackId - 1;
    const timescale = run.tracks[track]?.timescale ?? 1;
    let dts = baseDts;
    for (let i = 0; i < count; i++) {
      const data = chunks[chunk++] ?? new Uint8Array(0);
      const pts = dts + (samples.compositionOffset[i] ?? 0);
      const keyframe = samples.keyframe[i] === 1;
      units.push({ track, pts, dts, keyframe, data, at: dts / timescale });
      dts += samples.duration[i] ?? 0;
    }
  }
  return units.sort((a, b) => a.at - b.at);
}
