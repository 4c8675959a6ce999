import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Known, type SourceState, sourcesOf } from '#web/sources';

const nowMs = Date.UTC(2026, 0, 2, 12);
const ago = (seconds: number): string => new Date(nowMs - seconds * 1000).toISOString();
const long = 1e9;
const details = (seconds: number, state = 'running') => ({
  resolution: [640, 360] as const,
  bitrate: 1,
  framerate: 25,
  codec: null,
  state,
  last_frame: ago(seconds),
});
const known = (more: Partial<Known>): Known => ({
  services: [],
  meta: {},
  health: undefined,
  details: new Map(),
  storages: new Map(),
  nowMs,
  ...more,
});
const live = (...names: string[]): Known['services'] => names.map(n => ['VideoSource', n] as const);
const storage = (contexts: Record<string, readonly [begin: number, end: number] | null>) => ({
  disk_usage: 0,
  disk_free_space: 0,
  contexts: Object.fromEntries(
    Object.entries(contexts).map(([name, ages]) => [
      name,
      { disk_usage: 5, time_boundaries: ages && ([ago(ages[0]), ago(ages[1])] as const) },
    ]),
  ),
});
const tree = (k: Known): string[] => sourcesOf(k).map(s => `${s.origin ?? ''}/${s.name}`);

describe('the list of sources', () => {
  test('a derived stream stands below its origin, whatever the order', () => {
    const meta = { sub: { origin: 'cam1' } };
    assert.deepEqual(tree(known({ services: live('sub', 'cam1', 'cam2'), meta })), ['/cam1', 'cam1/sub', '/cam2']);
  });

  test('a derived stream without its origin is hidden, unless there are recordings of it', () => {
    const meta = { sub: { origin: 'gone' } };
    assert.deepEqual(tree(known({ services: live('sub'), meta })), []);
    const storages = new Map([['stor', storage({ sub: [90, 80] })]]);
    assert.deepEqual(tree(known({ services: live('sub'), meta, storages })), ['gone/sub']);
  });

  test('a source that is its own origin, and two that are each other\u2019s, are shown once', () => {
    assert.deepEqual(tree(known({ services: live('a'), meta: { a: { origin: 'a' } } })), ['a/a']);
    const meta = { a: { origin: 'b' }, b: { origin: 'a' } };
    assert.deepEqual(tree(known({ services: live('a', 'b'), meta })), ['b/a', 'a/b']);
  });

  test('what only an archive knows comes last', () => {
    const storages = new Map([['stor', storage({ before: [90, 80], cam1: [90, 1] })]]);
    const list = sourcesOf(known({ services: live('cam1'), storages }));
    assert.deepEqual(
      list.map(s => `${s.name} ${s.state}`),
      ['cam1 unknown', 'before archive'],
    );
  });

  test('name and description come from meta, if they are texts', () => {
    const meta = { a: { name: 'Yard', desc: 'Back' }, b: { name: 7, desc: null } };
    const list = sourcesOf(known({ services: live('a', 'b'), meta }));
    assert.deepEqual(
      list.map(s => [s.title, s.desc]),
      [
        ['Yard', 'Back'],
        ['b', ''],
      ],
    );
  });

  type Told = ReturnType<typeof details> | 'failed' | undefined;
  const states: readonly (readonly [name: string, told: Told, state: SourceState])[] = [
    ['a picture 20 s old is live', details(20), 'live'],
    ['a picture 21 s old is not', details(21), 'offline'],
    ['an on-demand source that nobody watches is no failure', details(long, 'idle'), 'idle'],
    ['one that is connecting says so', details(long, 'starting'), 'starting'],
    ['one that fails is offline', details(long, 'failed'), 'offline'],
    ['one that does not answer is offline', 'failed', 'offline'],
    ['one that was not asked yet is unknown', undefined, 'unknown'],
  ];
  for (const [name, told, state] of states)
    test(name, () => {
      const map = new Map(told ? [['cam', told] as const] : []);
      assert.equal(sourcesOf(known({ services: live('cam'), details: map }))[0]?.state, state);
    });

  test('what is recorded grows while its end is near to now', () => {
    const storages = new Map([
      ['near', storage({ cam: [90, 15] })],
      ['far', storage({ cam: [900, 300] })],
      ['empty', storage({ cam: null })],
    ]);
    const [cam] = sourcesOf(known({ services: live('cam'), storages }));
    assert.deepEqual(
      cam?.recordings.map(r => `${r.storage} ${r.running}`),
      ['near true', 'far false'],
    );
  });

  test('the server\u2019s words about a failure are kept', () => {
    const failed = { name: 'cam', type: 'rtsp', state: 'failed', since: ago(5), error: 'connection refused' };
    const health = { status: 'degraded' as const, objects: [failed] };
    assert.equal(sourcesOf(known({ services: live('cam'), health }))[0]?.error, 'connection refused');
  });
});
