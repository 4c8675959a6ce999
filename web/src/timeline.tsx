/** The timeline: recordings, gaps, now and the playhead on a canvas that is dragged, zoomed, clicked and driven by keys. */
import { signal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { route } from './navigation.ts';
import { playheadMs } from './player.ts';
import { lookAt, momentOf, recorded, recordedError } from './recorded.ts';
import { connection, nowMs, sourceNamed } from './server.ts';
import { zone } from './settings.ts';
import { clockText, dateText, durationText, momentText } from './time-text.ts';
import { listen, type Meaning } from './timeline-gestures.ts';
import { endOf, pan, pinch, timeFromX, xFromTime, zoom } from './timeline-maths.ts';
import { bandTop, paint } from './timeline-paint.ts';
import { chosen, goLive, keepUp, move, playAt, range, setRange, shown, track } from './view.ts';
import { reasonText } from './words.ts';

const heightPx = 96;
/** A finger is wider than a line. */
const handlePx = 10;

const hoverX = signal<number | undefined>(undefined);

export function Timeline() {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => (canvas.current ? install(canvas.current) : undefined), []);
  useSignalEffect(() => {
    lookAt(track.value, shown.value, nowMs.value);
  });
  useSignalEffect(() => {
    // Both move on by themselves.
    if (nowMs.value || playheadMs.value) keepUp();
  });
  useSignalEffect(() => {
    if (canvas.current) draw(canvas.current);
  });
  const headMs = playheadMs.value ?? nowMs.value;
  return (
    <div class="timeline">
      <canvas
        ref={canvas}
        tabIndex={0}
        role="slider"
        aria-label="Timeline"
        aria-orientation="horizontal"
        aria-valuemin={Math.round(shown.value.beginMs / 1000)}
        aria-valuemax={Math.round(endOf(shown.value) / 1000)}
        aria-valuenow={Math.round(headMs / 1000)}
        aria-valuetext={`${momentText(zone.value, headMs)}, ${aboutMoment(headMs)}`}
        onKeyDown={onKey}
      />
      <Tooltip />
      <Words />
    </div>
  );
}

function install(canvas: HTMLCanvasElement): () => void {
  const sized = new ResizeObserver(() => {
    shown.value = { ...shown.value, widthPx: canvas.clientWidth };
  });
  sized.observe(canvas);
  const silence = listen(canvas, meaning);
  return () => {
    sized.disconnect();
    silence();
  };
}

const meaning: Meaning = {
  zoom: (factor, x) => move(zoom(shown.value, factor, x)),
  pan: dx => move(pan(shown.value, dx)),
  pinch: (from, to) => move(pinch(shown.value, from, to)),
  play: x => playAt(timeFromX(shown.value, x)),
  range: (from, to) => {
    const [a, b] = [timeFromX(shown.value, from), timeFromX(shown.value, to)];
    range.value = { beginMs: Math.min(a, b), endMs: Math.min(Math.max(a, b), nowMs.value) };
  },
  handleAt: x => {
    const { beginMs, endMs } = range.value;
    // In a range of a few pixels one could not be told from the other.
    const part = chosen.value;
    if (part && xFromTime(shown.value, part[1]) - xFromTime(shown.value, part[0]) < 3 * handlePx) return undefined;
    const near = (timeMs: number | undefined): boolean =>
      timeMs !== undefined && Math.abs(xFromTime(shown.value, timeMs) - x) <= handlePx;
    return near(endMs) ? 'end' : near(beginMs) ? 'begin' : undefined;
  },
  moveHandle: (handle, x) => {
    const timeMs = timeFromX(shown.value, x);
    const { beginMs, endMs } = range.value;
    if (handle === 'begin') range.value = { beginMs: Math.min(timeMs, (endMs ?? timeMs + 1000) - 1000), endMs };
    else range.value = { beginMs, endMs: Math.min(nowMs.value, Math.max(timeMs, (beginMs ?? timeMs - 1000) + 1000)) };
  },
  hover: x => {
    hoverX.value = x;
  },
};

