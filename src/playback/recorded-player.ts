/**
 * A recording to be played for one viewer: units with the moment at which each is due, counted from the beginning
 * of playing as if at normal speed, holes left out. Knows one piece more than it gives away, so that it can
 * tell which unit is the last before a hole, or the last of all. No clock.
 *
 * Holds three pieces of `RecordedMedia` at most: the one that is played, the next, and the one that is read.
 */
import type { ReadRequest, RecordedMedia, RecordedPiece, RecordedUnit } from '#capability/recorded-media';
import type { Track } from '#media/track';

/** Further apart than this is a hole. */
const holeMs = 1000;
/** Key frames closer together than this have no hole between them that is worth a question. */
const closeMs = 2000;

export interface PlayedUnit {
  readonly unit: RecordedUnit;
  /** Of the piece; the same array for as long as nothing changes. */
  readonly tracks: readonly Track[];
  /** When it is due, in milliseconds; about 0 for the first. */
  readonly playMs: number;
  /** The first of its track, or what was recorded just before it was not given. */
  readonly discontinuity: boolean;
  /** The last of its track before a hole, or of all that there is. */
  readonly endsSection: boolean;
  /** Nothing comes after it. */
  readonly endsAll: boolean;
}

export interface RecordedPlayerOptions {
  readonly track: string;
  /** See `ReadRequest`: what is needed to decode the first picture comes too. */
  readonly atMs: number;
  readonly how: ReadRequest['how'];
  /** The last picture is the one shown just before it; what that one needs to be decoded comes too. Backward: the first bound. */
  readonly untilMs: number | undefined;
  /** Without it, sound beside video is left out. */
  readonly sound: boolean;
  /** More may be recorded while it is played: what is the last so far is not called the last of all. */
  readonly follows: boolean;
}

export class RecordedPlayer {
  readonly #media: RecordedMedia;
  readonly #options: RecordedPlayerOptions;
  #next: number | undefined;
  #units: readonly PlayedUnit[] = [];
  #at = 0;
  /** Read, and not yet played. */
  #held: RecordedPiece | undefined;
  #ahead: Promise<RecordedPiece | undefined> | undefined;
  /** Of the piece before. */
  #before: Pick<RecordedPiece, 'run' | 'format' | 'endMs'> | undefined;
  /** On the row of `playMs`: where the piece before ends; and what is to be added to media time in milliseconds. */
  #endMs = 0;
  #shiftMs = 0;

  constructor(media: RecordedMedia, options: RecordedPlayerOptions) {
    this.#media = media;
    this.#options = options;
  }

  /** It is one for this way of playing. */
  fits(how: ReadRequest['how'], sound: boolean): boolean {
    return this.#options.how === how && this.#options.sound === sound;
  }

  /** The unit that comes next, if it has been read. */
  peek(): PlayedUnit | undefined {
    return this.#units[this.#at];
  }

  /** On to the unit behind it. */
  advance(): void {
    this.#at++;
  }

  /** Reads until `peek` has something: true; false where there is nothing, which may change while it `follows`. One call at a time; rejects with the archive's Fault. */
  async more(): Promise<boolean> {
    while (this.peek() === undefined) {
      const piece = this.#held ?? (await this.#take());
      if (!piece) return false;
      this.#held = await this.#take();
      await this.#lay(piece, this.#held);
      if (this.#held) {
        this.#ahead = this.#read();
        // Nobody may come for it any more; who does is told.
        this.#ahead.catch(() => {});
      }
    }
    return true;
  }

