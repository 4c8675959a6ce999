import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SeededRandom } from '#fake/world';
import { type Box, layoutOf } from '#objects/testsource/layout';
import { inMacroblocks } from '#objects/testsource/parameter-sets';

const random = new SeededRandom(11);
const even = (least: number, most: number): number => least + 2 * random.below((most - least) / 2 + 1);
const anySizes = Array.from({ length: 400 }, (): [number, number] => [even(32, 1920), even(32, 1080)]);
const sizes: [number, number][] = [[32, 32], [32, 1080], [1920, 32], [1920, 1080], [640, 360], ...anySizes];

test('bands follow each other from the first row to the last, at any size', () => {
  for (const [width, height] of sizes) {
    let row = 0;
    for (const band of layoutOf(width, height).bands) {
      assert.equal(band.firstRow, row, `${width}x${height}`);
      assert.ok(band.rows > 0);
      row += band.rows;
    }
    assert.equal(row, inMacroblocks(height), `${width}x${height}`);
  }
});

test('everything stands inside the picture and none on another, at any size', () => {
  for (const [width, height] of sizes) {
    const { stripSide, counter, title, clock, bars, scene } = layoutOf(width, height);
    const strip = { x: 0, y: 0, width: stripSide * 32, height: stripSide * 2 };
    // A bar or a scene may end below the last shown row; what is read may not.
    for (const [name, box] of Object.entries({ strip, counter, title, clock }))
      if (box)
        assert.ok(
          box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height,
          `${width}x${height}: ${name} ${JSON.stringify(box)}`,
        );
    const boxes = [strip, counter, title, clock, bars, scene].filter(box => box !== undefined) as Box[];
    for (const [i, a] of boxes.entries())
      for (const b of boxes.slice(i + 1)) {
        const apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
        assert.ok(apart, `${width}x${height}: ${JSON.stringify(a)} on ${JSON.stringify(b)}`);
      }
  }
});

test('what tells the time is in live bands', () => {
  for (const [width, height] of sizes) {
    const { bands, clock, stripSide } = layoutOf(width, height);
    const kindAt = (y: number) => bands.find(b => y >= b.firstRow * 16 && y < (b.firstRow + b.rows) * 16)?.kind;
    assert.deepEqual([kindAt(clock.y), kindAt(clock.y + clock.height - 1)], ['live', 'live'], `${width}x${height}`);
    if (stripSide > 0) assert.equal(kindAt(stripSide * 2 - 1), 'live', `${width}x${height}`);
  }
});

describe('sizes that people use', () => {
  const cases: [width: number, height: number, clock: string, strip: number][] = [
    [640, 360, 'HH:MM:SS.mmm', 16],
    [320, 180, 'HH:MM:SS.mmm', 8],
    [1280, 720, 'HH:MM:SS.mmm', 32],
    [1920, 1080, 'HH:MM:SS.mmm', 32],
    [160, 120, 'HH:MM:SS.mmm', 4],
    [80, 60, 'HH:MM:SS', 0],
    [64, 64, 'MM:SS', 0],
    [32, 32, 'SS', 0],
  ];
  for (const [width, height, text, strip] of cases)
    test(`${width}x${height}: ${text}, cells of ${strip}`, () => {
      const { clock, stripSide } = layoutOf(width, height);
      assert.equal(clock.digits + (clock.small > 0 ? 4 : 0), text.length);
      assert.equal(stripSide, strip);
    });
});
