import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { capability, many, one, optional } from '#core/capability';
import { type Context, defineObjectType, type ObjectType, type Persistence } from '#core/define';
import { Fault } from '#core/errors';
import { defineInterface } from '#core/interface';
import { Type } from '#core/schema';
import { Stage } from '#core/stage';
import { fakeWorld, settle } from '#fake/world';

interface Water {
  readonly id: number;
}
const Water = capability<Water>('water', 'What a well gives.');

const Depth = defineInterface('Depth', {
  doc: 'How deep.',
  functions: {
    read: {
      doc: 'Depth.',
      right: 'read',
      params: Type.Object({ plus: Type.Optional(Type.Number()) }),
      result: Type.Number(),
    },
  },
});

/** A well that behaves as the test says, and a town that remembers who waters it. */
function village(behave: { create?(birth: number): void; start?(c: Context): void | Promise<void> } = {}) {
  const seen = { births: 0, stops: 0, links: [] as string[][], lonely: [] as (number | undefined)[] };
  const well = defineObjectType({
    type: 'well',
    summary: 'A well.',
    stage: 'main',
    config: Type.Object({}),
    provides: { water: Water },
    consumes: {},
    interfaces: [Depth],
    create: context => {
      seen.births++;
      behave.create?.(seen.births);
      return {
        provides: { water: { id: seen.births } },
        published: { Depth: { read: ({ plus }: { plus?: number }) => 7 + (plus ?? 0) } },
        start: () => behave.start?.(context),
        stop: () => void seen.stops++,
      };
    },
  });
  const town = defineObjectType({
    type: 'town',
    summary: 'A town.',
    stage: 'main',
    config: Type.Object({}),
    provides: {},
    consumes: { wells: many(Water) },
    interfaces: [],
    create: () => ({
      provides: {},
      published: {},
      link: ({ wells }: { wells: ReadonlyMap<string, Water> }) =>
        void seen.links.push([...wells].map(([name, w]) => `${name}#${w.id}`)),
      start: () => {},
    }),
  });
  const hermit = defineObjectType({
    type: 'hermit',
    summary: 'Has one well.',
    stage: 'main',
    config: Type.Object({}),
    provides: {},
    consumes: { well: one(Water) },
    interfaces: [],
    create: () => ({
      provides: {},
      published: {},
      link: ({ well: w }: { well: Water }) => void seen.lonely.push(w.id),
      start: () => {},
    }),
  });
  const castle = defineObjectType({
    type: 'castle',
    summary: 'May have one well.',
    stage: 'main',
    config: Type.Object({}),
    provides: {},
    consumes: { well: optional(Water) },
    interfaces: [],
    create: () => ({
      provides: {},
      published: {},
      link: ({ well: w }: { well: Water | undefined }) => void seen.lonely.push(w?.id),
      start: () => {},
    }),
  });
  const world = fakeWorld();
  const states: string[] = [];
  const events: string[] = [];
  const stage = new Stage('main', world, new Map([well, town, hermit, castle].map(t => [t.type, t as ObjectType])), {
    reported: (name, state, error) => void states.push(`${name} ${state}${error === undefined ? '' : `: ${error}`}`),
    announced: () => {},
    emitted: e => void events.push(`${e.origin.name} ${e.topic}`),
  });
  const create = (name: string, type: string) => stage.create({ name, type, config: {} });
  const linkTown = (...wells: string[]) => stage.link('town', { wells: wells.map(name => ({ name, slot: 'water' })) });
  return { stage, world, seen, states, events, create, linkTown };
}

