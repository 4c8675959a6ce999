/**
 * What every live source has in common, whatever its media come from: the hub, statistics,
 * demand, HLS, the interface VideoSource (docs/spec/api.md 4.1, 4.2). An object that is a
 * source has one of these, feeds it with `unit` and `gap`, and offers its `provides` and
 * `published` as its own.
 *
 * Left to the object: connecting, its stall clock, `report` and `persist`.
 */
import type { LiveMedia } from '#capability/live-media';
import type { Context } from '#core/define';
import { faultFrom } from '#core/errors';
import type { Implementation } from '#core/interface';
import type { Static } from '#core/schema';
import { isoTime } from '#core/time';
import type { Timer } from '#core/world';
import { Hub } from '#hub/hub';
import type { NetworkDetails, SourceDetails, VideoSource } from '#interface/video-source';
import type { AccessUnit } from '#media/access-unit';
import type { Gap } from '#media/gap';
import { HlsOutput } from '#source/hls-output';
import { keyframeAnswer } from '#source/keyframe';
import { Statistics } from '#source/statistics';

export type SourceContext = Pick<Context, 'name' | 'world' | 'scope' | 'log' | 'emit' | 'state'>;

/** Named as in the configuration (`commonSourceConfig`), so that a checked configuration can be handed over as it is. */
export interface SourceOptions {
  /** Wanted only while somebody is attached; default false: wanted always. */
  readonly dynamic?: boolean;
  /** How long a dynamic source stays wanted after the last one has left. */
  readonly linger_seconds?: number;
}

/** Kept for late comers: 4 s at 32 Mbit/s, 64 s at 2 Mbit/s. Cameras that save bits let a minute pass between keyframes. */
const gopLimitBytes = 16 << 20;
const gopLimitMs = 64_000;

export class LiveSource {
  readonly provides: { readonly media: LiveMedia };
  readonly published: { readonly VideoSource: Implementation<typeof VideoSource> };
  readonly #context: SourceContext;
  readonly #dynamic: boolean;
  readonly #lingerMs: number;
  readonly #hub: Hub;
  readonly #statistics = new Statistics();
  readonly #hls: HlsOutput;
  readonly #listeners = new Set<(demanded: boolean, watched: boolean) => void>();
  #demanded: boolean;
  #watched = false;
  #linger: Timer | undefined;
  #format: { codec: string; width: number; height: number } | undefined;
  readonly #network: (() => NetworkDetails) | undefined;
  #closed = false;

