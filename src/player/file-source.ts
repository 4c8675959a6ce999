/**
 * A file played as a live source: opened while it is wanted, played, and it says how it is. An object that plays
 * a file has one of these, and offers its `provides` and `published` as its own. A file that is missing, or
 * none that we can play, makes the object `failed`, and it is tried again: it may be copied there later.
 */
import type { Attempt, Context } from '#core/define';
import { faultFrom } from '#core/errors';
import type { AccessUnit } from '#media/access-unit';
import type { GapReason } from '#media/gap';
import { demandSignal } from '#source/demand';
import { LiveSource, type SourceContext, type SourceOptions } from '#source/live-source';
import { openTape } from './open.ts';
import { Player } from './player.ts';

export interface FileOptions extends SourceOptions {
  readonly file: string;
  readonly loop: boolean;
  /** Factor of real time; 0: as fast as possible. */
  readonly speed: number;
  readonly enable: readonly ('video' | 'audio')[];
}

export type FileContext = SourceContext & Pick<Context, 'report' | 'persist'>;

/** Texts of problems that are told; a file has few, but it may be made so that it has many. */
const toldLimit = 20;

export class FileSource {
  readonly provides: LiveSource['provides'];
  readonly published: LiveSource['published'];
  readonly #context: FileContext;
  readonly #options: FileOptions;
  readonly #source: LiveSource;
  #nextRunId = 1;

  constructor(context: FileContext, options: FileOptions) {
    this.#context = context;
    this.#options = options;
    this.#source = new LiveSource(context, options);
    this.provides = this.#source.provides;
    this.published = this.#source.published;
  }

  start(): void {
    this.#context.persist('play', attempt => this.#attempt(attempt));
  }

  async #attempt(attempt: Attempt): Promise<void> {
    const signal = await demandSignal(this.#context, this.#source, attempt);
    if (attempt.signal.aborted) return;
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
    const { world, log, emit } = this.#context;
    const { file: path, speed, loop, enable } = this.#options;
    const file = attempt.scope.own('file', await world.files.open(path, 'read'), f => f.close());
    const told = new Set<string>();
    const tape = await openTape(file, {
      // Sound of another speed would have to be made anew: its units cannot last longer or shorter.
      enable: enable.filter(kind => kind === 'video' || speed === 1 || speed === 0),
      problem: text => {
        if (told.has(text) || told.size >= toldLimit) return;
        told.add(text);
        log.info('file-problem', { text });
      },
    });
    const player = new Player(tape, world.clock, { loop, speed, firstRunId: this.#nextRunId });
    let healthy = false;
    const taker = {
      unit: (unit: AccessUnit) => {
        if (!healthy) attempt.healthy();
        healthy = true;
        this.#source.unit(unit);
      },
      text: (text: string) => emit('Subtitle', { text }),
    };
    try {
      await player.play(taker, signal);
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
