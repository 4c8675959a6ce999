/**
 * Sound without an encoder: a soft tone, and a louder one an octave higher at the beginning of every
 * UTC second. AAC-LC, 48 kHz, mono.
 *
 * A tone whose period divides the frame's 1024 samples is the same in every frame, and so is its coding:
 * one frame repeated is a steady tone. Each of the two was cut out of the steady part (183 of 189 frames
 * alike) of what FFmpeg 5.1 made of
 *   aevalsrc=A*sin(2*PI*F*t):s=48000 -c:a aac -aac_coder fast -cutoff 4000 -aac_pns 0 -aac_tns 0
 * and is a raw_data_block (ISO/IEC 14496-3 4.4.2.1) with one single channel element. Where one follows
 * the other the overlap of the transform blends them within 21 ms.
 */
import type { AudioTrack } from '#media/track';

export const sampleRate = 48_000;
export const samplesPerFrame = 1024;

/** F = 10 / 1024 of the sample rate = 468.75 Hz, A = 0.02 (-34 dBFS). */
const soft = fromHex('00e42b00566077ec00068d4664ed390d17c2427f0334f8fb47558c2870');
/** F = 20 / 1024 of the sample rate = 937.5 Hz, A = 0.2 (-14 dBFS). */
const loud = fromHex(
  '00fe2b80d6615de0035c7900642c511c4b26492590f8a243e0dff44e27fcce3e2792f83b97c7f1ada82ad1d1a000035ebd7ae600e0',
);

/** Five frames of 21.3 ms. */
const beepMs = 106;

export const toneTrack: AudioTrack = Object.freeze({
  kind: 'audio',
  codec: 'aac',
  timescale: sampleRate,
  sampleRate,
  channels: 1,
  // AudioSpecificConfig 1.6.2.1: object type 2 (AAC-LC), frequency index 3 (48 kHz), one channel.
  config: Uint8Array.of(0x11, 0x88),
  codecText: 'mp4a.40.2',
  samplesPerUnit: samplesPerFrame,
});

/** The frame that begins at this moment; shared, read only. */
export const toneFrame = (wallMs: number): Uint8Array => (wallMs % 1000 < beepMs ? loud : soft);

function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], byte => Number.parseInt(byte, 16));
}
