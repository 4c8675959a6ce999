/**
 * In which order and when the samples of an MP4 file are played: pure. Times are seconds since the
 * beginning; the first video key frame is at 0, what lies before it is left out. The whole lasts as long as its
 * longest track, so sound and picture stay together over any number of repetitions.
 */
import type { FileTrack, Mp4File } from '#mp4/file';
import { shortestSeconds } from './tape.ts';

export interface Step {
  /** Index into the tracks given. */
  readonly track: number;
  readonly sample: number;
  /** Decoding and presentation time. */
  readonly dtsSeconds: number;
  readonly ptsSeconds: number;
}

export class Timeline {
  readonly seconds: number;
  readonly #tracks: readonly FileTrack[];
  readonly #first: readonly number[];
  readonly #originSeconds: number;
  #next: number[];

  constructor(tracks: Mp4File['tracks']) {
    this.#tracks = tracks;
    const lead = tracks[0];
    const leadFirst = lead ? Math.max(0, lead.samples.keyframe.indexOf(1)) : 0;
    const originSeconds = lead ? seconds(lead, lead.samples.dts[leadFirst] ?? 0) : 0;
    this.#originSeconds = originSeconds;
    this.#first = tracks.map((t, i) => (i === 0 ? leadFirst : firstAt(t, originSeconds)));
    const ends = tracks.map(t => seconds(t, t.samples.endDts) - originSeconds);
    this.seconds = Math.max(shortestSeconds, ...ends);
    this.#next = [...this.#first];
  }

  rewind(): void {
    this.#next = [...this.#first];
  }

  /** The next sample; undefined at the end. */
  next(): Step | undefined {
    let best: number | undefined;
    let bestSeconds = Number.POSITIVE_INFINITY;
    this.#tracks.forEach((track, i) => {
      const sample = this.#next[i] ?? 0;
      if (sample >= track.samples.count) return;
      const at = seconds(track, track.samples.dts[sample] ?? 0);
      if (at < bestSeconds) [best, bestSeconds] = [i, at];
    });
    return best === undefined ? undefined : this.#step(best);
  }

  #step(index: number): Step {
    const track = this.#tracks[index] as FileTrack;
    const sample = this.#next[index] ?? 0;
    this.#next[index] = sample + 1;
    const dtsSeconds = seconds(track, track.samples.dts[sample] ?? 0) - this.#originSeconds;
    const offset = (track.samples.compositionOffset[sample] ?? 0) / track.timescale;
    return { track: index, sample, dtsSeconds, ptsSeconds: dtsSeconds + offset };
  }
}

const seconds = (track: FileTrack, dts: number): number => (dts + track.shift) / track.timescale;

function firstAt(track: FileTrack, fromSeconds: number): number {
  const { count, dts } = track.samples;
  let i = 0;
  while (i < count && seconds(track, dts[i] ?? 0) < fromSeconds) i++;
  return i;
}
