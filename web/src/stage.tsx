/** The picture, large, with what is to be said about it. */
import { useSignalEffect } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Controls } from './controls.tsx';
import { route } from './navigation.ts';
import { notice, Player, playheadMs, playState } from './player.ts';
import { connection, nowMs, sourceNamed, titleOfObject } from './server.ts';
import { sound, zone } from './settings.ts';
import { factsOf, streamFacts } from './source-list.tsx';
import { durationText, momentText } from './time-text.ts';

export function Stage() {
  const frame = useRef<HTMLDivElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const [player, setPlayer] = useState<Player>();
  useEffect(() => {
    if (video.current) setPlayer(new Player(video.current));
  }, []);
  useSignalEffect(() => {
    if (connection.value.kind === 'up' && playState.peek().kind === 'failed') player?.retry();
  });
  const at = route.value;
  useEffect(() => {
    if (player && at) player.open(at);
  }, [player, at]);
  useEffect(() => {
    const key = (e: KeyboardEvent): void => {
      // On a button the space bar presses it.
      if (e.key !== ' ' || !player || (e.target instanceof Element && e.target.closest('button, a, input, select')))
        return;
      e.preventDefault();
      player.toggle();
    };
    addEventListener('keydown', key);
    return () => removeEventListener('keydown', key);
  }, [player]);
  useSignalEffect(() => {
    if (video.current) video.current.muted = sound.value === 'off';
  });
  return (
    <section class="stage" aria-label="Picture" ref={frame}>
      <Title />
      <div class="picture">
        <video
          ref={video}
          muted
          playsInline
          onClick={() => player?.toggle()}
          onDblClick={() => toggleFullscreen(frame.current)}
        />
        <Message player={player} />
      </div>
      <Controls player={player} fullscreen={() => toggleFullscreen(frame.current)} />
    </section>
  );
}

function toggleFullscreen(element: HTMLElement | null): void {
  if (document.fullscreenElement) void document.exitFullscreen();
  // Phones that allow it for nothing but the video element itself refuse; the picture stays as it is.
  else void element?.requestFullscreen?.().catch(() => undefined);
}

function Title() {
  const at = route.value;
  if (!at) return null;
  const source = sourceNamed(at.source);
  const facts = source?.state === 'live' && at.mode === 'live' && source.details ? streamFacts(source.details) : [];
  if (facts.length > 0 && source?.details) facts.push(`${Math.round(source.details.framerate)} fps`);
  if (facts.length > 0 && source?.details?.audio) facts.push('sound');
  return (
    <div class="titlebar">
      <span class={at.mode === 'live' ? 'mode live' : 'mode'}>{at.mode === 'live' ? 'LIVE' : 'ARCHIVE'}</span>
      <h1>{titleOfObject(at.source)}</h1>
      {at.mode === 'archive' && playheadMs.value !== undefined && (
        <time class="stamp">{momentText(zone.value, playheadMs.value)}</time>
      )}
      <span class="facts">{facts.join(' · ')}</span>
    </div>
  );
}

/** Over the picture: why there is none, or that it is on its way, and for how long already. */
function Message({ player }: { readonly player: Player | undefined }) {
  const at = route.value;
  const state = playState.value;
  // Read so that the seconds count.
  const drawnMs = nowMs.value && Date.now();
  const source = at && sourceNamed(at.source);
  if (!at) return <p class="message">Choose a source.</p>;
  if (state.kind === 'failed')
    return (
      <div class="message" role="alert">
        <p>{state.text}</p>
        {at.mode === 'live' && source && source.state !== 'live' && (
          <p class="why">
            {source.title}: {factsOf(source)}
            {source.error === undefined ? '' : `. ${source.error}`}
          </p>
        )}
        <p>
          <button type="button" onClick={() => player?.retry()}>
            Try again
          </button>
          <span class="why">
            {' '}
            by itself in{' '}
            {durationText(Math.max(0, Math.ceil((state.retryAtMs - drawnMs) / 1000) * 1000)).replace('.0', '')}
          </span>
        </p>
      </div>
    );
  if (state.kind === 'loading' || state.kind === 'waiting') {
    const seconds = Math.floor(Math.max(0, drawnMs - state.sinceMs) / 1000);
    if (state.kind === 'waiting' && seconds < 1) return null;
    return (
      <p class="message" role="status">
        {state.kind === 'loading' ? 'Loading' : 'Waiting for pictures'}
        {seconds > 1 ? ` for ${seconds} s` : '…'}
      </p>
    );
  }
  if (state.kind === 'ended') return <p class="message">This is the end of the recordings.</p>;
  return notice.value === '' ? null : (
    <p class="notice" role="status">
      {notice.value}
    </p>
  );
}
