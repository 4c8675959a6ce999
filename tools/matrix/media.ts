/** The media of the matrix, made by ffmpeg: one video or one audio in a file, each long enough for a batch. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { runPeer } from '#fake/peers';
import type { Cell } from './cells.ts';

export const framerate = 25;
const gop = String(framerate);

const picture = (seconds: number): string[] => [
  ...['-f', 'lavfi', '-i', `testsrc2=size=320x240:rate=${framerate}:duration=${seconds}`, '-pix_fmt', 'yuv420p'],
];
const tone = (seconds: number, rate: number): string[] => [
  ...['-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=${rate}:duration=${seconds}`, '-ac', '1'],
];
const x265 = `log-level=error:keyint=${gop}:min-keyint=${gop}:bframes=0`;

const encoders: Readonly<Record<Cell['video'] | Exclude<Cell['audio'], 'none'>, (seconds: number) => string[]>> = {
  h264: s => [
    ...picture(s),
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-tune',
    'zerolatency',
    '-g',
    gop,
    '-b:v',
    '300k',
  ],
  h265: s => [...picture(s), '-c:v', 'libx265', '-preset', 'ultrafast', '-b:v', '300k', '-x265-params', x265],
  // The typical Huffman tables are those that RTP need not carry (RFC 2435 3.1); ffmpeg's packetizer insists on the full range.
  mjpeg: s => [...picture(s), '-c:v', 'mjpeg', '-huffman', 'default', '-q:v', '8', '-pix_fmt', 'yuvj420p'],
  aac: s => [...tone(s, 48000), '-c:a', 'aac', '-b:a', '48k'],
  opus: s => [...tone(s, 48000), '-c:a', 'libopus', '-b:a', '32k'],
  pcmu: s => [...tone(s, 8000), '-c:a', 'pcm_mulaw'],
};

export type Medium = keyof typeof encoders;
export const mediaKinds = Object.keys(encoders) as readonly Medium[];

/** Containers: for peers that read times from the file, and bare, as the fake camera reads them. */
const extensions: Readonly<Record<Medium, { readonly timed: string; readonly bare: string; readonly format: string }>> =
  {
    h264: { timed: 'mkv', bare: 'h264', format: 'h264' },
    h265: { timed: 'mkv', bare: 'h265', format: 'hevc' },
    mjpeg: { timed: 'mkv', bare: 'mjpeg', format: 'mjpeg' },
    aac: { timed: 'adts', bare: 'adts', format: 'adts' },
    opus: { timed: 'ogg', bare: 'ogg', format: 'ogg' },
    pcmu: { timed: 'wav', bare: 'ulaw', format: 'mulaw' },
  };

export interface Media {
  readonly seconds: number;
  timed(medium: Medium): string;
  bare(medium: Medium): string;
}

/** Made in `folder` where it is not there yet. */
export function prepareMedia(folder: string, seconds: number): Media {
  mkdirSync(folder, { recursive: true });
  const timed = (medium: Medium): string => join(folder, `${medium}-${seconds}.${extensions[medium].timed}`);
  const bare = (medium: Medium): string => join(folder, `${medium}-${seconds}.${extensions[medium].bare}`);
  for (const medium of mediaKinds) {
    const { format } = extensions[medium];
    if (!existsSync(timed(medium)))
      runPeer('ffmpeg', ['-v', 'error', '-y', ...encoders[medium](seconds), timed(medium)]);
    if (!existsSync(bare(medium)))
      runPeer('ffmpeg', ['-v', 'error', '-y', '-i', timed(medium), '-c', 'copy', '-f', format, bare(medium)]);
  }
  return { seconds, timed, bare };
}
