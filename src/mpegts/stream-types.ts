/** What elementary streams are, by stream_type (ISO/IEC 13818-1 table 2-34) and registration descriptor (2.6.8), and which reader they need. */
import { AudioReader } from './audio-reader.ts';
import type { ElementaryReader, UnitTaker } from './elementary.ts';
import { AdtsFraming, LoasFraming, OpusFraming } from './framing.ts';
import { descriptorOf, type ElementaryStream } from './psi.ts';
import { VideoReader } from './video-reader.ts';

export const streamType = {
  privateData: 0x06,
  adts: 0x0f,
  latm: 0x11,
  h264: 0x1b,
  h265: 0x24,
  metadata: 0x15,
} as const;
export const tag = { registration: 0x05, extension: 0x7f } as const;
/** Of the extension descriptor: Opus' channels. */
export const opusExtension = 0x80;

export type StreamCodec = 'h264' | 'h265' | 'aac' | 'latm' | 'opus';

/** Undefined for what is not taken. */
export function codecOf(stream: ElementaryStream): StreamCodec | undefined {
  switch (stream.streamType) {
    case streamType.h264:
      return 'h264';
    case streamType.h265:
      return 'h265';
    case streamType.adts:
      return 'aac';
    case streamType.latm:
      return 'latm';
    case streamType.privateData:
      return { Opus: 'opus' as const, HEVC: 'h265' as const }[formatOf(stream)];
    default:
      return undefined;
  }
}

export const isVideo = (codec: StreamCodec): boolean => codec === 'h264' || codec === 'h265';

/** A new reader of a stream of this codec. */
export function readerOf(codec: StreamCodec, stream: ElementaryStream, taker: UnitTaker): ElementaryReader {
  switch (codec) {
    case 'h264':
    case 'h265':
      return new VideoReader(codec, taker);
    case 'aac':
      return new AudioReader(new AdtsFraming(), taker);
    case 'latm':
      return new AudioReader(new LoasFraming(), taker);
    case 'opus':
      return new AudioReader(new OpusFraming(opusChannels(stream)), taker);
  }
}

const known: Readonly<Record<number, string>> = {
  1: 'MPEG-1 video',
  2: 'MPEG-2 video',
  3: 'MPEG-1 audio',
  4: 'MPEG-2 audio',
  5: 'private sections',
  6: 'private data',
  13: 'DSM-CC',
  16: 'MPEG-4 video',
  21: 'metadata',
  33: 'JPEG 2000',
  51: 'VVC',
  129: 'AC-3',
  130: 'DTS',
  134: 'SCTE-35',
  135: 'E-AC-3',
  144: 'G.711 of a vendor',
  234: 'VC-1',
};

/** For people: `MPEG-2 video (0x02)`. */
export function nameOf(stream: ElementaryStream): string {
  const name = known[stream.streamType];
  const format = formatOf(stream).trim();
  const type = `0x${stream.streamType.toString(16).padStart(2, '0')}`;
  return `${[name, /^[\w-]+$/.test(format) && format].filter(Boolean).join(' ') || 'stream type'} (${type})`;
}

/** format_identifier of the registration descriptor, 4 characters. */
function formatOf(stream: ElementaryStream): string {
  const body = descriptorOf(stream.descriptors, tag.registration) ?? new Uint8Array(0);
  return String.fromCharCode(...body.subarray(0, 4));
}

/** channel_config_code: 1 to 8 are that many; 0 (dual mono) and what is beyond, two. */
function opusChannels(stream: ElementaryStream): number {
  const body = descriptorOf(stream.descriptors, tag.extension);
  const code = body?.[0] === opusExtension ? (body[1] ?? 0) : 0;
  return code >= 1 && code <= 8 ? code : 2;
}
