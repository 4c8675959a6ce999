import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fuzzRounds, fuzzSeed, mutate } from '#fake/fuzz';
import { h264Track, parseSps } from '#media/h264';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

// SPS of x264 (sizes, rates and reordering as ffprobe tells them) and of a camera.
const cases: [name: string, sps: string, out: [string, number, number, number, number | undefined]][] = [
  [
    'High, cropped to 1080 lines',
    '67640028acd940780227e5c044000003000400000300c83c60c658',
    ['avc1.640028', 1920, 1080, 25, 2],
  ],
  ['Constrained Baseline', '6742c01ed900a02ff970110000030001000003003c0f162e48', ['avc1.42c01e', 640, 360, 30, 0]],
  ['Main with B pictures', '674d4020eca02802dd80880000030008000003032078c18cb0', ['avc1.4d4020', 1280, 720, 50, 2]],
  [
    'interlaced: two fields to a frame',
    '6764001eacd940b424d8088000000300800000190f8a14cb',
    ['avc1.64001e', 720, 576, 25, 2],
  ],
  [
    'High 4:2:2, odd size',
    '677a000dbcb202a10f111f808800001f480007530078a15240',
    ['avc1.7a000d', 322, 242, 30000 / 1001, 0],
  ],
  ['High 4:4:4', '67f4000c919b28283f6022000003000200000300281e28532c', ['avc1.f4000c', 320, 240, 10, 2]],
  [
    'a camera that does not speak of reordering',
    '674d002a963540f0044fcb3701010102',
    ['avc1.4d002a', 1920, 1080, 0, undefined],
  ],
];

describe('parseSps', () => {
  for (const [name, sps, [codec, width, height, framerate, reorder]] of cases)
    test(name, () => {
      const parsed = parseSps(hex(sps));
      const track = h264Track(hex(sps), [hex('68ee3c80')]);
      assert.deepEqual(
        [track?.codecText, parsed?.width, parsed?.height, track?.framerate, parsed?.reorder],
        [codec, width, height, framerate, reorder],
      );
    });
  test('what is no SPS, or ends too early, is undefined', () => {
    const [, good] = cases[0]!;
    for (const bad of ['', '67', '68ee3c80', '67640028', good.slice(0, 16)])
      assert.equal(parseSps(hex(bad)), undefined, bad);
    assert.equal(h264Track(hex(good), []), undefined);
  });
  test('any bytes: no throw, sizes in bounds', () => {
    const random = fuzzSeed('sps');
    for (let i = 0; i < fuzzRounds(5000); i++) {
      const sps = parseSps(mutate(random, hex(cases[random.below(cases.length)]![1])));
      if (sps) assert.ok(sps.width >= 16 && sps.width <= 16384 && sps.height >= 16 && sps.framerate <= 240);
    }
  });
});
