/**
 * One connection to a camera, from connecting to its end: socket, RTSP session, receiver and
 * the clocks that watch over them. It ends with a Fault, or when nobody wants the camera any more.
 */
import { Fault } from '#core/errors';
import type { TcpConnection, Timer } from '#core/world';
import type { AccessUnit } from '#media/access-unit';
import type { MediaDescription } from '#rtp/receiver';
import { Receiver } from '#rtp/receiver';
import type { ReportBlock } from '#rtp/rtcp';
import type { Login } from '#rtsp/auth';
import { RtspSession, type SessionFailure, type SessionTaker } from '#rtsp/session';
import { parseRtspUrl, type RtspUrl } from '#rtsp/url';
import type { LiveSource } from '#source/live-source';
import type { CameraContext } from './index.ts';

export interface ConnectionOptions {
  readonly context: CameraContext;
  readonly source: LiveSource;
  readonly url: RtspUrl;
  readonly login: Login | undefined;
  readonly basic: boolean;
  readonly audioExpected: boolean;
  nextRunId(): number;
  healthy(): void;
}

const connectTimeoutMs = 5_000;
const requestTimeoutMs = 10_000;
const tickMs = 1_000;
/** A recording does not mind; reading in batches costs half. */
const batchMs = 200;
/** Times of arrival are learned from the first packets, so these are read as they come. */
const settlingMs = 10_000;
/** Cameras that save bits let many seconds pass between keyframes, but no more than this. */
const keyframeLimitMs = 60_000;
const clockStepMs = 1_000;
const statsEveryMs = 60_000;

