/** Draws the timeline: a scale, what is recorded, gaps, the chosen range, now, the playhead. Sizes are CSS pixels. */
import type { Gap } from './api.ts';
import { offsetMs, tickText, type Zone } from './time-text.ts';
import { type Interval, ticks, type Window, xFromTime } from './timeline-maths.ts';
import { isHarmless } from './words.ts';

export interface Picture {
  readonly window: Window;
  readonly heightPx: number;
  readonly zone: Zone;
  readonly intervals: readonly Interval[];
  readonly gaps: readonly Gap[];
  readonly nowMs: number;
  readonly playheadMs: number | undefined;
  readonly live: boolean;
  readonly hoverMs: number | undefined;
  /** One of the two may be missing while a range is being chosen. */
  readonly range: { readonly beginMs?: number | undefined; readonly endMs?: number | undefined };
}

const scalePx = 24;
const gapPx = 8;
export const bandTop = scalePx + gapPx;
const labelPx = 84;
const colors = {
  scale: '#8d99a8',
  line: '#2a323d',
  day: '#45505e',
  empty: '#0c0f14',
  recorded: '#3d7fc4',
  edge: '#6fb0f2',
  trouble: '#c2553f',
  harmless: '#4a5563',
  future: '#11161d',
  now: '#e5484d',
  head: '#f4f6f8',
  range: '#e0a526',
  hover: '#a8b3c1',
} as const;

export function paint(c: CanvasRenderingContext2D, p: Picture): void {
  const { window: w, heightPx } = p;
  c.clearRect(0, 0, w.widthPx, heightPx);
  const bandPx = heightPx - bandTop - gapPx;
  c.fillStyle = colors.empty;
  c.fillRect(0, bandTop, w.widthPx, bandPx);
  paintScale(c, p);
  for (const gap of p.gaps) paintGap(c, w, gap, bandPx);
  c.fillStyle = colors.recorded;
  for (const [begin, end] of p.intervals) bar(c, w, begin, end, bandTop, bandPx);
  const nowX = xFromTime(w, p.nowMs);
  if (nowX < w.widthPx) {
    c.fillStyle = colors.future;
    c.fillRect(Math.max(0, nowX), bandTop, w.widthPx - Math.max(0, nowX), bandPx);
    vertical(c, nowX, scalePx - 4, heightPx, 2, colors.now);
  }
  paintRange(c, p, bandPx);
  if (p.hoverMs !== undefined) vertical(c, xFromTime(w, p.hoverMs), scalePx, heightPx, 1, colors.hover);
  if (p.playheadMs !== undefined) paintHead(c, xFromTime(w, p.playheadMs), heightPx, p.live ? colors.now : colors.head);
}

/** What is shorter than a pixel is drawn as one: that it is there matters more than how long it is. */
function bar(c: CanvasRenderingContext2D, w: Window, begin: number, end: number, top: number, height: number): void {
  const left = xFromTime(w, begin);
  const right = xFromTime(w, end);
  if (right < 0 || left > w.widthPx) return;
  const from = Math.max(-1, left);
  c.fillRect(from, top, Math.max(1, Math.min(w.widthPx + 1, right) - from), height);
}

function paintGap(c: CanvasRenderingContext2D, w: Window, gap: Gap, bandPx: number): void {
  c.fillStyle = isHarmless(gap.reason) ? colors.harmless : colors.trouble;
  // A low bar, so that a gap is told from footage by its form too.
  bar(c, w, gap.beginMs, gap.endMs, bandTop + bandPx - 7, 7);
}

function paintScale(c: CanvasRenderingContext2D, p: Picture): void {
  const { window: w, zone, heightPx } = p;
  const { stepMs, timesMs } = ticks(w, labelPx, t => offsetMs(zone, t));
  c.font = '12px system-ui, sans-serif';
  c.textBaseline = 'middle';
  c.textAlign = 'left';
  for (const timeMs of timesMs) {
    const x = Math.round(xFromTime(w, timeMs)) + 0.5;
    const text = tickText(zone, timeMs, stepMs);
    const isDay = text.includes(' ');
    c.fillStyle = isDay ? colors.day : colors.line;
    c.fillRect(x - 0.5, isDay ? 4 : scalePx - 6, 1, heightPx);
    c.fillStyle = isDay ? colors.head : colors.scale;
    c.fillText(text, x + 5, 11);
  }
}

function paintRange(c: CanvasRenderingContext2D, p: Picture, bandPx: number): void {
  const { beginMs, endMs } = p.range;
  if (beginMs !== undefined && endMs !== undefined) {
    c.globalAlpha = 0.32;
    c.fillStyle = colors.range;
    bar(c, p.window, beginMs, endMs, bandTop - gapPx / 2, bandPx + gapPx);
    c.globalAlpha = 1;
  }
  const middle = bandTop + bandPx / 2;
  for (const [timeMs, side] of [
    [beginMs, 1],
    [endMs, -1],
  ] as const) {
    if (timeMs === undefined) continue;
    const x = xFromTime(p.window, timeMs);
    vertical(c, x, bandTop - gapPx / 2, p.heightPx - gapPx / 2, 2, colors.range);
    c.fillRect(side === 1 ? x : x - 6, middle - 9, 6, 18);
  }
}

function paintHead(c: CanvasRenderingContext2D, x: number, heightPx: number, color: string): void {
  vertical(c, x, scalePx - 2, heightPx, 2, color);
  c.beginPath();
  c.moveTo(x - 7, scalePx - 8);
  c.lineTo(x + 7, scalePx - 8);
  c.lineTo(x, scalePx + 2);
  c.fill();
}

function vertical(
  c: CanvasRenderingContext2D,
  x: number,
  top: number,
  bottom: number,
  width: number,
  color: string,
): void {
  c.fillStyle = color;
  c.fillRect(Math.round(x - width / 2), top, width, bottom - top);
}
