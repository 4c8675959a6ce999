/** Which tracks of a described presentation are played, and how they are packed. */
import type { MediaDescription, MetadataDescription } from '#rtp/media-description';
import { attribute, type MediaSection, type SessionDescription } from '#sdp/sdp';
import { audioOf } from './audio-description.ts';
import { encodingsOf, mapOf } from './format-lines.ts';
import type { RtspQuirk } from './quirks.ts';
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
  /** What the description does against the rules. */
  readonly quirks: readonly RtspQuirk[];
}

/**
 * What there is to play, of the kinds that are wanted. `base` is the URL that control
 * attributes are relative to (RFC 2326 C.1.1).
 */
export function presentationOf(sdp: SessionDescription, base: string, want: Wanted): Presentation {
  const found = new Map<MediaDescription['kind'], PlayedTrack>();
  const ignored: string[] = [];
  const quirks = new Set<RtspQuirk>();
  const backChannel = backChannelIn(sdp);
  for (const section of sdp.media) {
    const kind = kindOf(section);
    if (kind === undefined || !want[kind] || found.has(kind)) continue;
    if (section === backChannel) {
      quirks.add('back-channel-described');
      continue;
    }
    const control = resolveControl(base, attribute(section, 'control'));
    const media = readers[kind](section, name => quirks.add(name));
    if (media !== undefined) found.set(kind, { media, control });
    // An application section without XML is something else, not metadata that we fail to read.
    else if (kind !== 'metadata') ignored.push(`${kind} ${encodingsOf(section)}`);
  }
  const tracks = [found.get('video'), found.get('audio'), found.get('metadata')].filter(t => t !== undefined);
  const control = resolveControl(base, attribute(sdp, 'control'));
  return { tracks, control, ignored: ignored.slice(0, 8), quirks: [...quirks] };
}

/** Why there is nothing to play: no track at all, or no video where there is one that is not understood. */
export function lackOf({ tracks, ignored }: Presentation, sdp: SessionDescription): string | undefined {
  const videoIgnored = ignored.some(i => i.startsWith('video'));
  if (tracks.length > 0 && !(videoIgnored && tracks[0]?.media.kind !== 'video')) return undefined;
  const got =
    ignored.join('; ') || (sdp.media.length === 0 ? 'none' : `${sdp.media.length} media sections of other kinds`);
  return `expected video or audio in a format that is understood in the description, got ${got}`;
}

/**
 * The audio that we are to send. Servers disagree on whose side `sendonly` is said from, so it counts only where
 * other audio is described without it.
 */
function backChannelIn(sdp: SessionDescription): MediaSection | undefined {
  const audio = sdp.media.filter(m => m.kind === 'audio');
  const ours = audio.filter(m => attribute(m, 'sendonly') !== undefined);
  return ours.length < audio.length ? ours[0] : undefined;
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
function metadataOf(section: MediaSection, quirk: (name: RtspQuirk) => void): MetadataDescription | undefined {
  for (const format of section.formats) {
    const map = mapOf(section, format, quirk);
    if (map?.encoding.toLowerCase() !== 'vnd.onvif.metadata') continue;
    return { kind: 'metadata', codec: 'metadata', payloadType: Number(format), clockRate: map.clockRate };
  }
  return undefined;
}
