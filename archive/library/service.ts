/**
 * The library: one archive folder as asynchronous methods with plain data (library.ts). It may
 * block (SQLite), so it lives in the `library` thread; in tests it is called directly.
 */
import type { ReadRequest, RecordedPiece } from '#capability/recorded-media';
import type { MediaAnswer } from '#core/bytes';
import { Fault, faultFrom } from '#core/errors';
import { isoTime } from '#core/time';
import { type Methods, type Port, serve } from '#core/wire';
import type { Files, World } from '#core/world';
import { foldersOf, lockFile } from '../format/paths.ts';
import type { ArchiveIndex } from '../index/archive-index.ts';
import type { Span } from '../index/interval-list.ts';
import type { Lock } from '../index/lock-table.ts';
import { elementaryAnswer } from '../read/elementary.ts';
import { exportAnswer } from '../read/export.ts';
import { hlsAnswer, playlistAnswer } from '../read/hls.ts';
import { keyframeAnswer, keyframesOf } from '../read/keyframes.ts';
import { readRecorded } from '../read/recorded.ts';
import { detailsFrom, gapsFrom, pair, summaryFrom, trackNamed } from '../read/timeline.ts';
import { deleteRange } from './delete-range.ts';
import { dropReserved, listFilling, reserveName } from './filling.ts';
import { beginRebuild, expectHashes, takeNewestMonths } from './from-ledger.ts';
import { Hasher } from './hashing.ts';
import { condemnIndex, keepIndexFile, openIndex } from './index-file.ts';
import { entriesOf } from './ledger.ts';
import type {
  AllLimits,
  Deletion,
  ElementaryRequest,
  ExportRequest,
  Forecast,
  GapEntry,
  KeyframeEntry,
  KnownTrack,
  Library,
  LockEntry,
  NewLock,
  Opened,
  Range,
  Rescan,
  Retained,
  Summary,
  TrackDetails,
} from './library.ts';
import { endExpired, lockNamed, putLock, removeLock } from './locks.ts';
import { type Missing, missingOf } from './missing.ts';
import type { Note } from './notes.ts';
import { removeOldMonths } from './old-months.ts';
import { forecastOf } from './outlook.ts';
import { type Place, recover, unlinkCondemned } from './recovery.ts';
import { judge } from './retention.ts';
import { type WalkResult, walk } from './walk.ts';

/** A walk that failed is tried again after this. */
const walkAgainMs = 30_000;
/** Old months are looked for this often. */
const monthsMs = 3_600_000;
/** Gaps that are told to who may fill them. */
const mostMissing = 256;

interface OpenArchive {
  readonly place: Place;
  readonly lock: { release(): Promise<void> };
  readonly hasher: Hasher;
  readonly stop: AbortController;
  /** The walk after the start, and what was asked for behind it. */
  walking: Promise<unknown>;
  monthsNotBefore: number;
}

