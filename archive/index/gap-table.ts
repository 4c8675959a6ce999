/** Why there is no footage (api.md 6.5), as the index keeps it; mirrored in the ledger. Gaps of a track do not overlap. */
import type { Database } from '#core/world';
import type { GapReason } from '#media/gap';
import { joinMs } from './interval-list.ts';
import type { GapRow } from './rows.ts';

const columns = 'begin_ms AS beginMs, end_ms AS endMs, reason, filled_ms AS filledMs';

export class GapTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Gaps that overlap `[beginMs, endMs)`, in order. */
  within(track: number, beginMs: number, endMs: number): GapRow[] {
    return this.#db.all<GapRow>(
      `SELECT ${columns} FROM gaps
       WHERE track = ? AND begin_ms < ? AND (end_ms IS NULL OR end_ms > ?) ORDER BY begin_ms`,
      track,
      endMs,
      beginMs,
    );
  }

  /** The one that lasts. */
  open(track: number): GapRow | undefined {
    return this.#db.all<GapRow>(
      `SELECT ${columns} FROM gaps WHERE track = ? AND end_ms IS NULL ORDER BY begin_ms DESC LIMIT 1`,
      track,
    )[0];
  }

  /** In place of one with the same begin. One of less than a second is none, unless it is a filled part of a longer one. Part of the caller's transaction. */
  put(track: number, gap: Omit<GapRow, 'filledMs'> & { readonly reason: GapReason; readonly filledMs?: number }): void {
    const { beginMs, endMs, reason, filledMs = null } = gap;
    if (endMs !== null && filledMs === null && endMs - beginMs < joinMs)
      this.#db.run('DELETE FROM gaps WHERE track = ? AND begin_ms = ?', track, beginMs);
    else
      this.#db.run(
        `INSERT INTO gaps(track, begin_ms, end_ms, reason, filled_ms) VALUES(?, ?, ?, ?, ?)
         ON CONFLICT(track, begin_ms) DO UPDATE SET
           end_ms = excluded.end_ms, reason = excluded.reason, filled_ms = excluded.filled_ms`,
        track,
        beginMs,
        endMs,
        reason,
        filledMs,
      );
  }

  /** Those that ended before `beforeMs`. Part of the caller's transaction. */
  forgetOld(track: number, beforeMs: number): void {
    this.#db.run('DELETE FROM gaps WHERE track = ? AND end_ms IS NOT NULL AND end_ms <= ?', track, beforeMs);
  }
}
