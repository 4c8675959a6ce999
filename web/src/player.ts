/**
 * Plays a route in one video element: opens the stream that it needs, says in words what is
 * the matter, and tries again. What is shown is in signals.
 */
import { signal } from '@preact/signals';
import { ApiError, serverNowMs } from './api.ts';
import { openArchive } from './archive-stream.ts';
import { openLive } from './live-stream.ts';
import { amend, go, route } from './navigation.ts';
import type { Route } from './route.ts';
import { sourceNamed } from './server.ts';
import { sound } from './settings.ts';
import type { Stream } from './stream.ts';
import { failureText } from './words.ts';

export type PlayState =
  | { readonly kind: 'idle' | 'playing' | 'paused' | 'ended' }
  | { readonly kind: 'loading' | 'waiting'; readonly sinceMs: number }
  | { readonly kind: 'failed'; readonly text: string; readonly retryAtMs: number };

export const playState = signal<PlayState>({ kind: 'idle' });
/** Wall clock of the picture that is shown. */
export const playheadMs = signal<number | undefined>(undefined);
/** Something to know that is no failure: a gap was skipped. */
export const notice = signal('');
export const speed = signal(1);

/** Longer than the server waits for a first picture (docs/spec/api.md 4.2). */
const patienceMs = 15_000;
const firstRetryMs = 2000;
const mostRetryMs = 15_000;
const noticeMs = 8000;
/** Nearer to now than this there is no footage to wait for that live would not show sooner. */
const caughtUpMs = 40_000;
/** The address follows the playhead, but browsers limit how often it may change. */
const amendMs = 5000;

export class Player {
  readonly #video: HTMLVideoElement;
  #stream: Stream | undefined;
  #route: Route | undefined;
  #opening = new AbortController();
  #retryMs = firstRetryMs;
  #amendedMs = 0;
  /** What the user wants; the element also stops by itself. */
  #wantsToPlay = true;

