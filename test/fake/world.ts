/**
 * A world without a world: a clock that moves when told, a log that remembers, randomness
 * by seed. What a test does not hand in throws when it is used, so that a test says what
 * its subject touches.
 */
import type { Clock, Facts, Log, Random, Timer, World } from '#core/world';

export class FakeClock implements Clock {
  #nowMs = 0;
  #wallOffsetMs: number;
  #timers: { at: number; then: () => void; everyMs: number | undefined }[] = [];

  constructor(wallMs = Date.UTC(2026, 0, 1)) {
    this.#wallOffsetMs = wallMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }
  wallMs(): number {
    return this.#nowMs + this.#wallOffsetMs;
  }
  /** The calendar jumps; monotonic time does not. */
  stepWall(ms: number): void {
    this.#wallOffsetMs += ms;
  }
  after(ms: number, then: () => void): Timer {
    return this.#add(ms, then, undefined);
  }
  every(ms: number, then: () => void): Timer {
    return this.#add(ms, then, ms);
  }
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise(done => {
      if (signal?.aborted) return done();
      const timer = this.after(ms, done);
      signal?.addEventListener(
        'abort',
        () => {
          timer.cancel();
          done();
        },
        { once: true },
      );
    });
  }
  /** Timers still waiting; a test asserts that none is left. */
  get waiting(): number {
    return this.#timers.length;
  }
  /** Lets time pass, timer by timer, and lets promises settle in between. */
  async pass(ms: number): Promise<void> {
    const until = this.#nowMs + ms;
    do await settle();
    while (this.#fireNext(until));
    this.#nowMs = until;
    await settle();
  }
  /** The same for what waits for no promise: at once. */
  advance(ms: number): void {
    const until = this.#nowMs + ms;
    while (this.#fireNext(until));
    this.#nowMs = until;
  }
  #fireNext(until: number): boolean {
    const next = this.#timers.filter(t => t.at <= until).sort((a, b) => a.at - b.at)[0];
    if (!next) return false;
    this.#nowMs = Math.max(this.#nowMs, next.at);
    if (next.everyMs === undefined) this.#timers.splice(this.#timers.indexOf(next), 1);
    else next.at += Math.max(1, next.everyMs);
    next.then();
    return true;
  }
  #add(ms: number, then: () => void, everyMs: number | undefined): Timer {
    const timer = { at: this.#nowMs + Math.max(0, ms), then, everyMs };
    this.#timers.push(timer);
    return {
      cancel: () => {
        const at = this.#timers.indexOf(timer);
        if (at >= 0) this.#timers.splice(at, 1);
      },
    };
  }
}

/** Lets everything that is ready to run, run. */
export const settle = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await new Promise(setImmediate);
};

export class FakeLog implements Log {
  readonly lines: { level: string; event: string; facts: Facts }[];
  readonly #facts: Facts;
  constructor(lines: FakeLog['lines'] = [], facts: Facts = {}) {
    this.lines = lines;
    this.#facts = facts;
  }
  error(event: string, facts: Facts = {}): void {
    this.#say('error', event, facts);
  }
  warn(event: string, facts: Facts = {}): void {
    this.#say('warn', event, facts);
  }
  info(event: string, facts: Facts = {}): void {
    this.#say('info', event, facts);
  }
  debug(event: string, facts: Facts = {}): void {
    this.#say('debug', event, facts);
  }
  with(facts: Facts): Log {
    return new FakeLog(this.lines, { ...this.#facts, ...facts });
  }
  #say(level: string, event: string, facts: Facts): void {
    this.lines.push({ level, event, facts: { ...this.#facts, ...facts } });
  }
}

/** Park and Miller's minimal standard generator: the same numbers for the same seed. */
export class SeededRandom implements Random {
  #state: number;
  constructor(seed = 1) {
    this.#state = (seed % 0x7ffffffe) + 1;
  }
  unit(): number {
    this.#state = (this.#state * 48271) % 0x7fffffff;
    return this.#state / 0x7fffffff;
  }
  /** An integer in 0 .. below-1. */
  below(below: number): number {
    return Math.floor(this.unit() * below);
  }
  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.below(256));
  }
  uuid(): string {
    const hex = Array.from(this.bytes(16), b => b.toString(16).padStart(2, '0')).join('');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
  }
}

export interface FakeWorld extends World {
  readonly clock: FakeClock;
  readonly log: FakeLog;
  readonly random: SeededRandom;
}

export function fakeWorld(parts: Partial<World> = {}): FakeWorld {
  const missing = (what: string): never => {
    throw new Error(`the test gave its world no ${what}`);
  };
  const base = {
    clock: new FakeClock(),
    log: new FakeLog(),
    random: new SeededRandom(),
    hostname: 'fake',
    openDatabase: () => missing('database'),
    channel: () => missing('channel'),
    ...parts,
  };
  for (const what of ['tcp', 'udp', 'files', 'threads', 'http'] as const)
    if (!parts[what]) Object.defineProperty(base, what, { get: () => missing(what), enumerable: true });
  return base as unknown as FakeWorld;
}
