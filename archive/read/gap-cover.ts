/**
 * Gaps as they are told (api.md 6.5): the time without footage in a range, cut along the
 * recorded reasons. Timeline and gaps together cover the range and never overlap, by
 * construction. What no reason covers had been recorded and is no more: `removed`.
 */
import type { GapReason } from '#media/gap';
import type { GapRow } from '../index/archive-index.ts';
import { joinMs, type Span } from '../index/interval-list.ts';

export interface ToldGap {
  readonly beginMs: number;
  readonly endMs: number;
  readonly reason: GapReason;
  readonly filledMs: number | null;
}

/** `timeline` in order, within the range; `rows` by begin, an open one lasts. */
export function gapCover(timeline: readonly Span[], rows: readonly GapRow[], range: Span): ToldGap[] {
  const told: ToldGap[] = [];
  let next = 0;
  for (const [begin, end] of complement(timeline, range)) {
    let at = begin;
    while ((rows[next]?.endMs ?? Number.POSITIVE_INFINITY) <= begin && next < rows.length) next++;
    for (let i = next, row = rows[i]; row && row.beginMs < end; row = rows[++i]) {
      // Below a second between two reasons belongs to the later one.
      const from = row.beginMs - at < joinMs ? at : row.beginMs;
      const to = Math.min(end, row.endMs ?? end);
      if (to <= at) continue;
      if (from > at) told.push({ beginMs: at, endMs: from, reason: 'removed', filledMs: null });
      told.push({ beginMs: from, endMs: to, reason: row.reason, filledMs: row.filledMs });
      at = to;
    }
    const last = told.at(-1);
    if (at < end && last && last.endMs === at && at > begin && end - at < joinMs)
      told[told.length - 1] = { ...last, endMs: end };
    else if (at < end) told.push({ beginMs: at, endMs: end, reason: 'removed', filledMs: null });
  }
  return told;
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
