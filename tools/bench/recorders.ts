/** Who records the emulated cameras of a bench: us, and the peers we are compared with. All copy, none decodes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ocellus = fileURLToPath(new URL('../ocellus', import.meta.url));

export type Transport = 'tcp' | 'udp';

export interface Recording {
  readonly children: ChildProcess[];
  /** Where the MP4 files of a camera are. */
  folderOf(camera: number): string;
}

/** `urls` of the cameras, in order; everything is written below `out`. */
export type Recorder = (urls: readonly string[], transport: Transport, out: string) => Recording;

/** One process for all. */
const us: Recorder = (urls, transport, out) => {
  const names = urls.map((_, i) => `cam${i}`);
  const objects = [
    ...names.map((name, i) => ({ type: 'rtsp', name, url: urls[i], transport: [transport] })),
    { type: 'storage', name: 'archive', folder: `${out}/archive` },
  ];
  writeFileSync(`${out}/bench.json`, JSON.stringify({ objects, links: [[names, 'archive']] }));
  const child = spawn(ocellus, ['run', '--state', `${out}/state`, '--log-level', 'warn', `${out}/bench.json`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return { children: [child], folderOf: camera => `${out}/archive/cam${camera}` };
};

/** One process for each. */
const each =
  (program: string, words: (url: string, transport: Transport, file: string) => readonly string[]): Recorder =>
  (urls, transport, out) => ({
    children: urls.map((url, i) => {
      mkdirSync(`${out}/cam${i}`);
      return spawn(program, words(url, transport, `${out}/cam${i}/out.mp4`), { stdio: 'ignore' });
    }),
    folderOf: camera => `${out}/cam${camera}`,
  });

const fragmented = ['-movflags', '+frag_keyframe+empty_moov+default_base_moof', '-f', 'mp4'];

export const recorders = {
  ocellus: us,
  ffmpeg: each('ffmpeg', (url, transport, file) => [
    ...['-v', 'error', '-nostdin', '-rtsp_transport', transport, '-i', url, '-c', 'copy', ...fragmented, file],
  ]),
  gstreamer: each('gst-launch-1.0', (url, transport, file) => [
    ...['-q', 'rtspsrc', `location=${url}`, `protocols=${transport}`, 'latency=200', 'name=camera'],
    ...['camera.', '!', 'rtph264depay', '!', 'h264parse', '!', 'queue', '!', 'mux.'],
    ...['camera.', '!', 'rtpmp4gdepay', '!', 'aacparse', '!', 'queue', '!', 'mux.'],
    ...['mp4mux', 'name=mux', 'fragment-duration=1000', '!', 'filesink', `location=${file}`],
  ]),
} as const satisfies Readonly<Record<string, Recorder>>;

export type RecorderName = keyof typeof recorders;
