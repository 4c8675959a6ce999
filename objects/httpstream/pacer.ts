/**
 * Units that came in a rush, given on in the time that their media take: a playhead walks with the clock through what is
 * queued. When nothing is queued it waits there, so a hiccup costs delay and no media; delay beyond `catchUpMs` is
 * worked off by walking 5 % faster. Runs follow each other without a hole. Wall times are made here: when a unit is given on, smoothed, or
 * by what the playlist says.
 *
 * Bounds: who feeds it waits for `room`, which there is up to 24 MiB or `roomMs`.
 */
import type { Clock, Timer } from '#core/world';
import type { AccessUnit } from '#media/access-unit';
import type { Run } from '#media/track';
import { WallAnchor } from '#media/wall-anchor';

const roomBytes = 24 << 20;
const catchUpRate = 1.05;
/** Timers are not made finer. */
const stepMs = 5;
const videoStepMs = 40;

interface Queued {
  readonly unit: AccessUnit;
  /** On the playhead's way. */
  readonly atMs: number;
  /** Wall clock minus media time, as the playlist says; NaN: it does not. */
  readonly saidMs: number;
}

export class Pacer {
  readonly #clock: Clock;
  readonly #take: (unit: AccessUnit) => void;
  /** Media ahead of the playhead beyond which the feeder waits, and beyond which it is caught up with. */
  roomMs: number;
  catchUpMs = Number.POSITIVE_INFINITY;
  /** One per kind: what is multiplexed late does not hold up the other. */
  readonly #queues: { readonly video: Queued[]; readonly audio: Queued[] } = { video: [], audio: [] };
  #bytes = 0;
  #headMs = 0;
  #headAtMs = 0;
  /** Where the last unit put in is on the way, at the furthest. */
  #endMs = 0;
  #begun = false;
  #run: Run | undefined;
  /** Where media time 0 of the run is on the way. */
  #runBaseMs = 0;
  #said = Number.NaN;
  #wallRun: Run | undefined;
  #anchor = new WallAnchor();
  #timer: Timer | undefined;
  #waiting: (() => void)[] = [];

  constructor(clock: Clock, roomMs: number, take: (unit: AccessUnit) => void) {
    this.#clock = clock;
    this.#take = take;
    this.roomMs = roomMs;
  }

  /** Media queued, ahead of the playhead. */
  get aheadMs(): number {
    return this.#begun ? this.#endMs - this.#head() : 0;
  }

  get queuedBytes(): number {
    return this.#bytes;
  }

  /** `saidMs`: the wall clock at which this unit is to be seen, if somebody said so; it holds on in the run. */
  push(unit: AccessUnit, saidMs = Number.NaN): void {
    const track = unit.run.tracks[unit.track];
    if (track === undefined) return;
    const dtsMs = (unit.dts * 1000) / track.timescale;
    if (unit.run !== this.#run) {
      this.#run = unit.run;
      this.#runBaseMs = (this.#begun ? this.#endMs + videoStepMs : 0) - dtsMs;
      this.#said = Number.NaN;
    }
    if (!Number.isNaN(saidMs)) this.#said = saidMs - (unit.pts * 1000) / track.timescale;
    const atMs = this.#runBaseMs + dtsMs;
    if (!this.#begun) {
      this.#begun = true;
      this.#headMs = this.#endMs = atMs;
      this.#headAtMs = this.#clock.monotonicMs();
    }
    this.#head();
    if (atMs > this.#endMs) this.#endMs = atMs;
    this.#queues[track.kind].push({ unit, atMs, saidMs: this.#said });
    this.#bytes += unit.data.length;
    if (this.#timer === undefined || this.#queues[track.kind].length === 1) this.#schedule();
  }

  /** Resolves when more may be put in; also when the signal fires. */
  room(signal: AbortSignal): Promise<void> {
    return this.#until(() => this.#bytes <= roomBytes && this.aheadMs <= this.roomMs, signal);
  }

  /** Resolves when all has been given on; also when the signal fires. */
  drained(signal: AbortSignal): Promise<void> {
    return this.#until(() => this.#isEmpty, signal);
  }

  /** The clock on the wall was set: it is looked at anew. */
  clockStep(): void {
    this.#wallRun = undefined;
  }

  /** What is queued is forgotten. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#queues.video.length = this.#queues.audio.length = 0;
    this.#bytes = 0;
    this.#wake();
  }

  get #isEmpty(): boolean {
    return this.#queues.video.length + this.#queues.audio.length === 0;
  }

  async #until(ready: () => boolean, signal: AbortSignal): Promise<void> {
    while (!ready() && !signal.aborted && !this.#isEmpty)
      await new Promise<void>(done => {
        const finish = (): void => {
          signal.removeEventListener('abort', finish);
          done();
        };
        signal.addEventListener('abort', finish);
        this.#waiting.push(finish);
      });
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const done of waiting) done();
  }

  /** Moves the playhead to now and tells where it is. It does not pass the end of what there is. */
  #head(): number {
    const nowMs = this.#clock.monotonicMs();
    const passed = nowMs - this.#headAtMs;
    const rate = this.#endMs - this.#headMs > this.catchUpMs ? catchUpRate : 1;
    this.#headAtMs = nowMs;
    this.#headMs = Math.min(this.#headMs + passed * rate, Math.max(this.#headMs, this.#endMs));
    return this.#headMs;
  }

  #schedule(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const next = Math.min(this.#queues.video[0]?.atMs ?? Infinity, this.#queues.audio[0]?.atMs ?? Infinity);
    if (next === Number.POSITIVE_INFINITY) return;
    this.#timer = this.#clock.after(Math.max(stepMs, next - this.#head()), () => this.#give());
  }

  #give(): void {
    this.#timer = undefined;
    const headMs = this.#head() + stepMs / 2;
    const { video, audio } = this.#queues;
    let [v, a] = [0, 0];
    for (;;) {
      const [nextVideo, nextAudio] = [video[v], audio[a]];
      const first = nextAudio === undefined || (nextVideo && nextVideo.atMs <= nextAudio.atMs) ? nextVideo : nextAudio;
      if (first === undefined || first.atMs > headMs) break;
      if (first === nextVideo) v++;
      else a++;
      this.#bytes -= first.unit.data.length;
      this.#take(this.#onWall(first));
    }
    video.splice(0, v);
    audio.splice(0, a);
    this.#wake();
    if (this.#timer === undefined) this.#schedule();
  }

  #onWall({ unit, saidMs }: Queued): AccessUnit {
    const track = unit.run.tracks[unit.track];
    const perMs = (track?.timescale ?? 1) / 1000;
    if (unit.run !== this.#wallRun) {
      this.#wallRun = unit.run;
      this.#anchor = new WallAnchor();
    }
    // Sound is laid on the clock of its pictures.
    const leads = unit.track === 0 || Number.isNaN(this.#anchor.offsetMs);
    // Decoding times are those that units are given on by: times of presentation go back and forth.
    const dtsMs = unit.dts / perMs;
    if (leads) this.#anchor.unit(dtsMs, Number.isNaN(saidMs) ? this.#clock.wallMs() : dtsMs + saidMs);
    return { ...unit, wallMs: unit.pts / perMs + this.#anchor.offsetMs };
  }
}
