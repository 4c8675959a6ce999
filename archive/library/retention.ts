/**
 * Keeps the limits of config.md 10.1: oldest files first, all limits at once, the tightest
 * rules. Says `full` when a limit of space is passed and nothing deletable is left.
 */
import type { ArchiveIndex } from '../index/archive-index.ts';
import type { FileRow, TrackRow } from '../index/rows.ts';
import type { AllLimits, Limits } from './library.ts';

const gigabyte = 1e9;
const hourMs = 3_600_000;
/** Files looked at per question; and the most that one call deletes, so that a commit waits for no more. */
const batch = 64;
/** With none of the limits set (config.md 10.1 rule 2). */
const defaultFreePercents = 5;

export interface Volume {
  readonly sizeBytes: number;
  readonly freeBytes: number;
}

/** The limits in force: the default when none is set. */
export function effectiveLimits(limits: Limits): Limits {
  const { max_size_gb, keep_free_percents, max_depth_abs_hours, max_depth_rel_hours } = limits;
  const none = [max_size_gb, keep_free_percents, max_depth_abs_hours, max_depth_rel_hours].every(l => l === undefined);
  return none ? { keep_free_percents: defaultFreePercents } : limits;
}

export interface Verdict {
  readonly condemn: readonly FileRow[];
  /** A limit of space of the whole archive stays passed whatever is deleted. */
  readonly full: boolean;
  /** Tracks whose own limit of space stays so. */
  readonly fullTracks: readonly string[];
  /** There may be more to delete. */
  readonly more: boolean;
}

/**
 * What must go now, oldest first: by depth and own size for each track, by size of all, then for the free
 * share of the volume. At most about one batch; `more` says that another look is needed. Locked files stay. While
 * `rebuilding` the oldest files are not known yet: only what is too old by itself goes.
 */
export function judge(index: ArchiveIndex, all: AllLimits, volume: Volume, nowMs: number, rebuilding = false): Verdict {
  const condemn = new Map<number, FileRow>();
  const fullTracks: string[] = [];
  const limits = effectiveLimits(all.limits);
  for (const track of index.tracks()) {
    const { max_size_gb: size, ...depth } = limitsOfTrack(all, track.name);
    byDepth(index, track, rebuilding ? { max_depth_abs_hours: depth.max_depth_abs_hours } : depth, nowMs, condemn);
    if (size === undefined || rebuilding) continue;
    const freed = bytesOf([...condemn.values()].filter(f => f.track === track.id));
    const before = condemn.size;
    const left = bySize(index, track.bytes - freed - size * gigabyte, condemn, track);
    if (left > 0 && condemn.size === before && freed === 0) fullTracks.push(track.name);
  }
  if (rebuilding) return { condemn: [...condemn.values()], full: false, fullTracks, more: condemn.size >= batch };
  const freed = bytesOf([...condemn.values()]);
  const overSize = limits.max_size_gb === undefined ? 0 : index.totalBytes() - freed - limits.max_size_gb * gigabyte;
  const overVolume =
    limits.keep_free_percents === undefined
      ? 0
      : (limits.keep_free_percents / 100) * volume.sizeBytes - volume.freeBytes - freed;
  const left = bySize(index, Math.max(overSize, overVolume), condemn);
  const more = condemn.size >= batch;
  return { condemn: [...condemn.values()], full: left > 0 && condemn.size === 0, fullTracks, more };
}

const bytesOf = (files: readonly FileRow[]): number => files.reduce((sum, f) => sum + f.bytes, 0);

/** Depths of a track, its own in place of everybody's; a size only where it is its own. */
export function limitsOfTrack({ limits, tracks }: AllLimits, track: string): Limits {
  const { max_size_gb: _, ...depths } = effectiveLimits(limits);
  return { ...depths, ...defined(tracks[track]?.limits ?? {}) };
}

/** Undefined members do not override. */
const defined = (limits: Limits): Limits =>
  Object.fromEntries(Object.entries(limits).filter(([, v]) => v !== undefined)) as Limits;

function byDepth(
  index: ArchiveIndex,
  track: TrackRow,
  { max_depth_abs_hours: absolute, max_depth_rel_hours: relative }: Limits,
  nowMs: number,
  condemn: Map<number, FileRow>,
): void {
  if (absolute === undefined && relative === undefined) return;
  // Locked footage is exempt: it does not count.
  let excessMs =
    relative === undefined
      ? 0
      : index.intervals(track.id).recordedMs - index.locks.totals(track.id).ms - relative * hourMs;
  for (const file of index.oldestFiles(batch, track.id)) {
    const duration = file.endMs - file.beginMs;
    const tooOld = absolute !== undefined && file.endMs < nowMs - absolute * hourMs;
    if (!tooOld && excessMs < duration) return;
    condemn.set(file.id, file);
    excessMs -= duration;
  }
}

/** Condemns the oldest until `excess` bytes are freed, at most a batch; gives what was not freed. */
function bySize(index: ArchiveIndex, excess: number, condemn: Map<number, FileRow>, track?: TrackRow): number {
  if (excess <= 0) return 0;
  for (const file of index.oldestFiles(batch + condemn.size, track?.id)) {
    if (condemn.has(file.id)) continue;
    condemn.set(file.id, file);
    excess -= file.bytes;
    if (excess <= 0) return 0;
  }
  return excess;
}
