/** Where the time of a file begins on the media time line of its run. Pure. */
import type { Fragment } from '#mp4/fragment';

/** Media time of a fragment's first sample of all tracks, seconds of the run. */
export const earliestSecond = ({ run, tracks }: Fragment): number =>
  Math.min(...tracks.map(t => t.baseDts / (run.tracks[t.track]?.timescale ?? 1)));

/** Media time at which each track's file time is 0; `first` is the earliest sample of all tracks, in seconds. */
export function originsOf({ run, tracks }: Fragment, first: number): number[] {
  // Rounding must not put the first sample before 0.
  return run.tracks.map((t, i) =>
    Math.min(Math.round(first * t.timescale), ...tracks.filter(f => f.track === i).map(f => f.baseDts)),
  );
}
