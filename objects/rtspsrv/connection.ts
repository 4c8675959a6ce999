/**
 * One client's connection: carries out what the server session says, answers what it asks.
 * RTSP itself is src/rtsp/server-session.ts; who may is the door's; media are the viewer's, those of a
 * recording (replaying.ts), or those of who publishes (publishing.ts).
 *
 * A client that asks and does not read is cut off when `repliesBytes` wait for it.
 */
import type { Ingest } from '#capability/ingest';
import type { RecordedMedia } from '#capability/recorded-media';
import { Fault } from '#core/errors';
import type { Log, TcpConnection, UdpSocket, World } from '#core/world';
import { bodyText, header, type RtspRequest } from '#rtsp/message';
import type { Answer, Question, ServerEffect } from '#rtsp/server-dialogue';
import { ServerSession } from '#rtsp/server-session';
import type { Target } from '#rtsp/server-target';
import type { ServerTransport } from '#rtsp/server-transport';
import { type Door, wishesOf } from './door.ts';
import type { OutTrack } from './out-track.ts';
import { Publishing } from './publishing.ts';
import { onvifReplay, requiresReplay } from './replay-wish.ts';
import { type Places, Replaying } from './replaying.ts';
import type { Lease, Streams } from './streams.ts';
import type { Viewer } from './viewer.ts';
import { Ways } from './ways.ts';

/** How long a DESCRIBE waits for a source that has to be woken, or to come back. */
const firstMediaMs = 10_000;
/** Who has asked what there is keeps the source awake for so long; then it has to be SETUP. */
const describedMs = 10_000;
const repliesBytes = 2 << 20;

export interface ConnectionParts {
  readonly world: Pick<World, 'clock' | 'random' | 'udp'>;
  readonly log: Log;
  readonly streams: Streams;
  /** The linked archive of this name. */
  storage(name: string): RecordedMedia | undefined;
  readonly places: Places;
  /** The linked source of this name that takes what somebody publishes. */
  ingest(name: string): Ingest | undefined;
  readonly door: Door;
  readonly timeoutSeconds: number;
  readonly transports: readonly ('tcp' | 'udp')[];
  readonly udp: readonly [rtp: UdpSocket, rtcp: UdpSocket] | undefined;
  /** Those that may be taken for what clients publish; any free ones without it. */
  readonly udpPorts?: readonly [number, number] | undefined;
  readonly connection: TcpConnection;
  /** It is over. */
  ended(): void;
}

