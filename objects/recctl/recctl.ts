/** The object: causes in, recordings of all its sources into all its archives out. */
import type { LiveMedia } from '#capability/live-media';
import type { Inlet, MediaStorage } from '#capability/media-storage';
import type { RecordControl } from '#capability/record-control';
import type { Context } from '#core/define';
import type { Implementation } from '#core/interface';
import type { Static } from '#core/schema';
import { isoTime } from '#core/time';
import type { Timer } from '#core/world';
import type { RecordingController, RecordingStatus } from '#interface/recording-controller';
import { Causes, manual } from './causes.ts';
import type { recctlConfig } from './config.ts';
import { SourceRecording } from './source-recording.ts';

/** How long after the last moment that is wanted media of it may still be under way. */
const lateMs = 3000;
const portionEveryMs = 100;

interface Recorded {
  readonly media: LiveMedia;
  readonly recording: SourceRecording;
  readonly inlets: Map<string, Inlet>;
  attached: { close(): void } | undefined;
}

export interface RecctlLinks {
  readonly sources: ReadonlyMap<string, LiveMedia>;
  readonly storages: ReadonlyMap<string, MediaStorage>;
}

export class Recctl {
  readonly provides: { readonly control: RecordControl };
  readonly published: { readonly RecordingController: Implementation<typeof RecordingController> };
  readonly #context: Context<typeof recctlConfig>;
  readonly #causes = new Causes();
  readonly #sources = new Map<string, Recorded>();
  #config: Static<typeof recctlConfig>;
  #storages: ReadonlyMap<string, MediaStorage> = new Map();
  #state: 'idle' | 'recording' | 'postrecord' = 'idle';
  /** Those that were there when it was last evaluated while one held. */
  #lastCauses: readonly string[] = [];
  /** Monotonic: when post-recording ends, whether its last media have come or not. */
  #giveUpMs = 0;
  #untilWallMs = 0;
  #deadline: Timer | undefined;
  #portions: Timer | undefined;
  /** Kept of all sources. */
  #bytes = 0;
  #overloaded = false;

  constructor(context: Context<typeof recctlConfig>) {
    this.#context = context;
    this.#config = context.config;
    this.provides = {
      control: {
        hold: async (cause, seconds) => {
          this.#causes.lease(cause, this.#now + seconds * 1000);
          this.#evaluate();
        },
        release: async cause => this.#release(cause),
      },
    };
    const start = (seconds: number): Static<typeof RecordingStatus> => {
      this.#causes.extend(manual, this.#now + seconds * 1000);
      this.#evaluate();
      return this.#status();
    };
    const stop = (): Static<typeof RecordingStatus> => {
      this.#release(manual);
      return this.#status();
    };
    this.published = {
      RecordingController: {
        status: () => this.#status(),
        set: ({ record }) => (record ? start(Number.POSITIVE_INFINITY) : stop()),
        start: ({ duration }) => start(duration ?? Number.POSITIVE_INFINITY),
        stop,
      },
    };
  }

  start(): void {}

  apply(next: Static<typeof recctlConfig>): void {
    this.#config = next;
    this.#attachAsWanted();
    this.#keepWithinMemory();
  }