  async #take(): Promise<RecordedPiece | undefined> {
    const ahead = this.#ahead ?? this.#read();
    this.#ahead = undefined;
    const piece = await ahead;
    if (piece) this.#next = piece.next;
    return piece;
  }

  #read(): Promise<RecordedPiece | undefined> {
    const { track, atMs, how, untilMs } = this.#options;
    const from = this.#next === undefined ? { atMs } : { next: this.#next };
    return this.#media.read({ track, from, how, ...(untilMs === undefined ? {} : { untilMs }) });
  }

  /** Puts the units of a piece on the row of time, behind those of the piece before. */
  async #lay(piece: RecordedPiece, next: RecordedPiece | undefined): Promise<void> {
    const kept = this.#kept(piece);
    const first = kept.find(u => piece.tracks[u.track]?.kind === 'video') ?? kept[0];
    const isLeap = this.#options.how !== 'forward';
    const before = this.#before;
    const joins = before !== undefined && joined(before, piece);
    if (before && !joins && !isLeap) {
      const breakMs = piece.beginMs - before.endMs;
      if (breakMs <= holeMs) this.#endMs += Math.max(0, breakMs);
    }
    if (!joins && first) this.#shiftMs = this.#endMs - mediaMs(first, piece);
    const hole = next === undefined ? 0 : isLeap ? await this.#leapHoleMs(piece, next) : next.beginMs - piece.endMs;
    const isEnd = next === undefined ? !this.#options.follows : hole > holeMs;
    const [firsts, lasts] = [edges(kept), edges([...kept].reverse())];
    this.#units = kept.map(unit => ({
      unit,
      tracks: piece.tracks,
      playMs: isLeap ? this.#endMs : this.#shiftMs + mediaMs(unit, piece),
      discontinuity: isLeap || (!joins && firsts.has(unit)),
      endsSection: isEnd && lasts.has(unit),
      endsAll: isEnd && next === undefined && lasts.has(unit),
    }));
    this.#at = 0;
    if (isLeap) this.#endMs += next === undefined ? 0 : Math.max(1, Math.abs(next.beginMs - piece.beginMs) - hole);
    else this.#endMs = (first ? this.#shiftMs + mediaMs(first, piece) : this.#endMs) + piece.endMs - piece.beginMs;
    this.#before = { run: piece.run, format: piece.format, endMs: piece.endMs };
  }

  /** What of a piece is given away. */
  #kept(piece: RecordedPiece): readonly RecordedUnit[] {
    const { how, untilMs, sound } = this.#options;
    const kindOf = (u: RecordedUnit): string | undefined => piece.tracks[u.track]?.kind;
    const hasVideo = piece.tracks.some(t => t.kind === 'video');
    const wanted = sound || !hasVideo ? piece.units : piece.units.filter(u => kindOf(u) === 'video');
    if (how !== 'forward' || untilMs === undefined || piece.endMs <= untilMs) return wanted;
    // In decoding order: what stands before the last one that is shown in time may be needed for it.
    const last = new Map<number, number>();
    for (const [i, u] of wanted.entries()) if (u.wallMs < untilMs) last.set(u.track, i);
    return wanted.filter((u, i) => i <= (last.get(u.track) ?? -1));
  }

  /** How much of what lies between two key frames was not recorded. */
  async #leapHoleMs(a: RecordedPiece, b: RecordedPiece): Promise<number> {
    const [early, late] = a.beginMs < b.beginMs ? [a, b] : [b, a];
    const stepMs = late.beginMs - early.beginMs;
    if (stepMs <= closeMs) return 0;
    let recordedMs = 0;
    for (const [begin, end] of await this.#media.intervals(this.#options.track, early.beginMs, late.beginMs))
      recordedMs += end - begin;
    return Math.max(0, stepMs - recordedMs);
  }
}

const mediaMs = (unit: RecordedUnit, piece: RecordedPiece): number =>
  (unit.pts * 1000) / (piece.tracks[unit.track]?.timescale ?? 1000);

const joined = (a: Pick<RecordedPiece, 'run' | 'format' | 'endMs'>, b: RecordedPiece): boolean =>
  a.run === b.run && a.format === b.format && b.beginMs - a.endMs <= holeMs;

/** The first unit of each track. */
function edges(units: readonly RecordedUnit[]): ReadonlySet<RecordedUnit> {
  const seen = new Map<number, RecordedUnit>();
  for (const u of units) if (!seen.has(u.track)) seen.set(u.track, u);
  return new Set(seen.values());
}
