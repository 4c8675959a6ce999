/** What part of time the timeline shows and which range is chosen: signals that the timeline, its keys and its buttons change. */
import { batch, computed, signal } from '@preact/signals';
import { go, route } from './navigation.ts';
import { playheadMs } from './player.ts';
import type { Track } from './recorded.ts';
import { nowMs, sourceNamed } from './server.ts';
import { type Interval, showing, type Window, within } from './timeline-maths.ts';

const hourMs = 3_600_000;
/** Where now stands while the timeline follows it: a little future shows that it is the end. */
const nowShare = 0.96;

export const shown = signal<Window>({ beginMs: nowMs.value - hourMs * nowShare, spanMs: hourMs, widthPx: 0 });
/** The window goes along with what plays, until the user moves it. */
export const following = signal(true);
export const range = signal<{ readonly beginMs?: number | undefined; readonly endMs?: number | undefined }>({});
export const chosen = computed<Interval | undefined>(() => {
  const { beginMs, endMs } = range.value;
  return beginMs !== undefined && endMs !== undefined && endMs > beginMs ? [beginMs, endMs] : undefined;
});

/** Of a live source: the storage whose timeline is shown, until the user picks another. */
export const preferredStorage = signal<string | undefined>(undefined);

/** The track that the timeline shows; undefined when nothing is recorded of the source. */
export const track = computed<Track | undefined>(() => {
  const at = route.value;
  if (!at) return undefined;
  if (at.mode === 'archive') return { storage: at.storage, source: at.source };
  const recordings = sourceNamed(at.source)?.recordings ?? [];
  const wanted = recordings.find(r => r.storage === preferredStorage.value);
  const [best] = [...(wanted ? [wanted] : recordings)].sort((a, b) => b.endMs - a.endMs);
  return best && { storage: best.storage, source: at.source };
});

export function move(to: Window, byUser = true): void {
  batch(() => {
    shown.value = within(to, nowMs.value);
    if (byUser) following.value = false;
  });
}

/** Called as time goes on. */
export function keepUp(): void {
  if (!following.value) return;
  const w = shown.value;
  const archive = route.value?.mode === 'archive';
  if (!archive) shown.value = { ...w, beginMs: nowMs.value - w.spanMs * nowShare };
  else if (playheadMs.value !== undefined) move(showing(w, playheadMs.value, 0.25), false);
}

/** Shows so much time, around what plays. */
export function showSpan(spanMs: number): void {
  const w = shown.value;
  const heldMs = playheadMs.value ?? nowMs.value;
  const live = route.value?.mode !== 'archive';
  batch(() => {
    following.value = true;
    move({ ...w, spanMs, beginMs: live ? nowMs.value - spanMs * nowShare : heldMs - spanMs / 2 }, false);
  });
}

/** The newest footage is not in the archive yet, but it is what live shows. */
const notYetMs = 20_000;

/** Plays the shown track at that moment; at now and later, live if there is a live picture. */
export function playAt(timeMs: number): void {
  const of = track.value;
  if (!of) return;
  const state = sourceNamed(of.source)?.state ?? 'archive';
  following.value = true;
  if (state === 'live' && timeMs >= nowMs.value - notYetMs) goLive(of.source);
  else go({ mode: 'archive', ...of, atMs: Math.round(Math.min(timeMs, nowMs.value)) });
}

export function goLive(source: string): void {
  following.value = true;
  go({ mode: 'live', source });
  keepUp();
}

/** Sets one end of the range; an end on the wrong side of the other drops it. */
export function setRange(which: 'begin' | 'end', timeMs: number): void {
  const { beginMs, endMs } = range.value;
  if (which === 'begin')
    range.value = { beginMs: timeMs, endMs: endMs !== undefined && endMs > timeMs ? endMs : undefined };
  else range.value = { beginMs: beginMs !== undefined && beginMs < timeMs ? beginMs : undefined, endMs: timeMs };
}
