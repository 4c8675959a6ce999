import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Fault } from '#core/errors';
import type { Operation } from '#fake/files';
import { SeededRandom } from '#fake/world';
import { folder, makeRun, Rig, t0 } from './rig.ts';

/** What must be true after any start (archive/DESIGN.md): 1 what is listed is whole on disk; 2 no file is unknown; 3 nothing overlaps and every hole has a reason. */
async function checkInvariants(rig: Rig): Promise<void> {
  const { timeline } = await rig.library.channelSummary('cam1', { beginMs: undefined, endMs: undefined });
  const gaps = await rig.library.gaps('cam1', { beginMs: undefined, endMs: undefined });
  const all = [...timeline.map(([b = '', e = '']) => ({ b, e })), ...gaps.map(g => ({ b: g.begin, e: g.end }))].sort(
    (x, y) => (x.b < y.b ? -1 : 1),
  );
  for (let i = 1; i < all.length; i++) {
    const [end, begin] = [Date.parse(all[i - 1]?.e ?? ''), Date.parse(all[i]?.b ?? '')];
    assert.ok(Math.abs(begin - end) <= 1, `hole or overlap at ${all[i]?.b}: ${JSON.stringify(all)}`);
  }
  // Everything listed can be read back whole.
  for (const [b = '', e = ''] of timeline) {
    const answer = await rig.library.export({
      track: 'cam1',
      beginMs: Date.parse(b),
      endMs: Date.parse(e),
      format: 'isom',
      gaps: 'skip',
    });
    const body = answer.body as { length: number; open(): { next(): Promise<Uint8Array | undefined> } };
    let bytes = 0;
    const stream = body.open();
    for (let p = await stream.next(); p; p = await stream.next()) bytes += p.length;
    assert.equal(bytes, body.length);
  }
  const { disk_usage } = await rig.library.channelSummary('cam1', { beginMs: undefined, endMs: undefined });
  const onDisk = rig.segments().reduce((sum, p) => sum + rig.files.bytesOf(`${folder}/${p}`).length, 0);
  assert.equal(disk_usage, onDisk, 'every byte on disk is listed');
}

const lastEnd = (timeline: readonly string[]): number => Number(timeline.at(-1)?.slice(13, 15));

