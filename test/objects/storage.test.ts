import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { archiveService } from '#archive/library/service';
import type { LiveMedia } from '#capability/live-media';
import type { ByteSource } from '#core/bytes';
import type { Call } from '#core/interface';
import { type FakeContext, fakeContext } from '#fake/context';
import { FakeFiles } from '#fake/files';
import { type FakeWorld, fakeWorld, settle } from '#fake/world';
import { openDatabase } from '#host/database';
import { channel } from '#host/port';
import type { Sink } from '#hub/sink';
import storage from '#objects/storage/index';
import { createStorage } from '#objects/storage/storage';
import { makeRun, t0, units } from '../archive/rig.ts';

interface Lost {
  readonly by: string | null;
  readonly track: string;
}

const call: Call = { caller: { login: null, address: 'test' } };

/** A camera that gives what the test gives it. */
class FakeCamera implements LiveMedia {
  readonly sinks = new Set<Sink>();
  attach(sink: Sink): { close(): void } {
    this.sinks.add(sink);
    return { close: () => void this.sinks.delete(sink) };
  }
  run(): undefined {
    return undefined;
  }
}

const defaults = { folder: '/archive', filesize: 16, file_seconds: 300, sync_seconds: 2, limits: {}, tracks: {} };

interface Rig {
  readonly files: FakeFiles;
  readonly world: FakeWorld;
  readonly context: FakeContext;
  readonly object: ReturnType<typeof createStorage>;
}

/** An object whose library lives behind a wire, as in the daemon. */
function makeStorage(files = new FakeFiles()): Rig {
  const world = fakeWorld({
    files,
    threads: {
      connect: (thread, service) => {
        assert.equal(`${thread} ${service}`, 'library archive');
        const [mine, theirs] = channel();
        archiveService(library)(theirs);
        return mine;
      },
    },
  });
  const library = fakeWorld({
    files,
    clock: world.clock,
    openDatabase: path => {
      files.put(path, new Uint8Array());
      return openDatabase(':memory:');
    },
  });
  const context = fakeContext(storage, 'stor0', defaults, world);
  return {
    files,
    world,
    context,
    object: createStorage(context as never),
  };
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (await holds()) return;
    await settle();
  }
  assert.fail(`never: ${what}`);
}

async function record(rig: Rig, camera: FakeCamera, from: number, to: number, run = makeRun()): Promise<void> {
  for (const u of units({ run, startMs: t0, from, to })) {
    if (u.wallMs - rig.world.clock.wallMs() >= 250) await rig.world.clock.pass(250);
    for (const s of camera.sinks) s.unit(u);
  }
  await rig.world.clock.pass(3000);
}

