/**
 * `moov` to tracks (ISO/IEC 14496-12 8.2-8.6), of files of ours and of others. What cannot be used
 * is left out and named in `skipped`. Never throws.
 */
import { type Box, boxesIn, findBox, fourcc, getU64, viewOf } from './box.ts';
import { type ParsedEntry, parseSampleEntry } from './track-parser.ts';

export interface TrackDefaults {
  readonly duration: number;
  readonly size: number;
  readonly flags: number;
}

export interface MovieTrack {
  readonly trackId: number;
  readonly timescale: number;
  /** One per sample description; at least the first is known. */
  readonly entries: readonly (ParsedEntry | undefined)[];
  /** Where `stbl` is in the bytes parsed. */
  readonly tables: Box;
  /** Of its `trex`; undefined when the file has no fragments. */
  readonly defaults: TrackDefaults | undefined;
  readonly edits: readonly Edit[];
}

/** One row of an edit list: `duration` in the movie's timescale, `mediaTime` in the track's, -1 for an empty edit. */
export interface Edit {
  readonly duration: number;
  readonly mediaTime: number;
}

export interface Movie {
  readonly timescale: number;
  readonly tracks: readonly MovieTrack[];
  /** Tracks that are no video or audio that we know, as handler and sample entry, e.g. `text/tx3g`. */
  readonly skipped: readonly string[];
  /** Bodies of `uuid` boxes in `moov`: type (16 bytes) and payload. */
  readonly uuidBoxes: readonly Uint8Array[];
}

/** The movie whose `moov` box is `moov`. */
export function parseMovie(bytes: Uint8Array, moov: Box): Movie {
  const view = viewOf(bytes);
  const children = boxesIn(bytes, moov.body, moov.end);
  const mvhd = children.find(b => b.type === 'mvhd');
  const defaults = new Map<number, TrackDefaults>();
  const mvex = children.find(b => b.type === 'mvex');
  for (const trex of mvex ? boxesIn(bytes, mvex.body, mvex.end) : []) {
    if (trex.type !== 'trex' || trex.body + 24 > trex.end) continue;
    const [trackId, , duration = 0, size = 0, flags = 0] = [4, 8, 12, 16, 20].map(o => view.getUint32(trex.body + o));
    defaults.set(trackId ?? 0, { duration, size, flags });
  }
  const tracks: MovieTrack[] = [];
  const skipped: string[] = [];
  for (const trak of children.filter(b => b.type === 'trak')) {
    const parsed = parseTrack(bytes, trak, defaults);
    if (typeof parsed === 'string') skipped.push(parsed);
    else tracks.push(parsed);
  }
  return {
    timescale: (mvhd && timescaleOf(bytes, mvhd)) || 1000,
    tracks,
    skipped,
    uuidBoxes: children.filter(b => b.type === 'uuid').map(b => bytes.slice(b.body, b.end)),
  };
}

/** mvhd and mdhd: the timescale stands behind two times of 4 or, in version 1, 8 bytes. */
function timescaleOf(bytes: Uint8Array, header: Box): number {
  const at = header.body + 4 + (bytes[header.body] === 1 ? 16 : 8);
  return at + 4 <= header.end ? viewOf(bytes).getUint32(at) : 0;
}

function parseTrack(bytes: Uint8Array, trak: Box, defaults: ReadonlyMap<number, TrackDefaults>): MovieTrack | string {
  const find = (path: string): Box | undefined => findBox(bytes, path, trak.body, trak.end);
  const view = viewOf(bytes);
  const hdlr = find('mdia/hdlr');
  const handler = hdlr && hdlr.body + 12 <= hdlr.end ? fourcc(bytes, hdlr.body + 8) : '?';
  const tkhd = find('tkhd');
  const mdhd = find('mdia/mdhd');
  const tables = find('mdia/minf/stbl');
  const stsd = find('mdia/minf/stbl/stsd');
  if (!tkhd || !mdhd || !tables || !stsd || stsd.body + 8 > stsd.end) return `${handler}/?`;
  const idAt = tkhd.body + 4 + (bytes[tkhd.body] === 1 ? 16 : 8);
  if (idAt + 4 > tkhd.end) return `${handler}/?`;
  const trackId = view.getUint32(idAt);
  const timescale = timescaleOf(bytes, mdhd);
  const descriptions = boxesIn(bytes, stsd.body + 8, stsd.end);
  const entries = descriptions.map(d => parseSampleEntry(bytes, d.begin, d.end, timescale));
  if (!entries[0]) return `${handler}/${descriptions[0]?.type ?? '?'}`;
  const elst = find('edts/elst');
  return {
    trackId,
    timescale,
    entries,
    tables,
    defaults: defaults.get(trackId),
    edits: elst ? editsOf(bytes, elst) : [],
  };
}

function editsOf(bytes: Uint8Array, elst: Box): Edit[] {
  const view = viewOf(bytes);
  const long = bytes[elst.body] === 1;
  const rowBytes = long ? 20 : 12;
  const edits: Edit[] = [];
  for (let at = elst.body + 8; at + rowBytes <= elst.end; at += rowBytes)
    edits.push(
      long
        ? { duration: getU64(view, at), mediaTime: Number(view.getBigInt64(at + 8)) }
        : { duration: view.getUint32(at), mediaTime: view.getInt32(at + 4) },
    );
  return edits;
}
