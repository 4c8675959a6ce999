/**
 * StreamMuxConfig (ISO/IEC 14496-3 1.7.3.1): how AAC frames lie in a LATM multiplex. One program with one
 * layer and frames of variable length is all that cameras send, and all that is spoken here.
 */
import { aacSampleRates } from '#media/aac';
import { BitReader } from '#media/bit-reader';

export interface StreamMuxConfig {
  /** Frames in one element. */
  readonly frames: number;
  /** AudioSpecificConfig, in whole bytes. */
  readonly config: Uint8Array;
  /** otherData behind the frames, which is passed over. */
  readonly otherBits: number;
  readonly checksum: boolean;
  /** Bits that the configuration took. */
  readonly bits: number;
}

/** From bit `at` of `bytes` on; undefined for what is none, or not spoken. */
export function parseStreamMuxConfig(bytes: Uint8Array, at = 0): StreamMuxConfig | undefined {
  const r = new CountingReader(bytes, at);
  const version = r.bits(1);
  if (version === 1 && r.bits(1) === 1) return undefined; // audioMuxVersionA: reserved
  if (version === 1) latmValue(r); // taraBufferFullness
  r.bits(1); // allStreamsSameTimeFraming
  const frames = r.bits(6) + 1;
  if (r.bits(4) !== 0 || r.bits(3) !== 0) return undefined; // numProgram, numLayer
  const told = version === 1 ? latmValue(r) : undefined;
  const from = r.at;
  const length = configBits(r);
  if (length === undefined || (told !== undefined && told < length) || (told ?? 0) > 512) return undefined;
  const config = copyBits(bytes, from, length);
  r.bits((told ?? length) - length);
  if (r.bits(3) !== 0) return undefined; // frameLengthType
  r.bits(8); // latmBufferFullness
  let otherBits = 0;
  if (r.bits(1) === 1) {
    if (version === 1) otherBits = latmValue(r);
    else
      for (let more = 1, i = 0; more === 1 && i < 4; i++) {
        more = r.bits(1);
        otherBits = otherBits * 256 + r.bits(8);
      }
  }
  const checksum = r.bits(1) === 1;
  if (checksum) r.bits(8);
  // GStreamer cuts the configuration off behind the AudioSpecificConfig; the zeros read there are what it means.
  if (otherBits > 1 << 16) return undefined;
  return { frames, config, otherBits, checksum, bits: r.at - at };
}

/** A BitReader that knows where it is. */
class CountingReader {
  readonly #bytes: Uint8Array;
  readonly #reader: BitReader;
  at: number;
  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#reader = new BitReader(bytes);
    this.#reader.skip(at);
    this.at = at;
  }
  get overrun(): boolean {
    return this.#reader.overrun;
  }
  bits(count: number): number {
    this.at += count;
    return this.#reader.bits(count);
  }
  /** What `bits` would give. */
  peek(count: number): number {
    const ahead = new BitReader(this.#bytes);
    ahead.skip(this.at);
    return ahead.bits(count);
  }
}

/** LatmGetValue: up to 4 bytes behind 2 bits that say how many. */
const latmValue = (r: CountingReader): number => r.bits(8 * (r.bits(2) + 1));

/**
 * Reads an AudioSpecificConfig with GASpecificConfig (1.6.2.1, 4.4.1) and gives its length, which version 0 does not say.
 * Undefined for other coders, and where a program config element tells the channels.
 */
function configBits(r: CountingReader): number | undefined {
  const from = r.at;
  const type = (): number => {
    const five = r.bits(5);
    return five === 31 ? 32 + r.bits(6) : five;
  };
  const rate = (): number => {
    const index = r.bits(4);
    return index === 15 ? r.bits(24) : (aacSampleRates[index] ?? 0);
  };
  let coder = type();
  rate();
  const channels = r.bits(4);
  if (coder === 5 || coder === 29) {
    rate();
    coder = type();
  }
  if (coder < 1 || coder > 4 || channels === 0) return undefined;
  r.bits(1); // frameLengthFlag
  if (r.bits(1) === 1) r.bits(14); // coreCoderDelay
  r.bits(1); // extensionFlag: nothing follows for these coders
  // The backward compatible extension of 1.6.5. What may stand here instead begins with frameLengthType 0, never like this.
  if (r.peek(11) === 0x2b7) {
    r.bits(11);
    if (r.bits(5) === 5 && r.bits(1) === 1) {
      rate();
      if (r.peek(11) === 0x548) r.bits(12);
    }
  }
  return r.overrun ? undefined : r.at - from;
}

/** `count` bits from bit `from` on, filled up with zeros to whole bytes. */
export function copyBits(bytes: Uint8Array, from: number, count: number): Uint8Array {
  const out = new Uint8Array((count + 7) >> 3);
  const shift = from & 7;
  const first = from >> 3;
  if (shift === 0) out.set(bytes.subarray(first, first + out.length));
  else
    for (let i = 0; i < out.length; i++)
      out[i] = ((bytes[first + i] ?? 0) << shift) | ((bytes[first + i + 1] ?? 0) >> (8 - shift));
  const over = out.length * 8 - count;
  if (over > 0) out[out.length - 1] = (out[out.length - 1] ?? 0) & (0xff << over);
  return out;
}
