/** A source as it is now, by HLS. */
import * as api from './api.ts';
import type { Route } from './route.ts';
import { commonConfig, loadHls, type Stream, type Surroundings, watchErrors } from './stream.ts';

export async function openLive(route: Route & { mode: 'live' }, around: Surroundings): Promise<Stream> {
  const { video, signal } = around;
  // Asked once by hand: of a failure the library tells the status, but not the server's reason.
  const [Hls] = await Promise.all([loadHls(), api.livePlaylist(route.source, signal)]);
  if (signal.aborted) throw signal.reason;
  const hls = new Hls({
    ...commonConfig,
    backBufferLength: 20,
    liveSyncDurationCount: 2,
    liveMaxLatencyDurationCount: 6,
    // Catches up unnoticed instead of jumping.
    maxLiveSyncPlaybackRate: 1.15,
  });
  watchErrors(Hls, hls, around.failed);
  hls.loadSource(api.liveUrl(route.source));
  hls.attachMedia(video);
  return {
    wallMs: () => hls.playingDate?.getTime(),
    seek: () => false,
    beforePlay: () => {
      const edge = hls.liveSyncPosition;
      if (edge !== null && video.readyState > 0 && video.currentTime < edge - 2) video.currentTime = edge;
    },
    close: () => hls.destroy(),
  };
}
