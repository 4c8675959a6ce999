/** The recordings of a device, asked of it: searches are begun, read to their end and ended. Bounded in answers and in time. */
import { faultFrom } from '#core/errors';
import { streamUrl } from './address.ts';
import type { OnvifDevice } from './device.ts';
import {
  endSearch,
  findEvents,
  findRecordings,
  getEventResults,
  getRecordingResults,
  getReplayUri,
  isSearchOver,
  type Recording,
  type RecordingChange,
  readRecordingChanges,
  readRecordings,
  readSearchToken,
  type Span,
  timelineOf,
} from './recordings.ts';
import { textAt, type XmlElement } from './xml.ts';

/** Answers of one search: at 100 results each more than a year of a change every quarter of an hour. */
const answerLimit = 400;
/** And so many results, of a device that gives more than the 100 of an answer that it is asked for. */
const resultLimit = 100 * answerLimit;

/** What one recording has, by our clock. */
export interface Footage {
  readonly recording: string;
  readonly spans: readonly Span[];
}

/** Times and addresses are ours: the device's clock is taken off. */
export class RecordingSearch {
  readonly #device: OnvifDevice;

  constructor(device: OnvifDevice) {
    this.#device = device;
  }

  /** All recordings with video. Times are the device's. */
  recordings(signal: AbortSignal): Promise<Recording[]> {
    return this.#search(findRecordings, getRecordingResults, readRecordings, signal);
  }

  /**
   * The recorded times within a range, by our clock; an undefined bound is open. Of several
   * recordings those count whose source is one of `sources`, and all where none is.
   */
  async timeline(
    range: { readonly beginMs: number | undefined; readonly endMs: number | undefined },
    sources: readonly string[],
    signal: AbortSignal,
  ): Promise<Span[]> {
    const { chosen, changes, theirs, offset } = await this.#within(range, sources, signal);
    return timelineOf(chosen, changes, theirs).map(([b, e]) => [b - offset, e - offset]);
  }

  /** The same recording by recording, those left out that have nothing there; and the device's clock minus ours. */
  async footage(
    range: { readonly beginMs: number; readonly endMs: number },
    sources: readonly string[],
    signal: AbortSignal,
  ): Promise<{ readonly found: readonly Footage[]; readonly clockOffsetMs: number }> {
    const { chosen, changes, theirs, offset } = await this.#within(range, sources, signal);
    const found = chosen.map(r => ({
      recording: r.token,
      spans: timelineOf([r], changes, theirs).map(([b, e]): Span => [b - offset, e - offset]),
    }));
    return { found: found.filter(f => f.spans.length > 0), clockOffsetMs: offset };
  }

  /** Recordings of these sources, and what their histories tell of a range. */
  async #within(
    range: { readonly beginMs: number | undefined; readonly endMs: number | undefined },
    sources: readonly string[],
    signal: AbortSignal,
  ): Promise<{ chosen: Recording[]; changes: RecordingChange[]; theirs: Span; offset: number }> {
    const all = (await this.recordings(signal)).filter(r => r.span !== undefined);
    const mine = all.filter(r => sources.includes(r.source) || sources.includes(r.token));
    const chosen = (mine.length > 0 ? mine : all).slice(0, 64);
    const offset = (await this.#device.clockOffset(signal)) ?? 0;
    const first = Math.min(...chosen.map(r => r.span?.[0] ?? Number.POSITIVE_INFINITY));
    const last = Math.max(...chosen.map(r => r.span?.[1] ?? Number.NEGATIVE_INFINITY));
    const theirs: Span = [
      Math.max(first, range.beginMs === undefined ? first : range.beginMs + offset),
      Math.min(last, range.endMs === undefined ? last : range.endMs + offset),
    ];
    if (chosen.length === 0 || theirs[1] <= theirs[0]) return { chosen: [], changes: [], theirs: [0, 0], offset };
    const tokens = chosen.map(r => r.token);
    return { chosen, changes: await this.#changes(tokens, theirs, signal), theirs, offset };
  }

  /** Where a recording is played from (RTSP, ONVIF Replay), with the host of the device's own address. */
  async replayUri(recording: string, signal?: AbortSignal): Promise<string | undefined> {
    const uri = textAt(await this.#device.ask('replay', getReplayUri(recording), { signal }), 'Uri');
    return uri === undefined ? undefined : streamUrl(this.#device.url, uri);
  }

  async #changes(recordings: readonly string[], range: Span, signal: AbortSignal): Promise<RecordingChange[]> {
    try {
      return await this.#search(findEvents(recordings, range), getEventResults, readRecordingChanges, signal);
    } catch (e) {
      // Not every device searches events: the first and last moment of each recording is known all the same.
      if (['onvif-unsupported', 'onvif-fault', 'onvif-garbled'].includes(faultFrom(e).code)) return [];
      throw e;
    }
  }

  async #search<T>(
    find: string,
    next: (token: string) => string,
    read: (answer: XmlElement) => T[],
    signal: AbortSignal,
  ): Promise<T[]> {
    const token = readSearchToken(await this.#device.ask('search', find, { signal }));
    if (token === undefined) return [];
    const found: T[] = [];
    for (let n = 0; n < answerLimit && found.length < resultLimit; n++) {
      const answer = await this.#device.ask('search', next(token), { signal });
      found.push(...read(answer));
      // A search that was read to its end is over by itself.
      if (isSearchOver(answer)) return found;
    }
    await this.#device.ask('search', endSearch(token), { signal });
    return found;
  }
}
