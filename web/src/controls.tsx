/** The row below the picture: play, jump, speed, how far behind, live, sound, full screen. */
import { Icon } from './icon.tsx';
import { route } from './navigation.ts';
import { behindMs, type Player, playheadMs, playState, speed } from './player.ts';
import { nowMs, sourceNamed } from './server.ts';
import { sound } from './settings.ts';
import { durationText } from './time-text.ts';
import { goLive, playAt, track } from './view.ts';

const speeds = [0.5, 1, 2, 4, 8];
/** HLS is some seconds late by its nature; later than this something is wrong. */
const lateMs = 15_000;

interface Props {
  readonly player: Player | undefined;
  fullscreen(): void;
}

export function Controls({ player, fullscreen }: Props) {
  const at = route.value;
  const { kind } = playState.value;
  const stopped = kind === 'paused' || kind === 'failed' || kind === 'ended' || kind === 'idle';
  const canBeLive = at !== undefined && (sourceNamed(at.source)?.state ?? 'archive') !== 'archive';
  return (
    <fieldset class="controls" aria-label="Playback">
      <button
        type="button"
        class="round"
        aria-label={stopped ? 'Play' : 'Pause'}
        disabled={!at}
        onClick={() => player?.toggle()}
      >
        <Icon name={stopped ? 'play' : 'pause'} />
      </button>
      <Jump seconds={-10} />
      {at?.mode === 'archive' && <Jump seconds={10} />}
      {at?.mode === 'archive' && (
        <select
          aria-label="Speed"
          value={String(speed.value)}
          onChange={e => player?.setSpeed(Number(e.currentTarget.value))}
        >
          {speeds.map(s => (
            <option key={s} value={String(s)}>
              {s}×
            </option>
          ))}
        </select>
      )}
      <Behind />
      <span class="space" />
      {canBeLive && (
        <button
          type="button"
          class={at.mode === 'live' ? 'live on' : 'live'}
          aria-pressed={at.mode === 'live'}
          onClick={() => goLive(at.source)}
        >
          Live
        </button>
      )}
      <button
        type="button"
        class="round"
        aria-label={sound.value === 'on' ? 'Turn the sound off' : 'Turn the sound on'}
        onClick={() => {
          sound.value = sound.value === 'on' ? 'off' : 'on';
        }}
      >
        <Icon name={sound.value === 'on' ? 'sound' : 'mute'} />
      </button>
      <button type="button" class="round" aria-label="Full screen" onClick={fullscreen}>
        <Icon name="full" />
      </button>
    </fieldset>
  );
}

/** From live, backwards leads into the archive, if there is one. */
function Jump({ seconds }: { readonly seconds: number }) {
  if (!track.value) return null;
  const text = `${Math.abs(seconds)} seconds ${seconds < 0 ? 'back' : 'forward'}`;
  const isLive = route.value?.mode === 'live';
  const jump = (): void => {
    const fromMs = playheadMs.value ?? nowMs.value;
    // The newest seconds are not in the archive yet.
    playAt(isLive ? Math.min(fromMs + seconds * 1000, nowMs.value - 30_000) : fromMs + seconds * 1000);
  };
  return (
    <button
      type="button"
      class="round"
      aria-label={isLive ? 'Back into the archive' : text}
      title={text}
      onClick={jump}
    >
      <Icon name={seconds < 0 ? 'back' : 'forth'} />
    </button>
  );
}

function Behind() {
  // Read so that it is drawn anew every second, while nothing moves too.
  const behind = nowMs.value && behindMs();
  if (behind === undefined || route.value === undefined) return null;
  const live = route.value.mode === 'live';
  return (
    <span
      class={!live ? 'behind ago' : behind > lateMs ? 'behind late' : 'behind'}
      title="Between the picture and the server's clock"
    >
      {durationText(live ? behind : Math.round(behind / 1000) * 1000).replace('.0 s', ' s')}{' '}
      {live ? 'behind live' : 'ago'}
    </span>
  );
}
