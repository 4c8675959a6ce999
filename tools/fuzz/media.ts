/** The shipped clips as what the groups bend: units, payloads, packets. test/fixture/media/README.md. */
import { fileURLToPath } from 'node:url';
import type { MediaDescription } from '#rtp/media-description';
import { createPacketizer } from '#rtp/packetizer';
import { presentationOf } from '#rtsp/presentation';
import { trackSection } from '#sdp/track-section';
import { type ClipTrack, loadClip } from '../fake-camera/clip.ts';

const file = (name: string): string => fileURLToPath(new URL(`../../test/fixture/media/${name}`, import.meta.url));
// biome-ignore format: a table
const specs = {
  h264: ['h264', 'clip.h264'], h265: ['h265', 'clip.h265'], mjpeg: ['mjpeg', 'clip.mjpeg'], av1: ['ivf', 'clip.av1.ivf'],
  vp8: ['ivf', 'clip.vp8.ivf'], aac: ['aac', 'clip.aac'], opus: ['opus', 'clip.opus'], pcmu: ['pcmu', 'clip.ulaw'],
} as const;
export type ClipCodec = keyof typeof specs;
export const clipCodecs = Object.keys(specs) as readonly ClipCodec[];

export async function clipTrack(codec: ClipCodec): Promise<ClipTrack> {
  const [key, name] = specs[codec];
  const [track] = (await loadClip(`${key}=${file(name)}`)).tracks;
  if (track === undefined) throw new Error(`no ${codec} in ${name}`);
  return track;
}

/** A track as its own session description describes it. */
export function describedOf(clip: ClipTrack): MediaDescription {
  const sdp = { origin: '', name: '', attributes: [], media: [trackSection(clip.track, 96)] };
  const [found] = presentationOf(sdp, 'rtsp://x/', { video: true, audio: true }).tracks;
  if (found === undefined) throw new Error(`${clip.track.codec} is not understood in its own description`);
  return found.media;
}

/** RTP packets behind 4 bytes of prefix, of the first units, in packets small and large. */
export function packetsOf(clip: ClipTrack, units = 12, channel = 0): Uint8Array[] {
  return [300, 1400].flatMap(maxPayload => {
    const p = createPacketizer(clip.track, { payloadType: 96, ssrc: 7, seq: 0, maxPayload, channel });
    let time = 0;
    return clip.units.slice(0, units).flatMap(u => {
      const { bytes, offsets, count } = p.packetize(u.data, u.keyframe, time);
      time += u.duration;
      return Array.from({ length: count }, (_, i) => bytes.slice(offsets[i], offsets[i + 1]));
    });
  });
}
