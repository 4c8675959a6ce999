/** Header boxes that fragmented files and exports have in common (ISO/IEC 14496-12 8.2, 8.3, 8.4, 8.7). */
import type { Track } from '#media/track';
import { ascii, box, fullBox, join, u16, u32, u64, zeros } from './box.ts';
import type { Edit } from './movie-parser.ts';

/** The unity matrix: 16.16, 16.16, 2.30. */
const matrix = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);

/** 1904 to 1970: 66 years with 17 leap days. */
const epochSeconds = (66 * 365 + 17) * 86400;

/** `beginMs` becomes the creation time, in whole seconds; without it that is 0, unknown. Nothing of now: the same samples give the same bytes. */
export const movieHeader = (timescale: number, duration: number, nextTrackId: number, beginMs?: number): Uint8Array =>
  fullBox(
    'mvhd',
    1,
    0,
    u64(beginMs === undefined ? 0 : Math.floor(beginMs / 1000) + epochSeconds, 0),
    u32(timescale),
    u64(duration),
    u32(0x10000), // rate 1
    u16(0x100, 0), // volume 1
    zeros(8),
    matrix,
    zeros(24),
    u32(nextTrackId),
  );

/** `duration` in the movie's timescale. Flags 3: enabled and part of the presentation. */
export const trackHeader = (track: Track, trackId: number, duration: number): Uint8Array =>
  fullBox(
    'tkhd',
    1,
    3,
    u64(0, 0),
    u32(trackId, 0),
    u64(duration),
    zeros(8),
    u16(0, 0, track.kind === 'audio' ? 0x100 : 0, 0), // layer, alternate group, volume
    matrix,
    track.kind === 'video' ? u32(track.width * 0x10000, track.height * 0x10000) : u32(0, 0),
  );

/** Language `und`. */
export const mediaHeader = (timescale: number, duration: number): Uint8Array =>
  fullBox('mdhd', 1, 0, u64(0, 0), u32(timescale), u64(duration), u16(0x55c4, 0));

/** `hdlr`: what kind of media a track is. */
export const handlerBox = (kind: Track['kind']): Uint8Array =>
  kind === 'video'
    ? fullBox('hdlr', 0, 0, u32(0), ascii('vide'), zeros(12), ascii('VideoHandler\0'))
    : fullBox('hdlr', 0, 0, u32(0), ascii('soun'), zeros(12), ascii('SoundHandler\0'));

/** The media is in this file. */
export const dataInformation = (): Uint8Array => box('dinf', fullBox('dref', 0, 0, u32(1), fullBox('url ', 0, 1)));

export const mediaKindHeader = (kind: Track['kind']): Uint8Array =>
  kind === 'video' ? fullBox('vmhd', 0, 1, zeros(8)) : fullBox('smhd', 0, 0, zeros(4));

/** `elst`, all edits at normal speed. */
export const editList = (edits: readonly Edit[]): Uint8Array =>
  fullBox('elst', 1, 0, u32(edits.length), ...edits.map(e => join(u64(e.duration, e.mediaTime), u32(0x10000))));
