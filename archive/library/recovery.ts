/**
 * What a start does with what a crash left (archive/DESIGN.md, "Recover"): condemned files go,
 * files that were open are listed up to their last whole fragment and cut there, files newer
 * than the last listed one are found. Its cost depends on what was open, not on the archive.
 */
import { faultFrom } from '#core/errors';
import type { Files, Log, OpenFile } from '#core/world';
import { foldersOf, hourFolder, isSegmentName, isTrackName, ledgerFolder } from '../format/paths.ts';
import { packedSpan, recordBytes } from '../format/record.ts';
import type { ArchiveIndex } from '../index/archive-index.ts';
import type { FileRow } from '../index/rows.ts';
import { type Ledger, listOrNothing } from './ledger.ts';
import type { Note } from './notes.ts';
import { type ScannedFile, scanFile } from './scan-file.ts';

export interface Place {
  readonly files: Files;
  readonly folder: string;
  readonly index: ArchiveIndex;
  readonly ledger: Ledger;
  readonly log: Log;
}

/** Unlinks what is condemned, or these of it, with the folders that this empties. Symbolic links are unlinked, never followed. */
export async function unlinkCondemned(
  { files, folder, index, log }: Omit<Place, 'ledger'>,
  names: readonly string[] = index.condemned.names(),
): Promise<void> {
  const gone: string[] = [];
  const folders = new Set<string>();
  for (const name of names) {
    try {
      await files.remove(`${folder}/${name}`);
    } catch (e) {
      const fault = faultFrom(e);
      if (fault.kind !== 'absent') {
        log.warn('file-not-deleted', { file: name, error: fault.message });
        continue;
      }
    }
    gone.push(name);
    folders.add(name.slice(0, name.lastIndexOf('/')));
  }
  // Names come back with a power cut until their folder is flushed; what was deleted must not.
  for (const f of folders) await syncNearest(files, folder, f);
  if (gone.length > 0) index.condemned.forget(gone);
  for (const f of folders) await removeEmptyFolders(files, folder, f);
}

/** The folder, or the first one above it that is still there. */
async function syncNearest(files: Files, folder: string, path: string): Promise<void> {
  for (let p = `${folder}/${path}`; ; p = p.slice(0, p.lastIndexOf('/')))
    try {
      await files.syncFolder(p);
      return;
    } catch (e) {
      const fault = faultFrom(e);
      if (fault.kind !== 'absent' || p.length <= folder.length) throw fault;
    }
}

/** From the hour up to and without the track's own folder. */
async function removeEmptyFolders(files: Files, folder: string, path: string): Promise<void> {
  for (let p = path; p.includes('/'); p = p.slice(0, p.lastIndexOf('/'))) {
    try {
      await files.removeEmptyFolder(`${folder}/${p}`);
    } catch (e) {
      const fault = faultFrom(e);
      if (fault.kind !== 'absent' && fault.kind !== 'storage') throw fault;
      return;
    }
  }
}

/** After a stop that was none: see above. */
export async function recover(place: Place): Promise<void> {
  await unlinkCondemned(place);
  for (const file of place.index.openFiles()) await repair(place, file);
  for (const { name, kind } of await listOrNothing(place.files, place.folder)) {
    if (kind !== 'folder' || !isTrackName(name) || name === ledgerFolder) continue;
    const track = place.index.track(name);
    const newest = track && place.index.newestFile(track.id);
    // A track without any listed file is either new, and then its few files are found, or the index is: then the walk finds the others.
    if (newest || place.index.meta('rebuild') !== '1') await adopt(place, await newerFiles(place, name, newest), true);
    else await adoptNewest(place, name);
  }
}

/** The file that was being written when the daemon died, if it was, and where the track ends. */
export async function adoptNewest(place: Place, track: string): Promise<void> {
  const newest = await newestPath(place, track);
  if (newest) await adopt(place, [newest], true);
}

async function repair(place: Place, row: FileRow): Promise<void> {
  const { files, folder, index, log } = place;
  let file: OpenFile;
  try {
    file = await files.open(`${folder}/${row.name}`, 'edit');
  } catch (e) {
    const fault = faultFrom(e);
    if (fault.kind !== 'absent') throw fault;
    index.forget(row);
    return;
  }
  try {
    const size = await file.size();
    if (size < row.bytes) {
      // Not our doing: what was listed had been flushed. What is left is taken as a file never seen before.
      index.forget(row);
      log.warn('file-shortened', { file: row.name, expected: row.bytes, bytes: size });
      await adopt(place, [row.name], true);
      return;
    }
    const found = await scanFile(file, row.bytes, true);
    const notes: Note[] = [];
    if (found) {
      if (found.goodBytes < size) await file.truncate(found.goodBytes);
      await makeSafe(place, row.name, file);
      if (found.records.length > 0) notes.push({ is: 'safe', path: row.name, records: found.records });
      const fragments = found.records.length / recordBytes(row.origins.length);
      log.info('file-recovered', { file: row.name, fragments, cut: size - found.goodBytes });
    }
    notes.push({ is: 'closed', path: row.name, ...(found && { bytes: found.goodBytes }) });
    index.apply(notes);
  } finally {
    await file.close();
  }
  await unlinkCondemned(place);
}

/** What a process wrote that was killed is in the system's memory only: it is on the medium before it is listed. */
async function makeSafe(place: Place, path: string, file: OpenFile): Promise<void> {
  await file.sync();
  await syncFolders(place, path);
}

