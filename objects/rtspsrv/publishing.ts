/**
 * One client that publishes: what it announced, by which way its packets come, and the access
 * units that are made of them, for the source that it publishes into.
 *
 * Every track that is announced may be set up and sent, since publishers take a refusal for
 * the end of all; what the source does not want, or nobody here understands, is thrown away.
 */
import { hostOf, UdpMedia } from '#camera/datagrams';
import type { Ingest, Publication } from '#capability/ingest';
import { faultFrom } from '#core/errors';
import type { Log, TcpConnection, Timer, World } from '#core/world';
import type { AccessUnit } from '#media/access-unit';
import type { Gap, GapReason } from '#media/gap';
import { Receiver } from '#rtp/receiver';
import { writeReceiverReport } from '#rtp/rtcp';
import { interleavedPacket } from '#rtsp/message';
import { presentationOf } from '#rtsp/presentation';
import type { Answer, MediaIn } from '#rtsp/server-dialogue';
import type { ServerTransport } from '#rtsp/server-transport';
import { resolveControl } from '#rtsp/url';
import { attribute, parseSdp } from '#sdp/sdp';
import { earlyMs } from '#source/lead';

/** Tracks that one client may announce; each may take two UDP ports. */
const trackLimit = 8;
const reportEveryMs = 5_000;
const clockStepMs = 1_000;

export interface PublishingParts {
  readonly world: Pick<World, 'clock' | 'random' | 'udp'>;
  readonly log: Log;
  readonly connection: Pick<TcpConnection, 'localAddress' | 'remoteAddress' | 'write' | 'readEvery'>;
  readonly udpPorts: readonly [number, number] | undefined;
  /** The client was heard by UDP. */
  heard(): void;
  /** The source ends it. */
  ended(why: string): void;
}

export class Publishing implements MediaIn {
  /** Absolute, by announced track. */
  readonly controls: readonly string[];
  /** What was announced and is not taken, in words. */
  readonly ignored: readonly string[];
  readonly #parts: PublishingParts;
  readonly #publication: Publication;
  readonly #receiver: Receiver;
  /** Track of the receiver, by announced track; -1: thrown away. */
  readonly #places: readonly number[];
  readonly #transports = new Map<number, ServerTransport>();
  readonly #ssrc: number;
  #udp: { readonly media: UdpMedia; readonly ports: Promise<readonly number[]> } | undefined;
  #wallOffsetMs: number;
  #reportedMs: number;
  #faultsTold = 0;
  /** Of the latest unit. */
  #lastWallMs = 0;
  /** It sends faster than it plays, and has to wait. */
  #held: Timer | undefined;
  #closed = false;

  /** A status where what is announced cannot be published. Faults of the source pass. */
  static begin(parts: PublishingParts, ingest: Ingest, base: string, text: string): Publishing | number {
    const sdp = parseSdp(text);
    if (sdp.media.length === 0) return 400;
    const { tracks, ignored } = presentationOf(sdp, base, ingest.wants);
    if (tracks.length === 0 || sdp.media.length > trackLimit) return 415;
    const controls = sdp.media.map(section => resolveControl(base, attribute(section, 'control')));
    const media = tracks.map(t => t.media);
    const places = controls.map(control => tracks.findIndex(t => t.control === control));
    // Two tracks of one name cannot be told apart: the first is meant.
    for (const [i, place] of places.entries()) if (places.indexOf(place) < i) places[i] = -1;
    return new Publishing(parts, ingest, { controls, ignored, media, places });
  }

