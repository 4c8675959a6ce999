/** Tracks of the audio codecs that need no setup: Opus (RFC 6716), G.711, linear PCM. */
import type { AudioCodec, AudioTrack } from '#media/track';

/** RFC 6381; PCM has no registered text, so that is the sample entry of the file it goes to. */
const texts = { opus: 'opus', pcmu: 'ulaw', pcma: 'alaw', lpcm: 'twos' } as const;

/** How long a unit is, the sender decides. LPCM: 16 bits, big-endian, channels interleaved. Opus always counts in 48 kHz. */
export const plainTrack = (codec: Exclude<AudioCodec, 'aac'>, sampleRate: number, channels: number): AudioTrack =>
  Object.freeze({
    kind: 'audio',
    codec,
    timescale: sampleRate,
    sampleRate,
    channels,
    config: new Uint8Array(0),
    codecText: texts[codec],
    samplesPerUnit: 0,
  } satisfies AudioTrack);

/** Duration of an Opus packet at 48 kHz (RFC 6716 3.1); 0 for what is none. */
export function opusSamples(packet: Uint8Array): number {
  const toc = packet[0];
  if (toc === undefined) return 0;
  const config = toc >> 3;
  const frame =
    config < 12
      ? [480, 960, 1920, 2880][config & 3]
      : config < 16
        ? [480, 960][config & 1]
        : [120, 240, 480, 960][config & 3];
  const code = toc & 3;
  const frames = code === 0 ? 1 : code < 3 ? 2 : (packet[1] ?? 0) & 0x3f;
  const samples = (frame ?? 0) * frames;
  return samples > 5760 ? 0 : samples;
}
