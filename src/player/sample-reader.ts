/**
 * Sample data of a file, a few large reads instead of one per sample. The two latest windows are
 * kept: one serves an interleaved file, two one whose tracks lie apart.
 */
import { Fault } from '#core/errors';
import type { OpenFile } from '#core/world';

/** Half a second at 4 Mbit/s. Units are views of their window, so a unit that is kept keeps that much. */
const windowBytes = 256 * 1024;

/** No picture is that large; a table that says so is damaged. */
const sampleLimitBytes = 64 << 20;

interface Window {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export class SampleReader {
  readonly #file: OpenFile;
  #latest: Window = { offset: 0, bytes: new Uint8Array(0) };
  #older: Window = this.#latest;

  constructor(file: OpenFile) {
    this.#file = file;
  }

  /** A view of a window, at once if it is there. Rejects with Fault `storage` when the file has become shorter. */
  read(offset: number, size: number): Uint8Array | Promise<Uint8Array> {
    return inWindow(this.#latest, offset, size) ?? inWindow(this.#older, offset, size) ?? this.#fetch(offset, size);
  }

  async #fetch(offset: number, size: number): Promise<Uint8Array> {
    if (size > sampleLimitBytes)
      throw new Fault('protocol', 'mp4-damaged', `expected a sample of at most ${sampleLimitBytes} bytes, got ${size}`);
    const bytes = await this.#file.read(offset, Math.max(windowBytes, size));
    if (bytes.length < size)
      throw new Fault('storage', 'file-truncated', `expected ${size} bytes at ${offset}, got ${bytes.length}`);
    this.#older = this.#latest;
    this.#latest = { offset, bytes };
    return bytes.subarray(0, size);
  }
}

function inWindow({ offset, bytes }: Window, from: number, size: number): Uint8Array | undefined {
  const begin = from - offset;
  return begin >= 0 && begin + size <= bytes.length ? bytes.subarray(begin, begin + size) : undefined;
}
