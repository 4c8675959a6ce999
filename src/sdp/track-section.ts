/** A track as an SDP section, for what we offer ourselves: H.264 (RFC 6184 8.2.1) and AAC-hbr (RFC 3640 4.1). */

import type { Track } from '#media/track';
import type { MediaSection } from '#sdp/sdp';

/** Undefined for a codec that is not packetized (`createPacketizer`). `control`: value of `a=control`, as RTSP wants it. */
export function trackSection(track: Track, payloadType: number, control?: string): MediaSection | undefined {
  const map = `${payloadType} ${encodingOf(track)}`;
  const format = formatOf(track);
  if (format === undefined) return undefined;
  return {
    kind: track.kind,
    port: 0,
    protocol: 'RTP/AVP',
    formats: [String(payloadType)],
    attributes: [
      ['rtpmap', map],
      ['fmtp', `${payloadType} ${format}`],
      ...(control === undefined ? [] : [['control', control] as const]),
    ],
  };
}

const encodingOf = (track: Track): string =>
  track.kind === 'video' ? `H264/${track.timescale}` : `MPEG4-GENERIC/${track.timescale}/${track.channels}`;

function formatOf(track: Track): string | undefined {
  if (track.kind === 'video' && track.codec === 'h264') {
    const sps = track.parameterSets.find(s => ((s[0] ?? 0) & 0x1f) === 7);
    const profile = sps && sps.length >= 4 ? `profile-level-id=${hex(sps.subarray(1, 4))};` : '';
    const sets = track.parameterSets.map(base64).join(',');
    return `packetization-mode=1;${profile}sprop-parameter-sets=${sets}`;
  }
  if (track.kind === 'audio' && track.codec === 'aac')
    return `profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=${hex(track.config)}`;
  return undefined;
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, b => b.toString(16).padStart(2, '0')).join('');
const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));
