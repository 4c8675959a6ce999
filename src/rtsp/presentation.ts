/** Which tracks of a described presentation are played, and how they are packed. */
import { aacTrack, writeAudioSpecificConfig } from '#media/aac';
import type { AudioDescription, MediaDescription, VideoDescription } from '#rtp/receiver';
import { attribute, formatParameters, type MediaSection, rtpMapOf, type SessionDescription } from '#sdp/sdp';
import { resolveControl } from './url.ts';

export interface PlayedTrack {
  readonly media: MediaDescription;
  /** Absolute; what SETUP asks for. */
  readonly control: string;
}

export interface Presentation {
  /** Video first. At most one of each kind: the first that is understood. */
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
export function presentationOf(
  sdp: SessionDescription,
  base: string,
  want: { readonly video: boolean; readonly audio: boolean },
): Presentation {
  let video: PlayedTrack | undefined;
  let audio: PlayedTrack | undefined;
  const ignored: string[] = [];
  for (const section of sdp.media) {
    const wanted = section.kind === 'video' ? want.video && !video : section.kind === 'audio' && want.audio && !audio;
    if (!wanted) continue;
    const control = resolveControl(base, attribute(section, 'control'));
    const media = section.kind === 'video' ? videoOf(section) : audioOf(section);
    if (media === undefined) ignored.push(`${section.kind} ${encodingsOf(section)}`);
    else if (media.kind === 'video') video = { media, control };
    else audio = { media, control };
  }
  const tracks = [video, audio].filter(t => t !== undefined);
  return { tracks, control: resolveControl(base, attribute(sdp, 'control')), ignored: ignored.slice(0, 8) };
}

const encodingsOf = (section: MediaSection): string =>
  section.formats
    .slice(0, 4)
    .map(f => (rtpMapOf(section, f)?.encoding ?? f).slice(0, 32))
    .join(',') || '(no format)';

function videoOf(section: MediaSection): VideoDescription | undefined {
  for (const format of section.formats) {
    const map = rtpMapOf(section, format);
    if (map?.encoding.toUpperCase() !== 'H264') continue;
    const sets = formatParameters(section, format).get('sprop-parameter-sets') ?? '';
    const parameterSets = sets
      .split(',')
      .map(bytesOfBase64)
      .filter(b => b.length > 1);
    return { kind: 'video', codec: 'h264', payloadType: Number(format), clockRate: map.clockRate, parameterSets };
  }
  return undefined;
}

/** RFC 3640 3.3.5 and 3.3.6: lengths of the fields in front of the frames, where the camera does not say. */
const modes: Readonly<Record<string, readonly [size: number, index: number]>> = {
  'aac-hbr': [13, 3],
  'aac-lbr': [6, 2],
};

function audioOf(section: MediaSection): AudioDescription | undefined {
  for (const format of section.formats) {
    const map = rtpMapOf(section, format);
    if (map?.encoding.toUpperCase() !== 'MPEG4-GENERIC') continue;
    const parameters = formatParameters(section, format);
    const written = bytesOfHex(parameters.get('config') ?? '');
    const config = written.length >= 2 ? written : writeAudioSpecificConfig(map.clockRate, map.channels);
    const track = config && aacTrack(config);
    if (track === undefined) continue;
    const mode = modes[parameters.get('mode')?.toLowerCase() ?? 'aac-hbr'] ?? [0, 0];
    const bits = (name: string, otherwise: number): number => {
      const text = parameters.get(name) ?? '';
      return /^\d{1,2}$/.test(text) && Number(text) <= 32 ? Number(text) : otherwise;
    };
    const indexLength = bits('indexlength', mode[1]);
    const packing = {
      sizeLength: bits('sizelength', mode[0]),
      indexLength,
      indexDeltaLength: bits('indexdeltalength', indexLength),
      ticksPerUnit: Math.round((track.samplesPerUnit * map.clockRate) / track.timescale),
    };
    return { kind: 'audio', codec: 'aac', payloadType: Number(format), clockRate: map.clockRate, packing, track };
  }
  return undefined;
}

function bytesOfBase64(text: string): Uint8Array {
  const clean = text.replace(/[^A-Za-z0-9+/]/g, '');
  if (clean.length % 4 === 1) return new Uint8Array(0);
  return Uint8Array.from(atob(clean), c => c.charCodeAt(0));
}

function bytesOfHex(text: string): Uint8Array {
  if (!/^(?:[0-9a-fA-F]{2}){1,64}$/.test(text)) return new Uint8Array(0);
  return Uint8Array.from(text.match(/../g) ?? [], h => Number.parseInt(h, 16));
}
