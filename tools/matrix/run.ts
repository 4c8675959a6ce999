/** Cells to verdicts: one daemon records all cells of a batch at once, then every file is judged. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Daemon, startDaemon } from '#fake/daemon';
import { runPeer } from '#fake/peers';
import { accessOf, type Cell, mediaOf } from './cells.ts';
import { type Cleanup, type Peer, password, type Setting, user } from './peers.ts';
import { verdictOn } from './verdict.ts';

export interface Result extends Cell {
  readonly peer: string;
  readonly result: 'ok' | 'failed' | 'cannot';
  /** Why it failed, or cannot be. */
  readonly why?: string;
}

/** Ends what was registered, newest first. */
export class Ends implements Cleanup {
  readonly #all: (() => void | Promise<void>)[] = [];
  after(f: () => void | Promise<void>): void {
    this.#all.push(f);
  }
  async close(): Promise<void> {
    for (const f of this.#all.splice(0).reverse()) await f();
  }
}

/** A key and a certificate of our own making. */
export function makeCertificate(folder: string): Setting['tls'] {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const made = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=cam', '-days', '2'];
  runPeer('openssl', ['req', ...made, '-keyout', key, '-out', cert]);
  return { key, cert };
}

/** How long a camera may take to its first recorded fragment: dozens begin at once. */
const beginMs = 30_000;
/** The first key frame and the last fragment are not all there. */
const edgesS = 2;

const nameOf = (at: number, cell: Cell): string => `p${at}-${mediaOf(cell)}-${accessOf(cell)}`;

/** Several peers at once, all their cells in one daemon. */
export async function runCells(
  setting: Setting,
  work: readonly { readonly peer: Peer; readonly cells: readonly Cell[] }[],
  seconds: number,
): Promise<Result[]> {
  const results: Result[] = [];
  const t = new Ends();
  try {
    const cameras: { name: string; cell: Cell; peer: Peer; url: string }[] = [];
    for (const [at, { peer, cells }] of work.entries()) {
      const able: Cell[] = [];
      for (const cell of cells) {
        const why = peer.cannot(cell);
        if (why === undefined) able.push(cell);
        else results.push({ ...cell, peer: peer.name, result: 'cannot', why });
      }
      const urlOf = await peer.start(t, setting, able);
      for (const cell of able) cameras.push({ name: nameOf(at, cell), cell, peer, url: urlOf(cell) });
    }
    if (cameras.length === 0) return results;
    const daemon = await startDaemon(t, folder => ({
      objects: [
        ...cameras.map(({ name, cell, url }) => ({
          type: 'rtsp',
          name,
          url,
          ...(cell.login === 'none' ? {} : { auth: [user, password] }),
          transport: [cell.transport === 'rtsps' ? 'tcp' : cell.transport],
        })),
        { type: 'storage', name: 'stor', folder: join(folder, 'archive') },
      ],
      links: [[cameras.map(c => c.name), 'stor']],
    }));
    await allBegun(
      daemon,
      cameras.map(c => c.name),
    );
    await sleep((seconds + edgesS) * 1000);
    const code = await daemon.stop();
    if (code !== 0) throw new Error(`the daemon ended with ${code}\n${daemon.log.slice(-3000)}`);
    const waiting = [...cameras];
    const judge = async (): Promise<void> => {
      for (let c = waiting.shift(); c !== undefined; c = waiting.shift()) {
        const why = await verdict(daemon, c.name, c.cell, seconds);
        const failed = why === undefined ? {} : { why };
        results.push({ ...c.cell, peer: c.peer.name, result: why === undefined ? 'ok' : 'failed', ...failed });
      }
    };
    await Promise.all([judge(), judge()]);
    return results;
  } finally {
    await t.close();
  }
}

async function allBegun(daemon: Daemon, names: readonly string[]): Promise<void> {
  const deadline = performance.now() + beginMs;
  const waiting = new Set(names);
  while (waiting.size > 0 && performance.now() < deadline) {
    for (const name of waiting) {
      const got = await daemon.get<{ timeline: unknown[] }>(`/v1/svc/stor/${name}`).catch(() => undefined);
      if (got !== undefined && got.timeline.length > 0) waiting.delete(name);
    }
    await sleep(200);
  }
}

async function verdict(daemon: Daemon, name: string, cell: Cell, seconds: number): Promise<string | undefined> {
  const folder = join(daemon.folder, 'archive', name);
  const files = existsSync(folder)
    ? (readdirSync(folder, { recursive: true }) as string[]).filter(f => f.endsWith('.mp4'))
    : [];
  if (files[0] === undefined) return `nothing recorded: ${lastWord(daemon.log, name)}`;
  if (files.length > 1) return `recorded in ${files.length} pieces: ${lastWord(daemon.log, name)}`;
  return verdictOn(join(folder, files[0]), cell, seconds);
}

/** What the daemon said of an object last, above debug. */
function lastWord(log: string, name: string): string {
  const lines = log.split('\n').filter(l => l.includes(`"${name}"`) && !l.includes('"level":"debug"'));
  const line = lines.findLast(l => /"(error|code)":/.test(l)) ?? lines.at(-1);
  return line === undefined ? 'and not a word of it in the log' : line.slice(0, 300);
}
