import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { checkArchive, exportArchive, rebuildArchive, verifyArchive } from '#archive/library/offline';
import { LibraryOfFolder } from '#archive/library/service';
import { parseArchiveCommand, textTable } from '#command/archive';
import { fakeWorld } from '#fake/world';
import { clock } from '#host/clock';
import { openDatabase } from '#host/database';
import { createFiles } from '#host/files';
import { archiveOf, fileMs, makeFile, writeArchive } from '../../tools/bench/archive-maker.ts';

const world = fakeWorld({ files: createFiles(), openDatabase, clock });
const endMs = Date.UTC(2026, 0, 2);

/** Twelve files of two tracks, listed and hashed. */
async function inArchive(work: (folder: string, paths: readonly string[]) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'ocellus-offline-'));
  try {
    const files = [...archiveOf(12, 2, endMs)];
    writeArchive(folder, files);
    const library = new LibraryOfFolder(world);
    await library.open(folder);
    await library.walked();
    for (let i = 0; i < 500 && !(await isHashed(folder, 12)); i++) await clock.sleep(10);
    await library.close();
    await work(
      folder,
      files.map(f => f.path),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function isHashed(folder: string, files: number): Promise<boolean> {
  const { tracks } = await verifyArchive(world, folder);
  return Object.values(tracks).reduce((sum, t) => sum + t.links, 0) === files;
}

const depths = async (folder: string): Promise<number[]> => [
  (await checkArchive(world, folder, 'quick')).problems.length,
  (await checkArchive(world, folder, 'sizes')).problems.length,
  (await checkArchive(world, folder, 'hashes')).problems.length,
];

describe('an archive without its daemon', () => {
  test('in order has no problems, at any depth', async () => {
    await inArchive(async folder => {
      const { files, bytes, problems } = await checkArchive(world, folder, 'hashes');
      assert.deepEqual([files, problems], [12, []]);
      assert.equal(bytes, (await rebuildArchive(world, folder)).bytes);
      assert.deepEqual(await depths(folder), [0, 0, 0], 'nor has it after a rebuild');
      assert.ok(!existsSync(join(folder, 'index.sqlite3.old')));
      const { tracks, problems: none } = await verifyArchive(world, folder);
      assert.deepEqual(none, []);
      for (const t of Object.values(tracks)) assert.deepEqual([t.links, t.intact, t.gone], [6, 6, 0]);
    });
  });

  test('each depth finds more: files missing and unknown, lengths, bytes', async () => {
    await inArchive(async (folder, [first = '', second = '', third = '', fourth = '']) => {
      const middle = readFileSync(join(folder, first));
      middle[700] = (middle[700] ?? 0) ^ 1;
      writeFileSync(join(folder, first), middle);
      assert.deepEqual(await depths(folder), [0, 0, 1]);
      appendFileSync(join(folder, second), 'x');
      assert.deepEqual(await depths(folder), [0, 1, 3]);
      rmSync(join(folder, third));
      assert.deepEqual(await depths(folder), [1, 2, 4]);
      writeFileSync(join(folder, fourth.replace(/[^/]*$/, 'holiday.mp4')), 'none of ours');
      assert.deepEqual(await depths(folder), [2, 3, 5]);
      const { problems, tracks } = await verifyArchive(world, folder);
      assert.deepEqual(problems.map(p => p.file).sort(), [first, second].sort());
      assert.equal(
        Object.values(tracks).reduce((sum, t) => sum + t.gone, 0),
        1,
      );
    });
  });

  test('a ledger that somebody edited is found: a changed line, a line taken out', async () => {
    await inArchive(async folder => {
      const now = new Date(clock.wallMs()).toISOString().slice(0, 7);
      const ledger = join(folder, `ledger/${now}.jsonl`);
      const text = readFileSync(ledger, 'utf8');
      const lines = text.split('\n');
      const at = lines.findIndex(l => l.startsWith('{"hash"'));
      const changed = lines.with(at, (lines[at] ?? '').replace(/"bytes":\d+/, '"bytes":1'));
      writeFileSync(ledger, changed.join('\n'));
      assert.ok((await verifyArchive(world, folder)).problems.some(p => p.problem.includes('chain is broken')));
      const own = lines.flatMap((l, i) => (l.includes('"track":"cam1"') && l.startsWith('{"hash"') ? [i] : []));
      writeFileSync(ledger, lines.toSpliced(own[2] ?? 0, 1).join('\n'));
      const { problems } = await verifyArchive(world, folder);
      assert.equal(problems.length, 1);
      assert.match(problems[0]?.problem ?? '', /cam1: its chain is broken at/);
    });
  });

  test('a line of the ledger opens no file outside of the folder', async () => {
    await inArchive(async folder => {
      const entry = { track: 'cam1', bytes: 1, sha256: '0'.repeat(64), prev: '', chain: '0'.repeat(64) };
      for (const file of ['../x.mp4', '/etc/x.mp4', 'cam1/../../x.mp4', 'cam1//x.mp4'])
        appendFileSync(join(folder, 'ledger/2026-01.jsonl'), `${JSON.stringify({ hash: { ...entry, file } })}\n`);
      const { tracks } = await verifyArchive(world, folder);
      assert.equal(tracks['cam1']?.gone, 0);
    });
  });

  test('is left alone while a daemon has it', async () => {
    await inArchive(async folder => {
      const daemon = new LibraryOfFolder(world);
      await daemon.open(folder);
      await assert.rejects(checkArchive(world, folder, 'quick'), { code: 'locked' });
      await assert.rejects(rebuildArchive(world, folder), { code: 'locked' });
      assert.ok(existsSync(join(folder, 'index.sqlite3')));
      await daemon.close();
      await assert.rejects(checkArchive(world, join(folder, 'nowhere'), 'quick'), { kind: 'absent' });
    });
  });

  test('an interval is written as one file, never over another', async () => {
    await inArchive(async folder => {
      const out = join(folder, 'clip.mp4');
      const wanted = { track: 'cam1', beginMs: endMs - 40_000, endMs: endMs - 10_000 };
      const bytes = await exportArchive(world, folder, wanted, out);
      assert.equal(statSync(out).size, bytes);
      await assert.rejects(exportArchive(world, folder, wanted, out), { code: 'exists' });
    });
  });
});

test('a made file is as long as it says, and its table is believed', () => {
  const { bytes, notes } = makeFile('cam1', endMs);
  const closed = notes.find(n => n.is === 'closed');
  assert.equal(closed?.bytes, bytes.length);
  assert.equal(fileMs, 32_000);
});

describe('ocellus archive', () => {
  const flags = { quick: false, sizes: false, hashes: false, out: undefined };
  test('check has a depth, sizes by default', () => {
    assert.deepEqual(parseArchiveCommand(['check', 'a'], flags), { is: 'check', folder: 'a', depth: 'sizes' });
    assert.deepEqual(parseArchiveCommand(['check', 'a'], { ...flags, hashes: true }), {
      is: 'check',
      folder: 'a',
      depth: 'hashes',
    });
  });
  test('export names its file by what is in it', () => {
    const words = ['export', 'a', 'cam1', '2026-01-01T00:00:00Z', '2026-01-01T00:01:00Z'];
    const command = parseArchiveCommand(words, flags);
    assert.equal(command.is === 'export' && command.out, 'cam1_20260101T000000.000Z_20260101T000100.000Z.mp4');
  });
  const wrong: [what: string, words: string[], flags: typeof flags | object][] = [
    ['no words', [], {}],
    ['no folder', ['check'], {}],
    ['two folders', ['rebuild', 'a', 'b'], {}],
    ['two depths', ['check', 'a'], { quick: true, hashes: true }],
    ['a depth of something else', ['verify', 'a'], { quick: true }],
    ['an unknown word', ['repair', 'a'], {}],
    ['an end before the begin', ['export', 'a', 'cam1', '2', '1'], {}],
    ['no end', ['export', 'a', 'cam1', '2'], {}],
    ['a file for what writes none', ['check', 'a'], { out: 'x' }],
  ];
  for (const [what, words, more] of wrong)
    test(`${what} is a usage error`, () => {
      assert.throws(() => parseArchiveCommand(words, { ...flags, ...more }), { code: 'usage' });
    });
  test('a table has columns', () => {
    assert.equal(textTable([{ a: 1, long: 'x' }, { a: 22 }]), 'a   long\n1   x\n22');
  });
});