describe('crash', () => {
  test('a kill costs at most the fragment being cut; the hole has the reason restart', async () => {
    const rig = await new Rig().open();
    await rig.record('cam1', { run: makeRun(), startMs: t0, from: 0, to: 9.5 });
    rig.kill();
    await rig.world.clock.pass(5000);
    await rig.open();
    assert.equal(rig.opened.unclean, true);
    assert.deepEqual(await rig.timeline('cam1'), ['00:00.000 00:09.000']);
    await checkInvariants(rig);
    await rig.record('cam1', { run: makeRun(), startMs: t0 + 16_000, from: 0, to: 4 });
    await rig.stop();
    await rig.open();
    assert.equal((await rig.gaps('cam1'))[0], '00:09.000 00:16.000 restart');
    await rig.stop();
  });

  test('a power cut costs at most sync_seconds and the fragment being cut', async () => {
    const rig = await new Rig().open();
    await rig.record('cam1', { run: makeRun(), startMs: t0, from: 0, to: 20 });
    rig.files.powerCut();
    await rig.open();
    assert.ok(lastEnd(await rig.timeline('cam1')) >= 18 - 1);
    await checkInvariants(rig);
    await rig.stop();
  });

  test('a file cut in the middle of a fragment is listed and trimmed to the last whole one', async () => {
    const rig = await new Rig().open();
    rig.options = { ...rig.options, syncSeconds: 100 };
    await rig.record('cam1', { run: makeRun({ audio: true }), startMs: t0, from: 0, to: 10 });
    rig.kill();
    const path = `${folder}/${rig.segments()[0]}`;
    const whole = rig.files.bytesOf(path);
    rig.files.put(path, whole.slice(0, whole.length - 777));
    await rig.open();
    assert.deepEqual(await rig.timeline('cam1'), ['00:00.000 00:08.000']);
    await checkInvariants(rig);
    await rig.stop();
  });

  test('only files that were open are examined, however many there are', async () => {
    const rig = await new Rig().open();
    rig.options = { ...rig.options, fileSeconds: 2 };
    await rig.record('cam1', { run: makeRun(), startMs: t0, from: 0, to: 40 });
    assert.ok(rig.segments().length >= 19);
    rig.kill();
    const opened = new Set<string>();
    rig.files.before = (op, path) => {
      if (op === 'open') opened.add(path);
    };
    await rig.open();
    const duringOpen = opened.size;
    assert.ok(duringOpen <= 2, `${duringOpen} files opened`);
    await rig.stop();
  });

  const steps: Operation[] = ['open', 'write', 'sync', 'syncFolder', 'close', 'append'];
  for (const how of ['kill', 'powerCut'] as const)
    test(`whatever the disk was doing, the invariants hold after a ${how}`, async () => {
      const random = new SeededRandom(7);
      let deaths = 0;
      for (const step of steps)
        for (let round = 0; round < 4; round++) {
          const rig = await new Rig().open();
          rig.options = { ...rig.options, fileSeconds: 3 };
          let left = 1 + random.below(6);
          let dead = false;
          rig.files.before = op => {
            if (op === step && --left === 0) dead = true;
            return dead ? new Promise<void>(() => {}) : undefined;
          };
          const run = makeRun({ audio: round % 2 === 1 });
          await rig.record('cam1', { run, startMs: t0, from: 0, to: 4 + random.below(8) });
          rig.files.before = () => {};
          if (dead) deaths++;
          rig.files[how]();
          await rig.world.clock.pass(3000);
          await rig.open();
          await rig.pass(250);
          await checkInvariants(rig);
          await rig.record('cam1', { run: makeRun(), startMs: rig.world.clock.wallMs(), from: 0, to: 4 });
          await rig.stop();
          await rig.open();
          await checkInvariants(rig);
          assert.equal(rig.opened.unclean, false);
          await rig.stop();
          assert.equal(rig.files.openCount, 0, `${step} ${round}`);
        }
      assert.ok(deaths >= 12, `${deaths} deaths in the middle of something`);
    });

  test('a disk that refuses at random loses footage with a reason, and nothing else', async () => {
    for (let seed = 1; seed <= 6; seed++) {
      const random = new SeededRandom(seed);
      const { Fault } = await import('#core/errors');
      const rig = await new Rig().open();
      rig.options = { ...rig.options, fileSeconds: 3 };
      rig.files.before = (op, path) => {
        if (path.endsWith('.mp4') && op !== 'remove' && random.unit() < 0.08)
          throw new Fault('storage', random.unit() < 0.5 ? 'disk-full' : 'io-error', `${op} refused`);
      };
      await rig.record('cam1', { run: makeRun({ audio: true }), startMs: t0, from: 0, to: 30 });
      rig.files.before = () => {};
      await rig.record('cam1', { run: makeRun(), startMs: t0 + 31_000, from: 0, to: 40 });
      await rig.stop();
      await rig.open();
      const gaps = await rig.gaps('cam1');
      assert.ok(
        gaps.every(g => !g.endsWith('removed')),
        `seed ${seed}: ${gaps.join(', ')}`,
      );
      assert.equal(rig.budget.used, 0);
      assert.ok(rig.said.includes('recovered'));
      await rig.stop();
    }
  });
});

