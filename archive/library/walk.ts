/**
 * The walk through the whole folder, newest hours first, all tracks (config.md 11): makes an
 * index anew, finds files that somebody put there, and misses those that somebody took. It runs
 * in the background in small steps; recording and queries do not wait for it.
 */
import { faultFrom } from '#core/errors';
import type { Files } from '#core/world';
import { isSegmentName, isTrackName, ledgerFolder } from '../format/paths.ts';
import { listOrNothing } from './ledger.ts';
import { adopt, type Place } from './recovery.ts';

export interface WalkResult {
  readonly adopted: number;
  readonly missing: number;
}

/** Files read at the same time. */
const together = 16;
/** Files listed in one transaction, which is a flush of the index. */
const listedTogether = 128;

/** `before`: files changed at this time (UTC milliseconds) or later are the recorder's. Ends early when `stopped` says so. */
export async function walk(place: Place, before: number, stopped: () => boolean): Promise<WalkResult> {
  let adopted = 0;
  let missing = 0;
  // Newest first; an hour of a track has few files, so several hours are listed together.
  const unknown: string[] = [];
  const adoptSome = async (least: number): Promise<void> => {
    while (unknown.length >= least && unknown.length > 0 && !stopped())
      adopted += await adopt(place, unknown.splice(0, listedTogether), false, together);
  };
  for await (const hour of hoursNewestFirst(place, stopped)) {
    const listed = new Set(place.index.namesIn(hour));
    const there = new Set<string>();
    const found: string[] = [];
    for (const { name, kind } of await listOrNothing(place.files, `${place.folder}/${hour}`)) {
      const path = `${hour}/${name}`;
      if (kind !== 'file' || !isSegmentName(name)) continue;
      there.add(path);
      if (!listed.has(path)) found.push(path);
    }
    for (let at = 0; at < found.length && !stopped(); at += together) {
      const some = found.slice(at, at + together);
      const older = await Promise.all(some.map(path => isOlder(place, path, before)));
      unknown.push(...some.filter((_, i) => older[i]).reverse());
    }
    await adoptSome(listedTogether);
    for (const name of listed) {
      const row = there.has(name) ? undefined : place.index.fileNamed(name);
      if (!row || row.open || (await exists(place, name))) continue;
      place.index.forget(row);
      missing++;
    }
  }
  await adoptSome(1);
  return { adopted, missing };
}

/** Paths of all files below the folder that may be the archive's, newest hours first. */
export async function* segmentsOf(files: Files, folder: string): AsyncGenerator<string> {
  for await (const hour of hoursNewestFirst({ files, folder }, () => false))
    for (const { name, kind } of await listOrNothing(files, `${folder}/${hour}`))
      if (kind === 'file' && isSegmentName(name)) yield `${hour}/${name}`;
}

async function isOlder({ files, folder }: Place, path: string, before: number): Promise<boolean> {
  try {
    return (await files.stat(`${folder}/${path}`)).modifiedMs < before;
  } catch (e) {
    const fault = faultFrom(e);
    if (fault.kind === 'absent') return false;
    throw fault;
  }
}

async function exists({ files, folder }: Place, path: string): Promise<boolean> {
  try {
    await files.stat(`${folder}/${path}`);
    return true;
  } catch (e) {
    const fault = faultFrom(e);
    if (fault.kind === 'absent') return false;
    throw fault;
  }
}

/** `TRACK/YYYY/MM/DD/HH` of all tracks, by time; of the tree no more is held than a year's months, a month's days, a day's hours. */
async function* hoursNewestFirst(
  place: Pick<Place, 'files' | 'folder'>,
  stopped: () => boolean,
): AsyncGenerator<string> {
  const root = await listOrNothing(place.files, place.folder);
  const tracks = root.filter(e => e.kind === 'folder' && isTrackName(e.name) && e.name !== ledgerFolder);
  yield* inside(
    place,
    tracks.map(e => e.name),
    4,
    stopped,
  );
}

async function* inside(
  place: Pick<Place, 'files' | 'folder'>,
  paths: readonly string[],
  levels: number,
  stopped: () => boolean,
): AsyncGenerator<string> {
  if (levels === 0) {
    yield* paths;
    return;
  }
  const byName = new Map<string, string[]>();
  for (const path of paths) {
    if (stopped()) return;
    for (const { name, kind } of await listOrNothing(place.files, `${place.folder}/${path}`))
      if (kind === 'folder' && /^\d+$/.test(name)) byName.set(name, [...(byName.get(name) ?? []), `${path}/${name}`]);
  }
  for (const name of [...byName.keys()].sort().reverse()) {
    if (stopped()) return;
    yield* inside(place, byName.get(name) ?? [], levels - 1, stopped);
  }
}