  link({ sources, storages }: RecctlLinks): void {
    this.#storages = storages;
    for (const [name, source] of this.#sources) if (sources.get(name) !== source.media) this.#remove(name, source);
    for (const [name, media] of sources) {
      if (!this.#sources.has(name)) this.#add(name, media);
    }
    for (const [name, source] of this.#sources) this.#openInlets(name, source);
    this.#attachAsWanted();
  }

  stop(): void {
    this.#deadline?.cancel();
    this.#portions?.cancel();
    for (const [name, source] of this.#sources) this.#remove(name, source);
  }

  get #now(): number {
    return this.#context.world.clock.monotonicMs();
  }

  #add(name: string, media: LiveMedia): void {
    const inlets = new Map<string, Inlet>();
    const { clock } = this.#context.world;
    const recording = new SourceRecording({
      inlets: () => inlets.values(),
      wallMs: () => clock.wallMs(),
      prerecordMs: () => this.#config.prerecord * 1000,
      grown: bytes => {
        this.#bytes += bytes;
        this.#keepWithinMemory();
      },
    });
    const source: Recorded = { media, recording, inlets, attached: undefined };
    this.#sources.set(name, source);
    if (this.#state !== 'recording') return;
    this.#attach(source);
    recording.begin(clock.wallMs());
  }

  #remove(name: string, source: Recorded): void {
    source.attached?.close();
    source.recording.forget();
    for (const inlet of source.inlets.values()) inlet.close();
    this.#sources.delete(name);
  }

  #openInlets(name: string, { inlets }: Recorded): void {
    for (const [storage, inlet] of inlets)
      if (!this.#storages.has(storage)) {
        inlet.close();
        inlets.delete(storage);
      }
    for (const [storage, store] of this.#storages) if (!inlets.has(storage)) inlets.set(storage, store.open(name));
  }

  #attach(source: Recorded): void {
    source.attached ??= source.media.attach(source.recording, { who: this.#context.name, from: 'keyframe' });
  }

  /** A consumer of its sources while it keeps a lead of them or records (config.md 10.2 rule 4). */
  #attachAsWanted(): void {
    for (const source of this.#sources.values()) {
      if (this.#config.prerecord > 0 || source.recording.recording) this.#attach(source);
      else {
        source.attached?.close();
        source.attached = undefined;
        source.recording.forget();
      }
    }
  }

  #release(cause: string): void {
    this.#causes.release(cause);
    this.#evaluate();
  }

  /** Does what the causes say now, and looks again when the first of them ends by itself. */
  #evaluate(): void {
    const { clock } = this.#context.world;
    const now = this.#now;
    this.#causes.expire(now);
    if (this.#causes.holds) {
      this.#lastCauses = this.#causes.names;
      if (this.#state !== 'recording') this.#begin();
    } else if (this.#state === 'recording') {
      const postMs = this.#config.postrecord * 1000;
      this.#state = 'postrecord';
      this.#untilWallMs = clock.wallMs() + postMs;
      this.#giveUpMs = now + postMs + lateMs;
      for (const { recording } of this.#sources.values()) recording.endAt(this.#untilWallMs);
    }
    if (this.#state === 'postrecord') this.#endIfComplete(now);
    this.#deadline?.cancel();
    const next =
      this.#state === 'postrecord' ? Math.min(this.#giveUpMs, now + portionEveryMs) : this.#causes.firstEndMs;
    // Longer than timers can wait: looked at once a day.
    if (next < Number.POSITIVE_INFINITY)
      this.#deadline = clock.after(Math.min(Math.max(1, next - now), 86_400_000), () => this.#evaluate());
  }

  #begin(): void {
    const wasIdle = this.#state === 'idle';
    this.#state = 'recording';
    const fromMs = this.#context.world.clock.wallMs() - this.#config.prerecord * 1000;
    for (const source of this.#sources.values()) {
      this.#attach(source);
      source.recording.begin(fromMs);
    }
    this.#pumpUntilLevel();
    if (wasIdle) this.#emit('RecordingStarted', true);
  }

  #endIfComplete(now: number): void {
    const open = [...this.#sources.values()].filter(s => s.recording.recording);
    if (open.length > 0 && now < this.#giveUpMs) return;
    for (const { recording } of open) recording.end();
    this.#state = 'idle';
    this.#attachAsWanted();
    this.#emit('RecordingStopped', false);
  }

  #pumpUntilLevel(): void {
    if (this.#portions || ![...this.#sources.values()].some(s => s.recording.behind)) return;
    this.#portions = this.#context.world.clock.after(portionEveryMs, () => {
      this.#portions = undefined;
      for (const { recording } of this.#sources.values()) recording.pump();
      this.#pumpUntilLevel();
    });
  }

  /** The oldest groups of all go first. */
  #keepWithinMemory(): void {
    const limitBytes = this.#config.max_buffer_mb * 1e6;
    while (this.#bytes > limitBytes) {
      const [oldest] = [...this.#sources.values()]
        .map(s => s.recording)
        .filter(r => r.oldestMs !== undefined)
        .sort((a, b) => (a.oldestMs ?? 0) - (b.oldestMs ?? 0));
      if (!oldest) return;
      oldest.dropOldest();
      if (!this.#overloaded)
        this.#context.log.warn('prerecord-short', {
          max_buffer_mb: this.#config.max_buffer_mb,
          sources: this.#sources.size,
        });
      this.#overloaded = true;
    }
  }

  #status(): Static<typeof RecordingStatus> {
    const { clock } = this.#context.world;
    this.#causes.expire(this.#now);
    const first = [...this.#sources.values()].flatMap(s => s.recording.firstMs ?? []);
    const endMs = this.#causes.names.length === 1 ? this.#causes.endOf(manual) : undefined;
    const untilMs =
      this.#state === 'postrecord'
        ? this.#untilWallMs
        : endMs !== undefined && endMs < Number.POSITIVE_INFINITY
          ? clock.wallMs() + endMs - this.#now
          : undefined;
    return {
      recording: this.#causes.holds,
      since: this.#state === 'idle' ? null : isoTime(first.length > 0 ? Math.min(...first) : clock.wallMs()),
      sources: [...this.#sources.keys()].sort(),
      storages: [...this.#storages.keys()].sort(),
      state: this.#state,
      causes: this.#causes.names,
      until: untilMs === undefined ? null : isoTime(untilMs),
    };
  }

  #emit(topic: string, state: boolean): void {
    this.#context.emit(topic, { state, causes: [...this.#lastCauses], sources: [...this.#sources.keys()].sort() });
  }
}
