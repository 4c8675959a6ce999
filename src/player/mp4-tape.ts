/** An MP4 file as a tape: its tables say where and when every sample is. */
import { Fault } from '#core/errors';
import type { Track } from '#media/track';
import { type FileTrack, houseTrack, type Mp4File, unitData } from '#mp4/file';
import type { SampleReader } from './sample-reader.ts';
import type { Tape, TapeSample, TapeWishes } from './tape.ts';
import { type Step, Timeline } from './timeline.ts';

export class Mp4Tape implements Tape {
  readonly #reader: SampleReader;
  readonly #files: readonly FileTrack[];
  readonly #timeline: Timeline;
  /** Sample description of each track now, and the tracks that they mean. */
  #descriptions: number[];
  #tracks: readonly Track[];

  /** Throws Fault `config` when the file has none of the media wanted. */
  constructor(file: Mp4File, reader: SampleReader, { enable }: Pick<TapeWishes, 'enable'>) {
    this.#reader = reader;
    this.#files = ['video' as const, 'audio' as const].flatMap(kind => {
      const found = enable.includes(kind) && file.tracks.find(t => t.entries[0]?.track.kind === kind);
      return found ? [found] : [];
    });
    if (this.#files.length === 0)
      throw new Fault('config', 'no-media', `expected ${enable.join(' or ') || 'media'} in the file, got none`);
    const [lead] = this.#files;
    const bare = lead?.entries.find(e => e && e.lengthBytes > 0 && e.track.kind === 'video' && !hasSets(e.track));
    if (bare)
      throw new Fault(
        'unsupported',
        'in-band-parameter-sets',
        'expected parameter sets in the sample description, got none',
      );
    this.#timeline = new Timeline(this.#files);
    this.#descriptions = this.#files.map(t => t.samples.description[0] ?? 0);
    this.#tracks = this.#tracksNow();
  }

  get seconds(): number {
    return this.#timeline.seconds;
  }

  rewind(): void {
    this.#timeline.rewind();
  }

  next(): TapeSample | undefined | Promise<TapeSample | undefined> {
    for (;;) {
      const step = this.#timeline.next();
      if (!step) return undefined;
      const { samples } = this.#files[step.track] as FileTrack;
      const bytes = this.#reader.read(samples.offset[step.sample] ?? 0, samples.size[step.sample] ?? 0);
      if (!(bytes instanceof Uint8Array)) return this.#later(step, bytes);
      const sample = this.#sample(step, bytes);
      if (sample) return sample;
    }
  }

  async #later(step: Step, bytes: Promise<Uint8Array>): Promise<TapeSample | undefined> {
    return this.#sample(step, await bytes) ?? this.next();
  }

  /** Undefined for one of which nothing is left. */
  #sample(step: Step, bytes: Uint8Array): TapeSample | undefined {
    const file = this.#files[step.track] as FileTrack;
    const description = file.samples.description[step.sample] ?? 0;
    const entry = file.entries[description];
    const data = entry && unitData(bytes, entry);
    if (!data || data.length === 0) return undefined;
    if (this.#descriptions[step.track] !== description) {
      this.#descriptions[step.track] = description;
      this.#tracks = this.#tracksNow();
    }
    const { track, dtsSeconds, ptsSeconds } = step;
    const keyframe = entry.track.kind === 'audio' || file.samples.keyframe[step.sample] === 1;
    return { tracks: this.#tracks, track, dtsSeconds, ptsSeconds, keyframe, data };
  }

  #tracksNow(): readonly Track[] {
    const tracks = this.#files.flatMap((t, i) => {
      const entry = t.entries[this.#descriptions[i] ?? 0] ?? t.entries[0];
      return entry ? [Object.freeze(houseTrack(entry.track))] : [];
    });
    return Object.freeze(tracks);
  }
}

const hasSets = (track: Track): boolean => track.kind === 'audio' || track.parameterSets.length > 0;
