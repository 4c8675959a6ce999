/**
 * Samples of one track on their way into a fragment, as parallel columns that are reused for
 * every fragment, and the unit that waits for its duration.
 */
import type { AccessUnit } from '#media/access-unit';
import type { Track } from '#media/track';

/** More ticks than this between two units are a jump of time, not the duration of a sample. */
const longestDuration = 0x7fffffff;

export class SampleColumns {
  readonly track: Track;
  /** Of the track in its run. */
  readonly index: number;
  count = 0;
  /** Decoding time of the first sample, in the run's time. */
  base = 0;
  /** Wall clock of the first sample. */
  wallMs = 0;
  /** Of sample data. */
  bytes = 0;
  /** Sum of `durations`. */
  duration = 0;
  durations = new Uint32Array(64);
  offsets = new Int32Array(64);
  keyframes = new Uint8Array(64);
  chunks: Uint8Array[] = [];
  waiting: AccessUnit | undefined = undefined;
  /** Of the last sample; the guess for a unit without a successor. */
  lastDuration: number;
  /** Decoding time of the waiting unit as it will be written; without one, where the last sample ended. */
  #nextDts = Number.NEGATIVE_INFINITY;

  constructor(track: Track, index: number) {
    this.track = track;
    this.index = index;
    const typical = track.kind === 'audio' ? track.samplesPerUnit : track.timescale / (track.framerate || 25);
    this.lastDuration = Math.max(1, Math.round(typical) || 1024);
  }

  /**
   * `unit` waits in place of the one before it, which becomes a sample. True when time has
   * jumped in between: the two cannot be in one fragment.
   */
  push(unit: AccessUnit): boolean {
    let jumped = false;
    if (this.waiting) {
      // Counted from the time as written, not from the unit before: what clamping added is taken back later.
      const step = unit.dts - this.#nextDts;
      jumped = step > longestDuration;
      this.settle(jumped ? this.lastDuration : step < 1 ? 1 : step);
    } else jumped = this.count > 0;
    if (this.count === 0 || jumped) this.#nextDts = Math.max(this.#nextDts, unit.dts);
    this.waiting = unit;
    return jumped;
  }

  /** The waiting unit becomes a sample of this duration. */
  settle(duration: number): void {
    const unit = this.waiting;
    if (!unit) return;
    const i = this.count;
    if (i === this.durations.length) this.#grow();
    if (i === 0) {
      this.base = this.#nextDts;
      this.wallMs = unit.wallMs;
    }
    this.durations[i] = duration;
    this.offsets[i] = unit.pts - this.#nextDts;
    this.keyframes[i] = unit.keyframe ? 1 : 0;
    this.chunks.push(unit.data);
    this.count = i + 1;
    this.bytes += unit.data.length;
    this.duration += duration;
    this.lastDuration = duration;
    this.#nextDts += duration;
    this.waiting = undefined;
  }

  /** Takes away the samples that begin before `dts`. */
  dropBefore(dts: number): void {
    const { durations, chunks } = this;
    let drop = 0;
    let ticks = 0;
    for (; drop < this.count && this.base + ticks < dts; drop++) {
      ticks += durations[drop] ?? 0;
      this.bytes -= chunks[drop]?.length ?? 0;
    }
    if (drop === 0) return;
    this.base += ticks;
    this.wallMs += (ticks * 1000) / this.track.timescale;
    this.duration -= ticks;
    this.count -= drop;
    chunks.splice(0, drop);
    durations.copyWithin(0, drop);
    this.offsets.copyWithin(0, drop);
    this.keyframes.copyWithin(0, drop);
  }

  /** The samples have gone into a fragment. */
  clear(): void {
    this.count = 0;
    this.bytes = 0;
    this.duration = 0;
    this.chunks = [];
  }

  #grow(): void {
    const length = 2 * this.durations.length;
    const durations = new Uint32Array(length);
    const offsets = new Int32Array(length);
    const keyframes = new Uint8Array(length);
    durations.set(this.durations);
    offsets.set(this.offsets);
    keyframes.set(this.keyframes);
    this.durations = durations;
    this.offsets = offsets;
    this.keyframes = keyframes;
  }
}
