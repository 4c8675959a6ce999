import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fuzzRounds, fuzzSeed, mutate } from '#fake/fuzz';
import { makeMedia, needPeer } from '#fake/peers';
import type { AccessUnit } from '#media/access-unit';
import { Mp4Demuxer } from '#mp4/demuxer';

const fragmented = ['-movflags', 'frag_keyframe+empty_moov+default_base_moof'];

function demuxed(bytes: Uint8Array, piece = bytes.length, enable: ('video' | 'audio')[] = ['video', 'audio']) {
  const units: AccessUnit[] = [];
  const problems: string[] = [];
  let runs = 0;
  const taker = {
    run: () => undefined,
    unit: (u: AccessUnit) => void units.push(u),
    problem: (t: string) => void problems.push(t),
  };
  const demuxer = new Mp4Demuxer(taker, { nextRunId: () => ++runs, enable });
  for (let i = 0; i < bytes.length; i += piece) demuxer.push(bytes.subarray(i, i + piece), 1000);
  demuxer.end();
  return { units, problems, runs, refusal: demuxer.refusal };
}

const said = (units: readonly AccessUnit[]) =>
  units.map(u => [u.track, u.pts, u.dts, u.keyframe, u.data.length, u.data[9]]);

describe('a stream of fragments', { skip: needPeer('ffmpeg') }, () => {
  const wishes = { video: 'h264', audio: 'aac', seconds: 3, bframes: 2 } as const;

  test('of ffmpeg: every picture and every frame, however the bytes are split', () => {
    const file = makeMedia('mp4', { ...wishes, more: fragmented });
    const whole = demuxed(file);
    assert.deepEqual(whole.problems, []);
    assert.equal(whole.runs, 1);
    const video = whole.units.filter(u => u.track === 0);
    assert.equal(video.length, 75);
    assert.deepEqual(
      video.filter(u => u.keyframe).map(u => u.dts),
      [0, 90_000, 180_000],
    );
    assert.ok(whole.units.length - video.length > 135);
    assert.deepEqual(said(demuxed(file, 1).units), said(whole.units));
    assert.deepEqual(said(demuxed(file, 1000).units), said(whole.units));
  });

  test('without default-base-is-moof, in other codecs, with one kind of media alone', () => {
    const file = makeMedia('mp4', {
      ...wishes,
      video: 'h265',
      bframes: 0,
      more: ['-movflags', 'frag_keyframe+empty_moov'],
    });
    const { units } = demuxed(file, 500, ['video']);
    assert.deepEqual([units.length, units[0]?.run.tracks.map(t => t.codec)], [75, ['h265']]);
    const sound = demuxed(file, 500, ['audio']).units;
    assert.deepEqual([sound.length > 135, sound[0]?.run.tracks.map(t => t.codec)], [true, ['aac']]);
  });

  test('another file behind it with other formats begins another run', () => {
    const one = makeMedia('mp4', { ...wishes, more: fragmented });
    const other = makeMedia('mp4', { ...wishes, size: '160x90', more: fragmented });
    const { units, runs } = demuxed(new Uint8Array(Buffer.concat([one, other])));
    assert.equal(runs, 2);
    assert.deepEqual(
      [...new Set(units.map(u => u.run))].map(r => r.tracks[0]?.kind === 'video' && r.tracks[0].width),
      [320, 160],
    );
  });

  test('a part of it that begins in the middle of nothing is refused, a fragment that is cut off is not told of', () => {
    const file = makeMedia('mp4', { ...wishes, more: fragmented });
    assert.match(demuxed(file.subarray(5000)).refusal?.why ?? '', /^(not-mp4|mp4-damaged)$/);
    const cut = demuxed(file.subarray(0, file.length - 2000));
    assert.equal(cut.refusal, undefined);
    assert.ok(cut.units.length > 100);
  });
});

describe('what is refused', () => {
  test('a file that is not fragmented', () => {
    const clip = new Uint8Array(readFileSync(new URL('../fixture/media/clip.mp4', import.meta.url)));
    assert.equal(demuxed(clip).refusal?.why, 'mp4-damaged');
  });
  test('what is no MP4', () => {
    assert.equal(demuxed(new TextEncoder().encode('<html><body>Hello</body></html>')).refusal?.why, 'mp4-damaged');
    assert.equal(demuxed(Uint8Array.of(0, 0, 0, 9, 0x61, 0x62, 0x63, 0x64, 1)).refusal?.why, 'not-mp4');
  });
  test('a header box that claims gigabytes: nothing is kept for it', () => {
    const bytes = Uint8Array.of(0, 0, 0, 8, 0x66, 0x74, 0x79, 0x70, 0x7f, 0xff, 0xff, 0xff, 0x6d, 0x6f, 0x6f, 0x76);
    assert.equal(demuxed(bytes).refusal?.why, 'mp4-damaged');
  });
});

test('whatever the bytes are: no throw, no more out than in', { skip: needPeer('ffmpeg') }, () => {
  const random = fuzzSeed('mp4 demuxer');
  const valid = makeMedia('mp4', { video: 'h264', audio: 'aac', seconds: 1, size: '64x64', more: fragmented });
  for (let i = 0; i < fuzzRounds(300); i++) {
    const bytes = mutate(random, valid);
    const { units } = demuxed(bytes, 1 + random.below(4000));
    assert.ok(units.reduce((n, u) => n + u.data.length, 0) <= bytes.length);
  }
});