describe('storage', () => {
  test('records what is linked, answers from the library, and leaves nothing open', async () => {
    const rig = makeStorage();
    const { object, context, files } = rig;
    const camera = new FakeCamera();
    await object.link({ sources: new Map([['cam1', camera]]) });
    await object.start();
    await until('running', () => context.said.states.includes('running'));
    assert.equal(camera.sinks.size, 1);
    await record(rig, camera, 0, 10);
    const { VideoStorage } = object.published;
    await until('listed', async () => 'cam1' in (await VideoStorage.summary({}, call)).contexts);
    const details = await VideoStorage.channel_summary(
      { track: 'cam1', interval: ['2026-01-01T00:00:02Z', null] },
      call,
    );
    assert.equal(details.timeline[0]?.[0], '2026-01-01T00:00:02.000Z');
    const answer = await VideoStorage.export({ track: 'cam1', begin: String(t0), end: String(t0 + 4000) }, call);
    const stream = (answer.body as ByteSource).open();
    let bytes = 0;
    for (let p = await stream.next(); p; p = await stream.next()) bytes += p.length;
    assert.equal(bytes, (answer.body as ByteSource).length);
    await context.scope.close();
    assert.deepEqual(context.scope.open, []);
    assert.deepEqual([camera.sinks.size, files.openCount, rig.world.clock.waiting], [0, 0, 0]);
    assert.deepEqual(context.said.faults, []);
  });

  test('events tell a gap and its end', async () => {
    const rig = makeStorage();
    const camera = new FakeCamera();
    await rig.object.link({ sources: new Map([['cam1', camera]]) });
    await rig.object.start();
    await until('running', () => rig.context.said.states.includes('running'));
    await record(rig, camera, 0, 4);
    for (const s of camera.sinks) s.gap({ reason: 'camera-unreachable', atMs: t0 + 4000 });
    await record(rig, camera, 8, 12);
    await rig.context.scope.close();
    const gaps = rig.context.said.events.filter(e => e.topic.startsWith('Gap'));
    assert.deepEqual(gaps.slice(0, 2), [
      { topic: 'GapStarted', data: { track: 'cam1', reason: 'camera-unreachable', begin: '2026-01-01T00:00:04.000Z' } },
      {
        topic: 'GapEnded',
        data: {
          track: 'cam1',
          reason: 'camera-unreachable',
          begin: '2026-01-01T00:00:04.000Z',
          end: '2026-01-01T00:00:08.000Z',
        },
      },
    ]);
  });

  test('a folder that somebody else writes is a failure that is tried again; the summary answers zeros and why', async () => {
    const files = new FakeFiles();
    await files.lock('/archive/lock');
    const { object, context } = makeStorage(files);
    await object.link({ sources: new Map() });
    await object.start();
    await until('failed', () => context.said.states.includes('failed'));
    const summary = await object.published.VideoStorage.summary({}, call);
    assert.deepEqual([summary.disk_usage, summary.contexts], [0, {}]);
    assert.match(summary.error ?? '', /held by another writer/);
    await assert.rejects(async () => object.published.VideoStorage.gaps({ track: 'cam1' }, call), { code: 'locked' });
    files.kill();
    void context.again();
    await until('running', () => context.said.states.includes('running'));
    await context.scope.close();
    assert.deepEqual(context.scope.open, []);
  });

  test('relinking attaches what is new and ends what is gone; its track stays', async () => {
    const rig = makeStorage();
    const { object, context } = rig;
    const [one, two] = [new FakeCamera(), new FakeCamera()];
    await object.link({ sources: new Map([['cam1', one]]) });
    await object.start();
    await until('running', () => context.said.states.includes('running'));
    await record(rig, one, 0, 4);
    await object.link({ sources: new Map([['cam2', two]]) });
    assert.deepEqual([one.sinks.size, two.sinks.size], [0, 1]);
    await rig.world.clock.pass(1000);
    await until('told', async () => {
      const gaps = await object.published.VideoStorage.gaps({ track: 'cam1' }, call);
      return gaps.at(-1)?.reason === 'config-change';
    });
    const empty = await object.published.VideoStorage.channel_summary({ track: 'cam2' }, call);
    assert.deepEqual(empty, { disk_usage: 0, time_boundaries: null, timeline: [] });
    await assert.rejects(async () => object.published.VideoStorage.channel_summary({ track: 'nobody' }, call), {
      kind: 'absent',
    });
    await context.scope.close();
    assert.deepEqual(context.said.faults, []);
  });

  test('a source that goes and comes back at once loses nothing that was recorded and records on', async () => {
    const rig = makeStorage();
    const { object, context } = rig;
    const [one, two] = [new FakeCamera(), new FakeCamera()];
    await object.link({ sources: new Map([['cam1', one]]) });
    await object.start();
    await until('running', () => context.said.states.includes('running'));
    await record(rig, one, 0, 4);
    await object.link({ sources: new Map() });
    await object.link({ sources: new Map([['cam1', two]]) });
    await until('attached', () => two.sinks.size === 1);
    await record(rig, two, 8, 12);
    await until('listed', async () => {
      const { timeline } = await object.published.VideoStorage.channel_summary({ track: 'cam1' }, call);
      return timeline.length === 2;
    });
    const [gap] = await object.published.VideoStorage.gaps({ track: 'cam1' }, call);
    assert.deepEqual(
      [gap?.begin, gap?.end, gap?.reason],
      ['2026-01-01T00:00:04.000Z', '2026-01-01T00:00:08.000Z', 'config-change'],
    );
    await context.scope.close();
  });

  test('locks and deletions are done for somebody, and told; of the file being recorded too', async () => {
    const rig = makeStorage();
    const { object, context } = rig;
    const camera = new FakeCamera();
    await object.link({ sources: new Map([['cam1', camera]]) });
    await object.start();
    await until('running', () => context.said.states.includes('running'));
    const { VideoStorage } = object.published;
    const ann: Call = { caller: { login: 'ann', address: 'test' } };
    const future = { track: 'cam1', id: 'a/1', begin: '2026-01-01T00:00:02Z', end: '2026-01-01T00:00:03Z' };
    const lock = await VideoStorage.lock({ ...future, reason: 'theft' }, ann);
    assert.deepEqual(lock, {
      id: 'a/1',
      begin: '2026-01-01T00:00:02.000Z',
      end: '2026-01-01T00:00:03.000Z',
      reason: 'theft',
      until: null,
      by: 'ann',
      created: '2026-01-01T00:00:00.000Z',
    });
    assert.deepEqual(await VideoStorage.locks({ track: 'cam1' }, call), [lock]);
    assert.deepEqual(await VideoStorage.lock_info({ track: 'cam1', id: 'a/1' }, call), lock);
    const run = makeRun();
    await record(rig, camera, 0, 8, run);
    await assert.rejects(async () => VideoStorage.delete_range({ track: 'cam1' }, ann), { code: 'bad-argument' });
    const deletion = Promise.resolve(VideoStorage.delete_range({ track: 'cam1', all: true }, ann));
    let isDone = false;
    void deletion.finally(() => {
      isDone = true;
    });
    for (let i = 0; i < 20; i++) await settle();
    for (const u of units({ run, startMs: t0, from: 8, to: 14 })) for (const s of camera.sinks) s.unit(u);
    for (let i = 0; i < 100 && !isDone; i++) await rig.world.clock.pass(250);
    const { deleted, kept } = await deletion;
    const seconds = (pairs: string[][]): string[] => pairs.map(([b, e]) => `${b?.slice(17, 19)}-${e?.slice(17, 19)}`);
    assert.deepEqual(seconds(kept).slice(0, 1), ['02-03']);
    assert.deepEqual(seconds(deleted), ['00-02', '03-08']);
    await VideoStorage.unlock({ track: 'cam1', id: 'a/1' }, ann);
    const { tracks, limits } = await VideoStorage.retention({}, call);
    assert.deepEqual([Object.keys(tracks), limits], [['cam1'], { keep_free_percents: 5 }]);
    assert.deepEqual(await VideoStorage.rescan({}, ann), { found: 0, missing: 0 });
    const told = context.said.events.filter(e => /Lock|Data/.test(e.topic));
    assert.deepEqual(
      told.map(({ topic, data }) => [topic, (data as Lost).by, (data as Lost).track]),
      ['LockCreated', 'DataDeleted', 'DataDeleted', 'LockRemoved'].map(topic => [topic, 'ann', 'cam1']),
    );
    await context.scope.close();
    assert.deepEqual(context.said.faults, []);
  });

  test('limits of a track that no source can be called are an error', () => {
    const problems = storage.check?.({ ...defaults, tracks: { 'a/b': {}, cam1: {} } });
    assert.deepEqual(
      problems?.map(p => [p.severity, p.code, p.pointer]),
      [['error', 'bad-name', '/tracks/a~1b']],
    );
  });

  test('arguments that make no sense are refused before anything is asked', async () => {
    const { object, context } = makeStorage();
    const { VideoStorage } = object.published;
    const request = { track: 'cam1', begin: '2026-01-01T00:00:02Z', end: '2026-01-01T00:00:01Z' };
    await assert.rejects(async () => VideoStorage.export(request, call), { code: 'bad-argument' });
    await assert.rejects(async () => VideoStorage.export({ ...request, begin: 'yesterday' }, call), {
      code: 'bad-argument',
    });
    await context.scope.close();
  });
});
