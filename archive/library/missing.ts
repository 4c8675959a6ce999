/**
 * What of a track is missing and may come from elsewhere (archive/DESIGN.md, "Fill a gap"): times
 * in which the source was meant to be recorded and was not, through nobody's decision.
 */
import type { GapReason } from '#media/gap';
import { recordEndMs } from '../format/record.ts';
import type { ArchiveIndex } from '../index/archive-index.ts';
import { joinMs, type Span } from '../index/interval-list.ts';
import type { FileRow, TrackRow } from '../index/rows.ts';
import { gapCover } from '../read/gap-cover.ts';

/** A time without footage. Plain data: it crosses threads. */
export interface Missing {
  readonly beginMs: number;
  readonly endMs: number;
  readonly reason: GapReason;
  /** The incomplete group of pictures right before it, which complete footage may replace; null: there is none, or it must stay. */
  readonly lead: { readonly beginMs: number; readonly format: string } | null;
}

/** Of the others somebody has decided that there is to be nothing, or the times mean nothing. */
const fillable: readonly GapReason[] = [
  'camera-unreachable',
  'no-media',
  'network-loss',
  'disk-slow',
  'disk-full',
  'overload',
  'restart',
];

/** Within the range and behind the track's first footage, newest first; those that last still are not told. At most `most`. */
export function missingOf(index: ArchiveIndex, track: TrackRow, [from, to]: Span, most: number): Missing[] {
  const intervals = index.intervals(track.id);
  const { bounds } = intervals;
  if (!bounds) return [];
  const range: Span = [Math.max(from, bounds[0]), Math.min(to, bounds[1])];
  if (range[0] >= range[1]) return [];
  const rows = index.gaps(track.id, range[0] - joinMs, range[1] + joinMs);
  // Whoever deleted beside a gap meant the time in between too.
  const removed = rows.filter(r => r.reason === 'removed');
  const touches = (b: number, e: number): boolean =>
    removed.some(r => r.beginMs - joinMs < e && (r.endMs ?? e) + joinMs > b);
  return gapCover(intervals.clip(...range), rows, range)
    .filter(g => fillable.includes(g.reason) && g.endMs - g.beginMs >= joinMs && !touches(g.beginMs, g.endMs))
    .slice(-most)
    .reverse()
    .map(({ beginMs, endMs, reason }) => ({ beginMs, endMs, reason, lead: leadOf(index, track, beginMs) }));
}

function leadOf(index: ArchiveIndex, track: TrackRow, gapMs: number): Missing['lead'] {
  const row = index.files(track.id, gapMs - joinMs, gapMs).at(-1);
  if (!row || row.open || row.endMs > gapMs + 1) return null;
  const beginMs = index.records(row).findLast(r => r.keyframe)?.beginMs;
  if (beginMs === undefined || index.locks.spans(track.id, beginMs, row.endMs).length > 0) return null;
  return { beginMs, format: row.format };
}

/** What of a file makes room for footage of `[beginMs, endMs)`: its last groups of pictures. Undefined when it does not end like that. */
export function tailFrom(index: ArchiveIndex, row: FileRow, [beginMs, endMs]: Span, slackMs: number) {
  const records = index.records(row);
  const at = records.findIndex(r => recordEndMs(r) > beginMs + slackMs);
  const first = records[at];
  const fits = !row.open && first?.keyframe && first.beginMs >= beginMs - slackMs && row.endMs <= endMs + slackMs;
  return fits ? records.slice(0, at) : undefined;
}
