/** AAC's AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1): what an MP4 file and a decoder need to know. */
import { BitReader } from '#media/bit-reader';
import type { AudioTrack } from '#media/track';

/** ISO/IEC 14496-3 table 1.18. */
export const aacSampleRates = [
  96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
] as const;

export interface AudioSpecificConfig {
  /** 2 is AAC-LC; 5 (SBR) and 29 (PS) extend one. */
  readonly objectType: number;
  /** Of the core coder. */
  readonly sampleRate: number;
  /** After SBR; 0 when the configuration does not speak of SBR. */
  readonly extensionRate: number;
  /** 0: the layout is in a program config element inside the stream. */
  readonly channels: number;
  /** 1024, or 960. */
  readonly samplesPerUnit: number;
}

/** Undefined for what is none, or has a rate or channel layout that no camera sends. */
export function parseAudioSpecificConfig(bytes: Uint8Array): AudioSpecificConfig | undefined {
  const r = new BitReader(bytes.subarray(0, 64));
  const type = (): number => {
    const five = r.bits(5);
    return five === 31 ? 32 + r.bits(6) : five;
  };
  const rate = (): number => {
    const index = r.bits(4);
    return index === 15 ? r.bits(24) : (aacSampleRates[index] ?? 0);
  };
  const objectType = type();
  const sampleRate = rate();
  const configuration = r.bits(4);
  let extensionRate = 0;
  let coder = objectType;
  if (objectType === 5 || objectType === 29) {
    extensionRate = rate();
    coder = type();
  }
  const short = [1, 2, 3, 4, 6, 7, 17, 19, 20, 21, 22, 23].includes(coder) && r.flag();
  const channels = configuration === 7 ? 8 : configuration;
  if (r.overrun || objectType === 0 || sampleRate < 7350 || sampleRate > 96000 || configuration > 7) return undefined;
  return { objectType, sampleRate, extensionRate, channels, samplesPerUnit: short ? 960 : 1024 };
}

/** The two bytes for AAC-LC; undefined for a rate or a number of channels that they cannot say. */
export function writeAudioSpecificConfig(sampleRate: number, channels: number): Uint8Array | undefined {
  const index = (aacSampleRates as readonly number[]).indexOf(sampleRate);
  if (index < 0 || channels < 1 || channels > 6) return undefined;
  return Uint8Array.of((2 << 3) | (index >> 1), ((index & 1) << 7) | (channels << 3));
}

/** The track that an AudioSpecificConfig means; undefined where it means none. */
export function aacTrack(config: Uint8Array): AudioTrack | undefined {
  const c = parseAudioSpecificConfig(config);
  if (c === undefined) return undefined;
  // With SBR said outright, one frame becomes twice the samples at twice the rate.
  const extended = c.extensionRate === 2 * c.sampleRate;
  const rate = extended ? c.extensionRate : c.sampleRate;
  return Object.freeze({
    kind: 'audio',
    codec: 'aac',
    timescale: rate,
    sampleRate: rate,
    // Whoever leaves it to the stream is mono, or stereo.
    channels: c.channels || 2,
    config: config.slice(),
    codecText: `mp4a.40.${c.objectType}`,
    samplesPerUnit: extended ? 2 * c.samplesPerUnit : c.samplesPerUnit,
  } satisfies AudioTrack);
}
