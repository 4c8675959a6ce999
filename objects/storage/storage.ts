/**
 * The object: the recorder runs here, on the media loop; index, queries, exports and deletion are asked of the
 * library thread (archive/DESIGN.md).
 */
import { LibraryClient } from '#archive/library/client';
import type { LockEntry } from '#archive/library/library';
import { Recorder, type RecorderOptions } from '#archive/recorder/recorder';
import type { LiveMedia } from '#capability/live-media';
import type { RecordedMedia } from '#capability/recorded-media';
import type { Attempt, Context } from '#core/define';
import { Fault, faultFrom } from '#core/errors';
import type { Call } from '#core/interface';
import type { Static } from '#core/schema';
import { isoTime, parseInterval, timeArgument } from '#core/time';
import type { config } from './config.ts';
import type { StorageContract } from './index.ts';
import { Inlets } from './inlets.ts';
import { type Kept, keepingOf, lockEvent } from './keeping.ts';
import { Past } from './past.ts';

type Config = Static<typeof config>;

const optionsFrom = (c: Config): RecorderOptions => ({
  fileBytes: c.filesize * 1e6,
  fileSeconds: c.file_seconds,
  syncSeconds: c.sync_seconds,
  limits: { limits: c.limits, tracks: c.tracks },
});

class Storage {
  readonly #context: Context<typeof config>;
  #config: Config;
  #sources: ReadonlyMap<string, LiveMedia> = new Map();
  #library: LibraryClient | undefined;
  #recorder: Recorder | undefined;
  /** By name of the source: what it was attached to, so that a source that was made anew is attached anew. */
  readonly #attached = new Map<string, { readonly source: LiveMedia; readonly ends: { close(): void } }>();
  /** Tracks whose source is gone and whose last footage is being written. */
  readonly #ending = new Set<string>();
  #troubles: string | undefined;
  #lastFault: Fault | undefined;
  /** What is recorded on command. */
  readonly inlets: Inlets;

