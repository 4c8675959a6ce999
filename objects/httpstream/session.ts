/**
 * One attempt to play: what the ways of playing have in common. Units go to the source and wind up the stall clock;
 * problems are counted and told once a second; steps of the wall clock end the run.
 */
import type { Attempt } from '#core/define';
import { Fault, faultFrom } from '#core/errors';
import type { World } from '#core/world';
import type { AccessUnit } from '#media/access-unit';
import type { LiveSource } from '#source/live-source';
import type { Fetcher } from './fetcher.ts';
import type { HttpStreamContext } from './index.ts';

const tickMs = 1_000;
const clockStepMs = 1_000;

export class Session {
  readonly world: World;
  readonly fetcher: Fetcher;
  readonly enable: readonly ('video' | 'audio')[];
  /** Wall times of the other side are believed, where it gives any. */
  readonly byDevice: boolean;
  readonly nextRunId: () => number;
  /** Fires when nobody wants the source any more, when it stalls, and with the attempt. */
  readonly signal: AbortSignal;
  readonly #context: HttpStreamContext;
  readonly #source: LiveSource;
  readonly #attempt: Attempt;
  readonly #stop = new AbortController();
  #stallMs: number;
  #lastMs: number;
  #wallOffsetMs: number;
  #fault: Fault | undefined;
  #problems = 0;
  #lastProblem = '';
  /** Units have come. */
  mediaFlowed = false;
  /** Of the last one. */
  lastWallMs = 0;
  /** Called when the wall clock was set: the run has to end. */
  onClockStep: () => void = () => undefined;

  constructor(
    context: HttpStreamContext,
    source: LiveSource,
    attempt: Attempt,
    parts: { readonly fetcher: Fetcher; readonly wanted: AbortSignal; nextRunId(): number },
  ) {
    const { config, world } = context;
    this.#context = context;
    this.#source = source;
    this.#attempt = attempt;
    this.world = world;
    this.fetcher = parts.fetcher;
    this.enable = config.enable;
    this.byDevice = config.time === 'device';
    this.nextRunId = parts.nextRunId;
    this.signal = AbortSignal.any([parts.wanted, this.#stop.signal]);
    this.#stallMs = config.stall_seconds * 1000;
    this.#lastMs = world.clock.monotonicMs();
    this.#wallOffsetMs = world.clock.wallMs() - this.#lastMs;
    attempt.scope.own(
      'clock',
      world.clock.every(tickMs, () => this.#tick()),
      t => t.cancel(),
    );
  }

  /** Media that come a segment at a time may be silent for so long at least. */
  allowSilence(ms: number): void {
    this.#stallMs = Math.max(this.#stallMs, ms);
  }

  unit(unit: AccessUnit): void {
    if (this.signal.aborted) return;
    if (!this.mediaFlowed) this.#attempt.healthy();
    this.mediaFlowed = true;
    this.#lastMs = this.world.clock.monotonicMs();
    this.lastWallMs = unit.wallMs;
    this.#source.unit(unit);
  }

  /** The text is one of few. */
  problem(text: string): void {
    this.#problems++;
    this.#lastProblem = text;
  }

  /** Something is missing between the last unit and the next one. */
  missing(): void {
    if (this.mediaFlowed) this.#source.gap({ reason: 'network-loss', atMs: this.lastWallMs });
  }

  info(event: string, facts: Readonly<Record<string, unknown>>): void {
    this.#context.log.info(event, facts);
  }

  /** What ended the attempt when the signal has fired: the stall, or `error`; undefined when nobody wants it any more. */
  failure(error: unknown): Fault | undefined {
    if (this.#fault !== undefined) return this.#fault;
    return this.signal.aborted ? undefined : faultFrom(error);
  }

  /** For loops that have come to an end because of the signal. */
  throwStall(): void {
    if (this.#fault !== undefined) throw this.#fault;
  }

  #tick(): void {
    const { clock } = this.world;
    const nowMs = clock.monotonicMs();
    const wallOffsetMs = clock.wallMs() - nowMs;
    if (Math.abs(wallOffsetMs - this.#wallOffsetMs) > clockStepMs) {
      this.onClockStep();
      this.#source.gap({ reason: 'clock-step', atMs: clock.wallMs() });
    }
    this.#wallOffsetMs = wallOffsetMs;
    if (this.#problems > 0) this.#context.log.warn('bad-media', { count: this.#problems, last: this.#lastProblem });
    this.#problems = 0;
    if (nowMs - this.#lastMs < this.#stallMs || this.#fault !== undefined) return;
    const last = this.#lastProblem === '' ? 'none' : `none (${this.#lastProblem})`;
    this.#fault = new Fault('timeout', 'no-media', `expected media for ${this.#stallMs / 1000} s, got ${last}`);
    this.#stop.abort();
  }
}
