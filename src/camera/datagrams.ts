/**
 * The UDP sockets of one session whose media we receive: pairs of ports for unicast, membership
 * in groups for multicast, order (rtp/jitter-buffer), reports back. The sender is a camera, or
 * somebody who publishes.
 *
 * Packets count that come from the sender's address, or from the one that it names as
 * `source`; others are counted as strangers and dropped. Ports are not compared: cameras send
 * from others than they name.
 */
import type { Timer, UdpSocket, World } from '#core/world';
import { JitterBuffer } from '#rtp/jitter-buffer';
import { writeRtpHeader } from '#rtp/packet';
import { writeRtcp } from '#rtp/rtcp';
import type { Datagrams } from '#rtsp/session-owner';
import type { Delivery } from '#rtsp/transport';

export interface DatagramOwner {
  portsOpen(ports: readonly number[]): void;
  /** Called for every packet, before what it brings. */
  arrived(): { readonly nowMs: number; readonly wallMs: number };
  rtp(track: number, bytes: Uint8Array, begin: number, end: number, wallMs: number): void;
  rtcp(track: number, bytes: Uint8Array, begin: number, end: number, wallMs: number): void;
  failed(error: unknown): void;
  /** The system gives less memory for what arrives than a picture may need. */
  smallBuffer(bytes: number): void;
}

export interface DatagramOptions {
  readonly world: Pick<World, 'udp' | 'clock'>;
  /** Address of ours that the sender is connected to, and its own. */
  readonly local: string;
  readonly sender: string;
  /** Ports of ours to take, both included; any free ones without it. */
  readonly ports?: readonly [least: number, most: number];
  /** Ours, in reports. */
  readonly ssrc: number;
}

/** Networks in a building reorder within milliseconds; wireless ones, which repeat lost frames, within tens. */
const waitMs = 100;
/** 100 ms at 80 Mbit/s. */
const heldBytes = 1 << 20;
/** A key frame of 4K is a megabyte, and cameras send it at once. */
const receiveBufferBytes = 2 << 20;
const smallBufferBytes = 1 << 20;

interface TrackSockets {
  readonly jitter: JitterBuffer;
  rtp?: UdpSocket;
  rtcp?: UdpSocket;
  source?: string;
  ports?: readonly [rtp: number, rtcp: number];
  /** Where its reports come from. */
  sender?: { readonly address: string; readonly port: number };
}

/** Opened by what the session says; tells its owner what came, until it is closed. */
export class UdpMedia implements Datagrams {
  readonly #options: DatagramOptions;
  readonly #owner: DatagramOwner;
  readonly #sender: string;
  readonly #tracks: TrackSockets[] = [];
  #timer: Timer | undefined;
  #closed = false;
  /** Packets from elsewhere. */
  strangers = 0;

  constructor(options: DatagramOptions, owner: DatagramOwner) {
    this.#options = options;
    this.#owner = owner;
    this.#sender = plain(options.sender);
  }

