/**
 * A disk that outlives the processes which use it, and forgets at a power cut what was not synced, as POSIX lets it: of
 * the bytes not synced any sectors may be there (the others are zeros or what was there before) and any length; of the names in a
 * folder not synced any change may be missing, each for itself. What was begun when a process dies was done, or half done, or not.
 * Left out: a rename is on the medium at once, and so is what SQLite commits (it syncs, and is proven elsewhere).
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fault } from '#core/errors';
import type { Database, Files, OpenFile, SqlValue } from '#core/world';
import type { SeededRandom } from '#fake/world';
import { openDatabase } from '#host/database';

const sectorBytes = 512;

interface Inode {
  readonly id: number;
  data: Uint8Array;
  /** As on the medium. */
  safe: Uint8Array;
  /** Sectors written since the last sync, and whether the length changed. */
  readonly dirty: Set<number>;
  resized: boolean;
  modifiedMs: number;
  /** Where SQLite has it, if it is a database. */
  database: string | undefined;
}
type Node = Inode | 'folder';

export type DiskOperation = keyof Files | 'write' | 'sync' | 'truncate' | 'read' | 'close' | 'commit';

/** One process that uses the disk. */
export interface Life {
  dead: boolean;
  /** Operations begun. */
  steps: number;
  /** It dies in this one. */
  dieAt: number;
  /** The one it died in. */
  died: string;
  wallMs(): number;
  /** May throw a Fault: the operation fails. */
  before(operation: DiskOperation, path: string): void | Promise<void>;
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));
const absent = (path: string): Fault => new Fault('absent', 'not-found', `no ${path}`, { path });
const never = (): Promise<never> => new Promise(() => {});

