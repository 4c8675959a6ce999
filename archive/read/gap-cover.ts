/**
 * Gaps as they are told (api.md 6.5): the time without footage in a range, cut along the
 * recorded reasons. Timeline and gaps together cover the range and never overlap, by
 * construction. What no reason covers had been recorded and is no more: `removed`.
 */
import type { GapReason } from '#media/gap';
import { joinMs, type Span } from '../index/interval-list.ts';
import type { GapRow } from '../index/rows.ts';

export interface ToldGap {
  readonly beginMs: number;
  readonly endMs: number;
  readonly reason: GapReason;
  readonly filledMs: number | null;
}

/** `timeline` in order, within the range; `all` by begin, one without an end lasts; those that were filled explain nothing any more. */
export function gapCover(timeline: readonly Span[], all: readonly GapRow[], range: Span): ToldGap[] {
  const rows = all.filter(r => r.filledMs === null);
  const told: ToldGap[] = [];
  let next = 0;
  for (const [begin, end] of complement(timeline, range)) {
    while (next < rows.length && (rows[next]?.endMs ?? Number.POSITIVE_INFINITY) <= begin) next++;
    let at = begin;
    for (let i = next, row = rows[i]; row && row.beginMs < end && at < end; row = rows[++i]) {
      const to = Math.min(end, row.endMs ?? end);
      if (to <= at) continue;
      // Less than a second before a reason belongs to it.
      if (row.beginMs - at >= joinMs) at = tell(told, at, row.beginMs, 'removed');
      at = tell(told, at, to, row.reason);
    }
    // Less than a second behind a reason belongs to it too.
    const last = told.at(-1);
    if (at > begin && end - at < joinMs && last) at = tell(told, at, end, last.reason);
    tell(told, at, end, 'removed');
  }
  return told;
}

/** The gaps that were filled, within the range. One that was filled piece by piece is one, filled when its last piece came. */
export function filledGaps(rows: readonly GapRow[], [begin, end]: Span): ToldGap[] {
  const told: ToldGap[] = [];
  for (const row of rows) {
    const [beginMs, endMs] = [Math.max(begin, row.beginMs), Math.min(end, row.endMs ?? end)];
    const last = told.at(-1);
    if (row.filledMs === null || endMs <= beginMs) continue;
    if (last?.endMs === beginMs && last.reason === row.reason)
      told[told.length - 1] = { ...last, endMs, filledMs: Math.max(row.filledMs, last.filledMs ?? 0) };
    else told.push({ beginMs, endMs, reason: row.reason, filledMs: row.filledMs });
  }
  return told;
}

/** Adds a gap, or lengthens the last one where it only goes on. Gives its end. */
function tell(told: ToldGap[], beginMs: number, endMs: number, reason: GapReason): number {
  if (endMs <= beginMs) return beginMs;
  const last = told.at(-1);
  if (last?.endMs === beginMs && last.reason === reason) told[told.length - 1] = { ...last, endMs };
  else told.push({ beginMs, endMs, reason, filledMs: null });
  return endMs;
}

function complement(timeline: readonly Span[], [begin, end]: Span): Span[] {
  const holes: Span[] = [];
  let at = begin;
  for (const [b, e] of timeline) {
    if (b > at) holes.push([at, Math.min(b, end)]);
    at = Math.max(at, e);
  }
  if (at < end) holes.push([at, end]);
  return holes;
}
