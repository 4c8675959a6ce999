/**
 * Files of an interval as they are on the disk, not only in the index: people delete and cut
 * files by hand while the daemon runs (config.md 11). Asked before an answer begins, because its length
 * cannot change any more afterwards. One `stat` per file; nothing is read.
 */
import { faultFrom } from '#core/errors';
import type { FileRow } from '../index/rows.ts';
import { adopt, type Place } from '../library/recovery.ts';

/** Asked at the same time. */
const together = 32;

/** Files of `[beginMs, endMs)`. What is missing is off the list now (a gap `removed`), what is shorter is listed up to its last whole fragment. */
export async function presentFiles(place: Place, track: number, beginMs: number, endMs: number): Promise<FileRow[]> {
  const { index } = place;
  const listed = index.files(track, beginMs, endMs);
  const wrong: FileRow[] = [];
  for (let at = 0; at < listed.length; at += together) {
    const some = listed.slice(at, at + together);
    const sizes = await Promise.all(some.map(row => sizeOf(place, row)));
    some.forEach((row, i) => {
      if ((sizes[i] ?? 0) < row.bytes) wrong.push(row);
    });
  }
  if (wrong.length === 0) return listed;
  for (const { name } of wrong) {
    // The recorder's own file stays listed: it is looked at again when it is closed.
    const row = index.fileNamed(name);
    if (row && !row.open) await relist(place, row);
  }
  const unreadable = new Set(wrong.map(row => row.id));
  return index.files(track, beginMs, endMs).filter(row => !unreadable.has(row.id));
}

/** A closed file is not as the index has it. */
export async function relist(place: Place, row: FileRow): Promise<void> {
  place.log.warn('file-changed', { file: row.name, expected: row.bytes });
  place.index.forget(row);
  await adopt(place, [row.name], false);
}

/** 0 when it is gone. Other trouble is told by whoever reads. */
async function sizeOf({ files, folder }: Place, row: FileRow): Promise<number> {
  try {
    return (await files.stat(`${folder}/${row.name}`)).size;
  } catch (e) {
    const fault = faultFrom(e);
    if (fault.kind === 'bug') throw fault;
    return fault.kind === 'absent' ? 0 : row.bytes;
  }
}