describe('a stage', () => {
  test('links in any order of birth, starts, and leaves nothing open', async () => {
    const v = village();
    await v.create('town', 'town');
    await v.linkTown('w1', 'w2');
    await v.create('w1', 'well');
    await v.create('w2', 'well');
    for (const name of ['w1', 'w2', 'town']) await v.stage.start(name);
    assert.deepEqual(v.seen.links.at(-1), ['w1#1', 'w2#2']);
    assert.deepEqual(v.states.slice(-3), ['w1 running', 'w2 running', 'town running']);
    for (const name of ['town', 'w1', 'w2']) await v.stage.stop(name);
    assert.deepEqual([v.seen.stops, v.stage.open, v.world.clock.waiting], [2, {}, 0]);
  });

  test('does not link anew whom nothing changes for', async () => {
    const v = village();
    await v.create('w1', 'well');
    await v.create('town', 'town');
    await v.linkTown('w1');
    await v.linkTown('w1');
    assert.deepEqual(v.seen.links, [['w1#1']]);
  });

  test('tells users when a partner goes and when another one comes', async () => {
    const v = village();
    await v.create('w1', 'well');
    await v.create('town', 'town');
    await v.linkTown('w1');
    await v.stage.stop('w1');
    await v.create('w1', 'well');
    assert.deepEqual(v.seen.links, [['w1#1'], [], ['w1#2']]);
  });

  test('an optional partner that is linked and not there is waited for: it is never taken for absent', async () => {
    const v = village();
    await v.create('w1', 'well');
    await v.create('c', 'castle');
    await v.stage.link('c', { well: [{ name: 'w1', slot: 'water' }] });
    await v.stage.start('c');
    await v.stage.stop('w1');
    assert.deepEqual(
      [v.seen.lonely, v.states.at(-1)],
      [[1], 'c failed: it is linked with nothing that offers water now'],
    );
    await v.create('w1', 'well');
    assert.deepEqual([v.seen.lonely, v.states.filter(s => s.startsWith('c')).at(-1)], [[1, 2], 'c running']);
    await v.stage.link('c', {});
    assert.deepEqual(v.seen.lonely, [1, 2, undefined]);
  });

  test('an object whose birth fails is failed, tried again, and its users get it then', async () => {
    const v = village({
      create: birth => {
        if (birth < 3) throw new Fault('transport', 'connect-failed', 'the rope broke');
      },
    });
    await v.create('w1', 'well');
    await v.create('town', 'town');
    await v.linkTown('w1');
    await v.stage.start('w1');
    assert.deepEqual(v.states.slice(0, 2), ['w1 starting', 'w1 failed: the rope broke']);
    await v.world.clock.pass(1300);
    assert.equal(v.seen.births, 2);
    await v.world.clock.pass(2500);
    assert.deepEqual([v.seen.births, v.seen.links.at(-1), v.states.at(-1)], [3, ['w1#3'], 'w1 running']);
    await v.stage.stop('w1');
    assert.equal(v.world.clock.waiting, 0);
  });

  test('an object whose start throws is buried and born again', async () => {
    let starts = 0;
    const v = village({
      start: () => {
        if (++starts === 1) throw new Fault('storage', 'disk-full', 'no room');
      },
    });
    await v.create('w1', 'well');
    await v.stage.start('w1');
    assert.equal(v.states.at(-1), 'w1 failed: no room');
    await assert.rejects(v.stage.call('w1', 'Depth', 'read', {}, anonymous), /does not work now: no room/);
    await v.world.clock.pass(1300);
    assert.deepEqual([starts, v.states.at(-1), v.seen.stops], [2, 'w1 running', 1]);
    await v.stage.stop('w1');
  });

  test('an object without its one partner says so, and starts when it gets it', async () => {
    const v = village();
    await v.create('h', 'hermit');
    await v.stage.link('h', {});
    await v.stage.start('h');
    assert.equal(v.states.at(-1), 'h failed: it is linked with nothing that offers water now');
    await v.create('w1', 'well');
    await v.stage.link('h', { well: [{ name: 'w1', slot: 'water' }] });
    assert.deepEqual([v.states.includes('h running'), v.seen.lonely], [true, [1]]);
  });

  test('where one is wanted and several are linked, the first by name is taken', async () => {
    const v = village();
    for (const name of ['w2', 'w1']) await v.create(name, 'well');
    await v.create('h', 'hermit');
    await v.stage.link('h', { well: ['w2', 'w1'].map(name => ({ name, slot: 'water' })) });
    assert.deepEqual(v.seen.lonely, [2]);
  });

  test('calls functions by name and refuses what is not there', async () => {
    const v = village();
    await v.create('w1', 'well');
    assert.equal(await v.stage.call('w1', 'Depth', 'read', { plus: 1 }, anonymous), 8);
    for (const [i, f] of [
      ['Depth', 'nothing'],
      ['toString', 'call'],
      ['Depth', 'constructor'],
    ] as const)
      await assert.rejects(v.stage.call('w1', i, f, {}, anonymous), (e: Fault) => e.kind === 'absent');
    await assert.rejects(v.stage.call('w9', 'Depth', 'read', {}, anonymous), (e: Fault) => e.kind === 'absent');
  });
});

