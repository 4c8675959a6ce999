/**
 * Reads ranges of the archive's files for one answer; keeps the file of the last range open,
 * because answers go from front to back. A listed file that is missing is taken off the list: its
 * time is told as a gap `removed` from then on (config.md 11).
 */
import { Fault, faultFrom } from '#core/errors';
import type { OpenFile } from '#core/world';
import type { FileRow } from '../index/rows.ts';
import type { Place } from '../library/recovery.ts';

export class MediaReader {
  readonly #place: Pick<Place, 'files' | 'folder' | 'index'>;
  #file: OpenFile | undefined;
  #id = -1;

  constructor(place: Pick<Place, 'files' | 'folder' | 'index'>) {
    this.#place = place;
  }

  /** Exactly these bytes, or a Fault. One call at a time. */
  async read(row: FileRow, offset: number, length: number): Promise<Uint8Array> {
    const file = this.#id === row.id && this.#file ? this.#file : await this.#open(row);
    const bytes = await file.read(offset, length);
    if (bytes.length === length) return bytes;
    const got = `${bytes.length} bytes`;
    throw new Fault('storage', 'index-mismatch', `expected ${length} bytes at ${offset} of ${row.name}, got ${got}`);
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    this.#id = -1;
    await file?.close();
  }

  async #open(row: FileRow): Promise<OpenFile> {
    await this.close();
    const { files, folder, index } = this.#place;
    try {
      this.#file = await files.open(`${folder}/${row.name}`, 'read');
    } catch (e) {
      const fault = faultFrom(e);
      if (fault.kind !== 'absent') throw fault;
      const listed = index.fileNamed(row.name);
      if (listed && !listed.open) index.forget(listed);
      throw new Fault('absent', 'no-data', `${row.name} has been removed`, { file: row.name }, fault);
    }
    this.#id = row.id;
    return this.#file;
  }
}
