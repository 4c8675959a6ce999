/** Runs and access units for tests, short to write: what the bytes say does not matter to those who only pass them on. */
import type { AccessUnit } from '#media/access-unit';
import type { AudioTrack, Run, VideoTrack } from '#media/track';

export const h264Track: VideoTrack = Object.freeze({
  kind: 'video',
  codec: 'h264',
  timescale: 90_000,
  width: 640,
  height: 360,
  parameterSets: [Uint8Array.of(0x67, 0x64, 0x00, 0x1e), Uint8Array.of(0x68, 0xee, 0x3c, 0x80)],
  codecText: 'avc1.64001e',
  framerate: 25,
});

/** AAC-LC, 48 kHz, stereo. */
export const aacTrack: AudioTrack = Object.freeze({
  kind: 'audio',
  codec: 'aac',
  timescale: 48_000,
  sampleRate: 48_000,
  channels: 2,
  config: Uint8Array.of(0x11, 0x90),
  codecText: 'mp4a.40.2',
  samplesPerUnit: 1024,
});

export const pcmuTrack: AudioTrack = Object.freeze({
  kind: 'audio',
  codec: 'pcmu',
  timescale: 8000,
  sampleRate: 8000,
  channels: 1,
  config: new Uint8Array(),
  codecText: 'ulaw',
  samplesPerUnit: 160,
});

export const fakeRun = (id: number, tracks: Run['tracks'] = [h264Track]): Run => Object.freeze({ id, tracks });

/** 2026-01-01, where the fake clock begins. */
export const epochMs = Date.UTC(2026, 0, 1);

/** A unit at `ms` of the run, of `bytes` bytes. */
export function fakeUnit(
  run: Run,
  ms: number,
  { keyframe = false, track = 0, bytes = 8, wallMs = epochMs + ms, lost = 0 } = {},
): AccessUnit {
  const pts = Math.round((ms * (run.tracks[track]?.timescale ?? 1000)) / 1000);
  return { run, track, pts, dts: pts, wallMs, keyframe, data: new Uint8Array(bytes), lost };
}
