/** Hashes of files and the last link of each track's chain, as the index keeps them (archive/DESIGN.md, "Chain"). */
import type { Database } from '#core/world';
import { type FileRow, fileFrom, type RawFile } from './rows.ts';

/** A file whose hash the ledger knows. */
export interface KnownHash {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

export class HashTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** The newest closed file without a hash, of those that begin at `sinceMs` or later. */
  next(sinceMs: number): FileRow | undefined {
    return this.#db
      .all<RawFile>(
        'SELECT * FROM files WHERE hash IS NULL AND open = 0 AND begin_ms >= ? ORDER BY begin_ms DESC LIMIT 1',
        sinceMs,
      )
      .map(fileFrom)[0];
  }
  of(name: string): string | undefined {
    return this.#db.all<{ hash: string | null }>('SELECT hash FROM files WHERE name = ?', name)[0]?.hash ?? undefined;
  }
  /** Of a file that is listed; of others it is without effect. */
  set(name: string, sha256: string): void {
    this.#db.run('UPDATE files SET hash = ? WHERE name = ?', sha256, name);
  }

  chain(track: string): string {
    return this.#db.all<{ chain: string }>('SELECT chain FROM tracks WHERE name = ?', track)[0]?.chain ?? '';
  }
  setChain(track: string, chain: string): void {
    this.#db.run('UPDATE tracks SET chain = ? WHERE name = ?', chain, track);
  }

  /** The ledger's hashes, for files that are not listed yet; listed ones take theirs at once. */
  expect(known: readonly KnownHash[]): void {
    this.#db.transaction(() => {
      for (const { file, bytes, sha256 } of known) {
        this.#db.run('INSERT OR REPLACE INTO known_hashes VALUES(?, ?, ?)', file, bytes, sha256);
        this.#db.run('UPDATE files SET hash = ? WHERE name = ? AND bytes = ? AND open = 0', sha256, file, bytes);
      }
    });
  }
  expected(name: string, bytes: number): string | undefined {
    return this.#db.all<{ hash: string }>('SELECT hash FROM known_hashes WHERE name = ? AND bytes = ?', name, bytes)[0]
      ?.hash;
  }
  expectNone(): void {
    this.#db.run('DELETE FROM known_hashes');
  }
}
