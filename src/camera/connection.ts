/**
 * One connection to a camera, from connecting to its end: sockets, RTSP session, receiver and
 * the clocks that watch over them. It ends with a Fault, or when nobody wants the camera any more.
 *
 * Media that come by UDP go on without the connection they were asked for over: it is made
 * again, and the camera asked whether it still knows the session.
 */
import { Fault, faultFrom } from '#core/errors';
import type { Timer } from '#core/world';
import type { AccessUnit } from '#media/access-unit';
import type { MediaDescription } from '#rtp/receiver';
import { Receiver } from '#rtp/receiver';
import type { ReportBlock } from '#rtp/rtcp';
import type { Login } from '#rtsp/auth';
import type { Lessons, QuirkName } from '#rtsp/quirks';
import { RtspSession, type SessionFailure, type SessionTaker } from '#rtsp/session';
import { parseRtspUrl, type RtspUrl } from '#rtsp/url';
import type { LiveSource } from '#source/live-source';
import { type Control, openControl } from './control.ts';
import { hostOf, UdpMedia } from './datagrams.ts';
import type { RtpFigures } from './rtp-figures.ts';
import type { CameraContext, TransportName } from './settings.ts';

export interface ConnectionOptions {
  readonly context: CameraContext;
  readonly source: LiveSource;
  readonly url: RtspUrl;
  readonly transport: TransportName;
  /** How long to wait for the first packet. */
  readonly firstMediaMs: number;
  readonly login: Login | undefined;
  readonly basic: boolean;
  readonly audioExpected: boolean;
  readonly lessons: Lessons;
  nextRunId(): number;
  healthy(): void;
  /** How the next session with this camera is to be held. */
  learned(lessons: Lessons): void;
  /** The camera breaks a rule; told once for each session. */
  quirk(name: QuirkName): void;
  /** The system gave so few bytes for what arrives by UDP. */
  smallBuffer(bytes: number): void;
}

const requestTimeoutMs = 10_000;
const tickMs = 1_000;
/** A recording does not mind; reading in batches costs half. */
const batchMs = 200;
/** Times of arrival are learned from the first packets, so these are read as they come. */
const settlingMs = 10_000;
/** Cameras that save bits let a minute pass between keyframes, but no more than this. */
const keyframeLimitMs = 90_000;
const clockStepMs = 1_000;
const statsEveryMs = 60_000;
/** config.md 8.1 */
const deviceClockMostMs = 2_000;
/** A connection that does not last so long is made again only after as long. */
const reopenMs = 5_000;
/** Whoever says goodbye and sends nothing for so long means it; some say it to the whole group when one viewer leaves. */
const goodbyeMs = 2_000;
/** UDP media that came so lately still flow. */
const flowingMs = 2_000;
const userAgent = 'Ocellus';

