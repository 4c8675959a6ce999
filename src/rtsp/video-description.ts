/** Which video a section of a session description offers, and how it is packed. */
import type { VideoCodec } from '#media/track';
import type { VideoDescription } from '#rtp/media-description';
import { attribute, type MediaSection } from '#sdp/sdp';
import { bytesOfBase64 } from './binary-text.ts';
import { mapOf, parametersOf, type QuirkTaker } from './format-lines.ts';

/** By name of the encoding (rtpmap), in upper case. */
const codecs: Readonly<Record<string, VideoCodec>> = {
  H264: 'h264',
  H265: 'h265',
  HEVC: 'h265',
  JPEG: 'mjpeg',
  AV1: 'av1',
  VP8: 'vp8',
};

/** The first format that is understood. */
export function videoOf(section: MediaSection, quirk: QuirkTaker): VideoDescription | undefined {
  for (const format of section.formats) {
    const map = mapOf(section, format, quirk);
    const codec = map && codecs[map.encoding.toUpperCase()];
    if (map === undefined || codec === undefined) continue;
    const parameters = parametersOf(section, format, quirk);
    const sets = (name: string): Uint8Array[] =>
      (parameters.get(name) ?? '')
        .split(',')
        .map(bytesOfBase64)
        .filter(b => b.length > 1);
    const common = { kind: 'video', codec, payloadType: Number(format), clockRate: map.clockRate } as const;
    switch (codec) {
      case 'h264':
        return { ...common, parameterSets: sets('sprop-parameter-sets') };
      case 'h265': {
        // RFC 7798 7.1. Some cameras write them as H.264 does.
        const names = ['sprop-vps', 'sprop-sps', 'sprop-pps', 'sprop-parameter-sets'];
        const number = (name: string): number => Math.min(32767, Number.parseInt(parameters.get(name) ?? '', 10) || 0);
        const numbered = { maxDonDiff: number('sprop-max-don-diff'), bufferNalus: number('sprop-depack-buf-nalus') };
        const described = { ...common, parameterSets: names.flatMap(sets) };
        return numbered.maxDonDiff > 0 ? { ...described, numbered } : described;
      }
      case 'mjpeg': {
        const size = sizeOf(section, format);
        return { ...common, parameterSets: [], ...(size === undefined ? {} : { size }) };
      }
      default:
        return { ...common, parameterSets: [] };
    }
  }
  return undefined;
}

/** `a=framesize:26 1920-1080` (3GPP TS 26.234 5.3.3.2), or GStreamer's `a=x-dimensions:1920,1080`. */
function sizeOf(section: MediaSection, format: string): readonly [number, number] | undefined {
  const text =
    attribute(section, 'x-dimensions') ?? attribute(section, 'framesize')?.replace(new RegExp(`^${format}\\s+`), '');
  const [, width, height] = /^\s*(\d{1,5})\s*[,x-]\s*(\d{1,5})\s*$/.exec(text ?? '') ?? [];
  return width === undefined || height === undefined ? undefined : [Number(width), Number(height)];
}
