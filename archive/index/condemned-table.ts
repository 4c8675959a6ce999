/** Files that are no longer listed and still to be unlinked (archive/DESIGN.md, "Delete"). */
import type { Database } from '#core/world';

export class CondemnedTable {
  readonly #db: Database;
  /** Being written: not to be unlinked before a crash. */
  readonly #reserved = new Set<string>();

  constructor(db: Database) {
    this.#db = db;
  }

  /** What is to be unlinked now. */
  names(): string[] {
    return this.#db
      .all<{ name: string }>('SELECT name FROM condemned')
      .map(r => r.name)
      .filter(name => !this.#reserved.has(name));
  }
  has(name: string): boolean {
    return this.#db.all('SELECT 1 FROM condemned WHERE name = ?', name).length > 0;
  }
  add(name: string): void {
    this.#db.run('INSERT OR IGNORE INTO condemned VALUES(?)', name);
  }
  /** Of files that are unlinked. */
  forget(names: readonly string[]): void {
    this.#db.transaction(() => {
      for (const name of names) this.#db.run('DELETE FROM condemned WHERE name = ?', name);
    });
  }

  /** A file that is about to be written and not to outlive a crash until it is listed. */
  reserve(name: string): void {
    this.#reserved.add(name);
    this.add(name);
  }
  /** It is listed now: part of the caller's transaction. */
  keep(name: string): void {
    this.#db.run('DELETE FROM condemned WHERE name = ?', name);
  }
  /** Ends the reservation; what was not kept is unlinked from now on. */
  release(name: string): void {
    this.#reserved.delete(name);
  }
}
