/**
 * Months of the ledger without footage go (config.md 11): what still counts of them, live locks, gaps
 * that last and the last link of each chain, is written to the present month first.
 */
import { LedgerState } from '../format/ledger-line.ts';
import { ledgerPath } from '../format/paths.ts';
import { lineOfLock } from './from-ledger.ts';
import type { Dated } from './ledger.ts';
import type { Place } from './recovery.ts';

/** Gives the months that are gone. */
export async function removeOldMonths({ index, ledger }: Place, nowMs: number): Promise<string[]> {
  const nameOf = (ms: number): string => ledgerPath(ms).replace(/^.*\//, '');
  const oldest = nameOf(Math.min(nowMs, index.oldestMs() ?? nowMs));
  const old = (await ledger.months()).filter(month => month < oldest);
  if (old.length === 0) return [];
  const state = new LedgerState();
  for (const month of old) for (const entry of await ledger.read(month)) state.take(entry);
  const forward: Dated[] = [];
  for (const lock of index.locks.all())
    if (state.locks.has(`${lock.track} ${lock.id}`)) forward.push([nowMs, { lock: lineOfLock(lock) }]);
  for (const gap of state.gaps.values()) {
    const track = gap.end === null ? index.track(gap.track) : undefined;
    if (track && index.openGap(track.id)?.beginMs === gap.begin) forward.push([nowMs, { gap }]);
  }
  // Links after these stand in a month that stays, and count as they come later there.
  for (const [track, chain] of state.chains)
    if (index.hashes.chain(track) === chain) forward.push([nowMs, { chain: { track, chain } }]);
  await ledger.append(forward);
  for (const month of old) await ledger.remove(month);
  return old;
}
