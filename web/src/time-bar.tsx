/** Above the timeline: what part of time is shown, how much of it, and from which storage. */
import { go, route } from './navigation.ts';
import { sourceNamed, titleOfObject } from './server.ts';
import { zone } from './settings.ts';
import { clockText, dateText, zoneName } from './time-text.ts';
import { endOf } from './timeline-maths.ts';
import { following, preferredStorage, shown, showSpan, track } from './view.ts';

const spans: readonly (readonly [text: string, name: string, ms: number])[] = [
  ['10 min', 'Ten minutes', 600_000],
  ['1 h', 'An hour', 3_600_000],
  ['6 h', 'Six hours', 21_600_000],
  ['1 d', 'A day', 86_400_000],
  ['1 w', 'A week', 604_800_000],
];

export function TimeBar() {
  const { beginMs, spanMs } = shown.value;
  const [from, to] = [dateText(zone.value, beginMs), dateText(zone.value, endOf(shown.value))];
  return (
    <div class="timebar">
      <h2 class="span">
        {from} {clockText(zone.value, beginMs).slice(0, 5)} – {from === to ? '' : `${to} `}
        {clockText(zone.value, endOf(shown.value)).slice(0, 5)} <small>{zoneName(zone.value, beginMs)}</small>
      </h2>
      <Storages />
      <span class="space" />
      {!following.value && (
        <button type="button" class="quiet" onClick={() => showSpan(spanMs)}>
          Back to the picture
        </button>
      )}
      <fieldset class="group" aria-label="Shown time">
        {spans.map(([text, name, ms]) => (
          <button
            key={ms}
            type="button"
            aria-label={name}
            aria-pressed={Math.abs(spanMs / ms - 1) < 0.01}
            onClick={() => showSpan(ms)}
          >
            {text}
          </button>
        ))}
      </fieldset>
    </div>
  );
}

/** Only where there is a choice. */
function Storages() {
  const at = route.value;
  const of = track.value;
  const recordings = at ? (sourceNamed(at.source)?.recordings ?? []) : [];
  if (!at || !of || recordings.length < 2) return null;
  const choose = (storage: string): void => {
    preferredStorage.value = storage;
    if (at.mode === 'archive') go({ ...at, storage });
  };
  return (
    <select aria-label="Archive" value={of.storage} onChange={e => choose(e.currentTarget.value)}>
      {recordings.map(r => (
        <option key={r.storage} value={r.storage}>
          {titleOfObject(r.storage)}
        </option>
      ))}
    </select>
  );
}
