/**
 * The database behind an index, which can change its file while it is in use: when somebody
 * deletes the index of a running archive, SQLite writes what it still holds to the name
 * again (archive/DESIGN.md, "Lost index").
 */
import type { Database, SqlValue } from '#core/world';

export class LiveDatabase implements Database {
  #now: Database;

  constructor(database: Database) {
    this.#now = database;
  }

  /** Writes a whole copy to `path`, where nothing may be, and goes on with what `open` opens there. */
  moveTo(path: string, open: () => Database): void {
    this.#now.run('VACUUM INTO ?', path);
    // Its end takes files of the same name along, so it comes before the beginning of the other.
    this.#now.close();
    this.#now = open();
  }

  exec(sql: string): void {
    this.#now.exec(sql);
  }
  run(sql: string, ...values: readonly SqlValue[]): { readonly changes: number; readonly lastId: number } {
    return this.#now.run(sql, ...values);
  }
  all<Row = Readonly<Record<string, SqlValue>>>(sql: string, ...values: readonly SqlValue[]): Row[] {
    return this.#now.all<Row>(sql, ...values);
  }
  transaction<T>(work: () => T): T {
    return this.#now.transaction(work);
  }
  close(): void {
    this.#now.close();
  }
}
