/**
 * UDP as `Udp` (core/world.ts), over node:dgram. Packets come one system call and one buffer
 * each, which is all that Node offers; so the receive buffer of the system is what saves a
 * burst of packets that comes while the loop is busy, and callers should ask for a large one.
 */
import { createSocket, type Socket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { Fault } from '#core/errors';
import type { Udp, UdpPairOptions, UdpSocket, UdpSocketOptions } from '#core/world';

/** Of two neighbouring free ports the first has to be even: nearly every second try succeeds. */
const pairTries = 100;
/** Packets wait in memory when the system takes no more; beyond this they are lost. */
const queueLimitBytes = 4 << 20;

export function createUdp(): Udp {
  return { addresses, open: async options => new OpenSocket(await bound(options)), openPair };
}

const addresses = (): readonly string[] =>
  Object.values(networkInterfaces()).flatMap(of => (of ?? []).filter(a => a.family === 'IPv4').map(a => a.address));

async function openPair(options: UdpPairOptions): Promise<readonly [UdpSocket, UdpSocket]> {
  const { host, ports, onPacket, ...buffer } = options;
  const [least, most] = ports ?? [0, 0];
  const places = ports === undefined ? 0 : Math.floor((most - (least + (least & 1)) + 1) / 2);
  for (let tries = 0; tries < (ports === undefined ? pairTries : places); tries++) {
    const wanted = ports === undefined ? 0 : least + (least & 1) + 2 * tries;
    const rtp = await tryBound({ ...buffer, host, port: wanted, onPacket: (b, a, p) => onPacket(0, b, a, p) });
    if (rtp === undefined) continue;
    const { port } = rtp.address();
    const rtcp =
      port % 2 === 0
        ? await tryBound({ ...buffer, host, port: port + 1, onPacket: (b, a, p) => onPacket(1, b, a, p) })
        : undefined;
    if (rtcp !== undefined) return [new OpenSocket(rtp), new OpenSocket(rtcp)];
    rtp.close();
  }
  const where = ports === undefined ? '' : ` from ${least} to ${most}`;
  throw new Fault('transport', 'no-ports', `expected two neighbouring free UDP ports at ${host}${where}, got none`);
}

/** Undefined when the port is taken; any other trouble would repeat itself at every port. */
async function tryBound(options: UdpSocketOptions): Promise<Socket | undefined> {
  try {
    return await bound(options);
  } catch (e) {
    if (e instanceof Fault && (e.cause as NodeJS.ErrnoException | undefined)?.code === 'EADDRINUSE') return undefined;
    throw e;
  }
}

function bound(options: UdpSocketOptions): Promise<Socket> {
  const { host, port, joinAt, receiveBufferBytes, onPacket } = options;
  return new Promise((done, fail) => {
    const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', reuseAddr: joinAt !== undefined });
    const failed = (e: NodeJS.ErrnoException): void => {
      socket.close();
      const text = `expected UDP packets at ${host}:${port}, got ${e.code ?? e.message}`;
      fail(new Fault('transport', 'listen-failed', text, { host, port }, e));
    };
    socket.once('error', failed);
    socket.bind({ port, address: host, exclusive: true }, () => {
      try {
        if (joinAt !== undefined) socket.addMembership(host, joinAt);
        if (receiveBufferBytes !== undefined) socket.setRecvBufferSize(receiveBufferBytes);
      } catch (e) {
        failed(e as NodeJS.ErrnoException);
        return;
      }
      socket.off('error', failed);
      // What an unbound or unreachable peer answers: it is as if the packet had been lost.
      socket.on('error', () => {});
      socket.on('message', (bytes, from) => onPacket(bytes, from.address, from.port));
      done(socket);
    });
  });
}

class OpenSocket implements UdpSocket {
  readonly port: number;
  readonly receiveBufferBytes: number;
  readonly #socket: Socket;
  #closed = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.port = socket.address().port;
    this.receiveBufferBytes = socket.getRecvBufferSize();
  }

  get queuedBytes(): number {
    return this.#closed ? 0 : this.#socket.getSendQueueSize();
  }

  send(bytes: Uint8Array, begin: number, end: number, address: string, port: number): void {
    if (this.#closed || this.#socket.getSendQueueSize() > queueLimitBytes) return;
    this.#socket.send(bytes, begin, end - begin, port, address, lostIfNotSent);
  }

  multicastFrom(address: string, ttl: number): void {
    if (this.#closed) return;
    this.#socket.setMulticastInterface(address);
    this.#socket.setMulticastTTL(ttl);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.removeAllListeners('message');
    this.#socket.close();
  }
}

/** Without a callback Node would emit an error; a packet that could not leave is lost like any other. */
const lostIfNotSent = (): void => {};
