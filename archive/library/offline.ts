/**
 * An archive without its daemon (config.md 2.2): is the index what the files are, make it anew, do files and ledger fit
 * together, and one export. Whoever needs the index takes the folder's lock; a daemon that runs keeps it.
 */
import type { ByteSource, MediaAnswer } from '#core/bytes';
import { Fault, faultFrom } from '#core/errors';
import type { World } from '#core/world';
import { linkOf } from '../format/ledger-line.ts';
import { indexFile, isSegmentName, isTrackName, ledgerFolder, lockFile } from '../format/paths.ts';
import { ArchiveIndex } from '../index/archive-index.ts';
import { sha256OfFile } from './hashing.ts';
import { Ledger } from './ledger.ts';
import { LibraryOfFolder } from './service.ts';
import { segmentsOf } from './walk.ts';

/** How closely `checkArchive` looks: names; lengths too; what the hashes say too. */
export type CheckDepth = 'quick' | 'sizes' | 'hashes';

export interface ArchiveProblem {
  readonly file: string;
  readonly problem: string;
}
export interface ArchiveReport {
  /** Files looked at. */
  readonly files: number;
  readonly bytes: number;
  readonly problems: readonly ArchiveProblem[];
}
/** Of `verifyArchive`: one track's chain. */
export interface ChainReport {
  readonly links: number;
  /** Files whose hash is that of the ledger. */
  readonly intact: number;
  /** Files of the ledger that are not there: the ring or somebody deleted them, or renamed. */
  readonly gone: number;
  readonly last: string;
}

const noPause = (): Promise<void> => Promise.resolve();

/** Holds the listed files against those on disk, both ways. Changes nothing. */
export async function checkArchive(world: World, folder: string, depth: CheckDepth): Promise<ArchiveReport> {
  const { files } = world;
  await files.stat(`${folder}/${indexFile}`);
  const lock = await files.lock(`${folder}/${lockFile}`);
  try {
    const index = new ArchiveIndex(world.openDatabase(`${folder}/${indexFile}`));
    try {
      return await check(world, folder, index, depth);
    } finally {
      index.close();
    }
  } finally {
    await lock.release();
  }
}

async function check(world: World, folder: string, index: ArchiveIndex, depth: CheckDepth): Promise<ArchiveReport> {
  const problems: ArchiveProblem[] = index.troubles().map(problem => ({ file: indexFile, problem }));
  let count = 0;
  let bytes = 0;
  const listed = new Set(index.names());
  for await (const path of segmentsOf(world.files, folder)) {
    count++;
    const row = listed.delete(path) ? index.fileNamed(path) : undefined;
    if (!row) {
      if (!index.condemned.has(path)) problems.push({ file: path, problem: 'not listed' });
      continue;
    }
    if (depth === 'quick') continue;
    const { size } = await world.files.stat(`${folder}/${path}`);
    bytes += size;
    // Of a file that was open when the daemon died the rest is listed at the next start.
    if (size !== row.bytes && !(row.open && size > row.bytes))
      problems.push({ file: path, problem: `expected ${row.bytes} bytes, got ${size}` });
    const wanted = depth === 'hashes' ? index.hashes.of(path) : undefined;
    if (wanted && (await hashOf(world, folder, path, row.bytes)) !== wanted)
      problems.push({ file: path, problem: 'changed since it was recorded: another SHA-256' });
  }
  for (const file of listed) problems.push({ file, problem: 'missing' });
  return { files: count, bytes, problems };
}

async function hashOf(
  { files, clock }: World,
  folder: string,
  path: string,
  bytes: number,
): Promise<string | undefined> {
  const file = await files.open(`${folder}/${path}`, 'read');
  try {
    if ((await file.size()) !== bytes) return undefined;
    return await sha256OfFile(file, bytes, noPause, clock, () => false);
  } finally {
    await file.close();
  }
}

