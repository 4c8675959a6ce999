/** GStreamer's RTSP server as a child process (test/peer/gst-server.py): any pipeline that ends in RTP payloaders. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { freePort } from '#fake/daemon';

const script = fileURLToPath(new URL('../peer/gst-server.py', import.meta.url));

export interface GstServerOptions {
  readonly login?: { readonly user: string; readonly password: string; readonly scheme: 'basic' | 'digest' };
  /** Paths of PEM files: TLS on the port. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** The URL of each pipeline, by its name. The server ends with the test. */
export async function startGstServer(
  t: { after(f: () => Promise<void>): void },
  pipelines: Readonly<Record<string, string>>,
  { login, tls }: GstServerOptions = {},
): Promise<(name: string) => string> {
  const port = await freePort();
  const words = [
    ...(login ? ['--login', login.scheme, login.user, login.password] : []),
    ...(tls ? ['--tls', tls.key, tls.cert] : []),
    String(port),
    ...Object.entries(pipelines).map(([name, pipeline]) => `${name}=${pipeline}`),
  ];
  const child = spawn('/usr/bin/python3', [script, ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  });
  await once(child.stdout, 'data');
  return name => `${tls ? 'rtsps' : 'rtsp'}://127.0.0.1:${port}/${name}`;
}
