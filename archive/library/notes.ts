/**
 * What the recorder tells the library, in order: plain data that crosses threads. A list of
 * notes is one transaction.
 */
import type { GapReason } from '#media/gap';

export type Note =
  /** A track that is meant to be recorded, perhaps without any footage yet. */
  | { readonly is: 'track'; readonly track: string }
  | OpenedNote
  /** These fragments are wholly on the medium. Packed records (format/record.ts). */
  | { readonly is: 'safe'; readonly path: string; readonly records: Uint8Array }
  | ClosedNote
  /** Told again with the same begin when it ends; a gap below a second is forgotten then. */
  | GapNote
  /** From `atMs` on times are this far ahead of the wall clock. */
  | { readonly is: 'clock'; readonly track: string; readonly atMs: number; readonly offsetMs: number };

export interface OpenedNote {
  readonly is: 'opened';
  readonly track: string;
  /** Below the archive's folder. */
  readonly path: string;
  readonly beginMs: number;
  readonly run: number;
  readonly origins: readonly number[];
  readonly initBytes: number;
  /** Init segment without uuid box, and its hash. */
  readonly init: Uint8Array;
  readonly format: string;
}

/** Nothing more comes; without any fragment the file is to be deleted. */
export interface ClosedNote {
  readonly is: 'closed';
  readonly path: string;
  /** Of the whole file, with what follows its last fragment; undefined: nothing does. */
  readonly bytes?: number;
  /** SHA-256 of the whole file, where it is known already. */
  readonly sha256?: string | undefined;
}

export interface GapNote {
  readonly is: 'gap';
  readonly track: string;
  readonly beginMs: number;
  readonly endMs: number | null;
  readonly reason: GapReason;
  /** When footage for it arrived from elsewhere. */
  readonly filledMs?: number;
}
