/**
 * Plays the samples of an MP4 file as access units in real time. Times and runs:
 *
 *   - pts and dts grow over loops within one run; another sample description begins a new run, as
 *     new parameter sets from a camera would;
 *   - `wallMs` is the clock's at the beginning of each loop, approached by at most 5 ms per loop while
 *     the two differ by less than a second, and never goes back;
 *   - when playing falls 2 s behind (the machine slept), it goes on from there without a rush.
 */
import { Fault } from '#core/errors';
import type { Clock } from '#core/world';
import type { AccessUnit } from '#media/access-unit';
import type { Run, Track } from '#media/track';
import { type FileTrack, houseTrack, type Mp4File, unitData } from '#mp4/file';
import type { SampleReader } from './sample-reader.ts';
import { type Step, Timeline } from './timeline.ts';

export interface PlayerOptions {
  readonly loop: boolean;
  /** 0: as fast as possible. */
  readonly speed: number;
  readonly enable: readonly ('video' | 'audio')[];
  /** Of the first run; grows from there. */
  readonly firstRunId: number;
}

const lateMs = 2000;
const wallStepMs = 1000;
const wallSlewMs = 5;

export class Player {
  readonly #clock: Clock;
  readonly #reader: SampleReader;
  readonly #options: PlayerOptions;
  readonly #tracks: readonly FileTrack[];
  readonly #timeline: Timeline;
  /** Monotonic time at which second 0 is due, and the wall clock of the loop's beginning. */
  #zeroMs: number;
  #loop = -1;
  #loopWallMs = 0;
  #run: Run | undefined;
  #runZeroSeconds = 0;
  /** Sample description of each track in the run. */
  #descriptions: number[] = [];
  #awaitsKeyframe = false;
  #nextRunId: number;

  /** Throws Fault `config` when the file has none of the media wanted. */
  constructor(file: Mp4File, reader: SampleReader, clock: Clock, options: PlayerOptions) {
    this.#clock = clock;
    this.#reader = reader;
    this.#options = options;
    const { speed } = options;
    // Sound of another speed would have to be made anew: units of 1024 samples cannot last longer or shorter.
    const wanted = options.enable.filter(kind => kind === 'video' || speed === 1 || speed === 0);
    this.#tracks = ['video' as const, 'audio' as const].flatMap(kind => {
      const found = wanted.includes(kind) && file.tracks.find(t => t.entries[0]?.track.kind === kind);
      return found ? [found] : [];
    });
    if (this.#tracks.length === 0)
      throw new Fault('config', 'no-media', `expected ${wanted.join(' or ') || 'media'} in the file, got none`);
    const [lead] = this.#tracks;
    const bare = lead?.entries.find(e => e && e.lengthBytes > 0 && e.track.kind === 'video' && !hasSets(e.track));
    if (bare)
      throw new Fault(
        'unsupported',
        'in-band-parameter-sets',
        'expected parameter sets in the sample description, got none',
      );
    this.#timeline = new Timeline(this.#tracks, speed === 0 ? 1 : speed);
    this.#zeroMs = clock.monotonicMs();
    this.#nextRunId = options.firstRunId;
  }

  /** For the next player of the same source. */
  get nextRunId(): number {
    return this.#nextRunId;
  }

  /** Gives units to `take` until the file ends or the signal fires. Rejects when the file cannot be read. */
  async play(take: (unit: AccessUnit) => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const step = this.#timeline.next(this.#options.loop);
      if (!step) return;
      if (this.#options.speed > 0) await this.#wait(step.dtsSeconds, signal);
      if (step.loop !== this.#loop) await this.#beginLoop(step.loop, signal);
      const samples = this.#tracks[step.track]?.samples;
      const data = this.#reader.read(samples?.offset[step.sample] ?? 0, samples?.size[step.sample] ?? 0);
      // Awaiting what is there already would cost a turn per unit.
      const sample = data instanceof Uint8Array ? data : await data;
      if (signal.aborted) return;
      const unit = this.#unit(step, sample);
      if (unit) take(unit);
    }
  }

  /** Returns when `seconds` of playing is due. */
  async #wait(seconds: number, signal: AbortSignal): Promise<void> {
    const aheadMs = this.#zeroMs + seconds * 1000 - this.#clock.monotonicMs();
    if (aheadMs < -lateMs) {
      this.#zeroMs -= aheadMs;
      this.#loopWallMs -= aheadMs;
    } else if (aheadMs >= 1) await this.#clock.sleep(aheadMs, signal);
  }

  async #beginLoop(loop: number, signal: AbortSignal): Promise<void> {
    const wallMs = this.#clock.wallMs();
    const expectedMs = this.#loopWallMs + this.#timeline.loopSeconds * 1000;
    const difference = wallMs - expectedMs;
    if (this.#loop < 0 || difference > wallStepMs) this.#loopWallMs = wallMs;
    else this.#loopWallMs = expectedMs + Math.max(-wallSlewMs, Math.min(wallSlewMs, difference));
    this.#loop = loop;
    // As fast as possible, but others get their turn.
    if (this.#options.speed === 0) await this.#clock.sleep(0, signal);
  }

  #unit(step: Step, sample: Uint8Array): AccessUnit | undefined {
    const file = this.#tracks[step.track];
    if (!file) return undefined;
    const description = file.samples.description[step.sample] ?? 0;
    const entry = file.entries[description];
    const data = entry && unitData(sample, entry);
    if (!data || data.length === 0) return undefined;
    if (!this.#run || this.#descriptions[step.track] !== description) this.#beginRun(step, description);
    const run = this.#run as Run;
    const track = run.tracks[step.track] as Track;
    const keyframe = track.kind === 'audio' || file.samples.keyframe[step.sample] === 1;
    if (track.kind === 'video') {
      if (this.#awaitsKeyframe && !keyframe) return undefined;
      this.#awaitsKeyframe = false;
    }
    const loopSeconds = step.loop * this.#timeline.loopSeconds;
    return {
      run,
      track: step.track,
      pts: Math.round((step.ptsSeconds - this.#runZeroSeconds) * track.timescale),
      dts: Math.round((step.dtsSeconds - this.#runZeroSeconds) * track.timescale),
      wallMs: this.#loopWallMs + (step.ptsSeconds - loopSeconds) * 1000,
      keyframe,
      data,
      lost: 0,
    };
  }

  #beginRun(step: Step, description: number): void {
    if (!this.#run) this.#descriptions = this.#tracks.map(t => t.samples.description[0] ?? 0);
    this.#descriptions[step.track] = description;
    const tracks = this.#tracks.flatMap((t, i) => {
      const entry = t.entries[this.#descriptions[i] ?? 0] ?? t.entries[0];
      return entry ? [Object.freeze(houseTrack(entry.track))] : [];
    });
    this.#run = Object.freeze({ id: this.#nextRunId++, tracks: Object.freeze(tracks) });
    this.#runZeroSeconds = step.dtsSeconds;
    this.#awaitsKeyframe = true;
  }
}

const hasSets = (track: Track): boolean => track.kind === 'audio' || track.parameterSets.length > 0;
