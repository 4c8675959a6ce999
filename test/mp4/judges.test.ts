/** What others make of our files: ffprobe, ffmpeg's decoder and mp4box read them, packet by packet. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { createFile, type ISOFile, MP4BoxBuffer } from 'mp4box';
import { makeMedia, needPeer, probe, runPeer, scratchFolder } from '#fake/peers';
import type { AccessUnit } from '#media/access-unit';
import type { Run } from '#media/track';
import { Fragmenter } from '#mp4/fragmenter';
import { writeInit } from '#mp4/init';
import { loadClip } from '../../tools/fake-camera/clip.ts';
import { joined, unitsOf } from './clip.ts';

function fragmented(run: Run, units: readonly AccessUnit[], originDts: 'first' | 'run' = 'first'): Uint8Array {
  const fragmenter = new Fragmenter(run, { maxSeconds: 1, cutAtKeyframes: true, prft: true, originDts });
  const fragments = [...units.map(u => fragmenter.push(u)), fragmenter.flush()].filter(f => f !== undefined);
  return joined([writeInit(run.tracks), ...fragments.flatMap(f => [f.header, ...f.chunks])]);
}

interface Packet {
  readonly stream_index: number;
  readonly pts: number;
  readonly dts: number;
  readonly size: string;
  readonly flags: string;
}

const media = [
  ['H.264 and AAC', { video: 'h264', audio: 'aac' }],
  ['H.264 with B-pictures', { video: 'h264', audio: 'aac', bframes: 2 }],
  ['H.265 with B-pictures', { video: 'h265', audio: 'aac', bframes: 3 }],
  ['30000/1001 pictures a second', { video: 'h264', framerate: 29.97 }],
  ['only AAC', { audio: 'aac' }],
] as const;

describe('init segment and fragments', { skip: needPeer('ffmpeg', 'ffprobe') }, () => {
  for (const [name, wishes] of media)
    test(`${name}: ffprobe sees the packets that went in, and ffmpeg decodes them`, async () => {
      const { run, units } = await unitsOf(makeMedia('mp4', { seconds: 3, ...wishes }));
      const file = fragmented(run, units);
      const { packets } = probe(file, ['-show_packets']) as { packets: Packet[] };
      const earliest = Math.min(...units.map(u => u.dts / (run.tracks[u.track]?.timescale ?? 1)));
      for (const track of run.tracks.keys()) {
        const origin = Math.round(earliest * (run.tracks[track]?.timescale ?? 1));
        const got = packets.filter(p => p.stream_index === track);
        assert.deepEqual(
          got.map(p => [p.pts, p.dts, Number(p.size), p.flags.startsWith('K')]),
          units.filter(u => u.track === track).map(u => [u.pts - origin, u.dts - origin, u.data.length, u.keyframe]),
        );
      }
      const path = `${scratchFolder()}/judged.mp4`;
      writeFileSync(path, file);
      runPeer('ffmpeg', ['-v', 'error', '-xerror', '-i', path, '-f', 'null', '-']);
    });

  const clips: [spec: string, codec: string][] = [
    ['h265=clip.h265', 'hevc'],
    ['mjpeg=clip.mjpeg', 'mjpeg'],
    ['ivf=clip.av1.ivf', 'av1'],
    ['ivf=clip.vp8.ivf', 'vp8'],
    ['opus=clip.opus', 'opus'],
    ['pcmu=clip.ulaw', 'pcm_mulaw'],
    ['pcma=clip.alaw', 'pcm_alaw'],
  ];
  for (const [spec, codec] of clips)
    test(`${spec}: ffprobe counts every unit, and ffmpeg decodes them`, async () => {
      const clip = await loadClip(spec.replace('=', '=test/fixture/media/'));
      const run: Run = { id: 1, tracks: clip.tracks.map(c => c.track) };
      let time = 0;
      const units = clip.tracks[0]!.units.map(({ data, keyframe, duration }): AccessUnit => {
        const at = time;
        time += duration;
        return { run, track: 0, pts: at, dts: at, wallMs: at, keyframe, data, lost: 0 };
      });
      const file = fragmented(run, units);
      const { packets, streams } = probe(file, ['-show_packets', '-show_streams']);
      assert.equal(streams[0].codec_name, codec);
      assert.deepEqual(
        packets.map((p: Packet) => [p.pts, Number(p.size), p.flags.startsWith('K')]),
        units.map(u => [u.pts, u.data.length, u.keyframe]),
      );
      const path = `${scratchFolder()}/judged.mp4`;
      writeFileSync(path, file);
      runPeer('ffmpeg', ['-v', 'error', '-xerror', '-i', path, '-f', 'null', '-']);
    });

  test('mp4box, which is none of ours, finds the same tracks and samples', async () => {
    const { run, units } = await unitsOf(makeMedia('mp4', { video: 'h264', audio: 'aac', bframes: 2 }));
    const file = parsedByMp4box(fragmented(run, units));
    const { tracks } = file.getInfo();
    assert.deepEqual(
      tracks.map(t => [t.id, t.codec, t.timescale]),
      run.tracks.map((t, i) => [i + 1, t.codecText, t.timescale]),
    );
    for (const track of [0, 1]) {
      const mine = units.filter(u => u.track === track);
      const theirs = file.getTrackSamplesInfo(track + 1);
      assert.deepEqual(
        theirs.map(s => [s.size, s.is_sync, s.cts - s.dts]),
        mine.map(u => [u.data.length, u.keyframe, u.pts - u.dts]),
      );
    }
  });
});

function parsedByMp4box(bytes: Uint8Array): ISOFile {
  const file = createFile();
  file.appendBuffer(MP4BoxBuffer.fromArrayBuffer(bytes.slice().buffer, 0));
  file.flush();
  return file;
}
