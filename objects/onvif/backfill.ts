/**
 * Recordings of the device fill gaps of the linked storages (docs/spec/config.md 8.3, 18.9): when media flow
 * again, at the start and every few minutes the storages are asked what they lack, and it is
 * fetched, newest first, one replay at a time. What came is kept, however the replay ended; what did
 * not is asked for again, later and later, and in the end left alone.
 */
import { replay } from '#camera/replay';
import type { MediaStorage, MissingFootage } from '#capability/media-storage';
import { Backoff } from '#core/backoff';
import { Fault, faultFrom, kinds } from '#core/errors';
import { isoTime } from '#core/time';
import { parseRtspUrl } from '#rtsp/url';
import type { DeviceAccess } from './access.ts';
import type { Recordings } from './recordings.ts';

/** After media flow again: a device writes for a while before it can be asked for it. */
const settleMs = 5_000;
const roundMs = 300_000;
/** An archive that is being opened. */
const unaskedMs = 15_000;
/** Between attempts at one gap: doubled each time. Together about four hours. */
const againFirstMs = 30_000;
const attempts = 10;
/** A login that is refused is tried by the stream, too; devices lock accounts. */
const refusedMs = 300_000;
/** A device that cannot do it at all; its firmware may be changed. */
const unsupportedMs = 3_600_000;
/** Longer gaps are filled in pieces, so that a newer one does not wait for hours. */
const pieceMs = 1_800_000;
/** Around the wanted time: the key frame before it, and what the clocks are apart. */
const marginMs = 2_000;
const mostSpeed = 8;
const busyBytes = 4 << 20;
/** Clocks that differ by more than this are not those of one device. */
const sameClockMs = 2_500;

interface Tried {
  failures: number;
  notBeforeMs: number;
}

interface Wanted {
  readonly storage: MediaStorage;
  readonly name: string;
  readonly gap: MissingFootage;
  /** The end of a gap stays while it is filled from its begin. */
  readonly key: string;
}

export interface BackfillParts {
  readonly recordings: Recordings;
  /** What the device's own times of its pictures are ahead of ours by, if the stream tells. */
  readonly pictureClockMs: () => number | undefined;
}

export class Backfill {
  readonly #access: DeviceAccess;
  readonly #parts: BackfillParts;
  #backoff = new Backoff();
  readonly #tried = new Map<string, Tried>();
  #storages: ReadonlyMap<string, MediaStorage> = new Map();
  #wake: () => void = () => {};
  /** Woken since the last round began. */
  #woken = false;
  /** A storage did not answer in the last round. */
  #unasked = false;
  #told = '';

  constructor(access: DeviceAccess, parts: BackfillParts) {
    this.#access = access;
    this.#parts = parts;
  }

  link(storages: ReadonlyMap<string, MediaStorage>): void {
    this.#storages = storages;
    this.flowing();
  }

  /** Until the scope of the object closes. */
  start(): void {
    this.#access.context.scope.run('backfill', signal => this.#live(signal));
  }

  /** Media flow again: a gap has ended. */
  flowing(): void {
    this.#woken = true;
    this.#wake();
  }

