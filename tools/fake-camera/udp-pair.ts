/** Two neighbouring UDP ports, RTP on the even one and RTCP above it (RFC 3550 11). */
import { createSocket, type Socket } from 'node:dgram';
import { Fault } from '#core/errors';

export class UdpPair {
  readonly ports: readonly [number, number];
  readonly #rtp: Socket;
  readonly #rtcp: Socket;

  constructor(rtp: Socket, rtcp: Socket, onRtcp: (address: string, port: number) => void) {
    this.ports = [rtp.address().port, rtcp.address().port];
    this.#rtp = rtp;
    this.#rtcp = rtcp;
    rtcp.on('message', (_, from) => onRtcp(from.address, from.port));
    // A client that is gone may answer with ICMP; its session ends by its own timeout.
    for (const s of [rtp, rtcp]) s.on('error', () => {});
  }

  get queuedBytes(): number {
    return this.#rtp.getSendQueueSize();
  }

  send(from: 'rtp' | 'rtcp', address: string, port: number, bytes: Uint8Array, begin: number, end: number): void {
    const socket = from === 'rtp' ? this.#rtp : this.#rtcp;
    // An unreachable client is the network's loss: nobody to tell.
    socket.send(bytes, begin, end - begin, port, address, () => {});
  }

  async close(): Promise<void> {
    await Promise.all([this.#rtp, this.#rtcp].map(s => new Promise<void>(done => s.close(done))));
  }
}

export async function openUdpPair(host: string, onRtcp: (address: string, port: number) => void): Promise<UdpPair> {
  for (let tries = 0; tries < 50; tries++) {
    const rtp = await bound(host, 0);
    const port = rtp?.address().port ?? 1;
    const rtcp = port % 2 === 0 ? await bound(host, port + 1) : undefined;
    if (rtp && rtcp) return new UdpPair(rtp, rtcp, onRtcp);
    rtp?.close();
  }
  throw new Fault('transport', 'no-ports', `no two neighbouring UDP ports are free at ${host}`);
}

function bound(host: string, port: number): Promise<Socket | undefined> {
  return new Promise(done => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.once('error', () => {
      socket.close();
      done(undefined);
    });
    socket.bind(port, host, () => {
      socket.removeAllListeners('error');
      // What goes to a group stays on this machine's network.
      if (host !== '0.0.0.0' && !host.includes(':')) socket.setMulticastInterface(host);
      socket.setMulticastTTL(1);
      done(socket);
    });
  });
}
