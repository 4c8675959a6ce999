/** A clip: the tracks that a fake camera plays round and round, in memory. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Fault } from '#core/errors';
import { parseSps } from '#media/h264';
import type { AudioTrack, Track, VideoTrack } from '#media/track';
import { readAdts } from './adts.ts';
import { readAnnexB } from './annexb.ts';

export interface ClipUnit {
  /** As `AccessUnit.data`. */
  readonly data: Uint8Array;
  readonly keyframe: boolean;
  /** Decoding time to the next unit's, and presentation time minus decoding time, in the track's timescale. */
  readonly duration: number;
  readonly compositionOffset: number;
}

export interface ClipTrack {
  readonly track: Track;
  /** The first is a keyframe. */
  readonly units: readonly ClipUnit[];
}

export interface Clip {
  readonly name: string;
  readonly tracks: readonly ClipTrack[];
}

const shipped = (name: string): string => fileURLToPath(new URL(`../../test/fixture/media/${name}`, import.meta.url));

/** 320x240 with audio, and another in 176x144: test/fixture/media/README.md. */
export const shippedClips = (): readonly [Clip, Clip] => [
  { ...loadClip(`h264=${shipped('clip.h264')},aac=${shipped('clip.aac')}`), name: 'clip' },
  { ...loadClip(`h264=${shipped('second.h264')},aac=${shipped('clip.aac')}`), name: 'second' },
];

/** `h264=FILE[,aac=FILE][,fps=N]` (Annex B, ADTS). Throws a Fault that says what is wrong with it. */
export function loadClip(spec: string): Clip {
  const parts = new Map(spec.split(',').map(p => [p.slice(0, p.indexOf('=')), p.slice(p.indexOf('=') + 1)] as const));
  for (const key of parts.keys())
    if (!['h264', 'aac', 'fps'].includes(key)) throw bad(spec, `expected h264=, aac=, fps=, got ${key}=`);
  const video = parts.get('h264');
  const audio = parts.get('aac');
  const fps = Number(parts.get('fps') ?? 0);
  if (video === undefined && audio === undefined) throw bad(spec, 'expected h264=FILE or aac=FILE');
  const tracks = [
    ...(video === undefined ? [] : [videoTrack(spec, new Uint8Array(readFileSync(video)), fps)]),
    ...(audio === undefined ? [] : [audioTrack(spec, new Uint8Array(readFileSync(audio)))]),
  ];
  return { name: spec, tracks };
}

function videoTrack(spec: string, bytes: Uint8Array, fps: number): ClipTrack {
  const { parameterSets, units } = readAnnexB(bytes);
  const sps = parameterSets.map(s => parseSps(s)).find(s => s !== undefined);
  if (!sps || !units[0]?.keyframe) throw bad(spec, 'expected Annex B that begins with parameter sets and a keyframe');
  const framerate = fps > 0 ? fps : sps.framerate || 25;
  const duration = Math.round(90000 / framerate);
  const [, p = 0, c = 0, l = 0] = parameterSets.find(s => ((s[0] ?? 0) & 0x1f) === 7) ?? [];
  const track: VideoTrack = {
    kind: 'video',
    codec: 'h264',
    timescale: 90000,
    width: sps.width,
    height: sps.height,
    parameterSets,
    codecText: `avc1.${[p, c, l].map(b => b.toString(16).padStart(2, '0')).join('')}`,
    framerate,
  };
  return { track, units: units.map(u => ({ ...u, duration, compositionOffset: 0 })) };
}

function audioTrack(spec: string, bytes: Uint8Array): ClipTrack {
  const adts = readAdts(bytes);
  if (!adts) throw bad(spec, 'expected AAC in ADTS');
  const { sampleRate, channels, config, frames } = adts;
  const track: AudioTrack = {
    kind: 'audio',
    codec: 'aac',
    timescale: sampleRate,
    sampleRate,
    channels,
    config,
    codecText: `mp4a.40.${(config[0] ?? 0) >> 3}`,
    samplesPerUnit: 1024,
  };
  return { track, units: frames.map(data => ({ data, keyframe: true, duration: 1024, compositionOffset: 0 })) };
}

const bad = (spec: string, what: string): Fault => new Fault('argument', 'bad-argument', `media ${spec}: ${what}`);
