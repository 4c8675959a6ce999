import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { linkOf } from '#archive/format/ledger-line';
import { type FragmentRecord, recordEndMs } from '#archive/format/record';
import { splitRecords } from '#archive/library/delete-range';
import { parseLedger } from '#archive/library/ledger';
import type { AllLimits, Limits } from '#archive/library/library';
import type { ByteSource } from '#core/bytes';
import { folder, makeRun, Rig, t0 } from './rig.ts';

const all = (limits: Limits, tracks: AllLimits['tracks'] = {}): AllLimits => ({ limits, tracks });
const roomy = all({ max_size_gb: 100 });
const span = (from: number, to: number) => ({ beginMs: t0 + from * 1000, endMs: t0 + to * 1000 });
const lockOf = (from: number, to: number, more = {}) => ({
  track: 'cam1',
  id: 'theft',
  ...span(from, to),
  reason: 'theft at the gate',
  untilMs: null,
  by: 'ann',
  ...more,
});

/** Twenty seconds with sound in files of so many seconds, groups of two; then an orderly start. */
async function recorded(fileSeconds = 2): Promise<Rig> {
  const rig = await new Rig().open();
  rig.options = { ...rig.options, fileSeconds, limits: roomy };
  await rig.record('cam1', { run: makeRun({ audio: true }), startMs: t0, from: 0, to: 20 });
  await rig.stop();
  return rig.open(['cam1']);
}

async function again(rig: Rig): Promise<void> {
  await rig.stop();
  rig.removeIndex();
  await rig.open();
  await rig.pass(2000);
}

async function exported(rig: Rig, from: number, to: number): Promise<number> {
  const answer = await rig.library.export({ track: 'cam1', ...span(from, to), format: 'isom', gaps: 'skip' });
  const stream = (answer.body as ByteSource).open();
  let bytes = 0;
  for (let p = await stream.next(); p; p = await stream.next()) bytes += p.length;
  return bytes;
}

describe('locks', () => {
  test('what is locked stays whatever the limits say, and the next oldest goes instead', async () => {
    const rig = await recorded();
    await rig.library.lock(lockOf(4, 7));
    const { fullTracks } = await rig.library.retain(all({ max_depth_rel_hours: 6 / 3600 }));
    assert.deepEqual(fullTracks, []);
    assert.deepEqual(await rig.timeline('cam1'), ['00:04.000 00:08.000', '00:14.000 00:20.000']);
    await rig.library.unlock('cam1', 'theft', 'bob');
    await rig.library.retain(all({ max_depth_rel_hours: 6 / 3600 }));
    assert.deepEqual(await rig.timeline('cam1'), ['00:14.000 00:20.000']);
    await rig.stop();
  });

  test('survive a deleted index, and so does what was unlocked', async () => {
    const rig = await recorded();
    await rig.library.lock(lockOf(4, 7));
    await rig.library.lock(lockOf(100, 200, { id: 'future' }));
    await rig.library.lock(lockOf(8, 9, { id: 'gone' }));
    await rig.library.unlock('cam1', 'gone', null);
    const before = await rig.library.locks('cam1');
    await again(rig);
    assert.deepEqual(await rig.library.locks('cam1'), before);
    assert.deepEqual(
      before.map(l => [l.id, l.by, l.reason]),
      [
        ['theft', 'ann', 'theft at the gate'],
        ['future', 'ann', 'theft at the gate'],
      ],
    );
    await rig.stop();
  });

  test('are replaced by id, end by themselves, and are told of when they do', async () => {
    const rig = await recorded();
    await rig.library.lock(lockOf(0, 20));
    await rig.library.lock(lockOf(4, 7, { untilMs: rig.world.clock.wallMs() + 8000 }));
    assert.equal((await rig.library.locks('cam1')).length, 1);
    rig.options = { ...rig.options, limits: all({ max_depth_rel_hours: 4 / 3600 }) };
    await rig.pass(6000);
    assert.equal((await rig.timeline('cam1'))[0], '00:04.000 00:08.000');
    await rig.pass(8000);
    assert.deepEqual(await rig.timeline('cam1'), ['00:16.000 00:20.000']);
    assert.deepEqual(await rig.library.locks('cam1'), []);
    await assert.rejects(rig.library.oneLock('cam1', 'theft'), { kind: 'absent', code: 'not-found' });
    assert.ok(rig.said.includes('ended theft'));
    await rig.stop();
  });

  test('of a track that does not exist are refused', async () => {
    const rig = await recorded();
    await assert.rejects(rig.library.lock(lockOf(0, 1, { track: 'cam9' })), { kind: 'absent' });
    await assert.rejects(rig.library.unlock('cam1', 'nothing', null), { kind: 'absent' });
    await rig.stop();
  });

  test('with everything locked the track is full, and only that one', async () => {
    const rig = await recorded();
    await rig.library.lock(lockOf(0, 1000));
    const own = { cam1: { limits: { max_size_gb: 1e-6 } } };
    const some = await rig.library.retain(all({ max_size_gb: 100 }, own));
    assert.deepEqual([some.full, some.fullTracks], [false, ['cam1']]);
    const both = await rig.library.retain(all({ max_size_gb: 1e-6 }));
    assert.deepEqual([both.full, both.deletedBytes], [true, 0]);
    await rig.stop();
  });
});

