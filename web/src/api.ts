/**
 * The calls of docs/spec/api.md that the page makes. Addresses are relative to the page, so
 * that it works below any path of any proxy. Every call ends: with an answer or an ApiError.
 */
import type { Interval } from './timeline-maths.ts';

export interface SourceDetails {
  readonly resolution: readonly [number, number];
  readonly bitrate: number;
  readonly framerate: number;
  readonly last_frame: string;
  readonly state?: string;
  readonly codec?: string | null;
  readonly audio?: { readonly codec: string; readonly rate: number; readonly channels: number } | null;
  readonly consumers?: number;
}

export interface TrackSummary {
  readonly disk_usage: number;
  readonly time_boundaries: readonly [string, string] | null;
}

export interface StorageSummary {
  readonly disk_usage: number;
  readonly disk_free_space: number;
  readonly contexts: Readonly<Record<string, TrackSummary>>;
  readonly error?: string;
}

export interface Health {
  readonly status: 'ok' | 'degraded' | 'failed';
  readonly version?: string;
  readonly uptime?: number;
  readonly objects?: readonly {
    readonly name: string;
    readonly type: string;
    readonly state: string;
    readonly since: string;
    readonly error?: string;
  }[];
}

export type Services = readonly (readonly [interfaceName: string, object: string])[];
export interface Meta {
  readonly name?: unknown;
  readonly desc?: unknown;
  readonly origin?: unknown;
  readonly stream?: unknown;
}
export interface Gap {
  readonly beginMs: number;
  readonly endMs: number;
  readonly reason: string;
}

/** `status` 0: no answer at all. `code`, `reason`: docs/spec/api.md 2.2. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, reason: string) {
    super(reason);
    this.status = status;
    this.code = code;
  }
}

const timeoutMs = 10_000;
/** A live playlist waits up to 10 s for the first picture (api.md 4.2). */
const mediaTimeoutMs = 14_000;

/** Server's clock minus ours, as far as its Date header, which has whole seconds, tells. */
let clockDifferenceMs = 0;
export const serverNowMs = (): number => Date.now() + clockDifferenceMs;
export const clockDifference = (): number => clockDifferenceMs;

function compareClocks(answer: Response): void {
  const theirs = Date.parse(answer.headers.get('date') ?? '');
  if (Number.isNaN(theirs)) return;
  const difference = theirs + 500 - Date.now();
  // A second is the precision of the header; below two it says nothing.
  clockDifferenceMs = Math.abs(difference) < 2000 ? 0 : difference;
}

async function request(path: string, init: RequestInit = {}, limitMs = timeoutMs): Promise<Response> {
  const signals = [AbortSignal.timeout(limitMs), ...(init.signal ? [init.signal] : [])];
  let answer: Response;
  try {
    answer = await fetch(path, { ...init, signal: AbortSignal.any(signals) });
  } catch (e) {
    if (init.signal?.aborted) throw e;
    const late = e instanceof DOMException && e.name === 'TimeoutError';
    throw new ApiError(
      0,
      late ? 'timeout' : 'unreachable',
      late ? 'the server does not answer' : 'no connection to the server',
    );
  }
  compareClocks(answer);
  if (!answer.ok) throw await errorOf(answer);
  return answer;
}

async function errorOf(answer: Response): Promise<ApiError> {
  try {
    const { code, reason } = (await answer.json()) as { code?: string; reason?: string };
    return new ApiError(answer.status, code ?? '', reason ?? answer.statusText);
  } catch {
    // A proxy's page or a HEAD: the status is all that there is.
    return new ApiError(answer.status, '', answer.statusText);
  }
}

async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const answer = await request(path, signal ? { signal } : {});
  try {
    return (await answer.json()) as T;
  } catch {
    throw new ApiError(answer.status, 'not-json', `expected JSON from ${path}, got something else`);
  }
}

const svc = (...names: string[]): string => ['v1/svc', ...names.map(encodeURIComponent)].join('/');
const range = ([begin, end]: Interval): string => {
  const time = (ms: number): string => new Date(ms).toISOString();
  return `begin=${time(begin)}&end=${time(end)}`;
};

export async function services(): Promise<Services> {
  const answer = await get<Services>(svc());
  if (Array.isArray(answer)) return answer;
  throw new ApiError(200, 'not-json', 'expected a list of services, got something else');
}
export const meta = (): Promise<Readonly<Record<string, Meta>>> => get(svc('meta'));
export const source = (name: string): Promise<SourceDetails> => get(svc(name));
export const storage = (name: string): Promise<StorageSummary> => get(svc(name));

/** A daemon in which nothing works says so with 503. */
export async function health(): Promise<Health> {
  try {
    return await get<Health>('v1/health');
  } catch (e) {
    if (e instanceof ApiError && e.status === 503) return { status: 'failed' };
    throw e;
  }
}

export async function timeline(stor: string, track: string, part: Interval, signal?: AbortSignal): Promise<Interval[]> {
  const answer = await get<{ timeline: readonly (readonly [string, string])[] }>(
    `${svc(stor, track)}?${range(part)}`,
    signal,
  );
  return answer.timeline.map(([b, e]): Interval => [Date.parse(b), Date.parse(e)]);
}

export async function gaps(stor: string, track: string, part: Interval, signal?: AbortSignal): Promise<Gap[]> {
  type Entry = { readonly begin: string; readonly end: string; readonly reason: string; readonly filled?: string };
  const answer = await get<readonly Entry[]>(`${svc(stor, track, 'gaps')}?${range(part)}`, signal);
  // Those that were filled are part of the timeline.
  const open = answer.filter(g => g.filled === undefined);
  return open.map(g => ({ beginMs: Date.parse(g.begin), endMs: Date.parse(g.end), reason: g.reason }));
}

export const liveUrl = (name: string): string => `${svc(name)}/stream.m3u8`;
/** Waits for the first picture of a source that is made on demand. */
export const livePlaylist = async (name: string, signal: AbortSignal): Promise<string> =>
  (await request(liveUrl(name), { signal }, mediaTimeoutMs)).text();
export const archiveUrl = (stor: string, track: string): string => `${svc(stor, track)}/stream.m3u8`;
export const archivePlaylist = async (
  stor: string,
  track: string,
  part: Interval,
  signal: AbortSignal,
): Promise<string> => (await request(`${archiveUrl(stor, track)}?${range(part)}`, { signal })).text();

export const clipUrl = (stor: string, track: string, part: Interval): string =>
  `${svc(stor, track)}/export?format=isom&${range(part)}`;

/** How long the file will be, known before a byte of it is read (api.md 6.2); undefined if the server does not say. */
export async function clipBytes(
  stor: string,
  track: string,
  part: Interval,
  signal: AbortSignal,
): Promise<number | undefined> {
  const answer = await request(clipUrl(stor, track, part), { method: 'HEAD', signal });
  const length = Number(answer.headers.get('content-length') ?? Number.NaN);
  return Number.isFinite(length) ? length : undefined;
}