function onKey(e: KeyboardEvent): void {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  const w = shown.value;
  const headMs = playheadMs.value ?? nowMs.value;
  // A step that can be seen, whatever the zoom.
  const stepMs = Math.max(1000, Math.round(w.spanMs / 360_000) * 1000) * (e.shiftKey ? 6 : 1);
  const middle = xFromTime(w, headMs) >= 0 && xFromTime(w, headMs) <= w.widthPx ? xFromTime(w, headMs) : w.widthPx / 2;
  const deeds: Readonly<Record<string, () => void>> = {
    ArrowLeft: () => playAt(headMs - stepMs),
    ArrowRight: () => playAt(headMs + stepMs),
    PageUp: () => move(pan(w, w.widthPx / 2)),
    PageDown: () => move(pan(w, -w.widthPx / 2)),
    Home: () => playAt(firstMs() ?? headMs),
    End: () => route.value && goLive(route.value.source),
    ArrowUp: () => move(zoom(w, 0.7, middle)),
    ArrowDown: () => move(zoom(w, 1.4, middle)),
    '+': () => move(zoom(w, 0.7, middle)),
    '=': () => move(zoom(w, 0.7, middle)),
    '-': () => move(zoom(w, 1.4, middle)),
    i: () => setRange('begin', headMs),
    o: () => setRange('end', headMs),
    Escape: () => {
      range.value = {};
    },
  };
  const deed = deeds[e.key];
  if (!deed) return;
  e.preventDefault();
  deed();
}

const firstMs = (): number | undefined => {
  const of = track.value;
  return of && sourceNamed(of.source)?.recordings.find(r => r.storage === of.storage)?.beginMs;
};

function draw(canvas: HTMLCanvasElement): void {
  const w = shown.value;
  const density = devicePixelRatio || 1;
  const [width, height] = [Math.round(w.widthPx * density), Math.round(heightPx * density)];
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext('2d');
  if (!context) return;
  context.setTransform(density, 0, 0, density, 0, 0);
  const hover = hoverX.value;
  paint(context, {
    window: w,
    heightPx,
    zone: zone.value,
    intervals: recorded.value?.intervals ?? [],
    gaps: recorded.value?.gaps ?? [],
    nowMs: nowMs.value,
    playheadMs: playheadMs.value,
    live: route.value?.mode === 'live',
    hoverMs: hover === undefined ? undefined : timeFromX(w, hover),
    range: range.value,
  });
}

function aboutMoment(timeMs: number): string {
  if (timeMs > nowMs.value) return 'in the future';
  const moment = momentOf(recorded.value, timeMs);
  if (moment.kind === 'gap') {
    const { reason, beginMs, endMs } = moment.gap;
    return `${reasonText(reason)}, ${durationText(endMs - beginMs)}`;
  }
  return { recorded: 'recorded', nothing: 'not recorded', unknown: '' }[moment.kind];
}

function Tooltip() {
  const x = hoverX.value;
  if (x === undefined || x < 0 || x > shown.value.widthPx) return null;
  const timeMs = timeFromX(shown.value, x);
  const about = aboutMoment(timeMs);
  const side = x > shown.value.widthPx / 2 ? 'left' : 'right';
  return (
    <div class={`tooltip ${side}`} style={{ left: `${x}px` }} aria-hidden="true">
      <strong>{clockText(zone.value, timeMs)}</strong> {dateText(zone.value, timeMs)}
      {about !== '' && <br />}
      {about}
    </div>
  );
}

/** In place of footage: why there is none to be seen. */
function Words() {
  const of = track.value;
  // Of the connection the banner tells.
  const text =
    !route.value || connection.value.kind === 'down'
      ? ''
      : !of
        ? connection.value.kind === 'up'
          ? 'This source is not recorded.'
          : ''
        : recordedError.value !== ''
          ? `The timeline could not be loaded. ${recordedError.value}`
          : !recorded.value
            ? 'Loading the timeline…'
            : '';
  return text === '' ? null : (
    <p class="words" role="status" style={{ top: `${bandTop}px` }}>
      {text}
    </p>
  );
}
