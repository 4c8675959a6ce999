/** The list of sources: what each is, whether it works, whether it is recorded. */
import { signal } from '@preact/signals';
import { route } from './navigation.ts';
import { hashOf, type Route } from './route.ts';
import { connection, nowMs, sources } from './server.ts';
import type { Source, SourceState } from './sources.ts';
import { codecText, durationText, rateText } from './time-text.ts';

const stateTexts: Readonly<Record<SourceState, string>> = {
  live: 'live',
  idle: 'on demand',
  starting: 'starting',
  offline: 'offline',
  archive: 'recordings only',
  unknown: '…',
};

/** With more, finding one by eye takes longer than typing. */
const filterFrom = 9;
const filter = signal('');

export function SourceList() {
  const wanted = filter.value.trim().toLowerCase();
  const all = sources.value;
  const found = all.filter(s => `${s.title} ${s.name} ${s.desc}`.toLowerCase().includes(wanted));
  return (
    <nav class="sources" aria-label="Sources">
      <h2>
        Sources <span class="count">{all.length > 0 ? all.length : ''}</span>
      </h2>
      {all.length >= filterFrom && (
        <input
          class="filter"
          type="search"
          placeholder="Find a source"
          aria-label="Find a source"
          value={filter.value}
          onInput={e => {
            filter.value = e.currentTarget.value;
          }}
        />
      )}
      <ul>
        {found.map(s => (
          <Row key={s.name} source={s} />
        ))}
      </ul>
      {found.length === 0 && <p class="hint">{emptyText(all.length)}</p>}
    </nav>
  );
}

function emptyText(number: number): string {
  if (number > 0) return 'No source has that in its name.';
  if (connection.value.kind === 'up')
    return 'This server publishes no sources yet. Add a camera to its configuration and link it with the webserver.';
  return connection.value.kind === 'connecting' ? 'Asking the server…' : '';
}

function Row({ source }: { readonly source: Source }) {
  const current = route.value?.source === source.name;
  return (
    <li class={source.origin === undefined ? '' : 'derived'}>
      <a class="source" href={hashOf(routeTo(source))} aria-current={current ? 'page' : undefined} title={source.desc}>
        <span class={`dot ${source.state}`} aria-hidden="true" />
        <span class="names">
          <span class="line">
            <span class="title">{source.title}</span>
            <Badge source={source} />
          </span>
          <span class="facts">{factsOf(source)}</span>
          {source.error !== undefined && source.state !== 'live' && <span class="fault">{source.error}</span>}
        </span>
      </a>
    </li>
  );
}

function Badge({ source }: { readonly source: Source }) {
  if (source.recordings.some(r => r.running))
    return (
      <span class="badge rec" title="Is being recorded">
        REC
      </span>
    );
  if (source.state === 'archive' || source.recordings.length === 0) return null;
  return (
    <span class="badge" title="There are recordings, but it is not recorded now">
      ARC
    </span>
  );
}

/** Live if it has a picture, or else the last minute that was recorded of it. */
function routeTo(source: Source): Route {
  const [newest] = [...source.recordings].sort((a, b) => b.endMs - a.endMs);
  if (source.state !== 'archive' || !newest) return { mode: 'live', source: source.name };
  const atMs = Math.max(newest.beginMs, newest.endMs - 60_000);
  return { mode: 'archive', storage: newest.storage, source: source.name, atMs };
}

export function factsOf(source: Source): string {
  const { state, details } = source;
  const facts: string[] = [stateTexts[state]];
  if (state === 'offline' && details) {
    const lastMs = Date.parse(details.last_frame);
    facts[0] = lastMs > 0 ? `offline for ${durationText(nowMs.value - lastMs)}` : 'no picture yet';
  }
  if (state === 'live' && details) facts.splice(0, 1, ...streamFacts(details));
  return facts.join(' · ');
}

export function streamFacts(details: NonNullable<Source['details']>): string[] {
  const [width, height] = details.resolution;
  return [
    ...(width > 0 ? [`${width}×${height}`] : []),
    ...(details.codec ? [codecText(details.codec)] : []),
    rateText(details.bitrate),
  ];
}
