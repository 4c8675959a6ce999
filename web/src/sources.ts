/** The list of sources as an operator sees it, from what the server says piece by piece. Pure. */
import type { Health, Meta, Services, SourceDetails, StorageSummary } from './api.ts';

/** Clients show a source as offline when its last picture is older (docs/spec/api.md 4.1). */
const offlineMs = 20_000;
/** The index of an archive is some seconds behind the camera: it lists what is safe on disk. */
const recordingMs = 60_000;

/** `idle`: on demand, nobody watches. `archive`: there are only recordings of it. `unknown`: not asked yet. */
export type SourceState = 'live' | 'idle' | 'starting' | 'offline' | 'archive' | 'unknown';

export interface Recording {
  readonly storage: string;
  readonly beginMs: number;
  readonly endMs: number;
  readonly bytes: number;
  /** It grows. */
  readonly running: boolean;
}

export interface Source {
  readonly name: string;
  readonly title: string;
  readonly desc: string;
  /** Of a derived stream: the source below which it stands. */
  readonly origin: string | undefined;
  readonly state: SourceState;
  /** Why it does not work, in the server's words. */
  readonly error: string | undefined;
  readonly details: SourceDetails | undefined;
  readonly recordings: readonly Recording[];
}

export interface Known {
  readonly services: Services;
  readonly meta: Readonly<Record<string, Meta>>;
  readonly health: Health | undefined;
  /** `'failed'`: the call was not answered as it should. */
  readonly details: ReadonlyMap<string, SourceDetails | 'failed'>;
  readonly storages: ReadonlyMap<string, StorageSummary>;
  readonly nowMs: number;
}

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

export const titleOf = (known: Pick<Known, 'meta'>, name: string): string => text(known.meta[name]?.name) ?? name;

/** Sources in order, each followed by its derived streams; those that only an archive knows come last. */
export function sourcesOf(known: Known): Source[] {
  const live = [...new Set(known.services.filter(([i]) => i === 'VideoSource').map(([, name]) => name))];
  const recorded = new Set([...known.storages.values()].flatMap(s => Object.keys(s.contexts)));
  const gone = [...recorded].filter(name => !live.includes(name)).sort();
  const all = [...live, ...gone].map(name => sourceOf(known, name, live.includes(name)));
  const names = new Set(all.map(s => s.name));
  // A derived stream without its origin is hidden (config.md 4.2), unless it has recordings that could then not be found.
  const shown = all.filter(s => s.origin === undefined || names.has(s.origin) || s.recordings.length > 0);
  const tops = shown.filter(s => s.origin === undefined || s.origin === s.name || !names.has(s.origin));
  const below = (name: string): Source[] => shown.filter(s => s.origin === name && !tops.includes(s));
  const ordered = tops.flatMap(s => [s, ...below(s.name)]);
  return [...ordered, ...shown.filter(s => !ordered.includes(s))];
}

function sourceOf(known: Known, name: string, isLive: boolean): Source {
  const meta = known.meta[name];
  const told = known.details.get(name);
  const details = told === 'failed' ? undefined : told;
  const health = known.health?.objects?.find(o => o.name === name);
  return {
    name,
    title: titleOf(known, name),
    desc: text(meta?.desc) ?? '',
    origin: text(meta?.origin),
    state: isLive ? stateOf(known, told, health?.state) : 'archive',
    error: health?.error,
    details,
    recordings: recordingsOf(known, name),
  };
}

function stateOf(known: Known, told: SourceDetails | 'failed' | undefined, state: string | undefined): SourceState {
  if (told === 'failed') return 'offline';
  if (told === undefined) return 'unknown';
  if (known.nowMs - Date.parse(told.last_frame) <= offlineMs) return 'live';
  const of = told.state ?? state;
  return of === 'idle' ? 'idle' : of === 'starting' ? 'starting' : 'offline';
}

function recordingsOf(known: Known, name: string): Recording[] {
  return [...known.storages].flatMap(([storage, { contexts }]): Recording[] => {
    const track = contexts[name];
    if (!track?.time_boundaries) return [];
    const [beginMs, endMs] = track.time_boundaries.map(t => Date.parse(t)) as [number, number];
    return [{ storage, beginMs, endMs, bytes: track.disk_usage, running: known.nowMs - endMs <= recordingMs }];
  });
}
