/**
 * What the library answers: asynchronous methods, plain data, so that it can live in another
 * thread. One connection is one archive folder; `open` comes first, `close` last.
 */
import type { MediaAnswer } from '#core/bytes';
import type { GapReason } from '#media/gap';
import type { Note } from './notes.ts';

/** Limits of config.md 10.1; undefined is none. */
export interface Limits {
  readonly max_size_gb?: number | undefined;
  readonly keep_free_percents?: number | undefined;
  readonly max_depth_abs_hours?: number | undefined;
  readonly max_depth_rel_hours?: number | undefined;
}

export interface AllLimits {
  readonly limits: Limits;
  readonly tracks: Readonly<Record<string, { readonly limits?: Limits | undefined }>>;
}

export interface KnownTrack {
  readonly track: string;
  /** Where its footage ends; null without any. */
  readonly lastMs: number | null;
  readonly openGap: { readonly beginMs: number; readonly reason: GapReason } | null;
}

export interface Opened {
  readonly tracks: readonly KnownTrack[];
  /** The archive was not stopped in order last time. */
  readonly unclean: boolean;
}

export interface Range {
  readonly beginMs: number | undefined;
  readonly endMs: number | undefined;
}

export interface Summary {
  readonly disk_usage: number;
  readonly disk_free_space: number;
  readonly contexts: Readonly<Record<string, TrackSummary>>;
}
export interface TrackSummary {
  readonly disk_usage: number;
  readonly time_boundaries: string[] | null;
}
export interface TrackDetails extends TrackSummary {
  readonly timeline: string[][];
}
export interface GapEntry {
  readonly begin: string;
  readonly end: string;
  readonly reason: GapReason;
  readonly filled?: string;
}

export interface ExportRequest {
  readonly track: string;
  readonly beginMs: number;
  readonly endMs: number;
  readonly format: 'isom' | 'fmp4' | 'ts';
  readonly gaps: 'skip' | 'keep';
}

export interface Library {
  /** Takes the folder's lock, opens or makes the index, repairs what a crash left. Fault `state` when somebody else writes there. */
  open(folder: string): Promise<Opened>;
  commit(notes: readonly Note[]): Promise<void>;
  /** As `open` told it, but now; undefined for a track that was never told of. */
  known(track: string): Promise<KnownTrack | undefined>;
  /** Deletes what the limits want deleted. `full`: a limit is passed and nothing deletable is left. */
  retain(limits: AllLimits): Promise<{ readonly full: boolean; readonly deletedBytes: number }>;
  /** After an orderly stop of the recorder. */
  close(): Promise<void>;

  summary(): Promise<Summary>;
  channelSummary(track: string, range: Range): Promise<TrackDetails>;
  gaps(track: string, range: Range): Promise<readonly GapEntry[]>;
  playlist(track: string, range: Range, container: 'fmp4' | 'ts'): Promise<MediaAnswer>;
  hls(track: string, path: string): Promise<MediaAnswer>;
  export(request: ExportRequest): Promise<MediaAnswer>;
}
