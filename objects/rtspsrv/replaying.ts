/** One connection's way to recordings: which one it has been told of, which one it has set up, and what that one does. */
import type { RecordedMedia } from '#capability/recorded-media';
import { Fault } from '#core/errors';
import type { Facts, Log, World } from '#core/world';
import type { RtspRequest } from '#rtsp/message';
import type { Answer } from '#rtsp/server-dialogue';
import type { Target } from '#rtsp/server-target';
import type { OutTrack } from './out-track.ts';
import type { Outlet } from './outlet.ts';
import { Replay } from './replay.ts';
import { playWishOf, recordingIn, requiresReplay, urlWishOf } from './replay-wish.ts';

/** Viewers of recordings at once: each may hold three seconds of media, and what waits for it to read. */
const placeLimit = 200;

/** How many of a server's viewers have set up a recording. */
export class Places {
  #taken = 0;

  /** False: all are taken. */
  take(): boolean {
    if (this.#taken >= placeLimit) return false;
    this.#taken++;
    return true;
  }

  give(): void {
    this.#taken--;
  }
}

export interface ReplayingParts {
  readonly world: Pick<World, 'clock' | 'random'>;
  readonly log: Log;
  /** The linked storage of this name. */
  storage(name: string): RecordedMedia | undefined;
  readonly places: Places;
  /** Who watches, for the log. */
  facts(name: string): Facts;
}

interface Known {
  readonly presentation: string;
  readonly query: string;
  readonly replay: Replay;
}

export class Replaying {
  readonly #parts: ReplayingParts;
  #described: Known | undefined;
  #setUp: Known | undefined;
  /** The client has required ONVIF replay: in any request, for all that follow. */
  #stamped = false;
  #closed = false;
  /** It has been played. */
  #plays = false;

  constructor(parts: ReplayingParts) {
    this.#parts = parts;
  }

  /** It has the form of a recording's name in a storage that is linked. */
  names(presentation: string): boolean {
    const name = recordingIn(presentation);
    return name !== undefined && this.#parts.storage(name.storage) !== undefined;
  }

  /** The presentation that is set up. */
  get name(): string | undefined {
    return this.#setUp?.presentation;
  }

  /** The storage that it is in is not linked any more, or is another one now. */
  get isGone(): boolean {
    if (!this.#setUp) return false;
    const name = recordingIn(this.#setUp.presentation);
    return !this.#setUp.replay.isOf(name && this.#parts.storage(name.storage));
  }

  /** Every request passes here, for what it requires. */
  saw(request: RtspRequest): void {
    this.#stamped ||= requiresReplay(request);
  }

  async describe(target: Target): Promise<Answer> {
    const known = await this.#open(target);
    if (typeof known === 'number') return { as: 'refuse', status: known };
    this.#described = known;
    return { as: 'describe', sdp: known.replay.sdp(target) };
  }

  /** The track that the URL names, or the status that says why not. */
  async track(target: Target): Promise<OutTrack | number> {
    const { presentation, query } = target;
    const isKnown = (k: Known): boolean => k.presentation === presentation && (k.query === query || query === '');
    const known = [this.#setUp, this.#described].find(k => k && isKnown(k)) ?? (await this.#open(target));
    if (typeof known === 'number') return known;
    const { outs } = known.replay;
    const out = outs[target.track ?? (outs.length === 1 ? 0 : -1)];
    if (!out || this.#closed) return 404;
    if (!this.#setUp && !this.#parts.places.take()) return 453;
    this.#setUp ??= known;
    return out;
  }

  async play(request: RtspRequest): Promise<Answer> {
    const wish = playWishOf(request);
    if (typeof wish === 'number' || !this.#setUp) return { as: 'refuse', status: wish === 457 ? 457 : 400 };
    const { replay } = this.#setUp;
    try {
      const started = await replay.play({ ...wish, stamped: wish.stamped || this.#stamped });
      return typeof started === 'number' ? { as: 'refuse', status: started } : { as: 'play', ...started };
    } catch (e) {
      return { as: 'refuse', status: this.#statusOf(e) };
    }
  }

  /** Nothing while no recording is set up. */
  start(outlet: () => Outlet, transport: string): void {
    const { log, facts } = this.#parts;
    if (!this.#setUp) return;
    const { presentation, replay } = this.#setUp;
    if (!this.#plays) log.info('viewer-begins', { ...facts(presentation), transport });
    this.#plays = true;
    replay.start(outlet, fault => {
      if (fault !== undefined) log.warn('replay-ended', { source: presentation, error: String(fault) });
    });
  }

  pause(): void {
    this.#setUp?.replay.pause();
  }

  /** The session is over; another may begin. */
  end(why: string): void {
    if (!this.#setUp) return;
    const { log, facts } = this.#parts;
    if (this.#plays) log.info('viewer-ends', { ...facts(this.#setUp.presentation), why });
    this.#plays = false;
    this.#setUp.replay.close();
    this.#setUp = undefined;
    this.#parts.places.give();
  }

  /** The connection is over. */
  close(): void {
    this.#closed = true;
    this.end('closed');
    this.#described = undefined;
  }

  async #open({ presentation, query }: Target): Promise<Known | number> {
    const name = recordingIn(presentation);
    const media = name && this.#parts.storage(name.storage);
    const url = urlWishOf(query);
    if (!name || !media) return 404;
    if (!url) return 400;
    try {
      const replay = await Replay.open({ world: this.#parts.world, media, name: name.track, url });
      if (!replay) return 404;
      return replay.outs.length > 0 ? { presentation, query, replay } : 415;
    } catch (e) {
      return this.#statusOf(e);
    }
  }

  #statusOf(e: unknown): number {
    if (!(e instanceof Fault) || e.kind === 'bug') throw e;
    if (e.kind === 'absent') return 404;
    this.#parts.log.warn('replay-failed', { error: e.message });
    return 503;
  }
}