describe('deletion by call', () => {
  test('takes whole files and cuts pieces out of others; what is outside can be exported as before', async () => {
    const rig = await recorded(100);
    const before = (await rig.library.summary()).disk_usage;
    const wanted = [await exported(rig, 0, 4), await exported(rig, 12, 20)];
    const done = await rig.library.deleteRange('cam1', span(4, 12));
    assert.deepEqual(
      done.deleted.map(([b, e]) => `${b?.slice(17, 23)} ${e?.slice(17, 23)}`),
      ['04.000 12.000'],
    );
    assert.deepEqual(done.kept, []);
    assert.deepEqual(await rig.timeline('cam1'), ['00:00.000 00:04.000', '00:12.000 00:20.000']);
    assert.equal((await rig.gaps('cam1'))[0], '00:04.000 00:12.000 removed');
    assert.equal(done.deleted_bytes, before - (await rig.library.summary()).disk_usage);
    assert.ok(done.deleted_bytes > before / 3);
    const onDisk = rig.segments().reduce((sum, p) => sum + rig.files.bytesOf(`${folder}/${p}`).length, 0);
    assert.equal((await rig.library.summary()).disk_usage, onDisk);
    assert.equal(rig.segments().length, 2);
    // A file of its own costs some bytes of header in an export at most; here the samples are the same, so the tables are too.
    assert.deepEqual([await exported(rig, 0, 4), await exported(rig, 12, 20)], wanted);
    await again(rig);
    assert.deepEqual(await rig.timeline('cam1'), ['00:00.000 00:04.000', '00:12.000 00:20.000']);
    assert.equal((await rig.gaps('cam1'))[0], '00:04.000 00:12.000 removed');
    await rig.stop();
    assert.equal(rig.files.openCount, 0);
  });

  test('the group of pictures in which it ends stays, so that what is outside can be decoded', async () => {
    const rig = await recorded(100);
    const done = await rig.library.deleteRange('cam1', span(3, 11));
    assert.deepEqual(await rig.timeline('cam1'), ['00:00.000 00:03.000', '00:10.000 00:20.000']);
    assert.equal(done.kept.length, 1);
    await rig.stop();
  });

  test('locked parts stay and are told', async () => {
    const rig = await recorded(4);
    await rig.library.lock(lockOf(6.5, 7.5));
    const { kept, deleted } = await rig.library.deleteRange('cam1', { beginMs: undefined, endMs: undefined });
    const text = (pairs: string[][]) => pairs.map(([b, e]) => `${b?.slice(17, 19)}-${e?.slice(17, 19)}`);
    assert.deepEqual([text(kept), text(deleted)], [['06-08'], ['00-06', '08-20']]);
    assert.deepEqual(await rig.timeline('cam1'), ['00:06.000 00:08.000']);
    assert.equal((await rig.gaps('cam1'))[0], '00:00.000 00:06.000 removed');
    await again(rig);
    assert.deepEqual((await rig.gaps('cam1')).slice(0, 2), [
      '00:00.000 00:06.000 removed',
      '00:08.000 00:20.000 removed',
    ]);
    await rig.stop();
  });

  test('of the file being recorded nothing goes before it has ended', async () => {
    const rig = await new Rig().open();
    const run = makeRun();
    await rig.record('cam1', { run, startMs: t0, from: 0, to: 6 });
    await rig.pass(2000);
    const first = await rig.library.deleteRange('cam1', span(0, 4));
    assert.deepEqual([first.inOpenFile, first.deleted], [true, []]);
    rig.recorder.endFile('cam1');
    await rig.record('cam1', { run, startMs: t0, from: 6, to: 12 });
    assert.equal(rig.segments().length, 2);
    const second = await rig.library.deleteRange('cam1', span(0, 4));
    assert.equal(second.inOpenFile, false);
    await rig.stop();
    await rig.open();
    assert.deepEqual(await rig.timeline('cam1'), ['00:04.000 00:12.000']);
    await rig.stop();
  });

  for (const step of ['write', 'sync', 'syncFolder', 'remove', 'append'] as const)
    test(`a crash at its ${step} leaves the file or what is left of it, and no third thing`, async () => {
      for (let at = 1; at <= 3; at++) {
        const rig = await recorded(100);
        let left = at;
        let dead = false;
        rig.files.before = op => {
          if (op === step && --left === 0) dead = true;
          return dead ? new Promise<void>(() => {}) : undefined;
        };
        void rig.library.deleteRange('cam1', span(4, 12));
        await rig.pass(1000);
        assert.ok(dead || at > 1, 'it came to that');
        rig.files.before = () => {};
        rig.files.powerCut();
        await rig.open();
        await rig.pass(3000);
        const timeline = (await rig.timeline('cam1')).join(', ');
        assert.ok(
          ['00:00.000 00:20.000', '00:00.000 00:04.000, 00:12.000 00:20.000'].includes(timeline),
          `${step} ${at}: ${timeline}`,
        );
        const onDisk = rig.segments().reduce((sum, p) => sum + rig.files.bytesOf(`${folder}/${p}`).length, 0);
        assert.equal((await rig.library.summary()).disk_usage, onDisk, `${step} ${at}: ${rig.segments().join()}`);
        await rig.stop();
      }
    });

  test('whatever is asked: data outside and locked ones stay, pieces begin with key frames, what goes was wholly inside', () => {
    const times = fc.integer({ min: 0, max: 40_000 });
    const spans = fc.tuple(times, times).map(([a, b]): [number, number] => [Math.min(a, b), Math.max(a, b) + 1]);
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { maxLength: 40 }),
        spans,
        fc.array(spans, { maxLength: 3 }),
        (keys, range, locks) => {
          const records = keys.map(
            (keyframe, i): FragmentRecord => ({
              beginMs: i * 1000,
              durationMs: 1000,
              offset: 500 + i * 10,
              bytes: 10,
              headerBytes: 5,
              keyframe: keyframe || i === 0,
              reordered: false,
              tracks: [],
            }),
          );
          const { runs, gone } = splitRecords(records, range, locks);
          assert.deepEqual(
            [...runs.flat(), ...gone].sort((a, b) => a.offset - b.offset),
            records,
          );
          for (const run of runs) assert.ok(run[0]?.keyframe);
          for (const r of gone) {
            assert.ok(r.beginMs >= range[0] && recordEndMs(r) <= range[1]);
            assert.ok(!locks.some(([b, e]) => b < recordEndMs(r) && e > r.beginMs));
          }
        },
      ),
    );
  });
});

