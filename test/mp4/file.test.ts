import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { Fault } from '#core/errors';
import { fuzzRounds, fuzzSeed, mutate } from '#fake/fuzz';
import { h264Track } from '#fake/media';
import { makeMedia, needPeer, probe } from '#fake/peers';
import { readMp4, unitData } from '#mp4/file';
import { bytesOf, hexOf, readerOf, unitsOf } from './clip.ts';

const clip = new Uint8Array(readFileSync(new URL('../fixture/media/clip.mp4', import.meta.url)));
const open = (bytes: Uint8Array) => readMp4(readerOf(bytes), bytes.length);

describe('readMp4', () => {
  test('finds tracks and samples of the clip', async () => {
    const { tracks, skipped } = await open(clip);
    assert.deepEqual(
      tracks.map(t => [t.entries[0]?.track.codec, t.samples.count, t.samples.keyframe.reduce((n, k) => n + k, 0)]),
      [
        ['h264', 100, 4],
        ['aac', 64, 64],
      ],
    );
    const video = tracks[0]?.entries[0]?.track;
    assert.ok(video?.kind === 'video');
    assert.deepEqual([video.width, video.height, video.framerate, video.parameterSets.length], [320, 240, 25, 2]);
    assert.deepEqual(skipped, []);
  });

  for (const [name, more] of [
    ['moov at the end', []],
    ['moov first', ['-movflags', 'faststart']],
    ['fragments with a base data offset', ['-movflags', 'frag_keyframe+empty_moov']],
    ['fragments without any', ['-movflags', 'frag_keyframe+empty_moov+omit_tfhd_offset']],
    ['fragments based at their moof', ['-movflags', 'frag_keyframe+empty_moov+default_base_moof']],
    ['fragments behind samples', ['-movflags', 'frag_keyframe']],
    ['fragments and sidx', ['-movflags', 'dash+delay_moov']],
  ] as const)
    test(`${name}: the same packets as ffprobe finds`, { skip: needPeer('ffmpeg', 'ffprobe') }, async () => {
      const file = makeMedia('mp4', { video: 'h264', audio: 'aac', bframes: 2, more });
      const { packets } = probe(file, ['-show_packets']);
      const { tracks } = await open(file);
      tracks.forEach(({ samples, shift }, i) => {
        const theirs = packets.filter((p: any) => p.stream_index === i);
        assert.deepEqual(
          Array.from({ length: samples.count }, (_, n) => [
            (samples.dts[n] ?? 0) + (samples.compositionOffset[n] ?? 0) + shift,
            samples.size[n],
            samples.offset[n],
            samples.keyframe[n] === 1,
          ]),
          theirs.map((p: any) => [p.pts, Number(p.size), Number(p.pos), p.flags[0] === 'K']),
        );
      });
    });

  test('a QuickTime file is read too', { skip: needPeer('ffmpeg') }, async () => {
    const { run, units } = await unitsOf(makeMedia('mov', { video: 'h264', audio: 'aac' }));
    assert.deepEqual(
      run.tracks.map(t => t.codec),
      ['h264', 'aac'],
    );
    assert.ok(units.length > 100);
  });

  test('H.265 tells its codec as RFC 6381 has it', { skip: needPeer('ffmpeg') }, async () => {
    const { run } = await unitsOf(makeMedia('mp4', { video: 'h265', seconds: 1 }));
    assert.match(run.tracks[0]?.codecText ?? '', /^hvc1\.1\.6\.L\d+\.90$/);
  });

  test('a file cut off gives the samples that are there', async () => {
    const { tracks } = await open(clip.subarray(0, 20_000));
    const last = tracks[0]?.samples;
    assert.ok(last && last.count > 20 && last.count < 100);
    const end = (last.offset[last.count - 1] ?? 0) + (last.size[last.count - 1] ?? 0);
    assert.ok(end <= 20_000);
  });

  test('any bytes: a Fault or a file, no endless loop, no sample outside of it', async () => {
    const random = fuzzSeed('readMp4');
    // moov is where the tables are: most mutations should hit it.
    const head = clip.subarray(0, 3131);
    for (let round = 0; round < fuzzRounds(1000); round++) {
      const bytes = mutate(random, head);
      const padded = new Uint8Array(50_000);
      padded.set(bytes.subarray(0, 50_000));
      try {
        for (const { samples } of (await open(padded)).tracks)
          for (let i = 0; i < samples.count; i++)
            assert.ok((samples.offset[i] ?? 0) + (samples.size[i] ?? 0) <= padded.length);
      } catch (e) {
        assert.ok(e instanceof Fault, String(e));
      }
    }
  });
});

describe('unitData', () => {
  const entry = (lengthBytes: number, codec: 'h264' | 'h265' = 'h264') => ({
    track: { ...h264Track, codec },
    lengthBytes,
  });
  const cases: [name: string, sample: string, lengthBytes: number, codec: 'h264' | 'h265', data: string | undefined][] =
    [
      ['lengths of 4 bytes stay', '00000002 65aa 00000001 06', 4, 'h264', '00000002 65aa 00000001 06'],
      ['lengths of 2 bytes grow', '0002 65aa 0001 06', 2, 'h264', '00000002 65aa 00000001 06'],
      ['lengths of 1 byte grow', '02 65aa', 1, 'h264', '00000002 65aa'],
      [
        'parameter sets and delimiters go',
        '00000002 0910 00000001 67 00000001 68 00000002 65aa',
        4,
        'h264',
        '00000002 65aa',
      ],
      [
        'those of H.265 too',
        '00000002 4601 00000002 4001 00000002 4201 00000002 4401 00000003 2601aa',
        4,
        'h265',
        '00000003 2601aa',
      ],
      ['what does not fit is cut off', '00000002 65aa 00000009 41', 4, 'h264', '00000002 65aa'],
      ['nothing but parameter sets is no picture', '00000001 67', 4, 'h264', undefined],
      ['nothing is no picture', '', 4, 'h264', undefined],
    ];
  for (const [name, sample, lengthBytes, codec, data] of cases)
    test(name, () => {
      const got = unitData(bytesOf(sample), entry(lengthBytes, codec));
      assert.equal(got && hexOf(got), data && hexOf(bytesOf(data)));
    });

  test('a clean sample is not copied', () => {
    const sample = bytesOf('00000002 65aa');
    assert.equal(unitData(sample, entry(4)), sample);
  });

  test('any bytes: no throw, bounded', () => {
    const random = fuzzSeed('unitData');
    for (let round = 0; round < fuzzRounds(3000); round++) {
      const sample = random.bytes(random.below(60));
      const data = unitData(sample, entry([1, 2, 4][random.below(3)] ?? 4));
      assert.ok((data?.length ?? 0) <= 4 * sample.length);
    }
  });
});
