/**
 * A disk in memory that can fail, be slow, and lose what was not synced. Folders are made
 * implicitly durable by `syncFolder`; a file whose folder was not synced is gone after a power cut.
 */
import { Fault } from '#core/errors';
import type { FileStat, Files, OpenFile } from '#core/world';

interface Entry {
  data: Uint8Array;
  size: number;
  /** What a power cut leaves; undefined: not even the name. */
  safe: Uint8Array | undefined;
  named: boolean;
  modifiedMs: number;
}

export type Operation =
  | 'open'
  | 'read'
  | 'write'
  | 'sync'
  | 'truncate'
  | 'close'
  | 'remove'
  | 'append'
  | 'list'
  | 'syncFolder';

const absent = (path: string): Fault => new Fault('absent', 'not-found', `no ${path}`, { path });
const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));

export class FakeFiles implements Files {
  readonly entries = new Map<string, Entry>();
  readonly folders = new Set<string>();
  /** Called before every operation: may throw a Fault (it fails) or return a promise (it is slow). */
  before: (operation: Operation, path: string) => void | Promise<void> = () => {};
  /** Bytes that may still be written; past it a write is cut short and fails with `disk-full`. */
  spaceBytes = Number.POSITIVE_INFINITY;
  sizeBytes = 1e12;
  freeBytes = 5e11;
  /** Files open now; a test asserts that none is left. */
  openCount = 0;
  reads = 0;
  writes = 0;
  syncs = 0;
  readonly #locks = new Set<string>();
  readonly #ids = new WeakMap<Entry, number>();
  #lastId = 0;
  /** Handles of a dead process do nothing. */
  #generation = 0;

  /** The process is gone: every write that was accepted stays. */
  kill(): void {
    this.#generation++;
    this.openCount = 0;
    this.#locks.clear();
  }

  /** The power is gone: only what was synced stays. */
  powerCut(): void {
    this.kill();
    for (const [path, e] of this.entries) {
      if (!e.safe || !e.named) this.entries.delete(path);
      else {
        e.data = e.safe.slice();
        e.size = e.safe.length;
      }
    }
  }

  bytesOf(path: string): Uint8Array {
    const e = this.entries.get(path);
    if (!e) throw absent(path);
    return e.data.slice(0, e.size);
  }

  put(path: string, bytes: Uint8Array): void {
    this.#makeFolders(parentOf(path));
    this.entries.set(path, {
      data: bytes.slice(),
      size: bytes.length,
      safe: bytes.slice(),
      named: true,
      modifiedMs: 0,
    });
  }

  async open(path: string, how: 'read' | 'create' | 'edit'): Promise<OpenFile> {
    await this.before('open', path);
    if (how === 'create') {
      if (this.entries.has(path)) throw new Fault('storage', 'exists', `${path} exists`, { path });
      if (!this.folders.has(parentOf(path))) throw absent(parentOf(path));
      this.entries.set(path, { data: new Uint8Array(1024), size: 0, safe: undefined, named: false, modifiedMs: 0 });
    }
    const entry = this.entries.get(path);
    if (!entry) throw absent(path);
    this.openCount++;
    return this.#handle(path, entry);
  }

