/** What does not work, in words: the connection, and objects that failed. */
import { connection, health, nowMs, sources, storages, titleOfObject } from './server.ts';
import { durationText } from './time-text.ts';

/** Over everything, as long as the server does not answer as it should. */
export function ConnectionBanner() {
  const state = connection.value;
  if (state.kind !== 'down') return null;
  // `nowMs` is read so that the text is drawn anew every second.
  const downMs = nowMs.value && Date.now() - state.sinceMs;
  return (
    <div class="banner" role="alert">
      <strong>{state.text}</strong> Since {durationText(Math.max(0, downMs))}; the page keeps trying.
    </div>
  );
}

/** Failed objects that have no row in the list of sources. */
export function FailedObjects() {
  const shown = new Set(sources.value.map(s => s.name));
  const failed = (health.value?.objects ?? [])
    .filter(o => (o.state === 'failed' || o.state === 'degraded') && !shown.has(o.name))
    .map(o => ({ name: o.name, error: o.error ?? o.state }));
  for (const [name, { error }] of storages.value)
    if (error !== undefined && !failed.some(f => f.name === name)) failed.push({ name, error });
  if (failed.length === 0) return null;
  return (
    <section class="trouble" aria-label="What does not work">
      <h2>Needs attention</h2>
      <ul>
        {failed.map(f => (
          <li key={f.name}>
            <strong>{titleOfObject(f.name)}</strong> <span class="fault">{f.error}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function HealthChip() {
  if (connection.value.kind === 'down')
    return <span class="chip bad">{connection.value.forbidden ? 'no access' : 'no connection'}</span>;
  const { value } = health;
  if (!value) return <span class="chip">{connection.value.kind === 'up' ? 'health unknown' : 'connecting…'}</span>;
  const broken = (value.objects ?? []).filter(o => o.state === 'failed' || o.state === 'degraded').length;
  if (value.status === 'ok') return <span class="chip good">all works</span>;
  if (broken === 0)
    return (
      <span class={value.status === 'failed' ? 'chip bad' : 'chip warn'}>
        {value.status === 'failed' ? 'nothing works' : 'starting'}
      </span>
    );
  return (
    <span class={value.status === 'failed' ? 'chip bad' : 'chip warn'}>
      {broken} of {value.objects?.length} {broken === 1 ? 'fails' : 'fail'}
    </span>
  );
}
