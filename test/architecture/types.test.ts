/**
 * What the compiler refuses: every row of refused.ts, for the reason that it names. That each
 * is refused at all, `npm run check` sees anyway; here the reasons are compared.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '#fake/daemon';

const comment = /^\s*\/\/ @ts-expect-error (.+)$/;

/** What the compiler says about a text, by line, details included. */
function diagnostics(t: { after(f: () => void): void }, text: string): Map<number, string> {
  const tree = temporaryFolder(t);
  for (const part of ['package.json', 'src', 'objects', 'archive', 'test', 'node_modules'])
    symlinkSync(resolve(part), join(tree, part));
  writeFileSync(join(tree, 'rows.ts'), text);
  writeFileSync(
    join(tree, 'tsconfig.json'),
    JSON.stringify({ extends: resolve('tsconfig.json'), files: ['rows.ts'], include: [] }),
  );
  const words = ['node_modules/typescript/bin/tsc', '-p', '.', '--pretty', 'false', '--types', 'node'];
  const { stdout } = spawnSync(process.execPath, words, { cwd: tree, encoding: 'utf8' });
  const found = new Map<number, string>();
  let at = 0;
  for (const line of stdout.split('\n')) {
    const [, place] = /^rows\.ts\((\d+),/.exec(line) ?? [];
    if (place !== undefined) at = Number(place);
    if (line !== '') found.set(at, `${found.get(at) ?? ''}${line}\n`);
  }
  return found;
}

test('each row is refused, in its line, for the reason that its comment gives', t => {
  const lines = readFileSync('test/architecture/refused.ts', 'utf8').split('\n');
  const rows = lines.flatMap((line, n) => {
    const [, reason] = comment.exec(line) ?? [];
    return reason === undefined ? [] : [{ line: n + 2, reason }];
  });
  assert.ok(rows.length >= 20);
  const said = diagnostics(t, lines.map(line => (comment.test(line) ? '' : line)).join('\n'));
  for (const { line, reason } of rows) {
    const got = said.get(line);
    assert.ok(got?.includes(reason), `line ${line}: expected ${reason}, got ${got ?? 'nothing'}`);
    said.delete(line);
  }
  assert.deepEqual([...said], [], 'nothing else is refused');
});
