/** What the frame header of VP8 (RFC 6386 9.1, 19.1) says: keyframe or not, and the size of the picture. */
import type { VideoTrack } from '#media/track';

/** frame_type, the lowest bit of a frame, is 0. */
export const isVp8Keyframe = (frame: Uint8Array): boolean => frame.length > 0 && ((frame[0] ?? 1) & 1) === 0;

/** Pixels, as a keyframe tells them; undefined for what is no keyframe with its start code. */
export function vp8Size(frame: Uint8Array): { readonly width: number; readonly height: number } | undefined {
  if (frame.length < 10 || !isVp8Keyframe(frame)) return undefined;
  if (frame[3] !== 0x9d || frame[4] !== 0x01 || frame[5] !== 0x2a) return undefined;
  const width = (frame[6] ?? 0) | (((frame[7] ?? 0) & 0x3f) << 8);
  const height = (frame[8] ?? 0) | (((frame[9] ?? 0) & 0x3f) << 8);
  return width > 0 && height > 0 ? { width, height } : undefined;
}

/** "VP Codec ISO Media File Format Binding": profile 0, level (not defined for VP8: the lowest), 8 bits. */
export const vp8CodecText = 'vp08.00.10.08';

/** The track of pictures of this size, in pixels. */
export const vp8Track = (width: number, height: number): VideoTrack =>
  Object.freeze({
    kind: 'video',
    codec: 'vp8',
    timescale: 90000,
    width,
    height,
    parameterSets: Object.freeze([]),
    codecText: vp8CodecText,
    framerate: 0,
  } satisfies VideoTrack);
