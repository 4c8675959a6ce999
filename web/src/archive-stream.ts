/**
 * Recordings from a moment on, for as long as there are any: windows of ten minutes, joined to
 * one growing playlist that the player library is given instead of the server's. Gaps are passed over.
 */
import type { LoaderCallbacks, LoaderStats, PlaylistLoaderContext } from 'hls.js';
import * as api from './api.ts';
import { GrowingPlaylist, parsePlaylist } from './archive-playlist.ts';
import type { Route } from './route.ts';
import { zone } from './settings.ts';
import { commonConfig, loadHls, type Stream, type Surroundings, watchErrors } from './stream.ts';
import { momentText } from './time-text.ts';

const windowMs = 10 * 60_000;
/** The next window is asked for when less than this is left to play. */
const leadMs = 2 * 60_000;
/** Kept behind the playhead for jumping back. */
const keepMs = 20 * 60_000;
/** A segment that ends later than this ago may still grow. */
const settlingMs = 20_000;
/** A track whose recordings end longer ago is not recorded now. */
const overMs = 60_000;
/** Intervals of a timeline are whole milliseconds, segments are not; and a hole below a second is none. */
const holeMs = 1000;

type ArchiveRoute = Route & { mode: 'archive' };

/** Fetches window after window. */
class Feed {
  readonly playlist = new GrowingPlaylist();
  readonly #route: ArchiveRoute;
  readonly #signal: AbortSignal;
  #fetching: Promise<void> | undefined;

  constructor(route: ArchiveRoute, signal: AbortSignal) {
    this.#route = route;
    this.#signal = signal;
  }

  /** Adds the next window, passing over what is not recorded. */
  more(): Promise<void> {
    this.#fetching ??= this.#more().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #more(): Promise<void> {
    const { playlist } = this;
    if (playlist.ended) return;
    const fromMs = Math.floor(playlist.endMs ?? this.#route.atMs);
    // A millisecond back, so that the last segment is listed again and shows how the next one is connected.
    if ((await this.#add(playlist.endMs === undefined ? fromMs : fromMs - 1)) > 0) return;
    const { storage, source } = this.#route;
    const nowMs = api.serverNowMs();
    const later = await api.timeline(storage, source, [fromMs, Math.max(nowMs, fromMs + 1)], this.#signal);
    const next = later.find(([begin]) => begin > fromMs + holeMs);
    if (next && (await this.#add(next[0])) > 0) return;
    const lastMs = later.at(-1)?.[1] ?? fromMs;
    if (!next && nowMs - lastMs > overMs) playlist.ended = true;
  }

  async #add(fromMs: number): Promise<number> {
    const { storage, source } = this.#route;
    try {
      const text = await api.archivePlaylist(storage, source, [fromMs, fromMs + windowMs], this.#signal);
      return this.playlist.add(parsePlaylist(text), api.serverNowMs() - settlingMs);
    } catch (e) {
      if (e instanceof api.ApiError && e.status === 404) return 0;
      throw e;
    }
  }
}

export async function openArchive(route: ArchiveRoute, around: Surroundings): Promise<Stream> {
  const { video, signal } = around;
  const feed = new Feed(route, signal);
  const [Hls] = await Promise.all([loadHls(), feed.more()]);
  if (signal.aborted) throw signal.reason;
  const { playlist } = feed;
  const { beginMs } = playlist;
  if (beginMs === undefined) {
    const edge = playlist.ended ? '' : ' The newest seconds are not in the archive yet: look at them live.';
    throw new Error(`Nothing is recorded at or after ${momentText(zone.value, route.atMs)}.${edge}`);
  }
  if (beginMs > route.atMs + holeMs) around.notice(`Nothing is recorded at the chosen time. This is what comes next.`);

  const hls = new Hls({
    ...commonConfig,
    startPosition: Math.max(0, (route.atMs - beginMs) / 1000),
    // The playlist grows like a live one, but nobody wants to be at its end.
    liveSyncDurationCount: 3,
    liveMaxLatencyDurationCount: Number.POSITIVE_INFINITY,
    liveDurationInfinity: false,
    pLoader: loaderOf(async () => {
      const headMs = wallMs() ?? route.atMs;
      playlist.forget(headMs - keepMs);
      const leftMs = (playlist.endMs ?? headMs) - headMs;
      if (leftMs < leadMs * Math.max(1, video.playbackRate)) await feed.more();
      return playlist.write();
    }),
  });
  const wallMs = (): number | undefined => hls.playingDate?.getTime();
  watchErrors(Hls, hls, around.failed);
  hls.loadSource(api.archiveUrl(route.storage, route.source));
  hls.attachMedia(video);
  return {
    wallMs,
    seek: timeMs => {
      const fragment = hls.latestLevelDetails?.fragments.find(f => {
        const begin = f.programDateTime ?? Number.NaN;
        return begin <= timeMs && timeMs < begin + f.duration * 1000;
      });
      if (!fragment || video.readyState === 0) return false;
      video.currentTime = fragment.start + (timeMs - (fragment.programDateTime ?? timeMs)) / 1000;
      return true;
    },
    beforePlay: () => {},
    close: () => hls.destroy(),
  };
}

/** A loader of hls.js for playlists that are made here. */
function loaderOf(playlist: () => Promise<string>) {
  const stats = (): LoaderStats => ({
    ...{ aborted: false, loaded: 0, retry: 0, total: 0, chunkCount: 0, bwEstimate: 0 },
    ...{
      loading: { start: 0, first: 0, end: 0 },
      parsing: { start: 0, end: 0 },
      buffering: { start: 0, first: 0, end: 0 },
    },
  });
  return class PlaylistLoader {
    context: PlaylistLoaderContext | null = null;
    stats = stats();
    #aborted = false;

    load(context: PlaylistLoaderContext, _config: unknown, callbacks: LoaderCallbacks<PlaylistLoaderContext>): void {
      this.context = context;
      this.stats.loading.start = performance.now();
      playlist().then(
        data => {
          if (this.#aborted) return;
          const { loading } = this.stats;
          loading.first = loading.end = performance.now();
          this.stats.loaded = this.stats.total = data.length;
          callbacks.onSuccess({ url: context.url, data, code: 200 }, this.stats, context, null);
        },
        (e: unknown) => {
          if (this.#aborted) return;
          const code = e instanceof api.ApiError ? e.status : 0;
          callbacks.onError({ code, text: String(e) }, context, null, this.stats);
        },
      );
    }

    abort(): void {
      this.#aborted = true;
      this.stats.aborted = true;
    }

    destroy(): void {
      this.abort();
      this.context = null;
    }
  };
}
