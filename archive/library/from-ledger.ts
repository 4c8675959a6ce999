/** What an index takes from the ledger: all of it when it is made anew, the end of it after a crash. */
import { type HashLine, hashLineBegin, LedgerState, type LockLine } from '../format/ledger-line.ts';
import { isTrackName, ledgerFolder, ledgerPath } from '../format/paths.ts';
import type { Lock } from '../index/lock-table.ts';
import { type Dated, listOrNothing } from './ledger.ts';
import type { Note } from './notes.ts';
import { adoptNewest, type Place } from './recovery.ts';

const lockFrom = ({ track, id, begin, end, reason, until, by, created }: LockLine): Lock => ({
  track,
  id,
  beginMs: begin,
  endMs: end,
  reason,
  untilMs: until,
  by,
  createdMs: created,
});
/** A lock as the ledger has it. */
export const lineOfLock = ({ track, id, beginMs, endMs, reason, untilMs, by, createdMs }: Lock): LockLine => ({
  track,
  id,
  begin: beginMs,
  end: endMs,
  reason,
  until: untilMs,
  by,
  created: createdMs,
});

/** What recording and deletion need to know at once: gaps, locks, and where each track ends. The walk does the rest. */
export async function beginRebuild(place: Place): Promise<void> {
  const { index, ledger } = place;
  index.setMeta('rebuild', '1');
  const state = new LedgerState();
  for (const month of await ledger.months())
    for (const entry of await ledger.read(month, line => !line.startsWith(hashLineBegin))) state.take(entry);
  index.apply(
    [...state.gaps.values()].map(
      (g): Note => ({
        is: 'gap',
        track: g.track,
        beginMs: g.begin,
        endMs: g.end,
        reason: g.reason,
        ...(g.filled === undefined ? {} : { filledMs: g.filled }),
      }),
    ),
  );
  takeLocks(place, state);
  for (const { name, kind } of await listOrNothing(place.files, place.folder)) {
    if (kind !== 'folder' || !isTrackName(name) || name === ledgerFolder) continue;
    await adoptNewest(place, name);
  }
}

function takeLocks({ index }: Place, { locks }: LedgerState): void {
  const tracks = new Set([...locks.values()].map(l => l.track));
  index.apply([...tracks].map((track): Note => ({ is: 'track', track })));
  for (const line of locks.values()) {
    const track = index.track(line.track);
    if (track) index.locks.put(track.id, lockFrom(line));
  }
}

/** Hashes for the files that the walk will list, and the ends of the chains. Month by month: other work goes on in between. */
export async function expectHashes({ index, ledger }: Place, stopped: () => boolean): Promise<void> {
  const state = new LedgerState();
  for (const month of await ledger.months()) {
    if (stopped()) return;
    const known: HashLine[] = [];
    for (const entry of await ledger.read(
      month,
      line => line.startsWith(hashLineBegin) || line.startsWith('{"chain"'),
    )) {
      state.take(entry);
      if ('hash' in entry) known.push(entry.hash);
    }
    index.hashes.expect(known);
  }
  index.apply([...state.chains.keys()].map((track): Note => ({ is: 'track', track })));
  // Files that were hashed meanwhile have lengthened their chain already.
  for (const [track, chain] of state.chains) if (index.hashes.chain(track) === '') index.hashes.setChain(track, chain);
}

/** The ledger is written before the index: after a crash its end may know more links, locks and unlocks. Two months, for the crash at their border. */
export async function takeNewestMonths(place: Place): Promise<void> {
  const { index, ledger } = place;
  const months = (await ledger.months()).slice(-2);
  const state = new LedgerState();
  const unlocked: (readonly [track: string, id: string])[] = [];
  for (const entry of (await Promise.all(months.map(m => ledger.read(m)))).flat()) {
    state.take(entry);
    if ('unlock' in entry) unlocked.push([entry.unlock.track, entry.unlock.id]);
    if ('hash' in entry && index.hashes.of(entry.hash.file) === undefined) {
      const file = index.fileNamed(entry.hash.file);
      if (file && !file.open && file.bytes === entry.hash.bytes) index.hashes.set(file.name, entry.hash.sha256);
    }
  }
  for (const [track, chain] of state.chains) index.hashes.setChain(track, chain);
  takeLocks(place, state);
  for (const [name, id] of unlocked) {
    const track = state.locks.has(`${name} ${id}`) ? undefined : index.track(name);
    if (track) index.locks.remove(track.id, id);
  }
  // A lock is in the index first: a deletion under way must see it. Its month may have no ledger yet: that line was to be the first.
  const [oldest = ''] = months;
  const monthOf = (l: Lock): string => ledgerPath(l.createdMs).slice(ledgerFolder.length + 1);
  const told = index.locks.all().filter(l => monthOf(l) >= oldest);
  const untold = told.filter(l => !state.locks.has(`${l.track} ${l.id}`));
  await ledger.append(untold.map((l): Dated => [l.createdMs, { lock: lineOfLock(l) }]));
}
