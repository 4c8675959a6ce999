/** The page as a whole. */
import { useSignalEffect } from '@preact/signals';
import { clockDifference } from './api.ts';
import { ClipBar } from './clip.tsx';
import { amend, route } from './navigation.ts';
import { connection, health, nowMs, sources, titleOfObject } from './server.ts';
import { zone } from './settings.ts';
import { SourceList } from './source-list.tsx';
import { Stage } from './stage.tsx';
import { StorageList } from './storage-list.tsx';
import { TimeBar } from './time-bar.tsx';
import { clockText, dateText, durationText, zoneName } from './time-text.ts';
import { Timeline } from './timeline.tsx';
import { ConnectionBanner, FailedObjects, HealthChip } from './trouble.tsx';

export function App() {
  useSignalEffect(chooseFirst);
  useSignalEffect(() => {
    document.title = route.value ? `${titleOfObject(route.value.source)} – Ocellus` : 'Ocellus';
  });
  return (
    <>
      <header>
        <span class="brand">Ocellus</span>
        <HealthChip />
        <span class="space" />
        <Clock />
      </header>
      <ConnectionBanner />
      <aside class={connection.value.kind === 'down' ? 'stale' : ''}>
        <SourceList />
        <FailedObjects />
        <StorageList />
        {health.value?.version !== undefined && <footer>Ocellus {health.value.version}</footer>}
      </aside>
      <main>
        <Stage />
        <section class="recordings" aria-label="Recordings">
          <TimeBar />
          <Timeline />
          <ClipBar />
        </section>
      </main>
    </>
  );
}

/** Without a link to something, the first source that has a picture, or the first of all. */
function chooseFirst(): void {
  const all = sources.value;
  if (route.value || all.length === 0 || all.some(s => s.state === 'unknown')) return;
  const first = all.find(s => s.state === 'live') ?? all.find(s => s.state !== 'archive');
  if (first) amend({ mode: 'live', source: first.name }, true);
}

/** Above this, times on the page and on the user's own clock do not agree. */
const tolerableMs = 5000;

function Clock() {
  const now = nowMs.value;
  const off = clockDifference();
  return (
    <div class="clock">
      {Math.abs(off) > tolerableMs && (
        <span class="chip warn">
          server's clock is {durationText(Math.abs(off))} {off > 0 ? 'ahead of' : 'behind'} this computer's
        </span>
      )}
      <time>
        <span class="date">{dateText(zone.value, now)} </span>
        {clockText(zone.value, now)}
      </time>
      <fieldset class="group" aria-label="Time zone of all times">
        {(['local', 'utc'] as const).map(z => (
          <button
            key={z}
            type="button"
            aria-pressed={zone.value === z}
            title={z === 'utc' ? 'All times in UTC' : 'All times in the time zone of this computer'}
            onClick={() => {
              zone.value = z;
            }}
          >
            {z === 'utc' ? 'UTC' : zoneName('local', now) === 'UTC' ? 'Local' : zoneName('local', now)}
          </button>
        ))}
      </fieldset>
    </div>
  );
}
