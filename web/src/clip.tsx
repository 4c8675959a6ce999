/** Choosing a range and taking it home as a file. */
import { useEffect, useState } from 'preact/hooks';
import * as api from './api.ts';
import { Icon } from './icon.tsx';
import { playheadMs } from './player.ts';
import { recorded } from './recorded.ts';
import { nowMs } from './server.ts';
import { zone } from './settings.ts';
import { clockText, durationText, fileTime, momentText, sizeText } from './time-text.ts';
import { coveredMs, type Interval } from './timeline-maths.ts';
import { chosen, range, setRange, track } from './view.ts';
import { failureText } from './words.ts';

/** After the last change of the range, before the server is asked how long the file will be. */
const settleMs = 400;

export function ClipBar() {
  const of = track.value;
  if (!of) return null;
  const { beginMs, endMs } = range.value;
  const part = chosen.value;
  const headMs = (): number => playheadMs.value ?? nowMs.value;
  const some = beginMs !== undefined || endMs !== undefined;
  return (
    <fieldset class="clip" aria-label="Clip">
      <button
        type="button"
        onClick={() => setRange('begin', headMs())}
        title="Key I, or drag on the timeline with shift"
      >
        Clip begins here
      </button>
      <button type="button" onClick={() => setRange('end', headMs())} title="Key O, or drag on the timeline with shift">
        Clip ends here
      </button>
      {!some && <span class="hint">or drag on the timeline with Shift</span>}
      {some && !part && (
        <span class="moment">
          {beginMs === undefined ? '…' : clockText(zone.value, beginMs)} –{' '}
          {endMs === undefined ? '…' : clockText(zone.value, endMs)}
        </span>
      )}
      {part && <Download part={[Math.round(part[0]), Math.round(part[1])]} storage={of.storage} source={of.source} />}
      {some && (
        <button type="button" class="round" aria-label="Forget the clip" onClick={() => (range.value = {})}>
          <Icon name="clear" />
        </button>
      )}
    </fieldset>
  );
}

interface Props {
  readonly part: Interval;
  readonly storage: string;
  readonly source: string;
}

type Size =
  | { readonly kind: 'asking' | 'none' }
  | { readonly kind: 'known'; readonly bytes: number }
  | { readonly kind: 'failed'; readonly text: string };

function Download({ part, storage, source }: Props) {
  const [begin, end] = part;
  const [size, setSize] = useState<Size>({ kind: 'asking' });
  useEffect(() => {
    setSize({ kind: 'asking' });
    const stop = new AbortController();
    const timer = setTimeout(() => {
      api.clipBytes(storage, source, [begin, end], stop.signal).then(
        bytes => setSize(bytes === undefined ? { kind: 'none' } : { kind: 'known', bytes }),
        (e: unknown) => {
          if (!stop.signal.aborted) setSize({ kind: 'failed', text: sayWhy(e) });
        },
      );
    }, settleMs);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [storage, source, begin, end]);
  const known = recorded.value;
  const covered =
    known && known.part[0] <= begin && known.part[1] >= end ? coveredMs(known.intervals, part) : end - begin;
  const hole = end - begin - covered;
  return (
    <>
      <span class="moment">
        {momentText(zone.value, begin)} – {clockText(zone.value, end)}, {durationText(end - begin)}
        {hole > 1000 && covered > 0 ? ` (${durationText(covered)} recorded)` : ''}
      </span>
      {size.kind === 'failed' ? (
        <span class="fault" role="alert">
          {size.text}
        </span>
      ) : (
        <a
          class="button primary"
          href={api.clipUrl(storage, source, part)}
          download={`${source}_${fileTime(begin)}_${fileTime(end)}.mp4`}
        >
          <Icon name="download" /> Download{size.kind === 'known' ? ` ${sizeText(size.bytes)}` : ''}
        </a>
      )}
    </>
  );
}

function sayWhy(e: unknown): string {
  if (!(e instanceof api.ApiError)) return String(e);
  // HEAD has no body: the code is not known.
  return e.status === 404 ? 'Nothing is recorded in this range.' : failureText(e);
}
