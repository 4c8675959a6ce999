/**
 * One client's TCP connection: carries out what the server session says, plays media when
 * it is told to, and spoils both as the faults demand.
 *
 * Limits: `queueBytes` of media wait for a client that does not read, then whole units are
 * dropped (their sequence numbers are missing, as when a camera drops them); half as much
 * again of replies, then the connection is closed.
 */
import type { Socket } from 'node:net';
import type { SeededRandom } from '#fake/world';
import { header } from '#rtsp/message';
import type { Answer, Question, ServerEffect } from '#rtsp/server-dialogue';
import { ServerSession } from '#rtsp/server-session';
import { targetOf } from '#rtsp/server-target';
import type { ServerTransport } from '#rtsp/server-transport';
import { describe, emptyTracks } from './description.ts';
import { type FaultSpec, SessionFaults } from './faults.ts';
import { ConnectionGuard, freshChallenge } from './guard.ts';
import { type DueUnit, Playback } from './playback.ts';
import { type RecordedSpans, Replayed } from './replayed.ts';
import { rogueReply } from './rogue.ts';
import type { Studio } from './studio.ts';
import type { Entrance } from './tunnel.ts';

export class Connection {
  readonly #studio: Studio;
  readonly #socket: Socket;
  readonly #random: SeededRandom;
  readonly #session: ServerSession;
  readonly #guard: ConnectionGuard;
  readonly #entrance: Entrance;
  readonly #transports = new Map<number, ServerTransport>();
  /** Which camera, known from the first request on. */
  #camera = 0;
  #faults: SessionFaults;
  #playback: Playback | undefined;
  #replayed: Replayed | undefined;
  /** As the last PLAY said it. */
  #range: readonly [beginMs: number, endMs: number] = [0, Number.POSITIVE_INFINITY];
  #cseq = 0;
  /** The client knows of replay. */
  #timed = false;
  #replayFromMs = Number.NaN;
  #playing = false;
  /** The request that is being answered. */
  #method = '';
  /** The client was told so much nonsense that nothing else is said any more. */
  #raving = false;
  /** Monotonic time of PLAY. */
  #playMs = 0;
  #stallUntilMs = 0;
  #nextReportMs = 0;
  #nextTickMs = 0;
  /** Effects that a `delay` holds back, in order. */
  #later: { readonly atMs: number; readonly effects: readonly ServerEffect[] }[] = [];
  /** Pieces that `split` sends one by one. */
  #pieces: Uint8Array[] = [];
  #pieceBytes = 0;

