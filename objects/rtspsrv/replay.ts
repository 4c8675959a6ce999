/**
 * A recording as one client has asked for it: what DESCRIBE says, the tracks that SETUP may take, and the PLAY
 * that runs, stands (PAUSE), or has come to its end. Nothing is held while nothing plays but where it stands.
 */
import type { RecordedMedia } from '#capability/recorded-media';
import type { World } from '#core/world';
import { RecordedPlayer } from '#playback/recorded-player';
import { replayHeaderLength } from '#rtp/replay-batch';
import type { Headers } from '#rtsp/message';
import { writeClockRange, writeNptRange } from '#rtsp/play-range';
import type { RtpInfo } from '#rtsp/server-dialogue';
import { controlOf, type Target } from '#rtsp/server-target';
import { writeSdp } from '#sdp/sdp';
import { trackSection } from '#sdp/track-section';
import { mod32, OutTrack } from './out-track.ts';
import type { Outlet } from './outlet.ts';
import { outsFor, ReplayRun } from './replay-run.ts';
import { howAt, type PlayWish, type UrlWish } from './replay-wish.ts';

/** Between what was sent before and what is sent now, on the row of timestamps. */
const stepMs = 40;

export interface ReplayParts {
  readonly world: Pick<World, 'clock' | 'random'>;
  readonly media: RecordedMedia;
  /** The track of the archive. */
  readonly name: string;
  readonly url: UrlWish;
}

/** What the answer to PLAY says. */
export interface Started {
  readonly range: string;
  readonly info: readonly RtpInfo[];
  readonly headers: Headers;
}

export class Replay {
  readonly #parts: ReplayParts;
  /** What there is to be played, from its key frame on: UTC milliseconds. The end is where the recording ends so far, if it is open. */
  readonly beginMs: number;
  readonly endMs: number;
  readonly outs: readonly OutTrack[];
  readonly #cname: string;
  #outlet: Outlet | undefined;
  #run: ReplayRun | undefined;
  #scale: number;
  /** Bounds of the latest PLAY, for one that goes on. */
  #toMs: number | undefined;
  #reachMs = -stepMs;
  #closed = false;
  #ended: (fault: unknown) => void = () => {};

  /** Undefined where nothing is recorded; rejects with the archive's Fault. */
  static async open(parts: ReplayParts): Promise<Replay | undefined> {
    const { media, name, url } = parts;
    const pieces = await media.intervals(name, url.beginMs, url.endMs);
    const [first, last] = [pieces[0], pieces.at(-1)];
    if (!first || !last) return undefined;
    const untilMs = url.endMs === undefined ? {} : { untilMs: url.endMs };
    const piece = await media.read({ track: name, from: { atMs: first[0] }, how: 'forward', ...untilMs });
    if (!piece) return undefined;
    const word = (): number => new DataView(parts.world.random.bytes(4).slice().buffer).getUint32(0);
    const outs: OutTrack[] = [];
    for (const track of piece.tracks) {
      const out = OutTrack.create(outs.length, track, word, replayHeaderLength);
      if (out) outs.push(out);
    }
    return new Replay(parts, Math.min(first[0], piece.beginMs), last[1], outs, word().toString(16));
  }

  private constructor(parts: ReplayParts, beginMs: number, endMs: number, outs: readonly OutTrack[], cname: string) {
    this.#parts = parts;
    this.beginMs = beginMs;
    this.endMs = endMs;
    this.outs = outs;
    this.#cname = cname;
    this.#scale = parts.url.scale;
  }

  /** Serves this storage; another one of the same name is another. */
  isOf(media: RecordedMedia | undefined): boolean {
    return this.#parts.media === media;
  }

