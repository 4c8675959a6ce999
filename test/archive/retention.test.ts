import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AllLimits, Limits } from '#archive/library/library';
import { effectiveLimits } from '#archive/library/retention';
import { makeRun, Rig, t0 } from './rig.ts';

const all = (limits: Limits, tracks: AllLimits['tracks'] = {}): AllLimits => ({ limits, tracks });
const hours = (seconds: number): number => seconds / 3600;

/** Two tracks of thirty seconds in files of two, the second begins ten seconds later; then an orderly start. */
async function recorded(): Promise<Rig> {
  const rig = await new Rig().open();
  rig.options = { ...rig.options, fileSeconds: 2, limits: all({ max_size_gb: 100 }) };
  const [a, b] = [makeRun(), makeRun()];
  for (let s = 0; s < 30; s += 10) {
    await rig.record('cam1', { run: a, startMs: t0, from: s, to: s + 10 });
    await rig.record('cam2', { run: b, startMs: t0 + 10_000, from: s, to: s + 10 });
  }
  await rig.stop();
  return rig.open(['cam1', 'cam2']);
}

describe('retention', () => {
  test('of no limits, five percent stay free; of one, it alone', () => {
    assert.deepEqual(effectiveLimits({}), { keep_free_percents: 5 });
    assert.deepEqual(effectiveLimits({ max_size_gb: 1 }), { max_size_gb: 1 });
  });

  test('size: the oldest files of all tracks go first, and no more than needed', async () => {
    const rig = await recorded();
    const { disk_usage } = await rig.library.summary();
    const { deletedBytes, full } = await rig.library.retain(all({ max_size_gb: (disk_usage * 0.85) / 1e9 }));
    assert.ok(deletedBytes >= disk_usage * 0.15 && deletedBytes < disk_usage * 0.2);
    assert.equal(full, false);
    assert.deepEqual(await rig.timeline('cam1'), ['00:10.000 00:30.000']);
    assert.deepEqual(await rig.timeline('cam2'), ['00:10.000 00:40.000']);
    assert.deepEqual(
      (await rig.gaps('cam1')).filter(g => g.endsWith('removed')),
      [],
    );
    await rig.stop();
  });

  test('free space: what the volume lacks is deleted', async () => {
    const rig = await recorded();
    rig.files.sizeBytes = 1e9;
    rig.files.freeBytes = 1e8 - 25_000;
    const { deletedBytes } = await rig.library.retain(all({ keep_free_percents: 10 }));
    assert.ok(deletedBytes >= 25_000 && deletedBytes < 60_000, `${deletedBytes}`);
    await rig.stop();
  });

  test('age: what is older than so many hours goes', async () => {
    const rig = await recorded();
    rig.world.clock.stepWall(t0 + 40_000 - rig.world.clock.wallMs());
    await rig.library.retain(all({ max_depth_abs_hours: hours(20) }));
    assert.deepEqual(await rig.timeline('cam1'), ['00:18.000 00:30.000']);
    assert.deepEqual(await rig.timeline('cam2'), ['00:18.000 00:40.000']);
    await rig.stop();
  });

  test('recorded hours: each track keeps at most so many', async () => {
    const rig = await recorded();
    await rig.library.retain(all({ max_depth_rel_hours: hours(10) }));
    assert.deepEqual(await rig.timeline('cam1'), ['00:20.000 00:30.000']);
    assert.deepEqual(await rig.timeline('cam2'), ['00:30.000 00:40.000']);
    await rig.stop();
  });

  test('a limit of one track touches no other', async () => {
    const rig = await recorded();
    await rig.library.retain(all({ max_size_gb: 100 }, { cam2: { limits: { max_depth_rel_hours: hours(4) } } }));
    assert.deepEqual(await rig.timeline('cam1'), ['00:00.000 00:30.000']);
    assert.deepEqual(await rig.timeline('cam2'), ['00:36.000 00:40.000']);
    await rig.stop();
  });

  test('all limits hold at once: the tightest rules', async () => {
    const rig = await recorded();
    await rig.library.retain(all({ max_size_gb: 100, max_depth_rel_hours: hours(10) }));
    assert.deepEqual(await rig.timeline('cam1'), ['00:20.000 00:30.000']);
    await rig.stop();
  });

  test('folders that become empty go too, the last file takes the track out of the summary', async () => {
    const rig = await recorded();
    rig.world.clock.stepWall(3_600_000);
    await rig.library.retain(all({ max_depth_abs_hours: 0.5 }));
    assert.deepEqual(rig.segments(), []);
    assert.deepEqual((await rig.library.summary()).contexts, {});
    assert.deepEqual(
      [...rig.files.folders].filter(f => f.startsWith('/archive/cam')),
      ['/archive/cam1', '/archive/cam2'],
    );
    await rig.stop();
  });

  test('a file condemned before a crash is deleted after it, and never comes back', async () => {
    const rig = await recorded();
    rig.files.before = op => (op === 'remove' ? new Promise<void>(() => {}) : undefined);
    void rig.library.retain(all({ max_depth_rel_hours: hours(10) }));
    await rig.pass(500);
    rig.files.before = () => {};
    rig.kill();
    await rig.open();
    await rig.pass(1000);
    assert.deepEqual(await rig.timeline('cam1'), ['00:20.000 00:30.000']);
    assert.equal(rig.segments().filter(p => p.startsWith('cam1')).length, 5);
    await rig.stop();
  });

  test('with nothing left to delete recording stops with disk-full and says so; it goes on when there is room', async () => {
    const rig = await new Rig().open();
    rig.options = { ...rig.options, limits: all({ keep_free_percents: 10 }) };
    const run = makeRun();
    await rig.record('cam1', { run, startMs: t0, from: 0, to: 4 });
    rig.files.freeBytes = 0;
    await rig.record('cam1', { run, startMs: t0, from: 4, to: 20 });
    assert.ok(rig.said.includes('full true'));
    assert.ok(rig.said.includes('+disk-full'));
    rig.files.freeBytes = 5e11;
    await rig.record('cam1', { run, startMs: t0, from: 20, to: 40 });
    assert.ok(rig.said.includes('full false'));
    assert.ok(rig.said.includes('-disk-full'));
    await rig.stop();
  });
});
