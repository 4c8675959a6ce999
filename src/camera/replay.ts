/**
 * One replay of a recording that a device keeps (ONVIF Streaming 6): RTSP in one TCP connection, the
 * wanted time as `Range`, no rate control. The device sends as fast as it is read, so reading is
 * what paces it: it stops while the taker is busy, or is ahead of `mostSpeed`.
 *
 * Every picture comes with the time at which it was taken. That takes the place of its arrival, so the
 * receiver is that of live streams. The end is known by the time asked for, the bits E and T of
 * the header, RTCP BYE, or by silence, as devices differ.
 */
import { Fault, faultFrom } from '#core/errors';
import type { Timer, World } from '#core/world';
import type { AccessUnit } from '#media/access-unit';
import { timestampDistance, timestampOf } from '#rtp/packet';
import { type MediaDescription, Receiver } from '#rtp/receiver';
import { endsReplay, endsSection, replayHeaderAt, replayTimeMs } from '#rtp/replay-header';
import { parseRtcp } from '#rtp/rtcp';
import type { Login } from '#rtsp/auth';
import type { Wanted } from '#rtsp/presentation';
import { RtspSession, type SessionFailure, type SessionTaker } from '#rtsp/session';
import type { RtspUrl } from '#rtsp/url';
import { type Control, openControl } from './control.ts';

export interface ReplayOptions {
  readonly world: Pick<World, 'tcp' | 'random' | 'clock'>;
  readonly url: RtspUrl;
  readonly login: Login | undefined;
  readonly want: Wanted;
  /** What is wanted, by our clock, UTC milliseconds. */
  readonly beginMs: number;
  readonly endMs: number;
  /** Clock of the device minus ours. */
  readonly deviceAheadMs: number;
  /** Seconds of media in a second, at most. */
  readonly mostSpeed: number;
  readonly signal: AbortSignal;
}

/** Who wants the footage. */
export interface ReplayTaker {
  /** In decoding order, wall times by our clock. */
  unit(unit: AccessUnit): void;
  /** Nothing more is wanted. */
  readonly over: boolean;
  /** It has to catch up: nothing is read meanwhile. */
  readonly busy: boolean;
}

const requestTimeoutMs = 10_000;
const tickMs = 100;
/** A device may have to wake a disk, or look through a card. */
const firstMediaMs = 20_000;
const silenceMs = 5_000;
/** After what said that nothing more comes. */
const endedMs = 2_000;
/** Of media, in front of the speed. */
const aheadMs = 3_000;
/** Times and timestamps of one track that go apart by this belong to different sections. */
const sectionMs = 1_000;
/** Between two pictures of a recording that goes on. */
const holeMs = 10_000;
/** A device that begins so much too early, at the begin of a file of its own perhaps, has not understood. */
const elsewhereMs = 600_000;
/** Packets without a time, before the device is believed not to tell any. */
const untimedLimit = 200;

/** Resolves when nothing more comes, with the number of pictures and sounds that did; rejects when it could not be had, or not to its end. */
export async function replay(options: ReplayOptions, taker: ReplayTaker): Promise<number> {
  const one = new Replay(options, taker);
  try {
    return await one.play();
  } finally {
    one.close();
  }
}

/** Where a track is. */
interface Place {
  wallMs: number;
  timestamp: number;
  clockRate: number;
}

class Replay implements SessionTaker {
  readonly #options: ReplayOptions;
  readonly #taker: ReplayTaker;
  readonly #session: RtspSession;
  readonly #places: (Place | undefined)[] = [];
  #media: readonly MediaDescription[] = [];
  #receiver: Receiver | undefined;
  #control: Control | undefined;
  #timer: Timer | undefined;
  #runId = 0;
  #units = 0;
  #untimed = 0;
  #nowMs = 0;
  #startedMs = -1;
  #lastPacketMs = 0;
  /** Time of the first picture, and of the latest. */
  #firstWallMs = Number.NaN;
  #wallMs = Number.NaN;
  #ended = false;
  #held = false;
  #closed = false;
  #settle: (() => void) | undefined;
  #fail: ((fault: Fault) => void) | undefined;

