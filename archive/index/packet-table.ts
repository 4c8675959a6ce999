/**
 * How many transport stream packets each fragment of a file takes (config.md 11), packed, 8 bytes per fragment,
 * little-endian:
 *
 *   0  u32  video
 *   4  u16  audio
 *   6  u8   tables: so many of PAT and of PMT each
 *   7  u8   with a clock reference alone
 *
 * They follow from the file and the layout of packets; `layoutVersion` changes with that, and what was counted before is
 * counted anew. A file with a fragment of more than fits is not kept.
 */
import type { Database } from '#core/world';
import { layoutVersion, type PacketCounts } from '#mpegts/layout';

export class PacketTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** One per fragment; undefined where they have not been counted. */
  of(file: number): PacketCounts[] | undefined {
    const row = this.#db.all<{ counts: Uint8Array }>(
      'SELECT counts FROM packets WHERE file = ? AND layout = ?',
      file,
      layoutVersion,
    )[0];
    return row && unpack(row.counts);
  }

  /** Of a closed file that is listed; of others it is without effect. */
  set(file: number, counts: readonly PacketCounts[]): void {
    const packed = pack(counts);
    if (packed)
      this.#db.run(
        'INSERT OR REPLACE INTO packets SELECT id, ?, ? FROM files WHERE id = ? AND open = 0',
        layoutVersion,
        packed,
        file,
      );
  }
}

const size = 8;

function pack(all: readonly PacketCounts[]): Uint8Array | undefined {
  const bytes = new Uint8Array(all.length * size);
  const view = new DataView(bytes.buffer);
  for (const [i, { pat, pmt, video, audio, pcr }] of all.entries()) {
    if (pat !== pmt || video > 0xffff_ffff || audio > 0xffff || pat > 0xff || pcr > 0xff) return undefined;
    view.setUint32(i * size, video, true);
    view.setUint16(i * size + 4, audio, true);
    bytes[i * size + 6] = pat;
    bytes[i * size + 7] = pcr;
  }
  return bytes;
}

function unpack(bytes: Uint8Array): PacketCounts[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: Math.floor(bytes.length / size) }, (_, i) => {
    const tables = view.getUint8(i * size + 6);
    return {
      pat: tables,
      pmt: tables,
      video: view.getUint32(i * size, true),
      audio: view.getUint16(i * size + 4, true),
      pcr: view.getUint8(i * size + 7),
    };
  });
}
