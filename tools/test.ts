/**
 * Runs the tests: `npm test`, or some of them: `npm test -- test/core`. `--fuzz` gives the
 * fuzz tests more rounds. A test whose peer (ffmpeg, GStreamer, Chromium ...) is absent is
 * skipped and names it; with OCELLUS_PEERS=required such a skip is a failure.
 *
 * End-to-end tests watch the clock and mostly wait, so they come last, two at a time; the others share the cores.
 */
import { globSync } from 'node:fs';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

const words = process.argv.slice(2);
if (words.includes('--fuzz')) process.env['OCELLUS_FUZZ'] = '100';
const places = words.filter(w => !w.startsWith('--'));
const files = (places.length > 0 ? places : ['test'])
  .flatMap(place => (place.endsWith('.ts') ? [place] : globSync(`${place}/**/*.test.ts`)))
  .sort();
const isEndToEnd = (file: string): boolean => file.includes('/e2e/');
const timeoutMs = 180_000;
const counts = { passed: 0, failed: 0, skipped: 0 };

/** Runs files; what they print and what failed goes to stdout as it comes. */
async function phase(chosen: readonly string[], concurrency: number): Promise<void> {
  if (chosen.length === 0) return;
  const events = run({
    files: [...chosen],
    concurrency,
    timeout: timeoutMs,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  // A file and a suite are told like tests; only what is neither counts.
  events.on('test:pass', e => {
    if (e.details.type === 'suite' || chosen.some(f => e.name.endsWith(f))) return;
    if (e.skip === undefined) counts.passed++;
    else counts.skipped++;
  });
  events.on('test:fail', e => {
    if (e.details.type !== 'suite') counts.failed++;
  });
  const reporter = new spec();
  events.compose(reporter).pipe(process.stdout, { end: false });
  await new Promise<void>(done => reporter.once('end', done));
}

await phase(
  files.filter(f => !isEndToEnd(f)),
  2,
);
await phase(
  files.filter(f => isEndToEnd(f)),
  2,
);
const { passed, failed, skipped } = counts;
process.stdout.write(`\n${passed} passed, ${failed} failed, ${skipped} skipped\n`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
