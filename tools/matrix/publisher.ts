/**
 * ffmpeg publishes into our own RTSP server, a second daemon plays it from there: the server and `push` on
 * both sides. A cell's transport and login hold for the publisher and for the camera object that plays it.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, startDaemon } from '#fake/daemon';
import { accessOf, type Cell, mediaOf } from './cells.ts';
import { byServer, type Peer, password, serverOf, user } from './peers.ts';

const realm = 'site';
const nameOf = (cell: Cell): string => `${mediaOf(cell)}-${accessOf(cell)}`;

/** Every account with a password is offered SHA-256 too; one that is only known by its hash is not. */
function accountOf(login: Cell['login']): object {
  const ha1 = createHash('md5').update(`${user}:${realm}:${password}`).digest('hex');
  return { type: 'password', login: user, ...(login === 'md5' ? { ha1 } : { password }) };
}

export const publisher: Peer = {
  name: 'ffmpeg into our server',
  version: () => /version (\S+)/.exec(spawnSync('ffmpeg', ['-version'], { encoding: 'utf8' }).stdout)?.[1] ?? '',
  cannot({ transport, login }) {
    if (transport === 'http')
      return 'our server does not offer RTSP through HTTP, and ffmpeg does not publish through it';
    if (login !== 'basic') return undefined;
    return transport === 'rtsps'
      ? 'over TLS our server offers Digest beside Basic, and our client takes the stronger one, as ffmpeg does'
      : 'our server never asks for a password in clear';
  },
  async start(t, { media, tls }, cells) {
    const groups = byServer(cells);
    const ports = new Map<string, number>();
    for (const key of groups.keys()) ports.set(key, await freePort());
    const port = (cell: Cell): number => ports.get(serverOf(cell)) ?? 0;
    await startDaemon(t as { after(f: () => Promise<void>): void }, () => ({
      objects: [
        ...cells.map(cell => ({ type: 'push', name: nameOf(cell) })),
        ...[...groups].flatMap(([key, [first]]) => {
          if (first === undefined) return [];
          const { transport, login } = first;
          return [
            {
              ...{ type: 'rtspsrv', name: `server-${key}`, address: '127.0.0.1', port: port(first) },
              ...(transport === 'rtsps' ? { tls: { key: tls.key, certificate: tls.cert } } : {}),
            },
            ...(login === 'none'
              ? []
              : [
                  {
                    ...{ type: 'authnz', name: `auth-${key}`, realm, accounts: [accountOf(login)] },
                    ...{ roles: [[user, 'all']], acl: [['all', null, null, 'operate']] },
                  },
                ]),
          ];
        }),
      ],
      links: [...groups].flatMap(([key, group]) => [
        [group.map(nameOf), `server-${key}`],
        ...(group[0]?.login === 'none' ? [] : [[`server-${key}`, `auth-${key}`]]),
      ]),
    }));
    for (const cell of cells) publish(t, cell, media, port(cell));
    // The first media of dozens of them.
    await sleep(2000 + 100 * cells.length);
    return cell => `${cell.transport === 'rtsps' ? 'rtsps' : 'rtsp'}://127.0.0.1:${port(cell)}/${nameOf(cell)}`;
  },
};

function publish(
  t: Parameters<Peer['start']>[0],
  cell: Cell,
  media: Parameters<Peer['start']>[1]['media'],
  port: number,
): void {
  const kinds = [cell.video, ...(cell.audio === 'none' ? [] : [cell.audio])];
  const who = cell.login === 'none' ? '' : `${encodeURIComponent(user)}:${encodeURIComponent(password)}@`;
  const url = `${cell.transport === 'rtsps' ? 'rtsps' : 'rtsp'}://${who}127.0.0.1:${port}/${nameOf(cell)}`;
  const words = [
    ...['-v', 'error', '-nostdin'],
    ...kinds.flatMap(kind => ['-re', '-i', media.timed(kind)]),
    ...kinds.flatMap((_, i) => ['-map', `${i}:0`]),
    // ADTS has no setup to announce: AAC is made anew.
    ...['-c', 'copy', ...(cell.audio === 'aac' ? ['-c:a', 'aac', '-b:a', '48k'] : [])],
    ...['-f', 'rtsp', '-rtsp_transport', cell.transport === 'udp' ? 'udp' : 'tcp', url],
  ];
  const child: ChildProcess = spawn('ffmpeg', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr?.on('data', (piece: Buffer) => {
    said = `${said}${piece.toString()}`.slice(-500);
  });
  let stopping = false;
  const ended = once(child, 'exit').then(([code]) => {
    if (!stopping) process.stderr.write(`the publisher of ${nameOf(cell)} ended with ${code}: ${said.trim()}\n`);
  });
  t.after(async () => {
    stopping = true;
    child.kill('SIGTERM');
    await ended;
  });
}