export class Connection {
  readonly #parts: ConnectionParts;
  readonly #session: ServerSession;
  readonly #replaying: Replaying;
  readonly #ways: Ways;
  /** Of the latest DESCRIBE, for a while. */
  #described: { readonly lease: Lease; readonly untilMs: number } | undefined;
  /** Of the session that is set up. */
  #lease: Lease | undefined;
  #viewer: Viewer | undefined;
  #publishing: { readonly name: string; readonly by: Publishing } | undefined;
  #leaving = false;
  #closed = false;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    this.#replaying = new Replaying({ ...parts, facts: name => this.#facts({ name }) });
    this.#ways = new Ways(parts);
    const { world, timeoutSeconds, transports } = parts;
    const sessionId = Array.from(world.random.bytes(8), b => b.toString(16).padStart(2, '0')).join('');
    this.#session = new ServerSession(
      { sessionId, timeoutSeconds, keepAlive: 'anything', transports, name: 'Ocellus', features: [onvifReplay] },
      this.#nowMs,
      {
        rtp: (track, bytes, begin, end) => this.#publishing?.by.rtp(track, bytes, begin, end),
        rtcp: (track, bytes, begin, end) => this.#publishing?.by.rtcp(track, bytes, begin, end),
      },
    );
  }

  take(buffer: Uint8Array, length: number): void {
    if (!this.#closed) this.#react(this.#session.push(buffer, this.#nowMs, length));
  }

  /** Call about once a second. */
  tick(): void {
    if (this.#closed) return;
    const nowMs = this.#nowMs;
    const slow = this.#viewer?.tick(nowMs);
    if (slow !== undefined) this.close(`too slow: ${slow}`);
    this.#publishing?.by.tick(nowMs);
    if (this.#described && nowMs > this.#described.untilMs) this.#forgetDescribed();
    if (!this.#closed) this.#react(this.#session.tick(nowMs));
  }

  /** RTCP came over UDP; says whether it was this client's. */
  heard(address: string, port: number): boolean {
    if (!this.#ways.leadTo(address, port)) return false;
    this.#session.heard(this.#nowMs);
    return true;
  }

  /** Other objects are linked: who plays from an archive that is gone is disconnected. */
  relinked(): void {
    if (this.#replaying.isGone) this.close('the archive was removed or made anew');
  }

  close(why: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stop(why);
    this.#replaying.close();
    this.#forgetDescribed();
    this.#parts.connection.close();
    this.#parts.ended();
  }

  get #nowMs(): number {
    return this.#parts.world.clock.monotonicMs();
  }

  #react(effects: readonly ServerEffect[]): void {
    for (const e of effects) {
      if (this.#closed) return;
      switch (e.do) {
        case 'write':
          if (this.#parts.connection.queuedBytes > repliesBytes) this.close('asks and does not read');
          else this.#parts.connection.write(e.text);
          break;
        case 'ask':
          void this.#ask(e.question);
          break;
        case 'play':
          this.#play();
          break;
        case 'record':
          this.#record();
          break;
        case 'pause':
          this.#replaying.pause();
          this.#endViewer('pause');
          break;
        case 'end':
          // Where the connection ends with it, that has the better reason.
          this.#stop(effects.find(x => x.do === 'close')?.why ?? e.why);
          break;
        case 'rtcp': // receiver reports: that the client lives is all we want to know
          break;
        case 'close':
          this.close(e.why);
          break;
        default:
          e satisfies never;
      }
    }
    if (this.#leaving) this.close('too many wrong logins');
  }

  async #ask(question: Question): Promise<void> {
    let answer: Answer;
    try {
      answer = await this.#answer(question);
    } catch (e) {
      this.#parts.log.error('rtsp-answer-failed', { ask: question.ask, error: String(e) });
      answer = { as: 'refuse', status: 500 };
    }
    if (!this.#closed) this.#react(this.#session.answer(answer, this.#nowMs));
  }

  async #answer(q: Question): Promise<Answer> {
    const name = q.target.presentation;
    switch (q.ask) {
      case 'admit':
        this.#replaying.saw(q.request);
        return q.request.method === 'OPTIONS' ? { as: 'admit' } : this.#admit(q);
      case 'announce':
        return this.#announce(q.target, q.request);
      case 'describe':
        return this.#replaying.names(name) ? this.#replaying.describe(q.target) : this.#describe(name);
      case 'setup':
        if (!q.publishes) return this.#setUp(q.target, q.transport);
        return this.#publishing?.by.setUp(q.target.track, q.transport) ?? { as: 'refuse', status: 454 };
      case 'play': {
        if (this.#replaying.name !== undefined) return this.#replaying.play(q.request);
        const stream = this.#lease?.stream;
        const info = stream?.starts()?.map(({ track, seq, timestamp }) => ({ track, seq, timestamp })) ?? [];
        return stream?.over === undefined ? { as: 'play', range: 'npt=now-', info } : { as: 'refuse', status: 404 };
      }
    }
  }

  async #admit(q: Extract<Question, { ask: 'admit' }>): Promise<Answer> {
    const object = q.target.presentation;
    const admission = await this.#parts.door.admit(q.request, wishesOf(object, q.publishes));
    switch (admission.may) {
      case 'in':
        if (!requiresReplay(q.request) || this.#replaying.names(object)) return { as: 'admit' };
        return { as: 'refuse', status: 551, headers: [['Unsupported', onvifReplay]] };
      case 'prove':
        return { as: 'refuse', status: 401, headers: admission.challenges };
      case 'no':
        // api.md 11.5: what there is not may be said to be not there; what there is is forbidden.
        return { as: 'refuse', status: this.#isThere(object) ? 403 : 404 };
      case 'leave':
        this.#leaving = true;
        return { as: 'refuse', status: 403 };
    }
  }

  #isThere(name: string): boolean {
    const { streams, ingest } = this.#parts;
    return streams.has(name) || ingest(name) !== undefined || this.#replaying.names(name);
  }

  async #describe(name: string): Promise<Answer> {
    const lease = this.#parts.streams.lease(name);
    if (!lease) return { as: 'refuse', status: 404 };
    await lease.stream.ready(firstMediaMs);
    if (this.#closed) {
      lease.release();
      return { as: 'refuse', status: 404 };
    }
    this.#forgetDescribed();
    this.#described = { lease, untilMs: this.#nowMs + describedMs };
    if (lease.stream.over !== undefined) return { as: 'refuse', status: 404 };
    if (lease.stream.tracks.length === 0) return { as: 'refuse', status: lease.stream.known ? 415 : 503 };
    return { as: 'describe', sdp: lease.stream.sdp() };
  }

  #announce({ presentation, url }: Target, request: RtspRequest): Answer {
    const { ingest, streams, world, log, connection, udpPorts } = this.#parts;
    const source = ingest(presentation);
    if (!source || this.#closed) return { as: 'refuse', status: streams.has(presentation) ? 405 : 404 };
    if (!/^application\/sdp\b/i.test(header(request, 'content-type') ?? '')) return { as: 'refuse', status: 415 };
    this.#forgetDescribed();
    try {
      const parts = {
        world,
        log: log.with({ source: presentation, peer: connection.remoteAddress }),
        connection,
        udpPorts,
        heard: () => this.#session.heard(this.#nowMs),
        ended: (why: string) => this.close(why),
      };
      const by = Publishing.begin(parts, source, url, bodyText(request));
      if (typeof by === 'number') return { as: 'refuse', status: by };
      this.#publishing = { name: presentation, by };
      if (by.ignored.length > 0) parts.log.warn('media-ignored', { media: by.ignored.join('; ') });
      return { as: 'announce', controls: by.controls };
    } catch (e) {
      if (!(e instanceof Fault) || e.kind === 'bug') throw e;
      log.info('publisher-refused', { source: presentation, peer: connection.remoteAddress, error: e.message });
      return { as: 'refuse', status: e.kind === 'state' ? 409 : 403 };
    }
  }

  #record(): void {
    const publishing = this.#publishing;
    if (publishing)
      this.#parts.log.info('publisher-begins', {
        ...this.#facts(publishing),
        transport: publishing.by.transport,
        tracks: publishing.by.controls.length,
      });
  }

  #endPublishing(why: string): void {
    const publishing = this.#publishing;
    this.#publishing = undefined;
    publishing?.by.close(why === 'teardown' ? 'no-media' : 'network-loss');
    if (publishing)
      this.#parts.log.info('publisher-ends', { ...this.#facts(publishing), why, ...publishing.by.figures });
  }

  async #setUp(target: Target, transport: ServerTransport): Promise<Answer> {
    const isReplay = this.#replaying.names(target.presentation);
    const out = await (isReplay ? this.#replaying.track(target) : this.#liveTrack(target));
    if (typeof out === 'number' || !this.#ways.allows(transport)) {
      if (this.#ways.isEmpty) this.#release('nothing is set up');
      return { as: 'refuse', status: typeof out === 'number' ? out : 461 };
    }
    const { udp } = this.#parts;
    this.#forgetDescribed();
    this.#ways.set(out.number, transport);
    const ports = transport.kind === 'udp' && udp ? { serverPorts: [udp[0].port, udp[1].port] as const } : {};
    return { as: 'setup', track: out.number, ssrc: out.ssrc, ...ports };
  }

  async #liveTrack({ presentation, track }: Target): Promise<OutTrack | number> {
    // Without DESCRIBE, by a client that knows the SDP already, the source may have to be woken.
    const lease = this.#lease ?? this.#parts.streams.lease(presentation);
    if (!lease) return 404;
    this.#lease = lease;
    await lease.stream.ready(firstMediaMs);
    const { tracks, over } = lease.stream;
    const out = tracks[track ?? (tracks.length === 1 ? 0 : -1)];
    return out && over === undefined ? out : 404;
  }

  #play(): void {
    const { log } = this.#parts;
    const transport = this.#ways.kind;
    this.#replaying.start(() => this.#ways.outlet(), transport);
    const lease = this.#lease;
    if (this.#viewer || !lease) return; // PLAY while playing: a keep-alive
    this.#viewer = this.#ways.viewer(lease.stream, why => this.close(why));
    log.info('viewer-begins', { ...this.#facts(lease), transport });
    this.#viewer.pump();
  }

  #facts({ name }: { readonly name: string }): Record<string, unknown> {
    const { login } = this.#parts.door;
    return {
      source: name,
      peer: this.#parts.connection.remoteAddress,
      ...(login === undefined ? {} : { login }),
    };
  }

  #stop(why: string): void {
    this.#endViewer(why);
    this.#endPublishing(why);
    this.#ways.clear();
    this.#release(why);
  }

  #endViewer(why: string): void {
    const viewer = this.#viewer;
    this.#viewer = undefined;
    viewer?.close();
    if (viewer && this.#lease)
      this.#parts.log.info('viewer-ends', { ...this.#facts(this.#lease), why, skips: viewer.skips });
  }

  #release(why: string): void {
    this.#replaying.end(why);
    const lease = this.#lease;
    this.#lease = undefined;
    lease?.release();
  }

  #forgetDescribed(): void {
    const described = this.#described;
    this.#described = undefined;
    described?.lease.release();
  }
}