describe('hashes', () => {
  const hashes = (rig: Rig) =>
    parseLedger(new TextDecoder().decode(rig.files.bytesOf(`${folder}/ledger/2026-01.jsonl`))).flatMap(e =>
      'hash' in e ? [e.hash] : [],
    );

  test('every closed file gets its hash once, and the chain of its track has no hole', async () => {
    const rig = await recorded();
    await rig.pass(3000);
    const lines = hashes(rig);
    assert.deepEqual(lines.map(l => l.file).sort(), rig.segments());
    let prev = '';
    const { createHash } = await import('node:crypto');
    for (const l of lines) {
      assert.equal(l.prev, prev);
      assert.equal(l.chain, linkOf(prev, l));
      const bytes = rig.files.bytesOf(`${folder}/${l.file}`);
      assert.equal(l.bytes, bytes.length);
      assert.equal(l.sha256, createHash('sha256').update(bytes).digest('hex'));
      prev = l.chain;
    }
    await rig.stop();
    rig.removeIndex();
    let reads = 0;
    rig.files.before = (op, path) => void (op === 'read' && path.endsWith('.mp4') && reads++);
    await rig.open();
    await rig.record('cam1', { run: makeRun(), startMs: rig.world.clock.wallMs(), from: 0, to: 4 });
    await rig.stop();
    await rig.open();
    await rig.pass(3000);
    const after = hashes(rig);
    assert.equal(after.length, lines.length + rig.segments().length - lines.length, 'a rebuild hashes nothing anew');
    assert.equal(after[lines.length]?.prev, prev, 'and goes on with the chain');
    assert.ok(reads < 6 * rig.segments().length);
    await rig.stop();
  });

  test('a crash between ledger and index forks no chain', async () => {
    const rig = await recorded();
    let appends = 0;
    rig.files.before = op => (op === 'append' && ++appends === 4 ? new Promise<void>(() => {}) : undefined);
    await rig.pass(3000);
    rig.files.before = () => {};
    rig.kill();
    await rig.open();
    await rig.pass(5000);
    const lines = hashes(rig);
    for (const [i, l] of lines.entries()) assert.equal(l.prev, lines[i - 1]?.chain ?? '');
    assert.ok(rig.segments().every(s => lines.some(l => l.file === s)));
    await rig.stop();
  });
});

