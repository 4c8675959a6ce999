/**
 * The real daemon, started as its user would start it, on a free port and in a folder of its
 * own. For end-to-end tests: everything it says is kept, and a failed test shows the log.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ownProgram = fileURLToPath(new URL('../../tools/ocellus', import.meta.url));

export interface Document {
  readonly objects: readonly Readonly<Record<string, unknown>>[];
  readonly links?: readonly unknown[];
}

/** A port that was free a moment ago, on loopback. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** A folder that goes when the test ends. */
export function temporaryFolder(t: { after(f: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'ocellus-e2e-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export class Daemon {
  readonly folder: string;
  readonly url: string;
  /** Everything on stderr so far. */
  log = '';
  #child: ChildProcess | undefined;
  #exit: Promise<number | null> = Promise.resolve(null);
  readonly #program: string;

  /** `port` is where the configuration's webserver is expected; `program` another installation's `tools/ocellus`. */
  constructor(folder: string, port: number, program = ownProgram) {
    this.folder = folder;
    this.#program = program;
    this.url = `http://127.0.0.1:${port}`;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  configure(document: Document): void {
    writeFileSync(join(this.folder, 'site.json'), JSON.stringify(document, undefined, 2));
  }

  /** Starts and waits for the ready line, unless nobody reads it: `reader-gone` closes its output first; milliseconds it took. */
  async start(
    options: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
    output: 'read' | 'reader-gone' = 'read',
  ): Promise<number> {
    const began = performance.now();
    const words = [
      'run',
      '--log-level',
      'debug',
      '--state',
      join(this.folder, 'state'),
      ...options,
      join(this.folder, 'site.json'),
    ];
    const child = spawn(this.#program, words, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    this.#child = child;
    this.#exit = once(child, 'exit').then(([code]) => code as number | null);
    child.stderr.on('data', (d: Buffer) => {
      this.log += d.toString();
    });
    if (output === 'reader-gone') {
      child.stdout.destroy();
      return 0;
    }
    const line = await new Promise<string>((ready, refuse) => {
      let text = '';
      child.stdout.on('data', (d: Buffer) => {
        text += d.toString();
        if (text.includes('\n')) ready(text);
      });
      void this.#exit.then(code => refuse(new Error(`the daemon ended with ${code} before it was ready\n${this.log}`)));
    });
    const { event } = JSON.parse(line) as { event: string };
    if (event !== 'ready') throw new Error(`expected the ready line, got ${line}`);
    return performance.now() - began;
  }

  async get<T>(path: string): Promise<T> {
    const answer = await fetch(`${this.url}${path}`);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${text}\n${this.log.slice(-2000)}`);
    return JSON.parse(text) as T;
  }

  text = async (path: string): Promise<string> => (await fetch(`${this.url}${path}`)).text();
  bytes = async (path: string): Promise<Uint8Array> =>
    new Uint8Array(await (await fetch(`${this.url}${path}`)).arrayBuffer());

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  /** Ends it in order; the exit code. */
  async stop(name: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.signal(name);
    const code = await this.#exit;
    this.#child = undefined;
    return code;
  }
}

/** A daemon with this configuration that is stopped, at the latest, when the test ends. `objects` need no webserver: one named `web` is added, at the URL given. */
export async function startDaemon(
  t: { after(f: () => void | Promise<void>): void },
  make: (folder: string, url: string) => Document,
): Promise<Daemon> {
  const port = await freePort();
  const daemon = new Daemon(temporaryFolder(t), port);
  const document = make(daemon.folder, daemon.url);
  // A guard guards the servers that the test links it with; this one is the test's own way in.
  const names = document.objects.filter(o => o['type'] !== 'authnz').map(o => o['name']);
  daemon.configure({
    objects: [
      ...document.objects,
      { type: 'webserver', name: 'web', address: '127.0.0.1', port, staticpath: 'share/web' },
    ],
    links: [...(document.links ?? []), ['web', names]],
  });
  t.after(async () => void (await daemon.stop()));
  await daemon.start();
  return daemon;
}

/** Asks every 100 ms until the answer is something; fails with `what` after `timeoutMs`. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false>,
  timeoutMs = 20_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  while (performance.now() < deadline) {
    try {
      const got = await ask();
      if (got !== undefined && got !== false) return got;
    } catch (e) {
      last = e;
    }
    await new Promise(r => setTimeout(r, 100));
  }
  throw new Error(`${what}: not within ${timeoutMs} ms${last === undefined ? '' : ` (${String(last)})`}`);
}
