/**
 * What a client wants of a recording, read from URL and headers: `rtsp://HOST/STOR/NAME?begin=T&end=T&speed=N`
 * (docs/spec/api.md 12; `time=clock`: docs/spec/config.md 18.6), Range, Scale, Speed (RFC 2326), Rate-Control, Frames and Require of ONVIF replay.
 */
import { parseTime } from '#core/time';
import { header, type RtspRequest } from '#rtsp/message';
import { type AskedRange, numberIn, parseRange } from '#rtsp/play-range';

/** The feature tag of ONVIF replay. */
export const onvifReplay = 'onvif-replay';

/** Slower and faster is not done: docs/spec/api.md 8.4. */
const [slowest, fastest] = [0.125, 16];
/** Faster, and backward, there are key frames only. */
const fastestWhole = 4;

export interface RecordingName {
  readonly storage: string;
  readonly track: string;
}

/** `STOR/NAME`; undefined for what is no name of that form. */
export function recordingIn(presentation: string): RecordingName | undefined {
  const slash = presentation.indexOf('/');
  if (slash <= 0 || slash === presentation.length - 1) return undefined;
  return { storage: presentation.slice(0, slash), track: presentation.slice(slash + 1) };
}

export interface UrlWish {
  readonly beginMs: number | undefined;
  readonly endMs: number | undefined;
  readonly scale: number;
  /** `time=clock`: it is described by the clock in the first place, not in time from its beginning. */
  readonly clockFirst: boolean;
}

/** Undefined where a parameter makes no sense. Parameters that are not ours are left alone. */
export function urlWishOf(query: string): UrlWish | undefined {
  const given = new URLSearchParams(query);
  const [begin, end, speed] = ['begin', 'end', 'speed'].map(name => given.get(name) || undefined);
  const beginMs = begin === undefined ? undefined : timeIn(begin);
  const endMs = end === undefined ? undefined : timeIn(end);
  const scale = speed === undefined ? 1 : numberIn(speed);
  if ((begin !== undefined && beginMs === undefined) || (end !== undefined && endMs === undefined)) return undefined;
  if (scale === undefined || scale === 0) return undefined;
  if (beginMs !== undefined && endMs !== undefined && endMs <= beginMs) return undefined;
  return { beginMs, endMs, scale: within(scale), clockFirst: given.get('time') === 'clock' };
}

/** In a query a plus sign is a space, unless it is written as %2B; in a time there are no spaces. */
const timeIn = (text: string): number | undefined => parseTime(text.replace(' ', '+'));

export interface PlayWish {
  readonly range: AskedRange | undefined;
  /** Of the header; undefined without it. */
  readonly scale: number | undefined;
  readonly speed: number;
  readonly rateControl: boolean;
  readonly keyframesOnly: boolean;
  readonly stamped: boolean;
  readonly cseq: number;
}

/** A number is the status that says what is wrong. */
export function playWishOf(request: RtspRequest): PlayWish | number {
  const [rangeText, scaleText, speedText] = ['range', 'scale', 'speed'].map(name => header(request, name));
  const range = rangeText === undefined ? undefined : parseRange(rangeText);
  if (rangeText !== undefined && range === undefined) return 457;
  const scale = scaleText === undefined ? undefined : numberIn(scaleText);
  // RFC 7826 18.31 makes of Speed a range; its upper end counts.
  const speed = speedText === undefined ? 1 : numberIn(speedText.replace(/^\s*[\d.]+\s*-/, ''));
  if ((scaleText !== undefined && !scale) || !speed || speed < 0) return 400;
  return {
    range,
    scale: scale === undefined ? undefined : within(scale),
    speed: within(speed),
    rateControl: !/^\s*no\s*$/i.test(header(request, 'rate-control') ?? ''),
    keyframesOnly: /^\s*intra\b/i.test(header(request, 'frames') ?? ''),
    stamped: requiresReplay(request),
    cseq: Number(header(request, 'cseq') ?? 0) & 0xff,
  };
}

/** The client wants to be served as ONVIF replay has it. */
export const requiresReplay = (request: RtspRequest): boolean =>
  (header(request, 'require') ?? '').split(',').some(tag => tag.trim() === onvifReplay);

/** The nearest that is done. */
const within = (n: number): number => Math.sign(n) * Math.min(fastest, Math.max(slowest, Math.abs(n)));

/** Which pictures there are at a scale. */
export function howAt(scale: number, wish: PlayWish): 'forward' | 'forward-keyframes' | 'backward-keyframes' {
  if (scale < 0) return 'backward-keyframes';
  const tooFast = wish.rateControl && scale * wish.speed > fastestWhole;
  return wish.keyframesOnly || tooFast ? 'forward-keyframes' : 'forward';
}