/** The names of the file and of the folders above it. */
export async function syncFolders({ files, folder }: Pick<Place, 'files' | 'folder'>, path: string): Promise<void> {
  for (const f of foldersOf(path).reverse()) await files.syncFolder(`${folder}/${f}`);
  await files.syncFolder(folder);
}

/** Paths of a track's files whose names come after the last listed one, in its hour and in every later one. */
async function newerFiles({ files, folder }: Place, track: string, newest: FileRow | undefined): Promise<string[]> {
  // Names order like times; a renamed file does not, and is left to the walk.
  const after = newest ? newest.name : '';
  const hour = newest ? hourFolder(track, newest.beginMs) : '';
  const found: string[] = [];
  const walk = async (path: string, depth: number): Promise<void> => {
    for (const { name, kind } of await listOrNothing(files, `${folder}/${path}`)) {
      const inner = `${path}/${name}`;
      if (depth === 4) {
        if (kind === 'file' && isSegmentName(name) && inner > after) found.push(inner);
      } else if (kind === 'folder' && inner >= hour.slice(0, inner.length)) await walk(inner, depth + 1);
    }
  };
  await walk(track, 0);
  return found;
}

/** The newest file of a track by name; undefined without any. */
async function newestPath({ files, folder }: Place, track: string): Promise<string | undefined> {
  const newest = async (path: string, depth: number): Promise<string | undefined> => {
    const entries = await listOrNothing(files, `${folder}/${path}`);
    for (const { name, kind } of [...entries].reverse()) {
      if (depth === 4 && kind === 'file' && isSegmentName(name)) return `${path}/${name}`;
      const inside = depth < 4 && kind === 'folder' ? await newest(`${path}/${name}`, depth + 1) : undefined;
      if (inside) return inside;
    }
    return undefined;
  };
  return newest(track, 0);
}

/**
 * Lists files that the index does not know, in one transaction; `cut`: they were the recorder's when it died; `together` of
 * them are read at the same time. Files that are none of ours are left alone. Gives how many are listed now.
 */
export async function adopt(
  place: Place,
  paths: readonly string[],
  cut: boolean,
  together = paths.length,
): Promise<number> {
  const found: Candidate[] = [];
  for (let at = 0; at < paths.length; at += together) {
    const some = await Promise.all(paths.slice(at, at + together).map(p => examine(place, p, cut)));
    found.push(...some.filter(f => f !== undefined));
  }
  found.sort((x, y) => x.beginMs - y.beginMs);
  const taken: Candidate[] = [];
  for (const f of found) {
    const { track } = f.scanned.identity;
    const known = place.index.track(track);
    // Times of a track never overlap: a copy of what is listed already stays unlisted.
    const slack = Math.min(toleratedMs, (f.endMs - f.beginMs) / 2);
    const meets = (c: Candidate): boolean => c.scanned.identity.track === track && c.endMs > f.beginMs + slack;
    const isCopy = known && place.index.files(known.id, f.beginMs + slack, f.endMs - slack).length > 0;
    if (isCopy || taken.some(meets) || place.index.fileNamed(f.path))
      place.log.info('file-passed-over', { file: f.path });
    else taken.push(f);
  }
  place.index.apply(taken.flatMap(c => notesOf(place.index, c)));
  return taken.length;
}

/** Milliseconds of overlap that rounding and smoothed clocks explain. */
const toleratedMs = 1000;

interface Candidate {
  readonly path: string;
  readonly scanned: ScannedFile;
  readonly beginMs: number;
  readonly endMs: number;
}

function notesOf(index: ArchiveIndex, { path, beginMs, scanned }: Candidate): Note[] {
  const { identity, initBytes, init, format, records } = scanned;
  const { track, run, origins } = identity;
  return [
    { is: 'opened', track, path, beginMs, run, origins, initBytes, init, format },
    { is: 'safe', path, records },
    { is: 'closed', path, bytes: scanned.goodBytes, sha256: index.hashes.expected(path, scanned.goodBytes) },
  ];
}

/** What a file is; undefined when it is not to be listed. */
async function examine(place: Place, path: string, cut: boolean): Promise<Candidate | undefined> {
  const { files, folder, index, log } = place;
  if (index.fileNamed(path) || index.condemned.has(path)) return undefined;
  let file: OpenFile;
  try {
    file = await files.open(`${folder}/${path}`, cut ? 'edit' : 'read');
  } catch (e) {
    const fault = faultFrom(e);
    // Without handles nothing can be said about any file; it must not be taken for a foreign one.
    if (fault.kind === 'absent' || (fault.kind === 'storage' && fault.code !== 'too-many-files')) return undefined;
    throw fault;
  }
  try {
    const scanned = await scanFile(file, 0, cut);
    const span = scanned && packedSpan(scanned.records, scanned.identity.origins.length);
    if (!scanned || !span || !isTrackName(scanned.identity.track)) {
      // What a crash left without a single whole fragment is of no use to anybody.
      if (cut && !span && (await file.size()) < emptyBelowBytes) {
        index.condemned.add(path);
        await unlinkCondemned(place, [path]);
      } else log.info('file-passed-over', { file: path });
      return undefined;
    }
    if (cut) {
      if (scanned.goodBytes < (await file.size())) await file.truncate(scanned.goodBytes);
      await makeSafe(place, path, file);
    }
    return { path, scanned, beginMs: span[0], endMs: span[1] };
  } finally {
    await file.close();
  }
}

/** A file cut off before its first whole fragment has an init segment and at most one fragment; larger ones are kept for a person to look at. */
const emptyBelowBytes = 64 * 1024 * 1024;
