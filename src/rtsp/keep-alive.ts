/**
 * When and how the client keeps its session alive (RFC 2326 12.37), and what it learns from a session that died:
 * GET_PARAMETER where the server announces it, else OPTIONS, at half the time-out.
 */
import type { Lessons } from './quirks.ts';

/** Half of the 60 s after which a session ends where nobody says otherwise (RFC 2326 12.37). */
const mostMs = 30_000;
/** Whoever ends a session because of a request does it within this. */
const offendedMs = 3_000;
/** What ends sooner has other reasons than that it was not kept alive. */
const expiryLeastMs = 5_000;

export class KeepAlive {
  readonly #lessons: Lessons;
  #everyMs: number;
  #timeoutTold = false;
  #getParameter = false;
  #playingMs = Number.NaN;
  #atMs = 0;
  /** When it was done last. */
  #doneMs = Number.NEGATIVE_INFINITY;
  #answered = true;

  constructor(lessons: Lessons = {}) {
    this.#lessons = lessons;
    this.#everyMs = lessons.keepAliveMs ?? mostMs;
  }

  /** Methods that the server says it has: the value of Public. */
  announced(methods: string): void {
    this.#getParameter = this.#lessons.keepAliveByOptions !== true && /\bGET_PARAMETER\b/i.test(methods);
  }

  timeout(seconds: number): void {
    this.#timeoutTold = true;
    this.#everyMs = Math.max(1_000, Math.min(this.#everyMs, seconds * 500));
  }

  begin(nowMs: number): void {
    this.#playingMs = nowMs;
    this.#atMs = nowMs + this.#everyMs;
  }

  isDue(nowMs: number): boolean {
    return nowMs >= this.#atMs;
  }

  /** The method of the request that is sent now. */
  next(nowMs: number): 'GET_PARAMETER' | 'OPTIONS' {
    this.#atMs = nowMs + this.#everyMs;
    this.#doneMs = nowMs;
    this.#answered = false;
    return this.#getParameter ? 'GET_PARAMETER' : 'OPTIONS';
  }

  /** The server took it, whatever it said. */
  answered(): void {
    this.#answered = true;
  }

  /** GET_PARAMETER was announced, but not meant: OPTIONS does as well, at once. False: it was not GET_PARAMETER. */
  refused(nowMs: number): boolean {
    if (!this.#getParameter) return false;
    this.#getParameter = false;
    this.#atMs = nowMs;
    return true;
  }

  /** The other method is tried the next time. */
  change(): void {
    this.#getParameter = !this.#getParameter;
  }

  /** The session has ended against our will; media came until `mediaMs`. What the next one is to do better. */
  lessons(mediaMs: number): Lessons {
    if (Number.isNaN(this.#playingMs)) return this.#lessons;
    if (this.#getParameter && !this.#answered && Math.abs(mediaMs - this.#doneMs) <= offendedMs)
      return { ...this.#lessons, keepAliveByOptions: true };
    const playedMs = mediaMs - this.#playingMs;
    const kept = this.#doneMs > Number.NEGATIVE_INFINITY;
    if (this.#timeoutTold || kept || playedMs < expiryLeastMs || playedMs > this.#everyMs) return this.#lessons;
    return { ...this.#lessons, keepAliveMs: Math.round(playedMs / 3) };
  }
}