describe('a task that is tried for ever', () => {
  test('doubles its delay to a ceiling, says why it fails once, and starts small again after a minute of health', async () => {
    const began: number[] = [];
    let healthy = false;
    const v = village({
      start: c =>
        void c.persist('draw', async attempt => {
          began.push(v.world.clock.monotonicMs());
          if (healthy) {
            attempt.healthy();
            await v.world.clock.sleep(61_000, attempt.signal);
          }
          throw new Fault('timeout', 'no-water', 'the well is dry');
        }),
    });
    await v.create('w1', 'well');
    await v.stage.start('w1');
    await v.world.clock.pass(200_000);
    const gaps = began.slice(1).map((t, i) => t - began[i]!);
    for (const [i, s] of [1, 2, 4, 8, 16, 30, 30].entries())
      assert.ok(Math.abs(gaps[i]! - s * 1000) <= s * 200 + 1, `gap ${i}: ${gaps[i]}`);
    assert.equal(v.world.log.lines.filter(l => l.event === 'object-failed').length, 1);
    healthy = true;
    began.length = 0;
    await v.world.clock.pass(37_000);
    assert.equal(v.states.at(-1), 'w1 running');
    healthy = false;
    await v.world.clock.pass(64_000);
    assert.equal(v.states.at(-1), 'w1 failed: the well is dry');
    assert.ok(
      began[1]! - began[0]! - 61_000 <= 1201,
      `after a minute of health the first delay is short: ${began[1]! - began[0]! - 61_000}`,
    );
    await v.stage.stop('w1');
    assert.equal(v.world.clock.waiting, 0);
  });

  test('is tried at once when it is hastened, a second after the failure at the earliest, but not a refused one', async () => {
    const began: number[] = [];
    const tasks: Persistence[] = [];
    const hasten = (): void => tasks[0]!.hasten();
    let kind: 'timeout' | 'refused' = 'timeout';
    const v = village({
      start: c => {
        const task = c.persist('draw', async () => {
          began.push(v.world.clock.monotonicMs());
          throw new Fault(kind, 'no-water', 'the well is dry');
        });
        tasks.push(task);
      },
    });
    await v.create('w1', 'well');
    await v.stage.start('w1');
    await v.world.clock.pass(100_000);
    const last = began.at(-1)!;
    const waitedMs = v.world.clock.monotonicMs() - last;
    assert.ok(waitedMs > 1000, `${waitedMs}`);
    hasten();
    await settle();
    assert.equal(began.at(-1)! - last, waitedMs);
    const again = began.length;
    for (let i = 0; i < 10; i++) {
      hasten();
      await v.world.clock.pass(100);
    }
    assert.equal(began.length, again + 1);
    assert.equal(began.at(-1)! - began.at(-2)!, 1000);
    kind = 'refused';
    for (const before = began.length; began.length === before; ) await v.world.clock.pass(100);
    const refused = began.length;
    await v.world.clock.pass(2_000);
    hasten();
    await v.world.clock.pass(2_000);
    assert.equal(began.length, refused);
    await v.stage.stop('w1');
    assert.equal(v.world.clock.waiting, 0);
  });

  test('closes what an attempt opened before the next one, and all of it on stop', async () => {
    const open = new Set<number>();
    let n = 0;
    const v = village({
      start: c =>
        void c.persist('draw', async ({ scope, signal }) => {
          assert.equal(open.size, 0);
          const mine = ++n;
          open.add(mine);
          scope.own('bucket', { mine }, () => void open.delete(mine));
          if (mine === 1) throw new Fault('transport', 'connect-failed', 'the rope broke');
          await v.world.clock.sleep(1e9, signal);
        }),
    });
    await v.create('w1', 'well');
    await v.stage.start('w1');
    await v.world.clock.pass(5000);
    assert.deepEqual([...open], [2]);
    await v.stage.stop('w1');
    assert.deepEqual([open.size, v.world.clock.waiting], [0, 0]);
  });

  test('a bug is told with its stack, and the rest goes on', async () => {
    const v = village({
      start: c => {
        if (c.name === 'w1') c.persist('draw', async () => (undefined as unknown as { x(): void }).x());
      },
    });
    for (const name of ['w1', 'w2']) await v.create(name, 'well');
    for (const name of ['w1', 'w2']) await v.stage.start(name);
    await settle();
    const line = v.world.log.lines.find(l => l.event === 'object-failed');
    assert.equal(line?.level, 'error');
    assert.match(String(line?.facts['stack']), /stage\.test/);
    assert.equal(await v.stage.call('w2', 'Depth', 'read', {}, anonymous), 7);
    await v.stage.stop('w1');
    await v.stage.stop('w2');
  });
});

const anonymous = { caller: { login: null, address: '127.0.0.1' } };
