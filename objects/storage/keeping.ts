/**
 * What stays and what goes, as functions of VideoStorage (api.md 6.3, 6.4, 6.6): deletion, rescan,
 * locks and the forecast. The library does it; here are the arguments, the events and who did it.
 */
import type { AllLimits, Forecast, Library, LockEntry, Rescan } from '#archive/library/library';
import { Fault } from '#core/errors';
import type { Call } from '#core/interface';
import { isoTime, parseInterval, timeArgument } from '#core/time';
import type { World } from '#core/world';

/** What the storage gives to it. Functions, because a storage changes while it lives. */
export interface Kept {
  world(): World;
  /** Fault while the archive is not open. */
  library(): Library;
  limits(): AllLimits;
  /** Whether a source of this name is linked. */
  isSource(name: string): boolean;
  /** The file being recorded ends soon. */
  endFile(track: string): void;
  emit(topic: string, data: Readonly<Record<string, unknown>>): void;
}

/** How long a deletion waits for the file that is being recorded to end: two long groups of pictures, and a flush. */
const waitMs = 20_000;
const lookMs = 250;

/** Of LockCreated and LockRemoved. */
export const lockEvent = ({ track, begin, end, reason }: LockEntry, by: string | null) => ({
  track,
  begin,
  end,
  by,
  reason,
});

const shown = ({ track: _, ...rest }: LockEntry): Omit<LockEntry, 'track'> => rest;

interface Deletion {
  deleted_bytes: number;
  deleted: string[][];
  kept: string[][];
}

/** Deletes, and once more when the file being recorded has ended; what that still holds after `waitMs` is kept. */
async function deleteRange(
  kept: Kept,
  track: string,
  range: { readonly beginMs: number | undefined; readonly endMs: number | undefined },
): Promise<Deletion> {
  const { clock } = kept.world();
  // What is recorded from now on is not meant.
  const until = Math.min(range.endMs ?? Number.POSITIVE_INFINITY, clock.wallMs());
  const deadline = clock.monotonicMs() + waitMs;
  const sum: Deletion = { deleted_bytes: 0, deleted: [], kept: [] };
  let isAsked = false;
  for (;;) {
    const now = await kept.library().deleteRange(track, { beginMs: range.beginMs, endMs: until });
    sum.deleted_bytes += now.deleted_bytes;
    sum.deleted.push(...now.deleted);
    sum.kept = now.kept;
    if (!now.inOpenFile || clock.monotonicMs() >= deadline) return sum;
    if (!isAsked) kept.endFile(track);
    isAsked = true;
    await clock.sleep(lookMs);
  }
}

/** The functions, for `published`. */
export const keepingOf = (kept: Kept) => ({
  delete_range: async (
    p: { track: string; interval?: readonly (string | null)[] | null; all?: boolean },
    { caller }: Call,
  ): Promise<Deletion> => {
    const range = parseInterval(p.interval);
    if ((range.beginMs === undefined || range.endMs === undefined) && p.all !== true)
      throw new Fault(
        'argument',
        'bad-argument',
        'expected begin and end, or all=1: without bounds all of it would go',
      );
    const done = await deleteRange(kept, p.track, range);
    for (const [begin, end] of done.deleted) kept.emit('DataDeleted', { track: p.track, begin, end, by: caller.login });
    return done;
  },
  rescan: (): Promise<Rescan> => kept.library().rescan(),
  locks: async (p: { track: string }) => {
    const library = kept.library();
    // A source that has not been recorded yet has no locks.
    if (kept.isSource(p.track) && !(await library.known(p.track))) return [];
    return (await library.locks(p.track)).map(shown);
  },
  lock_info: async (p: { track: string; id: string }) => shown(await kept.library().oneLock(p.track, p.id)),
  lock: async (
    p: { track: string; id: string; begin: string; end: string; reason: string; until?: string | null },
    { caller }: Call,
  ) => {
    parseInterval([p.begin, p.end]);
    const untilMs = p.until == null ? null : timeArgument('until', p.until);
    const nowMs = kept.world().clock.wallMs();
    if (untilMs !== null && untilMs <= nowMs)
      throw new Fault(
        'argument',
        'bad-argument',
        `until: expected a time after now (${isoTime(nowMs)}), got ${p.until}`,
      );
    const library = kept.library();
    if (kept.isSource(p.track)) await library.commit([{ is: 'track', track: p.track }]);
    const made = await library.lock({
      track: p.track,
      id: p.id,
      beginMs: timeArgument('begin', p.begin),
      endMs: timeArgument('end', p.end),
      reason: p.reason,
      untilMs,
      by: caller.login,
    });
    kept.emit('LockCreated', lockEvent(made, caller.login));
    return shown(made);
  },
  unlock: async (p: { track: string; id: string }, { caller }: Call): Promise<void> => {
    const gone = await kept.library().unlock(p.track, p.id, caller.login);
    kept.emit('LockRemoved', lockEvent(gone, caller.login));
  },
  retention: (): Promise<Forecast> => kept.library().retention(kept.limits()),
});
