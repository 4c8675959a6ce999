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
  /** A limit of space stays passed whatever is deleted. */
  readonly full: boolean;
  /** There may be more to delete. */
  readonly more: boolean;
}

/**
 * What must go now, oldest first: by depth for each track, by size, then for the free share of
 * the volume. At most one batch; `more` says that another look is needed.
 */
export function judge(index: ArchiveIndex, all: AllLimits, volume: Volume, nowMs: number): Verdict {
  const condemn = new Map<number, FileRow>();
  const limits = effectiveLimits(all.limits);
  for (const track of index.tracks()) {
    const own = all.tracks[track.name]?.limits ?? {};
    byDepth(index, track, { ...limits, ...defined(own) }, nowMs, condemn);
    if (own.max_size_gb !== undefined) bySize(index, track.bytes - own.max_size_gb * gigabyte, condemn, track);
  }
  const freed = (): number => [...condemn.values()].reduce((sum, f) => sum + f.bytes, 0);
  const overSize = limits.max_size_gb === undefined ? 0 : index.totalBytes() - freed() - limits.max_size_gb * gigabyte;
  const overVolume =
    limits.keep_free_percents === undefined
      ? 0
      : (limits.keep_free_percents / 100) * volume.sizeBytes - volume.freeBytes - freed();
  const left = bySize(index, Math.max(overSize, overVolume), condemn);
  const more = condemn.size >= batch;
  return { condemn: [...condemn.values()], full: left > 0 && condemn.size === 0, more };
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
  let excessMs = relative === undefined ? 0 : index.intervals(track.id).recordedMs - relative * hourMs;
  for (const file of index.oldestFiles(batch, track.id)) {
    const duration = file.endMs - file.beginMs;
    const tooOld = absolute !== undefined && file.endMs < nowMs - absolute * hourMs;
    if (!tooOld && excessMs < duration) return;
    condemn.set(file.id, file);
    excessMs -= duration;
  }
}

/** Condemns the oldest until `excess` bytes are freed; gives what could not be freed. */
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
