/** A camera of GStreamer's RTSP server that plays what ffmpeg made (test/peer/gst-camera.py): H.264, AAC, Digest. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { freePort } from '#fake/daemon';
import { runPeer } from '#fake/peers';

const script = fileURLToPath(new URL('../peer/gst-camera.py', import.meta.url));

/** 25 pictures a second, a key frame each second, and a tone, for `seconds`; made by ffmpeg into `file`. */
export function makeClip(file: string, seconds: number): void {
  const video = [
    '-f',
    'lavfi',
    '-i',
    'testsrc2=size=640x360:rate=25',
    '-f',
    'lavfi',
    '-i',
    'sine=frequency=440:sample_rate=48000',
  ];
  const h264 = [
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-tune',
    'zerolatency',
    '-g',
    '25',
    '-b:v',
    '600k',
    '-pix_fmt',
    'yuv420p',
  ];
  runPeer('ffmpeg', [
    '-v',
    'error',
    '-y',
    ...video,
    '-t',
    String(seconds),
    ...h264,
    '-c:a',
    'aac',
    '-ac',
    '1',
    '-b:a',
    '64k',
    file,
  ]);
}

export class GstCamera {
  static readonly user = 'operator';
  static readonly password = 'not:a/secret@all';
  readonly port: number;
  readonly #clip: string;
  readonly #tls: { readonly key: string; readonly cert: string } | undefined;
  #child: ChildProcess | undefined;

  constructor(port: number, clip: string, tls?: { readonly key: string; readonly cert: string }) {
    this.port = port;
    this.#clip = clip;
    this.#tls = tls;
  }

  /** Plays `clip` once to each client that comes; with `tls` (paths of PEM files) over TLS. */
  static async create(clip: string, tls?: { readonly key: string; readonly cert: string }): Promise<GstCamera> {
    return new GstCamera(await freePort(), clip, tls);
  }

  get url(): string {
    return `${this.#tls ? 'rtsps' : 'rtsp'}://127.0.0.1:${this.port}/cam`;
  }

  async start(): Promise<void> {
    const child = spawn(
      '/usr/bin/python3',
      [
        ...[script, String(this.port), this.#clip, GstCamera.user, GstCamera.password],
        ...(this.#tls ? [this.#tls.key, this.#tls.cert] : []),
      ],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    this.#child = child;
    // GStreamer's server dies of an assertion of its own now and then (rtsp-stream.c, gst_pad_unlink): then it is there again, as a camera would be.
    child.once('exit', (_, signal) => {
      if (signal === 'SIGABRT' && this.#child === child) void this.start();
    });
    await once(child.stdout, 'data');
  }

  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  }
}
