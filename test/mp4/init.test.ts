import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Fault } from '#core/errors';
import { fuzzRounds, fuzzSeed, mutate } from '#fake/fuzz';
import { aacTrack, h264Track, pcmuTrack } from '#fake/media';
import { makeMedia, needPeer, probe } from '#fake/peers';
import { av1Track } from '#media/av1';
import type { AudioTrack, Track, VideoTrack } from '#media/track';
import { vp8Track } from '#media/vp8';
import { writeInit } from '#mp4/init';
import { type Init, parseInit } from '#mp4/scan';
import { bytesOf, hexOf, unitsOf } from './clip.ts';

const silent = new Uint8Array(0);
const audio = (codec: AudioTrack['codec'], rate: number, codecText: string): AudioTrack => ({
  ...{ kind: 'audio', codec, timescale: rate, sampleRate: rate, channels: 1, config: silent, codecText },
  samplesPerUnit: 0,
});
const mjpeg: VideoTrack = { ...h264Track, codec: 'mjpeg', parameterSets: [], codecText: 'mp4v.6c' };

/** A whole init segment, or the test fails. */
function read(bytes: Uint8Array): Init {
  const init = parseInit(bytes);
  assert.ok(init && !('need' in init), 'an init segment');
  return init;
}

describe('writeInit', () => {
  // Stored in every file of the archive and held by every HLS player: whoever changes these bytes looks at
  // parseInit, at the length of files in the index and at playlists that outlive a restart.
  test('writes exactly these bytes', () => {
    const golden = bytesOf(`
      0000001c 'ftyp' 'iso5' 00000000 'iso5' 'iso6' 'mp41'
      0000025d 'moov'
        00000078 'mvhd' 01000000 0000000000000000 0000000000000000 000003e8 0000000000000000
          00010000 0100 0000 0000000000000000
          00010000 00000000 00000000  00000000 00010000 00000000  00000000 00000000 40000000
          000000000000000000000000000000000000000000000000 00000002
        0000018d 'trak'
          00000068 'tkhd' 01000003 0000000000000000 0000000000000000 00000001 00000000 0000000000000000
            0000000000000000 0000 0000 0100 0000
            00010000 00000000 00000000  00000000 00010000 00000000  00000000 00000000 40000000
            00000000 00000000
          0000011d 'mdia'
            0000002c 'mdhd' 01000000 0000000000000000 0000000000000000 0000bb80 0000000000000000 55c4 0000
            0000002d 'hdlr' 00000000 00000000 'soun' 000000000000000000000000 'SoundHandler' 00
            000000bc 'minf'
              00000010 'smhd' 00000000 00000000
              00000024 'dinf' 0000001c 'dref' 00000000 00000001 0000000c 'url ' 00000001
              00000080 'stbl'
                00000034 'stsd' 00000000 00000001
                  00000024 'twos' 000000000000 0001 0000000000000000 0001 0010 0000 0000 bb800000
                00000010 'stts' 00000000 00000000
                00000010 'stsc' 00000000 00000000
                00000014 'stsz' 00000000 00000000 00000000
                00000010 'stco' 00000000 00000000
        00000028 'mvex' 00000020 'trex' 00000000 00000001 00000001 00000000 00000000 00000000
        00000028 'uuid' 000102030405060708090a0b0c0d0e0f 7061796c6f61642d31323334 00000000`);
    const uuid = bytesOf('000102030405060708090a0b0c0d0e0f 7061796c6f61642d31323334 00000000');
    assert.equal(hexOf(writeInit([audio('lpcm', 48_000, 'twos')], { uuidBoxes: [uuid] })), hexOf(golden));
  });

  const trips: [name: string, track: Track][] = [
    ['H.264', { ...h264Track, framerate: 0 }],
    ['AAC', aacTrack],
    ['MJPEG', { ...mjpeg, framerate: 0 }],
    ['VP8', { ...vp8Track(320, 240), timescale: 90_000 }],
    ['AV1', av1Track(bytesOf('0a0b00000003bd7c79b5f20080'))!],
    ['Opus', audio('opus', 48_000, 'opus')],
    ['G.711 mu-law', { ...pcmuTrack, samplesPerUnit: 0 }],
    ['G.711 A-law', audio('pcma', 8000, 'alaw')],
    ['LPCM', audio('lpcm', 44_100, 'twos')],
    ['LPCM of 96 kHz', audio('lpcm', 96_000, 'twos')],
  ];
  for (const [name, track] of trips)
    test(`${name}: the track comes back as it was`, () => assert.deepEqual(read(writeInit([track])).tracks, [track]));

  test('several tracks and the uuid boxes come back', () => {
    const boxes = [new Uint8Array(16).fill(7), new Uint8Array(40).fill(8)];
    const bytes = writeInit([h264Track, aacTrack], { uuidBoxes: boxes });
    const init = read(bytes);
    assert.deepEqual([init.bytes, init.trackIds, init.uuidBoxes], [bytes.length, [1, 2], boxes]);
  });

  const refused: [name: string, track: Track, code: string][] = [
    ['AV1 without a sequence header', { ...h264Track, codec: 'av1' }, 'no-parameter-sets'],
    ['H.264 without an SPS', { ...h264Track, parameterSets: [bytesOf('68ee3c80')] }, 'no-parameter-sets'],
    ['H.265 without an SPS', { ...h264Track, codec: 'h265', parameterSets: [] }, 'no-parameter-sets'],
  ];
  for (const [name, track, code] of refused)
    test(`${name} is refused`, () =>
      assert.throws(
        () => writeInit([track]),
        (e: unknown) => e instanceof Fault && e.code === code,
      ));

  test('the decoder configurations of ffmpeg come back byte by byte', { skip: needPeer('ffmpeg') }, async () => {
    for (const codec of ['h264', 'h265'] as const) {
      const file = makeMedia('mp4', { video: codec, audio: 'aac', seconds: 1, bframes: 2 });
      const box = codec === 'h264' ? 'avcC' : 'hvcC';
      const { run } = await unitsOf(file);
      const ours = boxBytes(writeInit(run.tracks), box);
      const theirs = boxBytes(file, box);
      // What ffmpeg tells in hvcC beyond the parameter sets: segmentation (13-14), SEI arrays it adds at the end.
      if (codec === 'h264') assert.equal(hexOf(ours), hexOf(theirs));
      else
        assert.equal(
          hexOf(ours.subarray(0, 13)) + hexOf(ours.subarray(15, 22)),
          hexOf(theirs.subarray(0, 13)) + hexOf(theirs.subarray(15, 22)),
        );
    }
  });

  test('ffprobe reads every other codec', { skip: needPeer('ffprobe') }, () => {
    const tracks = [aacTrack, mjpeg, ...trips.slice(3).map(([, t]) => t)];
    const { streams } = probe(writeInit(tracks), ['-show_entries', 'stream=codec_name,sample_rate,width']);
    assert.deepEqual(
      streams.map((s: { codec_name: string }) => s.codec_name),
      ['aac', 'mjpeg', 'vp8', 'av1', 'opus', 'pcm_mulaw', 'pcm_alaw', 'pcm_s16be', 'pcm_s16be'],
    );
  });
});

function boxBytes(file: Uint8Array, type: string): Uint8Array {
  const at = Buffer.from(file).indexOf(type, 0, 'latin1') - 4;
  return file.subarray(at + 8, at + new DataView(file.buffer, file.byteOffset).getUint32(at));
}

describe('parseInit', () => {
  const bytes = writeInit([h264Track, aacTrack]);

  test('asks for what it needs, and is content with exactly that', () => {
    let have = 0;
    for (let i = 0; i < 10; i++) {
      const answer = parseInit(bytes.subarray(0, have));
      assert.ok(answer);
      if (!('need' in answer)) return assert.equal(have, bytes.length);
      assert.ok(answer.need > have);
      have = answer.need;
    }
    assert.fail('it asks for ever');
  });

  test('takes nothing else for an init segment', () => {
    for (const text of [
      '00000008 66726565',
      '00000008 66747970 00000008 66726565',
      'ffffffff 66747970',
      '00'.repeat(64),
    ])
      assert.equal(parseInit(bytesOf(text)), undefined);
  });

  test('any bytes: no throw, no endless loop', () => {
    const random = fuzzSeed('parseInit');
    for (let round = 0; round < fuzzRounds(2000); round++) parseInit(mutate(random, bytes));
  });
});
