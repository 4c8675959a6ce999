/**
 * What the library answers: asynchronous methods, plain data, so that it can live in another
 * thread. One connection is one archive folder; `open` comes first, `close` last.
 */
import type { ReadRequest, RecordedPiece } from '#capability/recorded-media';
import type { MediaAnswer } from '#core/bytes';
import type { GapReason } from '#media/gap';
import type { Missing } from './missing.ts';
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

export interface ElementaryRequest {
  readonly track: string;
  readonly beginMs: number;
  readonly endMs: number;
  readonly media: 'video' | 'audio';
}

/** As api.md 6.2 tells it. */
export interface KeyframeEntry {
  readonly time: string;
  readonly size: number;
}

/** What one round of keeping the limits did. */
export interface Retained {
  /** A limit is passed and nothing deletable is left; `fullTracks`: the own limit of these tracks. */
  readonly full: boolean;
  readonly fullTracks: readonly string[];
  /** There is more to delete: ask again soon. */
  readonly more: boolean;
  readonly deletedBytes: number;
  /** Locks whose time has passed. */
  readonly expired: readonly LockEntry[];
}

/** As api.md 6.4 tells it. */
export interface LockEntry {
  readonly track: string;
  readonly id: string;
  readonly begin: string;
  readonly end: string;
  readonly reason: string;
  readonly until: string | null;
  readonly by: string | null;
  readonly created: string;
}
export interface NewLock {
  readonly track: string;
  readonly id: string;
  readonly beginMs: number;
  readonly endMs: number;
  readonly reason: string;
  readonly untilMs: number | null;
  readonly by: string | null;
}

/** As api.md 6.3 tells it. */
export interface Deletion {
  readonly deleted_bytes: number;
  readonly deleted: string[][];
  readonly kept: string[][];
}

export interface Rescan {
  /** Files that are listed now and were not. */
  readonly found: number;
  /** Files that are listed no more. */
  readonly missing: number;
}

/** As api.md 6.6 tells it. */
export interface Forecast {
  readonly volume: { readonly size: number; readonly free: number };
  /** Those in force, of the whole archive. */
  readonly limits: {
    max_size_gb?: number;
    keep_free_percents?: number;
    max_depth_abs_hours?: number;
    max_depth_rel_hours?: number;
  };
  readonly tracks: Record<string, TrackForecast>;
  readonly full_at: string | null;
  readonly advice: string[];
}
export interface TrackForecast {
  readonly bytes_per_day: number;
  readonly depth_hours: number;
  readonly expected_depth_hours: number | null;
  readonly wanted_hours: number | null;
  readonly limited_by: string | null;
  readonly locked_bytes: number;
}

export interface Library {
  /** Takes the folder's lock, opens or makes the index, repairs what a crash left. Fault `state` when somebody else writes there. */
  open(folder: string): Promise<Opened>;
  commit(notes: readonly Note[]): Promise<void>;
  /** As `open` told it, but now; undefined for a track that was never told of. */
  known(track: string): Promise<KnownTrack | undefined>;
  /** Deletes what the limits want deleted, a slice of it. */
  retain(limits: AllLimits): Promise<Retained>;
  /** After an orderly stop of the recorder. */
  close(): Promise<void>;

  /** What of a track is missing and may come from elsewhere, newest first. Nothing of a track that was never told of. */
  missing(track: string, range: Range): Promise<readonly Missing[]>;
  /** A name for a file of the past, below the folder; a start after a crash unlinks it unless it was listed. */
  reserve(track: string, beginMs: number): Promise<string>;
  /** A file with a reserved name is not wanted. */
  unreserve(path: string): Promise<void>;
  /** Lists a file with a reserved name, for good or for none: by its own notes. Gives its time; Fault `exists` when the track has that already. */
  fill(track: string, path: string, notes: readonly Note[]): Promise<readonly [beginMs: number, endMs: number]>;

  summary(): Promise<Summary>;
  channelSummary(track: string, range: Range): Promise<TrackDetails>;
  gaps(track: string, range: Range): Promise<readonly GapEntry[]>;
  playlist(track: string, range: Range, container: 'fmp4' | 'ts'): Promise<MediaAnswer>;
  hls(track: string, path: string): Promise<MediaAnswer>;
  export(request: ExportRequest): Promise<MediaAnswer>;
  elementary(request: ElementaryRequest): Promise<MediaAnswer>;
  keyframes(track: string, range: Range): Promise<KeyframeEntry[]>;
  /** At or before that time; the newest without one. */
  keyframe(track: string, atMs: number | undefined): Promise<MediaAnswer>;
  /** For playback: as `RecordedMedia` has them. */
  intervals(track: string, range: Range): Promise<(readonly [number, number])[]>;
  read(request: ReadRequest): Promise<RecordedPiece | undefined>;

  locks(track: string): Promise<LockEntry[]>;
  oneLock(track: string, id: string): Promise<LockEntry>;
  /** In place of one with the same id. */
  lock(lock: NewLock): Promise<LockEntry>;
  unlock(track: string, id: string, by: string | null): Promise<LockEntry>;
  /** `inOpenFile`: some of what is kept is in the file being recorded; ask again when it has ended. */
  deleteRange(track: string, range: Range): Promise<Deletion & { readonly inOpenFile: boolean }>;
  /** Looks for files that somebody put there, and misses those that somebody took. */
  rescan(): Promise<Rescan>;
  retention(limits: AllLimits): Promise<Forecast>;
}
