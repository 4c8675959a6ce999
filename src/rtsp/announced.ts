/**
 * What a client has announced that it will send (RFC 2326 10.3): which track a request's URL
 * names, and which an interleaved channel belongs to. Publishers name their tracks as they
 * like, and relative to the URL that they announced: `streamid=0` (FFmpeg), `stream=0`
 * (GStreamer).
 */
import type { Target } from './server-target.ts';

export class Announced {
  readonly #target: Target;
  /** Path and query of each track's control URL. */
  readonly #paths: readonly string[];
  /** By channel: twice the track, plus one for RTCP; -1: none. */
  readonly #places = new Int16Array(256).fill(-1);

  /** `controls`: absolute URLs, by track. */
  constructor(target: Target, controls: readonly string[]) {
    this.#target = { ...target, track: undefined };
    this.#paths = controls.map(pathOf);
  }

  /** What a URL names of it; undefined if it is about something else. */
  target(uri: string): Target | undefined {
    const path = pathOf(uri);
    const track = this.#paths.indexOf(path);
    if (track >= 0) return { ...this.#target, track };
    if (path !== pathOf(this.#target.url)) return undefined;
    return this.#paths.length === 1 ? { ...this.#target, track: 0 } : this.#target;
  }

  /** RTP of the track comes on `first`, RTCP on the next. */
  channels(track: number, first: number): void {
    for (const [channel, place] of this.#places.entries()) if (place >> 1 === track) this.#places[channel] = -1;
    this.#places[first] = 2 * track;
    this.#places[first + 1] = 2 * track + 1;
  }

  /** Twice the track of a channel, plus one for RTCP; -1 if nothing is expected on it. */
  placeOf(channel: number): number {
    return this.#places[channel] ?? -1;
  }
}

const pathOf = (uri: string): string => uri.replace(/^rtspu?s?:\/\/[^/?#]*/i, '').replace(/\/+$/, '');
