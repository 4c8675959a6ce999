/**
 * Records tracks into one archive: makes what was written safe in time, tells the library in
 * order, and asks it to keep the limits. Runs on the media loop; waits for nothing there.
 */
import { Fault, faultFrom } from '#core/errors';
import type { World } from '#core/world';
import type { GapReason } from '#media/gap';
import type { AllLimits, KnownTrack, Library, LockEntry, Opened } from '../library/library.ts';
import type { Missing } from '../library/missing.ts';
import type { GapNote, Note } from '../library/notes.ts';
import { Filling } from './filling.ts';
import type { Shared } from './shared.ts';
import { TrackRecorder } from './track-recorder.ts';
import { WriteBudget } from './write-budget.ts';

/** Live: read anew at every use. */
export interface RecorderOptions {
  readonly fileBytes: number;
  readonly fileSeconds: number;
  readonly syncSeconds: number;
  readonly limits: AllLimits;
}

export interface RecorderHooks {
  gapStarted(gap: GapNote): void;
  gapEnded(gap: GapNote): void;
  /** Nothing deletable is left, of the archive or of a track (or is again). */
  full(state: boolean): void;
  /** Locks whose time has passed. */
  locksEnded(locks: readonly LockEntry[]): void;
  /** The disk does not keep up (or does again). */
  slow(state: boolean): void;
  /** The disk, the index or a codec makes trouble; of no track in particular: ''. */
  trouble(track: string, fault: Fault): void;
  /** Of all that was told as trouble nothing is left. */
  recovered(): void;
}

/** A second of a 4 Mbit/s camera is half a megabyte: two minutes of two cameras, or half a second of two hundred. */
const queueBytes = 128 * 1024 * 1024;
const queueBytesPerTrack = 16 * 1024 * 1024;
const tickMs = 250;
const retainMs = 5000;
/** A commit is an fsync of the index. */
const commitMs = 500;
/** Trouble that has not come again for so long is over. */
const calmMs = 5000;
/** Flushes at the same time: libuv has four threads, and writes must find one free. */
const mostFlushes = 2;
/** A note has about 200 bytes; the library is long dead when so many wait. */
const mostNotes = 50_000;

export class Recorder {
  readonly #world: World;
  readonly #library: Library;
  readonly #options: () => RecorderOptions;
  readonly #hooks: RecorderHooks;
  readonly #shared: Shared;
  readonly #known: Map<string, KnownTrack>;
  readonly #tracks = new Map<string, TrackRecorder>();
  readonly #fillings = new Set<Filling>();
  #notes: Note[] = [];
  #committing: Promise<void> | undefined;
  #commitNotBefore = 0;
  #retaining: Promise<void> | undefined;
  #retainNotBefore = 0;
  #flushes = 0;
  readonly #flushing = new Set<TrackRecorder>();
  #full = false;
  #fullTracks: ReadonlySet<string> = new Set();
  #slow = false;
  /** Monotonic time of the last trouble; undefined when there is none. */
  #troubledAt: number | undefined;
  /** Nothing new begins. */
  #ending = false;
  #stopped = false;
  readonly #onDead: (fault: Fault) => void;

