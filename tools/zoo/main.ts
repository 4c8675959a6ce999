/**
 * `npm run zoo`: everything that cameras and networks do wrong, beside healthy cameras
 * (README.md beside this). Eight faulty cameras at a time; a table at the end, and with
 * `--json FILE` all of it as JSON.
 *
 *   npm run zoo [-- --seconds 60] [--only TEXT] [--few] [--cage 8] [--seed 1] [--json FILE] [--log FILE]
 */
import { appendFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { printTable, type Row } from '../bench/table.ts';
import { Ends } from '../matrix/run.ts';
import { exhibits, fewExhibits } from './exhibits.ts';
import { type CageOutcome, runCage } from './run.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    only: { type: 'string', default: '' },
    few: { type: 'boolean', default: false },
    cage: { type: 'string', default: '8' },
    seed: { type: 'string', default: '1' },
    json: { type: 'string' },
    /** Where the daemons' logs go, one behind the other. */
    log: { type: 'string' },
  },
});
const [seconds, size, seed] = [Number(values.seconds), Number(values.cage), Number(values.seed)];
const chosen = exhibits.filter(e => e.name.includes(values.only) && (!values.few || fewExhibits.includes(e.name)));
if (chosen.length === 0) throw new Error(`--only: expected part of a name, got ${values.only}`);

const cages: Omit<CageOutcome, 'log'>[] = [];
if (values.log !== undefined) writeFileSync(values.log, '');
for (let at = 0; at < chosen.length; at += size) {
  const ends = new Ends();
  try {
    const cage = chosen.slice(at, at + size);
    const life = { warmSeconds: 6, faultSeconds: seconds, restSeconds: 8, seed: seed + at };
    const { log, ...outcome } = await runCage(ends, cage, life);
    if (values.log !== undefined) appendFileSync(values.log, log);
    cages.push(outcome);
    const { megabytes, files, healthy } = outcome;
    process.stderr.write(
      `${cage.map(e => e.name).join(' ')}: ${outcome.outcomes.filter(o => o.wrong.length > 0).length} failed; ` +
        `healthy: ${healthy.map(h => `${h.pictures} pictures, ${h.lost} lost`).join('; ')}; ` +
        `MB ${megabytes.before.toFixed(0)}, at most ${megabytes.most.toFixed(0)}, ${megabytes.after.toFixed(0)}; ` +
        `open files ${files.before}, ${files.after}${outcome.wrong.map(w => `\n  wrong: ${w}`).join('')}\n`,
    );
  } finally {
    await ends.close();
  }
}

const rows = cages.flatMap(({ outcomes }) =>
  outcomes.map(
    (o): Row => ({
      camera: o.name,
      'well again after s': o.recoveredSeconds?.toFixed(1) ?? 'never',
      'allowed s': o.allowedSeconds.toFixed(0),
      'missing s': o.account.missingSeconds.toFixed(1),
      gaps: o.account.reasons,
      verdict: o.wrong.length === 0 ? 'ok' : o.wrong.slice(0, 3).join('; '),
    }),
  ),
);
printTable(`Faults of ${seconds} s beside three healthy cameras, ${size} at a time, seed ${seed}`, rows, undefined);
const wrong = cages.flatMap(c => c.wrong);
const lost = cages.flatMap(c => c.healthy).reduce((n, h) => n + h.lost, 0);
const pictures = cages.flatMap(c => c.healthy).reduce((n, h) => n + h.pictures, 0);
process.stdout.write(`healthy cameras: ${pictures} pictures recorded, ${lost} lost\n`);
for (const w of wrong) process.stdout.write(`wrong: ${w}\n`);
if (values.json !== undefined)
  writeFileSync(
    values.json,
    `${JSON.stringify({ date: new Date().toISOString(), seconds, seed, cages }, undefined, 1)}\n`,
  );
process.exitCode = wrong.length === 0 && rows.every(r => r['verdict'] === 'ok') ? 0 : 1;
