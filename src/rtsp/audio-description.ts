/** Which audio a section of a session description offers, and how it is packed. */
import { aacTrack, writeAudioSpecificConfig } from '#media/aac';
import { parseStreamMuxConfig } from '#media/latm';
import { plainTrack } from '#media/sound';
import type { G726Packing } from '#rtp/g726/depacketizer';
import type { AudioDescription } from '#rtp/media-description';
import type { MediaSection, RtpMap } from '#sdp/sdp';
import { bytesOfHex } from './binary-text.ts';
import { mapOf, parametersOf, type QuirkTaker } from './format-lines.ts';

type Parameters = ReadonlyMap<string, string>;

/** The first format that is understood. */
export function audioOf(section: MediaSection, quirk: QuirkTaker): AudioDescription | undefined {
  for (const format of section.formats) {
    const map = mapOf(section, format, quirk);
    const found = map && formatOf(map, Number(format), parametersOf(section, format, quirk), quirk);
    if (found !== undefined) return found;
  }
  return undefined;
}

function formatOf(
  map: RtpMap,
  payloadType: number,
  parameters: Parameters,
  quirk: QuirkTaker,
): AudioDescription | undefined {
  const { clockRate, channels } = map;
  const common = { kind: 'audio', payloadType, clockRate } as const;
  const encoding = map.encoding.toUpperCase();
  const g726 = /^(AAL2-)?G726-(16|24|32|40)$/.exec(encoding);
  if (g726) {
    const order = g726[1] === undefined ? 'lowest-first' : 'highest-first';
    const packing = { bits: (Number(g726[2]) / 8) as G726Packing['bits'], order } as const;
    return { ...common, codec: 'g726', packing, track: plainTrack('lpcm', clockRate, 1) };
  }
  switch (encoding) {
    case 'MPEG4-GENERIC':
      return aacOf(map, payloadType, parameters);
    case 'MP4A-LATM':
      return latmOf(map, payloadType, parameters);
    case 'OPUS': {
      // Two channels unless told otherwise: a decoder plays mono in both of them, but drops one of stereo.
      const stereo = parameters.get('sprop-stereo') !== '0';
      return { ...common, codec: 'opus', track: plainTrack('opus', 48000, stereo ? 2 : 1) };
    }
    case 'PCMU':
    case 'PCMA': {
      const codec = encoding === 'PCMU' ? 'pcmu' : 'pcma';
      if (channels > 8) return undefined;
      // Static types are fixed by RFC 3551 6; of the others no rate above this is one of sound.
      const odd = clockRate > 48000 || (payloadType === (codec === 'pcmu' ? 0 : 8) && clockRate !== 8000);
      if (odd) quirk('g711-rate');
      return { ...common, codec, track: plainTrack(codec, odd ? 8000 : clockRate, channels) };
    }
    case 'L16':
      return channels > 8 ? undefined : { ...common, codec: 'lpcm', track: plainTrack('lpcm', clockRate, channels) };
    default:
      return undefined;
  }
}

/** RFC 3640 3.3.5 and 3.3.6: lengths of the fields in front of the frames, where the camera does not say. */
const modes: Readonly<Record<string, readonly [size: number, index: number]>> = {
  'aac-hbr': [13, 3],
  'aac-lbr': [6, 2],
};

function aacOf(map: RtpMap, payloadType: number, parameters: Parameters): AudioDescription | undefined {
  const written = bytesOfHex(parameters.get('config') ?? '');
  const config = written.length >= 2 ? written : writeAudioSpecificConfig(map.clockRate, map.channels);
  const track = config && aacTrack(config);
  if (track === undefined) return undefined;
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
  return { kind: 'audio', codec: 'aac', payloadType, clockRate: map.clockRate, packing, track };
}

/** RFC 6416 7.3: the configuration is in `config`, or with cpresent=1, the default, in the stream; until it came, AAC-LC is assumed. */
function latmOf(map: RtpMap, payloadType: number, parameters: Parameters): AudioDescription | undefined {
  const { clockRate, channels } = map;
  const inBand = parameters.get('cpresent') !== '0';
  const mux = parseStreamMuxConfig(bytesOfHex(parameters.get('config') ?? ''));
  if (mux === undefined && !inBand) return undefined;
  const config = mux?.config ?? writeAudioSpecificConfig(clockRate, channels);
  const track = config && aacTrack(config);
  if (track === undefined) return undefined;
  return { kind: 'audio', codec: 'aac-latm', payloadType, clockRate, packing: { inBand, mux, clockRate }, track };
}
