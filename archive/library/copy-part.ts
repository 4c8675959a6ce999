/**
 * Copies a piece of a file to a file of its own (archive/DESIGN.md, "Delete a range"): same run, its own
 * beginning, file time from 0 again. Until the copy is listed its name is condemned.
 */
import { Fault, faultFrom } from '#core/errors';
import { box } from '#mp4/box';
import { parseInit } from '#mp4/scan';
import { writeContents } from '../format/contents.ts';
import { writeIdentity } from '../format/identity.ts';
import { shiftMediaTime } from '../format/media-time.ts';
import { foldersOf, segmentPath } from '../format/paths.ts';
import { type FragmentRecord, packRecords } from '../format/record.ts';
import type { FileRow } from '../index/rows.ts';
import { MediaReader } from '../read/media-reader.ts';
import type { Note } from './notes.ts';
import { type Place, syncFolders } from './recovery.ts';

/** More namesakes than this in one millisecond are no clash but something wrong. */
const mostClashes = 100;

export interface CopiedPart {
  readonly path: string;
  readonly bytes: number;
  /** What lists it. */
  readonly notes: readonly Note[];
}

/** `records`: neighbours of one file, the first with a key frame. The copy is on the medium when it resolves; its name is reserved until the caller releases it. */
export async function copyPart(place: Place, row: FileRow, records: readonly FragmentRecord[]): Promise<CopiedPart> {
  const { files, folder, index } = place;
  const track = index.trackOf(row);
  const beginMs = records[0]?.beginMs ?? row.beginMs;
  const plain = index.format(row.format) ?? new Uint8Array();
  const origins = originsOf(plain, row, records);
  const init = withIdentity(plain, writeIdentity({ track, beginMs, run: row.run, origins }));
  // Of a piece that begins where its file began the name counts up, so that no name comes back: the ledger has a hash for each.
  const path = await freePath(place, track, beginMs, clashOf(row.name, segmentPath(track, beginMs)) + 1);
  index.condemned.reserve(path);
  try {
    for (const f of foldersOf(path)) await files.makeFolder(`${folder}/${f}`);
    const file = await files.open(`${folder}/${path}`, 'create');
    const from = new MediaReader(place);
    try {
      await file.write(0, [init]);
      const shift = row.origins.map((o, i) => o - (origins[i] ?? o));
      const copied: FragmentRecord[] = [];
      let at = init.length;
      for (const r of records) {
        const bytes = await from.read(row, r.offset, r.bytes);
        shiftMediaTime(bytes.subarray(0, r.headerBytes), shift);
        await file.write(at, [bytes]);
        const tracks = r.tracks.map((t, i) => (t.samples === 0 ? t : { ...t, baseDts: t.baseDts + (shift[i] ?? 0) }));
        copied.push({ ...r, offset: at, tracks });
        at += r.bytes;
      }
      const packed = packRecords(copied, origins.length);
      const table = writeContents(init, at, packed, origins.length);
      await file.write(at, [table]);
      await file.sync();
      await syncFolders(place, path);
      const about = { track, path, beginMs, run: row.run, origins, initBytes: init.length };
      const bytes = at + table.length;
      return {
        path,
        bytes,
        notes: [
          { is: 'opened', ...about, init: plain, format: row.format },
          { is: 'safe', path, records: packed },
          { is: 'closed', path, bytes },
        ],
      };
    } finally {
      await from.close();
      await file.close();
    }
  } catch (e) {
    index.condemned.release(path);
    throw faultFrom(e);
  }
}

/** Media time of the run at which the piece begins, per MP4 track: no sample of it lies before. */
function originsOf(init: Uint8Array, row: FileRow, records: readonly FragmentRecord[]): number[] {
  const parsed = parseInit(init);
  if (!parsed || 'need' in parsed)
    throw new Fault('storage', 'index-damaged', `the index has no init segment for ${row.name}`);
  const first = row.origins.map((origin, i) =>
    Math.min(...records.flatMap(r => (r.tracks[i]?.samples ? [origin + (r.tracks[i]?.baseDts ?? 0)] : []))),
  );
  const seconds = Math.min(...first.map((ticks, i) => ticks / (parsed.tracks[i]?.timescale ?? 1)));
  return first.map((ticks, i) => Math.min(ticks, Math.round(seconds * (parsed.tracks[i]?.timescale ?? 1))));
}

/** The identity becomes the last box of `moov`, which is the last box of an init segment. */
function withIdentity(init: Uint8Array, identity: Uint8Array): Uint8Array {
  const added = box('uuid', identity);
  const out = new Uint8Array(init.length + added.length);
  out.set(init);
  out.set(added, init.length);
  const view = new DataView(out.buffer);
  const moov = view.getUint32(0);
  view.setUint32(moov, view.getUint32(moov) + added.length);
  return out;
}

/** The number by which a name differs from the first one of its moment; -1 for a name of another moment. */
function clashOf(name: string, path: string): number {
  if (name === path) return 0;
  const digits = name.startsWith(path.slice(0, -'.mp4'.length)) ? /_(\d{1,6})\.mp4$/.exec(name)?.[1] : undefined;
  return digits === undefined ? -1 : Number(digits);
}

/** A name that nothing has: of the folder, the list and what is condemned. `first`: where to begin to count. */
export async function freePath(
  { files, folder, index }: Place,
  track: string,
  beginMs: number,
  first = 0,
): Promise<string> {
  for (let clash = first; clash < first + mostClashes; clash++) {
    const path = segmentPath(track, beginMs, clash);
    if (index.fileNamed(path) || index.condemned.has(path)) continue;
    try {
      await files.stat(`${folder}/${path}`);
    } catch (e) {
      const fault = faultFrom(e);
      if (fault.kind === 'absent') return path;
      throw fault;
    }
  }
  throw new Fault('storage', 'exists', `expected a free name for ${segmentPath(track, beginMs)}, all are taken`);
}
