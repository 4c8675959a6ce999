/** Which packetizer a track needs. A new format is one line here. */

import type { Track } from '#media/track';
import { AacPacketizer } from '#rtp/aac/packetizer';
import { H264Packetizer } from '#rtp/h264/packetizer';
import type { Packetizer, PacketizerOptions } from '#rtp/packet-batch';

/** Undefined for a codec without a packetizer. Timestamps count in the track's timescale, which is its RTP clock rate. */
export function createPacketizer(track: Track, options: PacketizerOptions): Packetizer | undefined {
  if (track.kind === 'video' && track.codec === 'h264') return new H264Packetizer(options, track.parameterSets);
  if (track.kind === 'audio' && track.codec === 'aac') return new AacPacketizer(options);
  return undefined;
}
