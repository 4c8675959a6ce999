/** The object: makes pictures at their times while somebody wants them, and tells breaks of the clock as gaps. */
import type { Attempt } from '#core/define';
import type { GapReason } from '#media/gap';
import type { Run, VideoTrack } from '#media/track';
import { LiveSource } from '#source/live-source';
import { PictureGrid } from './grid.ts';
import type { TestSourceContext, TestSourceContract } from './index.ts';
import { PictureMaker } from './picture-maker.ts';
import { sampleRate, samplesPerFrame, toneFrame, toneTrack } from './tone.ts';

const timescale = 90_000;
/** By how much the wall clock must have left the monotonic one before a break is called its doing. */
const clockStepMs = 500;

/** Makes pictures while they are wanted, each when its moment of UTC comes. */
export class TestSource implements TestSourceContract {
  readonly provides: LiveSource['provides'];
  readonly published: LiveSource['published'];
  readonly #context: TestSourceContext;
  readonly #live: LiveSource;
  readonly #maker: PictureMaker;
  readonly #video: VideoTrack;
  readonly #hasTone: boolean;
  readonly #framerate: number;
  #run: Run = { id: 0, tracks: [] };
  /** Slot of the run's first picture, and its moment. */
  #firstSlot = 0;
  #beginMs = 0;
  /** Audio frames of this run so far. */
  #frames = 0;
  /** Pictures since birth; it never starts again, so that what follows a break is known to follow it. */
  #number = 0;
  #lastWallMs = 0;

  constructor(context: TestSourceContext) {
    const { size, framerate, gop, bitrate, text, audio } = context.config;
    const [width, height] = size;
    this.#context = context;
    this.#live = new LiveSource(context, context.config);
    this.provides = this.#live.provides;
    this.published = this.#live.published;
    this.#framerate = framerate;
    this.#hasTone = audio !== false;
    this.#maker = new PictureMaker({
      width,
      height,
      framerate,
      gop: Math.max(1, Math.round(gop * framerate)),
      bitrate,
      text: text ?? context.name,
      // Cameras of a test are told apart in the SEI by the digits their names end with.
      camera: Number(/\d{1,5}$/.exec(context.name)?.[0] ?? 0),
    });
    const { parameterSets } = this.#maker;
    const profile = Array.from(parameterSets[0]?.subarray(1, 4) ?? [], byte => byte.toString(16).padStart(2, '0'));
    this.#video = Object.freeze({
      kind: 'video',
      codec: 'h264',
      timescale,
      width,
      height,
      parameterSets,
      codecText: `avc1.${profile.join('')}`,
      framerate,
    });
  }

  start(): void {
    this.#context.persist('pictures', attempt => this.#attempt(attempt));
  }

  async #attempt({ signal, healthy }: Attempt): Promise<void> {
    while (!signal.aborted) {
      if (!this.#live.demanded) this.#context.report('idle');
      await this.#live.whenDemanded(signal);
      if (signal.aborted) return;
      healthy();
      await this.#flow(signal);
    }
  }

  /** Pictures until nobody wants them. */
  async #flow(signal: AbortSignal): Promise<void> {
    const { clock } = this.#context.world;
    const grid = new PictureGrid(this.#framerate, clock.wallMs());
    let aheadMs = clock.wallMs() - clock.monotonicMs();
    let fresh = true;
    for (;;) {
      await clock.sleep(grid.waitMs(clock.wallMs()), signal);
      if (signal.aborted || !this.#live.demanded) return;
      const nowMs = clock.wallMs();
      const { slot, wallMs, broken } = grid.take(nowMs);
      if (broken) {
        const steppedMs = nowMs - clock.monotonicMs() - aheadMs;
        this.#break(Math.abs(steppedMs) > clockStepMs ? 'clock-step' : 'overload');
      }
      aheadMs = nowMs - clock.monotonicMs();
      if (fresh || broken) this.#begin(slot, wallMs);
      fresh = false;
      this.#picture(slot, wallMs);
      if (this.#hasTone) this.#sound(wallMs);
    }
  }

  #break(reason: GapReason): void {
    this.#context.log.warn('pictures-left-out', { reason });
    this.#live.gap({ reason, atMs: this.#lastWallMs + 1000 / this.#framerate });
  }

  #begin(slot: number, wallMs: number): void {
    const tracks = this.#hasTone ? [this.#video, toneTrack] : [this.#video];
    this.#run = Object.freeze({ id: this.#run.id + 1, tracks: Object.freeze(tracks) });
    this.#firstSlot = slot;
    this.#beginMs = wallMs;
    this.#frames = 0;
    this.#maker.restart();
  }

  #picture(slot: number, wallMs: number): void {
    const { data, keyframe } = this.#maker.next(wallMs, this.#number++);
    const pts = Math.round(((slot - this.#firstSlot) * timescale) / this.#framerate);
    this.#lastWallMs = wallMs;
    this.#live.unit({ run: this.#run, track: 0, pts, dts: pts, wallMs, keyframe, data, lost: 0 });
  }

  /** Every frame that has begun by the picture's time. */
  #sound(wallMs: number): void {
    const frameMs = (samplesPerFrame * 1000) / sampleRate;
    for (let at = this.#beginMs + this.#frames * frameMs; at <= wallMs; at += frameMs) {
      const pts = this.#frames++ * samplesPerFrame;
      const data = toneFrame(at);
      this.#live.unit({ run: this.#run, track: 1, pts, dts: pts, wallMs: at, keyframe: true, data, lost: 0 });
    }
  }
}
