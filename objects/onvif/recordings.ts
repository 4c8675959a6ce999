/** TimelineProvider: recordings that the device keeps (Profile G). One search at a time, each at most 25 s long. */
import { Fault } from '#core/errors';
import type { Implementation } from '#core/interface';
import { isoTime, parseInterval } from '#core/time';
import type { TimelineProvider } from '#interface/timeline-provider';
import { RecordingSearch } from '#onvif/recording-search';
import type { DeviceAccess } from './access.ts';

const searchMs = 25_000;
/** Callers that wait for their turn. */
const queueLimit = 8;

export class Recordings {
  readonly functions: Implementation<typeof TimelineProvider>;
  readonly #access: DeviceAccess;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(access: DeviceAccess) {
    this.#access = access;
    this.functions = { timeline: ({ interval }) => this.#timeline(parseInterval(interval)) };
  }

  #timeline(range: ReturnType<typeof parseInterval>): Promise<string[][]> {
    if (this.#waiting >= queueLimit)
      throw new Fault('overload', 'overload', `${this.#access.device().peer}: ${queueLimit} searches wait already`);
    this.#waiting++;
    // Devices have one or two searches at a time (Recording Search 5.2).
    const mine = this.#turn.then(() => this.#search(range)).finally(() => this.#waiting--);
    this.#turn = mine.catch(() => undefined); // whoever asked for it gets the failure
    return mine;
  }

  async #search(range: ReturnType<typeof parseInterval>): Promise<string[][]> {
    const { world, scope } = this.#access.context;
    const ends = new AbortController();
    const timer = world.clock.after(searchMs, () => ends.abort());
    try {
      const signal = AbortSignal.any([scope.signal, ends.signal]);
      const { token, video } = await this.#access.profile(signal);
      const sources = [token, video?.source ?? '', video?.configuration ?? ''].filter(s => s !== '');
      const spans = await new RecordingSearch(this.#access.device()).timeline(range, sources, signal);
      return spans.map(([begin, end]) => [isoTime(begin), isoTime(end)]);
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
