import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isTorn } from '#archive/library/torn';
import { runSeed } from '../../tools/powercut/run.ts';

describe('power cuts and kills, by seed (npm run powercut runs thousands)', () => {
  test('whatever an archive was doing, nothing that was promised is lost, and nothing deleted comes back', async () => {
    let deaths = 0;
    for (let seed = 1; seed <= 30; seed++) {
      const outcome = await runSeed(seed);
      assert.deepEqual(outcome.wrong, [], `seed ${seed}:\n${outcome.story.join('\n')}`);
      deaths += outcome.deaths;
    }
    assert.ok(deaths >= 60, `${deaths} deaths`);
  });

  /** Seeds that found something once. */
  for (const [seed, what] of [[2214, 'a lock that dies before the first line of the ledger']] as const)
    test(what, async () => {
      const { wrong, story } = await runSeed(seed);
      assert.deepEqual(wrong, [], story.join('\n'));
    });

  for (const how of ['kill', 'powerCut'] as const)
    test(`a life that ends at one operation after the other, by a ${how}`, async () => {
      for (let dieAt = 1; dieAt <= 400; dieAt += 23) {
        const { wrong, story } = await runSeed(7, { dieAt, how });
        assert.deepEqual(wrong, [], `dies at ${dieAt}:\n${story.join('\n')}`);
      }
    });
});

describe('a picture that a power cut tore', () => {
  const picture = (length: number): Uint8Array => new Uint8Array(length).fill(7);
  for (const [what, from, to, torn] of [
    ['nothing is missing', 0, 0, false],
    ['a sector of zeros', 512, 1024, true],
    ['the rest of a sector that had been flushed in part', 600, 1024, true],
    ['zeros up to the end of the file', 1900, 2000, true],
    ['zeros inside a sector: a codec may write such', 600, 700, false],
    ['three zeros at the end of a sector: the length of a short NAL unit', 1021, 1024, false],
    ['zeros before the picture', 0, 300, false],
  ] as const)
    test(what, () => {
      const bytes = picture(2000);
      bytes.fill(0, from, to);
      assert.equal(isTorn(bytes, 0, 300, 1700), torn);
    });
  test('sectors count from the beginning of the file', () => {
    const bytes = picture(2000);
    bytes.fill(0, 520, 924);
    assert.equal(isTorn(bytes, 100, 10, 1990), true);
    assert.equal(isTorn(bytes, 0, 10, 1990), false);
  });
});
