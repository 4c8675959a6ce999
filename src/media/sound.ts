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
