/**
 * Media services: ver10 (ONVIF Media 1) and ver20 (ONVIF Media 2, which alone has H.265).
 * Profiles and video sources of both come out alike. A device may leave out anything; what
 * is not there is undefined, and numbers that make no sense are 0.
 */
import { at, booleanOf, child, children, escapeXml, numberAt, textAt, type XmlElement } from './xml.ts';

export type MediaVersion = 'media' | 'media2';

export interface VideoSourceInfo {
  readonly token: string;
  readonly resolution: readonly [width: number, height: number];
  readonly framerate: number;
}

export interface ProfileVideo {
  /** As the device writes it, in capitals: `H264`, `H265`, `JPEG`, `MPEG4`. */
  readonly codec: string;
  readonly resolution: readonly [width: number, height: number];
  /** Token of the video source; '' if unknown. */
  readonly source: string;
  /** Token of the video source's configuration, which events name as their source; '' if unknown. */
  readonly configuration: string;
  readonly quality: number;
  readonly bounds: readonly [x: number, y: number, width: number, height: number];
}

export interface Profile {
  readonly token: string;
  readonly name: string;
  readonly fixed: boolean;
  /** Undefined if it has no encoded video. */
  readonly video: ProfileVideo | undefined;
  /** Token of its node of PTZ, or of its configuration; undefined without PTZ. */
  readonly ptz: { readonly configuration: string; readonly node: string } | undefined;
}

/** How the stream is wanted to travel. */
export type StreamTransport = 'tcp' | 'udp' | 'multicast';

export const getVideoSources = '<trt:GetVideoSources/>';
export const getProfiles: Readonly<Record<MediaVersion, string>> = {
  media: '<trt:GetProfiles/>',
  media2: '<tr2:GetProfiles><tr2:Type>All</tr2:Type></tr2:GetProfiles>',
};

/** The request for where a profile's stream is. */
export function getStreamUri(version: MediaVersion, profile: string, transport: StreamTransport): string {
  const token = escapeXml(profile);
  if (version === 'media2') {
    const protocol = { tcp: 'RTSP', udp: 'RtspUnicast', multicast: 'RtspMulticast' }[transport];
    return `<tr2:GetStreamUri><tr2:Protocol>${protocol}</tr2:Protocol><tr2:ProfileToken>${token}</tr2:ProfileToken></tr2:GetStreamUri>`;
  }
  return `<trt:GetStreamUri>${streamSetup(transport)}<trt:ProfileToken>${token}</trt:ProfileToken></trt:GetStreamUri>`;
}

function streamSetup(transport: StreamTransport): string {
  const stream = transport === 'multicast' ? 'RTP-Multicast' : 'RTP-Unicast';
  const protocol = transport === 'tcp' ? 'RTSP' : 'UDP';
  return `<trt:StreamSetup><tt:Stream>${stream}</tt:Stream><tt:Transport><tt:Protocol>${protocol}</tt:Protocol></tt:Transport></trt:StreamSetup>`;
}

/** Both versions; some devices answer the one in the words of the other. */
export const readStreamUri = (answer: XmlElement): string | undefined =>
  textAt(answer, 'MediaUri', 'Uri') ?? textAt(answer, 'Uri');

/** At most this many are taken of any list that a device gives. */
export const listLimit = 256;

/** Tokens are repeated in requests and shown in answers. */
export const tokenOf = (e: XmlElement | undefined): string =>
  (e?.attributes.get('token') ?? e?.attributes.get('Token') ?? textAt(e, 'token') ?? '').slice(0, 256);

const size = (e: XmlElement | undefined): readonly [number, number] => [
  Math.max(0, Math.round(numberAt(e, 'Width') ?? 0)),
  Math.max(0, Math.round(numberAt(e, 'Height') ?? 0)),
];

/** Of the answer to GetVideoSources; those without a token are left out. */
export const readVideoSources = (answer: XmlElement): VideoSourceInfo[] =>
  children(answer, 'VideoSources')
    .slice(0, listLimit)
    .map(s => ({
      token: tokenOf(s),
      resolution: size(child(s, 'Resolution')),
      framerate: Math.max(0, numberAt(s, 'Framerate') ?? 0),
    }))
    .filter(s => s.token !== '');

/** Of either version: Media 2 has the configurations below `Configurations`, without the word at their ends. */
export function readProfiles(answer: XmlElement): Profile[] {
  const found: Profile[] = [];
  for (const p of children(answer, 'Profiles').slice(0, listLimit)) {
    const within = child(p, 'Configurations');
    const part = (name: string): XmlElement | undefined => child(within, name) ?? child(p, `${name}Configuration`);
    const token = tokenOf(p);
    if (token === '') continue;
    const ptz = part('PTZ');
    found.push({
      token,
      name: (textAt(p, 'Name') ?? '').slice(0, 200),
      fixed: booleanOf(p.attributes.get('fixed')) ?? false,
      video: videoOf(part('VideoEncoder'), part('VideoSource')),
      ptz: ptz && { configuration: tokenOf(ptz), node: (textAt(ptz, 'NodeToken') ?? '').slice(0, 256) },
    });
  }
  return found;
}

function videoOf(encoder: XmlElement | undefined, source: XmlElement | undefined): ProfileVideo | undefined {
  if (encoder === undefined) return undefined;
  const bounds = child(source, 'Bounds')?.attributes;
  const bound = (name: string): number => {
    const n = Number(bounds?.get(name) ?? 0);
    return Number.isFinite(n) ? Math.round(n) : 0;
  };
  return {
    codec: (textAt(encoder, 'Encoding') ?? '').slice(0, 40).toUpperCase().replace('.', ''),
    resolution: size(at(encoder, 'Resolution')),
    source: (textAt(source, 'SourceToken') ?? '').slice(0, 256),
    configuration: tokenOf(source),
    quality: numberAt(encoder, 'Quality') ?? 0,
    bounds: [bound('x'), bound('y'), bound('width'), bound('height')],
  };
}