  constructor(options: ReplayOptions, taker: ReplayTaker) {
    this.#options = options;
    this.#taker = taker;
    const { world, url, login, want, beginMs, endMs, deviceAheadMs } = options;
    this.#session = new RtspSession(
      {
        uri: url.uri,
        login: login ?? url.login,
        basic: true,
        want,
        userAgent: 'Ocellus',
        cnonce: world.random.uuid().replaceAll('-', ''),
        ssrc: Math.floor(world.random.unit() * 0x100000000),
        requestTimeoutMs,
        replay: { beginMs: Math.floor(beginMs + deviceAheadMs), endMs: Math.ceil(endMs + deviceAheadMs) },
      },
      this,
    );
  }

  async play(): Promise<number> {
    const { world, url, login, signal } = this.#options;
    this.#control = await openControl({
      world,
      url,
      tunnel: false,
      login,
      basic: true,
      verify: false,
      userAgent: 'Ocellus',
      signal,
      onBytes: (buffer, length) => this.#bytes(buffer, length),
      onClose: error => this.#lost(error),
    });
    await new Promise<void>((done, fail) => {
      this.#settle = done;
      this.#fail = fail;
      if (signal.aborted) done();
      signal.addEventListener('abort', () => done(), { once: true });
      this.#timer = world.clock.every(tickMs, () => this.#tick());
      this.#session.start(world.clock.monotonicMs());
    });
    return this.#units;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    this.#session.teardown();
    this.#control?.close();
  }

  // What the session says, SessionTaker:

  write(bytes: string | Uint8Array): void {
    this.#control?.write(bytes);
  }

  described(media: readonly MediaDescription[]): void {
    this.#media = media;
    this.#receiver = new Receiver(
      media,
      { unit: unit => this.#unit(unit), gap: () => {} },
      { time: 'server', ordered: true, nextRunId: () => ++this.#runId },
    );
  }

  playing(): void {
    this.#startedMs = this.#lastPacketMs = this.#nowMs;
  }

  rtp(track: number, bytes: Uint8Array, begin: number, end: number): void {
    if (this.#closed) return;
    this.#lastPacketMs = this.#nowMs;
    const header = replayHeaderAt(bytes, begin, end);
    if (header >= 0) {
      this.#timed(track, replayTimeMs(bytes, header) - this.#options.deviceAheadMs, timestampOf(bytes, begin));
      if (track === 0 && endsReplay(bytes, header)) this.#ended = true;
      else if (track === 0) this.#ended = endsSection(bytes, header);
    }
    const place = this.#places[track];
    if (place !== undefined) this.#receiver?.rtp(track, bytes, begin, end, place.wallMs);
    else if (++this.#untimed > untimedLimit)
      this.#fail?.(
        new Fault('unsupported', 'replay-without-times', 'expected pictures with their times, got some without'),
      );
  }

  rtcp(track: number, bytes: Uint8Array, begin: number, end: number): void {
    const wallMs = this.#places[track]?.wallMs;
    if (wallMs !== undefined) this.#receiver?.rtcp(track, bytes, begin, end, wallMs);
    else if (parseRtcp(bytes, begin, end).some(p => p.type === 'goodbye')) this.#ended = true; // there is nothing
  }

  /** There is no sense in telling a recording how well it came. */
  report(): undefined {}

  quirk(): void {}

  redirected(): void {
    this.#fail?.(new Fault('protocol', 'rtsp-redirect', 'expected a recording, got a redirect'));
  }

  failed(failure: SessionFailure): void {
    this.#fail?.(new Fault(failure.kind, failure.code, failure.message, { host: this.#options.url.host }));
  }

  #bytes(buffer: Uint8Array, length: number): void {
    this.#nowMs = this.#options.world.clock.monotonicMs();
    try {
      this.#session.push(buffer, length, this.#nowMs);
    } catch (e) {
      this.#fail?.(faultFrom(e));
      return;
    }
    this.#pace();
  }

  /** An access unit of this time begins. */
  #timed(track: number, wallMs: number, timestamp: number): void {
    const clockRate = this.#media[track]?.clockRate ?? 90_000;
    const last = this.#places[track];
    if (last !== undefined && track === 0) {
      const mediaMs = (timestampDistance(last.timestamp, timestamp) * 1000) / clockRate;
      if (Math.abs(wallMs - last.wallMs - mediaMs) > sectionMs) this.#receiver?.clockStep();
      // A hole takes no time to send.
      if (wallMs - last.wallMs > holeMs) this.#firstWallMs += wallMs - last.wallMs;
    }
    this.#places[track] = { wallMs, timestamp, clockRate };
    if (track !== 0) return;
    const { beginMs, endMs } = this.#options;
    if (wallMs < beginMs - elsewhereMs)
      this.#fail?.(
        new Fault(
          'protocol',
          'replay-elsewhere',
          `expected a recording of ${new Date(beginMs).toISOString()}, got one of ${new Date(wallMs).toISOString()}`,
        ),
      );
    if (wallMs > endMs + holeMs) this.#settle?.();
    this.#wallMs = wallMs;
    if (Number.isNaN(this.#firstWallMs)) this.#firstWallMs = wallMs;
  }

  #unit(unit: AccessUnit): void {
    if (this.#closed) return;
    this.#units++;
    this.#taker.unit(unit);
    if (this.#taker.over) this.#settle?.();
  }

  /** Reads, or lets the device wait. */
  #pace(): void {
    const passedMs = this.#nowMs - this.#startedMs;
    const early = this.#wallMs - this.#firstWallMs - aheadMs > passedMs * this.#options.mostSpeed;
    const held = this.#startedMs >= 0 && (this.#taker.busy || early);
    if (held === this.#held || this.#closed) return;
    this.#held = held;
    this.#control?.readEvery(held ? Number.POSITIVE_INFINITY : 0);
    this.#lastPacketMs = this.#nowMs;
  }

  #tick(): void {
    this.#nowMs = this.#options.world.clock.monotonicMs();
    this.#pace();
    if (this.#held) this.#lastPacketMs = this.#nowMs;
    this.#session.tick(this.#nowMs);
    if (this.#startedMs < 0) return;
    const silentMs = this.#nowMs - this.#lastPacketMs;
    const past = this.#wallMs >= this.#options.endMs;
    const gone = this.#ended || past || this.#receiver?.allGone === true;
    const patience = gone ? endedMs : Number.isNaN(this.#wallMs) ? firstMediaMs : silenceMs;
    if (silentMs >= patience) this.#settle?.();
  }

  #lost(error: Error | undefined): void {
    // Some devices hang up when they have played it all.
    if (this.#ended || this.#receiver?.allGone === true || this.#wallMs >= this.#options.endMs - sectionMs) {
      this.#settle?.();
      return;
    }
    const how = error === undefined ? 'closed' : ((error as { code?: string }).code ?? error.name);
    this.#fail?.(new Fault('transport', 'connection-lost', `expected the device to go on, got its connection ${how}`));
  }
}
