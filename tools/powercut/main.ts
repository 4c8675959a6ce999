/**
 * `npm run powercut`: the proof that an archive loses nothing (README.md beside this).
 *
 *   npm run powercut [-- --seeds 2000] [--from 1] [--steps] [--story]
 */
import { parseArgs } from 'node:util';
import { printTable } from '../bench/table.ts';
import { type Outcome, type Plan, runSeed } from './run.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
    from: { type: 'string', default: '1' },
    /** One life after the other that dies at each operation of the seed `from`. */
    steps: { type: 'boolean', default: false },
    story: { type: 'boolean', default: false },
  },
});
const from = Number(values.from);
/** About as many operations as a life has. */
const mostSteps = 600;

function* plans(): Generator<readonly [name: string, seed: number, plan: Plan]> {
  if (!values.steps) for (let seed = from; seed < from + Number(values.seeds); seed++) yield ['seeds', seed, {}];
  else
    for (const how of ['kill', 'powerCut'] as const)
      for (let dieAt = 1; dieAt <= mostSteps; dieAt++) yield [`every step, ${how}`, from, { dieAt, how }];
}

const rows = new Map<string, { runs: number; deaths: number; operations: number; failed: number }>();
const failed = (name: string, seed: number, { dieAt }: Plan, { wrong, story }: Outcome): void => {
  console.log(
    `${name}: seed ${seed}${dieAt === undefined ? '' : `, dies at ${dieAt}`}: ${wrong.slice(0, 4).join('\n  ')}`,
  );
  if (values.story) console.log(story.join('\n'));
};
const since = Date.now();
for (const [name, seed, plan] of plans()) {
  const outcome = await runSeed(seed, plan);
  const row = rows.get(name) ?? { runs: 0, deaths: 0, operations: 0, failed: 0 };
  rows.set(name, row);
  row.runs++;
  row.deaths += outcome.deaths;
  row.operations += outcome.steps;
  if (outcome.wrong.length === 0) continue;
  row.failed++;
  failed(name, seed, plan, outcome);
}
printTable(
  'powercut',
  [...rows].map(([what, row]) => ({ what, ...row })),
  undefined,
);
console.log(`${((Date.now() - since) / 1000).toFixed(0)} s`);
process.exitCode = [...rows.values()].some(r => r.failed > 0) ? 1 : 0;
