/** The archives: how full they are, how far back they reach. */
import type { StorageSummary } from './api.ts';
import { storages, titleOfObject } from './server.ts';
import { zone } from './settings.ts';
import { dateText, sizeText } from './time-text.ts';

export function StorageList() {
  if (storages.value.size === 0) return null;
  return (
    <section class="storages" aria-label="Archives">
      <h2>Archives</h2>
      <ul>
        {[...storages.value].map(([name, summary]) => (
          <li key={name}>
            <span class="title">{titleOfObject(name)}</span>
            <span class="facts">{factsOf(summary)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function factsOf(summary: StorageSummary): string {
  const begins = Object.values(summary.contexts).flatMap(c =>
    c.time_boundaries ? [Date.parse(c.time_boundaries[0])] : [],
  );
  const since = begins.length === 0 ? 'nothing recorded yet' : `since ${dateText(zone.value, Math.min(...begins))}`;
  return `${sizeText(summary.disk_usage)}, ${sizeText(summary.disk_free_space)} free · ${since}`;
}
