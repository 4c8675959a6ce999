/**
 * Tracks and runs: what must be known to decode access units. A run is one uninterrupted
 * sequence with one set of formats; new parameter sets, a reconnect or a time jump begin a
 * new run. All of it is frozen at birth.
 */

export type VideoCodec = 'h264' | 'h265' | 'av1' | 'vp8' | 'mjpeg';
export type AudioCodec = 'aac' | 'opus' | 'pcmu' | 'pcma' | 'lpcm';

export interface VideoTrack {
  readonly kind: 'video';
  readonly codec: VideoCodec;
  /** Ticks per second of pts and dts; 90000. */
  readonly timescale: number;
  readonly width: number;
  readonly height: number;
  /** H.264: SPS then PPS, H.265: VPS, SPS, PPS; NAL units without start code. Not repeated inside access units. AV1: the sequence header OBU. Others: none. */
  readonly parameterSets: readonly Uint8Array[];
  /** RFC 6381, e.g. `avc1.64001f`. */
  readonly codecText: string;
  /** Pictures per second as the parameter sets say; 0 when they do not. */
  readonly framerate: number;
}

export interface AudioTrack {
  readonly kind: 'audio';
  /** `lpcm`: 16 bits, big-endian. */
  readonly codec: AudioCodec;
  /** Ticks per second of pts and dts; the sample rate. */
  readonly timescale: number;
  readonly sampleRate: number;
  readonly channels: number;
  /** AAC: AudioSpecificConfig (ISO/IEC 14496-3 1.6); others: empty. */
  readonly config: Uint8Array;
  /** RFC 6381, e.g. `mp4a.40.2`. */
  readonly codecText: string;
  /** Samples (ticks) in one access unit, e.g. 1024 for AAC-LC; 0 when it varies. */
  readonly samplesPerUnit: number;
}

export type Track = VideoTrack | AudioTrack;

export interface Run {
  /** Unique within its source; grows. */
  readonly id: number;
  /** The index of a track here is the `track` of its access units. At most one video track in the house so far. */
  readonly tracks: readonly Track[];
}

/** Whether units of the one can be decoded as units of the other: all that the tracks say is the same. */
export function sameTrack(a: Track, b: Track): boolean {
  if (a.codec !== b.codec || a.timescale !== b.timescale || a.codecText !== b.codecText) return false;
  if (a.kind === 'audio')
    return (
      b.kind === 'audio' && a.sampleRate === b.sampleRate && a.channels === b.channels && sameBytes(a.config, b.config)
    );
  if (b.kind !== 'video' || a.width !== b.width || a.height !== b.height) return false;
  const [mine, theirs] = [a.parameterSets, b.parameterSets];
  return mine.length === theirs.length && mine.every((set, i) => sameBytes(set, theirs[i] ?? new Uint8Array(0)));
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);
