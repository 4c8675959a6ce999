/** GStreamer's RTSP server as a child process (test/peer/gst-server.py): any pipeline that ends in RTP payloaders. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort } from '#fake/daemon';

const script = fileURLToPath(new URL('../peer/gst-server.py', import.meta.url));

/** The URL of each pipeline, by its name. The server ends with the test. */
export async function startGstServer(
  t: TestContext,
  pipelines: Readonly<Record<string, string>>,
): Promise<(name: string) => string> {
  const port = await freePort();
  const named = Object.entries(pipelines).map(([name, pipeline]) => `${name}=${pipeline}`);
  const child = spawn('/usr/bin/python3', [script, String(port), ...named], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(async () => {
    if (child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  });
  await once(child.stdout, 'data');
  return name => `rtsp://127.0.0.1:${port}/${name}`;
}
