/** Builds the page of `web/` into `web/dist`. With `--if-missing` only when it is not there or older than its sources. */
import { readdirSync, statSync } from 'node:fs';
import { build } from 'vite';

const newest = (folder: string): number =>
  Math.max(
    0,
    ...(readdirSync(folder, { recursive: true }) as string[])
      .filter(f => !f.startsWith('dist') && !f.startsWith('node_modules'))
      .map(f => statSync(`${folder}/${f}`).mtimeMs),
  );

const builtMs = (): number => statSync('web/dist/index.html', { throwIfNoEntry: false })?.mtimeMs ?? 0;

if (!process.argv.includes('--if-missing') || builtMs() < newest('web')) await build({ root: 'web', logLevel: 'warn' });
