import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { needPeer } from '#fake/peers';
import { nalus } from '#media/access-unit';
import { PictureMaker, type PictureWishes } from '#objects/testsource/picture-maker';
import { readStrip } from '#objects/testsource/strip';
import { assertSame, decode, shown, streamOf } from './decoding.ts';

const wishes: PictureWishes = {
  width: 320,
  height: 180,
  framerate: 25,
  gop: 10,
  bitrate: 250_000,
  text: 'Camera 1',
  camera: 1,
};
const begin = Date.UTC(2026, 5, 1, 10, 59, 57);

/** What the SEI before a picture says. */
function seiOf(data: Uint8Array): { number: number; wallMs: number } {
  const [sei] = nalus(data);
  const found = /cam=(\d{5}) au=(\d{12}) t=(\d{13})000000 \.+$/.exec(
    Buffer.from(sei!.subarray(3, 83)).toString('latin1'),
  );
  return { number: Number(found?.[2]), wallMs: Number(found?.[3]) };
}

/** Makes pictures, and keeps what a decoder must show of each: live bands as the encoder has them, looped ones as they were when they were coded. */
function make(maker: PictureMaker, count: number, at: (n: number) => number, each = (_n: number): void => {}) {
  const { width, height } = maker.layout;
  const units: Uint8Array[] = [];
  const want: Uint8Array[] = [];
  for (let n = 0; n < count; n++) {
    each(n);
    const { data } = maker.next(at(n), n);
    units.push(data);
    want.push(shown(maker.encoder.decoded, width, height));
  }
  return { units, want };
}

describe('every picture decodes without complaint, and its strip says what its SEI says', () => {
  const cases: [width: number, height: number, pictures: number, bitrate: number][] = [
    [640, 360, 260, 500_000],
    [320, 180, 300, 200_000],
    [352, 288, 200, 300_000],
    [178, 130, 200, 80_000],
    [1280, 720, 40, 2_000_000],
  ];
  for (const [width, height, pictures, bitrate] of cases)
    test(`${width}x${height}`, { skip: needPeer('ffmpeg') }, () => {
      const maker = new PictureMaker({ ...wishes, width, height, bitrate });
      const { units } = make(maker, pictures, n => begin + n * 40);
      const luma = decode(streamOf(maker.parameterSets, units));
      const size = (width * height * 3) / 2;
      assert.equal(luma.length, size * pictures);
      for (const [n, data] of units.entries()) {
        const read = readStrip(luma.subarray(n * size, (n + 1) * size), width, maker.layout.stripSide);
        assert.deepEqual(seiOf(data), { number: n, wallMs: begin + n * 40 });
        assert.deepEqual(read, { number: n % 16384, wallMs: begin + n * 40 }, `picture ${n}`);
      }
    });
});

test('while it codes everything, what it keeps is what a decoder shows', { skip: needPeer('ffmpeg') }, () => {
  const maker = new PictureMaker(wishes);
  const midnight = Date.UTC(2026, 5, 2) - 27 * 40;
  let settledAt = Number.POSITIVE_INFINITY;
  const each = (n: number): void => {
    if (maker.quantiser.settled) settledAt = Math.min(settledAt, n);
    // Broken off while the loop is being kept for the first time, so that half a loop lies in memory.
    if (n === 13 || n === settledAt + 4) maker.restart();
  };
  const { units, want } = make(maker, 200, n => midnight + n * 40, each);
  // The group after that is the first whole one; from then on bands come from memory.
  const coded = settledAt + 14;
  assert.ok(coded > 40 && coded < 200, `${coded}`);
  const stream = streamOf(maker.parameterSets, units.slice(0, coded));
  assertSame(decode(stream), want.slice(0, coded), wishes.width, wishes.height);
});

test('bands sent again from memory decode to what they were, also after restarts at any place', {
  skip: needPeer('ffmpeg'),
}, () => {
  const maker = new PictureMaker(wishes);
  const { width, height } = wishes;
  // One moment for all: then every picture of the same place in its group must look the same, number and strip aside.
  const { units } = make(
    maker,
    240,
    () => begin,
    n => (n === 133 || n === 147 || n === 171) && maker.restart(),
  );
  assert.ok(maker.quantiser.settled);
  const pictures = decode(streamOf(maker.parameterSets, units));
  const size = (width * height * 3) / 2;
  const { bands } = maker.layout;
  const loops = bands.filter(band => band.kind === 'loop');
  assert.ok(loops.length >= 2);
  const seen = new Map<string, Buffer>();
  let compared = 0;
  let place = 0;
  for (let n = 110; n < 240; n++) {
    place = [...nalus(units[n]!)][1]![0] === 0x65 ? 0 : place + 1;
    for (const { firstRow, rows } of loops) {
      const end = Math.min(height, (firstRow + rows) * 16);
      const luma = Buffer.from(pictures.slice(n * size + firstRow * 16 * width, n * size + end * width));
      const key = `${firstRow} at ${place}`;
      const before = seen.get(key);
      if (before) {
        compared++;
        assert.ok(before.equals(luma), `band at row ${key} of its group differs in picture ${n}`);
      } else if (n >= 120) seen.set(key, luma);
    }
  }
  assert.ok(compared > 150, `${compared}`);
});

describe('the bit rate is a ceiling once the quantiser has settled', () => {
  for (const bitrate of [120_000, 250_000, 800_000])
    test(`${bitrate} bit/s`, () => {
      const maker = new PictureMaker({ ...wishes, gop: 25, bitrate });
      let bytes = 0;
      for (let n = 0; n < 25 * 20; n++) {
        const { data } = maker.next(begin + n * 40, n);
        if (n >= 25 * 12) bytes += data.length;
      }
      assert.ok(maker.quantiser.settled);
      // Eight seconds: bits a second.
      assert.ok(bytes <= bitrate, `${bytes}`);
      assert.ok(bytes >= bitrate * 0.75, `${bytes} of ${bitrate} at quantiser ${maker.quantiser.qp}`);
    });
});

test('a rate too small for the size settles too, with the coarsest quantiser', () => {
  const maker = new PictureMaker({ ...wishes, bitrate: 10_000 });
  for (let n = 0; n < 60; n++) maker.next(begin + n * 40, n);
  assert.deepEqual(maker.quantiser, { qp: 50, settled: true });
});

test('keyframes come every gop, after a restart, and at the change of date', () => {
  const maker = new PictureMaker(wishes);
  const midnight = Date.UTC(2026, 5, 2) - 36 * 40;
  const keyframes: number[] = [];
  for (let n = 0; n < 60; n++) {
    if (n === 14) maker.restart();
    if (maker.next(midnight + n * 40, n).keyframe) keyframes.push(n);
  }
  assert.deepEqual(keyframes, [0, 10, 14, 24, 34, 36, 46, 56]);
});
