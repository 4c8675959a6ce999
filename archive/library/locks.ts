/** Locks of an archive (api.md 6.4): made, taken out, and ended when their time has passed. */
import { Fault } from '#core/errors';
import type { Lock } from '../index/lock-table.ts';
import { trackNamed } from '../read/timeline.ts';
import { lineOfLock } from './from-ledger.ts';
import type { Dated } from './ledger.ts';
import type { Place } from './recovery.ts';

/** More are a mistake of a program. */
const mostPerTrack = 10_000;

/** In place of one with the same id. */
export async function putLock({ index, ledger }: Place, lock: Lock): Promise<void> {
  const track = trackNamed(index, lock.track);
  if (index.locks.one(track.id, lock.id) === undefined && index.locks.of(track.id).length >= mostPerTrack)
    throw new Fault('overload', 'overload', `${lock.track} has ${mostPerTrack} locks; no more are taken`);
  // At once: a deletion under way must see it.
  index.locks.put(track.id, lock);
  await ledger.append([[lock.createdMs, { lock: lineOfLock(lock) }]]);
}

/** The lock that was there; Fault `not-found` where there was none. */
export async function removeLock(
  { index, ledger }: Place,
  name: string,
  id: string,
  by: string | null,
  nowMs: number,
): Promise<Lock> {
  const track = trackNamed(index, name);
  const lock = lockNamed(index.locks.one(track.id, id), name, id);
  await ledger.append([[nowMs, { unlock: { track: name, id, by, at: nowMs } }]]);
  index.locks.remove(track.id, id);
  return lock;
}

/** Fault `not-found` instead of nothing. */
export function lockNamed(lock: Lock | undefined, track: string, id: string): Lock {
  if (lock) return lock;
  throw new Fault('absent', 'not-found', `${track} has no lock ${JSON.stringify(id.slice(0, 128))}`);
}

/** Takes out those whose time has passed, and gives them. */
export async function endExpired({ index, ledger }: Place, nowMs: number): Promise<Lock[]> {
  const expired = index.locks.expired(nowMs);
  const lines = expired.map(({ track, id }): Dated => [nowMs, { unlock: { track, id, by: null, at: nowMs } }]);
  await ledger.append(lines);
  for (const { track, id } of expired) {
    const row = index.track(track);
    if (row) index.locks.remove(row.id, id);
  }
  return expired;
}
