/** What is recorded of one track around the shown part of time: asked for when the user looks elsewhere, and again as time goes on. */
import { signal } from '@preact/signals';
import * as api from './api.ts';
import { endOf, type Interval, intervalAt, merge, type Window } from './timeline-maths.ts';
import { failureText } from './words.ts';

export interface Track {
  readonly storage: string;
  readonly source: string;
}

export interface Recorded {
  readonly of: Track;
  /** What was asked about; outside, nothing is known. */
  readonly part: Interval;
  readonly intervals: readonly Interval[];
  readonly gaps: readonly api.Gap[];
}

export const recorded = signal<Recorded | undefined>(undefined);
export const recordedError = signal('');

const freshMs = 10_000;
const oldMs = 60_000;
/** While the user is still moving. */
const settleMs = 120;

let asking = new AbortController();
let timer: ReturnType<typeof setTimeout> | undefined;
let askedMs = 0;
let failedMs = 0;

const same = (a: Track, b: Track): boolean => a.storage === b.storage && a.source === b.source;

/** Call it whenever the window moves and once a second; it asks only when needed. */
export function lookAt(track: Track | undefined, window: Window, nowMs: number): void {
  const { value: known } = recorded;
  if (!track) {
    stop();
    recorded.value = undefined;
    recordedError.value = '';
    return;
  }
  const mine = known && same(known.of, track) ? known : undefined;
  if (known && !mine) {
    stop();
    recorded.value = undefined;
    recordedError.value = '';
    failedMs = 0;
  }
  const begin = window.beginMs;
  const end = Math.min(endOf(window), nowMs);
  const inside = mine && begin >= mine.part[0] && end <= Math.max(mine.part[1], askedMs + freshMs);
  // Far zoomed in, intervals that were asked for a week are exact all the same, but too many to keep.
  const fine = mine && mine.part[1] - mine.part[0] < window.spanMs * 20;
  const age = Date.now() - askedMs;
  const old = age > (endOf(window) >= nowMs - oldMs ? freshMs : oldMs);
  if (inside && fine && !old) return;
  if (timer || Date.now() - failedMs < 3000) return;
  timer = setTimeout(() => {
    timer = undefined;
    void ask(track, [Math.floor(begin - window.spanMs / 2), Math.ceil(endOf(window) + window.spanMs / 2)]);
  }, settleMs);
}

function stop(): void {
  clearTimeout(timer);
  timer = undefined;
  asking.abort();
}

async function ask(track: Track, part: Interval): Promise<void> {
  asking.abort();
  asking = new AbortController();
  const { signal: stopped } = asking;
  askedMs = Date.now();
  try {
    const [intervals, gaps] = await Promise.all([
      api.timeline(track.storage, track.source, part, stopped),
      // Without the reasons the recordings are still worth showing.
      api.gaps(track.storage, track.source, part, stopped).catch((e: unknown): api.Gap[] => {
        if (e instanceof api.ApiError) return [];
        throw e;
      }),
    ]);
    if (stopped.aborted) return;
    recorded.value = { of: track, part, intervals: merge(intervals), gaps };
    recordedError.value = '';
  } catch (e) {
    if (stopped.aborted) return;
    failedMs = Date.now();
    recordedError.value = e instanceof api.ApiError ? failureText(e) : String(e);
  }
}

/** What is known of a moment. */
export type Moment =
  | { readonly kind: 'recorded'; readonly interval: Interval }
  | { readonly kind: 'gap'; readonly gap: api.Gap }
  | { readonly kind: 'nothing' | 'unknown' };

export function momentOf(known: Recorded | undefined, timeMs: number): Moment {
  if (!known || timeMs < known.part[0] || timeMs >= known.part[1]) return { kind: 'unknown' };
  const interval = intervalAt(known.intervals, timeMs);
  if (interval) return { kind: 'recorded', interval };
  const gap = known.gaps.find(g => g.beginMs <= timeMs && timeMs < g.endMs);
  return gap ? { kind: 'gap', gap } : { kind: 'nothing' };
}
