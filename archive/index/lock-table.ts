/**
 * Locks as the index keeps them (api.md 6.4): ranges of a track that neither limits nor calls
 * may delete. Every row is live; whoever deletes takes those out first whose time has passed.
 */
import type { Database } from '#core/world';
import type { Span } from './interval-list.ts';

export interface Lock {
  readonly track: string;
  readonly id: string;
  readonly beginMs: number;
  readonly endMs: number;
  readonly reason: string;
  /** Null: until it is unlocked. */
  readonly untilMs: number | null;
  /** Login of who made it; null when nobody was logged in. */
  readonly by: string | null;
  readonly createdMs: number;
}

const columns = `tracks.name AS track, locks.id AS id, begin_ms AS beginMs, end_ms AS endMs, reason,
  until_ms AS untilMs, made_by AS "by", created_ms AS createdMs`;

export class LockTable {
  readonly #db: Database;
  #changes = 0;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Rises with every change: who has decided by what is locked sees whether it still is so. */
  get changes(): number {
    return this.#changes;
  }

  all(): Lock[] {
    return this.#rows('ORDER BY track, begin_ms, id');
  }
  of(track: number): Lock[] {
    return this.#rows('WHERE locks.track = ? ORDER BY begin_ms, id', track);
  }
  one(track: number, id: string): Lock | undefined {
    return this.#rows('WHERE locks.track = ? AND locks.id = ?', track, id)[0];
  }
  /** Those that overlap `[beginMs, endMs)`, in order. */
  spans(track: number, beginMs: number, endMs: number): Span[] {
    return this.#db
      .all<{ b: number; e: number }>(
        'SELECT begin_ms AS b, end_ms AS e FROM locks WHERE track = ? AND begin_ms < ? AND end_ms > ? ORDER BY begin_ms',
        track,
        endMs,
        beginMs,
      )
      .map(({ b, e }) => [b, e]);
  }
  /** Those whose time has passed at `nowMs`. */
  expired(nowMs: number): Lock[] {
    return this.#rows('WHERE until_ms <= ?', nowMs);
  }

  /** In place of one with the same id. */
  put(track: number, lock: Lock): void {
    this.#changes++;
    const { id, beginMs, endMs, reason, untilMs, by, createdMs } = lock;
    this.#db.run(
      'INSERT OR REPLACE INTO locks VALUES(?, ?, ?, ?, ?, ?, ?, ?)',
      track,
      id,
      beginMs,
      endMs,
      reason,
      untilMs,
      by,
      createdMs,
    );
  }
  remove(track: number, id: string): void {
    this.#changes++;
    this.#db.run('DELETE FROM locks WHERE track = ? AND id = ?', track, id);
  }

  /** What the locked files of a track amount to. */
  totals(track: number): { readonly bytes: number; readonly ms: number } {
    let bytes = 0;
    let ms = 0;
    for (const [begin, end] of this.#merged(track)) {
      const sum = this.#db.all<{ bytes: number | null; ms: number | null }>(
        `SELECT sum(bytes) AS bytes, sum(end_ms - begin_ms) AS ms FROM files WHERE track = ? AND begin_ms < ?
           AND end_ms > ? AND begin_ms >= coalesce((SELECT max(begin_ms) FROM files WHERE track = ? AND begin_ms <= ?), ?)`,
        track,
        end,
        begin,
        track,
        begin,
        begin,
      )[0];
      bytes += sum?.bytes ?? 0;
      ms += sum?.ms ?? 0;
    }
    return { bytes, ms };
  }

  /** So that no file counts twice: a lock's range up to the end of the files that it touches. */
  #merged(track: number): Span[] {
    const spans: Span[] = [];
    for (const { beginMs, endMs } of this.of(track)) {
      const reach = this.#db.all<{ b: number | null; e: number | null }>(
        `SELECT min(begin_ms) AS b, max(end_ms) AS e FROM files WHERE track = ? AND begin_ms < ? AND end_ms > ?
           AND begin_ms >= coalesce((SELECT max(begin_ms) FROM files WHERE track = ? AND begin_ms <= ?), ?)`,
        track,
        endMs,
        beginMs,
        track,
        beginMs,
        beginMs,
      )[0];
      if (reach?.b == null || reach.e == null) continue;
      const last = spans.at(-1);
      if (last && reach.b < last[1]) spans[spans.length - 1] = [Math.min(last[0], reach.b), Math.max(last[1], reach.e)];
      else spans.push([reach.b, reach.e]);
    }
    return spans;
  }

  #rows(where: string, ...values: readonly (string | number)[]): Lock[] {
    return this.#db.all<Lock>(
      `SELECT ${columns} FROM locks JOIN tracks ON tracks.id = locks.track ${where}`,
      ...values,
    );
  }
}
