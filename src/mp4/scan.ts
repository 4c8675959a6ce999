/**
 * Reads a fragmented MP4 as we write it (init.ts, fragmenter.ts), in one walk and with one
 * small read per fragment: what it holds, and how much of it is whole. A file that was cut
 * off, or whose end is garbage, is good up to its last whole fragment.
 */
import type { Track } from '#media/track';
import { boxesIn, boxHeader } from './box.ts';
import { type FragmentInfo, parseFragmentHeader } from './fragment-parser.ts';
import { parseMovie } from './movie-parser.ts';

export interface Init {
  /** `ftyp` and `moov` together: where the first fragment begins. */
  readonly bytes: number;
  readonly tracks: readonly Track[];
  /** track_ID of each of `tracks`. */
  readonly trackIds: readonly number[];
  /** Bodies of `uuid` boxes in `moov`: type (16 bytes) and payload. */
  readonly uuidBoxes: readonly Uint8Array[];
}

/** More than any init segment has; what claims more is garbage. */
const initLimitBytes = 1 << 20;

/** The init segment at the beginning of a file; `{ need }` when so many bytes are needed to tell; undefined when there is none. */
export function parseInit(bytes: Uint8Array): Init | { readonly need: number } | undefined {
  const ftyp = boxHeader(bytes, 0, bytes.length);
  if (!ftyp) return bytes.length < 8 ? { need: 16 } : undefined;
  if (ftyp.type !== 'ftyp' || ftyp.size < 8 || ftyp.size > initLimitBytes) return undefined;
  const moov = boxHeader(bytes, ftyp.size, bytes.length);
  if (!moov) return bytes.length < ftyp.size + 8 ? { need: ftyp.size + 16 } : undefined;
  if (moov.type !== 'moov' || moov.size === 0 || moov.size > initLimitBytes) return undefined;
  const end = ftyp.size + moov.size;
  if (end > bytes.length) return { need: end };
  const box = boxesIn(bytes, ftyp.size, end)[0];
  if (!box) return undefined;
  const movie = parseMovie(bytes, box);
  const tracks = movie.tracks.flatMap(t => t.entries[0]?.track ?? []);
  if (tracks.length === 0 || movie.skipped.length > 0) return undefined;
  return { bytes: end, tracks, trackIds: movie.tracks.map(t => t.trackId), uuidBoxes: movie.uuidBoxes };
}

export interface Scan {
  /** undefined: the file does not even begin as one of ours; `goodBytes` is 0 then. */
  readonly init: Init | undefined;
  readonly fragments: number;
  /** Length of the init segment and the whole fragments behind it; what follows is cut or garbage. */
  readonly goodBytes: number;
}

/** Enough for the header of a fragment of a second with audio; a longer one costs a second read. */
const firstReadBytes = 4096;

/**
 * Walks the file of `fileBytes` that `read` reads; `read` may give less than asked for only at the end of the file.
 * `take` is called for every whole fragment in order. `from`: where a fragment is known to begin, to go on from
 * there instead of from the first. Rejects only when `read` does.
 */
export async function scan(
  read: (offset: number, length: number) => Promise<Uint8Array>,
  fileBytes: number,
  take: (fragment: FragmentInfo, offset: number) => void,
  from = 0,
): Promise<Scan> {
  const init = await parsed(read, 0, fileBytes, bytes => parseInit(bytes));
  if (!init) return { init: undefined, fragments: 0, goodBytes: 0 };
  let at = Math.max(init.bytes, from);
  let fragments = 0;
  while (at < fileBytes) {
    const fragment = await parsed(read, at, fileBytes, bytes => parseFragmentHeader(bytes, 0));
    if (!fragment || at + fragment.bytes > fileBytes) break;
    take(fragment, at);
    fragments++;
    at += fragment.bytes;
  }
  return { init, fragments, goodBytes: at };
}

/** What `parse` makes of the bytes at `at`, reading more as long as it asks for more and there is more. */
async function parsed<T extends object>(
  read: (offset: number, length: number) => Promise<Uint8Array>,
  at: number,
  fileBytes: number,
  parse: (bytes: Uint8Array) => T | { readonly need: number } | undefined,
): Promise<T | undefined> {
  let length = firstReadBytes;
  for (;;) {
    const bytes = await read(at, Math.min(length, fileBytes - at));
    const result = parse(bytes);
    if (!result || !('need' in result)) return result;
    if (result.need <= bytes.length || bytes.length < length) return undefined;
    length = result.need;
  }
}
