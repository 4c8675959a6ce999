/**
 * World.openDatabase made real: SQLite through `node:sqlite`. Synchronous, so only threads
 * that may block open one. WAL, so that readers of a copy and crashes do no harm.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { Fault, faultFrom } from '#core/errors';
import type { Database, SqlValue } from '#core/world';

/** Statements kept compiled. Texts are literals in the code, so the number is theirs; the bound is for who builds texts. */
const keptStatements = 200;

/** What the operator can tell apart: SQLITE_CORRUPT, SQLITE_FULL, SQLITE_NOTADB. */
const codes: Readonly<Record<number, string>> = { 11: 'index-damaged', 13: 'disk-full', 26: 'index-damaged' };

class HostDatabase implements Database {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #statements = new Map<string, StatementSync>();

  constructor(path: string) {
    this.#path = path;
    this.#database = this.#guard(() => new DatabaseSync(path, { timeout: 5000 }));
    this.#guard(() => this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON'));
  }

  exec(sql: string): void {
    this.#guard(() => this.#database.exec(sql));
  }

  run(sql: string, ...values: readonly SqlValue[]): { readonly changes: number; readonly lastId: number } {
    return this.#guard(() => {
      const { changes, lastInsertRowid } = this.#statement(sql).run(...values);
      return { changes: Number(changes), lastId: Number(lastInsertRowid) };
    });
  }

  all<Row>(sql: string, ...values: readonly SqlValue[]): Row[] {
    return this.#guard(() => this.#statement(sql).all(...values) as Row[]);
  }

  transaction<T>(work: () => T): T {
    this.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.exec('COMMIT');
      return result;
    } catch (e) {
      // SQLite may have rolled back by itself (disk full); then there is nothing left to undo.
      if (this.#database.isTransaction) this.exec('ROLLBACK');
      throw faultFrom(e);
    }
  }

  close(): void {
    this.#statements.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const fresh = this.#database.prepare(sql);
    if (this.#statements.size >= keptStatements) this.#statements.clear();
    this.#statements.set(sql, fresh);
    return fresh;
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (e) {
      if (e instanceof Fault) throw e;
      const { errcode, message } = e as { errcode?: number; message: string };
      const code = codes[(errcode ?? 0) & 0xff] ?? 'database';
      throw new Fault('storage', code, `${this.#path}: ${message}`, { path: this.#path, sqlite: errcode }, e);
    }
  }
}

export const openDatabase = (path: string): Database => new HostDatabase(path);