  constructor(context: Context<typeof config>) {
    this.#context = context;
    this.#config = context.config;
    this.inlets = new Inlets({
      sink: track => (this.#sources.has(track) || this.#ending.has(track) ? undefined : this.#recorder?.track(track)),
      wallMs: () => context.world.clock.wallMs(),
      left: track => {
        if (this.#recorder && !this.#sources.has(track)) this.#endTrack(this.#recorder, track);
      },
    });
  }

  start(): void {
    this.#context.persist('archive', attempt => this.#record(attempt));
  }

  apply(next: Config): void {
    this.#config = next;
  }

  link(sources: ReadonlyMap<string, LiveMedia>): void {
    this.#sources = sources;
    if (this.#recorder) this.#attachAll(this.#recorder);
  }

  /** One life of the archive: from the lock on its folder to the last byte written. */
  async #record(attempt: Attempt): Promise<void> {
    const { world } = this.#context;
    const library = attempt.scope.own('library', new LibraryClient(world.threads.connect('library', 'archive')), l =>
      l.end(),
    );
    try {
      const opened = await library.open(this.#config.folder);
      const dead = Promise.withResolvers<never>();
      const recorder = new Recorder(
        world,
        this.#config.folder,
        library,
        opened,
        () => optionsFrom(this.#config),
        this.#hooks,
        f => dead.reject(f),
      );
      attempt.scope.own('recorder', recorder, () => this.#end(recorder, library));
      const ticks = world.clock.every(Recorder.tickMs, () => recorder.tick());
      attempt.scope.own('ticks', ticks, t => t.cancel());
      this.#library = library;
      this.#recorder = recorder;
      this.#lastFault = undefined;
      this.#attachAll(recorder);
      for (const track of this.inlets.tracks) this.inlets.settle(track);
      recorder.noteUnlinked();
      attempt.healthy();
      await Promise.race([dead.promise, aborted(attempt.signal)]);
    } catch (e) {
      this.#lastFault = faultFrom(e);
      throw this.#lastFault;
    }
  }

  async #end(recorder: Recorder, library: LibraryClient): Promise<void> {
    if (this.#recorder === recorder) this.#recorder = undefined;
    for (const [name, { ends }] of this.#attached) {
      ends.close();
      this.#attached.delete(name);
    }
    const told = await recorder.stop();
    if (this.#library === library) this.#library = undefined;
    // Else the index would call clean what it does not know; the connection's end leaves it unclean.
    if (told) await library.close();
  }

  #attachAll(recorder: Recorder): void {
    for (const [name, { source, ends }] of this.#attached) {
      if (this.#sources.get(name) === source) continue;
      ends.close();
      this.#attached.delete(name);
      // A source that is only made anew goes on in the same track.
      if (!this.#sources.has(name)) this.#endTrack(recorder, name);
    }
    for (const [name, source] of this.#sources) {
      if (this.#attached.has(name) || this.#ending.has(name)) continue;
      const how = { who: this.#context.name, from: 'kept', ...recorder.room(name) } as const;
      const ends = source.attach(recorder.track(name), how);
      this.#attached.set(name, { source, ends });
    }
  }

  /** What a track has to write is written before it may begin again. */
  #endTrack(recorder: Recorder, name: string): void {
    this.#ending.add(name);
    this.#context.scope.run(`end of ${name}`, async () => {
      try {
        await recorder.remove(name, 'config-change');
      } finally {
        this.#ending.delete(name);
      }
      if (this.#recorder !== recorder) return;
      this.#attachAll(recorder);
      if (!this.#sources.has(name)) this.inlets.settle(name);
    });
  }

  readonly #hooks = {
    gapStarted: (g: { track: string; reason: string; beginMs: number }) =>
      this.#context.emit('GapStarted', { track: g.track, reason: g.reason, begin: isoTime(g.beginMs) }),
    gapEnded: (g: { track: string; reason: string; beginMs: number; endMs: number | null }) =>
      this.#context.emit('GapEnded', {
        track: g.track,
        reason: g.reason,
        begin: isoTime(g.beginMs),
        end: isoTime(g.endMs ?? g.beginMs),
      }),
    locksEnded: (locks: readonly LockEntry[]) => {
      for (const lock of locks) this.#context.emit('LockRemoved', lockEvent(lock, null));
    },
    full: (state: boolean) => {
      this.#context.emit('StorageFull', { state });
      this.#tell(state ? 'a limit is passed and nothing deletable is left' : undefined);
    },
    slow: (state: boolean) => {
      this.#context.emit('StorageSlow', { state });
      this.#tell(state ? 'the disk does not keep up; footage is dropped' : undefined);
    },
    recovered: () => this.#tell(undefined),
    trouble: (track: string, fault: Fault) => {
      this.#context.log.warn('archive-trouble', { track, code: fault.code, error: fault.message });
      this.#tell(fault.message);
    },
  };

  #tell(trouble: string | undefined): void {
    if (trouble === this.#troubles) return;
    this.#troubles = trouble;
    if (trouble === undefined) this.#context.report('running');
    else this.#context.report('degraded', trouble);
  }

  get #open(): LibraryClient {
    if (this.#library) return this.#library;
    throw this.#lastFault ?? new Fault('storage', 'unavailable', 'the archive is not open yet');
  }

  /** Footage that comes later than it should. */
  readonly past = new Past({
    library: () => this.#open,
    recorder: () => this.#recorder,
    limits: () => optionsFrom(this.#config).limits,
    wallMs: () => this.#context.world.clock.wallMs(),
  });

  readonly #kept: Kept = {
    world: () => this.#context.world,
    library: () => this.#open,
    limits: () => optionsFrom(this.#config).limits,
    isSource: name => this.#sources.has(name) || this.inlets.has(name),
    endFile: track => this.#recorder?.endFile(track),
    emit: (topic, data) => this.#context.emit(topic, data),
  };

  readonly recorded: RecordedMedia = {
    intervals: async (track, beginMs, endMs) => this.#open.intervals(track, { beginMs, endMs }),
    read: async request => this.#open.read(request),
  };

  readonly published = {
    ...keepingOf(this.#kept),
    /** Clients ask for every storage at their start, and one failure blanks their page: zeros and `error` instead (api.md 3 rule 1). */
    summary: async () => {
      try {
        return await this.#open.summary();
      } catch (e) {
        const { message } = faultFrom(e);
        return { disk_usage: 0, disk_free_space: 0, contexts: {}, error: message };
      }
    },
    channel_summary: async (p: { track: string; interval?: readonly (string | null)[] | null }) => {
      const range = parseInterval(p.interval);
      const name = p.track;
      if ((this.#sources.has(name) || this.inlets.has(name)) && !(await this.#open.known(name)))
        return { disk_usage: 0, time_boundaries: null, timeline: [] };
      return this.#open.channelSummary(name, range);
    },
    gaps: async (p: { track: string; interval?: readonly (string | null)[] | null }) => [
      ...(await this.#open.gaps(p.track, parseInterval(p.interval))),
    ],
    playlist: (p: { track: string; begin?: string; end?: string; container?: 'fmp4' | 'ts' }, { server }: Call) =>
      this.#open.playlist(p.track, parseInterval([p.begin, p.end]), containerOf(p.container, server?.['hls'])),
    hls: (p: { track: string; path: string }) => this.#open.hls(p.track, p.path),
    stream: (p: { track: string; begin: string; end: string; media?: 'video' | 'audio' }) => {
      const request = { track: p.track, ...boundsOf(p), media: p.media ?? 'video' };
      return this.#open.elementary(request);
    },
    keyframes: (p: { track: string; interval?: readonly (string | null)[] | null }) =>
      this.#open.keyframes(p.track, parseInterval(p.interval)),
    keyframe: (p: { track: string; timestamp?: string }) =>
      this.#open.keyframe(p.track, p.timestamp === undefined ? undefined : timeArgument('timestamp', p.timestamp)),
    export: (p: {
      track: string;
      begin: string;
      end: string;
      format?: 'isom' | 'fmp4' | 'ts';
      gaps?: 'skip' | 'keep';
    }) => {
      const request = { track: p.track, ...boundsOf(p), format: p.format ?? 'isom', gaps: p.gaps ?? 'skip' } as const;
      return this.#open.export(request);
    },
  };
}

/** Both of them, in order. */
function boundsOf({ begin, end }: { begin: string; end: string }): { beginMs: number; endMs: number } {
  parseInterval([begin, end]);
  return { beginMs: timeArgument('begin', begin), endMs: timeArgument('end', end) };
}

/** What was asked for, or what the server that was asked has set (config.md 13.1). */
const containerOf = (asked: 'fmp4' | 'ts' | undefined, hls: unknown): 'fmp4' | 'ts' =>
  asked ?? ((hls as { readonly container?: unknown } | undefined)?.container === 'ts' ? 'ts' : 'fmp4');

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise(done => {
    if (signal.aborted) done();
    else signal.addEventListener('abort', () => done(), { once: true });
  });

/** As its declaration says. */
export function createStorage(context: Context<typeof config>): StorageContract {
  const storage = new Storage(context);
  return {
    provides: {
      media: {
        open: track => storage.inlets.open(track),
        missing: track => storage.past.missing(track),
        fill: (track, gap) => storage.past.fill(track, gap),
      },
      recorded: storage.recorded,
    },
    published: { VideoStorage: storage.published },
    start: () => storage.start(),
    apply: next => storage.apply(next),
    link: ({ sources }) => storage.link(sources),
  };
}