export class Connection implements SessionTaker {
  readonly #options: ConnectionOptions;
  readonly #session: RtspSession;
  readonly #stallMs: number;
  #tcp: TcpConnection | undefined;
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
  #faultsTold = 0;
  #statsToldMs = 0;
  mediaFlowed = false;
  audioFlowed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const { config, world } = options.context;
    this.#stallMs = config.stall_seconds * 1000;
    this.#wallOffsetMs = world.clock.wallMs() - world.clock.monotonicMs();
    this.#session = new RtspSession(
      {
        uri: options.url.uri,
        login: options.login,
        basic: options.basic,
        want: { video: config.enable.includes('video'), audio: config.enable.includes('audio') },
        userAgent: 'Ocellus',
        cnonce: world.random.uuid().replaceAll('-', ''),
        ssrc: Math.floor(world.random.unit() * 0x100000000),
        requestTimeoutMs,
      },
      this,
    );
  }

  get lastWallMs(): number {
    return this.#receiver?.lastWallMs ?? 0;
  }

  async play(signal: AbortSignal): Promise<{ redirect?: RtspUrl }> {
    const { url, context, source } = this.#options;
    const { clock } = context.world;
    // Cameras have certificates of their own making; TLS without trust still hides the stream from listeners.
    const tls = url.tls ? { tls: { rejectUnauthorized: false } } : {};
    this.#tcp = await context.world.tcp.connect({
      host: url.host,
      port: url.port,
      timeoutMs: connectTimeoutMs,
      signal,
      ...tls,
      onBytes: (buffer, length) => {
        this.#nowMs = clock.monotonicMs();
        this.#wallMs = clock.wallMs();
        this.#session.push(buffer, length, this.#nowMs);
      },
      onClose: error => this.#lost(error),
    });
    if (this.#closed || signal.aborted) {
      this.close();
      return {};
    }
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

  /** Says goodbye and frees everything. May be called twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#session.teardown();
    this.#timer?.cancel();
    this.#demand?.close();
    this.#tcp?.close();
  }

  // What the session says, SessionTaker:

  write(bytes: string | Uint8Array): void {
    this.#tcp?.write(bytes);
  }

  described(media: readonly MediaDescription[], ignored: readonly string[]): void {
    const { context, nextRunId } = this.#options;
    this.#media = media;
    if (ignored.length > 0) context.log.warn('media-ignored', { media: ignored.join('; ') });
    this.#receiver = new Receiver(
      media,
      { unit: unit => this.#unit(unit), gap: gap => this.#options.source.gap(gap) },
      { time: context.config.time, nextRunId },
    );
  }

  playing(rtpTimes: readonly (number | undefined)[]): void {
    this.#playingSinceMs = this.#lastPacketMs = this.#lastUnitMs = this.#lastAudioMs = this.#nowMs;
    for (const [track, time] of rtpTimes.entries())
      if (time !== undefined) this.#receiver?.playInfo(track, time, this.#wallMs);
    this.#options.context.log.debug('playing', { peer: this.#tcp?.remoteAddress });
  }

  rtp(track: number, bytes: Uint8Array, begin: number, end: number): void {
    if (track === 0) this.#lastPacketMs = this.#nowMs;
    else this.#lastAudioMs = this.#nowMs;
    this.#receiver?.rtp(track, bytes, begin, end, this.#wallMs);
  }

  rtcp(track: number, bytes: Uint8Array, begin: number, end: number): void {
    this.#receiver?.rtcp(track, bytes, begin, end, this.#wallMs);
  }

  report(track: number): ReportBlock | undefined {
    return this.#receiver?.report(track, this.#options.context.world.clock.wallMs());
  }

  redirected(location: string): void {
    const url = parseRtspUrl(location);
    if (url !== undefined) this.#settle?.({ redirect: url });
  }

  failed(failure: SessionFailure): void {
    this.#end(new Fault(failure.kind, failure.code, failure.message, this.#where()));
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
    if (silentMs >= this.#stallMs) this.#stalled('no-media', `media for ${this.#stallMs / 1000} s`);
    else if (nowMs - this.#lastUnitMs >= Math.max(keyframeLimitMs, this.#stallMs))
      this.#stalled('no-keyframe', `a keyframe within ${keyframeLimitMs / 1000} s`);
    else if ((this.audioFlowed || this.#options.audioExpected) && this.#media.length > 1)
      if (nowMs - this.#lastAudioMs >= this.#stallMs && silentMs < this.#stallMs / 2)
        this.#stalled('no-audio', `audio for ${this.#stallMs / 1000} s, as there was before,`);
  }

  #stalled(code: string, expected: string): void {
    this.#end(new Fault('timeout', code, `expected ${expected} from the camera, got none`, this.#where()));
  }

  #lost(error: Error | undefined): void {
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

  #end(fault: Fault): void {
    this.#fail?.(fault);
  }

  #where(): Record<string, unknown> {
    return { host: this.#options.url.host, port: this.#options.url.port, local: this.#tcp?.localAddress };
  }

  /** Read in batches what is only recorded. */
  #setBatching(): void {
    const { source, context } = this.#options;
    const settled = this.#playingSinceMs >= 0 && context.world.clock.monotonicMs() - this.#playingSinceMs > settlingMs;
    const batched = settled && !source.watched;
    if (batched === this.#batched) return;
    this.#batched = batched;
    this.#tcp?.readEvery(batched ? batchMs : 0);
  }

  /** Payloads that break their format are counted; a line a second at most says how many. */
  #tellFaults(): void {
    const stats = this.#receiver?.stats;
    if (stats === undefined || stats.faults === this.#faultsTold) return;
    this.#options.context.log.warn('bad-media', { payloads: stats.faults - this.#faultsTold, last: stats.lastFault });
    this.#faultsTold = stats.faults;
  }

  /** `rtpstats`: how the network treats the packets, once a minute. */
  #tellStats(nowMs: number): void {
    if (!this.#options.context.config.rtpstats || nowMs - this.#statsToldMs < statsEveryMs) return;
    this.#statsToldMs = nowMs;
    const { packets, lostPackets, latePackets } = this.#receiver?.stats ?? {};
    this.#options.context.log.info('rtp-stats', { packets, lost: lostPackets, late: latePackets });
  }
}