  async #live(signal: AbortSignal): Promise<void> {
    const { clock } = this.#access.context.world;
    await clock.sleep(settleMs, signal);
    while (!signal.aborted) {
      this.#woken = false;
      const waitMs = await this.#round(signal);
      if (waitMs <= 0) continue;
      const woken = new AbortController();
      this.#wake = () => woken.abort();
      if (!this.#woken) await clock.sleep(waitMs, AbortSignal.any([signal, woken.signal]));
      if (this.#woken) await clock.sleep(settleMs, signal);
    }
  }

  /** Fills a piece of one gap. Gives how long there is nothing to do. */
  async #round(signal: AbortSignal): Promise<number> {
    const nowMs = this.#access.context.world.clock.monotonicMs();
    const all = await this.#wanted();
    const due = all.filter(w => (this.#tried.get(w.key)?.notBeforeMs ?? 0) <= nowMs);
    const [next] = due;
    if (next) return this.#attempt(next, signal);
    const soonest = Math.min(
      this.#unasked ? unaskedMs : roundMs,
      ...all.map(w => (this.#tried.get(w.key)?.notBeforeMs ?? 0) - nowMs),
    );
    return Math.max(1, soonest);
  }

  /** Newest first. Forgets what was tried and is wanted no more. */
  async #wanted(): Promise<Wanted[]> {
    const { name: track, log } = this.#access.context;
    const all: Wanted[] = [];
    this.#unasked = false;
    for (const [name, storage] of this.#storages)
      try {
        const gaps = await storage.missing(track);
        all.push(...gaps.map(gap => ({ storage, name, gap, key: `${name} ${gap.endMs}` })));
      } catch (e) {
        // It does not work now: what it lacks is seen later.
        this.#unasked = true;
        log.debug('storage-not-asked', { storage: name, error: faultFrom(e).message });
      }
    const keys = new Set(all.map(w => w.key));
    for (const key of this.#tried.keys()) if (!keys.has(key)) this.#tried.delete(key);
    return all.sort((a, b) => b.gap.endMs - a.gap.endMs);
  }

  async #attempt(wanted: Wanted, signal: AbortSignal): Promise<number> {
    const { world, log } = this.#access.context;
    const { gap, name: storage } = wanted;
    const told = { storage, begin: isoTime(gap.beginMs), end: isoTime(gap.endMs), reason: gap.reason };
    let fault: Fault | undefined;
    let filled: readonly (readonly [number, number])[] = [];
    try {
      ({ filled, fault } = await this.#fill(wanted, signal));
    } catch (e) {
      fault = faultFrom(e);
    }
    if (signal.aborted) return 1;
    if (filled.length > 0) {
      const spans = filled.map(([b, e]) => [isoTime(b), isoTime(e)]);
      log.info('gap-filled', { ...told, filled: spans });
      this.#tried.delete(wanted.key);
    } else this.#failed(wanted, told, fault);
    if (!fault) {
      this.#told = '';
      this.#backoff = new Backoff();
      return 0;
    }
    if (this.#told !== fault.code) log.warn('backfill-failed', { ...told, code: fault.code, error: fault.message });
    this.#told = fault.code;
    // Whatever was known of it may be what is wrong.
    if (fault.kind !== 'storage' && fault.kind !== 'state') this.#access.failed();
    if (fault.kind === 'refused') return refusedMs;
    // 551: it does not know of replay (ONVIF Streaming 6.3).
    if (fault.kind === 'unsupported' || fault.code === 'rtsp-551') return unsupportedMs;
    return this.#backoff.nextMs(kinds[fault.kind].retry, 0, world.random.unit());
  }

  #failed({ key }: Wanted, told: Readonly<Record<string, unknown>>, fault: Fault | undefined): void {
    const { world, log } = this.#access.context;
    const failures = (this.#tried.get(key)?.failures ?? 0) + 1;
    const waitMs = failures >= attempts ? Number.POSITIVE_INFINITY : againFirstMs * 2 ** (failures - 1);
    this.#tried.set(key, { failures, notBeforeMs: world.clock.monotonicMs() + waitMs });
    if (failures === 1 && !fault) log.info('gap-not-in-device', told);
    if (failures >= attempts) log.warn('gap-not-filled', { ...told, attempts });
  }

  /** What is filled, and with what fault the replay ended, if it did. */
  async #fill(
    { storage, gap }: Wanted,
    signal: AbortSignal,
  ): Promise<{ filled: readonly (readonly [number, number])[]; fault: Fault | undefined }> {
    const { context } = this.#access;
    const { enable } = context.config;
    const { recordings } = this.#parts;
    const source = await recordings.best(gap, signal);
    if (!source) return { filled: [], fault: undefined };
    const url = parseRtspUrl(source.uri);
    if (!url) throw new Fault('protocol', 'onvif-garbled', 'expected the RTSP URL of a recording, got another');
    const [user, password] = context.config.auth ?? [];
    // Less than a second is what clocks and rounding make of the same moment.
    const isThere = source.beginMs - gap.beginMs < 1000;
    const fromMs = isThere ? gap.beginMs : source.beginMs;
    const endMs = Math.min(gap.endMs, fromMs + pieceMs);
    const leadMs = isThere ? (gap.lead?.beginMs ?? fromMs) : fromMs;
    const into = storage.fill(context.name, { ...gap, endMs });
    let fault: Fault | undefined;
    try {
      await replay(
        {
          world: context.world,
          url,
          login: user == null ? undefined : { user, password: password ?? '' },
          want: { video: enable.includes('video'), audio: enable.includes('audio') },
          beginMs: leadMs - marginMs,
          endMs: endMs + marginMs,
          deviceAheadMs: this.#deviceAhead(source.clockOffsetMs),
          mostSpeed,
          signal,
        },
        {
          unit: unit => into.unit(unit),
          get over() {
            return into.over;
          },
          get busy() {
            return into.waitingBytes > busyBytes;
          },
        },
      );
    } catch (e) {
      fault = faultFrom(e);
    }
    if (signal.aborted) {
      await into.cancel();
      return { filled: [], fault };
    }
    return { filled: await into.end(), fault };
  }

  /** ONVIF tells the device's clock in whole seconds; the stream's reports, where they fit, tell it exactly. */
  #deviceAhead(clockOffsetMs: number): number {
    const pictures = this.#parts.pictureClockMs();
    return pictures !== undefined && Math.abs(pictures - clockOffsetMs) <= sameClockMs ? pictures : clockOffsetMs;
  }
}
