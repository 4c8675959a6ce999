/** Files that ffmpeg makes; ffprobe says what is in them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fuzzRounds, fuzzSeed } from '#fake/fuzz';
import { makeMedia, needPeer, probe } from '#fake/peers';
import { MatroskaDemuxer } from '#matroska/demuxer';
import type { AccessUnit } from '#media/access-unit';
import type { Run } from '#media/track';

function read(bytes: Uint8Array, step = 100_000) {
  const got = { runs: [] as Run[], units: [] as AccessUnit[], problems: [] as string[], texts: [] as string[] };
  let id = 0;
  const demuxer = new MatroskaDemuxer(
    {
      run: run => void got.runs.push(run),
      unit: unit => void got.units.push(unit),
      text: (_run, pts, text) => void got.texts.push(`${Math.round(pts / 90)} ${text}`),
      problem: text => void got.problems.push(text),
    },
    { nextRunId: () => ++id },
  );
  for (let at = 0; at < bytes.length; at += step) demuxer.push(bytes.subarray(at, at + step), at / 100);
  demuxer.end();
  return got;
}

const ofKind = (units: readonly AccessUnit[], kind: string): AccessUnit[] =>
  units.filter(u => u.run.tracks[u.track]?.kind === kind);

const realtime = ['-c:v', 'libvpx', '-deadline', 'realtime', '-c:a', 'libopus'];
const media = (video: 'h264' | 'h265', more: readonly string[] = []): Uint8Array =>
  makeMedia('mkv', { video, audio: 'aac', bframes: 2, more });

describe('MatroskaDemuxer', { skip: needPeer('ffmpeg', 'ffprobe') }, () => {
  const cases: [name: string, bytes: () => Uint8Array, tracks: string][] = [
    ['H.264 with B-pictures and AAC', () => media('h264'), 'h264,aac'],
    ['H.265 with B-pictures and Opus', () => media('h265', ['-c:a', 'libopus']), 'h265,opus'],
    ['VP8 and Opus in WebM', () => makeMedia('webm', { video: 'h264', audio: 'aac', more: realtime }), 'vp8,opus'],
    ['MJPEG and PCM', () => media('h264', ['-c:v', 'mjpeg', '-bf', '0', '-c:a', 'pcm_s16le']), 'mjpeg,lpcm'],
    ['A-law', () => media('h264', ['-c:a', 'pcm_alaw']), 'h264,pcma'],
    ['clusters of unknown size', () => media('h264', ['-live', '1']), 'h264,aac'],
  ];
  for (const [name, make, tracks] of cases)
    test(`${name}: every unit, with the times that ffprobe sees`, () => {
      const bytes = make();
      const { runs, units, problems } = read(bytes);
      assert.deepEqual(problems, []);
      assert.equal(runs.map(r => r.tracks.map(t => t.codec).join()).join(' '), tracks);
      const packets: any[] = probe(bytes, ['-show_packets'], 'mkv').packets;
      const mine = ofKind(units, 'video');
      const theirs = packets.filter(p => p.codec_type === 'video');
      assert.equal(mine.length, theirs.length);
      const zero = Number(theirs[0].pts_time) - (mine[0]?.pts ?? 0) / 90_000;
      mine.forEach((u, i) => {
        assert.ok(Math.abs(u.pts / 90_000 + zero - Number(theirs[i].pts_time)) < 0.0011, `picture ${i}`);
        assert.equal(u.keyframe, String(theirs[i].flags).startsWith('K'));
      });
      // Sound that begins before the pictures is left out.
      const heard = packets.filter(p => p.codec_type === 'audio' && Number(p.pts_time) >= zero - 0.0006);
      const sound = ofKind(units, 'audio');
      assert.ok(Math.abs(sound.length - heard.length) <= 1, `${sound.length} of ${heard.length}`);
      const late = heard.slice(heard.length - sound.length);
      sound.forEach((u, i) => {
        const seconds = u.pts / u.run.tracks[1]!.timescale;
        assert.ok(Math.abs(seconds + zero - Number(late[i].pts_time)) < 0.0021, `sound ${i}: ${seconds + zero}`);
      });
    });

  test('pieces of any size give the same units', () => {
    const bytes = media('h264');
    const whole = read(bytes).units.map(u => [u.track, u.pts, u.dts, u.data]);
    for (const step of [1, 777])
      assert.deepEqual(
        read(bytes, step).units.map(u => [u.track, u.pts, u.dts, u.data]),
        whole,
      );
  });

  test('after garbage it goes on with the next cluster', () => {
    const bytes = media('h264', ['-cluster_time_limit', '200']);
    const cluster = Buffer.from(bytes).indexOf('1f43b675', bytes.length >> 1, 'hex');
    bytes.fill(0, cluster, cluster + 3000);
    const { units, problems } = read(bytes);
    assert.deepEqual(problems, ['bytes that are no element']);
    assert.ok(ofKind(units, 'video').length > 35);
    assert.ok(ofKind(units, 'video').length < 50);
  });

  test('any bytes: no throw, and units keep their promises', () => {
    const random = fuzzSeed('matroska demuxer');
    const seeds = [media('h264'), makeMedia('webm', { video: 'h264', audio: 'aac', more: realtime })];
    for (let round = 0; round < fuzzRounds(60); round++) {
      const valid = seeds[round % 2]!;
      const bytes = valid.slice(0, random.below(10) === 0 ? random.below(valid.length) : valid.length);
      // Heads are where most can go wrong.
      for (let n = random.below(60); n >= 0; n--)
        bytes[random.below(random.below(2) === 0 ? Math.min(800, bytes.length) : bytes.length)] = random.below(256);
      const last = new Map<string, number>();
      for (const u of read(bytes, 1 + random.below(50_000)).units) {
        const key = `${u.run.id} ${u.track}`;
        assert.ok(u.dts > (last.get(key) ?? -1) && u.pts >= u.dts, `${u.dts} after ${last.get(key)}`);
        if (!last.has(`${u.run.id} 0`)) assert.ok(u.keyframe && u.track === 0);
        last.set(key, u.dts);
      }
    }
  });
});
