/** The SDP of a clip, good or odd on purpose: the variants of tools/rtspload. */
import type { Headers } from '#rtsp/message';
import { type MediaSection, type SessionDescription, writeSdp } from '#sdp/sdp';
import { trackSection } from '#sdp/track-section';
import type { Clip } from './clip.ts';
import type { SdpVariant } from './faults.ts';

/** Tracks that odd SDPs offer and nothing is ever sent on. */
export const emptyTracks: readonly number[] = [8, 9];
/** Payload type of the clip's track `index`. */
export const payloadType = (index: number): number => 96 + index;

/** `url` of the presentation, without final slash. */
export function describe(
  clip: Clip,
  name: string,
  url: string,
  variant?: SdpVariant,
): { sdp: string; headers: Headers } {
  const sections: MediaSection[] = [];
  clip.tracks.forEach(({ track }, i) => {
    const control = variant === 'absctl' ? `${url}/trackID=${i}` : `trackID=${i}`;
    sections.push(bent(trackSection(track, payloadType(i), control), payloadType(i), variant));
  });
  if (variant === 'audiofirst') sections.sort((a, b) => a.kind.localeCompare(b.kind));
  if (variant === 'meta') sections.unshift(extra('application', 107, 'vnd.onvif.metadata/90000', 9));
  if (variant === 'unknown') sections.unshift(extra('video', 120, 'X-SNOWFLAKE/90000', 8));
  const description: SessionDescription = {
    origin: '- 1 1 IN IP4 127.0.0.1',
    name: `fake camera ${name}`,
    connection: 'IN IP4 0.0.0.0',
    attributes: [...(variant === 'noctl' ? [] : [['control', '*'] as const]), ['range', 'npt=now-']],
    media: sections,
  };
  const text = writeSdp(description);
  const long = Array.from({ length: 20 }, (_, i) => [`X-Vendor-Header-${i}`, String(i).padStart(100, '0')] as const);
  return { sdp: variant === 'lf' ? text.replaceAll('\r\n', '\n') : text, headers: variant === 'longhdr' ? long : [] };
}

function bent(section: MediaSection, type: number, variant: SdpVariant | undefined): MediaSection {
  const fmtp = (value: string): string => {
    if (variant === 'nosprop' && section.kind === 'video') return `${type} packetization-mode=1`;
    return variant === 'badfmtp' ? `${value}; ;=;bogus` : value;
  };
  const attributes = section.attributes.map(([n, v]) => [n, n === 'fmtp' ? fmtp(v) : v] as const);
  return { ...section, attributes };
}

const extra = (kind: string, type: number, map: string, track: number): MediaSection => ({
  kind,
  port: 0,
  protocol: 'RTP/AVP',
  formats: [String(type)],
  attributes: [
    ['rtpmap', `${type} ${map}`],
    ['control', `trackID=${track}`],
    ['sendonly', ''],
  ],
});
