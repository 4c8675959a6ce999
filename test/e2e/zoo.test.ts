/** The short form of tools/zoo: a cage of faulty cameras beside three healthy ones, for a few seconds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exhibits, fewExhibits } from '../../tools/zoo/exhibits.ts';
import { runCage } from '../../tools/zoo/run.ts';

test('faulty cameras recover when their fault is over, and cost the healthy ones no picture and the daemon no memory', {
  timeout: 120_000,
}, async t => {
  const cage = exhibits.filter(e => fewExhibits.includes(e.name));
  assert.equal(cage.length, fewExhibits.length);
  const life = { warmSeconds: 3, faultSeconds: 4, restSeconds: 4, seed: 7 };
  const { outcomes, wrong } = await runCage(t, cage, life);
  const told = outcomes.flatMap(o => o.wrong.map(w => `${o.name}: ${w}`));
  assert.deepEqual([...wrong, ...told], []);
});
