/**
 * World.files made real. Every call goes to the system's thread pool. Names and numbers of the
 * system's errors become Faults here: a missing file is `absent`, everything else `storage`
 * with a code that says what the operator can do about it.
 */
import { close, fdatasync, fstat, ftruncate, open, read, writev } from 'node:fs';
import { mkdir, open as openHandle, readdir, readFile, rename, rmdir, stat, statfs, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { Fault } from '#core/errors';
import type { FileStat, Files, OpenFile } from '#core/world';

const flags = { read: 'r', create: 'wx+', edit: 'r+' } as const;

/** What the operator can tell apart; everything else is `io-error` with the system's own text. */
const codes: Readonly<Record<string, string>> = {
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
  EROFS: 'read-only',
  EACCES: 'permission',
  EPERM: 'permission',
  EEXIST: 'exists',
  EMFILE: 'too-many-files',
  ENFILE: 'too-many-files',
};

/**
 * With the folders above it. Not by mkdir's own option: that tries for ever, in a thread that nothing ends, where a
 * folder that exists refuses new names with ENOENT (seen at /proc; automounters answer so for hosts they cannot reach).
 */
async function makeFolders(path: string): Promise<void> {
  const isMissing = (e: unknown): boolean => (e as NodeJS.ErrnoException).code === 'ENOENT';
  const make = async (): Promise<void> => {
    try {
      await mkdir(path);
    } catch (e) {
      if ((e as NodeJS.ErrnoException).code !== 'EEXIST' || !(await stat(path)).isDirectory()) throw e;
    }
  };
  try {
    await make();
  } catch (e) {
    if (!isMissing(e) || dirname(path) === path) throw e;
    await makeFolders(dirname(path));
    await make();
  }
}

function faultFromSystem(error: unknown, what: string, path: string): Fault {
  if (error instanceof Fault) return error;
  const system = error as NodeJS.ErrnoException;
  const text = `cannot ${what} ${path}: ${system.code ?? system.message}`;
  if (system.code === 'ENOENT') return new Fault('absent', 'not-found', text, { path }, error);
  return new Fault('storage', codes[system.code ?? ''] ?? 'io-error', text, { path, system: system.code }, error);
}

async function at<T>(what: string, path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (e) {
    throw faultFromSystem(e, what, path);
  }
}

const openAsync = promisify(open);
const closeAsync = promisify(close);
const syncAsync = promisify(fdatasync);
const truncateAsync = promisify(ftruncate);
const statAsync = promisify<number, { readonly size: number }>(fstat);

/** A file by its descriptor: one object and one promise per call, no stream, no buffer of its own. */
class HostFile implements OpenFile {
  readonly #fd: number;
  readonly #path: string;
  #closing: Promise<void> | undefined;

  constructor(fd: number, path: string) {
    this.#fd = fd;
    this.#path = path;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const into = new Uint8Array(length);
    let filled = 0;
    // The system may give less than asked for before the end of the file.
    while (filled < length) {
      const got = await this.#readOnce(into, filled, length - filled, offset + filled);
      if (got === 0) break;
      filled += got;
    }
    return filled === length ? into : into.slice(0, filled);
  }

  async write(offset: number, pieces: readonly Uint8Array[]): Promise<void> {
    let rest = pieces;
    let left = pieces.reduce((sum, p) => sum + p.length, 0);
    let position = offset;
    while (left > 0) {
      const written = await this.#writeOnce(rest, position);
      position += written;
      left -= written;
      if (left > 0) rest = after(rest, written);
    }
  }

  sync(): Promise<void> {
    return at('sync', this.#path, syncAsync(this.#fd));
  }
  truncate(length: number): Promise<void> {
    return at('truncate', this.#path, truncateAsync(this.#fd, length));
  }
  async size(): Promise<number> {
    return (await at('stat', this.#path, statAsync(this.#fd))).size;
  }
  close(): Promise<void> {
    return (this.#closing ??= at('close', this.#path, closeAsync(this.#fd)));
  }

  #readOnce(into: Uint8Array, from: number, length: number, position: number): Promise<number> {
    return new Promise((done, fail) => {
      read(this.#fd, into, from, length, position, (e, got) =>
        e ? fail(faultFromSystem(e, 'read', this.#path)) : done(got),
      );
    });
  }
  #writeOnce(pieces: readonly Uint8Array[], position: number): Promise<number> {
    return new Promise((done, fail) => {
      writev(this.#fd, pieces, position, (e, written) =>
        e ? fail(faultFromSystem(e, 'write', this.#path)) : done(written),
      );
    });
  }
}

/** The pieces without their first `skip` bytes. */
function after(pieces: readonly Uint8Array[], skip: number): Uint8Array[] {
  const rest: Uint8Array[] = [];
  for (const p of pieces) {
    if (skip < p.length) rest.push(skip === 0 ? p : p.subarray(skip));
    skip = Math.max(0, skip - p.length);
  }
  return rest;
}

const byBytes = (a: { name: string }, b: { name: string }): number =>
  Buffer.compare(Buffer.from(a.name), Buffer.from(b.name));

const kindOf = (e: { isFile(): boolean; isDirectory(): boolean }): FileStat['kind'] =>
  e.isFile() ? 'file' : e.isDirectory() ? 'folder' : 'other';

async function syncFolder(path: string): Promise<void> {
  const handle = await openHandle(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function append(path: string, text: string): Promise<void> {
  const handle = await openHandle(path, 'a', 0o644);
  try {
    await handle.appendFile(text);
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

async function writeText(path: string, text: string, mode: number): Promise<void> {
  const temporary = `${path}.tmp`;
  const handle = await openHandle(temporary, 'w', mode);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
  await syncFolder(dirname(path));
}

/**
 * SQLite's lock is the one lock of the system that dies with its process, keeps threads of one
 * process apart too, and that Node can take: the lock file is an empty database, held exclusively.
 */
async function lock(path: string): Promise<{ release(): Promise<void> }> {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: 0 });
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (e) {
    database?.close();
    const { errcode } = e as { errcode?: number };
    // SQLITE_BUSY is 5; its extended codes have it in the low byte.
    if (errcode !== undefined && (errcode & 0xff) === 5)
      throw new Fault('state', 'locked', `${path} is held by another writer`, { path }, e);
    throw new Fault('storage', 'io-error', `cannot lock ${path}: ${(e as Error).message}`, { path }, e);
  }
  const held = database;
  return {
    release: async () => {
      if (held.isOpen) held.close();
    },
  };
}

export function createFiles(): Files {
  return {
    open: async (path, how) => new HostFile(await at('open', path, openAsync(path, flags[how], 0o644)), path),
    readText: path => at('read', path, readFile(path, 'utf8')),
    writeText: (path, text, mode = 0o644) => at('write', path, writeText(path, text, mode)),
    append: (path, text) => at('append to', path, append(path, text)),
    list: async folder => {
      const entries = await at('list', folder, readdir(folder, { withFileTypes: true }));
      return entries.map(e => ({ name: e.name, kind: kindOf(e) })).sort(byBytes);
    },
    stat: async path => {
      const s = await at('stat', path, stat(path));
      return { size: s.size, modifiedMs: s.mtimeMs, kind: kindOf(s), id: s.ino };
    },
    makeFolder: path => at('make folder', path, makeFolders(path)),
    rename: (from, to) => at('rename', from, rename(from, to)),
    remove: path => at('remove', path, unlink(path)),
    removeEmptyFolder: async path => {
      try {
        await rmdir(path);
      } catch (e) {
        if (!['ENOTEMPTY', 'EEXIST'].includes((e as NodeJS.ErrnoException).code ?? ''))
          throw faultFromSystem(e, 'remove folder', path);
      }
    },
    syncFolder: path => at('sync', path, syncFolder(path)),
    volume: async path => {
      const v = await at('stat volume of', path, statfs(path));
      return { sizeBytes: v.blocks * v.bsize, freeBytes: v.bavail * v.bsize };
    },
    lock,
  };
}
