import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { unpackRecords } from '#archive/format/record';
import { scanFile } from '#archive/library/scan-file';
import { WriteBudget } from '#archive/recorder/write-budget';
import { Hub } from '#hub/hub';
import type { Run } from '#media/track';
import { makeRun, Rig, t0, units } from './rig.ts';

describe('recording that begins within a group of pictures', () => {
  /** A camera with a keyframe every ten seconds that has been running since the beginning. */
  async function feed(rig: Rig, hub: Hub, from: number, to: number, run: Run): Promise<void> {
    for (const u of units({ run, startMs: t0, from, to, gop: 250 })) {
      if (u.wallMs - rig.world.clock.wallMs() >= 250) await rig.pass(250);
      hub.publish(u);
    }
  }
  const attach = (rig: Rig, hub: Hub): { close(): void } =>
    hub.attach(rig.recorder.track('cam1'), { who: 'stor0', from: 'kept', ...rig.recorder.room('cam1') });

  test('has what was kept of it, and nothing twice when it begins again within the same one', async () => {
    const rig = await new Rig().open();
    const hub = new Hub({ gopLimitBytes: 1e7, gopLimitMs: 32_000, onBug: assert.fail });
    const run = makeRun();
    await feed(rig, hub, 0, 6, run);
    const first = attach(rig, hub);
    await feed(rig, hub, 6, 14, run);
    first.close();
    await rig.stop();
    await rig.open();
    const second = attach(rig, hub);
    await feed(rig, hub, 14, 24, run);
    second.close();
    await rig.stop();
    await rig.open();
    assert.deepEqual(await rig.timeline('cam1'), ['00:00.000 00:14.000', '00:20.000 00:24.000']);
    assert.deepEqual(await rig.gaps('cam1').then(g => g.slice(0, 1)), ['00:14.000 00:20.000 restart']);
    assert.deepEqual(rig.troubles, []);
    await rig.stop();
  });

  test('leaves out what there is no room for, rather than to drop it as if the disk were slow', async () => {
    const rig = new Rig();
    rig.budget = new WriteBudget(1e6, 40_000);
    await rig.open();
    const hub = new Hub({ gopLimitBytes: 1e7, gopLimitMs: 32_000, onBug: assert.fail });
    await feed(rig, hub, 0, 6, makeRun());
    assert.ok(hub.keptBytes > 20_000);
    attach(rig, hub);
    assert.deepEqual([rig.said, rig.recorder.queuedBytes], [[], 0]);
    await rig.stop();
  });
});

