/** Transport stream packets per fragment: as the index has them, or counted from the headers of the fragments and kept. */
import type { FragmentInfo } from '#mp4/fragment-parser';
import type { PacketCounts } from '#mpegts/layout';
import { packetCount } from '#mpegts/layout';
import type { FileRow } from '../index/rows.ts';
import type { Place } from '../library/recovery.ts';
import { headerOf, type Source, shapesOf } from './fragment-units.ts';
import { initOf } from './hls.ts';
import { MediaReader } from './media-reader.ts';

/** Of a fragment by itself: it begins with tables, and nothing waits at its end. */
export const countFragment = (source: Source, info: FragmentInfo, counts?: readonly number[]): PacketCounts =>
  packetCount({ id: 0, tracks: source.init.tracks }, shapesOf(source, info, counts));

/**
 * The counts of each fragment of a file, by its offset. Those of a closed file are kept in the index, so its
 * headers are read once at most: mostly when it is hashed, while the system still has it in memory.
 */
export async function countsOf(place: Place, file: FileRow): Promise<ReadonlyMap<number, PacketCounts>> {
  const { index } = place;
  const records = index.records(file);
  const known = index.packets.of(file.id);
  const byOffset = new Map<number, PacketCounts>();
  if (known?.length === records.length) {
    for (const [i, { offset }] of records.entries()) byOffset.set(offset, known[i] as PacketCounts);
    return byOffset;
  }
  const init = initOf(index, file.format);
  const reader = new MediaReader(place);
  try {
    for (const record of records) {
      const source = { file, init, record };
      byOffset.set(record.offset, countFragment(source, await headerOf(reader, source)));
    }
  } finally {
    await reader.close();
  }
  if (!file.open) index.packets.set(file.id, [...byOffset.values()]);
  return byOffset;
}
