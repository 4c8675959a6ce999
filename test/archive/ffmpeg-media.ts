/** Real H.264 and AAC, made by ffmpeg and taken apart into access units. */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import type { AccessUnit } from '#media/access-unit';
import type { Run, Track } from '#media/track';
import { parseFragmentHeader } from '#mp4/fragment-parser';
import { parseInit } from '#mp4/scan';

export interface MediaOptions {
  readonly seconds: number;
  /** B pictures between references. */
  readonly bframes?: number;
  readonly audio?: boolean;
  readonly size?: string;
  /** Default h264. */
  readonly codec?: 'h264' | 'h265';
  /** Turns the colours, so that no picture is one of another media. */
  readonly hue?: number;
  /** Of H.264; else the one that the preset has. */
  readonly profile?: string;
}

type Sample = Omit<AccessUnit, 'run' | 'track' | 'wallMs'>;

const h264 = (profile: string | undefined): string[] => [
  ...['-c:v', 'libx264', '-preset', 'ultrafast', ...(profile ? ['-profile:v', profile, '-coder', 'cabac'] : [])],
  ...['-g', '50', '-keyint_min', '50', '-sc_threshold', '0'],
];

const h265 = (bframes: number): string[] => [
  ...['-c:v', 'libx265', '-preset', 'ultrafast', '-tag:v', 'hvc1', '-x265-params'],
  `log-level=error:keyint=50:min-keyint=50:scenecut=0:open-gop=0:bframes=${bframes}`,
];

/** The media as units of one run that begins at `startMs`, in the order in which a camera would send them. */
export function realMedia(scratch: string, options: MediaOptions): (run: number, startMs: number) => AccessUnit[] {
  const { seconds, bframes = 0, audio = false, size = '320x180', hue = 0, profile, codec } = options;
  const tracks = [
    samplesOf(scratch, [
      ...['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=25:duration=${seconds},hue=h=${hue}`],
      ...(codec === 'h265' ? h265(bframes) : h264(profile)),
      ...['-bf', String(bframes), '-pix_fmt', 'yuv420p', '-video_track_timescale', '90000'],
    ]),
  ];
  if (audio)
    tracks.push(
      samplesOf(scratch, [
        ...['-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=48000:duration=${seconds}`],
        ...['-c:a', 'aac', '-b:a', '64k'],
      ]),
    );
  return (id, startMs) => {
    const run: Run = { id, tracks: tracks.map(t => t.track) };
    const units = tracks.flatMap(({ track, samples }, i) =>
      samples.map(s => ({ ...s, run, track: i, wallMs: startMs + (s.pts * 1000) / track.timescale })),
    );
    const time = (u: AccessUnit): number => u.dts / (run.tracks[u.track]?.timescale ?? 1);
    return units.sort((a, b) => time(a) - time(b));
  };
}

/** One track, which begins at media time 0. */
function samplesOf(path: string, how: readonly string[]): { track: Track; samples: Sample[] } {
  const container = [
    '-movflags',
    'frag_keyframe+empty_moov+default_base_moof',
    '-use_editlist',
    '0',
    '-f',
    'mp4',
    path,
  ];
  const made = spawnSync('ffmpeg', ['-v', 'error', '-y', ...how, ...container]);
  if (made.status !== 0) throw new Error(made.stderr.toString());
  const bytes = new Uint8Array(readFileSync(path));
  rmSync(path);
  const init = parseInit(bytes);
  const track = init && 'tracks' in init ? init.tracks[0] : undefined;
  if (!init || 'need' in init || !track) throw new Error('ffmpeg wrote no init segment');
  const samples: Sample[] = [];
  for (let at = init.bytes; at < bytes.length; ) {
    const info = parseFragmentHeader(bytes, at);
    if (!info || 'need' in info) break;
    for (const t of info.tracks) {
      const { offset, size, duration, compositionOffset, keyframe } = t.samples;
      let dts = t.baseDts ?? 0;
      for (let i = 0; i < t.count; i++) {
        const begin = at + (offset[i] ?? 0);
        const data = bytes.slice(begin, begin + (size[i] ?? 0));
        samples.push({ pts: dts + (compositionOffset[i] ?? 0), dts, keyframe: keyframe[i] === 1, data, lost: 0 });
        dts += duration[i] ?? 0;
      }
    }
    at += info.bytes;
  }
  return { track, samples };
}

export interface Probed {
  /** Presentation times of the pictures that a player shows, seconds. */
  readonly video: readonly number[];
  readonly audio: readonly number[];
  readonly errors: string;
}

/** What ffprobe decodes of a file. */
export function probe(path: string): Probed {
  const run = spawnSync('ffprobe', [
    ...['-v', 'warning', '-of', 'json', '-show_entries', 'frame=media_type,pts_time', path],
  ]);
  const { frames = [] } = JSON.parse(run.stdout.toString()) as { frames?: { media_type: string; pts_time: string }[] };
  const of = (type: string): number[] => frames.filter(f => f.media_type === type).map(f => Number(f.pts_time));
  return { video: of('video'), audio: of('audio'), errors: run.stderr.toString() };
}
