/** Recordings that the device keeps (Profile G), for TimelineProvider and for gaps. One search at a time, each at most 25 s long. */
import { Fault } from '#core/errors';
import type { Implementation } from '#core/interface';
import { isoTime, parseInterval } from '#core/time';
import type { TimelineProvider } from '#interface/timeline-provider';
import { type Footage, RecordingSearch } from '#onvif/recording-search';
import type { DeviceAccess } from './access.ts';

const searchMs = 25_000;
/** Callers that wait for their turn. */
const queueLimit = 8;
/** Footage that is not worth a replay is shorter. */
const leastMs = 1_000;

/** A recording that has footage of a time. */
export interface Source {
  /** RTSP. */
  readonly uri: string;
  readonly beginMs: number;
  /** The device's clock minus ours, to the second. */
  readonly clockOffsetMs: number;
}

export class Recordings {
  readonly functions: Implementation<typeof TimelineProvider>;
  readonly #access: DeviceAccess;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(access: DeviceAccess) {
    this.#access = access;
    this.functions = { timeline: ({ interval }) => this.#timeline(parseInterval(interval)) };
  }

  /**
   * Where most of a time is to be had from, and the first moment of it that is there; undefined where
   * the device has less than a second.
   */
  best(range: { readonly beginMs: number; readonly endMs: number }, signal: AbortSignal): Promise<Source | undefined> {
    return this.#inTurn(async (ends, sources) => {
      const search = new RecordingSearch(this.#access.device());
      const stop = AbortSignal.any([ends, signal]);
      const { found, clockOffsetMs } = await search.footage(range, sources, stop);
      const lengthOf = ({ spans }: Footage): number => spans.reduce((sum, [b, e]) => sum + e - b, 0);
      const [most] = [...found].sort((a, b) => lengthOf(b) - lengthOf(a));
      if (!most || lengthOf(most) < leastMs) return undefined;
      const uri = await search.replayUri(most.recording, stop);
      return uri === undefined ? undefined : { uri, beginMs: most.spans[0]?.[0] ?? range.beginMs, clockOffsetMs };
    });
  }

  #timeline(range: ReturnType<typeof parseInterval>): Promise<string[][]> {
    return this.#inTurn(async (signal, sources) => {
      const spans = await new RecordingSearch(this.#access.device()).timeline(range, sources, signal);
      return spans.map(([begin, end]) => [isoTime(begin), isoTime(end)]);
    });
  }

  #inTurn<T>(search: (signal: AbortSignal, sources: readonly string[]) => Promise<T>): Promise<T> {
    if (this.#waiting >= queueLimit)
      throw new Fault('overload', 'overload', `${this.#access.device().peer}: ${queueLimit} searches wait already`);
    this.#waiting++;
    // Devices have one or two searches at a time (Recording Search 5.2).
    const mine = this.#turn.then(() => this.#search(search)).finally(() => this.#waiting--);
    this.#turn = mine.catch(() => undefined); // whoever asked for it gets the failure
    return mine;
  }

  async #search<T>(search: (signal: AbortSignal, sources: readonly string[]) => Promise<T>): Promise<T> {
    const { world, scope } = this.#access.context;
    const ends = new AbortController();
    const timer = world.clock.after(searchMs, () => ends.abort());
    try {
      const signal = AbortSignal.any([scope.signal, ends.signal]);
      const { token, video } = await this.#access.profile(signal);
      const sources = [token, video?.source ?? '', video?.configuration ?? ''].filter(s => s !== '');
      return await search(signal, sources);
    } catch (e) {
      if (ends.signal.aborted && !scope.signal.aborted)
        throw new Fault(
          'timeout',
          'timeout',
          `${this.#access.device().peer}: no list of recordings within ${searchMs / 1000} s`,
        );
      throw e;
    } finally {
      timer.cancel();
    }
  }
}
