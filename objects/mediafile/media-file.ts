/**
 * One configured file: opens it while it is wanted, plays it, says how it is. A file that
 * is missing, or is no MP4, makes the object `failed`, and it is tried again: it may be copied there later.
 */
import type { Attempt, Context } from '#core/define';
import { faultFrom } from '#core/errors';
import type { GapReason } from '#media/gap';
import { readMp4 } from '#mp4/file';
import { LiveSource } from '#source/live-source';
import type { mediaFileConfig } from './config.ts';
import { Player } from './player.ts';
import { SampleReader } from './sample-reader.ts';

export class MediaFile {
  readonly provides: LiveSource['provides'];
  readonly published: LiveSource['published'];
  readonly #context: Context<typeof mediaFileConfig>;
  readonly #source: LiveSource;
  #nextRunId = 1;

  constructor(context: Context<typeof mediaFileConfig>) {
    this.#context = context;
    this.#source = new LiveSource(context, context.config);
    this.provides = this.#source.provides;
    this.published = this.#source.published;
  }

  start(): void {
    this.#context.persist('play', attempt => this.#attempt(attempt));
  }

  async #attempt(attempt: Attempt): Promise<void> {
    const source = this.#source;
    if (!source.demanded) this.#context.report('idle');
    await source.whenDemanded(attempt.signal);
    if (attempt.signal.aborted) return;
    const unwanted = new AbortController();
    attempt.scope.own(
      'demand',
      source.onDemand(demanded => demanded || unwanted.abort()),
      listening => listening.close(),
    );
    const signal = AbortSignal.any([attempt.signal, unwanted.signal]);
    try {
      await this.#play(attempt, signal);
    } catch (thrown) {
      this.#gap('camera-unreachable');
      throw faultFrom(thrown);
    }
    this.#gap('no-media');
    // Played once and not to be repeated: wait until nobody wants it any more.
    if (!signal.aborted) {
      this.#context.report('idle');
      await ended(signal);
    }
  }

  async #play(attempt: Attempt, signal: AbortSignal): Promise<void> {
    const { config, world, log } = this.#context;
    const file = attempt.scope.own('file', await world.files.open(config.file, 'read'), f => f.close());
    const mp4 = await readMp4((offset, length) => file.read(offset, length), await file.size());
    if (mp4.skipped.length > 0) log.info('tracks-left-out', { tracks: mp4.skipped.join(', ') });
    const options = { ...config, firstRunId: this.#nextRunId };
    const player = new Player(mp4, new SampleReader(file), world.clock, options);
    let healthy = false;
    try {
      await player.play(unit => {
        if (!healthy) attempt.healthy();
        healthy = true;
        this.#source.unit(unit);
      }, signal);
    } finally {
      this.#nextRunId = player.nextRunId;
    }
  }

  #gap(reason: GapReason): void {
    this.#source.gap({ reason, atMs: this.#context.world.clock.wallMs() });
  }
}

const ended = (signal: AbortSignal): Promise<void> =>
  new Promise(done => {
    if (signal.aborted) done();
    else signal.addEventListener('abort', () => done(), { once: true });
  });
