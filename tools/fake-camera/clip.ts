/** A clip: the tracks that a fake camera plays round and round, in memory. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Fault } from '#core/errors';
import { parseSps } from '#media/h264';
import type { AudioTrack, Track, VideoTrack } from '#media/track';
import { type FileTrack, houseTrack, readMp4, unitData } from '#mp4/file';
import { createPacketizer } from '#rtp/packetizer';
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
export const shippedClips = async (): Promise<readonly [Clip, Clip]> => [
  { ...(await loadClip(`h264=${shipped('clip.h264')},aac=${shipped('clip.aac')}`)), name: 'clip' },
  { ...(await loadClip(`h264=${shipped('second.h264')},aac=${shipped('clip.aac')}`)), name: 'second' },
];

/** `FILE.mp4`, or `h264=FILE[,aac=FILE][,fps=N]` (Annex B, ADTS). Rejects with a Fault that says what is wrong with it. */
export async function loadClip(spec: string): Promise<Clip> {
  if (!/^(h264|aac)=/.test(spec)) return mp4Clip(spec, await bytesOf(spec, spec));
  const parts = new Map(spec.split(',').map(p => [p.slice(0, p.indexOf('=')), p.slice(p.indexOf('=') + 1)] as const));
  for (const key of parts.keys())
    if (!['h264', 'aac', 'fps'].includes(key)) throw bad(spec, `expected h264=, aac=, fps=, got ${key}=`);
  const video = parts.get('h264');
  const audio = parts.get('aac');
  const fps = Number(parts.get('fps') ?? 0);
  const tracks = [
    ...(video === undefined ? [] : [videoTrack(spec, await bytesOf(spec, video), fps)]),
    ...(audio === undefined ? [] : [audioTrack(spec, await bytesOf(spec, audio))]),
  ];
  return { name: spec, tracks };
}

async function bytesOf(spec: string, path: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (e) {
    throw bad(spec, e instanceof Error ? e.message : String(e));
  }
}

/** Tracks in codecs that are not packetized are left out. */
async function mp4Clip(spec: string, bytes: Uint8Array): Promise<Clip> {
  const file = await readMp4(async (offset, length) => bytes.subarray(offset, offset + length), bytes.length);
  const tracks = file.tracks.flatMap(t => fileTrack(bytes, t) ?? []);
  if (tracks.length === 0) throw bad(spec, 'expected H.264 or AAC');
  return { name: spec, tracks };
}

function fileTrack(bytes: Uint8Array, file: FileTrack): ClipTrack | undefined {
  const [entry] = file.entries;
  const { samples } = file;
  const track = entry && houseTrack(entry.track);
  const options = { payloadType: 0, ssrc: 0, seq: 0, maxPayload: 1400, channel: 0 };
  if (!entry || !track || !createPacketizer(track, options)) return undefined;
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
