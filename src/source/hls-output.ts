/**
 * The HLS of one source (docs/spec/api.md 4.2): a packager for each set of options that is
 * asked for, begun with the first request and given up when nobody has asked for a while.
 * The state belongs to the source, not to the viewer: all of them get the same bytes.
 */
import type { LiveMedia } from '#capability/live-media';
import type { MediaAnswer } from '#core/bytes';
import { Fault } from '#core/errors';
import type { Clock, Timer } from '#core/world';
import { Packager } from '#hls/packager';
import { Wait } from './wait.ts';

/** How long the first request of an idle source waits for media. */
const firstMediaMs = 10_000;
/** Without requests for so long the packager ends, and with it its part in the demand for the source. */
const idleMs = 30_000;

interface Options {
  readonly container: 'fmp4' | 'ts';
  readonly segmentSeconds: number;
  readonly window: number;
}

export class HlsOutput {
  readonly #media: LiveMedia;
  readonly #clock: Clock;
  readonly #running = new Map<string, Running>();
  #lastEpoch = 0;
  #nextSequence = 0;
  #nextDiscontinuity = 0;
  #closed = false;

  constructor(media: LiveMedia, clock: Clock) {
    this.#media = media;
    this.#clock = clock;
  }

  /** `server`: the `hls` options of the webserver that was asked (config.md 13.1). */
  async playlist(container: 'fmp4' | 'ts' | undefined, server: unknown): Promise<MediaAnswer> {
    const options = optionsFrom(container, server);
    if (this.#closed) throw stopped();
    const key = `${options.container} ${options.segmentSeconds} ${options.window}`;
    const running = this.#running.get(key) ?? this.#begin(key, options);
    await running.ready();
    return {
      contentType: 'application/vnd.apple.mpegurl',
      headers: { 'cache-control': 'no-cache' },
      body: running.packager.playlist(),
    };
  }

  /** What a playlist names: `EPOCH/NAME`. */
  file(path: string): MediaAnswer {
    const slash = path.indexOf('/');
    const [epoch, name] = [path.slice(0, slash), path.slice(slash + 1)];
    for (const running of this.#running.values()) {
      const file = running.epoch === epoch ? running.file(name) : undefined;
      if (file) return { contentType: file.contentType, body: file.bytes, immutable: true };
    }
    throw new Fault('absent', 'not-found', `expected a file that the playlist lists now, got hls/${path.slice(0, 80)}`);
  }

  /** Everybody who waits is told, and everybody who comes later. */
  close(): void {
    this.#closed = true;
    for (const running of this.#running.values()) running.close();
    this.#running.clear();
  }

  #begin(key: string, options: Options): Running {
    const wallMs = Math.floor(this.#clock.wallMs());
    this.#lastEpoch = Math.max(this.#lastEpoch + 1, wallMs);
    const running = new Running(this.#media, this.#clock, {
      epoch: this.#lastEpoch.toString(36),
      // Seconds since 1970 grow at least as fast as segments are made, so that numbers grow over a restart of the daemon too.
      firstSequence: Math.max(this.#nextSequence, Math.floor(wallMs / 1000)),
      firstDiscontinuity: this.#nextDiscontinuity,
      options,
      ended: () => {
        const { nextSequence, discontinuities } = running.packager;
        this.#nextSequence = Math.max(this.#nextSequence, nextSequence);
        this.#nextDiscontinuity = Math.max(this.#nextDiscontinuity, discontinuities + 1);
        this.#running.delete(key);
      },
    });
    this.#running.set(key, running);
    return running;
  }
}

/** A packager at work, those who wait for it, and the time of its last request. */
class Running {
  readonly epoch: string;
  readonly packager: Packager;
  readonly #clock: Clock;
  readonly #waits = new Set<Wait<void>>();
  readonly #attached: { close(): void };
  readonly #ended: () => void;
  #askedMs: number;
  #idle: Timer;

  constructor(
    media: LiveMedia,
    clock: Clock,
    what: {
      readonly epoch: string;
      readonly firstSequence: number;
      readonly firstDiscontinuity: number;
      readonly options: Options;
      ended(): void;
    },
  ) {
    const { epoch, firstSequence, firstDiscontinuity, options } = what;
    this.epoch = epoch;
    this.#clock = clock;
    this.#ended = what.ended;
    this.#askedMs = clock.monotonicMs();
    this.#idle = clock.after(idleMs, () => this.#checkIdle());
    const { segmentSeconds, window, container } = options;
    const onNews = () => this.#tell();
    this.packager = new Packager({
      epoch,
      segmentSeconds,
      container,
      window,
      firstSequence,
      firstDiscontinuity,
      onNews,
    });
    this.#attached = media.attach(this.packager, { who: 'hls', from: 'keyframe' });
    this.packager.showKept();
  }

  /** Resolves when there is a playlist to show; Fault when there is none in time, or never will be. */
  async ready(): Promise<void> {
    this.#askedMs = this.#clock.monotonicMs();
    const { fault, ready } = this.packager;
    if (fault) throw fault;
    if (ready) return;
    const wait = new Wait<void>(
      this.#clock,
      firstMediaMs,
      () => new Fault('overload', 'unavailable', 'expected media within 10 s, none came'),
    );
    this.#waits.add(wait);
    try {
      await wait.promise;
    } finally {
      this.#waits.delete(wait);
    }
  }

  file(name: string) {
    this.#askedMs = this.#clock.monotonicMs();
    return this.packager.file(name);
  }

  close(): void {
    this.#idle.cancel();
    this.#attached.close();
    for (const wait of [...this.#waits]) wait.fail(stopped());
  }

  #tell(): void {
    const { fault, ready } = this.packager;
    for (const wait of [...this.#waits])
      if (fault) wait.fail(fault);
      else if (ready) wait.done();
  }

  #checkIdle(): void {
    const leftMs = this.#askedMs + idleMs - this.#clock.monotonicMs();
    if (leftMs > 0) {
      this.#idle = this.#clock.after(leftMs, () => this.#checkIdle());
      return;
    }
    this.close();
    this.#ended();
  }
}

const stopped = () => new Fault('cancelled', 'unavailable', 'the source is stopped');

function optionsFrom(container: 'fmp4' | 'ts' | undefined, server: unknown): Options {
  const given: Record<string, unknown> = typeof server === 'object' && server !== null ? { ...server } : {};
  const number = (name: string, fallback: number, least: number, most: number): number => {
    const value = given[name];
    return typeof value === 'number' && value > 0 ? Math.min(most, Math.max(least, value)) : fallback;
  };
  return {
    container: container ?? (given['container'] === 'ts' ? 'ts' : 'fmp4'),
    segmentSeconds: number('segment_seconds', 2, 0.5, 60),
    // RFC 8216 6.2.2: a playlist holds at least three target durations.
    window: Math.round(number('window', 6, 3, 100)),
  };
}
