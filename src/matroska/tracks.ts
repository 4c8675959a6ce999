/**
 * Track entries (RFC 9559 5.1.4.1) to tracks of the house, and what turns the frames of one into access unit data:
 *
 *   V_MPEG4/ISO/AVC, V_MPEGH/ISO/HEVC, V_AV1   CodecPrivate is the avcC, hvcC, av1C of MP4     V_VP8, V_MJPEG   nothing
 *   A_AAC       CodecPrivate is the AudioSpecificConfig      A_OPUS   OpusHead (RFC 7845 5.1), not needed
 *   A_PCM/INT/LIT, A_PCM/INT/BIG of 16 bits                  A_MS/ACM   WAVEFORMATEX of G.711
 *   S_TEXT/UTF8
 */
import { aacTrack } from '#media/aac';
import { av1Track, isAv1Keyframe } from '#media/av1';
import { h264Track, parseSps } from '#media/h264';
import { h265Track, h265Type, h265TypeOf, parseH265Sps } from '#media/h265';
import { mjpegTrack } from '#media/jpeg';
import { opusSamples, plainTrack } from '#media/sound';
import type { AudioTrack, VideoTrack } from '#media/track';
import { isVp8Keyframe, vp8Track } from '#media/vp8';
import { parseAv1C, parseAvcC, parseHvcC } from '#mp4/decoder-config';
import { unitData } from '#mp4/file';
import { type Element, elements, floatOf, textOf, uintOf } from './ebml.ts';
import { id } from './ids.ts';

export interface MatroskaTrack {
  readonly number: number;
  /** What the frames are; `text`: subtitles. */
  readonly format: VideoTrack | AudioTrack | 'text';
  /** Pictures that may be decoded before one that is shown earlier. */
  readonly reorder: number;
  /** Nanoseconds; 0: not told. */
  readonly frameNs: number;
  readonly delayNs: number;
  /** Bytes that every frame begins with and that are not stored. */
  readonly prefix: Uint8Array;
  /** The frame as access unit data, which may be a view of it; undefined when nothing is left. */
  data(frame: Uint8Array): Uint8Array | undefined;
  /** Of sound: samples in the frame; 0: not known. */
  samples(frame: Uint8Array): number;
  /** Whether decoding can begin with it, given what the block says. */
  keyframe(frame: Uint8Array, told: boolean): boolean;
}

/** Pictures of H.264 whose reordering nobody tells: what encoders use at most in practice. */
const unknownReorder = 4;

/** The track of a TrackEntry; a text says why it cannot be read. */
export function readTrack(bytes: Uint8Array, entry: Element): MatroskaTrack | string {
  const fields = new Map<number, Element>();
  for (const e of elements(bytes, entry.body, entry.end)) fields.set(e.id, e);
  const uint = (which: number, fallback: number, from = fields): number => {
    const e = from.get(which);
    return e === undefined ? fallback : uintOf(bytes, e);
  };
  const codecField = fields.get(id.codecId);
  const codecId = codecField === undefined ? '' : textOf(bytes, codecField);
  const privateField = fields.get(id.codecPrivate);
  const setup = privateField === undefined ? new Uint8Array(0) : bytes.slice(privateField.body, privateField.end);
  const inside = (which: number): Map<number, Element> => {
    const parent = fields.get(which);
    return new Map(parent === undefined ? [] : [...elements(bytes, parent.body, parent.end)].map(e => [e.id, e]));
  };
  const encodings = fields.get(id.contentEncodings);
  const prefix = encodings === undefined ? new Uint8Array(0) : strippedHeader(bytes, encodings);
  if (prefix === undefined) return `${codecId} compressed or encrypted`;
  const video = inside(id.video);
  const audio = inside(id.audio);
  const rateField = audio.get(id.samplingFrequency);
  const found = formatOf(codecId, setup, {
    width: uint(id.pixelWidth, 0, video),
    height: uint(id.pixelHeight, 0, video),
    rate: Math.round(rateField === undefined ? 8000 : floatOf(bytes, rateField)),
    channels: uint(id.channels, 1, audio),
    bits: uint(id.bitDepth, 16, audio),
  });
  if (found === undefined) return codecId.slice(0, 40) || 'a track without a codec';
  return {
    number: uint(id.trackNumber, 0),
    frameNs: uint(id.defaultDuration, 0),
    delayNs: uint(id.codecDelay, 0),
    prefix,
    ...found,
  };
}

