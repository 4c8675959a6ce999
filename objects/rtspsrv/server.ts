/** The object: listens, keeps its connections, and hands them what is linked. */
import type { Authenticator } from '#capability/authenticator';
import type { Ingest } from '#capability/ingest';
import type { LiveMedia } from '#capability/live-media';
import type { RecordedMedia } from '#capability/recorded-media';
import type { Attempt, Context } from '#core/define';
import { Fault } from '#core/errors';
import type { Scope } from '#core/scope';
import type { TcpConnection, TcpListener, TcpOptions, UdpSocket } from '#core/world';
import { addressesOf, type RtspsrvConfig, transportsOf } from './config.ts';
import { Connection } from './connection.ts';
import { Door } from './door.ts';
import { Places } from './replaying.ts';
import { Streams } from './streams.ts';

/** More would eat the file descriptors that cameras need to come back. */
const connectionLimit = 2000;

type UdpPair = readonly [rtp: UdpSocket, rtcp: UdpSocket];
type Listen = (on: Pick<TcpOptions, 'onBytes' | 'onClose'>) => void;

interface Links {
  readonly sources: ReadonlyMap<string, LiveMedia>;
  readonly storages: ReadonlyMap<string, RecordedMedia>;
  readonly ingests: ReadonlyMap<string, Ingest>;
  readonly authenticator: Authenticator | undefined;
}

/** Lives on the media loop, beside the sources that it reads. */
export function createRtspsrv(context: Context<typeof RtspsrvConfig>) {
  const { config, world, log } = context;
  const streams = new Streams(world);
  const open = new Set<Connection>();
  const places = new Places();
  let storages: ReadonlyMap<string, RecordedMedia> = new Map();
  let authenticator: Authenticator | undefined;
  let ingests: ReadonlyMap<string, Ingest> = new Map();

  const accept = (connection: TcpConnection, listen: Listen, udp: UdpPair | undefined): void => {
    if (open.size >= connectionLimit) {
      connection.close();
      return;
    }
    const client = new Connection({
      world,
      log,
      streams,
      storage: name => storages.get(name),
      places,
      ingest: name => ingests.get(name),
      door: new Door(authenticator, world, config.tls !== undefined),
      timeoutSeconds: config.timeout,
      transports: transportsOf(config),
      udp,
      udpPorts: config.udp_ports,
      connection,
      ended: () => open.delete(client),
    });
    open.add(client);
    listen({
      onBytes: (buffer, length) => client.take(buffer, length),
      onClose: error => client.close(error?.message ?? 'the client has closed the connection'),
    });
  };

  const closeAll = (why: string): void => {
    for (const client of [...open]) client.close(why);
  };

  const heard = (address: string, port: number): void => {
    for (const client of open) if (client.heard(address, port)) return;
  };

  /** Two ports for all clients at this address. */
  const openUdp = async (scope: Scope, host: string | undefined): Promise<UdpPair | undefined> => {
    if (!transportsOf(config).includes('udp')) return undefined;
    const open = (at: string): Promise<UdpPair> =>
      world.udp.openPair({
        host: at,
        ...(config.udp_ports ? { ports: config.udp_ports } : {}),
        onPacket: (_which, _bytes, address, port) => heard(address, port),
      });
    // All addresses are those of IPv6 with the others mapped into them, as for TCP; on a machine without IPv6 the others alone.
    const pair = await open(host ?? '::').catch((e: unknown) => {
      if (host === undefined && e instanceof Fault && e.code === 'listen-failed') return open('0.0.0.0');
      throw e;
    });
    return scope.own('udp ports', pair, sockets => {
      for (const socket of sockets) socket.close();
    });
  };

  const listenAt = async ({ scope }: Attempt, host: string | undefined): Promise<TcpListener> => {
    const udp = await openUdp(scope, host);
    const { port, tls } = config;
    const listener = await world.tcp.listen({
      host,
      port,
      ...(tls ? { tls } : {}),
      accept: (connection, listen) => accept(connection, listen, udp),
    });
    return scope.own(`port ${port}`, listener, async l => {
      const closed = l.close();
      closeAll('the server stops');
      await closed;
    });
  };

  const listenAll = async (attempt: Attempt): Promise<readonly string[]> => {
    const urls: string[] = [];
    for (const host of addressesOf(config)) {
      const { port } = await listenAt(attempt, host);
      urls.push(`${config.tls ? 'rtsps' : 'rtsp'}://${shown(host)}:${port}/`);
    }
    const tick = (): void => {
      for (const client of [...open]) client.tick();
    };
    attempt.scope.own('tick', world.clock.every(1000, tick), timer => timer.cancel());
    return urls;
  };

  return {
    provides: {},
    published: {},
    link(links: Links) {
      // Who got in by the former rules is not let stay by them.
      if (links.authenticator !== authenticator) closeAll('who may watch is decided by others now');
      authenticator = links.authenticator;
      streams.set(links.sources);
      ingests = links.ingests;
      storages = links.storages;
      for (const client of [...open]) client.relinked();
    },
    /** Returns when it listens or is known not to: who is told that the daemon is ready wants to connect. */
    start() {
      return new Promise<void>(settled => {
        context.persist('listen', async attempt => {
          try {
            context.announce(await listenAll(attempt));
            attempt.healthy();
          } finally {
            settled();
          }
          await new Promise<void>(done => attempt.signal.addEventListener('abort', () => done(), { once: true }));
        });
      });
    },
  };
}

const shown = (host: string | undefined): string =>
  host === undefined ? 'localhost' : host.includes(':') ? `[${host}]` : host;
