/**
 * Plays a tape as access units in real time. Times and runs:
 *
 *   - pts and dts grow over loops within one run; other tracks begin a new run, as
 *     new parameter sets from a camera would;
 *   - `wallMs` is the clock's at the beginning of each loop, approached by at most 5 ms per loop while
 *     the two differ by less than a second, and never goes back;
 *   - when playing falls 2 s behind (the machine slept), it goes on from there without a rush.
 */
import type { Clock } from '#core/world';
import type { AccessUnit } from '#media/access-unit';
import { type Run, sameTrack, type Track } from '#media/track';
import type { Tape, TapeSample } from './tape.ts';

export interface PlayerOptions {
  readonly loop: boolean;
  /** 0: as fast as possible. */
  readonly speed: number;
  /** Of the first run; grows from there. */
  readonly firstRunId: number;
}

export interface PlayerTaker {
  unit(unit: AccessUnit): void;
  /** A line of subtitles is to be shown now. */
  text(text: string): void;
}

const lateMs = 2000;
const wallStepMs = 1000;
const wallSlewMs = 5;

export class Player {
  readonly #clock: Clock;
  readonly #tape: Tape;
  readonly #options: PlayerOptions;
  /** Of real time; as fast as possible counts as 1. */
  readonly #rate: number;
  /** Monotonic time at which second 0 is due, and the wall clock of the loop's beginning. */
  #zeroMs: number;
  #loops = 0;
  /** Seconds of playing before this loop, and how long the last one was. */
  #loopSeconds = 0;
  #lastSeconds = 0;
  #loopWallMs = 0;
  #run: Run | undefined;
  /** The tape's, for which the run was made. */
  #tracks: readonly Track[] = [];
  #runZeroSeconds = 0;
  #awaitsKeyframe = false;
  #nextRunId: number;

  constructor(tape: Tape, clock: Clock, options: PlayerOptions) {
    this.#tape = tape;
    this.#clock = clock;
    this.#options = options;
    this.#rate = options.speed === 0 ? 1 : options.speed;
    this.#zeroMs = clock.monotonicMs();
    this.#nextRunId = options.firstRunId;
  }

  /** For the next player of the same source. */
  get nextRunId(): number {
    return this.#nextRunId;
  }

  /** Plays until the tape ends or the signal fires. Rejects when the file cannot be read. */
  async play(taker: PlayerTaker, signal: AbortSignal): Promise<void> {
    for (let items = 0; !signal.aborted; ) {
      const next = this.#tape.next();
      // Awaiting what is there already would cost a turn per unit.
      const item = next instanceof Promise ? await next : next;
      if (signal.aborted) return;
      if (item === undefined) {
        if (!this.#options.loop || items === 0) return;
        items = 0;
        this.#lastSeconds = this.#tape.seconds / this.#rate;
        this.#loopSeconds += this.#lastSeconds;
        this.#tape.rewind();
        continue;
      }
      const seconds = this.#loopSeconds + item.dtsSeconds / this.#rate;
      if (this.#options.speed > 0) await this.#wait(seconds, signal);
      if (items++ === 0) await this.#beginLoop(signal);
      if (signal.aborted) return;
      if ('text' in item) taker.text(item.text);
      else {
        const unit = this.#unit(item, seconds);
        if (unit) taker.unit(unit);
      }
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

  async #beginLoop(signal: AbortSignal): Promise<void> {
    const wallMs = this.#clock.wallMs();
    const expectedMs = this.#loopWallMs + this.#lastSeconds * 1000;
    const difference = wallMs - expectedMs;
    if (this.#loops++ === 0 || difference > wallStepMs) this.#loopWallMs = wallMs;
    else this.#loopWallMs = expectedMs + Math.max(-wallSlewMs, Math.min(wallSlewMs, difference));
    // As fast as possible, but others get their turn.
    if (this.#options.speed === 0) await this.#clock.sleep(0, signal);
  }

  /** `seconds`: when it is decoded, of all playing. */
  #unit(sample: TapeSample, seconds: number): AccessUnit | undefined {
    const run = this.#runOf(sample, seconds);
    const track = run.tracks[sample.track];
    if (track === undefined) return undefined;
    const { keyframe, data } = sample;
    if (track.kind === 'video') {
      if (this.#awaitsKeyframe && !keyframe) return undefined;
      this.#awaitsKeyframe = false;
    }
    const shown = sample.ptsSeconds / this.#rate;
    return {
      run,
      track: sample.track,
      pts: Math.round((this.#loopSeconds + shown - this.#runZeroSeconds) * track.timescale),
      dts: Math.round((seconds - this.#runZeroSeconds) * track.timescale),
      wallMs: this.#loopWallMs + shown * 1000,
      keyframe,
      data,
      lost: 0,
    };
  }

  #runOf({ tracks }: TapeSample, seconds: number): Run {
    if (this.#run && (tracks === this.#tracks || sameTracks(tracks, this.#tracks))) return this.#run;
    this.#tracks = tracks;
    this.#run = Object.freeze({ id: this.#nextRunId++, tracks });
    this.#runZeroSeconds = seconds;
    this.#awaitsKeyframe = true;
    return this.#run;
  }
}

const sameTracks = (a: readonly Track[], b: readonly Track[]): boolean =>
  a.length === b.length && a.every((track, i) => sameTrack(track, b[i] as Track));
