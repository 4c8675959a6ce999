import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Fault } from '#core/errors';
import { createFiles } from '#host/files';

describe('files of the system', () => {
  const files = createFiles();
  let folder = '';
  const path = (name: string): string => join(folder, name);
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  const bytes = (s: string): Uint8Array => new TextEncoder().encode(s);

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'ocellus-files-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('pieces are written one after the other at an offset, and read back from any other', async () => {
    const f = await files.open(path('a'), 'create');
    await f.write(0, [bytes('head')]);
    await f.write(4, [bytes('one'), bytes(''), bytes('two'), bytes('three')]);
    assert.equal(text(await f.read(4, 6)), 'onetwo');
    assert.equal(text(await f.read(10, 100)), 'three');
    assert.equal((await f.read(1000, 5)).length, 0);
    await f.sync();
    await f.truncate(7);
    assert.equal(await f.size(), 7);
    await f.close();
    await f.close();
    assert.equal(await files.readText(path('a')), 'headone');
  });

  test('more pieces than the system takes at once are all written', async () => {
    const f = await files.open(path('many'), 'create');
    await f.write(
      0,
      Array.from({ length: 5000 }, (_, i) => Uint8Array.of(i & 0xff)),
    );
    const back = await f.read(0, 6000);
    await f.close();
    assert.deepEqual([back.length, back[4999], back[1024]], [5000, 4999 & 0xff, 0]);
  });

  test('creating over an existing file fails and leaves it', async () => {
    await files.writeText(path('there'), 'x');
    await assert.rejects(files.open(path('there'), 'create'), { kind: 'storage', code: 'exists' });
    assert.equal(await files.readText(path('there')), 'x');
  });

  test('what is missing is absent, whatever is asked of it', async () => {
    const absent = { kind: 'absent', code: 'not-found' };
    for (const ask of [
      () => files.open(path('none'), 'read'),
      () => files.readText(path('none')),
      () => files.stat(path('none')),
      () => files.list(path('none')),
      () => files.remove(path('none')),
      () => files.append(path('none/x'), 'x'),
    ])
      await assert.rejects(ask, absent);
  });

  test('names are listed in byte order with their kind', async () => {
    await files.makeFolder(path('l/b/c'));
    for (const n of ['Z', 'a', 'ä']) writeFileSync(path(`l/${n}`), n);
    assert.deepEqual(
      (await files.list(path('l'))).map(e => `${e.name} ${e.kind}`),
      ['Z file', 'a file', 'b folder', 'ä file'],
    );
  });

  test('a folder is made with those above it; where none can be made that is said, not tried for ever', async () => {
    await Promise.all([
      files.makeFolder(path('m/n/o')),
      files.makeFolder(path('m/n/p')),
      files.makeFolder(path('m/n')),
    ]);
    assert.deepEqual(
      (await files.list(path('m/n'))).map(e => e.name),
      ['o', 'p'],
    );
    writeFileSync(path('plain'), '');
    const kindOf = (name: string): Promise<string> =>
      files.makeFolder(name).then(
        () => 'made',
        (e: Fault) => e.kind,
      );
    const refused = await Promise.all(['plain', 'plain/x'].map(name => kindOf(path(name))));
    assert.deepEqual([refused, await kindOf('/proc/ocellus/x')], [['storage', 'storage'], 'absent']);
  });

  test('only an empty folder is removed, a full one stays without complaint', async () => {
    await files.makeFolder(path('e/f'));
    await files.removeEmptyFolder(path('e'));
    await files.removeEmptyFolder(path('e/f'));
    assert.deepEqual(await files.list(path('e')), []);
  });

  test('text is appended, replaced, renamed, and the volume has a size', async () => {
    await files.append(path('log'), 'a\n');
    await files.append(path('log'), 'b\n');
    assert.equal(await files.readText(path('log')), 'a\nb\n');
    await files.writeText(path('log'), 'c', 0o600);
    await files.rename(path('log'), path('log2'));
    await files.syncFolder(folder);
    assert.deepEqual(await files.stat(path('log2')).then(s => [s.size, s.kind]), [1, 'file']);
    const { sizeBytes, freeBytes } = await files.volume(folder);
    assert.ok(sizeBytes > 0 && freeBytes > 0 && freeBytes <= sizeBytes);
  });

  test('a lock is held once in this process and once among processes, and dies with its holder', async () => {
    const script = `import { createFiles } from '#host/files';
      try { const l = await createFiles().lock(process.argv[1]); console.log('taken'); process.kill(process.pid, 'SIGKILL'); }
      catch (e) { console.log(e.kind, e.code); }`;
    const other = (): string =>
      spawnSync(process.execPath, ['--input-type=module', '-e', script, path('lock')], {
        cwd: join(import.meta.dirname, '../..'),
      }).stdout.toString();
    assert.equal(other(), 'taken\n', 'the first holder was killed while it held it');
    const held = await files.lock(path('lock'));
    await assert.rejects(files.lock(path('lock')), { kind: 'state', code: 'locked' });
    assert.equal(other(), 'state locked\n');
    await held.release();
    await held.release();
    await (await files.lock(path('lock'))).release();
  });
});