  /** Closed with the context's scope. `network`: how media come, of a source that is one of the network. */
  constructor(context: SourceContext, options: SourceOptions = {}, network?: () => NetworkDetails) {
    this.#context = context;
    this.#network = network;
    this.#dynamic = options.dynamic ?? false;
    this.#lingerMs = (options.linger_seconds ?? 10) * 1000;
    this.#demanded = !this.#dynamic;
    this.#hub = new Hub({
      gopLimitBytes,
      gopLimitMs,
      onBug: (error, who) => this.#sinkFailed(error, who),
      onSinks: () => this.#weighDemand(),
    });
    const media: LiveMedia = {
      attach: (sink, how) => (this.#closed ? { close: () => {} } : this.#hub.attach(sink, how)),
      run: () => this.#hub.run,
    };
    this.#hls = new HlsOutput(media, context.world.clock);
    this.provides = { media };
    this.published = {
      VideoSource: {
        details: () => this.details(),
        playlist: ({ container }, call) => this.#hls.playlist(container, call.server?.['hls']),
        hls: ({ path }) => this.#hls.file(path),
        keyframe: () => keyframeAnswer(this.#hub.keyframe, media, context.world.clock),
      },
    };
    context.scope.own('live source', this, s => s.close());
  }

  /** The next unit of the stream, in decoding order per track; read only from here on. A new run begins with a keyframe. */
  unit(unit: AccessUnit): void {
    if (this.#closed) return;
    if (this.#statistics.unit(unit, this.#context.world.clock.monotonicMs())) this.#tellFormat();
    this.#hub.publish(unit);
  }

  /** Media has stopped, and why. May be said again at every failed attempt: readers hear it once per reason. */
  gap(gap: Gap): void {
    if (!this.#closed) this.#hub.gap(gap);
  }

  /** Somebody wants media, or has until `linger_seconds` ago; always true unless the source is dynamic. */
  get demanded(): boolean {
    return this.#demanded;
  }

  /** A viewer is attached: delay matters now. A recording alone does not mind a source that is read in batches. */
  get watched(): boolean {
    return this.#watched;
  }

  /** Called when `demanded` or `watched` changes, not with what they are now. */
  onDemand(listener: (demanded: boolean, watched: boolean) => void): { close(): void } {
    this.#listeners.add(listener);
    return { close: () => void this.#listeners.delete(listener) };
  }

  /** Resolves when the source is wanted, at once if it is; also when the signal fires. */
  whenDemanded(signal: AbortSignal): Promise<void> {
    if (this.#demanded || signal.aborted) return Promise.resolve();
    return new Promise(done => {
      const finish = (): void => {
        listening.close();
        signal.removeEventListener('abort', finish);
        done();
      };
      const listening = this.onDemand(demanded => {
        if (demanded) finish();
      });
      signal.addEventListener('abort', finish);
    });
  }

  /** Who is attached now, in words. */
  consumers(): readonly string[] {
    return this.#hub.who();
  }

  details(): Static<typeof SourceDetails> {
    const nowMs = this.#context.world.clock.monotonicMs();
    const { video, audio, lastFrameMs } = this.#statistics;
    return {
      resolution: video ? [video.width, video.height] : [0, 0],
      bitrate: this.#statistics.bitrate(nowMs),
      framerate: this.#statistics.framerate(nowMs),
      last_frame: isoTime(lastFrameMs),
      state: this.#context.state(),
      codec: video?.codecText ?? null,
      audio: audio ? { codec: audio.codec, rate: audio.sampleRate, channels: audio.channels } : null,
      consumers: this.#hub.size,
      totals: { video: { ...this.#statistics.totals.video }, audio: { ...this.#statistics.totals.audio } },
      network: this.#network?.() ?? null,
    };
  }

  /** Detaches everybody; what comes after is ignored. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#hls.close();
    this.#hub.close();
    this.#linger?.cancel();
    this.#linger = undefined;
    this.#listeners.clear();
  }

  #sinkFailed(error: unknown, who: string): void {
    const fault = faultFrom(error);
    const cause = fault.cause instanceof Error ? fault.cause : fault;
    this.#context.log.error('sink-failed', { who, error: fault.message, stack: cause.stack });
  }

  #tellFormat(): void {
    const { video } = this.#statistics;
    if (!video) return;
    const before = this.#format;
    this.#format = { codec: video.codecText, width: video.width, height: video.height };
    if (!before) return;
    if (before.codec === video.codecText && before.width === video.width && before.height === video.height) return;
    this.#context.emit('StreamChanged', { codec: video.codecText, resolution: [video.width, video.height] });
  }

  #weighDemand(): void {
    if (this.#closed) return;
    const wanted = !this.#dynamic || this.#hub.size > 0;
    if (wanted) {
      this.#linger?.cancel();
      this.#linger = undefined;
    } else if (this.#demanded && !this.#linger) {
      this.#linger = this.#context.world.clock.after(this.#lingerMs, () => {
        this.#linger = undefined;
        this.#set(false, false);
      });
    }
    this.#set(wanted || this.#linger !== undefined, this.#hub.viewers > 0);
  }

  #set(demanded: boolean, watched: boolean): void {
    if (demanded === this.#demanded && watched === this.#watched) return;
    this.#demanded = demanded;
    this.#watched = watched;
    for (const listener of [...this.#listeners]) listener(demanded, watched);
  }
}
