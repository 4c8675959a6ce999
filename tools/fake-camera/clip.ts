/** A clip: the tracks that a fake camera plays round and round, in memory. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Fault } from '#core/errors';
import { aacTrack } from '#media/aac';
import { av1Track, isAv1Keyframe, obus, obuType } from '#media/av1';
import { h264Track } from '#media/h264';
import { h265Track } from '#media/h265';
import { mjpegTrack } from '#media/jpeg';
import { opusSamples, plainTrack } from '#media/sound';
import type { Track, VideoTrack } from '#media/track';
import { isVp8Keyframe, vp8Size, vp8Track } from '#media/vp8';
import { type FileTrack, houseTrack, readMp4, unitData } from '#mp4/file';
import { readAdts } from './adts.ts';
import { readAnnexB } from './annexb.ts';
import { readOggOpus } from './ogg.ts';
import { jpegSize, readIvf, readJpegs } from './pictures.ts';

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
export const shippedClips = async (): Promise<readonly [Clip, Clip]> => [
  { ...(await loadClip(`h264=${shipped('clip.h264')},aac=${shipped('clip.aac')}`)), name: 'clip' },
  { ...(await loadClip(`h264=${shipped('second.h264')},aac=${shipped('clip.aac')}`)), name: 'second' },
];

const videoKeys = ['h264', 'h265', 'mjpeg', 'ivf'] as const;
const audioKeys = ['aac', 'opus', 'pcmu', 'pcma'] as const;

/**
 * `FILE.mp4`, or `KEY=FILE[,KEY=FILE][,fps=N]`, one video and one audio: h264, h265 (Annex B), mjpeg (JPEGs in a row),
 * ivf (AV1, VP8); aac (ADTS), opus (Ogg), pcmu, pcma (bare, 8 kHz). Rejects with a Fault that says what is wrong with it.
 */
export async function loadClip(spec: string): Promise<Clip> {
  if (!/^[a-z0-9]+=/.test(spec)) return mp4Clip(spec, await bytesOf(spec, spec));
  const parts = new Map(spec.split(',').map(p => [p.slice(0, p.indexOf('=')), p.slice(p.indexOf('=') + 1)] as const));
  const keys = [...videoKeys, ...audioKeys, 'fps'];
  for (const key of parts.keys())
    if (!keys.includes(key)) throw bad(spec, `expected ${keys.join('=, ')}=, got ${key}=`);
  const fps = Number(parts.get('fps') ?? 0);
  const tracks: ClipTrack[] = [];
  for (const key of videoKeys) {
    const path = parts.get(key);
    if (path !== undefined) tracks.push(videoTrack(spec, key, await bytesOf(spec, path), fps));
  }
  for (const key of audioKeys) {
    const path = parts.get(key);
    if (path !== undefined) tracks.push(audioTrack(spec, key, await bytesOf(spec, path)));
  }
  return { name: spec, tracks };
}

async function bytesOf(spec: string, path: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (e) {
    throw bad(spec, e instanceof Error ? e.message : String(e));
  }
}

async function mp4Clip(spec: string, bytes: Uint8Array): Promise<Clip> {
  const file = await readMp4(async (offset, length) => bytes.subarray(offset, offset + length), bytes.length);
  const tracks = file.tracks.flatMap(t => fileTrack(bytes, t) ?? []);
  if (tracks.length === 0) throw bad(spec, 'expected tracks that are understood');
  return { name: spec, tracks };
}

function fileTrack(bytes: Uint8Array, file: FileTrack): ClipTrack | undefined {
  const [entry] = file.entries;
  const { samples } = file;
  const track = entry && houseTrack(entry.track);
  if (!entry || !track) return undefined;
  const scaled = (ticks: number): number => Math.round((ticks * track.timescale) / file.timescale);
  const units: ClipUnit[] = [];
  for (let i = 0; i < samples.count; i++) {
    const [offset = 0, size = 0, dts = 0] = [samples.offset[i], samples.size[i], samples.dts[i]];
    const data = unitData(bytes.subarray(offset, offset + size), entry);
    const keyframe = track.kind === 'audio' || samples.keyframe[i] === 1;
    // A clip begins with a keyframe; sample descriptions after the first would need other parameter sets.
    if (!data || (units.length === 0 && !keyframe) || samples.description[i] !== samples.description[0]) continue;
    const next = i + 1 < samples.count ? (samples.dts[i + 1] ?? 0) : samples.endDts;
    const compositionOffset = scaled((samples.compositionOffset[i] ?? 0) + file.shift);
    units.push({ data, keyframe, duration: scaled(next) - scaled(dts), compositionOffset });
  }
  // Units without duration would never let a player come to rest.
  return units.some(u => u.duration > 0) ? { track, units } : undefined;
}

