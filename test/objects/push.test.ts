/** The object `push` alone: who gets the place, and how the object is meanwhile. Time is the test's. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Publication } from '#capability/ingest';
import type { Fault } from '#core/errors';
import { clipRun } from '#fake/clip';
import { fakeContext } from '#fake/context';
import { fakeWorld, settle } from '#fake/world';
import push from '../../objects/push/index.ts';

type T = { after(f: () => Promise<void> | void): void };

const defaults = {
  protocols: ['whip', 'rtsp', 'ts'],
  takeover: false,
  timeout: 10,
  enable: ['video', 'audio'],
  time: 'server',
};

async function bench(t: T, config: Record<string, unknown> = {}) {
  const world = fakeWorld();
  const context = fakeContext(push, 'live', { ...defaults, ...config }, world);
  const object = await push.create(context as never);
  const seen: string[] = [];
  object.provides.media.attach(
    { unit: u => void seen.push(`run ${u.run.id}`), gap: g => void seen.push(g.reason) },
    { who: 'test', from: 'next' },
  );
  void object.start();
  t.after(async () => {
    await context.scope.close();
    assert.deepEqual([context.scope.open, world.clock.waiting], [[], 0]);
  });
  const publish = (from: string): { publication: Publication; ended: string[] } => {
    const ended: string[] = [];
    const publication = object.provides.ingest.publish({ protocol: 'rtsp', from, ended: why => void ended.push(why) });
    return { publication, ended };
  };
  /** So many pictures of a new run. */
  const give = (to: Publication, pictures: number): void => {
    for (const u of clipRun(to.nextRunId(), { audio: false }).units.slice(0, pictures)) to.unit(u);
  };
  const faults = (): string[] => context.said.faults.map(f => (f as Fault).code);
  const events = (): string[] => context.said.events.map(e => e.topic).filter(e => e !== 'StreamChanged');
  const publication = () => object.published.PushSource.publication({}, {} as never);
  return { world, context, object, publish, give, seen, faults, events, publication };
}

const refusal = (work: () => unknown): string => {
  try {
    work();
  } catch (e) {
    return (e as Fault).code;
  }
  return 'accepted';
};

describe('push', () => {
  test('nobody: idle, and no media since; somebody: running; gone again: idle; each publication is a run of its own', async t => {
    const b = await bench(t);
    assert.deepEqual(
      [b.context.state(), b.seen, b.publication()],
      ['idle', ['no-media'], { publishing: false, since: null, from: null, protocol: null }],
    );
    const first = b.publish('10.0.0.1:5000');
    assert.equal(b.context.state(), 'idle', 'nothing has come yet');
    b.give(first.publication, 2);
    assert.deepEqual(
      [b.context.state(), b.publication()],
      ['running', { publishing: true, since: '2026-01-01T00:00:00.000Z', from: '10.0.0.1:5000', protocol: 'rtsp' }],
    );
    first.publication.close('network-loss');
    first.publication.close('no-media');
    assert.equal(b.context.state(), 'idle');
    const second = b.publish('10.0.0.1:5001');
    b.give(second.publication, 1);
    b.give(first.publication, 3);
    assert.deepEqual(b.seen, ['no-media', 'run 1', 'run 1', 'network-loss', 'run 2']);
    assert.deepEqual(b.events(), ['PublishStarted', 'PublishEnded', 'PublishStarted']);
    assert.deepEqual([first.ended, second.ended, b.faults()], [[], [], []]);
  });

  test('the place is for one: the second is refused, unless it may take over', async t => {
    const b = await bench(t);
    b.publish('10.0.0.1:5000');
    assert.equal(
      refusal(() => b.publish('10.0.0.2:5000')),
      'busy-publisher',
    );
    const open = await bench(t, { takeover: true });
    const first = open.publish('10.0.0.1:5000');
    open.give(first.publication, 1);
    const second = open.publish('10.0.0.2:5000');
    open.give(second.publication, 1);
    open.give(first.publication, 1);
    first.publication.close('network-loss');
    assert.deepEqual(first.ended, ['10.0.0.2:5000 has taken over']);
    assert.deepEqual([open.seen, open.context.state()], [['no-media', 'run 1', 'no-media', 'run 2'], 'running']);
  });

  test('a protocol that is not listed is refused', async t => {
    const b = await bench(t, { protocols: ['ts'] });
    assert.equal(
      refusal(() => b.publish('10.0.0.1:5000')),
      'forbidden',
    );
    assert.equal((await b.publication()).publishing, false);
  });

  test('silence for `timeout` ends it: failed until media flow again, also where the first never sent any', async t => {
    const b = await bench(t, { timeout: 3 });
    const first = b.publish('10.0.0.1:5000');
    b.give(first.publication, 1);
    await b.world.clock.pass(2500);
    assert.deepEqual([first.ended, b.context.state()], [[], 'running']);
    await b.world.clock.pass(1500);
    assert.deepEqual([first.ended, b.context.state(), b.faults()], [['no media for 3 s'], 'failed', ['no-media']]);
    void b.context.again();
    await settle();
    assert.equal(b.context.state(), 'failed', 'nothing works again by itself');
    const second = b.publish('10.0.0.1:5001');
    await b.world.clock.pass(4000);
    assert.deepEqual([second.ended, b.faults()], [['no media for 3 s'], ['no-media', 'no-media']]);
    const third = b.publish('10.0.0.1:5002');
    b.give(third.publication, 1);
    assert.equal(b.context.state(), 'running');
  });

  test('a publisher that comes while the object waits out its failure is served, and not blamed for it', async t => {
    const b = await bench(t, { timeout: 3 });
    for (let i = 0; i < 2; i++) {
      b.publish('10.0.0.1:5000');
      await b.world.clock.pass(4000); // the second time nobody waits for the failure
    }
    const next = b.publish('10.0.0.1:5001');
    b.give(next.publication, 1);
    void b.context.again();
    await settle();
    assert.deepEqual([b.context.state(), b.faults()], ['running', ['no-media']]);
  });

  test('a command ends it, and nothing where there is nothing', async t => {
    const b = await bench(t);
    const unpublish = () => b.object.published.PushSource.unpublish({}, {} as never);
    await unpublish();
    const first = b.publish('10.0.0.1:5000');
    b.give(first.publication, 1);
    await unpublish();
    assert.deepEqual([first.ended, b.context.state(), b.faults()], [['ended by command'], 'idle', []]);
  });

  test('the object ends: so does its publisher, and nobody gets in any more', async t => {
    const b = await bench(t);
    const first = b.publish('10.0.0.1:5000');
    await b.context.scope.close();
    assert.deepEqual(first.ended, ['the source stops']);
    assert.equal(
      refusal(() => b.publish('10.0.0.1:5001')),
      'conflict',
    );
  });

  test('what is said of a configuration', () => {
    const said = (config: Record<string, unknown>) =>
      push.check?.({ ...defaults, ...config } as never).map(p => `${p.severity} ${p.code} ${p.pointer}`);
    assert.deepEqual(said({}), []);
    assert.deepEqual(said({ protocols: ['rtsp', 'ts'] }), []);
    assert.deepEqual(said({ protocols: ['whip', 'rtsp'] }), ['warning no-effect /protocols']);
    assert.deepEqual(said({ enable: [] }), ['error bad-value /enable']);
  });
});
