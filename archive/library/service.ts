/**
 * The library: one archive folder as asynchronous methods with plain data (library.ts). It may
 * block (SQLite), so it lives in the `library` thread; in tests it is called directly.
 */
import type { MediaAnswer } from '#core/bytes';
import { Fault, faultFrom } from '#core/errors';
import { type Methods, type Port, serve } from '#core/wire';
import type { World } from '#core/world';
import { indexFile, isTrackName, ledgerFolder, lockFile } from '../format/paths.ts';
import { ArchiveIndex } from '../index/archive-index.ts';
import { exportAnswer } from '../read/export.ts';
import { hlsAnswer, playlistAnswer } from '../read/hls.ts';
import { detailsFrom, gapsFrom, summaryFrom } from '../read/timeline.ts';
import { appendLedger, listOrNothing, readLedger } from './ledger.ts';
import type {
  AllLimits,
  ExportRequest,
  GapEntry,
  KnownTrack,
  Library,
  Opened,
  Range,
  Summary,
  TrackDetails,
} from './library.ts';
import type { Note } from './notes.ts';
import { adopt, newestPath, type Place, recover, unlinkCondemned } from './recovery.ts';
import { judge } from './retention.ts';
import { walk } from './walk.ts';

/** Rounds of deletion in one call; each deletes up to 64 files. What is left waits for the next call. */
const mostRounds = 8;

interface OpenArchive {
  readonly place: Place;
  readonly lock: { release(): Promise<void> };
  walking: Promise<void>;
  /** False when the last line may have been cut off: by a crash before, or by a full disk. */
  ledgerIsWhole: boolean;
  stopping: boolean;
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
    const { files } = this.#world;
    await files.makeFolder(folder);
    const lock = await files.lock(`${folder}/${lockFile}`);
    try {
      const { place, isNew } = await this.#openIndex(folder);
      const unclean = !isNew && place.index.meta('clean') !== '1';
      try {
        if (isNew) await this.#beginRebuild(place);
        if (unclean) await recover(place);
        place.index.setMeta('clean', '0');
        this.#archive = { place, lock, walking: Promise.resolve(), ledgerIsWhole: false, stopping: false };
        this.#archive.walking = this.#walk(this.#archive);
        return { tracks: place.index.tracks().map(t => knownTrack(place.index, t)), unclean };
      } catch (e) {
        place.index.close();
        throw faultFrom(e);
      }
    } catch (e) {
      await lock.release();
      throw faultFrom(e);
    }
  }

  async commit(notes: readonly Note[]): Promise<void> {
    const { place } = this.#open;
    // The ledger first: a line too many is harmless, a line too few is lost with the index.
    const archive = this.#open;
    const isWhole = archive.ledgerIsWhole;
    archive.ledgerIsWhole = false;
    archive.ledgerIsWhole = (await appendLedger(place.files, place.folder, notes, isWhole)) || isWhole;
    if (place.index.apply(notes).length > 0) await unlinkCondemned(place);
  }

  async known(track: string): Promise<KnownTrack | undefined> {
    const { index } = this.#open.place;
    const row = index.track(track);
    return row && knownTrack(index, row);
  }

  async retain(limits: AllLimits): Promise<{ readonly full: boolean; readonly deletedBytes: number }> {
    const archive = this.#open;
    const { place } = archive;
    let deletedBytes = 0;
    for (let round = 0; ; round++) {
      const volume = await place.files.volume(place.folder);
      if (archive.stopping) return { full: false, deletedBytes };
      const { condemn, full, more } = judge(place.index, limits, volume, this.#world.clock.wallMs());
      if (condemn.length === 0) return { full, deletedBytes };
      place.index.condemn(condemn);
      await unlinkCondemned(place);
      deletedBytes += condemn.reduce((sum, f) => sum + f.bytes, 0);
      if (!more || round >= mostRounds) return { full, deletedBytes };
    }
  }

  close(): Promise<void> {
    return this.#end(true);
  }

  /** The recorder has vanished: whatever it did not tell is found at the next start. */
  abandon(): Promise<void> {
    return this.#end(false);
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

  get #open(): OpenArchive {
    if (!this.#archive || this.#archive.stopping) throw new Fault('storage', 'unavailable', 'the archive is not open');
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
    archive.stopping = true;
    await archive.walking;
    this.#archive = undefined;
    const { index } = archive.place;
    try {
      if (clean && index.openFiles().length === 0) index.setMeta('clean', '1');
    } finally {
      index.close();
      await archive.lock.release();
    }
  }

  /** A damaged index is put aside and made anew: it is a cache. */
  async #openIndex(folder: string): Promise<{ place: Place; isNew: boolean }> {
    const { files, log } = this.#world;
    const path = `${folder}/${indexFile}`;
    const place = (index: ArchiveIndex): Place => ({ files, folder, index, log: log.with({ folder }) });
    const isNew = !(await isThere(this.#world, path));
    try {
      return { place: place(this.#openDatabase(path)), isNew };
    } catch (e) {
      const fault = faultFrom(e);
      if (fault.code !== 'database') throw fault;
      log.error('index-damaged', { folder, error: fault.message });
      await files.rename(path, `${path}.damaged-${Math.floor(this.#world.clock.wallMs())}`);
      for (const part of ['-wal', '-shm']) if (await isThere(this.#world, path + part)) await files.remove(path + part);
      return { place: place(this.#openDatabase(path)), isNew: true };
    }
  }

  #openDatabase(path: string): ArchiveIndex {
    const database = this.#world.openDatabase(path);
    try {
      return new ArchiveIndex(database);
    } catch (e) {
      database.close();
      throw faultFrom(e);
    }
  }

  /** What recording needs to know at once: the gaps, and where each track ends. The walk does the rest. */
  async #beginRebuild(place: Place): Promise<void> {
    place.index.setMeta('rebuild', '1');
    place.index.apply(await readLedger(place.files, place.folder));
    for (const { name, kind } of await listOrNothing(place.files, place.folder)) {
      if (kind !== 'folder' || !isTrackName(name) || name === ledgerFolder) continue;
      const newest = await newestPath(place, name);
      if (newest) await adopt(place, [newest], true);
    }
  }

  async #walk(archive: OpenArchive): Promise<void> {
    const { place } = archive;
    try {
      const result = await walk(place, this.#world.clock.wallMs(), () => archive.stopping);
      if (archive.stopping) return;
      place.index.setMeta('rebuild', '0');
      if (result.adopted + result.missing > 0) place.log.info('archive-walked', { ...result });
    } catch (e) {
      const fault = faultFrom(e);
      place.log.warn('archive-walk-failed', { error: fault.message, kind: fault.kind });
    }
  }
}

function knownTrack(index: ArchiveIndex, { id, name }: { id: number; name: string }): KnownTrack {
  const gap = index.openGap(id);
  return {
    track: name,
    lastMs: index.bounds(id)?.[1] ?? null,
    openGap: gap ? { beginMs: gap.beginMs, reason: gap.reason } : null,
  };
}

async function isThere({ files }: World, path: string): Promise<boolean> {
  try {
    await files.stat(path);
    return true;
  } catch (e) {
    const fault = faultFrom(e);
    if (fault.kind === 'absent') return false;
    throw fault;
  }
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
    summary: () => library.summary(),
    channelSummary: (track: string, range: Range) => library.channelSummary(track, range),
    gaps: (track: string, range: Range) => library.gaps(track, range),
    playlist: (track: string, range: Range, container: 'fmp4' | 'ts') => library.playlist(track, range, container),
    hls: (track: string, path: string) => library.hls(track, path),
    export: (request: ExportRequest) => library.export(request),
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