describe('rebuild', () => {
  test('a deleted index comes back from the files and the ledger: same timeline, same gaps, same export', async () => {
    const rig = await new Rig().open();
    rig.options = { ...rig.options, fileSeconds: 3 };
    const run = makeRun({ audio: true });
    await rig.record('cam1', { run, startMs: t0, from: 0, to: 10 });
    rig.recorder.track('cam1').gap({ reason: 'camera-unreachable', atMs: t0 + 10_000 });
    await rig.pass(5000);
    await rig.record('cam1', { run: makeRun(), startMs: t0 + 15_000, from: 0, to: 10 });
    await rig.record('cam2', { run: makeRun(), startMs: t0 + 26_000, from: 0, to: 3 });
    await rig.stop();
    await rig.open();
    const ask = async (): Promise<unknown[]> => [
      await rig.timeline('cam1'),
      await rig.timeline('cam2'),
      (await rig.gaps('cam1')).slice(0, 1),
      (await rig.library.summary()).contexts,
      (
        await rig.library.export({
          track: 'cam1',
          beginMs: t0 + 1500,
          endMs: t0 + 21_000,
          format: 'isom',
          gaps: 'skip',
        })
      ).headers,
    ];
    const before = await ask();
    await rig.stop();
    rig.removeIndex();
    await rig.open();
    await rig.pass(3000);
    assert.deepEqual(await ask(), before);
    await rig.stop();
  });

  test('recording runs while the index is made anew', async () => {
    const rig = await new Rig().open();
    rig.options = { ...rig.options, fileSeconds: 2 };
    await rig.record('cam1', { run: makeRun(), startMs: t0, from: 0, to: 20 });
    await rig.stop();
    rig.removeIndex();
    await rig.open();
    await rig.record('cam1', { run: makeRun(), startMs: t0 + 22_000, from: 0, to: 6 });
    await rig.pass(3000);
    await rig.stop();
    await rig.open();
    assert.deepEqual(await rig.timeline('cam1'), ['00:00.000 00:20.000', '00:22.000 00:28.000']);
    await rig.stop();
  });

  test('a file taken away by hand is a gap removed; one put back, renamed, is found after the next start', async () => {
    const rig = await new Rig().open();
    rig.options = { ...rig.options, fileSeconds: 2 };
    await rig.record('cam1', { run: makeRun(), startMs: t0, from: 0, to: 10 });
    await rig.stop();
    const path = `${folder}/${rig.segments()[2]}`;
    const bytes = rig.files.bytesOf(path);
    rig.files.entries.delete(path);
    await rig.open();
    await rig.pass(2000);
    assert.deepEqual(await rig.timeline('cam1'), ['00:00.000 00:04.000', '00:06.000 00:10.000']);
    assert.equal((await rig.gaps('cam1'))[0], '00:04.000 00:06.000 removed');
    await rig.stop();
    rig.files.put(path.replace(/[^/]*$/, 'from the other disk.mp4'), bytes);
    rig.files.put(`${folder}/cam1/2026/01/01/00/holiday.mp4`, new TextEncoder().encode('no video at all'));
    await rig.open();
    await rig.pass(2000);
    assert.deepEqual(await rig.timeline('cam1'), ['00:00.000 00:10.000']);
    assert.ok(rig.files.entries.has(`${folder}/cam1/2026/01/01/00/holiday.mp4`), 'what is not ours is left alone');
    await rig.stop();
  });

  test('a ledger line cut off by a full disk spoils no other, and a stop that could not tell all is no clean one', async () => {
    const rig = await new Rig().open();
    await rig.record('cam1', { run: makeRun(), startMs: t0, from: 0, to: 4 });
    let fails = 3;
    rig.files.before = (operation, path) => {
      if (operation !== 'append' || fails-- <= 0) return;
      const before = rig.files.entries.has(path) ? rig.files.bytesOf(path) : new Uint8Array();
      rig.files.put(path, new Uint8Array([...before, ...new TextEncoder().encode('{"gap":{"tra')]));
      throw new Fault('storage', 'disk-full', 'ENOSPC');
    };
    rig.recorder.track('cam1').gap({ reason: 'camera-unreachable', atMs: t0 + 4000 });
    await rig.pass(8000);
    fails = 1000;
    await rig.record('cam1', { run: makeRun(), startMs: t0 + 12_000, from: 0, to: 4 });
    await rig.stop();
    fails = 0;
    await rig.open();
    assert.equal(rig.opened.unclean, true);
    assert.deepEqual(await rig.timeline('cam1'), ['00:00.000 00:04.000', '00:12.000 00:16.000']);
    await rig.stop();
    rig.removeIndex();
    await rig.open();
    assert.equal((await rig.gaps('cam1'))[0], '00:04.000 00:12.000 camera-unreachable');
    await rig.stop();
  });

  test('a damaged index is put aside and made anew', async () => {
    const rig = await new Rig().open();
    await rig.record('cam1', { run: makeRun(), startMs: t0, from: 0, to: 4 });
    await rig.stop();
    const { openDatabase } = rig.world;
    let calls = 0;
    const { Fault } = await import('#core/errors');
    Object.assign(rig.world, {
      openDatabase: (path: string) => {
        if (calls++ === 0) throw new Fault('storage', 'database', 'file is not a database');
        return openDatabase(path);
      },
    });
    await rig.open();
    await rig.pass(2000);
    assert.deepEqual(await rig.timeline('cam1'), ['00:00.000 00:04.000']);
    assert.ok([...rig.files.entries.keys()].some(p => p.includes('index.sqlite3.damaged-')));
    await rig.stop();
  });

  test('a folder is written by one archive at a time', async () => {
    const rig = await new Rig().open();
    const { LibraryOfFolder } = await import('#archive/library/service');
    const second = new LibraryOfFolder(rig.world);
    await assert.rejects(second.open(folder), { kind: 'state', code: 'locked' });
    await rig.stop();
    await second.open(folder);
    await second.close();
  });
});
