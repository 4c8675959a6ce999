/** Which tracks of a described presentation are played, and how they are packed. */
import type { MediaDescription, MetadataDescription } from '#rtp/media-description';
import { attribute, type MediaSection, rtpMapOf, type SessionDescription } from '#sdp/sdp';
import { audioOf } from './audio-description.ts';
import { resolveControl } from './url.ts';
import { videoOf } from './video-description.ts';

export interface PlayedTrack {
  readonly media: MediaDescription;
  /** Absolute; what SETUP asks for. */
  readonly control: string;
}

export interface Presentation {
  /** Video first, then audio, then metadata. At most one of each kind: the first that is understood. */
  readonly tracks: readonly PlayedTrack[];
  /** What PLAY, keep-alive and TEARDOWN ask for. */
  readonly control: string;
  /** What is wanted and there, but not understood: `video H265`. */
  readonly ignored: readonly string[];
}

/**
 * What there is to play, of the kinds that are wanted. `base` is the URL that control
 * attributes are relative to (RFC 2326 C.1.1).
 */
export function presentationOf(sdp: SessionDescription, base: string, want: Wanted): Presentation {
  const found = new Map<MediaDescription['kind'], PlayedTrack>();
  const ignored: string[] = [];
  for (const section of sdp.media) {
    const kind = kindOf(section);
    if (kind === undefined || !want[kind] || found.has(kind)) continue;
    const control = resolveControl(base, attribute(section, 'control'));
    const media = readers[kind](section);
    if (media !== undefined) found.set(kind, { media, control });
    // An application section without XML is something else, not metadata that we fail to read.
    else if (kind !== 'metadata') ignored.push(`${kind} ${encodingsOf(section)}`);
  }
  const tracks = [found.get('video'), found.get('audio'), found.get('metadata')].filter(t => t !== undefined);
  return { tracks, control: resolveControl(base, attribute(sdp, 'control')), ignored: ignored.slice(0, 8) };
}

export interface Wanted {
  readonly video: boolean;
  readonly audio: boolean;
  /** ONVIF's XML documents; not wanted if left out. */
  readonly metadata?: boolean;
}

const kindOf = ({ kind }: MediaSection): MediaDescription['kind'] | undefined =>
  kind === 'video' || kind === 'audio' ? kind : kind === 'application' ? 'metadata' : undefined;

const readers = { video: videoOf, audio: audioOf, metadata: metadataOf } as const;

/** ONVIF Streaming Specification 5.1.2.1.1; compressed documents (gzip, exi) are left out. */
function metadataOf(section: MediaSection): MetadataDescription | undefined {
  for (const format of section.formats) {
    const map = rtpMapOf(section, format);
    if (map?.encoding.toLowerCase() !== 'vnd.onvif.metadata') continue;
    return { kind: 'metadata', codec: 'metadata', payloadType: Number(format), clockRate: map.clockRate };
  }
  return undefined;
}

const encodingsOf = (section: MediaSection): string =>
  section.formats
    .slice(0, 4)
    .map(f => (rtpMapOf(section, f)?.encoding ?? f).slice(0, 32))
    .join(',') || '(no format)';