  #handle(path: string, entry: Entry): OpenFile {
    const generation = this.#generation;
    let closed = false;
    const begin = async (operation: Operation): Promise<void> => {
      await this.before(operation, path);
      if (generation !== this.#generation) await new Promise<never>(() => {});
      if (closed) throw new Fault('storage', 'io-error', `${path} is closed`);
    };
    return {
      read: async (offset, length) => {
        await begin('read');
        this.reads++;
        return entry.data.slice(offset, Math.min(entry.size, offset + length));
      },
      write: async (offset, pieces) => {
        await begin('write');
        this.writes++;
        for (const piece of pieces) {
          const fits = Math.min(piece.length, this.spaceBytes);
          this.#put(entry, offset, piece.subarray(0, fits));
          this.spaceBytes -= fits;
          offset += fits;
          if (fits < piece.length) throw new Fault('storage', 'disk-full', `cannot write ${path}: ENOSPC`, { path });
        }
      },
      sync: async () => {
        // What comes while the sync is under way is not promised.
        const { data, size } = entry;
        await begin('sync');
        this.syncs++;
        entry.safe = data.slice(0, Math.min(size, entry.size));
      },
      truncate: async length => {
        await begin('truncate');
        entry.size = Math.min(entry.size, length);
      },
      size: async () => entry.size,
      close: async () => {
        if (closed || generation !== this.#generation) return;
        await begin('close');
        closed = true;
        this.openCount--;
      },
    };
  }

  #put(entry: Entry, offset: number, bytes: Uint8Array): void {
    if (offset + bytes.length > entry.data.length) {
      const grown = new Uint8Array(Math.max(2 * entry.data.length, offset + bytes.length));
      grown.set(entry.data.subarray(0, entry.size));
      entry.data = grown;
    }
    entry.data.set(bytes, offset);
    entry.size = Math.max(entry.size, offset + bytes.length);
  }

  async readText(path: string): Promise<string> {
    return new TextDecoder().decode(this.bytesOf(path));
  }
  async writeText(path: string, text: string): Promise<void> {
    this.put(path, new TextEncoder().encode(text));
  }
  async append(path: string, text: string): Promise<void> {
    await this.before('append', path);
    if (!this.folders.has(parentOf(path))) throw absent(parentOf(path));
    const old = this.entries.has(path) ? await this.readText(path) : '';
    this.put(path, new TextEncoder().encode(old + text));
  }
  async list(folder: string): Promise<{ name: string; kind: 'file' | 'folder' }[]> {
    await this.before('list', folder);
    if (!this.folders.has(folder)) throw absent(folder);
    const inside = (path: string): boolean => parentOf(path) === folder;
    const name = (path: string): string => path.slice(folder.length + 1);
    return [
      ...[...this.folders].filter(inside).map(p => ({ name: name(p), kind: 'folder' as const })),
      ...[...this.entries.keys()].filter(inside).map(p => ({ name: name(p), kind: 'file' as const })),
    ].sort((a, b) => (a.name < b.name ? -1 : 1));
  }
  async stat(path: string): Promise<FileStat> {
    const e = this.entries.get(path);
    if (e) return { size: e.size, modifiedMs: e.modifiedMs, kind: 'file', id: this.#idOf(e) };
    if (this.folders.has(path)) return { size: 0, modifiedMs: 0, kind: 'folder', id: 0 };
    throw absent(path);
  }
  #idOf(entry: Entry): number {
    const id = this.#ids.get(entry) ?? ++this.#lastId;
    this.#ids.set(entry, id);
    return id;
  }
  async makeFolder(path: string): Promise<void> {
    this.#makeFolders(path);
  }
  async rename(from: string, to: string): Promise<void> {
    const e = this.entries.get(from);
    if (!e) throw absent(from);
    this.entries.delete(from);
    this.entries.set(to, e);
  }
  async remove(path: string): Promise<void> {
    await this.before('remove', path);
    if (!this.entries.delete(path)) throw absent(path);
  }
  async removeEmptyFolder(path: string): Promise<void> {
    if (!this.folders.has(path)) throw absent(path);
    if ((await this.list(path)).length === 0) this.folders.delete(path);
  }
  async syncFolder(path: string): Promise<void> {
    await this.before('syncFolder', path);
    for (const [p, e] of this.entries) if (parentOf(p) === path) e.named = true;
  }
  async volume(): Promise<{ sizeBytes: number; freeBytes: number }> {
    return { sizeBytes: this.sizeBytes, freeBytes: this.freeBytes };
  }
  async lock(path: string): Promise<{ release(): Promise<void> }> {
    if (this.#locks.has(path)) throw new Fault('state', 'locked', `${path} is held by another writer`);
    this.#locks.add(path);
    return { release: async () => void this.#locks.delete(path) };
  }

  #makeFolders(path: string): void {
    for (let p = path; p !== ''; p = parentOf(p)) this.folders.add(p);
  }
}
