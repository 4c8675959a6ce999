/** What the forecast (forecast.ts) needs to know, from the index. */
import type { ArchiveIndex } from '../index/archive-index.ts';
import { forecast, type TrackFacts } from './forecast.ts';
import type { AllLimits, Forecast } from './library.ts';
import { effectiveLimits, limitsOfTrack, type Volume } from './retention.ts';

/** What a track took over the last days is what it will take. */
const windowMs = 7 * 86_400_000;
const hourMs = 3_600_000;
const dayMs = 86_400_000;

/** Tracks that have footage. */
export function forecastOf(index: ArchiveIndex, all: AllLimits, volume: Volume, nowMs: number): Forecast {
  const facts = index.tracks().flatMap((track): TrackFacts[] => {
    const bounds = index.bounds(track.id);
    if (!bounds) return [];
    const since = Math.max(bounds[0], nowMs - windowMs);
    // A track that has just begun would be judged by its first second.
    const pastMs = Math.max(hourMs / 60, nowMs - since);
    const recordedMs = index
      .intervals(track.id)
      .clip(since, nowMs)
      .reduce((sum, [b, e]) => sum + e - b, 0);
    return [
      {
        name: track.name,
        bytes: track.bytes,
        bytesPerDay: (index.bytesSince(track.id, since) / pastMs) * dayMs,
        share: Math.min(1, recordedMs / pastMs),
        depthHours: (bounds[1] - bounds[0]) / hourMs,
        lockedBytes: index.locks.totals(track.id).bytes,
        limits: limitsOfTrack(all, track.name),
      },
    ];
  });
  return forecast(facts, effectiveLimits(all.limits), volume, nowMs);
}
