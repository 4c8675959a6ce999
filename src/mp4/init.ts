/**
 * The init segment (ISO/IEC 14496-12 8.16.3, MSE byte stream "ISO BMFF"): `ftyp`, `moov` with
 * `mvex` and no samples. Fragments of a Fragmenter follow it.
 */
import type { Track } from '#media/track';
import { ascii, box, fullBox, join, u32, u64 } from './box.ts';
import {
  dataInformation,
  editList,
  handlerBox,
  mediaHeader,
  mediaKindHeader,
  movieHeader,
  trackHeader,
} from './movie.ts';
import type { Edit } from './movie-parser.ts';
import { sampleEntry } from './sample-entry.ts';

export interface InitOptions {
  /** Bodies of `uuid` boxes at the end of `moov`: 16 bytes of type, then the payload. */
  readonly uuidBoxes?: readonly Uint8Array[];
}

/** A track of a file that has edits, or more than one codec configuration. */
export interface HeadTrack {
  /** All of one kind and one timescale. */
  readonly descriptions: readonly [Track, ...Track[]];
  /** As in `IsomTrack`. */
  readonly edits: readonly Edit[];
  /** Samples may have parameter sets inside. */
  readonly inBand: boolean;
}

export interface HeadOptions extends InitOptions {
  /** Of the movie and its edits. */
  readonly timescale: number;
  /** Of all fragments together, where it is known (`mehd`). */
  readonly duration: number;
  /** Wall clock of the start, UTC milliseconds; its seconds become the creation time. */
  readonly beginMs: number;
}

/** track_ID is one more than the index. Throws Fault `protocol` for a track without usable parameter sets. */
export const writeInit = (tracks: readonly Track[], options: InitOptions = {}): Uint8Array =>
  written(
    tracks.map(track => ({ descriptions: [track], edits: [], inBand: false })),
    1000,
    undefined,
    options,
  );

/** The same for a fragmented file that is known as a whole. */
export const writeHead = (tracks: readonly HeadTrack[], options: HeadOptions): Uint8Array =>
  written(tracks, options.timescale, options, options);

function written(
  tracks: readonly HeadTrack[],
  timescale: number,
  whole: HeadOptions | undefined,
  { uuidBoxes = [] }: InitOptions,
): Uint8Array {
  const ftyp = box('ftyp', ascii('iso5'), u32(0), ascii('iso5iso6mp41'));
  const moov = box(
    'moov',
    movieHeader(timescale, 0, tracks.length + 1, whole?.beginMs),
    ...tracks.map((track, i) => trak(track, i + 1)),
    box(
      'mvex',
      ...(whole ? [fullBox('mehd', 1, 0, u64(whole.duration))] : []),
      ...tracks.map((_, i) => fullBox('trex', 0, 0, u32(i + 1, 1, 0, 0, 0))),
    ),
    ...uuidBoxes.map(body => box('uuid', body)),
  );
  return join(ftyp, moov);
}

function trak({ descriptions, edits, inBand }: HeadTrack, trackId: number): Uint8Array {
  const [track] = descriptions;
  return box(
    'trak',
    trackHeader(track, trackId, 0),
    ...(edits.length > 0 ? [box('edts', editList(edits))] : []),
    box(
      'mdia',
      mediaHeader(track.timescale, 0),
      handlerBox(track.kind),
      box(
        'minf',
        mediaKindHeader(track.kind),
        dataInformation(),
        box(
          'stbl',
          fullBox('stsd', 0, 0, u32(descriptions.length), ...descriptions.map(d => sampleEntry(d, inBand))),
          fullBox('stts', 0, 0, u32(0)),
          fullBox('stsc', 0, 0, u32(0)),
          fullBox('stsz', 0, 0, u32(0, 0)),
          fullBox('stco', 0, 0, u32(0)),
        ),
      ),
    ),
  );
}
