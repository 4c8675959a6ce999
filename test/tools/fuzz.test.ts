/** A little of what `npm run fuzz -- --bytes N` does at length: every group takes bent input; and the watch over them works. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SeededRandom } from '#fake/world';
import { bend, pieces } from '../../tools/fuzz/bend.ts';
import { allGroups } from '../../tools/fuzz/groups.ts';
import { spend } from '../../tools/fuzz/run.ts';

const groups = await allGroups();
const seed = Number(process.env['OCELLUS_FUZZ_SEED'] ?? Date.now() % 1_000_000);

describe(`any bytes, OCELLUS_FUZZ_SEED=${seed}`, () => {
  for (const group of groups)
    test(`${group.name}: nothing throws, hangs or grows`, async () => {
      const { bytes, rounds } = await spend(group, 200_000, seed);
      assert.ok(bytes >= 200_000 && rounds > 0);
    });
});

test('a group that throws is told with the round that does it again', async () => {
  let rounds = 0;
  const round = (): number => {
    if (++rounds === 3) throw new Error('bad');
    return 10;
  };
  await assert.rejects(spend({ name: 'x', round }, 1000, 7), /x, round 2: bad \(again: --only x --seed 7 --round 2\)/);
});

test('a group that keeps what it gets is found out', async () => {
  const kept: Uint8Array[] = [];
  const round = (): number => {
    kept.push(new Uint8Array(1 << 20));
    return 1 << 20;
  };
  await assert.rejects(spend({ name: 'x', round }, 40 << 20, 7), /the heap grew by/);
});

test('bent bytes follow the seed, and pieces are the whole', () => {
  const valid = Uint8Array.from({ length: 5000 }, (_, i) => i);
  const bent = (n: number): Uint8Array => bend(new SeededRandom(n), valid);
  assert.deepEqual([1, 2, 3].map(bent), [1, 2, 3].map(bent));
  assert.ok([1, 2, 3, 4, 5].some(n => Buffer.compare(bent(n), valid) !== 0));
  for (let n = 0; n < 20; n++)
    assert.deepEqual(Buffer.concat([...pieces(new SeededRandom(n), valid)]), Buffer.from(valid));
});
