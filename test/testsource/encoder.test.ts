import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { needPeer } from '#fake/peers';
import { SeededRandom } from '#fake/world';
import { Encoder, lowestQp } from '#objects/testsource/encoder';
import { inMacroblocks, levelOf, pictureParameterSet, sequenceParameterSet } from '#objects/testsource/parameter-sets';
import { annexB, assertSame, decode, shown } from './decoding.ts';

/** Fills a macroblock with anything from a flat colour to white noise, chroma included. */
function scribble(encoder: Encoder, macroblock: number, random: SeededRandom): void {
  const { source } = encoder;
  const x0 = macroblock % source.wide;
  const y0 = Math.floor(macroblock / source.wide);
  const noise = [0, 4, 60, 510][random.below(4)]!;
  const [level, slopeX, slopeY] = [random.below(256), random.below(21) - 10, random.below(21) - 10] as const;
  const value = (x: number, y: number): number =>
    Math.max(0, Math.min(255, level + slopeX * x + slopeY * y + noise * (random.unit() - 0.5)));
  for (let y = 0; y < 16; y++)
    for (let x = 0; x < 16; x++) source.y[(y0 * 16 + y) * source.stride + x0 * 16 + x] = value(x, y);
  for (const plane of [source.u, source.v])
    for (let y = 0; y < 8; y++)
      for (let x = 0; x < 8; x++) plane[(y0 * 8 + y) * source.chromaStride + x0 * 8 + x] = value(x, y);
  encoder.changed[macroblock] = 1;
}

describe('what the encoder keeps is to the bit what ffmpeg decodes', () => {
  const cases: [width: number, height: number, qp: number, pictures: number, slices: number][] = [
    [32, 32, lowestQp, 300, 1],
    [64, 48, 18, 120, 1],
    [98, 66, 27, 60, 2],
    [162, 98, 33, 60, 3],
    [320, 180, 40, 20, 2],
    [640, 360, 51, 8, 4],
    [1920, 34, 24, 12, 1],
  ];
  for (const [width, height, qp, pictures, slices] of cases)
    test(`${width}x${height}, quantiser ${qp}, ${pictures} pictures of ${slices} slices`, {
      skip: needPeer('ffmpeg'),
    }, () => {
      const random = new SeededRandom(width * qp);
      const encoder = new Encoder(inMacroblocks(width), inMacroblocks(height));
      const { high } = encoder.source;
      const gop = 10;
      const units = [sequenceParameterSet({ width, height, framerate: 25, bitrate: 1e6 }), pictureParameterSet()];
      const want: Uint8Array[] = [];
      for (let n = 0; n < pictures; n++) {
        const idr = n % gop === 0;
        for (let i = 0; i < encoder.changed.length; i++) if (idr || random.unit() < 0.3) scribble(encoder, i, random);
        for (let i = 0; i < slices; i++) {
          const firstRow = Math.floor((high * i) / slices);
          const rows = Math.floor((high * (i + 1)) / slices) - firstRow;
          const idrPicId = (n / gop) & 1;
          units.push(encoder.slice({ firstRow, rows, qp, idr, frameNum: n % gop, idrPicId }));
        }
        want.push(shown(encoder.decoded, width, height));
      }
      assertSame(decode(annexB(units)), want, width, height);
    });
});

test('the finer the quantiser, the nearer the picture and the more bytes', () => {
  const tries = [44, 32, 20, lowestQp].map(qp => {
    const encoder = new Encoder(4, 4);
    const random = new SeededRandom(5);
    for (let i = 0; i < 16; i++) scribble(encoder, i, random);
    const slice = encoder.slice({ firstRow: 0, rows: 4, qp, idr: true, frameNum: 0, idrPicId: 0 });
    const error = encoder.source.y.reduce((sum, pixel, i) => sum + Math.abs(pixel - encoder.decoded.y[i]!), 0);
    return { qp, bytes: slice.length, error };
  });
  for (const [i, finer] of tries.slice(1).entries()) {
    assert.ok(finer.bytes > tries[i]!.bytes, `${finer.qp}: ${finer.bytes} bytes after ${tries[i]!.bytes}`);
    assert.ok(finer.error < tries[i]!.error, `${finer.qp}: error ${finer.error} after ${tries[i]!.error}`);
  }
  // Step 2.5 at quantiser 12: no pixel is far off.
  assert.ok(tries.at(-1)!.error / 4096 < 1.5, `${tries.at(-1)!.error / 4096} a pixel`);
});

test('a picture in which nothing has changed is a few bytes', () => {
  const encoder = new Encoder(40, 23);
  encoder.slice({ firstRow: 0, rows: 23, qp: 26, idr: true, frameNum: 0, idrPicId: 0 });
  const slice = encoder.slice({ firstRow: 0, rows: 23, qp: 26, idr: false, frameNum: 1, idrPicId: 0 });
  assert.ok(slice.length <= 9, `${slice.length} bytes`);
});

describe('the lowest level that allows it', () => {
  const cases: [width: number, height: number, framerate: number, bitrate: number, level: number][] = [
    [176, 144, 15, 60_000, 10],
    [640, 360, 25, 500_000, 30],
    [320, 180, 25, 200_000, 12],
    [1280, 720, 25, 2_000_000, 31],
    [1280, 720, 60, 2_000_000, 32],
    [1920, 1080, 25, 4_000_000, 40],
    [1920, 1080, 60, 4_000_000, 42],
    [1920, 32, 25, 500_000, 31],
    [32, 1080, 25, 500_000, 21],
    [176, 144, 15, 12_000_000, 31],
  ];
  for (const [width, height, framerate, bitrate, level] of cases)
    test(`${width}x${height} at ${framerate}, ${bitrate} bit/s: ${level / 10}`, () =>
      assert.equal(levelOf({ width, height, framerate, bitrate }), level));
});
