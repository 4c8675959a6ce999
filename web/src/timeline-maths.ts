/**
 * The arithmetic of the timeline: time to pixels and back, zooming and panning, where the
 * ticks stand, intervals. Pure; times are UTC milliseconds, pixels are CSS pixels.
 */

/** What part of time is shown, and how wide. */
export interface Window {
  readonly beginMs: number;
  readonly spanMs: number;
  readonly widthPx: number;
}

/** `[begin, end)`. */
export type Interval = readonly [beginMs: number, endMs: number];

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Below, a pixel is less than a picture; above, a day is less than thirty. */
export const leastSpanMs = 20 * second;
export const mostSpanMs = 35 * day;

export const endOf = (w: Window): number => w.beginMs + w.spanMs;
export const xFromTime = (w: Window, timeMs: number): number => ((timeMs - w.beginMs) / w.spanMs) * w.widthPx;
export const timeFromX = (w: Window, x: number): number =>
  w.widthPx > 0 ? w.beginMs + (x / w.widthPx) * w.spanMs : w.beginMs;

/** `factor` > 1 shows more time. What is under `x` stays there. */
export function zoom(w: Window, factor: number, x: number): Window {
  const spanMs = Math.min(mostSpanMs, Math.max(leastSpanMs, w.spanMs * factor));
  const heldMs = timeFromX(w, x);
  return { ...w, spanMs, beginMs: heldMs - (w.widthPx > 0 ? x / w.widthPx : 0) * spanMs };
}

/** Moves the content by `dx` pixels: to the right is back in time. */
export const pan = (w: Window, dx: number): Window => ({
  ...w,
  beginMs: w.beginMs - (w.widthPx > 0 ? dx / w.widthPx : 0) * w.spanMs,
});

/** Not further than a third of the window into the future: there is nothing to see. */
export const within = (w: Window, nowMs: number): Window => ({
  ...w,
  beginMs: Math.min(w.beginMs, nowMs - (w.spanMs * 2) / 3),
});

/** The same window, moved so that a moment is inside, at `share` of its width if it was not. */
export function showing(w: Window, timeMs: number, share = 0.5): Window {
  const margin = w.spanMs * 0.02;
  if (timeMs >= w.beginMs + margin && timeMs <= endOf(w) - margin) return w;
  return { ...w, beginMs: timeMs - w.spanMs * share };
}

/** Two fingers at `from` have moved to `to`: what was under each is under it again. */
export function pinch(w: Window, from: readonly [number, number], to: readonly [number, number]): Window {
  const before = Math.max(8, Math.abs(from[1] - from[0]));
  const after = Math.max(8, Math.abs(to[1] - to[0]));
  const [middle, target] = [(from[0] + from[1]) / 2, (to[0] + to[1]) / 2];
  return pan(zoom(w, before / after, middle), target - middle);
}

const steps: readonly number[] = [
  ...[1, 2, 5, 10, 15, 30].map(n => n * second),
  ...[1, 2, 5, 10, 15, 30].map(n => n * minute),
  ...[1, 2, 3, 6, 12].map(n => n * hour),
  ...[1, 2, 7, 14].map(n => n * day),
];

export interface Ticks {
  readonly stepMs: number;
  readonly timesMs: readonly number[];
}

/**
 * Round moments of the window, at least `leastPx` apart. `offsetMs` is the distance of the
 * shown clock from UTC at a moment: with summer time, midnight is not a multiple of anything.
 */
export function ticks(w: Window, leastPx: number, offsetMs: (timeMs: number) => number): Ticks {
  if (w.widthPx <= 0) return { stepMs: day, timesMs: [] };
  const leastMs = (leastPx / w.widthPx) * w.spanMs;
  const stepMs = steps.find(s => s >= leastMs) ?? 28 * day;
  const timesMs: number[] = [];
  const first = Math.floor((w.beginMs + offsetMs(w.beginMs)) / stepMs);
  // A step more than fits, since the clock may jump inside the window.
  const most = Math.ceil(w.spanMs / stepMs) + 2 + Math.ceil((2 * hour) / stepMs);
  for (let i = 0; i <= most; i++) {
    const shown = (first + i) * stepMs;
    const timeMs = shown - offsetMs(shown - offsetMs(shown));
    if (timeMs > endOf(w)) break;
    if (timeMs >= w.beginMs && timeMs > (timesMs.at(-1) ?? Number.NEGATIVE_INFINITY)) timesMs.push(timeMs);
  }
  return { stepMs, timesMs };
}

/** In order, without overlap; what is at most `joinMs` apart becomes one. */
export function merge(intervals: readonly Interval[], joinMs = 0): Interval[] {
  const sorted = intervals.filter(([b, e]) => e > b).sort((a, b) => a[0] - b[0]);
  const merged: [number, number][] = [];
  for (const [b, e] of sorted) {
    const last = merged.at(-1);
    if (last && b - last[1] <= joinMs) last[1] = Math.max(last[1], e);
    else merged.push([b, e]);
  }
  return merged;
}

/** Index of the first interval that ends after the moment; the length if there is none. */
function indexAfter(intervals: readonly Interval[], timeMs: number): number {
  let [low, high] = [0, intervals.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((intervals[middle]?.[1] ?? 0) > timeMs) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Of merged intervals: the one that contains the moment. */
export function intervalAt(intervals: readonly Interval[], timeMs: number): Interval | undefined {
  const found = intervals[indexAfter(intervals, timeMs)];
  return found && found[0] <= timeMs ? found : undefined;
}

/** Of merged intervals: how much of `[begin, end)` they cover. */
export function coveredMs(intervals: readonly Interval[], [begin, end]: Interval): number {
  let sum = 0;
  for (const [b, e] of intervals) sum += Math.max(0, Math.min(e, end) - Math.max(b, begin));
  return sum;
}
