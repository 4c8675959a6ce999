/** What is recorded and why not, as api.md 6.1 and 6.5 tell it: from the index alone, O(intervals). */
import { Fault } from '#core/errors';
import { isoTime } from '#core/time';
import type { ArchiveIndex } from '../index/archive-index.ts';
import type { Span } from '../index/interval-list.ts';
import type { TrackRow } from '../index/rows.ts';
import type { GapEntry, Range, Summary, TrackDetails, TrackSummary } from '../library/library.ts';
import { filledGaps, gapCover } from './gap-cover.ts';

/** A span as callers read it. */
export const pair = ([begin, end]: Span): string[] => [isoTime(begin), isoTime(end)];

const boundsOf = (range: Range): Span => [
  range.beginMs ?? Number.NEGATIVE_INFINITY,
  range.endMs ?? Number.POSITIVE_INFINITY,
];

/** Fault `not-found` where the index has no such track. */
export function trackNamed(index: ArchiveIndex, name: string): TrackRow {
  const track = index.track(name);
  if (!track) throw new Fault('absent', 'not-found', `no track is called ${JSON.stringify(name.slice(0, 128))} here`);
  return track;
}

function summaryOf(index: ArchiveIndex, track: TrackRow): TrackSummary {
  const bounds = index.bounds(track.id);
  return { disk_usage: track.bytes, time_boundaries: bounds ? pair(bounds) : null };
}

/** Tracks that have files; a track that is only meant to be recorded is not on disk yet. */
export function summaryFrom(index: ArchiveIndex, freeBytes: number): Summary {
  const tracks = index.tracks().filter(t => t.files > 0);
  return {
    disk_usage: tracks.reduce((sum, t) => sum + t.bytes, 0),
    disk_free_space: freeBytes,
    contexts: Object.fromEntries(tracks.map(t => [t.name, summaryOf(index, t)])),
  };
}

/** Size and boundaries of the whole track, and its recorded intervals cut to the range. */
export function detailsFrom(index: ArchiveIndex, name: string, range: Range): TrackDetails {
  const track = trackNamed(index, name);
  const timeline = index.intervals(track.id).clip(...boundsOf(range));
  return { ...summaryOf(index, track), timeline: timeline.map(pair) };
}

/** Since the first recording or the first reason known; to the last footage, or to the present while a gap lasts. Those that were filled are told too. */
export function gapsFrom(index: ArchiveIndex, name: string, range: Range, nowMs: number): GapEntry[] {
  const track = trackNamed(index, name);
  const [from, to] = boundsOf(range);
  const intervals = index.intervals(track.id);
  const rows = index.gaps(track.id, from, to);
  const first = Math.min(
    intervals.bounds?.[0] ?? Number.POSITIVE_INFINITY,
    rows[0]?.beginMs ?? Number.POSITIVE_INFINITY,
  );
  const lasts = index.openGap(track.id) !== undefined;
  const ends = [intervals.bounds?.[1] ?? 0, ...rows.map(r => r.endMs ?? 0), lasts ? nowMs : 0];
  const begin = Math.max(from, first);
  const end = Math.min(to, Math.max(...ends));
  if (!(begin < end)) return [];
  const missing = gapCover(intervals.clip(begin, end), rows, [begin, end]);
  return [...missing, ...filledGaps(rows, [begin, end])]
    .sort((a, b) => a.beginMs - b.beginMs)
    .map(g => ({
      begin: isoTime(g.beginMs),
      end: isoTime(g.endMs),
      reason: g.reason,
      ...(g.filledMs === null ? {} : { filled: isoTime(g.filledMs) }),
    }));
}
