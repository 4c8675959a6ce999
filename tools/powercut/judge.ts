/**
 * What must be true of an archive at any moment (archive/DESIGN.md, "What must be true"), seen from outside: the index as
 * another connection reads it, the disk as it would be after a power cut, and every picture by its bytes.
 */
import { recordEndMs } from '#archive/format/record';
import { ArchiveIndex } from '#archive/index/archive-index';
import type { ForgetfulDisk } from '#fake/forgetful-disk';
import { parseFragmentHeader } from '#mp4/fragment-parser';
import { folder } from './life.ts';
import { type Camera, pictureNumber } from './pictures.ts';

export const indexPath = `${folder}/index.sqlite3`;
const toleratedMs = 5;

export interface ListedFile {
  readonly name: string;
  readonly track: string;
  readonly beginMs: number;
  readonly endMs: number;
  readonly open: boolean;
  readonly locked: boolean;
  readonly pictures: readonly number[];
}

export interface Snapshot {
  readonly files: readonly ListedFile[];
  readonly condemned: readonly string[];
  /** `TRACK ID`. */
  readonly locks: ReadonlySet<string>;
  readonly wrong: readonly string[];
}

export const picturesOf = ({ files }: Snapshot, track: string): Set<number> =>
  new Set(files.flatMap(f => (f.track === track ? f.pictures : [])));

/** Undefined while there is no index. `excused`: files that somebody took away. */
export function look(
  disk: ForgetfulDisk,
  cameras: readonly Camera[],
  excused: ReadonlySet<string>,
): Snapshot | undefined {
  const db = disk.look(indexPath);
  if (!db) return undefined;
  try {
    return lookInto(disk, new ArchiveIndex(db), cameras, excused);
  } finally {
    db.close();
  }
}

function lookInto(
  disk: ForgetfulDisk,
  index: ArchiveIndex,
  cameras: readonly Camera[],
  excused: ReadonlySet<string>,
): Snapshot {
  const wrong: string[] = [];
  const files: ListedFile[] = [];
  for (const { id, name: track } of index.tracks()) {
    const camera = cameras.find(c => c.name === track);
    let edgeMs = Number.NEGATIVE_INFINITY;
    const seen = new Set<number>();
    for (const row of index.files(id, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)) {
      if (excused.has(row.name)) continue;
      const bytes = disk.bytes(`${folder}/${row.name}`);
      const safe = disk.safeBytes(`${folder}/${row.name}`);
      const pictures: number[] = [];
      for (const r of index.records(row)) {
        const end = r.offset + r.bytes;
        if (!bytes || bytes.length < end) wrong.push(`${row.name} is listed to ${end}, there are ${bytes?.length}`);
        else if (!safe || Buffer.compare(safe.subarray(r.offset, end), bytes.subarray(r.offset, end)) !== 0)
          wrong.push(`${row.name} is listed to ${end}, of that ${safe?.length} would outlive a power cut`);
        else if (camera)
          pictures.push(...picturesIn(bytes.subarray(r.offset, end), camera, `${row.name} at ${r.offset}`, wrong));
        if (r.beginMs < edgeMs - toleratedMs)
          wrong.push(`${row.name} at ${r.offset} overlaps by ${edgeMs - r.beginMs} ms`);
        edgeMs = recordEndMs(r);
      }
      for (const n of pictures) {
        if (seen.has(n)) wrong.push(`picture ${n} of ${track} is there twice`);
        seen.add(n);
      }
      const { name, beginMs, endMs, open } = row;
      const locked = index.locks.spans(id, beginMs, endMs).length > 0;
      files.push({ name, track, beginMs, endMs, open, locked, pictures });
    }
  }
  const locks = new Set(index.locks.all().map(l => `${l.track} ${l.id}`));
  wrong.push(...index.troubles());
  const condemned = index.condemned.names();
  const listed = new Set(index.names());
  for (const path of disk.safeNames.keys()) {
    const name = path.slice(folder.length + 1);
    if (!name.endsWith('.mp4') || disk.names.has(path) || listed.has(name) || condemned.includes(name)) continue;
    if (disk.safeBytes(path)) wrong.push(`${name} is deleted, and a power cut would bring it back`);
  }
  return { files, condemned, locks, wrong };
}

function picturesIn(bytes: Uint8Array, camera: Camera, where: string, wrong: string[]): number[] {
  const fragment = parseFragmentHeader(bytes, 0);
  if (!fragment || 'need' in fragment) {
    wrong.push(`${where} is no fragment`);
    return [];
  }
  const video = fragment.tracks.find(t => t.trackId === 1);
  const numbers: number[] = [];
  for (let i = 0; i < (video?.count ?? 0); i++) {
    const at = video?.samples.offset[i] ?? 0;
    const n = pictureNumber(camera.id, bytes.subarray(at, at + (video?.samples.size[i] ?? 0)));
    if (n === undefined) wrong.push(`${where}: picture ${i} is not what the camera sent`);
    else numbers.push(n);
  }
  return numbers;
}
