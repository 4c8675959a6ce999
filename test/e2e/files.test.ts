/** Files of every container and codec, made by ffmpeg, played by the real daemon into its archive; ffprobe and ffmpeg judge what is recorded. */
import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDaemon } from '#fake/daemon';
import { type MediaWishes, makeMedia, needPeer } from '#fake/peers';
import { decodedPictures, packetTimes } from './judge.ts';

const seconds = 3;
const av = (more: Partial<MediaWishes> = {}): MediaWishes => ({
  video: 'h264',
  audio: 'aac',
  bframes: 2,
  seconds,
  ...more,
});
const join2 = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
const vp8 = ['-c:v', 'libvpx', '-deadline', 'realtime', '-g', '25', '-c:a', 'libopus'];
const av1 = ['-c:v', 'libsvtav1', '-preset', '12', '-g', '25', '-svtav1-params', 'lp=1', '-c:a', 'libopus'];

interface Made {
  readonly bytes: Uint8Array;
  readonly extension: string;
  /** Pictures in it that can be shown; at least so many where it is damaged. */
  readonly pictures: number;
  readonly damaged?: true;
}

const make = (extension: string, wishes: MediaWishes, pictures = 25 * seconds): Made => ({
  bytes: makeMedia(extension, wishes),
  extension,
  pictures,
});

const cases: Readonly<Record<string, () => Made>> = {
  ts_h264_aac: () => make('ts', av()),
  ts_h265_opus: () => make('ts', av({ video: 'h265', more: ['-c:a', 'libopus'] })),
  ts_latm: () => make('ts', av({ more: ['-mpegts_flags', 'latm'] })),
  mkv_h264_opus: () => make('mkv', av({ more: ['-c:a', 'libopus'] })),
  mkv_h265_aac: () => make('mkv', av({ video: 'h265' })),
  webm_vp8_opus: () => make('webm', av({ bframes: 0, more: vp8 })),
  mkv_av1_opus: () => make('mkv', av({ bframes: 0, more: av1 })),
  mkv_mjpeg_pcm: () => make('mkv', av({ bframes: 0, more: ['-c:v', 'mjpeg', '-c:a', 'pcm_s16le'] })),
  ts_one_behind_the_other: () => {
    const [a, b] = [makeMedia('ts', av({ seconds: 1 })), makeMedia('ts', av({ seconds: 1, size: '176x144' }))];
    return { bytes: join2(a, b, a), extension: 'ts', pictures: 75 };
  },
  ts_cut_inside_packets: () => ({
    ...make('ts', av(), 45),
    bytes: makeMedia('ts', av()).slice(5001, -777),
    damaged: true,
  }),
  mkv_without_its_end: () => ({
    ...make('mkv', av(), 45),
    bytes: makeMedia('mkv', av()).slice(0, -40_000),
    damaged: true,
  }),
};

test('files are played into the archive: every picture is there and decodes, sound stays beside its pictures', {
  skip: needPeer('ffmpeg', 'ffprobe'),
  timeout: 90_000,
}, async t => {
  const made = Object.entries(cases).map(([name, wish]) => ({ name, ...wish() }));
  const daemon = await startDaemon(t, folder => {
    const pathOf = (m: (typeof made)[number]): string => join(folder, `${m.name}.${m.extension}`);
    for (const m of made) writeFileSync(pathOf(m), m.bytes);
    const [first, ...others] = made;
    return {
      objects: [
        // The same file source under the name of old.
        {
          type: 'h264sourceplugin',
          name: first!.name,
          library: 'libvnxvideo.so',
          factory: 'create_media_file_live_source',
          init: { file: pathOf(first!), loop: false },
          dynamic: true,
        },
        ...others.map(m => ({ type: 'mediafile', name: m.name, file: pathOf(m), loop: false, dynamic: true })),
        { type: 'storage', name: 'stor', folder: join(folder, 'archive') },
      ],
      links: [[made.map(m => m.name), 'stor']],
    };
  });
  await sleep((seconds + 2) * 1000);
  assert.equal(await daemon.stop(), 0);
  for (const m of made) {
    const folder = join(daemon.folder, 'archive', m.name);
    const files = (readdirSync(folder, { recursive: true }) as string[]).filter(f => f.endsWith('.mp4'));
    const recorded = files.map(f => join(folder, f));
    const pictures = recorded.reduce((sum, f) => sum + decodedPictures(f), 0);
    if (m.damaged) assert.ok(pictures >= m.pictures, `${m.name}: ${pictures} pictures`);
    else assert.equal(pictures, m.pictures, m.name);
    if (m.damaged || recorded.length !== 1) continue;
    const source = join(daemon.folder, `${m.name}.${m.extension}`);
    const apart = (file: string): number => Math.max(...packetTimes(file, 'a')) - Math.max(...packetTimes(file, 'v'));
    const difference = apart(recorded[0]!) - apart(source);
    assert.ok(Math.abs(difference) < 0.003, `${m.name}: sound is ${difference} s off`);
  }
});