function videoTrack(spec: string, key: (typeof videoKeys)[number], bytes: Uint8Array, fps: number): ClipTrack {
  const { track, units } = key === 'h264' || key === 'h265' ? annexB(key, bytes) : pictures(key, bytes);
  if (!track || !units[0]?.keyframe) throw bad(spec, `expected ${key} that begins with a keyframe and its setup`);
  const framerate = fps > 0 ? fps : track.framerate || 25;
  const duration = Math.round(90000 / framerate);
  return { track: { ...track, framerate }, units: units.map(u => ({ ...u, duration, compositionOffset: 0 })) };
}

interface Pictures {
  readonly track: VideoTrack | undefined;
  readonly units: readonly { readonly data: Uint8Array; readonly keyframe: boolean }[];
}

function annexB(codec: 'h264' | 'h265', bytes: Uint8Array): Pictures {
  const { parameterSets, units } = readAnnexB(bytes, codec);
  const track =
    codec === 'h265' ? h265Track(parameterSets) : h264Track(parameterSets[0] ?? nothing, parameterSets.slice(1));
  return { track, units };
}

function pictures(key: 'mjpeg' | 'ivf', bytes: Uint8Array): Pictures {
  if (key === 'mjpeg') {
    const found = readJpegs(bytes);
    const size = found[0] && jpegSize(found[0]);
    return { track: size && mjpegTrack(...size), units: found.map(data => ({ data, keyframe: true })) };
  }
  const ivf = readIvf(bytes);
  const [first = nothing] = ivf?.pictures ?? [];
  const size = ivf?.fourcc === 'VP80' ? vp8Size(first) : undefined;
  if (size) {
    const units = ivf?.pictures.map(data => ({ data, keyframe: isVp8Keyframe(data) })) ?? [];
    return { track: vp8Track(size.width, size.height), units };
  }
  const header = [...obus(first)].find(o => o.type === obuType.sequenceHeader);
  const units = ivf?.pictures.map(data => ({ data: withoutDelimiter(data), keyframe: isAv1Keyframe(data) })) ?? [];
  return { track: header && av1Track(first.subarray(header.begin, header.end)), units };
}

/** As access units have it. */
function withoutDelimiter(data: Uint8Array): Uint8Array {
  const [first] = obus(data);
  return first?.type === obuType.temporalDelimiter ? data.subarray(first.end) : data;
}

function audioTrack(spec: string, key: (typeof audioKeys)[number], bytes: Uint8Array): ClipTrack {
  const unit = (data: Uint8Array, duration: number): ClipUnit => ({
    data,
    keyframe: true,
    duration,
    compositionOffset: 0,
  });
  switch (key) {
    case 'aac': {
      const adts = readAdts(bytes);
      const track = adts && aacTrack(adts.config);
      if (!track) throw bad(spec, 'expected AAC in ADTS');
      return { track, units: adts.frames.map(data => unit(data, 1024)) };
    }
    case 'opus': {
      const ogg = readOggOpus(bytes);
      if (!ogg) throw bad(spec, 'expected Opus in Ogg');
      const track = plainTrack('opus', 48000, ogg.channels);
      return { track, units: ogg.packets.map(data => unit(data, opusSamples(data))) };
    }
    case 'pcmu':
    case 'pcma': {
      const units: ClipUnit[] = [];
      // 20 ms, as RFC 3551 4.2 has it.
      for (let at = 0; at + 160 <= bytes.length; at += 160) units.push(unit(bytes.subarray(at, at + 160), 160));
      return { track: plainTrack(key, 8000, 1), units };
    }
  }
}

const nothing = new Uint8Array(0);
const bad = (spec: string, what: string): Fault => new Fault('argument', 'bad-argument', `media ${spec}: ${what}`);
