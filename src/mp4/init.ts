/**
 * The init segment (ISO/IEC 14496-12 8.16.3, MSE byte stream "ISO BMFF"): `ftyp`, `moov` with
 * `mvex` and no samples. Fragments of a Fragmenter follow it.
 */
import type { Track } from '#media/track';
import { ascii, box, fullBox, join, u32 } from './box.ts';
import { dataInformation, handlerBox, mediaHeader, mediaKindHeader, movieHeader, trackHeader } from './movie.ts';
import { sampleEntry } from './sample-entry.ts';

export interface InitOptions {
  /** Bodies of `uuid` boxes at the end of `moov`: 16 bytes of type, then the payload. */
  readonly uuidBoxes?: readonly Uint8Array[];
}

/** track_ID is one more than the index. Throws Fault `protocol` for a track without usable parameter sets. */
export function writeInit(tracks: readonly Track[], options: InitOptions = {}): Uint8Array {
  const ftyp = box('ftyp', ascii('iso5'), u32(0), ascii('iso5iso6mp41'));
  const moov = box(
    'moov',
    movieHeader(1000, 0, tracks.length + 1),
    ...tracks.map((track, i) => trak(track, i + 1)),
    box('mvex', ...tracks.map((_, i) => fullBox('trex', 0, 0, u32(i + 1, 1, 0, 0, 0)))),
    ...(options.uuidBoxes ?? []).map(body => box('uuid', body)),
  );
  return join(ftyp, moov);
}

function trak(track: Track, trackId: number): Uint8Array {
  return box(
    'trak',
    trackHeader(track, trackId, 0),
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
          fullBox('stsd', 0, 0, u32(1), sampleEntry(track)),
          fullBox('stts', 0, 0, u32(0)),
          fullBox('stsc', 0, 0, u32(0)),
          fullBox('stsz', 0, 0, u32(0, 0)),
          fullBox('stco', 0, 0, u32(0)),
        ),
      ),
    ),
  );
}
