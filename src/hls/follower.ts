/**
 * Which segments of a playlist that is read again and again come next, and when to read it again (RFC 8216 6.3.3,
 * 6.3.4). Pure.
 */
import type { MediaPlaylist, Segment } from './playlist-reader.ts';

/** 6.3.3: a client does not begin closer to the end of a live playlist than this many target durations. */
const edgeTargets = 3;
/** A playlist may be an older copy from a cache; one that ends further back is of a server that began anew. */
const staleSegments = 3;

export interface NextSegment {
  readonly segment: Segment;
  /** What came before it is not all that there was: it had left the playlist already, or numbers began anew. */
  readonly broken: boolean;
}

export class Follower {
  #next = -1;
  #last: Segment | undefined;
  #changed = false;
  #broken = false;
  #list: MediaPlaylist | undefined;
  /** Segments that left the playlist before they were taken. */
  missed = 0;

  /** What is added to the numbers of a server that does not count. */
  #offset = 0;

  /** A copy of the playlist has been read. */
  update(read: MediaPlaylist): void {
    const list = this.#counted(read);
    const newest = list.segments.at(-1);
    this.#changed = newest?.sequence !== this.#last?.sequence || list.ended !== this.#list?.ended;
    this.#last = newest;
    this.#list = list;
    if (newest === undefined) return;
    if (this.#next < 0) this.#next = startOf(list).sequence;
    else if (newest.sequence + 1 + staleSegments < this.#next) {
      this.#next = startOf(list).sequence;
      this.#broken = true;
    }
    const oldest = list.segments[0]?.sequence ?? 0;
    if (this.#next < oldest) {
      this.missed += oldest - this.#next;
      this.#next = oldest;
      this.#broken = true;
    }
  }

  /**
   * FFmpeg's `single_file` lists always newer ranges under the same numbers (RFC 8216 6.2.2 forbids it): where the newest
   * segment known is listed under a smaller number, or all are others, they are counted on from there.
   */
  #counted(list: MediaPlaylist): MediaPlaylist {
    const newest = list.segments.at(-1);
    const last = this.#last;
    if (last?.range === undefined || newest === undefined) return list;
    const same = list.segments.findLast(s => isSame(s, last));
    if (same !== undefined) this.#offset = Math.max(0, last.sequence - same.sequence);
    else if (newest.sequence + this.#offset === last.sequence) {
      this.#offset += list.segments.length;
      this.#broken = true;
    }
    if (this.#offset === 0) return list;
    return { ...list, segments: list.segments.map(s => ({ ...s, sequence: s.sequence + this.#offset })) };
  }

  /** No copy could be read: that is no news. */
  notChanged(): void {
    this.#changed = false;
  }

  /** What `take` would give. */
  peek(): Segment | undefined {
    const segments = this.#list?.segments ?? [];
    return segments[this.#next - (segments[0]?.sequence ?? 0)];
  }

  /** The next segment that the latest copy lists; undefined: read it again, unless `ended`. */
  take(): NextSegment | undefined {
    const segment = this.peek();
    if (segment === undefined) return undefined;
    this.#next++;
    const broken = this.#broken;
    this.#broken = false;
    return { segment, broken };
  }

  /** More will be listed. */
  get isLive(): boolean {
    return this.#list?.ended !== true;
  }

  /** Nothing will come any more. */
  get ended(): boolean {
    const newest = this.#last?.sequence ?? -1;
    return this.#list?.ended === true && this.#next > newest;
  }

  get targetSeconds(): number {
    return this.#list?.targetSeconds ?? 2;
  }

  /** How long after the last reading began to read again: 6.3.4. Never more often than every half second. */
  get reloadMs(): number {
    return Math.max(500, this.targetSeconds * (this.#changed ? 1000 : 500));
  }
}

const isSame = (a: Segment, b: Segment): boolean =>
  a.uri === b.uri && a.range?.offset === b.range?.offset && a.range?.length === b.range?.length;

/** Where playing begins: at the beginning of what is complete, three target durations before the end of what is live. */
function startOf(list: MediaPlaylist): { readonly sequence: number } {
  const { segments } = list;
  let at = list.ended ? 0 : segments.length - 1;
  if (!list.ended)
    for (let seconds = segments[at]?.seconds ?? 0; at > 0 && seconds < edgeTargets * list.targetSeconds; at--)
      seconds += segments[at - 1]?.seconds ?? 0;
  return { sequence: segments[at]?.sequence ?? 0 };
}
