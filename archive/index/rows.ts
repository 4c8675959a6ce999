/** What the index's tables hold (schema.ts), as the rest of the archive sees it. */
import type { GapReason } from '#media/gap';

export interface TrackRow {
  readonly id: number;
  readonly name: string;
  readonly bytes: number;
  readonly files: number;
}

export interface FileRow {
  readonly id: number;
  readonly track: number;
  readonly beginMs: number;
  readonly endMs: number;
  readonly bytes: number;
  readonly initBytes: number;
  readonly run: number;
  readonly origins: readonly number[];
  readonly format: string;
  readonly open: boolean;
  readonly name: string;
}

export interface GapRow {
  readonly beginMs: number;
  /** Null while it lasts. */
  readonly endMs: number | null;
  readonly reason: GapReason;
  readonly filledMs: number | null;
}

/** A row of `files` as SQLite gives it. */
export interface RawFile {
  readonly id: number;
  readonly track: number;
  readonly begin_ms: number;
  readonly end_ms: number;
  readonly bytes: number;
  readonly init_bytes: number;
  readonly run: number;
  readonly origins: string;
  readonly format: string;
  readonly open: number;
  readonly name: string;
}

/** A row of the table `file` as SQLite gives it. */
export const fileFrom = (r: RawFile): FileRow => ({
  id: r.id,
  track: r.track,
  beginMs: r.begin_ms,
  endMs: r.end_ms,
  bytes: r.bytes,
  initBytes: r.init_bytes,
  run: r.run,
  origins: JSON.parse(r.origins) as number[],
  format: r.format,
  open: r.open === 1,
  name: r.name,
});
