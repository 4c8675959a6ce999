/**
 * `npm run powercut`: the proof that an archive loses nothing (README.md beside this).
 *
 *   npm run powercut [-- --seeds 2000] [--from 1] [--every 1] [--story]
 */
import { parseArgs } from 'node:util';
import { type Outcome, runSeed } from './run.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
    from: { type: 'string', default: '1' },
    /** Tells what a seed did. */
    story: { type: 'boolean', default: false },
  },
});
const from = Number(values.from);
const failed: Outcome[] = [];
let deaths = 0;
let steps = 0;
const since = Date.now();
for (let seed = from; seed < from + Number(values.seeds); seed++) {
  const outcome = await runSeed(seed);
  deaths += outcome.deaths;
  steps += outcome.steps;
  if (values.story) console.log(outcome.story.join('\n'));
  if (outcome.wrong.length === 0) continue;
  failed.push(outcome);
  console.log(`seed ${seed}: ${outcome.wrong.slice(0, 4).join('\n  ')}`);
}
console.log(`${values.seeds} seeds, ${deaths} deaths, ${steps} operations, ${failed.length} failed, ${Date.now() - since} ms`);
process.exitCode = failed.length > 0 ? 1 : 0;
