/**
 * Runs the tests: `npm test`, or some of them: `npm test -- test/core`. `--fuzz` gives the
 * fuzz tests more rounds. A test whose peer (ffmpeg, GStreamer, Chromium ...) is absent is
 * skipped and names it; with OCELLUS_PEERS=required such a skip is a failure.
 */
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';

const words = process.argv.slice(2);
const fuzz = words.includes('--fuzz');
const places = words.filter(w => !w.startsWith('--'));
const files = (places.length > 0 ? places : ['test'])
  .flatMap(place => (place.endsWith('.ts') ? [place] : globSync(`${place}/**/*.test.ts`)))
  .sort();
const child = spawn(
  process.execPath,
  [
    '--disable-warning=ExperimentalWarning',
    '--test',
    '--test-timeout=180000',
    '--test-concurrency=2',
    ...words.filter(w => w.startsWith('--') && w !== '--fuzz'),
    ...files,
  ],
  { stdio: 'inherit', env: { ...process.env, ...(fuzz ? { OCELLUS_FUZZ: '100' } : {}) } },
);
child.on('exit', code => process.exit(code ?? 1));
