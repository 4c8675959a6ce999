/** What a session description says of one medium of a session, in our terms: codec, payload format, and what is known beforehand. */
import type { AudioTrack, VideoCodec } from '#media/track';
import type { AacPacking } from './aac/depacketizer.ts';
import type { G726Packing } from './g726/depacketizer.ts';
import type { Interleaving } from './h265/deinterleaver.ts';
import type { LatmPacking } from './latm/depacketizer.ts';

interface Medium {
  readonly payloadType: number;
  readonly clockRate: number;
}

export interface VideoDescription extends Medium {
  readonly kind: 'video';
  readonly codec: VideoCodec;
  /** H.264, H.265: known beforehand; empty if they come in band. */
  readonly parameterSets: readonly Uint8Array[];
  /** H.265: NAL units carry decoding order numbers (RFC 7798 7.1, sprop-max-don-diff above 0). */
  readonly numbered?: Interleaving;
  /** MJPEG: pixels, for pictures too large for the payload's own fields. */
  readonly size?: readonly [width: number, height: number];
}

interface Audio extends Medium {
  readonly kind: 'audio';
  /** What the description says; the stream may know better (LATM). */
  readonly track: AudioTrack;
}

/** `codec` is that of the payload format: G.726 comes out as LPCM, LATM as AAC. */
export type AudioDescription = Audio &
  (
    | { readonly codec: 'aac'; readonly packing: AacPacking }
    | { readonly codec: 'aac-latm'; readonly packing: LatmPacking }
    | { readonly codec: 'g726'; readonly packing: G726Packing }
    | { readonly codec: 'opus' | 'pcmu' | 'pcma' | 'lpcm' }
  );

/** XML documents of ONVIF (application/vnd.onvif.metadata). */
export interface MetadataDescription extends Medium {
  readonly kind: 'metadata';
  readonly codec: 'metadata';
}

export type MediaDescription = VideoDescription | AudioDescription | MetadataDescription;

/** The same sound, whose timestamps count at another rate. */
export function withClockRate(media: AudioDescription, clockRate: number): AudioDescription {
  switch (media.codec) {
    case 'aac': {
      const { samplesPerUnit, timescale } = media.track;
      const ticksPerUnit = Math.round((samplesPerUnit * clockRate) / timescale);
      return { ...media, clockRate, packing: { ...media.packing, ticksPerUnit } };
    }
    case 'aac-latm':
      return { ...media, clockRate, packing: { ...media.packing, clockRate } };
    default:
      return { ...media, clockRate };
  }
}