export class ForgetfulDisk {
  readonly #random: SeededRandom;
  readonly names = new Map<string, Node>();
  /** On the medium. */
  readonly safeNames = new Map<string, Node>();
  /** What a name was since its folder was synced. */
  readonly #changes = new Map<string, (Node | undefined)[]>();
  readonly #locks = new Map<string, Life>();
  readonly #scratch = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'ocellus-disk-'));
  readonly #open = new Map<Database, Life>();
  #inodes = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  /** The databases' files go. */
  end(): void {
    for (const db of this.#open.keys()) db.close();
    rmSync(this.#scratch, { recursive: true, force: true });
  }

  /** A process ends without a word: nothing that it began is heard of again. */
  kill(life: Life): void {
    life.dead = true;
    for (const [db, of] of this.#open)
      if (of === life) {
        db.close();
        this.#open.delete(db);
      }
    for (const [path, of] of this.#locks) if (of === life) this.#locks.delete(path);
  }

  /** The power is gone. Nobody may be alive. */
  powerCut(): void {
    for (const [path, states] of this.#changes) {
      const all = [this.safeNames.get(path), ...states];
      this.#setIn(this.safeNames, path, all[this.#random.below(all.length)]);
    }
    this.#changes.clear();
    for (const path of [...this.safeNames.keys()])
      for (let p = parentOf(path); p !== ''; p = parentOf(p))
        if (this.safeNames.get(p) !== 'folder') this.safeNames.delete(path);
    this.names.clear();
    for (const [path, node] of this.safeNames) {
      if (node !== 'folder') this.#forget(node);
      this.names.set(path, node);
    }
  }

  #forget(node: Inode): void {
    if (node.dirty.size > 0 || node.resized) {
      const { data, safe } = node;
      const way = this.#random.below(4);
      const least = Math.min(data.length, safe.length);
      const most = Math.max(data.length, safe.length);
      const length = [least, most, least + this.#random.below(most - least + 1), data.length][way] ?? least;
      const now = new Uint8Array(length);
      now.set(safe.subarray(0, length));
      for (const sector of node.dirty) {
        if (way === 0 || (way !== 3 && this.#random.below(3) === 0)) continue;
        const at = sector * sectorBytes;
        if (at < length) now.set(data.subarray(at, Math.min(at + sectorBytes, length)), at);
      }
      node.data = now;
    }
    this.#sync(node);
  }

  /** What is on the medium for certain under this name; undefined when the name itself is not. */
  safeBytes(path: string): Uint8Array | undefined {
    for (let p = parentOf(path); p !== ''; p = parentOf(p)) if (this.safeNames.get(p) !== 'folder') return undefined;
    const node = this.safeNames.get(path);
    return node === undefined || node === 'folder' ? undefined : node.safe;
  }
  bytes(path: string): Uint8Array | undefined {
    const node = this.names.get(path);
    return node === undefined || node === 'folder' ? undefined : node.data;
  }
  /** Somebody deletes it by hand, and it is gone for good. */
  take(path: string): void {
    this.names.delete(path);
    this.safeNames.delete(path);
    this.#changes.delete(path);
  }
  /** A connection of the test's own to a database on the disk. */
  look(path: string): Database | undefined {
    const node = this.names.get(path);
    return node === undefined || node === 'folder' || !node.database ? undefined : openDatabase(node.database);
  }

  // What the processes do.

  #setIn(names: Map<string, Node>, path: string, node: Node | undefined): void {
    if (node === undefined) names.delete(path);
    else names.set(path, node);
  }
  #name(path: string, node: Node | undefined): void {
    this.#setIn(this.names, path, node);
    const states = this.#changes.get(path);
    if (states) states.push(node);
    else this.#changes.set(path, [node]);
  }
  #nameAtOnce(path: string, node: Node | undefined): void {
    this.#setIn(this.names, path, node);
    this.#setIn(this.safeNames, path, node);
    this.#changes.delete(path);
  }
  #newInode(wallMs: number): Inode {
    const none = new Uint8Array();
    return {
      id: ++this.#inodes,
      data: none,
      safe: none,
      dirty: new Set(),
      resized: false,
      modifiedMs: wallMs,
      database: undefined,
    };
  }
  #file(path: string): Inode {
    const node = this.names.get(path);
    if (node === undefined) throw absent(path);
    if (node === 'folder') throw new Fault('storage', 'io-error', `${path} is a folder`);
    return node;
  }
  #needFolder(path: string): void {
    if (this.names.get(path) !== 'folder' && path !== '' && path !== '/') throw absent(path);
  }
  #write(node: Inode, offset: number, bytes: Uint8Array, wallMs: number): void {
    if (bytes.length === 0) return;
    const end = offset + bytes.length;
    if (end > node.data.length) {
      const grown = new Uint8Array(end);
      grown.set(node.data);
      node.data = grown;
      node.resized = true;
    }
    node.data.set(bytes, offset);
    node.modifiedMs = wallMs;
    for (let s = Math.floor(offset / sectorBytes); s * sectorBytes < end; s++) node.dirty.add(s);
  }
  #sync(node: Inode): void {
    node.safe = node.data.slice();
    node.dirty.clear();
    node.resized = false;
  }

  /** `apply`: what it does, whole or, for a write, with a part of its bytes; before or behind the time that it takes. */
  async #step<T>(life: Life, operation: DiskOperation, path: string, apply: (part: number) => T): Promise<T> {
    if (life.dead) return never();
    const dies = ++life.steps === life.dieAt;
    if (dies) {
      life.died = `${operation} ${path} (step ${life.steps})`;
      try {
        if (this.#random.below(2) === 0) apply(this.#random.unit());
      } catch {
        // Whether it would have failed, nobody is left to hear.
      }
      this.kill(life);
      return never();
    }
    await life.before(operation, path);
    if (life.dead) return never();
    const turns = this.#random.below(10) < 7 ? 0 : 1 + this.#random.below(3);
    const early = this.#random.below(2) === 0;
    let result: T | undefined;
    if (early) result = apply(1);
    for (let i = 0; i < turns; i++) await new Promise(setImmediate);
    if (life.dead) return never();
    return early ? (result as T) : apply(1);
  }

  files(life: Life): Files {
    const step = <T>(operation: DiskOperation, path: string, apply: (part: number) => T): Promise<T> =>
      this.#step(life, operation, path, apply);
    const makeFolders = (path: string): void => {
      if (path === '' || this.names.get(path) === 'folder') return;
      makeFolders(parentOf(path));
      this.#name(path, 'folder');
    };
    const inside = (folder: string): string[] => [...this.names.keys()].filter(p => parentOf(p) === folder);
    return {
      open: (path, how) =>
        step('open', path, () => {
          this.#needFolder(parentOf(path));
          if (how !== 'create') return this.#handle(life, path, this.#file(path));
          if (this.names.has(path)) throw new Fault('storage', 'exists', `${path} exists`, { path });
          const node = this.#newInode(life.wallMs());
          this.#name(path, node);
          return this.#handle(life, path, node);
        }),
      readText: path => step('readText', path, () => new TextDecoder().decode(this.#file(path).data)),
      writeText: (path, text) =>
        step('writeText', path, () => {
          this.#needFolder(parentOf(path));
          const node = this.#newInode(life.wallMs());
          node.data = new TextEncoder().encode(text);
          this.#sync(node);
          this.#nameAtOnce(path, node);
        }),
      append: (path, text) =>
        step('append', path, part => {
          this.#needFolder(parentOf(path));
          if (!this.names.has(path)) this.#name(path, this.#newInode(life.wallMs()));
          const node = this.#file(path);
          const bytes = new TextEncoder().encode(text);
          this.#write(node, node.data.length, bytes.subarray(0, Math.round(part * bytes.length)), life.wallMs());
          if (part === 1) this.#sync(node);
        }),
      list: folder =>
        step('list', folder, () => {
          this.#needFolder(folder);
          return inside(folder)
            .map(
              p =>
                ({
                  name: p.slice(folder.length + 1),
                  kind: this.names.get(p) === 'folder' ? 'folder' : 'file',
                }) as const,
            )
            .sort((a, b) => (a.name < b.name ? -1 : 1));
        }),
      stat: path =>
        step('stat', path, () => {
          const node = this.names.get(path);
          if (node === 'folder') return { size: 0, modifiedMs: 0, kind: 'folder' as const, id: 0 };
          const { data, modifiedMs, id } = this.#file(path);
          return { size: data.length, modifiedMs, kind: 'file' as const, id };
        }),
      makeFolder: path => step('makeFolder', path, () => makeFolders(path)),
      rename: (from, to) =>
        step('rename', from, () => {
          const node = this.#file(from);
          this.#nameAtOnce(from, undefined);
          this.#nameAtOnce(to, node);
        }),
      remove: path =>
        step('remove', path, () => {
          this.#file(path);
          this.#name(path, undefined);
        }),
      removeEmptyFolder: path =>
        step('removeEmptyFolder', path, () => {
          this.#needFolder(path);
          if (inside(path).length === 0) this.#name(path, undefined);
        }),
      syncFolder: named =>
        step('syncFolder', named, () => {
          const path = named.replace(/(?<=.)\/$/, '');
          this.#needFolder(path);
          for (const p of [...this.#changes.keys()])
            if (parentOf(p) === (path === '/' ? '' : path)) {
              this.#setIn(this.safeNames, p, this.names.get(p));
              this.#changes.delete(p);
            }
        }),
      volume: path => step('volume', path, () => ({ sizeBytes: 1e12, freeBytes: 5e11 })),
      lock: path =>
        step('lock', path, () => {
          if (this.#locks.has(path)) throw new Fault('state', 'locked', `${path} is held by another writer`);
          this.#locks.set(path, life);
          return { release: async () => void this.#locks.delete(path) };
        }),
    };
  }

  #handle(life: Life, path: string, node: Inode): OpenFile {
    return {
      read: (offset, length) => this.#step(life, 'read', path, () => node.data.slice(offset, offset + length)),
      write: (offset, pieces) =>
        this.#step(life, 'write', path, part => {
          let left = Math.round(part * pieces.reduce((sum, p) => sum + p.length, 0));
          for (const piece of pieces) {
            const now = piece.subarray(0, Math.min(piece.length, left));
            this.#write(node, offset, now, life.wallMs());
            offset += now.length;
            left -= now.length;
          }
        }),
      sync: () => this.#step(life, 'sync', path, part => part === 1 && this.#sync(node)).then(() => {}),
      truncate: length =>
        this.#step(life, 'truncate', path, () => {
          if (length >= node.data.length) return;
          node.data = node.data.slice(0, length);
          node.resized = true;
        }),
      size: async () => (life.dead ? never() : node.data.length),
      close: () => this.#step(life, 'close', path, () => {}),
    };
  }

  /** SQLite for a process: it can die before a commit and behind it. */
  openDatabase(life: Life, path: string): Database {
    const gone = (): never => {
      throw new Fault('cancelled', 'stopped', 'the process is dead');
    };
    if (life.dead) gone();
    let node = this.names.get(path);
    if (node === undefined) {
      this.#needFolder(parentOf(path));
      node = this.#newInode(life.wallMs());
      node.database = join(this.#scratch, `${node.id}.sqlite3`);
      this.#nameAtOnce(path, node);
    }
    if (node === 'folder' || !node.database) throw new Fault('storage', 'database', 'file is not a database');
    const real = openDatabase(node.database);
    this.#open.set(real, life);
    const commit = <T>(work: () => T): T => {
      if (life.dead) gone();
      if (++life.steps !== life.dieAt) return work();
      life.died = `commit (step ${life.steps})`;
      if (this.#random.below(2) === 0) work();
      this.kill(life);
      return gone();
    };
    let inTransaction = false;
    return {
      exec: sql => (life.dead ? gone() : real.exec(sql)),
      run: (sql: string, ...values: readonly SqlValue[]) => {
        if (sql === 'VACUUM INTO ?') {
          const to = String(values[0]);
          return commit(() => {
            const copy = this.#newInode(life.wallMs());
            copy.database = join(this.#scratch, `${copy.id}.sqlite3`);
            this.#nameAtOnce(to, copy);
            return real.run(sql, copy.database);
          });
        }
        return inTransaction ? real.run(sql, ...values) : commit(() => real.run(sql, ...values));
      },
      all: <Row>(sql: string, ...values: readonly SqlValue[]): Row[] =>
        life.dead ? gone() : real.all<Row>(sql, ...values),
      transaction: work =>
        commit(() => {
          inTransaction = true;
          try {
            return real.transaction(work);
          } finally {
            inTransaction = false;
          }
        }),
      close: () => {
        if (life.dead) return;
        real.close();
        this.#open.delete(real);
      },
    };
  }
}
