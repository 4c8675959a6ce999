/** Which packetizer a track needs. A new format is one line here, and one in formats.ts. */

import type { Track } from '#media/track';
import { AacPacketizer } from '#rtp/aac/packetizer';
import { Av1Packetizer } from '#rtp/av1/packetizer';
import { h264Packetizer } from '#rtp/h264/packetizer';
import { h265Packetizer } from '#rtp/h265/packetizer';
import { MjpegPacketizer } from '#rtp/mjpeg/packetizer';
import type { Packetizer, PacketizerOptions } from '#rtp/packet-batch';
import { PlainPacketizer } from '#rtp/plain/packetizer';
import { Vp8Packetizer } from '#rtp/vp8/packetizer';

/** Timestamps count in the track's timescale, which is its RTP clock rate. */
export function createPacketizer(track: Track, options: PacketizerOptions): Packetizer {
  switch (track.codec) {
    case 'h264':
      return h264Packetizer(options, track.parameterSets);
    case 'h265':
      return h265Packetizer(options, track.parameterSets);
    case 'mjpeg':
      return new MjpegPacketizer(options);
    case 'av1':
      return new Av1Packetizer(options);
    case 'vp8':
      return new Vp8Packetizer(options);
    case 'aac':
      return new AacPacketizer(options);
    case 'opus':
      return new PlainPacketizer(options, 0);
    case 'pcmu':
    case 'pcma':
      return new PlainPacketizer(options, track.channels);
    case 'lpcm':
      return new PlainPacketizer(options, 2 * track.channels);
  }
}
