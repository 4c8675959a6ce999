/** The clips of test/fixture/media as runs and access units: media that real players play. */
import { readFileSync } from 'node:fs';
import type { AccessUnit } from '#media/access-unit';
import type { AudioTrack, Run, VideoTrack } from '#media/track';
import { epochMs } from './media.ts';

const read = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../fixture/media/${name}`, import.meta.url)));

/** NAL units of an Annex B file whose start codes have 3 or 4 bytes. */
function nalusOf(file: Uint8Array): Uint8Array[] {
  const starts: number[] = [];
  for (let i = 0; i + 3 <= file.length; i++)
    if (file[i] === 0 && file[i + 1] === 0 && file[i + 2] === 1) starts.push((i += 3));
  return starts.map((s, i) => {
    let end = i + 1 < starts.length ? starts[i + 1]! - 3 : file.length;
    while (end > s && file[end - 1] === 0) end--;
    return file.subarray(s, end);
  });
}

const hex = (b: number | undefined): string => (b ?? 0).toString(16).padStart(2, '0');

/** `clip.h264` is 320x240, `second.h264` 176x144; one slice per picture, 100 pictures, 25 a second, a keyframe every second. */
function readVideo(name: 'clip.h264' | 'second.h264'): { track: VideoTrack; pictures: Uint8Array[] } {
  const all = nalusOf(read(name));
  const ofType = (t: number) => all.filter(n => (n[0]! & 31) === t);
  const [sps, pps] = [ofType(7)[0]!, ofType(8)[0]!];
  const [width, height] = name === 'clip.h264' ? [320, 240] : [176, 144];
  const track: VideoTrack = Object.freeze({
    kind: 'video',
    codec: 'h264',
    timescale: 90_000,
    width,
    height,
    parameterSets: [sps, pps],
    codecText: `avc1.${hex(sps[1])}${hex(sps[2])}${hex(sps[3])}`,
    framerate: 25,
  });
  const pictures = all
    .filter(n => (n[0]! & 31) === 5 || (n[0]! & 31) === 1)
    .map(n => {
      const unit = new Uint8Array(4 + n.length);
      new DataView(unit.buffer).setUint32(0, n.length);
      unit.set(n, 4);
      return unit;
    });
  return { track, pictures };
}

/** `clip.aac`: 64 frames of 1024 samples at 16 kHz, mono. */
function readAudio(): { track: AudioTrack; frames: Uint8Array[] } {
  const file = read('clip.aac');
  const frames: Uint8Array[] = [];
  for (let at = 0; at + 7 <= file.length; ) {
    const length = ((file[at + 3]! & 3) << 11) | (file[at + 4]! << 3) | (file[at + 5]! >> 5);
    frames.push(file.subarray(at + ((file[at + 1]! & 1) === 1 ? 7 : 9), at + length));
    at += length;
  }
  const track: AudioTrack = Object.freeze({
    kind: 'audio',
    codec: 'aac',
    timescale: 16_000,
    sampleRate: 16_000,
    channels: 1,
    config: Uint8Array.of(0x14, 0x08),
    codecText: 'mp4a.40.2',
    samplesPerUnit: 1024,
  });
  return { track, frames };
}

/** A run of `seconds` seconds of the clip in a loop, in order of time. `firstMs`: wall clock of its first picture. */
export function clipRun(
  id: number,
  { video = 'clip.h264' as 'clip.h264' | 'second.h264', audio = true, seconds = 4, firstMs = epochMs } = {},
): { run: Run; units: AccessUnit[] } {
  const v = readVideo(video);
  const a = readAudio();
  const run: Run = Object.freeze({ id, tracks: audio ? [v.track, a.track] : [v.track] });
  const units: AccessUnit[] = [];
  for (let i = 0; i < seconds * 25; i++) {
    const data = v.pictures[i % v.pictures.length]!;
    const wallMs = firstMs + i * 40;
    units.push({ run, track: 0, pts: i * 3600, dts: i * 3600, wallMs, keyframe: i % 25 === 0, data, lost: 0 });
  }
  for (let i = 0; audio && i * 64 < seconds * 1000; i++) {
    const data = a.frames[i % a.frames.length]!;
    const wallMs = firstMs + i * 64;
    units.push({ run, track: 1, pts: i * 1024, dts: i * 1024, wallMs, keyframe: true, data, lost: 0 });
  }
  return { run, units: units.sort((x, y) => x.wallMs - y.wallMs || x.track - y.track) };
}
