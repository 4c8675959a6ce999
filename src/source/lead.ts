/**
 * How far media may be ahead of the clock. Whoever sends a file sends it faster than it plays: its
 * pictures would be of a time to come, and what is sent after it would have no place. So it is
 * read no faster than this; clients take a source for live within 20 s (docs/spec/api.md 4.1).
 */
const leadMs = 10_000;
/** Further ahead than what is read at once could bring it: the time of the stream has jumped, and waiting is no help. */
const jumpMs = 60_000;

/** How long to wait before more is read; 0 or less: not at all. `lastWallMs`: of the latest unit. */
export function earlyMs(lastWallMs: number, wallMs: number): number {
  const aheadMs = lastWallMs - wallMs;
  return aheadMs < jumpMs ? aheadMs - leadMs : 0;
}