  constructor(studio: Studio, socket: Socket, random: SeededRandom) {
    this.#studio = studio;
    this.#socket = socket;
    this.#random = random;
    this.#guard = new ConnectionGuard(studio.options.login, random);
    this.#faults = new SessionFaults(studio.faults, 0, random);
    const { timeoutSeconds, keepAlive, transports } = studio.options;
    // Each session has a group of its own, in the range that stays within a site (RFC 2365 6.1).
    const group = `239.255.${1 + random.below(250)}.${1 + random.below(250)}`;
    const multicast = transports.includes('multicast')
      ? { multicast: { group, port: 20000 + 2 * random.below(10000), ttl: 1 } }
      : {};
    const unicast = transports.filter(t => t !== 'multicast');
    const sessionId = Buffer.from(random.bytes(8)).toString('hex').toUpperCase();
    this.#session = new ServerSession(
      {
        sessionId,
        timeoutSeconds,
        keepAlive,
        transports: unicast,
        ...multicast,
        name: 'ocellus-fake-camera',
        features: ['onvif-replay'],
      },
      studio.nowMs(),
    );
    socket.setNoDelay(true);
    this.#entrance = studio.tunnels.entrance({
      receive: bytes => this.#received(bytes),
      write: text => void socket.write(text),
      close: () => socket.destroySoon(),
    });
    socket.on('data', (bytes: Buffer) => this.#entrance.push(bytes, studio.nowMs()));
    socket.on('error', error => studio.say('connection-error', { error: error.message }));
    socket.on('close', () => {
      this.#entrance.close();
      this.#studio.forget(this);
    });
  }

  get camera(): number {
    return this.#camera;
  }

  get playing(): boolean {
    return this.#playing;
  }

  /** Drives everything that needs time; called every few milliseconds. */
  tick(nowMs: number): void {
    for (let first = this.#later[0]; first && first.atMs <= nowMs; first = this.#later[0]) {
      this.#later.shift();
      this.#carryOut(first.effects);
    }
    if (nowMs >= this.#nextTickMs && !this.#entrance.carries) {
      this.#nextTickMs = nowMs + 250;
      this.#react(this.#session.tick(nowMs));
    }
    if (this.#playing && !this.#socket.destroyed) this.#play(nowMs);
  }

  /** RTCP came over UDP from this client's address; says whether it was meant for this connection. */
  heard(address: string, port: number, nowMs: number): boolean {
    if (this.#socket.remoteAddress !== address) return false;
    for (const t of this.#transports.values()) {
      if (t.kind !== 'udp' || t.rtcpPort !== port) continue;
      this.#session.heard(nowMs);
      return true;
    }
    return false;
  }

  drop(how: 'fin' | 'rst'): void {
    this.#studio.counts.drops += 1;
    if (how === 'rst' && !this.#studio.options.tls) this.#socket.resetAndDestroy();
    else this.close();
  }

  stall(seconds: number): void {
    this.#stallUntilMs = this.#studio.nowMs() + seconds * 1000;
  }

  /** Ends the connection in order, without waiting for a client that does not read. */
  close(): void {
    this.#playing = false;
    // What little is written may still go; a client that does not read would keep the rest for ever.
    if (this.#queued > 64 << 10) this.#socket.destroy();
    else this.#socket.destroySoon();
  }

  destroy(): void {
    this.#playing = false;
    this.#socket.destroy();
  }

  get #elapsedS(): number {
    return this.#playing ? (this.#studio.nowMs() - this.#playMs) / 1000 : 0;
  }

  #received(bytes: Uint8Array): void {
    if (this.#playing && this.#studio.faults.active(this.#camera, 'mute', this.#elapsedS)) return;
    this.#react(this.#session.push(bytes, this.#studio.nowMs()));
  }

  #react(effects: readonly ServerEffect[]): void {
    let rest = effects;
    while (rest.length > 0) {
      const last = rest.at(-1);
      const asked = last?.do === 'ask' ? last.question : undefined;
      this.#delayed(asked ? rest.slice(0, -1) : rest);
      rest = asked ? this.#session.answer(this.#answer(asked), this.#studio.nowMs()) : [];
    }
  }

  #delayed(effects: readonly ServerEffect[]): void {
    if (effects.length === 0) return;
    const nowMs = this.#studio.nowMs();
    const { faults } = this.#studio;
    const early = this.#method === 'PLAY' ? faults.active(this.#camera, 'early', 0) : undefined;
    const f = early ?? faults.active(this.#camera, 'delay', this.#elapsedS);
    if (!f && this.#later.length === 0) this.#carryOut(effects);
    else this.#later.push({ atMs: Math.max(nowMs + (f?.v ?? 0), this.#later.at(-1)?.atMs ?? 0), effects });
    if (this.#later.length > 1000) this.destroy(); // a client that asks on and on
  }

  #carryOut(effects: readonly ServerEffect[]): void {
    for (const e of effects) {
      switch (e.do) {
        case 'write':
          this.#studio.say('reply', { camera: this.#camera, status: e.text.slice(9, 12) });
          this.#reply(e.text);
          if (this.#queued > this.#studio.options.queueBytes * 1.5) this.destroy();
          break;
        case 'play':
          this.#start();
          break;
        case 'pause':
          this.#playing = false;
          break;
        case 'end':
          this.#studio.say('session-end', { camera: this.#camera, why: e.why });
          this.#playing = false;
          this.#playback = this.#replayed = undefined;
          this.#transports.clear();
          break;
        case 'record': // a camera takes nothing
          break;
        case 'rtcp':
          this.#studio.counts.clientRtcp += 1;
          break;
        case 'close':
          this.#studio.say('connection-close', { camera: this.#camera, why: e.why });
          this.close();
          break;
        case 'ask': // taken by #react
          break;
        default:
          e satisfies never;
      }
    }
  }

  #reply(text: string): void {
    const rogue = this.#studio.faults.rogue(this.#camera, this.#method);
    const told = rogue ? rogueReply(text, rogue) : text;
    if (typeof told === 'string') this.#write(Buffer.from(told));
    else if (told !== undefined) this.#rave(told[Symbol.iterator]());
  }

  /** As fast as the client takes it. */
  #rave(pieces: Iterator<string>): void {
    this.#raving = true;
    const next = (): void => {
      const piece = this.#socket.destroyed ? undefined : pieces.next();
      if (piece === undefined || piece.done) this.#raving = false;
      else this.#socket.write(piece.value, () => setImmediate(next));
    };
    next();
  }

  #answer(q: Question): Answer {
    const camera = this.#studio.cameraOf(q.target.presentation);
    switch (q.ask) {
      case 'admit': {
        this.#studio.counts.requests += 1;
        this.#studio.say('request', { method: q.request.method, uri: targetOf(q.request.uri)?.url });
        if (camera !== undefined) this.#at(camera);
        this.#method = q.request.method;
        this.#cseq = Number(header(q.request, 'cseq'));
        this.#timed = header(q.request, 'require')?.includes('onvif-replay') ?? false;
        const refusal = this.#refusal(q.target.url);
        if (refusal !== undefined) return refusal;
        if (q.request.method === 'OPTIONS') return { as: 'admit' };
        const challenge = this.#guard.challenge(q.request, this.#studio.nowMs());
        if (!challenge) return { as: 'admit' };
        this.#studio.counts.authFail += 1;
        return { as: 'refuse', status: 401, headers: challenge };
      }
      case 'describe': {
        if (camera === undefined) return { as: 'refuse', status: 404 };
        const bare = this.#studio.faults.active(camera, 'noparams', 0) ? 'nosprop' : undefined;
        const variant = this.#studio.faults.active(camera, 'sdp', this.#elapsedS)?.variant ?? bare;
        return {
          as: 'describe',
          ...describe(this.#studio.clipOf(camera), q.target.presentation, q.target.url, variant),
        };
      }
      case 'announce':
        return { as: 'refuse', status: 405 };
      case 'setup':
        return camera === undefined ? { as: 'refuse', status: 404 } : this.#setUp(camera, q);
      case 'play': {
        const early = this.#studio.faults.active(this.#camera, 'early', 0);
        if (early && !this.#playing) this.#start();
        if (this.#replayed) {
          const asked = header(q.request, 'range');
          const range = clockRange(asked);
          if (!range) return { as: 'refuse', status: 457 };
          this.#range = range;
          return { as: 'play', range: asked ?? '', info: [] };
        }
        const info = this.#playback?.tracks.map(t => ({ track: t.index, seq: t.seq, timestamp: t.timestamp }));
        return { as: 'play', range: 'npt=now-', info: info ?? [] };
      }
    }
  }

  /** What a fault answers in the camera's stead. */
  #refusal(url: string): Answer | undefined {
    const { faults } = this.#studio;
    const types = ['rtsperr', 'reboot', 'unauthorized', 'redirect'] as const;
    const f = faults.request(this.#camera, this.#method, types);
    if (f?.type === 'reboot') this.#studio.reboot(f.v || 3000);
    if (f?.type === 'rtsperr') return { as: 'refuse', status: f.v || 500 };
    if (f?.type === 'unauthorized') return { as: 'refuse', status: 401, headers: freshChallenge(this.#random) };
    if (f?.type === 'redirect') return { as: 'refuse', status: 302, headers: [['Location', url]] };
    if (this.#playing && faults.active(this.#camera, 'expire', this.#elapsedS)) return { as: 'refuse', status: 454 };
    return undefined;
  }

  #at(camera: number): void {
    if (camera === this.#camera || this.#playback) return;
    this.#camera = camera;
    this.#faults = new SessionFaults(this.#studio.faults, camera, this.#random);
  }

  #setUp(camera: number, q: Extract<Question, { ask: 'setup' }>): Answer {
    const track = q.target.track ?? 0;
    const serverPorts = this.#studio.udpPorts;
    const ports = serverPorts ? { serverPorts } : {};
    if (emptyTracks.includes(track)) return { as: 'setup', track, ssrc: 0, ...ports };
    const recorded = this.#studio.recordingOf(camera);
    if (recorded) {
      if (q.transport.kind !== 'tcp') return { as: 'refuse', status: 461 };
      this.#replayed ??= this.#openReplay(camera, recorded);
      const ssrc = this.#replayed.setUp(track, q.transport.channel);
      return ssrc === undefined ? { as: 'refuse', status: 404 } : { as: 'setup', track, ssrc };
    }
    this.#playback ??= new Playback({
      clip: this.#studio.clipOf(camera),
      camera,
      random: this.#random,
      maxPayload: this.#studio.options.maxPayload,
      marks: this.#studio.options.marks,
      ppm: this.#studio.options.ppm,
      firstUnit: () => this.#studio.firstUnit(camera),
      ...(this.#studio.options.steady ? { epochMs: this.#studio.epochMs } : {}),
      lateMs: () => this.#faults.jitterMs(this.#elapsedS),
      parameterSets: () => !this.#studio.faults.active(camera, 'noparams', 0),
    });
    const played = this.#playback.setUp(track, q.transport.kind === 'tcp' ? q.transport.channel : 0);
    if (!played) return { as: 'refuse', status: 404 };
    this.#transports.set(track, q.transport);
    return { as: 'setup', track, ssrc: played.ssrc, ...ports };
  }

  #openReplay(camera: number, recorded: RecordedSpans): Replayed {
    const studio = this.#studio;
    const { maxPayload, ntpOffsetSeconds } = studio.options;
    const wallMs = Number(studio.wallNs() / 1000n) / 1000 + ntpOffsetSeconds * 1000;
    const epochMs = wallMs - (studio.nowMs() - studio.epochMs);
    const clip = studio.clipOf(camera);
    return new Replayed({ clip, random: this.#random, maxPayload, recorded, epochMs, timed: this.#timed });
  }

  #start(): void {
    if (this.#playing) return; // PLAY while playing: a keep-alive
    const nowMs = this.#studio.nowMs();
    this.#studio.counts.plays += 1;
    this.#playing = true;
    this.#playMs = nowMs;
    // The first report soon: it ties the RTP timestamps to the wall clock.
    this.#nextReportMs = nowMs + 50;
    this.#faults = new SessionFaults(this.#studio.faults, this.#camera, this.#random);
    this.#playback?.begin(nowMs);
    this.#replayed?.begin(...this.#range, this.#cseq);
    this.#replayFromMs = Number.NaN;
  }

  #play(nowMs: number): void {
    for (const f of this.#faults.due(this.#elapsedS)) this.#strike(f);
    if (!this.#playing || this.#socket.destroyed || nowMs < this.#stallUntilMs) return;
    if (this.#studio.faults.active(this.#camera, 'expire', this.#elapsedS)) return;
    if (this.#replayed) {
      this.#replay(this.#replayed);
      return;
    }
    const playback = this.#playback;
    // Bounded, so that a clock that jumped cannot hold the loop.
    for (let n = 0; n < 500 && playback && this.#playing; n++) {
      const due = playback.next(nowMs, () => this.#studio.wallNs());
      if (!due) break;
      this.#send(due);
    }
    const { reportSeconds, ntpOffsetSeconds } = this.#studio.options;
    if (reportSeconds > 0 && nowMs >= this.#nextReportMs) {
      this.#nextReportMs = nowMs + reportSeconds * 1000;
      const wallMs = Number(this.#studio.wallNs() / 1000n) / 1000 + ntpOffsetSeconds * 1000;
      for (const r of playback?.reports(nowMs, wallMs) ?? []) this.#sendReport(r.track, r.channel, r.bytes);
    }
  }

  /** As fast as the client reads, unless a speed is given. */
  #replay(replayed: Replayed): void {
    const { counts, options } = this.#studio;
    const passedMs = this.#studio.nowMs() - this.#playMs;
    for (let n = 0; n < 500 && this.#queued < 256 << 10; n++) {
      if (options.replaySpeed > 0 && replayed.atMs - this.#replayFromMs > passedMs * options.replaySpeed) return;
      const packets = replayed.next();
      if (!packets) {
        this.#playing = false;
        if (options.replayEnd === 'goodbye') for (const p of replayed.goodbye()) this.#write(p);
        if (options.replayEnd === 'close') this.close();
        return;
      }
      if (Number.isNaN(this.#replayFromMs)) this.#replayFromMs = replayed.atMs;
      counts.units += 1;
      counts.packets += packets.length;
      for (const p of packets) this.#write(p);
    }
  }

  #strike(f: FaultSpec): void {
    this.#studio.say('fault', { camera: this.#camera, type: f.type });
    const clip = this.#studio.clips[f.v];
    if (f.type === 'drop') this.drop('fin');
    else if (f.type === 'rst') this.drop('rst');
    else if (f.type === 'stall') this.stall(f.forS > 0 ? f.forS : 5);
    else if (f.type === 'tsjump') this.#playback?.jump(f.v);
    else if (f.type === 'ssrc') this.#playback?.renew();
    else if (f.type === 'rate') this.#playback?.stretch(f.v || 2);
    else if (f.type === 'switch' && clip) this.#playback?.change(clip);
  }

  #send(due: DueUnit): void {
    const { counts, options } = this.#studio;
    const transport = this.#transports.get(due.track);
    if (!transport) return;
    if (due.unit !== undefined) this.#studio.sent(this.#camera, due.unit);
    if (due.unit !== undefined && due.keyframe && this.#studio.faults.active(this.#camera, 'nokey', this.#elapsedS))
      return;
    const tcp = transport.kind === 'tcp';
    if ((tcp ? this.#queued : this.#studio.udpQueuedBytes) > options.queueBytes) {
      counts.dropped += 1;
      return;
    }
    counts.units += 1;
    counts.packets += due.batch.count;
    counts.bytes += due.batch.bytes.length;
    if (!this.#faults.harmless(this.#elapsedS)) this.#sendMangled(due, transport);
    else if (tcp) this.#write(due.batch.bytes);
    else {
      const { bytes, offsets, count } = due.batch;
      for (let i = 0; i < count; i++)
        this.#sendUdp(transport, 'rtp', bytes, (offsets[i] ?? 0) + 4, offsets[i + 1] ?? 0);
    }
  }

  #sendMangled(due: DueUnit, transport: ServerTransport): void {
    const tcp = transport.kind === 'tcp';
    for (const packet of this.#faults.mangle(due.track, due.batch, this.#elapsedS, tcp, this.#studio.counts)) {
      if (tcp) this.#write(packet);
      else this.#sendUdp(transport, 'rtp', packet, 4, packet.length);
    }
  }

  #sendReport(track: number, channel: number, bytes: Uint8Array): void {
    const transport = this.#transports.get(track);
    if (transport?.kind === 'udp') this.#sendUdp(transport, 'rtcp', bytes, 0, bytes.length);
    else if (this.#queued <= this.#studio.options.queueBytes)
      this.#write(Buffer.concat([Uint8Array.of(0x24, channel, bytes.length >> 8, bytes.length), bytes]));
  }

  #sendUdp(to: ServerTransport, from: 'rtp' | 'rtcp', bytes: Uint8Array, begin: number, end: number): void {
    if (to.kind !== 'udp' || this.#studio.faults.active(this.#camera, 'firewall', this.#elapsedS)) return;
    const address = to.multicast?.group ?? this.#socket.remoteAddress ?? '';
    this.#studio.sendUdp(from, address, from === 'rtp' ? to.rtpPort : to.rtcpPort, bytes, begin, end);
  }

  get #queued(): number {
    return this.#socket.writableLength + this.#pieceBytes;
  }

  #write(bytes: Uint8Array): void {
    if (this.#socket.destroyed || this.#socket.writableEnded || this.#raving) return;
    const pieces = this.#faults.pieces(bytes, this.#elapsedS);
    if (pieces.length === 1 && this.#pieces.length === 0) {
      this.#socket.write(bytes);
      return;
    }
    const idle = this.#pieces.length === 0;
    this.#pieces.push(...pieces);
    this.#pieceBytes += bytes.length;
    if (idle) this.#nextPiece();
  }

  /** One piece per turn of the event loop, so that they arrive apart. */
  #nextPiece(): void {
    const piece = this.#pieces.shift();
    if (!piece || this.#socket.destroyed) {
      this.#pieces = [];
      this.#pieceBytes = 0;
      return;
    }
    this.#pieceBytes -= piece.length;
    this.#socket.write(piece, () => setImmediate(() => this.#nextPiece()));
  }
}

/** `clock=BEGIN-END` (RFC 2326 3.7); undefined for anything else. */
function clockRange(text: string | undefined): readonly [number, number] | undefined {
  const m = /^clock=([^-]+)-([^-]*)$/.exec(text ?? '');
  const times = m?.slice(1).map(t => Date.parse(t.replace(/^(\d{4})(\d\d)(\d\dT\d\d)(\d\d)(\d\d)/, '$1-$2-$3:$4:$5')));
  const [begin = Number.NaN, end = Number.NaN] = times ?? [];
  if (Number.isNaN(begin)) return undefined;
  return [begin, Number.isNaN(end) ? Number.POSITIVE_INFINITY : end];
}