  constructor(video: HTMLVideoElement) {
    this.#video = video;
    video.addEventListener('playing', () => {
      this.#retryMs = firstRetryMs;
      playState.value = { kind: 'playing' };
    });
    video.addEventListener('waiting', () => this.#waits());
    video.addEventListener('pause', () => {
      if (!video.ended && playState.value.kind === 'playing') playState.value = { kind: 'paused' };
    });
    video.addEventListener('ended', () => {
      playState.value = { kind: 'ended' };
    });
    video.addEventListener('timeupdate', () => this.#moves());
    setInterval(() => this.#tick(), 500);
  }

  /** Shows this from now on; in what is already loaded it only jumps. */
  open(to: Route): void {
    const from = this.#route;
    this.#route = to;
    const sameTrack =
      from?.mode === 'archive' && to.mode === 'archive' && from.storage === to.storage && from.source === to.source;
    if (sameTrack && playState.value.kind !== 'failed' && this.#stream?.seek(to.atMs)) {
      notice.value = '';
      playheadMs.value = to.atMs;
      if (!this.#wantsToPlay) return;
      playState.value = { kind: 'waiting', sinceMs: Date.now() };
      this.play();
      return;
    }
    this.#retryMs = firstRetryMs;
    if (to.mode === 'live') speed.value = 1;
    this.#wantsToPlay = true;
    notice.value = '';
    void this.#start(to);
  }

  play(): void {
    this.#wantsToPlay = true;
    if (playState.value.kind === 'failed') this.retry();
    if (playState.value.kind === 'failed' || playState.value.kind === 'ended') return;
    this.#stream?.beforePlay();
    this.#video.play().catch((e: unknown) => {
      // Browsers refuse sound before the first click: a picture without sound is better than none.
      if (!(e instanceof DOMException && e.name === 'NotAllowedError')) return;
      if (!this.#video.muted) {
        sound.value = 'off';
        this.#video.muted = true;
        this.play();
      } else playState.value = { kind: 'paused' };
    });
  }

  pause(): void {
    this.#wantsToPlay = false;
    this.#video.pause();
    playState.value = { kind: 'paused' };
    this.#amend(true);
  }

  toggle(): void {
    if (this.#video.paused) this.play();
    else this.pause();
  }

  setSpeed(to: number): void {
    speed.value = to;
    this.#video.playbackRate = to;
  }

  retry(): void {
    if (this.#route) void this.#start(this.#here(this.#route));
  }

  async #start(to: Route): Promise<void> {
    this.#opening.abort();
    this.#stream?.close();
    this.#stream = undefined;
    const opening = new AbortController();
    this.#opening = opening;
    playheadMs.value = to.mode === 'archive' ? to.atMs : undefined;
    playState.value = { kind: 'loading', sinceMs: Date.now() };
    const surroundings = {
      video: this.#video,
      signal: opening.signal,
      failed: (text: string) => {
        if (!opening.signal.aborted) this.#fails(text);
      },
      notice: (text: string) => {
        notice.value = text;
        setTimeout(() => {
          if (notice.value === text) notice.value = '';
        }, noticeMs);
      },
    };
    try {
      const stream = await (to.mode === 'live' ? openLive(to, surroundings) : openArchive(to, surroundings));
      if (opening.signal.aborted) return stream.close();
      this.#stream = stream;
      this.#video.playbackRate = speed.value;
      if (this.#wantsToPlay) this.play();
    } catch (e) {
      if (opening.signal.aborted) return;
      this.#fails(e instanceof ApiError ? failureText(e) : e instanceof Error ? e.message : String(e));
    }
  }

  #fails(text: string): void {
    this.#opening.abort();
    this.#stream?.close();
    this.#stream = undefined;
    playState.value = { kind: 'failed', text, retryAtMs: Date.now() + this.#retryMs };
    this.#retryMs = Math.min(mostRetryMs, this.#retryMs * 2);
  }

  #waits(): void {
    if (playState.value.kind !== 'playing') return;
    playState.value = { kind: 'waiting', sinceMs: Date.now() };
    const { source, mode } = this.#route ?? {};
    // Who plays faster than time goes wants to catch up, and now has; who does not waits some seconds for the next ones.
    if (
      mode === 'archive' &&
      source !== undefined &&
      speed.value > 1 &&
      (behindMs() ?? Number.POSITIVE_INFINITY) < caughtUpMs
    )
      if (sourceNamed(source)?.state === 'live') go({ mode: 'live', source });
  }

  #moves(): void {
    const wallMs = this.#stream?.wallMs();
    if (wallMs === undefined || this.#video.seeking) return;
    playheadMs.value = wallMs;
    if (playState.value.kind === 'waiting' && !this.#video.paused) playState.value = { kind: 'playing' };
    this.#amend(false);
  }

  #amend(now: boolean): void {
    if (this.#route?.mode !== 'archive' || (!now && Date.now() - this.#amendedMs < amendMs)) return;
    this.#amendedMs = Date.now();
    // The user may have gone elsewhere, and the new stream is not there yet.
    if (route.value === this.#route) amend(this.#here(this.#route), false);
  }

  #here(at: Route): Route {
    const wallMs = playheadMs.value;
    return at.mode === 'archive' && wallMs !== undefined ? { ...at, atMs: Math.round(wallMs) } : at;
  }

  #tick(): void {
    const state = playState.value;
    if (state.kind === 'failed' && Date.now() >= state.retryAtMs && !document.hidden) this.retry();
    if ((state.kind === 'loading' || state.kind === 'waiting') && Date.now() - state.sinceMs > patienceMs)
      this.#fails('No pictures have come for 15 seconds.');
  }
}

/** How far the picture is behind the server's clock. */
export const behindMs = (): number | undefined =>
  playheadMs.value === undefined ? undefined : Math.max(0, serverNowMs() - playheadMs.value);
