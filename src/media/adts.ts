/** ADTS headers (ISO/IEC 13818-7 6.2): what stands in front of AAC frames where nothing else tells their format. Always 7 bytes, without CRC. */
import { aacSampleRates, parseAudioSpecificConfig } from '#media/aac';
import type { AudioTrack } from '#media/track';

export const adtsBytes = 7;

/** All of the header but the length. ADTS cannot say SBR: its core coder is told, and decoders find the rest. */
export function adtsTemplate(track: AudioTrack): Uint8Array {
  const config = parseAudioSpecificConfig(track.config);
  const type = config === undefined || config.objectType > 4 ? 2 : config.objectType;
  const rate = config?.sampleRate ?? track.sampleRate;
  const index = Math.max(0, (aacSampleRates as readonly number[]).indexOf(rate));
  const channels = track.channels === 8 ? 7 : track.channels;
  return Uint8Array.of(
    0xff,
    0xf1,
    ((type - 1) << 6) | (index << 2) | (channels >> 2),
    (channels & 3) << 6,
    0,
    0x1f,
    0xfc,
  );
}

/** The header of a frame of `frameBytes`, at `at` of `out`. */
export function writeAdtsHeader(out: Uint8Array, at: number, template: Uint8Array, frameBytes: number): void {
  const length = adtsBytes + frameBytes;
  out.set(template, at);
  out[at + 3] = (out[at + 3] ?? 0) | ((length >> 11) & 3);
  out[at + 4] = length >> 3;
  out[at + 5] = ((length & 7) << 5) | 0x1f;
}