  private constructor(
    parts: PublishingParts,
    ingest: Ingest,
    described: {
      readonly controls: readonly string[];
      readonly ignored: readonly string[];
      readonly media: ConstructorParameters<typeof Receiver>[0];
      readonly places: readonly number[];
    },
  ) {
    const { clock, random } = parts.world;
    this.#parts = parts;
    this.controls = described.controls;
    this.ignored = described.ignored;
    this.#places = described.places;
    this.#ssrc = Math.floor(random.unit() * 0x100000000);
    this.#reportedMs = clock.monotonicMs();
    this.#wallOffsetMs = clock.wallMs() - this.#reportedMs;
    this.#publication = ingest.publish({
      protocol: 'rtsp',
      from: parts.connection.remoteAddress,
      ended: why => {
        this.#closed = true;
        parts.ended(why);
      },
    });
    const taker = {
      unit: (unit: AccessUnit) => {
        this.#lastWallMs = Math.max(this.#lastWallMs, unit.wallMs);
        this.#publication.unit(unit);
      },
      gap: (gap: Gap) => this.#publication.gap(gap),
    };
    this.#receiver = new Receiver(described.media, taker, {
      time: ingest.time,
      nextRunId: () => this.#publication.nextRunId(),
    });
  }

  get figures(): { readonly packets: number; readonly lost: number; readonly late: number; readonly faults: number } {
    const { packets, lostPackets, latePackets, faults } = this.#receiver.stats;
    return { packets, lost: lostPackets, late: latePackets, faults };
  }

  get transport(): 'tcp' | 'udp' {
    return [...this.#transports.values()].some(t => t.kind === 'udp') ? 'udp' : 'tcp';
  }

  async setUp(track: number | undefined, transport: ServerTransport): Promise<Answer> {
    if (track === undefined || track >= this.controls.length) return { as: 'refuse', status: 404 };
    const mixed = [...this.#transports.values()].some(t => t.kind !== transport.kind);
    if (mixed && !(this.#transports.size === 1 && this.#transports.has(track))) return { as: 'refuse', status: 461 };
    if (transport.kind === 'tcp') {
      this.#transports.set(track, transport);
      return { as: 'setup', track };
    }
    const port = (await this.#openUdp())[track];
    if (port === undefined) return { as: 'refuse', status: 461 };
    this.#transports.set(track, transport);
    return { as: 'setup', track, serverPorts: [port, port + 1] };
  }

  rtp(track: number, bytes: Uint8Array, begin: number, end: number): void {
    const wallMs = this.#parts.world.clock.wallMs();
    this.#rtp(track, bytes, begin, end, wallMs);
    if (this.#held === undefined && earlyMs(this.#lastWallMs, wallMs) > 0) this.#hold();
  }

  rtcp(track: number, bytes: Uint8Array, begin: number, end: number): void {
    this.#rtcp(track, bytes, begin, end, this.#parts.world.clock.wallMs());
  }

  /** Call about once a second. */
  tick(nowMs: number): void {
    if (this.#closed) return;
    const wallMs = this.#parts.world.clock.wallMs();
    const wallOffsetMs = wallMs - nowMs;
    if (Math.abs(wallOffsetMs - this.#wallOffsetMs) > clockStepMs) {
      this.#receiver.clockStep();
      this.#publication.gap({ reason: 'clock-step', atMs: wallMs });
    }
    this.#wallOffsetMs = wallOffsetMs;
    const { faults, lastFault } = this.#receiver.stats;
    if (faults !== this.#faultsTold)
      this.#parts.log.warn('bad-media', { payloads: faults - this.#faultsTold, last: lastFault });
    this.#faultsTold = faults;
    if (nowMs - this.#reportedMs >= reportEveryMs) this.#report(nowMs, wallMs);
  }

  close(reason: GapReason): void {
    this.#udp?.media.close();
    this.#held?.cancel();
    if (this.#closed) return;
    this.#closed = true;
    this.#publication.close(reason);
  }

  /** By TCP a publisher can be made to wait. */
  #hold(): void {
    const { clock } = this.#parts.world;
    const waitMs = earlyMs(this.#lastWallMs, clock.wallMs());
    this.#parts.connection.readEvery(waitMs > 0 ? Number.POSITIVE_INFINITY : 0);
    this.#held = waitMs > 0 ? clock.after(waitMs, () => this.#hold()) : undefined;
  }

  #rtp(track: number, bytes: Uint8Array, begin: number, end: number, wallMs: number): void {
    const place = this.#places[track] ?? -1;
    if (place >= 0 && !this.#closed) this.#receiver.rtp(place, bytes, begin, end, wallMs);
  }

  #rtcp(track: number, bytes: Uint8Array, begin: number, end: number, wallMs: number): void {
    const place = this.#places[track] ?? -1;
    if (place >= 0 && !this.#closed) this.#receiver.rtcp(place, bytes, begin, end, wallMs);
  }

  /** Two ports for each announced track, once. The lower ones. */
  #openUdp(): Promise<readonly number[]> {
    this.#udp ??= this.#makeUdp();
    return this.#udp.ports;
  }

  #makeUdp(): { readonly media: UdpMedia; readonly ports: Promise<readonly number[]> } {
    const { world, connection, udpPorts, heard, log } = this.#parts;
    const { promise, resolve } = Promise.withResolvers<readonly number[]>();
    const media = new UdpMedia(
      {
        world,
        local: hostOf(connection.localAddress),
        sender: hostOf(connection.remoteAddress),
        ssrc: this.#ssrc,
        ...(udpPorts === undefined ? {} : { ports: udpPorts }),
      },
      {
        portsOpen: resolve,
        arrived: () => {
          heard();
          return { nowMs: world.clock.monotonicMs(), wallMs: world.clock.wallMs() };
        },
        rtp: (track, bytes, begin, end, wallMs) => this.#rtp(track, bytes, begin, end, wallMs),
        rtcp: (track, bytes, begin, end, wallMs) => this.#rtcp(track, bytes, begin, end, wallMs),
        failed: e => {
          resolve([]); // 461: the client may try another way
          log.warn('no-udp-ports', { error: faultFrom(e).message });
        },
        smallBuffer: bytes => log.debug('small-receive-buffer', { bytes }),
      },
    );
    media.open(this.controls.length);
    return { media, ports: promise };
  }

  #report(nowMs: number, wallMs: number): void {
    this.#reportedMs = nowMs;
    for (const [track, transport] of this.#transports) {
      const report = this.#receiver.report(this.#places[track] ?? -1, wallMs);
      if (report === undefined) continue;
      const rtcp = writeReceiverReport(this.#ssrc, report, 'ocellus');
      if (transport.kind === 'tcp') this.#parts.connection.write(interleavedPacket(transport.channel + 1, rtcp));
      else this.#udp?.media.rtcp(track, rtcp);
    }
  }
}
