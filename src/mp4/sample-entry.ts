/**
 * Sample entries (ISO/IEC 14496-12 8.5.2): what stands in `stsd` for a track. The same for
 * fragmented files and exports.
 *
 *   h264  avc1 + avcC     aac   mp4a + esds      pcmu  ulaw (QuickTime)
 *   h265  hvc1 + hvcC     opus  Opus + dOps      pcma  alaw (QuickTime)
 *   av1   av01 + av1C                            lpcm  twos (QuickTime): 16 bits, big-endian, as RTP's L16
 *   vp8   vp08 + vpcC
 *   mjpeg mp4v + esds
 *
 * ISO/IEC 23003-5 would put `ipcm` for LPCM; older players do not know it.
 */
import { Fault } from '#core/errors';
import type { AudioTrack, Track, VideoTrack } from '#media/track';
import { box, fullBox, u8, u16, u32, zeros } from './box.ts';
import { objectTypes, writeAv1C, writeAvcC, writeEsds, writeHvcC, writeVpcC } from './decoder-config.ts';

/**
 * `inBand`: samples of H.264 and H.265 may have parameter sets inside, too: avc3, hev1 (ISO/IEC 14496-15 5.3.3, 8.3.3).
 * Throws Fault `protocol` for a track without usable parameter sets.
 */
export function sampleEntry(track: Track, inBand = false): Uint8Array {
  return track.kind === 'video' ? videoEntry(track, inBand) : audioEntry(track);
}

function videoEntry(track: VideoTrack, inBand: boolean): Uint8Array {
  const visual = (type: string, config: Uint8Array): Uint8Array =>
    box(
      type,
      zeros(6),
      u16(1), // data_reference_index
      zeros(16),
      u16(track.width, track.height),
      u32(0x480000, 0x480000, 0), // 72 dpi
      u16(1), // frame_count
      zeros(32), // compressorname
      u16(24, 0xffff),
      config,
    );
  switch (track.codec) {
    case 'h264':
      return visual(inBand ? 'avc3' : 'avc1', box('avcC', usable(track, writeAvcC(track.parameterSets))));
    case 'h265':
      return visual(inBand ? 'hev1' : 'hvc1', box('hvcC', usable(track, writeHvcC(track.parameterSets))));
    case 'mjpeg':
      return visual('mp4v', fullBox('esds', 0, 0, writeEsds(objectTypes.mjpeg, 'video', zeros(0))));
    case 'av1':
      return visual('av01', box('av1C', usable(track, writeAv1C(track.parameterSets))));
    case 'vp8':
      return visual('vp08', fullBox('vpcC', 1, 0, writeVpcC()));
  }
}

function audioEntry(track: AudioTrack): Uint8Array {
  // samplerate is 16.16 and cannot hold more than 65535 Hz (14496-12 12.2.3): 0 then, and the decoder's own setup tells.
  const rate = track.sampleRate < 0x10000 ? track.sampleRate : 0;
  const audio = (type: string, ...more: readonly Uint8Array[]): Uint8Array =>
    box(type, zeros(6), u16(1), zeros(8), u16(track.channels, 16, 0, 0, rate, 0), ...more);
  switch (track.codec) {
    case 'aac':
      return audio('mp4a', fullBox('esds', 0, 0, writeEsds(objectTypes.aac, 'audio', track.config)));
    case 'opus':
      // Opus in ISOBMFF 4.3.2. PreSkip 0: a stream joined in the middle has nothing to skip.
      return audio('Opus', box('dOps', u8(0, track.channels), u16(0), u32(track.sampleRate), u16(0), u8(0)));
    case 'pcmu':
      return audio('ulaw');
    case 'pcma':
      return audio('alaw');
    case 'lpcm':
      return audio('twos');
  }
}

function usable(track: VideoTrack, config: Uint8Array | undefined): Uint8Array {
  if (config) return config;
  const got = `${track.parameterSets.length} parameter sets without one`;
  throw new Fault('protocol', 'no-parameter-sets', `expected a sequence parameter set of ${track.codec}, got ${got}`);
}
