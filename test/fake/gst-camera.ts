/** A camera of GStreamer's RTSP server fed by ffmpeg (test/peer/gst-camera.py): H.264, AAC, Digest. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { freePort } from '#fake/daemon';

const script = fileURLToPath(new URL('../peer/gst-camera.py', import.meta.url));

export class GstCamera {
  static readonly user = 'operator';
  static readonly password = 'not:a/secret@all';
  readonly port: number;
  readonly #tsPort: number;
  #child: ChildProcess | undefined;

  constructor(port: number, tsPort: number) {
    this.port = port;
    this.#tsPort = tsPort;
  }

  static async create(): Promise<GstCamera> {
    return new GstCamera(await freePort(), await freePort());
  }

  get url(): string {
    return `rtsp://127.0.0.1:${this.port}/cam`;
  }

  async start(): Promise<void> {
    const child = spawn(
      '/usr/bin/python3',
      [script, String(this.port), String(this.#tsPort), GstCamera.user, GstCamera.password],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    this.#child = child;
    await once(child.stdout, 'data');
  }

  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  }
}
