/**
 * Many VOD playlists of an archive, one after the other, as one HLS playlist that grows while
 * it is played (RFC 8216): a player goes on for hours without a jump, and no answer of the
 * server lists more than some minutes. Pure text in, text out.
 *
 * It relies on two promises of the archive (docs/spec/api.md 6.2): segments are named by their
 * time, so that the same footage has the same URI in every playlist; and a playlist's first
 * segment contains the asked begin. Windows overlap by a segment, whose URI is where they join.
 */

export interface Segment {
  /** As the playlist has it: relative to the folder that all playlists of a track share. */
  readonly uri: string;
  readonly beginMs: number;
  readonly seconds: number;
  readonly map: string | undefined;
  /** Does not follow on from the one before. */
  readonly discontinuity: boolean;
}

const endMs = (s: Segment): number => s.beginMs + s.seconds * 1000;

/** Segments of a media playlist; those before any EXT-X-PROGRAM-DATE-TIME, which have no place in time, are left out. */
export function parsePlaylist(text: string): Segment[] {
  const segments: Segment[] = [];
  let timeMs: number | undefined;
  let [map, discontinuity, seconds]: [string | undefined, boolean, number] = [undefined, false, 0];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#EXT-X-PROGRAM-DATE-TIME:')) {
      const ms = Date.parse(line.slice(25));
      if (!Number.isNaN(ms)) timeMs = ms;
    } else if (line.startsWith('#EXT-X-MAP:')) map = /URI="([^"]+)"/.exec(line)?.[1];
    else if (line === '#EXT-X-DISCONTINUITY') discontinuity = true;
    else if (line.startsWith('#EXTINF:')) seconds = Number.parseFloat(line.slice(8)) || 0;
    else if (line !== '' && !line.startsWith('#')) {
      if (timeMs !== undefined && seconds > 0) {
        segments.push({ uri: line, beginMs: timeMs, seconds, map, discontinuity });
        timeMs += seconds * 1000;
      }
      [discontinuity, seconds] = [false, 0];
    }
  }
  return segments;
}

/** Over half an hour of segments of a second or more. */
const mostSegments = 2000;

export class GrowingPlaylist {
  #segments: Segment[] = [];
  #sequence = 0;
  #discontinuities = 0;
  /** Only ever grows, as RFC 8216 6.2.1 wants it. */
  #targetSeconds = 1;
  /** Nothing comes after: players stop at the end instead of waiting there. */
  ended = false;

  get beginMs(): number | undefined {
    return this.#segments[0]?.beginMs;
  }

  get endMs(): number | undefined {
    const last = this.#segments.at(-1);
    return last && endMs(last);
  }

  /**
   * Adds what is new in the next window; how much that was. A segment that ends after
   * `settledMs` may still grow and get another name, and is left for later.
   */
  add(window: readonly Segment[], settledMs: number): number {
    const settled = window.filter(s => endMs(s) <= settledMs);
    const last = this.#segments.at(-1);
    const joint = last ? settled.findIndex(s => s.uri === last.uri) : -1;
    let news = settled.slice(joint + 1);
    if (last && joint < 0) {
      // The last segment has gone or got another name: nobody knows how what follows is connected to it.
      news = news.filter(s => s.beginMs >= endMs(last) - 1);
      if (news[0]) news[0] = { ...news[0], discontinuity: true };
    }
    for (const s of news) this.#targetSeconds = Math.max(this.#targetSeconds, Math.ceil(s.seconds));
    this.#segments.push(...news);
    return news.length;
  }

  /** Forgets what is before that moment, so that a day of playing holds no more than an hour of it. */
  forget(beforeMs: number): void {
    while (this.#segments.length > 1) {
      const [first] = this.#segments;
      if (!first || (endMs(first) > beforeMs && this.#segments.length <= mostSegments)) return;
      this.#segments.shift();
      this.#sequence++;
      if (first.discontinuity) this.#discontinuities++;
    }
  }

  write(): string {
    const lines = [
      '#EXTM3U',
      '#EXT-X-VERSION:7',
      `#EXT-X-TARGETDURATION:${this.#targetSeconds}`,
      `#EXT-X-MEDIA-SEQUENCE:${this.#sequence}`,
      `#EXT-X-DISCONTINUITY-SEQUENCE:${this.#discontinuities}`,
      '#EXT-X-INDEPENDENT-SEGMENTS',
    ];
    let map: string | undefined;
    for (const s of this.#segments) {
      if (s.discontinuity) lines.push('#EXT-X-DISCONTINUITY');
      if (s.map !== undefined && s.map !== map) lines.push(`#EXT-X-MAP:URI="${s.map}"`);
      map = s.map;
      lines.push(
        `#EXT-X-PROGRAM-DATE-TIME:${new Date(s.beginMs).toISOString()}`,
        `#EXTINF:${s.seconds.toFixed(5)},`,
        s.uri,
      );
    }
    if (this.ended) lines.push('#EXT-X-ENDLIST');
    return `${lines.join('\n')}\n`;
  }
}
