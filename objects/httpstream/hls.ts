/**
 * Plays an HLS stream (RFC 8216 6.3): the best variant of a master playlist, with its sound where that has a playlist of its
 * own; segments as they are listed, given on in the time of their media. A complete playlist is played once, a live one from three target
 * durations before its end on, for ever.
 */
import { Fault } from '#core/errors';
import { RunMaker } from '#demux/run-maker';
import { audioOf, chooseVariant, type MasterPlaylist, type Segment } from '#hls/playlist-reader';
import type { AccessUnit } from '#media/access-unit';
import type { Fetched } from './fetcher.ts';
import { Pacer } from './pacer.ts';
import { Rendition, readPlaylist } from './rendition.ts';
import type { Session } from './session.ts';

/** Of a complete playlist, so much is read ahead; of a live one all that there is. */
const completeRoomMs = 5_000;
const liveRoomMs = 120_000;
/** Delay beyond so many target durations is worked off; three are there from the beginning. */
const catchUpTargets = 3.5;
/** Program date times are believed if they are not of the future and not older than this. */
const saidPastMs = 3_600_000;
const saidFutureMs = 2_000;

/** Plays until the signal fires or what is complete has been played. `answer` is the playlist. */
export async function playHls(session: Session, answer: Fetched): Promise<void> {
  const player = new HlsPlayer(session);
  try {
    await player.play(answer);
  } finally {
    player.close();
  }
}

class HlsPlayer {
  readonly #session: Session;
  readonly #pacer: Pacer;
  #main: Rendition | undefined;
  #audio: Rendition | undefined;
  /** Wall clock of the first picture of the segment that has begun, until that comes. */
  #said = Number.NaN;

  constructor(session: Session) {
    this.#session = session;
    this.#pacer = new Pacer(session.world.clock, completeRoomMs, unit => session.unit(unit));
    session.onClockStep = () => {
      this.#pacer.clockStep();
      this.#main?.endRun();
    };
  }

  async play(answer: Fetched): Promise<void> {
    const first = await readPlaylist(answer);
    const main = first.list.kind === 'master' ? await this.#choose(first.list, first.url) : this.#rendition(first.url);
    this.#main = main;
    if (first.list.kind === 'master') await main.load();
    else main.take(first);
    await this.#audio?.load();
    const { follower } = main;
    this.#session.allowSilence(3000 * follower.targetSeconds);
    for (let prepared = false; !this.#session.signal.aborted; ) {
      this.#pacer.roomMs = follower.isLive ? liveRoomMs : completeRoomMs;
      this.#pacer.catchUpMs = follower.isLive
        ? catchUpTargets * 1000 * follower.targetSeconds
        : Number.POSITIVE_INFINITY;
      const next = follower.take();
      if (next !== undefined) {
        if (!prepared) await this.#prepare(next.segment);
        prepared = true;
        await main.play(next, () => this.#begins(next.segment));
        await this.#playAudio(main.takenSeconds);
      } else if (follower.ended) break;
      else await this.#reload(main);
    }
    main.endRun();
    await this.#pacer.drained(this.#session.signal);
  }

  close(): void {
    this.#pacer.close();
  }

  async #choose(master: MasterPlaylist, base: URL): Promise<Rendition> {
    const variant = chooseVariant(master);
    if (variant === undefined) {
      const codecs = [...new Set(master.variants.flatMap(v => v.codecs))].join(', ').slice(0, 200);
      throw new Fault(
        'unsupported',
        'no-supported-media',
        `${base.host}: expected a variant that we can play, got ${codecs}`,
      );
    }
    const { fetcher, enable } = this.#session;
    const audio = enable.includes('audio') ? audioOf(master, variant) : undefined;
    this.#session.info('variant', {
      bandwidth: variant.bandwidth,
      codecs: variant.codecs.join(),
      ownAudio: audio !== undefined,
    });
    const url = fetcher.resolve(variant.uri, base);
    if (audio === undefined || !enable.includes('video') || audio === variant.uri) return this.#rendition(url);
    const taker = this.#taker();
    const runs = new RunMaker(taker, this.#session.nextRunId);
    const shared = { taker, runs, room: () => this.#pacer.room(this.#session.signal) };
    this.#audio = new Rendition(this.#session, fetcher.resolve(audio, base), { ...shared, enable: ['audio'] });
    return new Rendition(this.#session, url, { ...shared, enable: ['video'] });
  }

  #rendition(url: URL): Rendition {
    const room = () => this.#pacer.room(this.#session.signal);
    return new Rendition(this.#session, url, {
      taker: this.#taker(),
      runs: undefined,
      enable: this.#session.enable,
      room,
    });
  }

  #taker() {
    return {
      run: () => undefined,
      unit: (unit: AccessUnit) => this.#unit(unit),
      problem: (text: string) => this.#session.problem(text),
    };
  }

  #unit(unit: AccessUnit): void {
    if (Number.isNaN(this.#said) || unit.track !== 0 || !unit.keyframe) {
      this.#pacer.push(unit);
      return;
    }
    this.#pacer.push(unit, this.#said);
    this.#said = Number.NaN;
  }

  #begins({ wallMs }: Segment): void {
    const nowMs = this.#session.world.clock.wallMs();
    const believed =
      this.#session.byDevice && wallMs !== undefined && wallMs > nowMs - saidPastMs && wallMs < nowMs + saidFutureMs;
    this.#said = believed ? wallMs : Number.NaN;
  }

  /** What both renditions are has to be known before the first run begins: pictures first. */
  async #prepare(segment: Segment): Promise<void> {
    const audio = this.#audio;
    const first = audio?.follower.peek();
    if (audio === undefined || first === undefined) return;
    await this.#main?.init(segment);
    await audio.init(first);
  }

  /** Sound up to where the pictures are. */
  async #playAudio(seconds: number): Promise<void> {
    const audio = this.#audio;
    while (audio !== undefined && audio.takenSeconds < seconds && !this.#session.signal.aborted) {
      const next = audio.follower.take();
      if (next === undefined) return;
      await audio.play({ ...next, segment: { ...next.segment, discontinuity: false }, broken: false }, () => undefined);
    }
  }

  /** Waits until the playlist may be read again, and does. A server that fails is asked again until the stall clock is run down. */
  async #reload(main: Rendition): Promise<void> {
    const { clock } = this.#session.world;
    const dueMs = main.loadedMs + main.follower.reloadMs;
    await clock.sleep(Math.max(0, dueMs - clock.monotonicMs()), this.#session.signal);
    if (this.#session.signal.aborted) return;
    try {
      await main.load();
      await this.#audio?.load();
    } catch (e) {
      const fault = this.#session.failure(e);
      if (fault === undefined || this.#session.signal.aborted) throw e;
      this.#session.problem(`a playlist that could not be had: ${fault.message}`);
      main.follower.notChanged();
    }
  }
}