/** Makes the index anew from files and ledger; the old one is put back when that fails. */
export async function rebuildArchive(
  world: World,
  folder: string,
): Promise<{ readonly files: number; readonly bytes: number }> {
  const { files } = world;
  await files.stat(folder);
  const path = `${folder}/${indexFile}`;
  const lock = await files.lock(`${folder}/${lockFile}`);
  try {
    // Its last connection takes its log along: only then the file is all of the index.
    try {
      world.openDatabase(path).close();
    } catch (e) {
      const fault = faultFrom(e);
      if (fault.code !== 'database' && fault.code !== 'index-damaged') throw fault;
    }
    await files.rename(path, `${path}.old`);
  } finally {
    await lock.release();
  }
  const library = new LibraryOfFolder(world);
  try {
    await library.open(folder);
    await library.walked();
    const { disk_usage } = await library.summary();
    const count = library.fileCount();
    await library.close();
    await files.remove(`${path}.old`);
    return { files: count, bytes: disk_usage };
  } catch (e) {
    await library.abandon();
    await files.rename(`${path}.old`, path);
    throw faultFrom(e);
  }
}

/** Follows the chain of every track through the ledger, and hashes every file of it that is there. Takes no lock: nothing of it changes. */
export async function verifyArchive(
  world: World,
  folder: string,
): Promise<{ readonly tracks: Readonly<Record<string, ChainReport>>; readonly problems: readonly ArchiveProblem[] }> {
  await world.files.stat(folder);
  const ledger = new Ledger(world.files, folder);
  const problems: ArchiveProblem[] = [];
  // A file that was listed again, longer or shorter, has several lines; the last one counts.
  const changed = new Set<string>();
  const tracks: Record<string, { links: number; intact: number; gone: number; last: string }> = {};
  for (const month of await ledger.months())
    for (const entry of await ledger.read(month)) {
      if ('chain' in entry) {
        const { track, chain } = entry.chain;
        const own = (tracks[track] ??= { links: 0, intact: 0, gone: 0, last: chain });
        if (own.last !== chain)
          problems.push({ file: `${ledgerFolder}/${month}`, problem: `${track}: its chain is broken` });
        own.last = chain;
      }
      if (!('hash' in entry)) continue;
      const { track, file, bytes, sha256, prev, chain } = entry.hash;
      // The oldest link is where the ledger begins: what was before it is not known any more.
      const own = (tracks[track] ??= { links: 0, intact: 0, gone: 0, last: prev });
      if (own.last !== prev || linkOf(prev, entry.hash) !== chain)
        problems.push({ file: `${ledgerFolder}/${month}`, problem: `${track}: its chain is broken at ${file}` });
      own.links++;
      own.last = chain;
      if (!isSafePath(file)) continue;
      try {
        if ((await hashOf(world, folder, file, bytes)) === sha256) {
          own.intact++;
          changed.delete(file);
        } else changed.add(file);
      } catch (e) {
        const fault = faultFrom(e);
        if (fault.kind !== 'absent') throw fault;
        own.gone++;
      }
    }
  for (const file of changed) problems.push({ file, problem: 'changed since it was recorded: another SHA-256' });
  return { tracks, problems };
}

/** A line of the ledger may say anything: what leaves the folder is not opened. */
const isSafePath = (path: string): boolean => {
  const parts = path.split('/');
  return isTrackName(parts[0] ?? '') && isSegmentName(parts.at(-1) ?? '') && parts.every(p => p !== '..' && p !== '');
};

/** Writes an interval as one MP4 to a new file; gives its bytes. */
export async function exportArchive(
  world: World,
  folder: string,
  wanted: { readonly track: string; readonly beginMs: number; readonly endMs: number },
  to: string,
): Promise<number> {
  await world.files.stat(folder);
  const library = new LibraryOfFolder(world);
  await library.open(folder);
  try {
    const answer = await library.export({ ...wanted, format: 'isom', gaps: 'skip' });
    return await write(world, answer, to);
  } finally {
    await library.close();
  }
}

async function write({ files }: World, { body }: MediaAnswer, to: string): Promise<number> {
  if (typeof body !== 'object' || body === null || !('open' in body))
    throw new Fault('bug', 'invariant', 'an export is a source of bytes');
  const file = await files.open(to, 'create');
  const stream = (body as ByteSource).open();
  let at = 0;
  try {
    for (let piece = await stream.next(); piece; piece = await stream.next()) {
      await file.write(at, [piece]);
      at += piece.length;
    }
    await file.sync();
    return at;
  } finally {
    stream.close();
    await file.close();
  }
}
