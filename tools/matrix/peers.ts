/** Who plays the cameras of the matrix. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { startGstServer } from '#fake/gst-server';
import { startFakeCamera } from '../fake-camera/fake-camera.ts';
import { type Cell, mediaOf } from './cells.ts';
import type { Media, Medium } from './media.ts';

/** What ends with the run, newest first: a test's context, or `Ends`. */
export interface Cleanup {
  after(f: () => void | Promise<void>): void;
}

export interface Setting {
  readonly media: Media;
  /** Paths of PEM files. */
  readonly tls: { readonly key: string; readonly cert: string };
}

export const user = 'operator';
export const password = 'not:a/secret@all';

export interface Peer {
  readonly name: string;
  version(): string;
  /** Why this peer has no such camera; undefined: it has. */
  cannot(cell: Cell): string | undefined;
  /** Everything that the cells need is up; the URL of each, without login. */
  start(t: Cleanup, setting: Setting, cells: readonly Cell[]): Promise<(cell: Cell) => string>;
}

/** The cells that one server with one login plays, by whether it speaks TLS. */
export function byServer(cells: readonly Cell[]): Map<string, Cell[]> {
  const groups = new Map<string, Cell[]>();
  for (const cell of cells) {
    const key = serverOf(cell);
    groups.set(key, [...(groups.get(key) ?? []), cell]);
  }
  return groups;
}
export const serverOf = (cell: Cell): string => `${cell.transport === 'rtsps' ? 'tls' : 'plain'}-${cell.login}`;

const demuxers: Readonly<Record<Medium, string>> = {
  h264: 'matroskademux ! h264parse config-interval=-1 ! rtph264pay',
  h265: 'matroskademux ! h265parse config-interval=-1 ! rtph265pay',
  mjpeg: 'matroskademux ! jpegparse ! rtpjpegpay',
  aac: 'aacparse ! rtpmp4gpay',
  opus: 'oggdemux ! opusparse ! rtpopuspay',
  pcmu: 'wavparse ! rtppcmupay',
};

export const gstreamer: Peer = {
  name: 'GStreamer RTSP server',
  version: () =>
    /version (\S+)/.exec(spawnSync('gst-inspect-1.0', ['--version'], { encoding: 'utf8' }).stdout)?.[1] ?? '',
  cannot: ({ login }) => (login === 'sha256' ? 'GstRTSPAuth knows Digest with MD5 only' : undefined),
  async start(t, { media, tls }, cells) {
    const urls = new Map<string, (name: string) => string>();
    for (const [key, group] of byServer(cells)) {
      const [first] = group;
      if (first === undefined) continue;
      const pipelines: Record<string, string> = {};
      for (const cell of group) {
        const kinds = [cell.video, ...(cell.audio === 'none' ? [] : [cell.audio])];
        pipelines[mountOf(cell)] = kinds
          .map((kind, i) => `filesrc location=${media.timed(kind)} ! ${demuxers[kind]} name=pay${i} pt=${96 + i}`)
          .join(' ');
      }
      const { login, transport } = first;
      urls.set(
        key,
        await startGstServer(t, pipelines, {
          ...(login === 'none' ? {} : { login: { user, password, scheme: login === 'basic' ? 'basic' : 'digest' } }),
          ...(transport === 'rtsps' ? { tls } : {}),
        }),
      );
    }
    return cell => urls.get(serverOf(cell))?.(mountOf(cell)) ?? '';
  },
};

/** One for each client: a PLAY from the beginning seeks what a file plays for all who share it. */
const mountOf = (cell: Cell): string => `${mediaOf(cell)}-${cell.transport}`;

export const fakeCamera: Peer = {
  name: 'fake camera',
  version: () => 'of this tree',
  cannot: () => undefined,
  async start(t, { media, tls }, cells) {
    const urls = new Map<string, (name: string) => string>();
    const pem = { key: readFileSync(tls.key, 'utf8'), cert: readFileSync(tls.cert, 'utf8') };
    for (const [key, group] of byServer(cells)) {
      const [first] = group;
      if (first === undefined) continue;
      const names = [...new Set(group.map(mediaOf))];
      const specs = names.map(name => {
        const { video, audio } = group.find(cell => mediaOf(cell) === name) ?? first;
        return `${video}=${media.bare(video)}${audio === 'none' ? '' : `,${audio}=${media.bare(audio)}`}`;
      });
      const { login, transport } = first;
      const camera = await startFakeCamera({
        cameras: names,
        media: specs,
        ...(login === 'none' ? {} : { login: { user, password, schemes: [schemes[login]] }, tunnelLogin: true }),
        ...(transport === 'rtsps' ? { tls: pem } : {}),
      });
      t.after(() => camera.stop());
      urls.set(key, name => camera.url(name).replace(/\/\/[^@/]*@/, '//'));
    }
    return cell => urls.get(serverOf(cell))?.(mediaOf(cell)) ?? '';
  },
};

const schemes = { basic: 'Basic', md5: 'MD5', sha256: 'SHA-256' } as const;