  /** `opened`: what `library.open(folder)` answered. `onDead`: the library does not answer any more; end this recorder. */
  constructor(
    world: World,
    folder: string,
    library: Library,
    opened: Opened,
    options: () => RecorderOptions,
    hooks: RecorderHooks,
    onDead: (fault: Fault) => void,
    budget: WriteBudget = new WriteBudget(queueBytes, queueBytesPerTrack),
  ) {
    this.#world = world;
    this.#library = library;
    this.#options = options;
    this.#hooks = hooks;
    this.#onDead = onDead;
    this.#known = new Map(opened.tracks.map(t => [t.track, t]));
    this.#shared = {
      files: world.files,
      folder,
      budget,
      limits: options,
      monotonicMs: () => world.clock.monotonicMs(),
      wallMs: () => world.clock.wallMs(),
      full: track => this.#full || this.#fullTracks.has(track),
      say: note => this.#notes.push(note),
      gapStarted: gap => hooks.gapStarted(gap),
      gapEnded: gap => hooks.gapEnded(gap),
      trouble: (track, fault) => this.#trouble(track, fault),
    };
  }

  /** Bytes that wait for the disk. */
  get queuedBytes(): number {
    return this.#shared.budget.used;
  }

  /** Periodic work; the owner keeps the timer. */
  static readonly tickMs = tickMs;

  /** The sink of a track: hand it to its source. The same until it is removed. */
  track(name: string): TrackRecorder {
    let track = this.#tracks.get(name);
    if (!track) {
      track = new TrackRecorder(name, this.#shared, this.#known.get(name) ?? { lastMs: null, openGap: null });
      this.#tracks.set(name, track);
      this.#known.delete(name);
    }
    return track;
  }

  /**
   * What a track can take of the pictures that its source has kept: nothing from before its last footage,
   * and all tracks together no more than leaves room for what comes.
   */
  room(name: string): { readonly notBeforeMs: number; readonly mostBytes: number } {
    const { limitBytes, perTrackBytes, used } = this.#shared.budget;
    return {
      notBeforeMs: this.track(name).edgeMs,
      mostBytes: Math.min(perTrackBytes / 2, Math.max(0, limitBytes / 2 - used)),
    };
  }

  /** Footage of the past for a gap, as `missing` told it. Its owner calls `filled` when it has ended. */
  fill(name: string, gap: Missing): Filling {
    if (this.#ending) throw new Fault('storage', 'unavailable', 'the archive is not open');
    const { files, folder, limits, monotonicMs, full } = this.#shared;
    const parts = { files, folder, limits, monotonicMs, library: this.#library, full: () => full(name) };
    const filling = new Filling(name, gap, parts);
    this.#fillings.add(filling);
    return filling;
  }

  /** Nothing of it is open any more. */
  filled(filling: Filling): void {
    this.#fillings.delete(filling);
  }

  /** The track is not to be recorded any more. */
  async remove(name: string, reason: GapReason): Promise<void> {
    const track = this.#tracks.get(name);
    if (!track) return;
    this.#tracks.delete(name);
    await track.stop(reason);
    await this.#commit();
    const known = await this.#library.known(name);
    if (known && !this.#tracks.has(name)) this.#known.set(name, known);
  }

  /** The present file of a track ends at the next key frame. */
  endFile(name: string): void {
    this.#tracks.get(name)?.endFile();
  }

  /** Of the tracks on disk, those that no source is linked for stand still since the configuration changed. */
  noteUnlinked(): void {
    const now = this.#world.clock.wallMs();
    for (const { track, lastMs, openGap } of this.#known.values()) {
      if (openGap?.reason === 'config-change' || (!openGap && lastMs === null)) continue;
      const since = openGap ? Math.max(now, openGap.beginMs) : (lastMs ?? now);
      if (openGap) this.#notes.push({ is: 'gap', track, ...openGap, endMs: since });
      const gap = { beginMs: since, reason: 'config-change' as const };
      this.#notes.push({ is: 'gap', track, ...gap, endMs: null });
      this.#known.set(track, { track, lastMs, openGap: gap });
    }
  }

  /** Called every `tickMs`. Starts what is due; never waits, never throws. */
  tick(): void {
    if (this.#stopped) return;
    const now = this.#world.clock.monotonicMs();
    const due = now - this.#options().syncSeconds * 500;
    for (const track of this.#tracks.values()) {
      if (this.#flushes >= mostFlushes) break;
      if ((track.waitingSince ?? Number.POSITIVE_INFINITY) <= due && !this.#flushing.has(track)) this.#flush(track);
    }
    if (this.#notes.length > 0 && now >= this.#commitNotBefore) {
      this.#commitNotBefore = now + commitMs;
      void this.#commit();
    }
    if (now >= this.#retainNotBefore) void this.#retain();
    const tracks = [...this.#tracks.values()];
    const slow = tracks.some(t => t.dropping === 'disk-slow');
    if (slow !== this.#slow) this.#hooks.slow((this.#slow = slow));
    if (this.#troubledAt === undefined || now - this.#troubledAt < calmMs) return;
    if (this.#full || this.#fullTracks.size > 0 || tracks.some(t => t.dropping !== undefined || t.unsupported)) return;
    this.#troubledAt = undefined;
    this.#hooks.recovered();
  }

  /** Everything is written, safe, and told when it resolves; the library may be closed then. False: the library did not take what it was told, and must find it at the next start. */
  async stop(): Promise<boolean> {
    this.#ending = true;
    await Promise.all([...this.#fillings].map(f => f.cancel()));
    await Promise.all([...this.#tracks.values()].map(t => t.stop('restart')));
    this.#stopped = true;
    await this.#retaining;
    await this.#commit();
    // What came while a commit was under way.
    await this.#commit();
    return this.#notes.length === 0;
  }

  #trouble(track: string, fault: Fault): void {
    this.#troubledAt = this.#world.clock.monotonicMs();
    this.#hooks.trouble(track, fault);
  }

  #flush(track: TrackRecorder): void {
    this.#flushes++;
    this.#flushing.add(track);
    void track.makeSafe().then(() => {
      this.#flushes--;
      this.#flushing.delete(track);
      // The next in line need not wait for a tick.
      this.tick();
    });
  }

  /** One at a time, so that notes arrive in order. */
  #commit(): Promise<void> {
    return (this.#committing ??= this.#commitNow().finally(() => {
      this.#committing = undefined;
    }));
  }

  async #commitNow(): Promise<void> {
    const notes = this.#notes;
    if (notes.length === 0) return;
    this.#notes = [];
    try {
      await this.#library.commit(notes);
    } catch (e) {
      const fault = faultFrom(e);
      this.#notes = [...notes, ...this.#notes];
      this.#commitNotBefore = this.#world.clock.monotonicMs() + 1000;
      this.#trouble('', fault);
      if (
        fault.kind === 'cancelled' ||
        fault.kind === 'bug' ||
        fault.code === 'index-damaged' ||
        this.#notes.length > mostNotes
      )
        this.#onDead(
          fault.kind === 'storage' || fault.kind === 'bug'
            ? fault
            : new Fault('storage', 'unavailable', `the index cannot be written: ${fault.message}`, {}, fault),
        );
    }
  }

  #retain(): Promise<void> {
    return (this.#retaining ??= this.#retainNow().finally(() => {
      this.#retaining = undefined;
    }));
  }

  async #retainNow(): Promise<void> {
    this.#retainNotBefore = this.#world.clock.monotonicMs() + retainMs;
    try {
      const { full, fullTracks, more, expired } = await this.#library.retain(this.#options().limits);
      if (more) this.#retainNotBefore = 0;
      const before = this.#full || this.#fullTracks.size > 0;
      this.#full = full;
      this.#fullTracks = new Set(fullTracks);
      const now = full || fullTracks.length > 0;
      if (now !== before) this.#hooks.full(now);
      if (expired.length > 0) this.#hooks.locksEnded(expired);
    } catch (e) {
      this.#trouble('', faultFrom(e));
    }
  }
}
