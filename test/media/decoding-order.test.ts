import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SeededRandom } from '#fake/world';
import { DecodingOrder } from '#media/decoding-order';

describe('DecodingOrder', () => {
  // pts in decoding order, and the dts they get; pictures are 10 apart.
  const cases: [name: string, depth: number, pts: number[], dts: number[], reordered: boolean][] = [
    ['no reordering: dts is pts', 0, [0, 10, 20, 30], [0, 10, 20, 30], false],
    ['one B picture between', 1, [10, 30, 20, 50, 40], [0, 10, 20, 30, 40], false],
    ['a pyramid: two deep', 2, [20, 60, 40, 30, 50, 100, 80, 70, 90], [0, 10, 20, 30, 40, 50, 60, 70, 80], false],
    ['a depth that is not used only shifts', 1, [10, 20, 30], [0, 10, 20], false],
    ['two fields with one time', 0, [0, 0, 10], [0, 1, 10], false],
    ['reordering that was not announced', 0, [0, 30, 10, 20, 60], [0, 30, 31, 32, 60], true],
  ];
  for (const [name, depth, pts, dts, reordered] of cases)
    test(name, () => {
      const order = new DecodingOrder(depth, 10);
      assert.deepEqual(
        pts.map(p => order.next(p)),
        dts,
      );
      assert.equal(order.reordered, reordered);
    });
  test('what the depth should have been is known after the first group of pictures', () => {
    const seen = (pts: number[]): number => {
      const order = new DecodingOrder(0, 10);
      for (const p of pts) order.next(p);
      return order.seen;
    };
    assert.deepEqual(
      [
        [0, 10, 20],
        [0, 0, 10],
        [10, 30, 20, 50, 40],
        [20, 60, 40, 30, 50, 100, 80, 70, 90],
      ].map(seen),
      [0, 0, 1, 2],
    );
  });
  test('whatever comes: dts grows, and is not after pts where the depth is right', () => {
    const random = new SeededRandom(7);
    for (let round = 0; round < 200; round++) {
      const depth = 1 + random.below(3);
      const order = new DecodingOrder(depth, 10);
      // A run begins with a keyframe that nothing precedes.
      let last = order.next(1000);
      for (let i = 0; i < 100; i++) {
        // Anchor, then the pictures before it, `depth` of them.
        const inGroup = i % (depth + 1);
        const group = Math.floor(i / (depth + 1)) * (depth + 1) * 10;
        const pts = 1000 + group + (inGroup === 0 ? (depth + 1) * 10 : inGroup * 10);
        const dts = order.next(pts);
        assert.ok(dts > last && dts <= pts);
        last = dts;
      }
    }
  });
});
