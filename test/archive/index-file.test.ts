import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Note } from '#archive/library/notes';
import { LibraryOfFolder } from '#archive/library/service';
import { fakeWorld } from '#fake/world';
import { openDatabase } from '#host/database';
import { createFiles } from '#host/files';

const limits = { limits: { max_size_gb: 1 }, tracks: {} };
const gap = (at: number): Note => ({ is: 'gap', track: 'cam1', beginMs: at, endMs: at + 5000, reason: 'restart' });

async function inFolder(work: (folder: string, library: LibraryOfFolder) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'ocellus-index-'));
  const library = new LibraryOfFolder(fakeWorld({ files: createFiles(), openDatabase }));
  try {
    await library.open(folder);
    await work(folder, library);
  } finally {
    await library.close();
    rmSync(folder, { recursive: true });
  }
}

const reasons = async (library: LibraryOfFolder): Promise<number> =>
  (await library.gaps('cam1', { beginMs: undefined, endMs: undefined })).length;

describe('an index that somebody deletes', () => {
  for (const parts of [[''], ['', '-wal'], ['', '-wal', '-shm']])
    test(`while it is in use (${parts.map(p => `index.sqlite3${p}`).join(', ')}) is there again, with all that was in it`, async () => {
      await inFolder(async (folder, library) => {
        await library.commit([{ is: 'track', track: 'cam1' }, gap(1000)]);
        for (const part of parts) rmSync(join(folder, `index.sqlite3${part}`));
        await library.commit([gap(20_000)]);
        await library.retain(limits);
        assert.ok(existsSync(join(folder, 'index.sqlite3')));
        assert.deepEqual(
          readdirSync(folder).filter(n => n.includes('unfinished') || n.includes('damaged')),
          [],
        );
        await library.commit([gap(40_000)]);
        const told = await reasons(library);
        await library.close();
        rmSync(join(folder, 'ledger'), { recursive: true });
        const { unclean } = await library.open(folder);
        assert.deepEqual([unclean, await reasons(library)], [false, told]);
      });
    });

  test('and that was being written again when the daemon ended is not believed', async () => {
    await inFolder(async (folder, library) => {
      await library.commit([{ is: 'track', track: 'cam1' }, gap(1000)]);
      await library.close();
      writeFileSync(join(folder, 'index.sqlite3.unfinished'), '');
      await library.open(folder);
      assert.equal(await reasons(library), 1, 'the ledger tells it');
      assert.ok(readdirSync(folder).some(n => n.includes('damaged')));
      assert.ok(!existsSync(join(folder, 'index.sqlite3.unfinished')));
    });
  });
});

test('an index that somebody replaces by another file is written again; the other is kept aside', async () => {
  await inFolder(async (folder, library) => {
    await library.commit([{ is: 'track', track: 'cam1' }, gap(1000)]);
    await library.retain(limits);
    rmSync(join(folder, 'index.sqlite3'));
    writeFileSync(join(folder, 'index.sqlite3'), 'from the other disk');
    await library.retain(limits);
    await library.commit([gap(20_000)]);
    await library.close();
    assert.equal(readdirSync(folder).filter(n => n.includes('.foreign-')).length, 1);
    assert.equal((await library.open(folder)).unclean, false);
    assert.ok((await reasons(library)) >= 1);
  });
});

test('an index that is damaged inside is set aside at the next start, and gaps come from the ledger', async () => {
  await inFolder(async (folder, library) => {
    await library.commit([{ is: 'track', track: 'cam1' }, gap(1000)]);
    await library.close();
    const path = join(folder, 'index.sqlite3');
    const bytes = readFileSync(path);
    // The header stays, so that it opens; the pages of the tables are garbage.
    writeFileSync(path, bytes.fill(0x5a, 8192));
    // Pages may be met at the start or later, by whoever needs them.
    const work = async (): Promise<void> => {
      await library.open(folder);
      await library.commit([gap(20_000)]);
    };
    await assert.rejects(work(), { code: 'index-damaged' });
    await library.abandon();
    await library.open(folder);
    await library.commit([gap(40_000)]);
    assert.ok((await reasons(library)) >= 1);
    assert.ok(readdirSync(folder).some(n => n.includes('.damaged-')));
  });
});

test('an index of the first version is carried over', async () => {
  await inFolder(async (folder, library) => {
    await library.commit([{ is: 'track', track: 'cam1' }, gap(1000)]);
    await library.close();
    const db = openDatabase(join(folder, 'index.sqlite3'));
    db.exec(`DROP TABLE packets; DROP TABLE locks; DROP TABLE known_hashes; DROP INDEX files_unhashed; ALTER TABLE files DROP COLUMN hash;
      ALTER TABLE tracks DROP COLUMN chain; UPDATE meta SET value = '1' WHERE key = 'version'`);
    db.close();
    rmSync(join(folder, 'ledger'), { recursive: true });
    await library.open(folder);
    assert.equal(await reasons(library), 1);
    assert.deepEqual(await library.locks('cam1'), []);
    await library.close();
    const newer = openDatabase(join(folder, 'index.sqlite3'));
    newer.exec("UPDATE meta SET value = '99' WHERE key = 'version'");
    newer.close();
    await assert.rejects(library.open(folder), { code: 'index-version' });
  });
});