/** One archive folder, from `open` to `close`: index, lock, retention and the walk through unknown files. */
export class LibraryOfFolder implements Library {
  readonly #world: World;
  #archive: OpenArchive | undefined;
  #ending: Promise<void> | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  async open(folder: string): Promise<Opened> {
    if (this.#archive) throw new Fault('bug', 'internal', 'this connection has an archive open already');
    const { files, clock } = this.#world;
    await files.makeFolder(folder);
    await syncAbove(files, folder);
    const lock = await files.lock(`${folder}/${lockFile}`);
    try {
      const { place, isNew: isMade } = await openIndex(this.#world, folder);
      // `clean` is set at the end of every start: without it the first one died before it had taken the ledger.
      const isNew = isMade || place.index.meta('clean') === undefined;
      const unclean = !isNew && place.index.meta('clean') !== '1';
      try {
        if (isNew) await beginRebuild(place);
        if (unclean) {
          await takeNewestMonths(place);
          await recover(place);
        } else await unlinkCondemned(place);
        place.index.setMeta('clean', '0');
        const hasher = new Hasher(place, clock, clock.wallMs());
        const stop = new AbortController();
        this.#archive = { place, lock, hasher, stop, walking: Promise.resolve(), monthsNotBefore: 0 };
        this.#archive.walking = this.#walkAfterStart(this.#archive);
        return { tracks: place.index.tracks().map(t => knownTrack(place.index, t)), unclean };
      } catch (e) {
        place.index.close();
        throw faultFrom(e);
      }
    } catch (e) {
      if (faultFrom(e).code === 'index-damaged') await condemnIndex(this.#world, folder);
      await lock.release();
      throw faultFrom(e);
    }
  }

  async commit(notes: readonly Note[]): Promise<void> {
    const { place } = this.#open;
    // The ledger first: a line too many is harmless, a line too few is lost with the index.
    await place.ledger.append(entriesOf(notes));
    const empty = await this.#applied(place, notes);
    if (empty.length > 0) await unlinkCondemned(place, empty);
  }

  async #applied(place: Place, notes: readonly Note[]): Promise<string[]> {
    try {
      return place.index.apply(notes);
    } catch (e) {
      const fault = faultFrom(e);
      if (fault.code === 'index-damaged') await condemnIndex(this.#world, place.folder);
      throw fault;
    }
  }

  async known(track: string): Promise<KnownTrack | undefined> {
    const { index } = this.#open.place;
    const row = index.track(track);
    return row && knownTrack(index, row);
  }

  async retain(limits: AllLimits): Promise<Retained> {
    const archive = this.#open;
    const { place, stop } = archive;
    const { files, folder, index } = place;
    const nowMs = this.#world.clock.wallMs();
    await keepIndexFile(this.#world, place);
    const expired = (await endExpired(place, nowMs)).map(lockEntry);
    const volume = await files.volume(folder);
    const kept = { full: false, fullTracks: [], more: false, deletedBytes: 0, expired };
    if (stop.signal.aborted) return kept;
    const { condemn, ...verdict } = judge(index, limits, volume, nowMs, index.meta('rebuild') === '1');
    if (condemn.length > 0) {
      index.condemnOldest(condemn);
      await unlinkCondemned(place);
    }
    if (nowMs >= archive.monthsNotBefore && index.meta('rebuild') !== '1') {
      archive.monthsNotBefore = nowMs + monthsMs;
      await removeOldMonths(place, nowMs);
    }
    return { ...verdict, deletedBytes: condemn.reduce((sum, f) => sum + f.bytes, 0), expired };
  }

  close(): Promise<void> {
    return this.#end(true);
  }

  /** The recorder has vanished: whatever it did not tell is found at the next start. */
  abandon(): Promise<void> {
    return this.#end(false);
  }

  /** The walk after the start has come to its end, or the archive to its. */
  async walked(): Promise<void> {
    await this.#open.walking;
  }
  fileCount(): number {
    return this.#open.place.index.tracks().reduce((sum, t) => sum + t.files, 0);
  }

  async missing(name: string, { beginMs, endMs }: Range): Promise<readonly Missing[]> {
    const { index } = this.#open.place;
    const track = index.track(name);
    const range: Span = [beginMs ?? Number.NEGATIVE_INFINITY, endMs ?? Number.POSITIVE_INFINITY];
    return track ? missingOf(index, track, range, mostMissing) : [];
  }
  async reserve(track: string, beginMs: number): Promise<string> {
    return reserveName(this.#open.place, track, beginMs);
  }
  async unreserve(path: string): Promise<void> {
    return dropReserved(this.#open.place, path);
  }
  async fill(track: string, path: string, notes: readonly Note[]): Promise<Span> {
    const { place } = this.#open;
    return listFilling(place, trackNamed(place.index, track), path, notes, () => this.#world.clock.wallMs());
  }

  async summary(): Promise<Summary> {
    const { index, files, folder } = this.#open.place;
    return summaryFrom(index, (await files.volume(folder)).freeBytes);
  }
  async channelSummary(track: string, range: Range): Promise<TrackDetails> {
    return detailsFrom(this.#open.place.index, track, range);
  }
  async gaps(track: string, range: Range): Promise<readonly GapEntry[]> {
    return gapsFrom(this.#open.place.index, track, range, this.#world.clock.wallMs());
  }
  async playlist(track: string, range: Range, container: 'fmp4' | 'ts'): Promise<MediaAnswer> {
    return playlistAnswer(this.#open.place, track, range, container);
  }
  async hls(track: string, path: string): Promise<MediaAnswer> {
    return hlsAnswer(this.#open.place, track, path);
  }
  async export(request: ExportRequest): Promise<MediaAnswer> {
    return exportAnswer(this.#open.place, request);
  }

  async elementary(request: ElementaryRequest): Promise<MediaAnswer> {
    return elementaryAnswer(this.#open.place, request);
  }
  async keyframes(track: string, range: Range): Promise<KeyframeEntry[]> {
    return keyframesOf(this.#open.place, track, range);
  }
  async keyframe(track: string, atMs: number | undefined): Promise<MediaAnswer> {
    return keyframeAnswer(this.#open.place, track, atMs);
  }

  async intervals(name: string, { beginMs, endMs }: Range): Promise<Span[]> {
    const { index } = this.#open.place;
    const { id } = trackNamed(index, name);
    return [...index.intervals(id).clip(beginMs ?? Number.NEGATIVE_INFINITY, endMs ?? Number.POSITIVE_INFINITY)];
  }
  async read(request: ReadRequest): Promise<RecordedPiece | undefined> {
    return readRecorded(this.#open.place, request);
  }

  async locks(name: string): Promise<LockEntry[]> {
    const { index } = this.#open.place;
    const nowMs = this.#world.clock.wallMs();
    return index.locks.of(trackNamed(index, name).id).flatMap(l => (isLive(l, nowMs) ? [lockEntry(l)] : []));
  }
  async oneLock(name: string, id: string): Promise<LockEntry> {
    const { index } = this.#open.place;
    const lock = index.locks.one(trackNamed(index, name).id, id);
    return lockEntry(lockNamed(lock && isLive(lock, this.#world.clock.wallMs()) ? lock : undefined, name, id));
  }
  async lock(lock: NewLock): Promise<LockEntry> {
    const made: Lock = { ...lock, createdMs: this.#world.clock.wallMs() };
    await putLock(this.#open.place, made);
    return lockEntry(made);
  }
  async unlock(track: string, id: string, by: string | null): Promise<LockEntry> {
    return lockEntry(await removeLock(this.#open.place, track, id, by, this.#world.clock.wallMs()));
  }

  async deleteRange(name: string, { beginMs, endMs }: Range): Promise<Deletion & { readonly inOpenFile: boolean }> {
    const { place, stop } = this.#open;
    await endExpired(place, this.#world.clock.wallMs());
    const range: Span = [beginMs ?? Number.NEGATIVE_INFINITY, endMs ?? Number.POSITIVE_INFINITY];
    const track = trackNamed(place.index, name);
    const { deletedBytes, deleted, kept, inOpenFile } = await deleteRange(
      place,
      track,
      range,
      () => stop.signal.aborted,
    );
    return { deleted_bytes: deletedBytes, deleted: deleted.map(pair), kept: kept.map(pair), inOpenFile };
  }

  async rescan(): Promise<Rescan> {
    const archive = this.#open;
    const result = archive.walking.then(() => this.#walk(archive));
    // Who asked handles the failure; the end of the archive waits for it only.
    archive.walking = result.catch(() => {});
    const { adopted, missing } = await result;
    return { found: adopted, missing };
  }

  async retention(limits: AllLimits): Promise<Forecast> {
    const { index, files, folder } = this.#open.place;
    return forecastOf(index, limits, await files.volume(folder), this.#world.clock.wallMs());
  }

  get #open(): OpenArchive {
    if (!this.#archive || this.#archive.stop.signal.aborted)
      throw new Fault('storage', 'unavailable', 'the archive is not open');
    return this.#archive;
  }

  #end(clean: boolean): Promise<void> {
    return (this.#ending ??= this.#endNow(clean).finally(() => {
      this.#ending = undefined;
    }));
  }

  async #endNow(clean: boolean): Promise<void> {
    const archive = this.#archive;
    if (!archive) return;
    archive.stop.abort();
    await archive.walking;
    await archive.hasher.stop();
    this.#archive = undefined;
    const { index } = archive.place;
    try {
      if (clean && index.openFiles().length === 0) index.setMeta('clean', '1');
    } finally {
      index.close();
      await archive.lock.release();
    }
  }

  /** Until one has come to its end: only then the index of a rebuild is whole. */
  async #walkAfterStart(archive: OpenArchive): Promise<void> {
    const { place, stop, hasher } = archive;
    while (!stop.signal.aborted)
      try {
        if (place.index.meta('rebuild') === '1') await expectHashes(place, () => stop.signal.aborted);
        const result = await this.#walk(archive);
        if (stop.signal.aborted) return;
        place.index.setMeta('rebuild', '0');
        place.index.hashes.expectNone();
        hasher.takeAll();
        if (result.adopted + result.missing > 0) place.log.info('archive-walked', { ...result });
        return;
      } catch (e) {
        const fault = faultFrom(e);
        place.log.warn('archive-walk-failed', { error: fault.message, kind: fault.kind });
        await this.#world.clock.sleep(walkAgainMs, stop.signal);
      }
  }

  #walk({ place, stop }: OpenArchive): Promise<WalkResult> {
    return walk(place, this.#world.clock.wallMs(), () => stop.signal.aborted);
  }
}

/** The folder's own name outlives a power cut. Not where the folders above are not ours to read: then they are older than us. */
async function syncAbove(files: Files, folder: string): Promise<void> {
  for (const above of foldersOf(folder))
    try {
      await files.syncFolder(above === '' ? '/' : above);
    } catch (e) {
      const fault = faultFrom(e);
      if (fault.kind !== 'storage') throw fault;
    }
}

const isLive = ({ untilMs }: Lock, nowMs: number): boolean => untilMs === null || untilMs > nowMs;

const lockEntry = ({ track, id, beginMs, endMs, reason, untilMs, by, createdMs }: Lock): LockEntry => ({
  track,
  id,
  begin: isoTime(beginMs),
  end: isoTime(endMs),
  reason,
  until: untilMs === null ? null : isoTime(untilMs),
  by,
  created: isoTime(createdMs),
});

function knownTrack(index: ArchiveIndex, { id, name }: { id: number; name: string }): KnownTrack {
  const gap = index.openGap(id);
  return {
    track: name,
    lastMs: index.bounds(id)?.[1] ?? null,
    openGap: gap ? { beginMs: gap.beginMs, reason: gap.reason } : null,
  };
}

/** The methods of one connection, for a wire: those of `Library`, and `abandon`. */
export function createLibraryService(world: World): Methods & { abandon(): Promise<void> } {
  const library = new LibraryOfFolder(world);
  return {
    open: (folder: string) => library.open(folder),
    commit: (notes: readonly Note[]) => library.commit(notes),
    known: (track: string) => library.known(track),
    retain: (limits: AllLimits) => library.retain(limits),
    close: () => library.close(),
    abandon: () => library.abandon(),
    missing: (track: string, range: Range) => library.missing(track, range),
    reserve: (track: string, beginMs: number) => library.reserve(track, beginMs),
    unreserve: (path: string) => library.unreserve(path),
    fill: (track: string, path: string, notes: readonly Note[]) => library.fill(track, path, notes),
    summary: () => library.summary(),
    channelSummary: (track: string, range: Range) => library.channelSummary(track, range),
    gaps: (track: string, range: Range) => library.gaps(track, range),
    playlist: (track: string, range: Range, container: 'fmp4' | 'ts') => library.playlist(track, range, container),
    hls: (track: string, path: string) => library.hls(track, path),
    export: (request: ExportRequest) => library.export(request),
    elementary: (request: ElementaryRequest) => library.elementary(request),
    keyframes: (track: string, range: Range) => library.keyframes(track, range),
    keyframe: (track: string, atMs: number | undefined) => library.keyframe(track, atMs),
    intervals: (track: string, range: Range) => library.intervals(track, range),
    read: (request: ReadRequest) => library.read(request),
    locks: (track: string) => library.locks(track),
    oneLock: (track: string, id: string) => library.oneLock(track, id),
    lock: (lock: NewLock) => library.lock(lock),
    unlock: (track: string, id: string, by: string | null) => library.unlock(track, id, by),
    deleteRange: (track: string, range: Range) => library.deleteRange(track, range),
    rescan: () => library.rescan(),
    retention: (limits: AllLimits) => library.retention(limits),
  };
}

/** Serves a connection of its own to every port: what the library thread's entry does with service `archive`. */
export const archiveService =
  (world: World) =>
  (port: Port): void => {
    const methods = createLibraryService(world);
    serve(port, methods);
    port.onClose(() => {
      methods.abandon().catch((e: unknown) => world.log.error('archive-not-closed', { error: faultFrom(e).message }));
    });
  };
