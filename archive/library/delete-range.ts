/**
 * Deletion by call (api.md 6.3; archive/DESIGN.md, "Delete a range"): fragments wholly inside go,
 * locked ones and data outside stay. A slice at a time, so that a commit waits for no more than that.
 */
import { faultFrom } from '#core/errors';
import { type FragmentRecord, recordEndMs } from '../format/record.ts';
import { IntervalList, type Span } from '../index/interval-list.ts';
import type { FileRow, TrackRow } from '../index/rows.ts';
import { relist } from '../read/present.ts';
import { type CopiedPart, copyPart } from './copy-part.ts';
import { entriesOf } from './ledger.ts';
import type { GapNote } from './notes.ts';
import { type Place, unlinkCondemned } from './recovery.ts';

export interface RangeDeleted {
  readonly deletedBytes: number;
  readonly deleted: readonly Span[];
  /** What of the range is there still. */
  readonly kept: readonly Span[];
  /** Some of that is in the file being recorded, and goes when it is closed. */
  readonly inOpenFile: boolean;
}

/** Files are looked at in slices of this time. */
const sliceMs = 6 * 3_600_000;
/** Files condemned in one transaction. */
const batch = 64;

/** Deletes what may be deleted of `[beginMs, endMs)`. Ends early when `stopped` says so. */
export async function deleteRange(
  place: Place,
  track: TrackRow,
  [beginMs, endMs]: Span,
  stopped: () => boolean,
): Promise<RangeDeleted> {
  const { index, ledger } = place;
  const deleted = new IntervalList();
  let deletedBytes = 0;
  let inOpenFile = false;
  for (const [from, to] of slices(index.intervals(track.id).clip(beginMs, endMs))) {
    const whole: FileRow[] = [];
    for (const row of index.files(track.id, from, to)) {
      if (stopped()) break;
      const stays = whatStays(place, row, [beginMs, endMs]);
      if (stays.gone.length === 0) continue;
      if (row.open) inOpenFile = true;
      else if (stays.runs.length === 0) whole.push(row);
      else {
        const freed = await replaceByParts(place, row, stays.runs);
        if (freed === undefined) continue;
        deletedBytes += freed;
        for (const r of stays.gone) deleted.add(r.beginMs, recordEndMs(r));
      }
    }
    while (whole.length > 0) {
      const some = whole.splice(0, batch).flatMap(row => {
        const now = index.fileNamed(row.name);
        // A lock may have come while parts were copied.
        return now?.id === row.id && whatStays(place, now, [beginMs, endMs]).runs.length === 0 ? [now] : [];
      });
      index.condemn(some);
      for (const row of some) {
        deletedBytes += row.bytes;
        deleted.add(row.beginMs, row.endMs);
      }
      await unlinkCondemned(
        place,
        some.map(row => row.name),
      );
    }
  }
  const gaps = deleted.spans.map(
    ([begin, end]): GapNote => ({ is: 'gap', track: track.name, beginMs: begin, endMs: end, reason: 'removed' }),
  );
  await ledger.append(entriesOf(gaps));
  index.apply(gaps);
  return { deletedBytes, deleted: deleted.spans, kept: index.intervals(track.id).clip(beginMs, endMs), inOpenFile };
}

function* slices(spans: readonly Span[]): Generator<Span> {
  for (const [begin, end] of spans)
    for (let at = begin; at < end; at += sliceMs) yield [at, Math.min(end, at + sliceMs)];
}

interface Stays {
  /** Neighbours that stay, in order; each begins with a key frame. */
  readonly runs: readonly (readonly FragmentRecord[])[];
  readonly gone: readonly FragmentRecord[];
}

function whatStays({ index }: Place, row: FileRow, range: Span): Stays {
  return splitRecords(index.records(row), range, index.locks.spans(row.track, row.beginMs, row.endMs));
}

/** Which fragments a deletion of `[begin, end)` leaves. Pure. */
export function splitRecords(records: readonly FragmentRecord[], [begin, end]: Span, locks: readonly Span[]): Stays {
  // Times are told without their fraction of a millisecond: who asks for what was told means the fragment.
  const stays = records.map(
    r =>
      Math.floor(r.beginMs) < begin ||
      Math.floor(recordEndMs(r)) > end ||
      locks.some(([b, e]) => b < recordEndMs(r) && e > r.beginMs),
  );
  // What stays must be decodable: back to its key frame.
  for (let i = records.length - 1; i > 0; i--) if (stays[i] && !records[i]?.keyframe) stays[i - 1] = true;
  const runs: FragmentRecord[][] = [];
  const gone: FragmentRecord[] = [];
  records.forEach((r, i) => {
    if (!stays[i]) gone.push(r);
    else if (i > 0 && stays[i - 1]) runs.at(-1)?.push(r);
    else runs.push([r]);
  });
  return { runs, gone };
}

/** Bytes that became free; undefined when the file or its locks changed meanwhile: then it is left as it is. */
async function replaceByParts(place: Place, row: FileRow, runs: Stays['runs']): Promise<number | undefined> {
  const { index } = place;
  const { changes } = index.locks;
  const parts: CopiedPart[] = [];
  try {
    for (const run of runs) parts.push(await copyPart(place, row, run));
    if (index.locks.changes === changes && index.fileNamed(row.name)?.id === row.id) {
      index.replace(
        row,
        parts.flatMap(p => p.notes),
      );
      return row.bytes - parts.reduce((sum, p) => sum + p.bytes, 0);
    }
  } catch (e) {
    const fault = faultFrom(e);
    // Somebody took the file away by hand meanwhile: there is nothing to cut.
    if (fault.kind !== 'absent') throw fault;
    await relist(place, row);
  } finally {
    for (const { path } of parts) index.condemned.release(path);
    await unlinkCondemned(place);
  }
  return undefined;
}
