/** Everything that can be said of the tree without running it: types, lint, walls and documents, generated files. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const node = process.execPath;
const steps: readonly (readonly [what: string, args: readonly string[]])[] = [
  ['types', ['node_modules/typescript/bin/tsc', '-p', '.']],
  ['types of the page', ['node_modules/typescript/bin/tsc', '-p', 'web']],
  ['lint', ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.']],
  ['generated files', ['tools/generate.ts', '--check']],
  ['walls and documents', ['--test', 'test/architecture/']],
];
let failed = 0;
for (const [what, args] of steps) {
  if (what === 'types of the page' && !existsSync('web/tsconfig.json')) continue;
  const { status } = spawnSync(node, ['--disable-warning=ExperimentalWarning', ...args], { stdio: 'inherit' });
  process.stdout.write(`${status === 0 ? 'ok  ' : 'FAIL'} ${what}\n`);
  if (status !== 0) failed++;
}
process.exit(failed === 0 ? 0 : 1);
