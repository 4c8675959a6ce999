/**
 * How far back each track will reach (api.md 6.6): from what it takes a day now and the limits. Pure.
 *
 * The ring deletes the oldest of all tracks, so tracks that share a space reach equally far back, except those
 * that their own limit ends earlier: what they leave goes to the others.
 */
import { isoTime } from '#core/time';
import type { Forecast, Limits, TrackForecast } from './library.ts';
import type { Volume } from './retention.ts';

const gigabyte = 1e9;
const dayMs = 86_400_000;

export interface TrackFacts {
  readonly name: string;
  readonly bytes: number;
  readonly bytesPerDay: number;
  /** Recorded time per time, 0 to 1. */
  readonly share: number;
  readonly depthHours: number;
  readonly lockedBytes: number;
  /** Its depths, and its own size. */
  readonly limits: Limits;
}

/** What ends a track by itself, whatever the others do. */
interface OwnEnd {
  readonly hours: number;
  readonly by: string | null;
}

function ownEnd({ limits, bytesPerDay, share, lockedBytes }: TrackFacts): OwnEnd {
  const ends: OwnEnd[] = [{ hours: Number.POSITIVE_INFINITY, by: null }];
  const { max_depth_abs_hours: absolute, max_depth_rel_hours: relative, max_size_gb: size } = limits;
  if (absolute !== undefined) ends.push({ hours: absolute, by: 'max_depth_abs_hours' });
  if (relative !== undefined && share > 0) ends.push({ hours: relative / share, by: 'max_depth_rel_hours' });
  if (size !== undefined && bytesPerDay > 0)
    ends.push({ hours: (24 * Math.max(0, size * gigabyte - lockedBytes)) / bytesPerDay, by: 'max_size_gb' });
  return ends.reduce((a, b) => (b.hours < a.hours ? b : a));
}

/** How far back all tracks reach together in `bytes`, tracks that end earlier by themselves aside. */
function commonHours(tracks: readonly { readonly rate: number; readonly hours: number }[], bytes: number): number {
  let left = bytes;
  let rate = tracks.reduce((sum, t) => sum + t.rate, 0);
  let from = 0;
  for (const t of [...tracks].sort((a, b) => a.hours - b.hours)) {
    if (rate <= 0 || left < (t.hours - from) * rate) break;
    left -= (t.hours - from) * rate;
    from = t.hours;
    rate -= t.rate;
  }
  return rate > 1e-9 ? from + Math.max(0, left) / rate : Number.POSITIVE_INFINITY;
}

/** Bytes that all tracks take together when they reach `hours` back. */
const bytesAt = (tracks: readonly { readonly rate: number; readonly hours: number }[], hours: number): number =>
  tracks.reduce((sum, t) => sum + t.rate * Math.min(hours, t.hours), 0);

/** `limits`: those in force of the whole archive. */
export function forecast(facts: readonly TrackFacts[], limits: Limits, volume: Volume, nowMs: number): Forecast {
  const used = facts.reduce((sum, t) => sum + t.bytes, 0);
  const locked = facts.reduce((sum, t) => sum + t.lockedBytes, 0);
  const spaces: { readonly bytes: number; readonly by: string }[] = [
    {
      bytes: used + volume.freeBytes - ((limits.keep_free_percents ?? 0) / 100) * volume.sizeBytes,
      by: limits.keep_free_percents === undefined ? 'volume' : 'keep_free_percents',
    },
  ];
  if (limits.max_size_gb !== undefined) spaces.push({ bytes: limits.max_size_gb * gigabyte, by: 'max_size_gb' });
  const space = spaces.reduce((a, b) => (b.bytes < a.bytes ? b : a));
  const room = Math.max(0, space.bytes - locked);
  const ends = facts.map(ownEnd);
  const rates = facts.map((t, i) => ({ rate: t.bytesPerDay / 24, hours: ends[i]?.hours ?? Number.POSITIVE_INFINITY }));
  const common = commonHours(rates, room);
  const tracks: Record<string, TrackForecast> = {};
  const advice: string[] = [];
  for (const [i, t] of facts.entries()) {
    const own = ends[i] ?? { hours: Number.POSITIVE_INFINITY, by: null };
    const isShared = t.bytesPerDay > 0 && common < own.hours;
    const expected = isShared ? common : own.hours;
    const wanted = wantedHours(t);
    tracks[t.name] = {
      bytes_per_day: Math.round(t.bytesPerDay),
      depth_hours: rounded(t.depthHours),
      expected_depth_hours: Number.isFinite(expected) ? rounded(expected) : null,
      wanted_hours: wanted === undefined ? null : rounded(wanted),
      limited_by: isShared ? space.by : own.by,
      locked_bytes: t.lockedBytes,
    };
    if (wanted === undefined || expected >= wanted * 0.99) continue;
    const missing =
      own.hours < wanted ? ((wanted - own.hours) * t.bytesPerDay) / 24 : Math.max(0, bytesAt(rates, wanted) - room);
    advice.push(
      `${t.name} will keep ${days(expected)} of ${days(wanted)} days; ${sizeText(missing)} more ${isShared && space.by !== 'max_size_gb' ? 'fixes' : 'in max_size_gb fixes'} it`,
    );
  }
  if (locked > 0 && locked >= space.bytes * 0.5)
    advice.push(`locks hold ${sizeText(locked)} of ${sizeText(space.bytes)}; recording stops when they hold all of it`);
  const perDay = facts.reduce((sum, t) => sum + t.bytesPerDay, 0);
  const isRing = ends.length > 0 && bytesAt(rates, Number.MAX_VALUE) <= room;
  const isFull = used >= space.bytes;
  return {
    volume: { size: volume.sizeBytes, free: volume.freeBytes },
    limits: Object.fromEntries(Object.entries(limits).filter(([, v]) => v !== undefined)),
    tracks,
    full_at: perDay > 0 && !isRing && !isFull ? isoTime(nowMs + ((space.bytes - used) / perDay) * dayMs) : null,
    advice,
  };
}

/** A depth that is set is one that is wanted. */
function wantedHours({ limits, share }: TrackFacts): number | undefined {
  const { max_depth_abs_hours: absolute, max_depth_rel_hours: relative } = limits;
  if (absolute === undefined && relative === undefined) return undefined;
  const inTime = relative === undefined || share <= 0 ? Number.POSITIVE_INFINITY : relative / share;
  const wanted = Math.min(absolute ?? Number.POSITIVE_INFINITY, inTime);
  return Number.isFinite(wanted) ? wanted : undefined;
}

const rounded = (hours: number): number => Math.round(hours * 10) / 10;
const days = (hours: number): string => String(Math.round((hours / 24) * 10) / 10);
function sizeText(bytes: number): string {
  const [unit, size] = bytes >= 1e12 ? ['TB', 1e12] : bytes >= 1e9 ? ['GB', 1e9] : ['MB', 1e6];
  return `${Math.ceil((bytes / size) * 10) / 10} ${unit}`;
}