describe('recording', () => {
  test('footage is found where it was recorded, to the end of the last picture, after an orderly stop', async () => {
    const rig = await new Rig().open();
    await rig.record('cam1', { run: makeRun(), startMs: t0, from: 0, to: 10 });
    await rig.stop();
    await rig.open();
    assert.deepEqual(await rig.timeline('cam1'), ['00:00.000 00:10.000']);
    assert.deepEqual(rig.segments(), ['cam1/2026/01/01/00/20260101T000000.000Z.mp4']);
    assert.equal(rig.opened.unclean, false);
    await rig.stop();
    assert.equal(rig.files.openCount, 0);
  });

  test('a running recording is listed before it stops, no later than a sync and a commit after', async () => {
    const rig = await new Rig().open();
    await rig.record('cam1', { run: makeRun(), startMs: t0, from: 0, to: 10 });
    const [span] = await rig.timeline('cam1');
    assert.match(span ?? '', /^00:00.000 00:0[89]/);
    await rig.stop();
  });

  test('a fragment is one write: a second of video and audio costs one system call', async () => {
    const rig = await new Rig().open();
    await rig.record('cam1', { run: makeRun({ audio: true }), startMs: t0, from: 0, to: 20 });
    await rig.stop();
    assert.ok(rig.files.writes <= 22, `${rig.files.writes} writes`);
  });

  test('size and time end files at key frames, and a new run ends one at once', async () => {
    const rig = await new Rig().open();
    rig.options = { ...rig.options, fileSeconds: 5 };
    await rig.record('cam1', { run: makeRun(), startMs: t0, from: 0, to: 12 });
    await rig.record('cam1', { run: makeRun({ pps: '68ee3c80' }), startMs: t0 + 12_000, from: 0, to: 3 });
    await rig.stop();
    // Groups of two seconds: 5 s are reached at the key frame of second 6.
    assert.deepEqual(
      rig.segments().map(p => p.slice(-15, -4)),
      ['000000.000Z', '000006.000Z', '000012.000Z'],
    );
    await rig.open();
    assert.deepEqual(await rig.timeline('cam1'), ['00:00.000 00:15.000']);
    await rig.stop();
  });

  test('a gap that the source tells has its reason, and one event at each end', async () => {
    const rig = await new Rig().open();
    await rig.record('cam1', { run: makeRun(), startMs: t0, from: 0, to: 4 });
    rig.recorder.track('cam1').gap({ reason: 'camera-unreachable', atMs: t0 + 4000 });
    await rig.pass(6000);
    await rig.record('cam1', { run: makeRun(), startMs: t0 + 10_000, from: 0, to: 4 });
    await rig.stop();
    await rig.open();
    assert.deepEqual(await rig.timeline('cam1'), ['00:00.000 00:04.000', '00:10.000 00:14.000']);
    const [gap] = await rig.gaps('cam1');
    assert.equal(gap, '00:04.000 00:10.000 camera-unreachable');
    assert.deepEqual(rig.said.slice(0, 2), ['+camera-unreachable', '-camera-unreachable']);
    await rig.stop();
  });

  test('a gap that changes its reason is two gaps', async () => {
    const rig = await new Rig().open();
    const track = rig.recorder.track('cam1');
    await rig.record('cam1', { run: makeRun(), startMs: t0, from: 0, to: 4 });
    track.gap({ reason: 'no-media', atMs: t0 + 4000 });
    await rig.pass(3000);
    track.gap({ reason: 'camera-unreachable', atMs: t0 + 7000 });
    await rig.pass(3000);
    assert.deepEqual(await rig.gaps('cam1').then(g => g.map(l => l.slice(0, 9) + l.slice(19))), [
      '00:04.000 no-media',
      '00:07.000 camera-unreachable',
    ]);
    await rig.stop();
  });

  test('a hole that nobody explains is told as no-media, or network-loss when packets are missing', async () => {
    const rig = await new Rig().open();
    const run = makeRun();
    await rig.record('cam1', { run, startMs: t0, from: 0, to: 4 });
    await rig.record('cam1', { run, startMs: t0, from: 8, to: 12 });
    await rig.stop();
    await rig.open();
    assert.deepEqual((await rig.gaps('cam1'))[0], '00:04.000 00:08.000 no-media');
    assert.equal(rig.segments().length, 2);
    await rig.stop();
  });

  test('a forward step of the clock is a gap clock-step; media goes on', async () => {
    const rig = await new Rig().open();
    const run = makeRun();
    await rig.record('cam1', { run, startMs: t0, from: 0, to: 4 });
    await rig.record('cam1', { run, startMs: t0 + 60_000, from: 4, to: 8 });
    await rig.stop();
    await rig.open();
    assert.deepEqual((await rig.gaps('cam1'))[0], '00:04.000 01:04.000 clock-step');
    await rig.stop();
  });

  test('a clock set back never makes times overlap; the offset is in the ledger', async () => {
    const rig = await new Rig().open();
    await rig.record('cam1', { run: makeRun(), startMs: t0, from: 0, to: 10 });
    await rig.record('cam1', { run: makeRun(), startMs: t0 + 5000, from: 0, to: 10 });
    await rig.stop();
    await rig.open();
    const timeline = await rig.timeline('cam1');
    assert.equal(timeline.length, 1);
    assert.match(timeline[0] ?? '', /^00:00.000 00:19.9[5-9]/);
    assert.match(
      await rig.files.readText('/archive/ledger/2026-01.jsonl'),
      /"clock":\{"track":"cam1".*"offset_ms":5000/,
    );
    await rig.stop();
  });

  test('of a burst the sound comes behind the pictures: times go forward, and what belongs to a file before is left out', async () => {
    const rig = await new Rig().open();
    rig.options = { ...rig.options, fileSeconds: 2 };
    const run = makeRun({ audio: true });
    const all = [...units({ run, startMs: t0, from: 0, to: 12 })];
    const sink = rig.recorder.track('cam1');
    for (const at of [0, 4, 8]) {
      const part = all.filter(u => u.wallMs >= t0 + at * 1000 && u.wallMs < t0 + at * 1000 + 4000);
      for (const track of [0, 1]) for (const u of part) if (u.track === track) sink.unit(u);
      await rig.pass(4000);
    }
    await rig.stop();
    for (const path of rig.segments()) {
      const file = await rig.files.open(`/archive/${path}`, 'read');
      const scanned = await scanFile(file);
      await file.close();
      const ends = [0, 0];
      let last = 0;
      for (const { beginMs, tracks } of unpackRecords(scanned?.records ?? new Uint8Array(), 2)) {
        assert.ok(beginMs > last, `${path}: fragments ascend`);
        last = beginMs;
        for (const [i, t] of tracks.entries()) {
          if (t.samples === 0) continue;
          assert.ok(t.baseDts >= (ends[i] ?? 0), `${path}: track ${i} goes forward`);
          ends[i] = t.baseDts + t.duration;
        }
      }
    }
    await rig.open();
    assert.deepEqual(await rig.timeline('cam1'), ['00:00.000 00:12.000']);
    await rig.stop();
  });

  test('a slow disk drops whole groups of pictures, tells disk-slow, and goes on when it has recovered', async () => {
    const rig = new Rig();
    rig.budget = new WriteBudget(30_000, 30_000);
    await rig.open();
    let release: (() => void) | undefined;
    const run = makeRun();
    await rig.record('cam1', { run, startMs: t0, from: 0, to: 4 });
    rig.files.before = op => (op === 'write' ? new Promise<void>(done => (release = done)) : undefined);
    await rig.record('cam1', { run, startMs: t0, from: 4, to: 10 });
    assert.ok(rig.budget.used <= 30_000);
    assert.deepEqual(rig.said.slice(0, 2), ['+disk-slow', 'slow true']);
    rig.files.before = () => {};
    release?.();
    await rig.record('cam1', { run, startMs: t0, from: 10, to: 14 });
    await rig.stop();
    await rig.open();
    const gaps = await rig.gaps('cam1');
    assert.match(gaps[0] ?? '', /^00:0[5-7].000 00:10.000 disk-slow$/);
    assert.ok(rig.said.includes('slow false'));
    await rig.stop();
    assert.equal(rig.budget.used, 0);
  });

  test('a full disk is a gap disk-full; recording goes on by itself when there is room', async () => {
    const rig = await new Rig().open();
    const run = makeRun();
    await rig.record('cam1', { run, startMs: t0, from: 0, to: 4 });
    rig.files.spaceBytes = 5000;
    await rig.record('cam1', { run, startMs: t0, from: 4, to: 10 });
    assert.equal(rig.troubles[0]?.code, 'disk-full');
    rig.files.spaceBytes = Number.POSITIVE_INFINITY;
    await rig.record('cam1', { run, startMs: t0, from: 10, to: 16 });
    await rig.stop();
    await rig.open();
    const gaps = await rig.gaps('cam1');
    assert.match(gaps[0] ?? '', /^00:0[345].000 00:1[0246].000 disk-full$/);
    assert.equal(rig.dead, undefined);
    await rig.stop();
    assert.equal(rig.budget.used, 0);
  });

  test('a track whose source goes stays, with the reason config-change', async () => {
    const rig = await new Rig().open();
    await rig.record('cam1', { run: makeRun(), startMs: t0, from: 0, to: 4 });
    await rig.recorder.remove('cam1', 'config-change');
    await rig.pass(5000);
    assert.match((await rig.gaps('cam1'))[0] ?? '', /^00:04.000 00:09.* config-change$/);
    assert.deepEqual(Object.keys((await rig.library.summary()).contexts), ['cam1']);
    await rig.stop();
    await rig.open([]);
    await rig.pass(1000);
    assert.match((await rig.gaps('cam1'))[0] ?? '', /^00:04.000 .* config-change$/);
    await rig.stop();
  });
});
