/**
 * HLS media playlists as text (RFC 8216, draft-pantos-hls-rfc8216bis). Pure: what must be
 * listed is an argument. Left out: master playlists, encryption, byte ranges, parts.
 *
 * Version 7: EXT-X-MAP beside whole-picture playlists needs 6 (RFC 8216 7), and players take
 * 7 as the sign of fragmented MP4. MPEG-TS needs 3, and players of its time take no more.
 */
import { isoTime } from '#core/time';

export interface PlaylistSegment {
  /** Relative to the playlist. */
  readonly uri: string;
  readonly seconds: number;
  /** Wall clock of its first picture, UTC milliseconds. */
  readonly wallMs: number;
  /** Init segment that it needs; undefined for MPEG-TS. */
  readonly map: string | undefined;
  /** Its time or its formats do not follow on from the segment before it. */
  readonly discontinuity: boolean;
}

export interface LivePlaylist {
  /** Never less than before, and at least each segment's duration, rounded (RFC 8216 4.3.3.1). */
  readonly targetSeconds: number;
  /** Media sequence number of the first segment listed. */
  readonly sequence: number;
  /** Discontinuities that have left the playlist; one in front of the first segment listed has not (RFC 8216 6.2.2). */
  readonly discontinuitySequence: number;
  /** Every segment begins with a keyframe. */
  readonly independent: boolean;
  readonly segments: readonly PlaylistSegment[];
}

/** A playlist that is fetched again and again. */
export function writeLivePlaylist(list: LivePlaylist): string {
  const lines = head(list.targetSeconds, list.segments);
  lines.push(
    `#EXT-X-MEDIA-SEQUENCE:${list.sequence}`,
    `#EXT-X-DISCONTINUITY-SEQUENCE:${list.discontinuitySequence}`,
    ...(list.independent ? ['#EXT-X-INDEPENDENT-SEGMENTS'] : []),
  );
  return text(lines, list.segments);
}

export interface VodPlaylist {
  readonly independent: boolean;
  readonly segments: readonly PlaylistSegment[];
}

/** A playlist that is complete. */
export function writeVodPlaylist(list: VodPlaylist): string {
  const lines = head(targetSecondsOf(list.segments), list.segments);
  lines.push(
    '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-PLAYLIST-TYPE:VOD',
    ...(list.independent ? ['#EXT-X-INDEPENDENT-SEGMENTS'] : []),
  );
  return text(lines, list.segments, '#EXT-X-ENDLIST');
}

/** The least target duration that these segments allow; 1 without any. */
export function targetSecondsOf(segments: readonly Pick<PlaylistSegment, 'seconds'>[]): number {
  let target = 1;
  for (const s of segments) target = Math.max(target, Math.round(s.seconds));
  return target;
}

const head = (targetSeconds: number, segments: readonly PlaylistSegment[]): string[] => [
  '#EXTM3U',
  `#EXT-X-VERSION:${segments.some(s => s.map === undefined) ? 3 : 7}`,
  `#EXT-X-TARGETDURATION:${targetSeconds}`,
];

function text(lines: string[], segments: readonly PlaylistSegment[], end?: string): string {
  let map: string | undefined;
  for (const s of segments) {
    if (s.discontinuity) lines.push('#EXT-X-DISCONTINUITY');
    if (s.map !== undefined && s.map !== map) lines.push(`#EXT-X-MAP:URI="${s.map}"`);
    map = s.map;
    lines.push(`#EXT-X-PROGRAM-DATE-TIME:${isoTime(s.wallMs)}`, `#EXTINF:${s.seconds.toFixed(5)},`, s.uri);
  }
  if (end !== undefined) lines.push(end);
  return `${lines.join('\n')}\n`;
}
