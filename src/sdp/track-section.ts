/** A track as an SDP section, for what we offer ourselves: the mirror of rtsp/video-description.ts and audio-description.ts. */

import { h265Type, h265TypeOf } from '#media/h265';
import type { AudioTrack, Track, VideoTrack } from '#media/track';
import type { Attribute, MediaSection } from '#sdp/sdp';

/** `control`: value of `a=control`, as RTSP wants it. */
export function trackSection(track: Track, payloadType: number, control?: string): MediaSection {
  const { encoding, parameters, more = [] } = track.kind === 'video' ? videoFormat(track) : audioFormat(track);
  return {
    kind: track.kind,
    port: 0,
    protocol: 'RTP/AVP',
    formats: [String(payloadType)],
    attributes: [
      ['rtpmap', `${payloadType} ${encoding}`],
      ...(parameters === undefined ? [] : [['fmtp', `${payloadType} ${parameters}`] as const]),
      ...more,
      ...(control === undefined ? [] : [['control', control] as const]),
    ],
  };
}

interface Format {
  readonly encoding: string;
  readonly parameters?: string;
  readonly more?: readonly Attribute[];
}

function videoFormat(track: VideoTrack): Format {
  const { timescale, parameterSets } = track;
  switch (track.codec) {
    case 'h264': {
      // RFC 6184 8.2.1
      const sps = parameterSets.find(s => ((s[0] ?? 0) & 0x1f) === 7);
      const profile = sps && sps.length >= 4 ? `profile-level-id=${hex(sps.subarray(1, 4))};` : '';
      const sets = parameterSets.map(base64).join(',');
      return {
        encoding: `H264/${timescale}`,
        parameters: `packetization-mode=1;${profile}sprop-parameter-sets=${sets}`,
      };
    }
    case 'h265': {
      // RFC 7798 7.2.1
      const sets = (name: string, type: number): string[] => {
        const found = parameterSets.filter(s => h265TypeOf(s[0] ?? 0) === type);
        return found.length === 0 ? [] : [`sprop-${name}=${found.map(base64).join(',')}`];
      };
      const all = [...sets('vps', h265Type.vps), ...sets('sps', h265Type.sps), ...sets('pps', h265Type.pps)];
      return { encoding: `H265/${timescale}`, ...(all.length === 0 ? {} : { parameters: all.join(';') }) };
    }
    case 'mjpeg': {
      // Beyond 2040 pixels the payload cannot say the size (RFC 2435 3.1.5).
      const large = track.width > 2040 || track.height > 2040;
      const more: readonly Attribute[] = large ? [['x-dimensions', `${track.width},${track.height}`]] : [];
      return { encoding: `JPEG/${timescale}`, more };
    }
    case 'av1':
      return { encoding: `AV1/${timescale}` };
    case 'vp8':
      return { encoding: `VP8/${timescale}` };
  }
}

function audioFormat(track: AudioTrack): Format {
  const { timescale, channels } = track;
  const several = channels > 1 ? `/${channels}` : '';
  switch (track.codec) {
    case 'aac': {
      // RFC 3640 4.1
      const mode = 'profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3';
      return { encoding: `MPEG4-GENERIC/${timescale}/${channels}`, parameters: `${mode};config=${hex(track.config)}` };
    }
    case 'opus':
      // RFC 7587 7: always 48000 and 2, whatever is inside.
      return { encoding: 'OPUS/48000/2', parameters: `sprop-stereo=${channels > 1 ? 1 : 0}` };
    case 'pcmu':
      return { encoding: `PCMU/${timescale}${several}` };
    case 'pcma':
      return { encoding: `PCMA/${timescale}${several}` };
    case 'lpcm':
      return { encoding: `L16/${timescale}${several}` };
  }
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, b => b.toString(16).padStart(2, '0')).join('');
const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));