/** ContentCompAlgo 3 (5.1.4.1.31.6): the same bytes are taken off every frame. Others are not read: undefined. */
function strippedHeader(bytes: Uint8Array, encodings: Element): Uint8Array | undefined {
  let prefix = new Uint8Array(0);
  for (const encoding of elements(bytes, encodings.body, encodings.end)) {
    if (encoding.id !== id.contentEncoding) continue;
    for (const e of elements(bytes, encoding.body, encoding.end)) {
      if (e.id === id.contentEncryption) return undefined;
      if (e.id !== id.contentCompression) continue;
      let algorithm = 0;
      for (const field of elements(bytes, e.body, e.end)) {
        if (field.id === id.contentCompAlgo) algorithm = uintOf(bytes, field);
        if (field.id === id.contentCompSettings)
          prefix = bytes.slice(field.body, Math.min(field.end, field.body + 1024));
      }
      if (algorithm !== 3) return undefined;
    }
  }
  return prefix;
}

type Found = Pick<MatroskaTrack, 'format' | 'reorder' | 'data' | 'samples' | 'keyframe'>;

const same = (frame: Uint8Array): Uint8Array | undefined => (frame.length > 0 ? frame : undefined);
const told = (_frame: Uint8Array, keyframe: boolean): boolean => keyframe;
const always = (): boolean => true;
const noSamples = (): number => 0;

interface Figures {
  readonly width: number;
  readonly height: number;
  readonly rate: number;
  readonly channels: number;
  readonly bits: number;
}

function formatOf(codecId: string, setup: Uint8Array, figures: Figures): Found | undefined {
  const picture = (format: VideoTrack | undefined, more: Partial<Found> = {}): Found | undefined =>
    format && { format, reorder: 0, data: same, samples: noSamples, keyframe: told, ...more };
  const sound = (format: AudioTrack | undefined, samples: Found['samples'], data: Found['data'] = same) =>
    format && { format, reorder: 0, data, samples, keyframe: always };
  const { width, height, rate, channels, bits } = figures;
  const sane = width >= 1 && height >= 1 && width <= 16_384 && height <= 16_384;
  switch (codecId) {
    case 'V_MPEG4/ISO/AVC':
    case 'V_MPEGH/ISO/HEVC':
      return nalVideo(codecId === 'V_MPEGH/ISO/HEVC', setup);
    case 'V_AV1': {
      const header = parseAv1C(setup);
      return picture(header && av1Track(header), { keyframe: isAv1Keyframe });
    }
    case 'V_VP8':
      return picture(sane ? vp8Track(width, height) : undefined, { keyframe: isVp8Keyframe });
    case 'V_MJPEG':
      return picture(sane ? mjpegTrack(width, height) : undefined, { keyframe: always });
    case 'A_AAC': {
      const track = aacTrack(setup);
      return sound(track, () => track?.samplesPerUnit ?? 0);
    }
    case 'A_OPUS':
      return sound(plainTrack('opus', 48_000, channels), opusSamples);
    case 'A_PCM/INT/LIT':
    case 'A_PCM/INT/BIG':
      if (bits !== 16 || rate < 1 || channels < 1) return undefined;
      return sound(
        plainTrack('lpcm', rate, channels),
        frame => Math.floor(frame.length / (2 * channels)),
        codecId.endsWith('LIT') ? swapped : same,
      );
    case 'A_MS/ACM': {
      // WAVEFORMATEX: wFormatTag 6 is A-law, 7 is mu-law.
      const codec = setup[1] === 0 && setup[0] === 6 ? 'pcma' : setup[1] === 0 && setup[0] === 7 ? 'pcmu' : undefined;
      if (codec === undefined || rate < 1 || channels < 1) return undefined;
      return sound(plainTrack(codec, rate, channels), frame => Math.floor(frame.length / channels));
    }
    case 'S_TEXT/UTF8':
      return { format: 'text', reorder: 0, data: same, samples: noSamples, keyframe: always };
    default:
      return undefined;
  }
}

function nalVideo(hevc: boolean, setup: Uint8Array): Found | undefined {
  const config = hevc ? parseHvcC(setup) : parseAvcC(setup);
  if (config === undefined || config.lengthBytes === 3) return undefined;
  const sets = config.parameterSets;
  const spsSet = sets.find(s => (hevc ? h265TypeOf(s[0] ?? 0) === h265Type.sps : ((s[0] ?? 0) & 31) === 7));
  const track = hevc ? h265Track(sets) : h264Track(sets[0] ?? new Uint8Array(0), sets.slice(1));
  if (track === undefined || spsSet === undefined) return undefined;
  const reorder = (hevc ? parseH265Sps(spsSet) : parseSps(spsSet))?.reorder ?? unknownReorder;
  const entry = { track, lengthBytes: config.lengthBytes };
  return { format: track, reorder, data: frame => unitData(frame, entry), samples: noSamples, keyframe: told };
}

/** Samples of 16 bits with their bytes exchanged. */
function swapped(frame: Uint8Array): Uint8Array | undefined {
  if (frame.length < 2) return undefined;
  const out = new Uint8Array(frame.length & ~1);
  for (let i = 0; i < out.length; i += 2) {
    out[i] = frame[i + 1] ?? 0;
    out[i + 1] = frame[i] ?? 0;
  }
  return out;
}
