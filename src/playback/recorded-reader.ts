/**
 * A recording as access units, for one viewer: pieces of `RecordedMedia` in order, the next one asked for while
 * the units of this one are taken. Holds two pieces at most; no clock: who plays in real time takes units in
 * real time.
 */
import type { ReadRequest, RecordedMedia, RecordedPiece } from '#capability/recorded-media';
import type { AccessUnit } from '#media/access-unit';
import type { Run } from '#media/track';

/** Further apart than this is a hole, which begins a new run. */
const holeMs = 1000;

export interface RecordedReaderOptions {
  readonly track: string;
  /** See `ReadRequest`: units before it come too where the key frame is earlier. */
  readonly atMs: number;
  readonly how?: ReadRequest['how'];
  readonly untilMs?: number;
}

export class RecordedReader {
  readonly #media: RecordedMedia;
  readonly #options: RecordedReaderOptions;
  #next: number | undefined;
  #piece: RecordedPiece | undefined;
  #run: Run | undefined;
  #runs = 0;
  #at = 0;
  #ahead: Promise<RecordedPiece | undefined> | undefined;
  #closed = false;

  constructor(media: RecordedMedia, options: RecordedReaderOptions) {
    this.#media = media;
    this.#options = options;
  }

  /**
   * The next unit; undefined where there is none: at the end, or at the end so far, and then it may be asked for
   * again later. Another `run` begins where formats change or footage is missing; it begins with a key frame.
   * One call at a time; rejects with the archive's Fault.
   */
  async next(): Promise<AccessUnit | undefined> {
    for (;;) {
      if (this.#closed) return undefined;
      const unit = this.#piece?.units[this.#at];
      if (unit && this.#run) {
        this.#at++;
        return { ...unit, run: this.#run, lost: 0 };
      }
      const ahead = this.#ahead ?? this.#ask();
      this.#ahead = undefined;
      const piece = await ahead;
      if (!piece || this.#closed) return undefined;
      this.#take(piece);
    }
  }

  /** Nothing comes any more. */
  close(): void {
    this.#closed = true;
    this.#piece = undefined;
    this.#ahead = undefined;
  }

  #take(piece: RecordedPiece): void {
    const before = this.#piece;
    const isNew =
      !before ||
      !this.#run ||
      before.run !== piece.run ||
      before.format !== piece.format ||
      this.#isHole(before, piece);
    if (isNew) this.#run = { id: this.#runs++, tracks: piece.tracks };
    this.#piece = piece;
    this.#at = 0;
    this.#next = piece.next;
    this.#ahead = this.#ask();
    // Nobody may come for it any more; who does is told.
    this.#ahead.catch(() => {});
  }

  #isHole(before: RecordedPiece, piece: RecordedPiece): boolean {
    return (this.#options.how ?? 'forward') === 'forward' && piece.beginMs - before.endMs > holeMs;
  }

  #ask(): Promise<RecordedPiece | undefined> {
    const { track, atMs, untilMs, how = 'forward' } = this.#options;
    const from = this.#next === undefined ? { atMs } : { next: this.#next };
    return this.#media.read({ track, from, how, ...(untilMs === undefined ? {} : { untilMs }) });
  }
}
