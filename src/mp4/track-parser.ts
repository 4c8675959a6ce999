/**
 * Sample entries back to tracks: the other direction of sample-entry.ts, with what foreign
 * writers do: avc3 and hev1 (parameter sets may be inside samples), QuickTime sound entries of
 * version 1 and 2, short NAL unit lengths. Never throws; what it does not know is `undefined`.
 */
import { aacTrack, parseAudioSpecificConfig } from '#media/aac';
import { av1CodecText, parseSequenceHeader } from '#media/av1';
import { h265CodecText } from '#media/h265';
import type { AudioTrack, Track, VideoTrack } from '#media/track';
import { vp8CodecText } from '#media/vp8';
import { boxAt, boxesIn, findBox, viewOf } from './box.ts';
import { objectTypes, parseAv1C, parseAvcC, parseEsds, parseHvcC } from './decoder-config.ts';

export interface ParsedEntry {
  /** Its timescale is that of the file's `mdhd`, whatever the codec. */
  readonly track: Track;
  /** Bytes of the length in front of each NAL unit inside samples, 1, 2 or 4; 0 for what has no NAL units. */
  readonly lengthBytes: number;
}

/** The sample entry in `begin` .. `end` of `bytes`. */
export function parseSampleEntry(
  bytes: Uint8Array,
  begin: number,
  end: number,
  timescale: number,
): ParsedEntry | undefined {
  const entry = boxAt(bytes, begin, end);
  if (!entry || timescale === 0) return undefined;
  switch (entry.type) {
    case 'avc1':
    case 'avc3':
    case 'hvc1':
    case 'hev1':
    case 'mp4v':
    case 'jpeg':
    case 'av01':
    case 'vp08':
      return videoEntry(bytes, entry.type, entry.body, entry.end, timescale);
    case 'mp4a':
    case 'Opus':
    case 'ulaw':
    case 'alaw':
    case 'twos':
      return audioEntry(bytes, entry.type, entry.body, entry.end, timescale);
    default:
      return undefined;
  }
}

function videoEntry(
  bytes: Uint8Array,
  type: string,
  body: number,
  end: number,
  timescale: number,
): ParsedEntry | undefined {
  const boxes = body + 78;
  if (boxes > end) return undefined;
  const view = viewOf(bytes);
  const common = {
    kind: 'video',
    timescale,
    width: view.getUint16(body + 24),
    height: view.getUint16(body + 26),
    framerate: 0,
  } as const;
  const inside = (name: string): Uint8Array | undefined => {
    const found = boxesIn(bytes, boxes, end).find(b => b.type === name);
    return found && bytes.subarray(found.body, found.end);
  };
  const made = (codec: VideoTrack['codec'], parameterSets: readonly Uint8Array[], codecText: string): VideoTrack => ({
    ...common,
    codec,
    parameterSets,
    codecText,
  });
  if (type === 'mp4v') {
    const esds = parseEsds(inside('esds')?.subarray(4) ?? new Uint8Array(0));
    return esds?.objectType === objectTypes.mjpeg ? { track: made('mjpeg', [], 'mp4v.6c'), lengthBytes: 0 } : undefined;
  }
  // QuickTime's own name (QTFF "Video Sample Descriptions").
  if (type === 'jpeg') return { track: made('mjpeg', [], 'mp4v.6c'), lengthBytes: 0 };
  if (type === 'vp08') return { track: made('vp8', [], vp8CodecText), lengthBytes: 0 };
  if (type === 'av01') {
    const obu = parseAv1C(inside('av1C') ?? new Uint8Array(0));
    const sequence = obu && parseSequenceHeader(obu);
    if (!obu || !sequence) return undefined;
    return { track: made('av1', [obu], av1CodecText(sequence)), lengthBytes: 0 };
  }
  const h264 = type === 'avc1' || type === 'avc3';
  const config = inside(h264 ? 'avcC' : 'hvcC');
  const parsed = config && (h264 ? parseAvcC(config) : parseHvcC(config));
  if (!config || !parsed || parsed.lengthBytes === 3) return undefined;
  const text = h264 ? `avc1.${hex(config.subarray(1, 4))}` : h265CodecText(config.subarray(1, 13));
  return { track: made(h264 ? 'h264' : 'h265', parsed.parameterSets, text), lengthBytes: parsed.lengthBytes };
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, b => b.toString(16).padStart(2, '0')).join('');

function audioEntry(
  bytes: Uint8Array,
  type: string,
  body: number,
  end: number,
  timescale: number,
): ParsedEntry | undefined {
  if (body + 28 > end) return undefined;
  const view = viewOf(bytes);
  // QuickTime (QTFF "Sound Sample Descriptions"): version 1 adds 16 bytes, version 2 36, and the esds may be inside `wave`.
  const version = view.getUint16(body + 8);
  const boxes = body + 28 + (version === 1 ? 16 : version === 2 ? 36 : 0);
  const plain = { channels: view.getUint16(body + 16), sampleRate: view.getUint16(body + 24) || timescale };
  const made = (codec: AudioTrack['codec'], codecText: string, more: Partial<AudioTrack> = {}): ParsedEntry => ({
    track: {
      kind: 'audio',
      codec,
      timescale,
      ...plain,
      config: new Uint8Array(0),
      codecText,
      samplesPerUnit: 0,
      ...more,
    },
    lengthBytes: 0,
  });
  switch (type) {
    case 'Opus': {
      const dops = findBox(bytes, 'dOps', boxes, end);
      if (!dops || dops.body + 11 > dops.end) return undefined;
      return made('opus', 'opus', { channels: bytes[dops.body + 1] ?? 0, sampleRate: view.getUint32(dops.body + 4) });
    }
    case 'ulaw':
      return made('pcmu', 'ulaw');
    case 'alaw':
      return made('pcma', 'alaw');
    case 'twos':
      return made('lpcm', 'twos');
    default: {
      const box = findBox(bytes, 'esds', boxes, end) ?? findBox(bytes, 'wave/esds', boxes, end);
      const esds = box && parseEsds(bytes.subarray(box.body + 4, box.end));
      if (!esds || (esds.objectType !== objectTypes.aac && esds.objectType !== objectTypes.mpeg2AacLc))
        return undefined;
      const aac = aacTrack(esds.config);
      if (!aac) return undefined;
      return made('aac', aac.codecText, {
        config: aac.config,
        channels: parseAudioSpecificConfig(esds.config)?.channels || plain.channels,
        sampleRate: aac.sampleRate,
        samplesPerUnit: Math.round((aac.samplesPerUnit * timescale) / aac.sampleRate),
      });
    }
  }
}