export class Connection implements SessionTaker {
  readonly #options: ConnectionOptions;
  readonly #session: RtspSession;
  readonly #stallMs: number;
  readonly #ssrc: number;
  #control: Control | undefined;
  #udp: UdpMedia | undefined;
  #reopening: Timer | undefined;
  #openedMs = 0;
  #receiver: Receiver | undefined;
  #media: readonly MediaDescription[] = [];
  #timer: Timer | undefined;
  #demand: { close(): void } | undefined;
  #settle: ((end: { redirect?: RtspUrl }) => void) | undefined;
  #fail: ((fault: Fault) => void) | undefined;
  #closed = false;
  /** Both clocks at the last read. */
  #nowMs = 0;
  #wallMs = 0;
  #playingSinceMs = -1;
  #lastPacketMs = 0;
  #lastAudioMs = 0;
  #lastUnitMs = 0;
  #wallOffsetMs: number;
  #batched = false;
  #healthy = false;
  #packetSeen = false;
  #faultsTold = 0;
  #statsToldMs = 0;
  #clockTold = false;
  mediaFlowed = false;
  audioFlowed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const { config, world } = options.context;
    this.#ssrc = Math.floor(world.random.unit() * 0x100000000);
    this.#stallMs = config.stall_seconds * 1000;
    this.#wallOffsetMs = world.clock.wallMs() - world.clock.monotonicMs();
    this.#session = new RtspSession(
      {
        uri: options.url.uri,
        login: options.login,
        basic: options.basic,
        want: { video: config.enable.includes('video'), audio: config.enable.includes('audio') },
        userAgent,
        cnonce: world.random.uuid().replaceAll('-', ''),
        ssrc: this.#ssrc,
        requestTimeoutMs,
        lessons: options.lessons,
        transport: options.transport === 'http' ? 'tcp' : options.transport,
        datagrams: {
          open: tracks => this.#udp?.open(tracks),
          delivery: (track, delivery) => this.#udp?.delivery(track, delivery),
          rtcp: (track, bytes) => this.#udp?.rtcp(track, bytes),
        },
      },
      this,
    );
  }

  get lastWallMs(): number {
    return this.#receiver?.lastWallMs ?? 0;
  }

  /** The camera was asked for this transport: a failure may be about it. */
  get transportAsked(): boolean {
    return this.#session.setUpAsked;
  }

  /** So far. */
  figures(): RtpFigures {
    const { stats } = this.#receiver ?? {};
    const { packets = 0, lostPackets = 0, latePackets = 0, units = 0, lostUnits = 0 } = stats ?? {};
    return {
      packets,
      lost: lostPackets,
      units,
      lostUnits,
      late: latePackets,
      reordered: this.#udp?.reordered ?? 0,
      strangers: this.#udp?.strangers ?? 0,
      jitterMs: this.#receiver?.jitterMs ?? 0,
    };
  }

  /** Clock of the camera minus ours, as its latest sender report had it; undefined if none came. */
  get deviceClockMs(): number | undefined {
    const ms = this.#receiver?.stats.deviceClockMs ?? Number.NaN;
    return Number.isNaN(ms) ? undefined : Math.round(ms);
  }

  /** What the camera's own times of its pictures are ahead of ours by; undefined if it does not tell its times. */
  get pictureClockMs(): number | undefined {
    const ms = this.#receiver?.stats.pictureClockMs ?? Number.NaN;
    return Number.isNaN(ms) ? undefined : ms;
  }

  async play(signal: AbortSignal): Promise<{ redirect?: RtspUrl }> {
    const { context, source, transport } = this.#options;
    const { clock } = context.world;
    await this.#open(signal);
    if (this.#closed || signal.aborted) {
      this.close();
      return {};
    }
    if (transport === 'udp' || transport === 'multicast') this.#udp = this.#datagrams();
    return new Promise((done, fail) => {
      this.#settle = done;
      this.#fail = fail;
      signal.addEventListener('abort', () => done({}), { once: true });
      this.#timer = clock.every(tickMs, () => this.#tick());
      this.#demand = source.onDemand(demanded => {
        if (!demanded) done({});
        this.#setBatching();
      });
      this.#session.start(clock.monotonicMs());
    });
  }

  async #open(signal: AbortSignal): Promise<void> {
    const { url, context, transport, login, basic } = this.#options;
    const { clock } = context.world;
    const control = await openControl({
      world: context.world,
      url,
      tunnel: transport === 'http',
      login,
      basic,
      verify: context.config.verify_certificate === true,
      userAgent,
      signal,
      onBytes: (buffer, length) => {
        this.#arrived();
        this.#session.push(buffer, length, this.#nowMs);
      },
      onClose: error => this.#lost(error, signal),
    });
    this.#openedMs = clock.monotonicMs();
    if (this.#closed) control.close();
    else this.#control = control;
  }

  #datagrams(): UdpMedia {
    const { context, url } = this.#options;
    const [local, sender] = [this.#control?.localAddress ?? '', this.#control?.remoteAddress ?? ''].map(hostOf);
    return new UdpMedia(
      { world: context.world, local: local ?? '', sender: sender ?? url.host, ssrc: this.#ssrc },
      {
        portsOpen: ports => this.#session.portsOpen(ports, context.world.clock.monotonicMs()),
        arrived: () => this.#arrived(),
        rtp: (track, bytes, begin, end, wallMs) => this.#rtp(track, bytes, begin, end, wallMs),
        rtcp: (track, bytes, begin, end, wallMs) => this.#receiver?.rtcp(track, bytes, begin, end, wallMs),
        failed: error => this.#end(faultFrom(error)),
        smallBuffer: bytes => this.#options.smallBuffer(bytes),
      },
    );
  }

  #arrived(): { readonly nowMs: number; readonly wallMs: number } {
    const { clock } = this.#options.context.world;
    this.#nowMs = clock.monotonicMs();
    this.#wallMs = clock.wallMs();
    return { nowMs: this.#nowMs, wallMs: this.#wallMs };
  }

  /** Says goodbye and frees everything. May be called twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#session.teardown();
    this.#timer?.cancel();
    this.#demand?.close();
    this.#reopening?.cancel();
    this.#udp?.close();
    this.#control?.close();
  }

  // What the session says, SessionTaker:

  write(bytes: string | Uint8Array): void {
    this.#control?.write(bytes);
  }

  described(media: readonly MediaDescription[], ignored: readonly string[]): void {
    const { context, nextRunId } = this.#options;
    this.#media = media;
    if (ignored.length > 0) context.log.warn('media-ignored', { media: ignored.join('; ') });
    this.#receiver = new Receiver(
      media,
      {
        unit: unit => this.#unit(unit),
        gap: gap => this.#options.source.gap(gap),
        quirk: name => this.#options.quirk(name),
      },
      { time: context.config.time, nextRunId, ordered: this.#udp === undefined },
    );
  }

  playing(rtpTimes: readonly (number | undefined)[]): void {
    this.#playingSinceMs = this.#lastPacketMs = this.#lastUnitMs = this.#lastAudioMs = this.#nowMs;
    for (const [track, time] of rtpTimes.entries())
      if (time !== undefined) this.#receiver?.playInfo(track, time, this.#wallMs);
    this.#options.context.log.debug('playing', {
      peer: this.#control?.remoteAddress,
      transport: this.#options.transport,
    });
  }

  rtp(track: number, bytes: Uint8Array, begin: number, end: number): void {
    this.#rtp(track, bytes, begin, end, this.#wallMs);
  }

  rtcp(track: number, bytes: Uint8Array, begin: number, end: number): void {
    this.#receiver?.rtcp(track, bytes, begin, end, this.#wallMs);
  }

  report(track: number): ReportBlock | undefined {
    return this.#receiver?.report(track, this.#options.context.world.clock.wallMs());
  }

  quirk(name: QuirkName): void {
    this.#options.quirk(name);
  }

  redirected(location: string): void {
    const url = parseRtspUrl(location);
    if (url !== undefined) this.#settle?.({ redirect: url });
  }

  failed(failure: SessionFailure): void {
    this.#end(new Fault(failure.kind, failure.code, failure.message, this.#where()));
  }

  #rtp(track: number, bytes: Uint8Array, begin: number, end: number, wallMs: number): void {
    if (track === 0) {
      this.#lastPacketMs = this.#nowMs;
      this.#packetSeen = true;
    } else this.#lastAudioMs = this.#nowMs;
    this.#receiver?.rtp(track, bytes, begin, end, wallMs);
  }

  #unit(unit: AccessUnit): void {
    if (this.#closed) return;
    if (unit.track === 0) {
      this.#lastUnitMs = this.#lastPacketMs;
      this.mediaFlowed = true;
      if (!this.#healthy && (this.audioFlowed || !this.#options.audioExpected)) this.#becomeHealthy();
    } else if (!this.audioFlowed) {
      this.audioFlowed = true;
      if (!this.#healthy && this.mediaFlowed) this.#becomeHealthy();
    }
    this.#options.source.unit(unit);
  }

  #becomeHealthy(): void {
    this.#healthy = true;
    this.#options.healthy();
  }

  #tick(): void {
    const { clock } = this.#options.context.world;
    const nowMs = clock.monotonicMs();
    const wallOffsetMs = clock.wallMs() - nowMs;
    if (Math.abs(wallOffsetMs - this.#wallOffsetMs) > clockStepMs) {
      this.#receiver?.clockStep();
      this.#options.source.gap({ reason: 'clock-step', atMs: clock.wallMs() });
    }
    this.#wallOffsetMs = wallOffsetMs;
    this.#session.tick(nowMs);
    this.#tellFaults();
    if (this.#playingSinceMs < 0) return;
    this.#tellStats(nowMs);
    this.#setBatching();
    const silentMs = nowMs - this.#lastPacketMs;
    if (silentMs >= goodbyeMs && this.#receiver?.allGone === true)
      this.#end(
        new Fault('transport', 'stream-ended', 'expected media, got RTCP BYE: the camera has ended it', this.#where()),
      );
    else if (!this.#packetSeen && silentMs >= this.#options.firstMediaMs)
      this.#stalled('no-media', `media within ${this.#options.firstMediaMs / 1000} s`);
    else if (silentMs >= this.#stallMs) this.#stalled('no-media', `media for ${this.#stallMs / 1000} s`);
    else if (nowMs - this.#lastUnitMs >= Math.max(keyframeLimitMs, this.#stallMs))
      this.#stalled('no-keyframe', `a keyframe within ${keyframeLimitMs / 1000} s`);
    else if ((this.audioFlowed || this.#options.audioExpected) && this.#media.length > 1)
      if (nowMs - this.#lastAudioMs >= this.#stallMs && silentMs < this.#stallMs / 2)
        this.#stalled('no-audio', `audio for ${this.#stallMs / 1000} s, as there was before,`);
  }

  #stalled(code: string, expected: string): void {
    const strangers = this.#udp?.strangers ?? 0;
    const got = strangers === 0 ? 'none' : `${strangers} packets from other addresses alone`;
    this.#end(new Fault('timeout', code, `expected ${expected} from the camera, got ${got}`, this.#where()));
  }

  #lost(error: Error | undefined, signal: AbortSignal): void {
    const nowMs = this.#options.context.world.clock.monotonicMs();
    this.#control = undefined;
    if (this.#udp !== undefined && this.#packetSeen && nowMs - this.#lastPacketMs < flowingMs) {
      const waitMs = nowMs - this.#openedMs < reopenMs ? reopenMs : 0;
      this.#reopening = this.#options.context.world.clock.after(waitMs, () => this.#reopen(signal));
      return;
    }
    const when = this.#playingSinceMs < 0 ? 'before it played' : 'while it played';
    const how = error === undefined ? 'closed' : ((error as { code?: string }).code ?? error.name);
    this.#end(
      new Fault(
        'transport',
        'connection-lost',
        `expected the camera to go on, got its connection ${how} ${when}`,
        this.#where(),
      ),
    );
  }

  #reopen(signal: AbortSignal): void {
    const { clock } = this.#options.context.world;
    this.#open(signal).then(
      () => this.#session.reconnected(clock.monotonicMs()),
      e => this.#end(faultFrom(e)),
    );
  }

  #end(fault: Fault): void {
    const { lessons, learned } = this.#options;
    const better = this.#session.lessons(this.#lastPacketMs);
    if (better !== lessons) learned(better);
    this.#fail?.(fault);
  }

  #where(): Record<string, unknown> {
    return { host: this.#options.url.host, port: this.#options.url.port, local: this.#control?.localAddress };
  }

  /** Read in batches what is only recorded. */
  #setBatching(): void {
    const { source, context } = this.#options;
    const settled = this.#playingSinceMs >= 0 && context.world.clock.monotonicMs() - this.#playingSinceMs > settlingMs;
    const batched = settled && !source.watched && this.#receiver?.byArrival !== true;
    if (batched === this.#batched) return;
    this.#batched = batched;
    this.#control?.readEvery(batched ? batchMs : 0);
  }

  /** Payloads that break their format are counted; a line a second at most says how many. */
  #tellFaults(): void {
    const stats = this.#receiver?.stats;
    if (stats === undefined || stats.faults === this.#faultsTold) return;
    this.#options.context.log.warn('bad-media', { payloads: stats.faults - this.#faultsTold, last: stats.lastFault });
    this.#faultsTold = stats.faults;
  }

  /** `time: device`: a clock that is too far off is not followed, and the operator can mend that. */
  #tellClock(): void {
    const { config, log } = this.#options.context;
    const { deviceClockMs } = this;
    if (config.time !== 'device' || this.#clockTold || Math.abs(deviceClockMs ?? 0) <= deviceClockMostMs) return;
    this.#clockTold = true;
    log.warn('device-clock', {
      offMs: deviceClockMs,
      hint: 'times are those of arrival; give the camera a time server',
    });
  }

  /** `rtpstats`: how the network treats the packets, once a minute. */
  #tellStats(nowMs: number): void {
    this.#tellClock();
    if (!this.#options.context.config.rtpstats || nowMs - this.#statsToldMs < statsEveryMs) return;
    this.#statsToldMs = nowMs;
    this.#options.context.log.info('rtp-stats', { ...this.figures() });
  }
}
