/** Which depacketizer a described medium needs. A new payload format is one line here, and one in packetizer.ts. */
import { AacDepacketizer } from './aac/depacketizer.ts';
import { Av1Depacketizer } from './av1/depacketizer.ts';
import type { Depacketizer, UnitTaker } from './depacketizer.ts';
import { G726Depacketizer } from './g726/depacketizer.ts';
import { H264Depacketizer } from './h264/depacketizer.ts';
import { H265Deinterleaver } from './h265/deinterleaver.ts';
import { H265Depacketizer } from './h265/depacketizer.ts';
import { LatmDepacketizer } from './latm/depacketizer.ts';
import type { MediaDescription } from './media-description.ts';
import { MetadataDepacketizer } from './metadata/depacketizer.ts';
import { MjpegDepacketizer } from './mjpeg/depacketizer.ts';
import { PlainDepacketizer } from './plain/depacketizer.ts';
import { Vp8Depacketizer } from './vp8/depacketizer.ts';

/** Parameter sets of the description count as if they had come in band. */
export function createDepacketizer(media: MediaDescription, taker: UnitTaker): Depacketizer {
  switch (media.codec) {
    case 'h264': {
      const h264 = new H264Depacketizer(taker);
      h264.offer(media.parameterSets);
      return h264;
    }
    case 'h265': {
      const h265 = new H265Depacketizer(taker);
      h265.offer(media.parameterSets);
      return media.numbered === undefined ? h265 : new H265Deinterleaver(taker, h265, media.numbered);
    }
    case 'mjpeg':
      return new MjpegDepacketizer(taker, media.size);
    case 'av1':
      return new Av1Depacketizer(taker);
    case 'vp8':
      return new Vp8Depacketizer(taker);
    case 'aac':
      return new AacDepacketizer(taker, media.packing);
    case 'aac-latm':
      return new LatmDepacketizer(taker, media.packing);
    case 'g726':
      return new G726Depacketizer(taker, media.packing);
    case 'lpcm':
      return new PlainDepacketizer(taker, 2 * media.track.channels);
    case 'pcmu':
    case 'pcma':
      return new PlainDepacketizer(taker, media.track.channels);
    case 'opus':
      return new PlainDepacketizer(taker, 1);
    case 'metadata':
      return new MetadataDepacketizer(taker);
  }
}