  /** Packets that came out of order and were put right. */
  get reordered(): number {
    return this.#tracks.reduce((n, t) => n + t.jitter.reordered, 0);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    for (const t of this.#tracks) {
      t.rtp?.close();
      t.rtcp?.close();
    }
  }

  // What the session says, Datagrams:

  open(tracks: number): void {
    this.#openAll(tracks).catch(e => this.#owner.failed(e));
  }

  delivery(track: number, delivery: Delivery): void {
    if (delivery.kind === 'tcp') return;
    const sockets = this.#track(track);
    if (delivery.source !== undefined) sockets.source = plain(delivery.source);
    if (delivery.ports !== undefined) sockets.ports = delivery.ports;
    if (delivery.kind === 'udp') this.#punch(sockets);
    else this.#join(track, sockets, delivery).catch(e => this.#owner.failed(e));
  }

  rtcp(track: number, bytes: Uint8Array): void {
    const t = this.#tracks[track];
    const port = t?.ports?.[1];
    const to = t?.sender ?? (port === undefined ? undefined : { address: t?.source ?? this.#sender, port });
    if (to !== undefined) t?.rtcp?.send(bytes, 0, bytes.length, to.address, to.port);
  }

  async #openAll(tracks: number): Promise<void> {
    const { world, local, ports } = this.#options;
    for (let i = 0; i < tracks; i++) {
      const t = this.#track(i);
      const pair = await world.udp.openPair({
        host: local,
        ...(ports === undefined ? {} : { ports }),
        receiveBufferBytes,
        onPacket: (which, bytes, address, port) => this.#packet(i, t, which, bytes, address, port),
      });
      this.#keep(t, pair[0], pair[1]);
    }
    if (!this.#closed) this.#owner.portsOpen(this.#tracks.map(t => t.rtp?.port ?? 0));
  }

  async #join(track: number, t: TrackSockets, delivery: Delivery & { readonly kind: 'multicast' }): Promise<void> {
    const { world, local } = this.#options;
    const { group, ports, ttl } = delivery;
    const open = (which: 0 | 1): Promise<UdpSocket> =>
      world.udp.open({
        host: group,
        port: ports[which],
        joinAt: local,
        receiveBufferBytes,
        onPacket: (bytes, address, port) => this.#packet(track, t, which, bytes, address, port),
      });
    const rtp = await open(0);
    let rtcp: UdpSocket;
    try {
      rtcp = await open(1);
    } catch (e) {
      rtp.close();
      throw e;
    }
    this.#keep(t, rtp, rtcp);
    if (this.#closed) return;
    rtcp.multicastFrom(local, ttl);
    // Reports of receivers go to everybody in the group (RFC 3550 6.2).
    t.sender = { address: group, port: ports[1] };
  }

  #keep(t: TrackSockets, rtp: UdpSocket, rtcp: UdpSocket): void {
    if (this.#closed) {
      rtp.close();
      rtcp.close();
      return;
    }
    t.rtp = rtp;
    t.rtcp = rtcp;
    if (rtp.receiveBufferBytes < smallBufferBytes) this.#owner.smallBuffer(rtp.receiveBufferBytes);
  }

  #track(index: number): TrackSockets {
    const known = this.#tracks[index];
    if (known !== undefined) return known;
    const jitter = new JitterBuffer(
      (bytes, begin, end, arrivalMs) => {
        if (!this.#closed) this.#owner.rtp(index, bytes, begin, end, arrivalMs);
      },
      { waitMs, limitBytes: heldBytes },
    );
    const made: TrackSockets = { jitter };
    this.#tracks[index] = made;
    return made;
  }

  #packet(track: number, t: TrackSockets, which: 0 | 1, bytes: Uint8Array, address: string, port: number): void {
    if (this.#closed) return;
    if (address !== this.#sender && address !== t.source && plain(address) !== this.#sender) {
      this.strangers++;
      return;
    }
    const { nowMs, wallMs } = this.#owner.arrived();
    if (which === 1) {
      if (t.sender === undefined) t.sender = { address, port };
      this.#owner.rtcp(track, bytes, 0, bytes.length, wallMs);
    } else if (bytes.length < 12) {
      this.#owner.rtp(track, bytes, 0, bytes.length, wallMs);
    } else {
      t.jitter.push(bytes, 0, bytes.length, wallMs, nowMs);
      if (this.#timer === undefined && t.jitter.deadlineMs !== Number.POSITIVE_INFINITY) this.#arm(nowMs);
    }
  }

  /** Holes are given up in time even if nothing comes any more. */
  #arm(nowMs: number): void {
    const deadlineMs = Math.min(...this.#tracks.map(t => t.jitter.deadlineMs));
    if (deadlineMs === Number.POSITIVE_INFINITY) return;
    this.#timer = this.#options.world.clock.after(Math.max(1, deadlineMs - nowMs), () => {
      this.#timer = undefined;
      if (this.#closed) return;
      const arrived = this.#owner.arrived().nowMs;
      for (const t of this.#tracks) t.jitter.tick(arrived);
      if (!this.#closed) this.#arm(arrived);
    });
  }

  /** A packet to each port of the sender's opens the way for its own through firewalls and NAT on our side. */
  #punch(t: TrackSockets): void {
    if (t.ports === undefined) return;
    const { ssrc } = this.#options;
    const rtp = new Uint8Array(12);
    writeRtpHeader(rtp, 0, false, 0, 0, 0, ssrc);
    const rtcp = writeRtcp([{ type: 'receiver-report', ssrc, reports: [] }]);
    for (const address of new Set([this.#sender, t.source ?? this.#sender])) {
      t.rtp?.send(rtp, 0, rtp.length, address, t.ports[0]);
      t.rtcp?.send(rtcp, 0, rtcp.length, address, t.ports[1]);
    }
  }
}

/** One spelling of an address: sockets that speak both families have IPv4 within IPv6. */
const plain = (address: string): string =>
  address
    .toLowerCase()
    .replace(/^::ffff:(?=\d+\.)/, '')
    .replace(/%.*$/, '');

/** The address of `address:port` or `[address]:port`. */
export const hostOf = (place: string): string => place.slice(0, place.lastIndexOf(':')).replace(/^\[|\]$/g, '');
