/**
 * One picture, or one audio frame, with what is needed to place and decode it.
 * It is made once, copied never, shared by every reader, and nobody writes into it.
 */
import type { Run } from '#media/track';

export interface AccessUnit {
  readonly run: Run;
  /** Index into `run.tracks`. */
  readonly track: number;
  /** Presentation and decoding time in the track's timescale; never wraps; about 0 at the start of the run for all tracks alike. */
  readonly pts: number;
  readonly dts: number;
  /** Wall clock of presentation, UTC milliseconds (may have a fraction); smoothed by the source, never goes back within a run. */
  readonly wallMs: number;
  /** Decodable without any earlier unit. H.264: IDR only; H.265: IRAP; AV1, VP8: key frames; JPEG and audio: always. */
  readonly keyframe: boolean;
  /**
   * As a sample of MP4. H.264, H.265: NAL units, each behind its length in 4 bytes, big-endian, as MP4 stores
   * them, without parameter sets and access unit delimiters. AV1: a temporal unit, OBUs with
   * their sizes, without temporal delimiter, keyframes with their sequence header. MJPEG: a complete JPEG. AAC: the
   * raw frame without ADTS. PCM: samples, channels interleaved.
   */
  readonly data: Uint8Array;
  /** Packets (RTP, transport stream) known to be missing before or inside this unit. */
  readonly lost: number;
}

/** The NAL units inside length-prefixed data, as views: nothing is copied. Stops at a length that does not fit. */
export function* nalus(data: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  for (let at = 0; at + 4 <= data.length; ) {
    const end = at + 4 + view.getUint32(at);
    if (end > data.length) return;
    yield data.subarray(at + 4, end);
    at = end;
  }
}
