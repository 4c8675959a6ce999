/**
 * How frames of sound lie in their elementary streams:
 *
 *   ADTS  (ISO/IEC 13818-7 6.2)       fff(12) ID(1) 00 absent(1) profile(2) rate(4) 0 channels(3) 0000 length(13) fullness(11) blocks(2) [ CRC ] frame
 *   LOAS  (ISO/IEC 14496-3 1.7.2)     2b7(11) length(13) audioMuxElement
 *   Opus  (Xiph's "Opus in MPEG-TS", draft)  3ff(11) start_trim(1) end_trim(1) extension(1) 00 | size: bytes of 255 and a last one below | [ trims ] packet
 */
import { aacTrack } from '#media/aac';
import { LatmReader, type LatmTaker } from '#media/latm-reader';
import { opusSamples, plainTrack } from '#media/sound';
import type { AudioTrack } from '#media/track';
import type { FrameTaker, Framing } from './audio-reader.ts';

/** AAC frames behind ADTS headers. Several raw blocks behind one header, which nobody was seen to send, are left out. */
export class AdtsFraming implements Framing {
  #track: AudioTrack | undefined;
  #setup = -1;

  next(bytes: Uint8Array, at: number, end: number, out: FrameTaker): number {
    if (end - at < 7) return 0;
    const [b1, b2, b3] = [bytes[at + 1] ?? 0, bytes[at + 2] ?? 0, bytes[at + 3] ?? 0];
    if (bytes[at] !== 0xff || (b1 & 0xf6) !== 0xf0) return toNext(bytes, at, end, 0xff);
    const header = (b1 & 1) === 1 ? 7 : 9;
    const length = ((b3 & 3) << 11) | ((bytes[at + 4] ?? 0) << 3) | ((bytes[at + 5] ?? 0) >> 5);
    if (length <= header) return 1;
    if (end - at < length) return 0;
    const blocks = (bytes[at + 6] ?? 0) & 3;
    // profile, rate and channels; not the private bit
    const setup = ((b2 & 0xfd) << 2) | (b3 >> 6);
    if (setup !== this.#setup && !this.#configure(setup)) {
      out.problem('an ADTS header that makes no sense');
      return 1;
    }
    if (blocks !== 0 || this.#track === undefined) out.problem('several AAC frames behind one header');
    else {
      out.format(this.#track);
      out.frame(bytes.subarray(at + header, at + length), this.#track.samplesPerUnit);
    }
    return length;
  }

  #configure(setup: number): boolean {
    const profile = setup >> 8;
    const rate = (setup >> 4) & 15;
    const channels = setup & 7;
    const config = Uint8Array.of(((profile + 1) << 3) | (rate >> 1), ((rate & 1) << 7) | (channels << 3));
    const track = aacTrack(config);
    if (track === undefined) return false;
    this.#track = track;
    this.#setup = setup;
    return true;
  }
}

/** AAC frames in LATM elements with their length before them. */
export class LoasFraming implements Framing, LatmTaker {
  readonly #reader = new LatmReader(this, true, undefined);
  #track: AudioTrack | undefined;
  #out: FrameTaker | undefined;

  next(bytes: Uint8Array, at: number, end: number, out: FrameTaker): number {
    if (end - at < 3) return 0;
    if (bytes[at] !== 0x56 || ((bytes[at + 1] ?? 0) & 0xe0) !== 0xe0) return toNext(bytes, at, end, 0x56);
    const length = 3 + ((((bytes[at + 1] ?? 0) & 0x1f) << 8) | (bytes[at + 2] ?? 0));
    if (end - at < length) return 0;
    this.#out = out;
    this.#reader.element(bytes.subarray(at + 3, at + length));
    return length;
  }

  format(track: AudioTrack): void {
    this.#track = track;
  }
  frame(_index: number, data: Uint8Array): void {
    const track = this.#track;
    if (track === undefined) return;
    this.#out?.format(track);
    this.#out?.frame(data, track.samplesPerUnit);
  }
  fault(text: string): void {
    this.#out?.problem(text);
  }
}

/** Opus packets behind control headers. Trims are not taken: they are a few milliseconds at both ends of a programme. */
export class OpusFraming implements Framing {
  readonly #track: AudioTrack;

  constructor(channels: number) {
    this.#track = plainTrack('opus', 48_000, channels);
  }

  next(bytes: Uint8Array, at: number, end: number, out: FrameTaker): number {
    if (end - at < 2) return 0;
    const flags = bytes[at + 1] ?? 0;
    if (bytes[at] !== 0x7f || (flags & 0xe0) !== 0xe0) return toNext(bytes, at, end, 0x7f);
    let from = at + 2;
    let size = 0;
    for (let byte = 255; byte === 255; size += byte) {
      if (from >= end) return 0;
      byte = bytes[from++] ?? 0;
    }
    if ((flags & 0x10) !== 0) from += 2;
    if ((flags & 0x08) !== 0) from += 2;
    if ((flags & 0x04) !== 0) from += 1 + (bytes[from] ?? 0);
    if (size > largestOpus) return 1;
    if (from + size > end) return 0;
    const packet = bytes.subarray(from, from + size);
    const samples = opusSamples(packet);
    if (samples === 0) out.problem('an Opus packet that makes no sense');
    else {
      out.format(this.#track);
      out.frame(packet, samples);
    }
    return from + size - at;
  }
}

/** RFC 6716 3.4: 48 frames of 1275 bytes at most. */
const largestOpus = 48 * 1275;

/** How far to the next byte with which something may begin. */
function toNext(bytes: Uint8Array, at: number, end: number, first: number): number {
  const next = bytes.indexOf(first, at + 1);
  return (next < 0 || next > end ? end : next) - at;
}
