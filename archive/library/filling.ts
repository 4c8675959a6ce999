/**
 * Footage of the past becomes part of a track (archive/DESIGN.md, "Fill a gap"): a name for a file, which a
 * crash throws away, and then, in one transaction, the file in the list, the incomplete group
 * of pictures before it gone, and the gaps that it covers marked as filled.
 */
import { Fault } from '#core/errors';
import { packedSpan } from '../format/record.ts';
import { joinMs, type Span } from '../index/interval-list.ts';
import type { FileRow, TrackRow } from '../index/rows.ts';
import { type CopiedPart, copyPart, freePath } from './copy-part.ts';
import { entriesOf } from './ledger.ts';
import { tailFrom } from './missing.ts';
import type { GapNote, Note } from './notes.ts';
import { type Place, unlinkCondemned } from './recovery.ts';

/** Times of neighbours may meet within this, by rounding. */
const slackMs = 1;

/** The name of a file of the past that begins at `beginMs`: until it is listed, a start after a crash unlinks it. */
export async function reserveName(place: Place, track: string, beginMs: number): Promise<string> {
  const path = await freePath(place, track, beginMs);
  place.index.condemned.reserve(path);
  return path;
}

/** The file is not wanted any more. */
export async function dropReserved(place: Place, path: string): Promise<void> {
  place.index.condemned.release(path);
  await unlinkCondemned(place);
}

/**
 * Lists a file that was written under a reserved name; `notes` are its own. Gives its time.
 * Fault `exists` when the track has footage of that time, or what it should replace must stay.
 */
export async function listFilling(
  place: Place,
  track: TrackRow,
  path: string,
  notes: readonly Note[],
  nowMs: () => number,
): Promise<Span> {
  const { index, ledger } = place;
  const parts: CopiedPart[] = [];
  try {
    const span = spanOf(notes);
    const { changes } = index.locks;
    const before = inItsPlace(place, track, span);
    const kept = before && tailFrom(index, before, span, slackMs);
    if (before && (!kept || index.locks.spans(track.id, span[0], before.endMs).length > 0)) throw taken(track, span);
    if (before && kept && kept.length > 0) parts.push(await copyPart(place, before, kept));
    // Deletion, retention and a lock may have come meanwhile.
    const now = before && index.fileNamed(before.name);
    if (index.locks.changes !== changes || now?.id !== before?.id || inItsPlace(place, track, span)?.id !== before?.id)
      throw taken(track, span);
    const filled = filledBy(place, track, span, nowMs());
    index.replace(before, [...parts.flatMap(p => p.notes), ...notes, ...filled]);
    // The index first: after a crash in between the files tell what the ledger does not.
    await ledger.append(entriesOf(filled));
    return span;
  } finally {
    index.condemned.release(path);
    for (const p of parts) index.condemned.release(p.path);
    await unlinkCondemned(place);
  }
}

function spanOf(notes: readonly Note[]): Span {
  const opened = notes.find(n => n.is === 'opened');
  const safe = notes.flatMap(n => (n.is === 'safe' ? [packedSpan(n.records, opened?.origins.length ?? 0)] : []));
  const [first, last] = [safe[0], safe.at(-1)];
  if (!first || !last) throw new Fault('bug', 'invariant', 'a file of the past has no footage');
  return [first[0], last[1]];
}

const taken = ({ name }: TrackRow, [begin, end]: Span): Fault =>
  new Fault('state', 'exists', `${name} has footage between ${begin} and ${end} that stays`);

/** The file that lies in the way; Fault `exists` when there are several. */
function inItsPlace({ index }: Place, track: TrackRow, span: Span): FileRow | undefined {
  const [row, more] = index.files(track.id, span[0] + slackMs, span[1] - slackMs);
  if (more) throw taken(track, span);
  return row;
}

/** Gaps as they are from now on. What is left of one at either end is a gap of its own, unless it is too short to be told. */
function filledBy({ index }: Place, track: TrackRow, [begin, end]: Span, nowMs: number): GapNote[] {
  const notes: GapNote[] = [];
  for (const row of index.gaps(track.id, begin, end)) {
    if (row.endMs === null || row.filledMs !== null) continue;
    const gap = { is: 'gap', track: track.name, reason: row.reason } as const;
    const from = begin - row.beginMs < joinMs ? row.beginMs : begin;
    const to = row.endMs - end < joinMs ? row.endMs : end;
    if (to <= from) continue;
    if (from > row.beginMs) notes.push({ ...gap, beginMs: row.beginMs, endMs: from });
    notes.push({ ...gap, beginMs: from, endMs: to, filledMs: nowMs });
    if (to < row.endMs) notes.push({ ...gap, beginMs: to, endMs: row.endMs });
  }
  return notes;
}
