/** AAC in ADTS frames (ISO/IEC 13818-7 6.2) to raw frames. Reading ends at the first byte that is no header. */

export interface Adts {
  /** AudioSpecificConfig (ISO/IEC 14496-3 1.6). */
  readonly config: Uint8Array;
  readonly sampleRate: number;
  readonly channels: number;
  readonly frames: readonly Uint8Array[];
}

const rates = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];

/** Undefined when the file does not begin with an ADTS header. */
export function readAdts(bytes: Uint8Array): Adts | undefined {
  const frames: Uint8Array[] = [];
  let first: Omit<Adts, 'frames'> | undefined;
  for (let at = 0; at + 7 <= bytes.length; ) {
    const [b0 = 0, b1 = 0, b2 = 0, b3 = 0, b4 = 0, b5 = 0] = bytes.subarray(at, at + 6);
    const length = ((b3 & 3) << 11) | (b4 << 3) | (b5 >> 5);
    const header = b1 & 1 ? 7 : 9; // with a checksum two bytes more
    if (b0 !== 0xff || (b1 & 0xf6) !== 0xf0 || length < header || at + length > bytes.length) break;
    const object = (b2 >> 6) + 1;
    const rateIndex = (b2 >> 2) & 15;
    const channels = ((b2 & 1) << 2) | (b3 >> 6);
    const sampleRate = rates[rateIndex];
    if (sampleRate === undefined) break;
    first ??= {
      config: Uint8Array.of((object << 3) | (rateIndex >> 1), ((rateIndex & 1) << 7) | (channels << 3)),
      sampleRate,
      channels,
    };
    frames.push(bytes.slice(at + header, at + length));
    at += length;
  }
  return first && { ...first, frames };
}
