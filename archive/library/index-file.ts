/**
 * The index as a file that people may damage or delete: what is no index is set aside and made anew, for it
 * is a cache; what is deleted while it is in use is written again (archive/DESIGN.md, "Lost index").
 */
import { faultFrom } from '#core/errors';
import type { World } from '#core/world';
import { indexFile } from '../format/paths.ts';
import { ArchiveIndex } from '../index/archive-index.ts';
import { Ledger } from './ledger.ts';
import type { Place } from './recovery.ts';

/** There while an index is being written again; an index beside it is not whole. */
const unfinished = `${indexFile}.unfinished`;

/** The place of an archive with its index open; `isNew`: there was none that could be used. */
export async function openIndex(
  world: World,
  folder: string,
): Promise<{ readonly place: Place; readonly isNew: boolean }> {
  const { files, log } = world;
  const path = `${folder}/${indexFile}`;
  const place = (index: ArchiveIndex): Place => ({
    files,
    folder,
    index,
    ledger: new Ledger(files, folder),
    log: log.with({ folder }),
  });
  const isThere = await exists(world, path);
  const isWhole = !(await exists(world, `${folder}/${unfinished}`));
  try {
    if (isWhole || !isThere) return { place: place(openDatabase(world, path)), isNew: !isThere };
    log.error('index-damaged', { folder, error: 'it was damaged or being written again when the daemon ended' });
  } catch (e) {
    const fault = faultFrom(e);
    if (fault.code !== 'database' && fault.code !== 'index-damaged') throw fault;
    log.error('index-damaged', { folder, error: fault.message });
  }
  await files.rename(path, `${path}.damaged-${Math.floor(world.clock.wallMs())}`);
  for (const part of ['-wal', '-shm']) if (await exists(world, path + part)) await files.remove(path + part);
  if (!isWhole) await files.remove(`${folder}/${unfinished}`);
  return { place: place(openDatabase(world, path)), isNew: true };
}

/** SQLite has met damage in it: the next start sets it aside. */
export async function condemnIndex({ files, log }: Pick<World, 'files' | 'log'>, folder: string): Promise<void> {
  log.error('index-damaged', { folder, error: 'SQLite met damage in it' });
  await files.writeText(`${folder}/${unfinished}`, '');
}

function openDatabase(world: World, path: string): ArchiveIndex {
  const database = world.openDatabase(path);
  try {
    return new ArchiveIndex(database);
  } catch (e) {
    database.close();
    throw faultFrom(e);
  }
}

/** Looks whether the index still has its name, and gives it back if not. When it cannot, the archive goes on without, and the next call tries again. */
export async function keepIndexFile(world: World, { folder, index, files, log }: Place): Promise<void> {
  const path = `${folder}/${indexFile}`;
  const id = await idOf(world, path);
  if (id !== undefined && (index.fileId === undefined || id === index.fileId)) {
    index.fileId = id;
    return;
  }
  try {
    // Somebody put another file there: nobody reads it, and it is not ours to delete.
    if (id !== undefined) await files.rename(path, `${path}.foreign-${Math.floor(world.clock.wallMs())}`);
    await files.writeText(`${folder}/${unfinished}`, '');
    try {
      index.moveTo(path, () => world.openDatabase(path));
    } catch (e) {
      // Half an index would be taken for one.
      if (await exists(world, path)) await files.remove(path);
      throw faultFrom(e);
    }
    index.fileId = await idOf(world, path);
    await files.syncFolder(folder);
    await files.remove(`${folder}/${unfinished}`);
    log.warn('index-deleted', { file: indexFile, written: 'again' });
  } catch (e) {
    const fault = faultFrom(e);
    if (fault.kind === 'bug') throw fault;
    log.error('index-deleted', { file: indexFile, error: fault.message });
  }
}

const exists = async (world: World, path: string): Promise<boolean> => (await idOf(world, path)) !== undefined;

async function idOf({ files }: World, path: string): Promise<number | undefined> {
  try {
    return (await files.stat(path)).id;
  } catch (e) {
    const fault = faultFrom(e);
    if (fault.kind === 'absent') return undefined;
    throw fault;
  }
}
