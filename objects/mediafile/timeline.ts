/**
 * In which order and when the samples of a file are played, loop after loop: pure. Times are
 * seconds of playing since the beginning; the first video key frame is at 0, what lies before it is left
 * out in every loop alike. A loop lasts as long as its longest track, so sound and picture
 * stay together for ever.
 */
import type { FileTrack, Mp4File } from '#mp4/file';

export interface Step {
  /** Index into the tracks given. */
  readonly track: number;
  readonly sample: number;
  /** Loops before this one. */
  readonly loop: number;
  /** Decoding and presentation time. */
  readonly dtsSeconds: number;
  readonly ptsSeconds: number;
}

export class Timeline {
  /** Of one loop. */
  readonly loopSeconds: number;
  readonly #tracks: readonly FileTrack[];
  readonly #first: readonly number[];
  readonly #rate: number;
  readonly #originSeconds: number;
  #next: number[];
  #loop = 0;

  /** `rate` divides all times: 2 plays in half the time. */
  constructor(tracks: Mp4File['tracks'], rate: number) {
    this.#tracks = tracks;
    this.#rate = rate;
    const lead = tracks[0];
    const leadFirst = lead ? Math.max(0, lead.samples.keyframe.indexOf(1)) : 0;
    const originSeconds = lead ? seconds(lead, lead.samples.dts[leadFirst] ?? 0) : 0;
    this.#originSeconds = originSeconds;
    this.#first = tracks.map((t, i) => (i === 0 ? leadFirst : firstAt(t, originSeconds)));
    const ends = tracks.map(t => seconds(t, t.samples.endDts) - originSeconds);
    // A file whose samples all last 0 would loop without end in no time.
    this.loopSeconds = Math.max(0.04, ...ends) / rate;
    this.#next = [...this.#first];
  }

  /** The next sample, over the end of the loop into the next one if `loop`; undefined at the end. */
  next(loop: boolean): Step | undefined {
    const found = this.#earliest();
    if (found !== undefined) return this.#step(found);
    if (!loop || this.#first.every((f, i) => f >= (this.#tracks[i]?.samples.count ?? 0))) return undefined;
    this.#loop++;
    this.#next = [...this.#first];
    return this.#step(this.#earliest() ?? 0);
  }

  #earliest(): number | undefined {
    let best: number | undefined;
    let bestSeconds = Number.POSITIVE_INFINITY;
    this.#tracks.forEach((track, i) => {
      const sample = this.#next[i] ?? 0;
      if (sample >= track.samples.count) return;
      const at = seconds(track, track.samples.dts[sample] ?? 0);
      if (at < bestSeconds) [best, bestSeconds] = [i, at];
    });
    return best;
  }

  #step(index: number): Step {
    const track = this.#tracks[index] as FileTrack;
    const sample = this.#next[index] ?? 0;
    this.#next[index] = sample + 1;
    const dts = track.samples.dts[sample] ?? 0;
    const base = this.#loop * this.loopSeconds;
    const dtsSeconds = base + (seconds(track, dts) - this.#originSeconds) / this.#rate;
    const offset = (track.samples.compositionOffset[sample] ?? 0) / track.timescale / this.#rate;
    return { track: index, sample, loop: this.#loop, dtsSeconds, ptsSeconds: dtsSeconds + offset };
  }
}

const seconds = (track: FileTrack, dts: number): number => (dts + track.shift) / track.timescale;

function firstAt(track: FileTrack, fromSeconds: number): number {
  const { count, dts } = track.samples;
  let i = 0;
  while (i < count && seconds(track, dts[i] ?? 0) < fromSeconds) i++;
  return i;
}