  /** Players take the first line they understand: most count from 0, those of ONVIF replay want the clock. */
  sdp(target: Target): string {
    const npt = ['range', writeNptRange(0, this.endMs - this.beginMs)] as const;
    const clock = ['range', writeClockRange(this.beginMs, this.endMs)] as const;
    return writeSdp({
      origin: '- 1 1 IN IP4 0.0.0.0',
      name: this.#parts.name,
      connection: 'IN IP4 0.0.0.0',
      attributes: [['control', '*'], ...(this.#parts.url.clockFirst ? [clock, npt] : [npt, clock])],
      media: this.outs.map(o => {
        const section = trackSection(o.track, o.payloadType, controlOf(target, o.number));
        // ONVIF Streaming, replay: which track of the recording it is; clients of it count on it.
        return { ...section, attributes: [...section.attributes, ['x-onvif-track', o.track.kind.toUpperCase()]] };
      }),
    });
  }

  /**
   * Prepares what a PLAY asks for; it begins with `start`. What plays is stopped, and goes on if this one cannot be:
   * 457 where there is nothing, 415 where it is in a format that the client was not told of.
   */
  async play(wish: PlayWish): Promise<Started | number> {
    const before = this.#run;
    const ran = before?.isRunning ?? false;
    await before?.stop();
    const started = await this.#prepare(wish, before);
    if (typeof started === 'number' && ran) before?.start();
    return started;
  }

  /** `ended`: why the last unit was the last, see `RunParts`. */
  start(outlet: () => Outlet, ended: (fault: unknown) => void): void {
    this.#outlet ??= outlet();
    this.#ended = ended;
    this.#run?.start();
  }

  pause(): void {
    void this.#run?.stop();
  }

  close(): void {
    this.#closed = true;
    void this.#run?.stop();
    this.#run = undefined;
  }

  async #prepare(wish: PlayWish, before: ReplayRun | undefined): Promise<Started | number> {
    const { media, name, url, world } = this.#parts;
    const scale = wish.scale ?? (wish.range ? url.scale : this.#scale);
    const isBackward = scale < 0;
    const bounds = this.#bounds(wish, before, isBackward);
    if (!bounds) return 457;
    const how = howAt(scale, wish);
    const follows = wish.rateControl && !isBackward && bounds.toMs === undefined;
    const sound = !isBackward && how === 'forward' && (scale === 1 || !wish.rateControl);
    const goesOn = !wish.range && before && !before.isOver && before.player.fits(how, sound);
    // Without rate control the end of a recording that goes on is where it is now.
    const untilMs = bounds.toMs ?? (wish.rateControl || isBackward ? undefined : world.clock.wallMs());
    const player = goesOn
      ? before.player
      : new RecordedPlayer(media, { track: name, atMs: bounds.fromMs, how, untilMs, sound, follows });
    const first = (await player.more()) ? player.peek() : undefined;
    if (!first || this.#closed) return 457;
    if (!outsFor(this.outs, first.tracks)) return 415;
    this.#reachMs = Math.max(this.#reachMs, before?.reachMs ?? this.#reachMs);
    const beginMs = this.#reachMs + stepMs;
    this.#scale = scale;
    this.#toMs = bounds.toMs;
    this.#run = new ReplayRun({
      clock: world.clock,
      player,
      outs: this.outs,
      outlet: () => this.#outlet,
      cname: this.#cname,
      rate: wish.rateControl ? Math.abs(scale) : 1,
      speed: wish.rateControl ? wish.speed : Number.POSITIVE_INFINITY,
      beginMs,
      stamp: wish.stamped ? wish.cseq : undefined,
      follows,
      ended: fault => this.#ended(fault),
    });
    return {
      range: this.#rangeText(wish, first.unit.wallMs, bounds.toMs ?? (isBackward ? this.beginMs : undefined)),
      info: this.outs.map(o => ({ track: o.number, seq: o.seq, timestamp: mod32(o.timeOf(beginMs)) })),
      headers: headersOf(wish, scale),
    };
  }

  /** From where to where, UTC milliseconds; undefined where there is nothing between. Backward: from the later to the earlier. */
  #bounds(wish: PlayWish, before: ReplayRun | undefined, isBackward: boolean) {
    const { url } = this.#parts;
    const { range } = wish;
    const at = (t: number | undefined): number | undefined =>
      t === undefined || range?.unit === 'clock' ? t : this.beginMs + t;
    const standsMs = before?.atMs ?? (isBackward ? this.endMs : (url.beginMs ?? this.beginMs));
    const from = range?.from === 'now' ? standsMs : at(range?.from);
    const to = range ? at(range.to) : this.#toMs;
    const [least, most] = [url.beginMs ?? Number.NEGATIVE_INFINITY, url.endMs ?? Number.POSITIVE_INFINITY];
    if (!isBackward) {
      const fromMs = Math.max(least, from ?? (range ? this.beginMs : standsMs));
      const toMs = to === undefined && url.endMs === undefined ? undefined : Math.min(most, to ?? most);
      return toMs !== undefined && toMs <= fromMs ? undefined : { fromMs, toMs };
    }
    // Written either way round: RFC 7826 4.4.2 has the later time first, ONVIF as it is played.
    // At the beginning there is nothing behind: players that know no backward ask for npt=0-, the beginning of playing.
    if (to === undefined && from !== undefined && from <= this.beginMs)
      return { fromMs: this.endMs - 1, toMs: url.beginMs };
    const late = from !== undefined && to !== undefined ? Math.max(from, to) : (from ?? standsMs);
    const early = from !== undefined && to !== undefined ? Math.min(from, to) : to;
    // What begins at the end of an interval is no part of it.
    const fromMs = Math.min(late, most === Number.POSITIVE_INFINITY ? late : most - 1);
    const toMs = early === undefined && url.beginMs === undefined ? undefined : Math.max(least, early ?? least);
    return toMs !== undefined && toMs > fromMs ? undefined : { fromMs, toMs };
  }

  #rangeText({ range }: PlayWish, fromMs: number, toMs: number | undefined): string {
    if (range?.unit !== 'npt') return writeClockRange(fromMs, toMs);
    return writeNptRange(fromMs - this.beginMs, toMs === undefined ? undefined : toMs - this.beginMs);
  }
}

/** Scale is said where it matters (RFC 2326 12.34), the others where they were asked for. */
const headersOf = (wish: PlayWish, scale: number): Headers => [
  ...(wish.scale !== undefined || scale !== 1 ? [['Scale', decimal(scale)] as const] : []),
  ...(wish.speed !== 1 ? [['Speed', decimal(wish.speed)] as const] : []),
  ...(wish.rateControl ? [] : [['Rate-Control', 'no'] as const]),
];

/** With a point: GStreamer and others read a float. */
const decimal = (n: number): string => (Number.isInteger(n) ? n.toFixed(1) : String(n));
