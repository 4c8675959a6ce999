/**
 * Finds pictures that a power cut tore. What had not been flushed may be on the disk in part: the file has its length, and
 * sectors that were not written are zeros. H.264 and H.265 have no three zero bytes in a NAL unit (emulation prevention,
 * 7.4.1 of both), so a sector that ends in zeros within one is not what was written. Of other codecs nothing can be said.
 */
import type { OpenFile } from '#core/world';
import type { FragmentInfo } from '#mp4/fragment-parser';
import type { Init } from '#mp4/scan';
import type { FragmentRecord } from '../format/record.ts';

const sectorBytes = 512;
/** A sector's zeros, from here on, are none of a picture's own: a short NAL unit's length has three. */
const suspectBytes = 4;
/** What is older was flushed long ago, by us or by the system. */
const doubtfulMs = 30_000;

/** Index of the first record of the last half minute with a torn picture; undefined without any. `infos`: of the same fragments. */
export async function firstTorn(
  file: OpenFile,
  size: number,
  init: Init,
  records: readonly FragmentRecord[],
  infos: readonly FragmentInfo[],
): Promise<number | undefined> {
  const ids = init.trackIds.filter((_, i) => ['h264', 'h265'].includes(init.tracks[i]?.codec ?? ''));
  const sinceMs = (records.at(-1)?.beginMs ?? 0) - doubtfulMs;
  for (const [i, record] of records.entries()) {
    if (record.beginMs < sinceMs) continue;
    // To the end of its last sector, which the next fragment may share.
    const end = Math.min(size, Math.ceil((record.offset + record.bytes) / sectorBytes) * sectorBytes);
    const bytes = await file.read(record.offset, end - record.offset);
    for (const { trackId, samples, count } of infos[i]?.tracks ?? [])
      for (let s = 0; ids.includes(trackId) && s < count; s++)
        if (isTorn(bytes, record.offset, samples.offset[s] ?? 0, samples.size[s] ?? 0)) return i;
  }
  return undefined;
}

/** `bytes` stand at `at` in the file; the picture at `begin` in them. */
export function isTorn(bytes: Uint8Array, at: number, begin: number, length: number): boolean {
  const end = begin + length;
  for (let sector = sectorBytes - ((at + begin) % sectorBytes) + begin; ; sector += sectorBytes) {
    const sectorEnd = Math.min(sector, bytes.length);
    let zeros = sectorEnd;
    const least = Math.max(0, sector - sectorBytes);
    while (zeros > least && bytes[zeros - 1] === 0) zeros--;
    if (sectorEnd - zeros >= suspectBytes && zeros < end) return true;
    if (sector >= end) return false;
  }
}
