import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Fault } from '#core/errors';
import { openDatabase } from '#host/database';

describe('database of the system', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'ocellus-database-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('rows go in and come out with their types', () => {
    const db = openDatabase(':memory:');
    db.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, x REAL, b BLOB) STRICT');
    const { changes, lastId } = db.run('INSERT INTO t(name, x, b) VALUES(?, ?, ?)', 'n', 1.5, Uint8Array.of(1, 2));
    assert.deepEqual([changes, lastId], [1, 1]);
    assert.deepEqual(
      db.all('SELECT * FROM t').map(r => ({ ...r })),
      [{ id: 1, name: 'n', x: 1.5, b: Uint8Array.of(1, 2) }],
    );
    db.close();
    db.close();
  });

  test('a transaction that fails leaves nothing, and its Fault passes through', () => {
    const db = openDatabase(':memory:');
    db.exec('CREATE TABLE t(x)');
    const work = (): void => {
      db.run('INSERT INTO t VALUES(1)');
      throw new Fault('state', 'conflict', 'no');
    };
    assert.throws(() => db.transaction(work), { kind: 'state' });
    assert.equal(
      db.transaction(() => db.all('SELECT * FROM t').length),
      0,
    );
    db.close();
  });

  test('what SQLite refuses is a storage fault that names the file', () => {
    const db = openDatabase(':memory:');
    assert.throws(() => db.exec('nonsense'), { kind: 'storage', code: 'database' });
    db.close();
    assert.throws(() => openDatabase('/nonexistent/x'), { kind: 'storage', message: /\/nonexistent\/x/ });
  });

  test('what was committed is there after opening again', () => {
    const path = join(folder, 'a.sqlite3');
    const first = openDatabase(path);
    first.exec('CREATE TABLE t(x)');
    first.transaction(() => first.run('INSERT INTO t VALUES(1)'));
    first.close();
    const second = openDatabase(path);
    assert.equal(second.all('SELECT * FROM t').length, 1);
    second.close();
  });
});