describe('old months', () => {
  test('a month without footage goes; its live locks and last links are kept', async () => {
    const rig = await recorded();
    await rig.library.lock(lockOf(100, 200, { id: 'future' }));
    await rig.pass(3000);
    rig.world.clock.stepWall(40 * 86_400_000);
    await rig.library.retain(all({ max_depth_abs_hours: 1 }));
    rig.world.clock.stepWall(3_600_000);
    await rig.library.retain(all({ max_depth_abs_hours: 1 }));
    const ledgers = [...rig.files.entries.keys()].filter(p => p.endsWith('.jsonl'));
    assert.deepEqual(ledgers, [`${folder}/ledger/2026-02.jsonl`]);
    const before = await rig.library.locks('cam1');
    await again(rig);
    assert.deepEqual(await rig.library.locks('cam1'), before);
    const entries = parseLedger(new TextDecoder().decode(rig.files.bytesOf(ledgers[0] ?? '')));
    assert.equal(entries.filter(e => 'chain' in e).length, 1);
    await rig.stop();
  });
});

describe('while an index is made anew', () => {
  test('limits of space wait: the oldest files are not known yet', async () => {
    const rig = await recorded();
    await rig.stop();
    rig.removeIndex();
    let held: (() => void) | undefined;
    const gate = new Promise<void>(done => {
      held = done;
    });
    await rig.open();
    rig.files.before = (op, path) => (op === 'list' && path.includes('/2026') ? gate : undefined);
    const { deletedBytes } = await rig.library.retain(all({ max_size_gb: 1e-6 }));
    assert.equal(deletedBytes, 0);
    rig.files.before = () => {};
    held?.();
    await rig.pass(2000);
    assert.ok((await rig.library.retain(all({ max_size_gb: 1e-5 }))).deletedBytes > 0);
    await rig.stop();
  });

  test('a rescan finds a file that was put there, and misses one that was taken', async () => {
    const rig = await recorded();
    await rig.pass(1000);
    const path = `${folder}/${rig.segments()[3]}`;
    const bytes = rig.files.bytesOf(path);
    rig.files.entries.delete(path);
    assert.deepEqual(await rig.library.rescan(), { found: 0, missing: 1 });
    rig.files.put(path.replace(/[^/]*$/, 'back.mp4'), bytes);
    assert.deepEqual(await rig.library.rescan(), { found: 1, missing: 0 });
    assert.deepEqual(await rig.timeline('cam1'), ['00:00.000 00:20.000']);
    await rig.stop();
  });
});
