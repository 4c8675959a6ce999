/** What a client asks for, and with PLAY: a live stream from now on, or a recording by its times (ONVIF Streaming 6). */
import type { Headers } from './message.ts';

/** UTC milliseconds, by the clock of whoever recorded it. */
export interface ReplayRange {
  readonly beginMs: number;
  readonly endMs: number;
}

/** Whoever does not know of replay is to say so, and not to play something else. For SETUP and PLAY. */
export const requirement = (replay: ReplayRange | undefined): Headers => (replay ? [['Require', 'onvif-replay']] : []);

/** As fast as the connection is read. Absolute times as RFC 2326 3.7 writes them. */
export function playHeaders(replay: ReplayRange | undefined): Headers {
  if (!replay) return [['Range', 'npt=0.000-']];
  const times = [replay.beginMs, replay.endMs].map(ms => new Date(ms).toISOString().replace(/[-:]/g, ''));
  return [...requirement(replay), ['Range', `clock=${times.join('-')}`], ['Rate-Control', 'no']];
}

/** A request that waits for its answer. */
export interface Asked {
  readonly method: string;
  readonly uri: string;
  readonly headers: Headers;
  cseq: number;
  /** So often it was repeated with an answer to a challenge. */
  repeats: number;
  deadlineMs: number;
}
