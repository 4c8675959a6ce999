/** By which ways the tracks that a client has set up go to it: in the connection, or beside it. All by the same. */
import type { TcpConnection, UdpSocket, World } from '#core/world';
import type { ServerTransport } from '#rtsp/server-transport';
import { type Outlet, tcpOutlet, udpOutlet } from './outlet.ts';
import type { Stream } from './stream.ts';
import { type UdpPlace, UdpSender } from './udp-sender.ts';
import { TcpViewer, UdpViewer, type Viewer } from './viewer.ts';

export interface WaysParts {
  readonly world: Pick<World, 'clock'>;
  readonly connection: TcpConnection;
  readonly udp: readonly [rtp: UdpSocket, rtcp: UdpSocket] | undefined;
}

export class Ways {
  readonly #parts: WaysParts;
  readonly #transports = new Map<number, ServerTransport>();

  constructor(parts: WaysParts) {
    this.#parts = parts;
  }

  /** Of the client, without port. */
  get address(): string {
    return this.#parts.connection.remoteAddress.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  }

  get isEmpty(): boolean {
    return this.#transports.size === 0;
  }

  get kind(): 'tcp' | 'udp' {
    return [...this.#transports.values()].some(t => t.kind === 'udp') ? 'udp' : 'tcp';
  }

  /** Another track may go like this, beside those that there are. */
  allows({ kind }: ServerTransport): boolean {
    if (kind === 'udp' && !this.#parts.udp) return false;
    return this.isEmpty || this.kind === kind;
  }

  set(track: number, transport: ServerTransport): void {
    this.#transports.set(track, transport);
  }

  clear(): void {
    this.#transports.clear();
  }

  /** What came from there over UDP came from this client. */
  leadTo(address: string, port: number): boolean {
    if (plainAddress(address) !== plainAddress(this.address)) return false;
    for (const t of this.#transports.values())
      if (t.kind === 'udp' && (t.rtcpPort === port || t.rtpPort === port)) return true;
    return false;
  }

  /** For what all see at once. */
  viewer(stream: Stream, ended: (why: string) => void): Viewer {
    const { connection, udp, world } = this.#parts;
    if (this.kind === 'udp' && udp)
      return new UdpViewer(stream, udp, this.address, this.#udpPlaces(), world.clock, ended);
    return new TcpViewer(stream, connection, this.#channels(), world.clock.monotonicMs(), ended);
  }

  /** For what this one alone sees. */
  outlet(): Outlet {
    const { connection, udp, world } = this.#parts;
    if (this.kind !== 'udp' || !udp) return tcpOutlet(connection, this.#channels());
    return udpOutlet(new UdpSender(udp, this.address, this.#udpPlaces()), () => world.clock.monotonicMs());
  }

  /** By track. */
  #channels(): readonly (number | undefined)[] {
    const channels: (number | undefined)[] = [];
    for (const [track, t] of this.#transports) channels[track] = t.kind === 'tcp' ? t.channel : undefined;
    return Array.from(channels);
  }

  /** By track. */
  #udpPlaces(): readonly (UdpPlace | undefined)[] {
    const places: (UdpPlace | undefined)[] = [];
    for (const [track, t] of this.#transports) places[track] = t.kind === 'udp' ? t : undefined;
    return Array.from(places);
  }
}

/** An IPv4 address as such, where an IPv6 socket heard it. */
const plainAddress = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '');
