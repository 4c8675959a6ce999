import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { capability, many } from '#core/capability';
import { checkConfiguration } from '#core/check';
import type { Configuration } from '#core/configuration';
import { defineObjectType, type ObjectType } from '#core/define';
import type { Fault } from '#core/errors';
import { defineInterface } from '#core/interface';
import { plan } from '#core/plan';
import { type Event, House, Published } from '#core/published';
import { type CommonInterface, filesOnDisk, Runtime, stopOrder } from '#core/runtime';
import { Type } from '#core/schema';
import { Stage } from '#core/stage';
import { remoteStage, serveStage } from '#core/stage-wire';
import { fakeWorld } from '#fake/world';
import { channel } from '#host/port';

const Media = capability<{ readonly from: string }>('toy-media', 'What a camera gives.');
const Looks = defineInterface('Looks', {
  doc: 'What it looks at.',
  functions: { at: { doc: 'Where.', right: 'read', params: Type.Object({}), result: Type.String() } },
});
const Zooms = defineInterface('Zooms', {
  doc: 'How near.',
  functions: { by: { doc: 'Factor.', right: 'read', params: Type.Object({}), result: Type.Number() } },
});

const Weather = defineInterface('Weather', {
  doc: 'Of the whole house.',
  of: 'house',
  functions: {
    asked: { doc: 'x', right: 'read', params: Type.Object({ place: Type.String() }), result: Type.String() },
  },
});

/** Cameras on the media stage, behind a wire as in the daemon; recorders there too; a server on the main stage. */
function house(t: { after(f: () => void): void }) {
  const seen: string[] = [];
  const camera = defineObjectType({
    type: 'camera',
    summary: 'A camera.',
    stage: 'media',
    config: Type.Object({
      url: Type.String(),
      gain: Type.Integer({ default: 0, live: true }),
      zoom: Type.Boolean({ default: false }),
    }),
    provides: { media: Media },
    consumes: {},
    interfaces: [Looks, Zooms],
    offers: c => (c.zoom ? ['Looks', 'Zooms'] : ['Looks']),
    create: c => {
      seen.push(`${c.name} created ${c.config.url}`);
      return {
        provides: { media: { from: `${c.name} ${c.config.url}` } },
        published: { Looks: { at: () => String(c.config.url) }, Zooms: { by: () => 8 } },
        start: () => c.emit('Hello', { state: true }),
        apply: (config: { gain: number }) => void seen.push(`${c.name} gain ${config.gain}`),
        stop: () => void seen.push(`${c.name} stopped`),
      };
    },
  });
  const recorder = defineObjectType({
    type: 'recorder',
    summary: 'A recorder.',
    stage: 'media',
    config: Type.Object({}),
    provides: {},
    consumes: { sources: many(Media) },
    interfaces: [],
    create: c => ({
      provides: {},
      published: {},
      link: ({ sources }: { sources: ReadonlyMap<string, { from: string }> }) =>
        void seen.push(`${c.name} <- ${[...sources.values()].map(s => s.from).join(', ')}`),
      start: () => {},
      stop: () => void seen.push(`${c.name} stopped`),
    }),
  });
  const server = defineObjectType({
    type: 'server',
    summary: 'A server.',
    stage: 'main',
    config: Type.Object({}),
    provides: {},
    consumes: { objects: many(Published), house: { capability: House, count: 'one' as const } },
    interfaces: [],
    create: c => ({
      provides: {},
      published: {},
      link: (l: { objects: ReadonlyMap<string, Published>; house: House }) => {
        assert.equal(l.house.version, '1.2.3');
        seen.push(`${c.name} publishes ${[...l.objects.keys()].sort().join(' ')}`);
      },
      start: () => {},
      stop: () => void seen.push(`${c.name} stopped`),
    }),
  });
  const types: readonly ObjectType[] = [camera, recorder, server];
  const world = fakeWorld();
  const byName = new Map(types.map(x => [x.type, x]));
  const [near, far] = channel();
  t.after(() => [near, far].map(p => p.close()));
  const base: CommonInterface = {
    decl: defineInterface('Base', {
      doc: 'x',
      listed: false,
      functions: {},
      properties: { state: { doc: 'x', schema: Type.String() } },
    }),
    implement: o => ({ get_state: () => o.state }),
  };
  let onDisk = '{}';
  const check = (text: string) => checkConfiguration({ documents: [{ name: 'site.json', text }], types });
  const runtime = new Runtime({
    world,
    version: '1.2.3',
    types: byName,
    everyInterface: [base],
    houseInterfaces: [
      { decl: Weather, functions: { asked: ({ place }, { caller }) => `${place}: rain, ${caller.address}` } },
    ],
    openStages: (news, automatic, ask) => {
      serveStage(far, (mediaNews, mediaAsk) => new Stage('media', world, byName, mediaNews, undefined, mediaAsk));
      return { main: new Stage('main', world, byName, news, automatic, ask), media: remoteStage(near, news, ask) };
    },
    plan: (running, wanted) => plan(running, wanted, types, text => String(text.length)),
    load: async planned => check(planned.documents[0]?.text ?? onDisk),
    describe: () => ({}),
    schema: () => ({}),
  });
  const events: Event[] = [];
  runtime.house.onEvent(e => void events.push(e));
  const conf = (objects: unknown[], links: unknown[] = []): Configuration => {
    const { configuration, problems } = check(JSON.stringify({ objects, links }));
    assert.ok(configuration, JSON.stringify(problems));
    return configuration;
  };
  const did = (): string[] => seen.splice(0);
  return { runtime, world, events, conf, did, write: (text: string) => void (onDisk = text) };
}

const cam = (name: string, url: string, more: object = {}) => ({ type: 'camera', name, url, ...more });
const rec = { type: 'recorder', name: 'rec' };
const web = { type: 'server', name: 'web' };
const call = { caller: { login: null, address: '' } };
const wait = () => new Promise(r => setTimeout(r, 20));

describe('the runtime', () => {
  test('creates all, then links all, across threads, then starts', async t => {
    const h = house(t);
    await h.runtime.apply(
      h.conf(
        [web, rec, cam('b', 'u2'), cam('a', 'u1')],
        [
          ['web', ['a', 'b', 'rec']],
          [['a', 'b'], 'rec'],
        ],
      ),
    );
    const did = h.did();
    assert.deepEqual(did.slice(0, 2), ['b created u2', 'a created u1']);
    assert.ok(did.includes('rec <- b u2, a u1') || did.includes('rec <- a u1, b u2'), did.join('\n'));
    assert.ok(did.includes('web publishes a b rec'));
    await wait();
    assert.deepEqual(
      h.runtime.house.objects().map(o => [o.name, o.health().state]),
      [
        ['a', 'running'],
        ['b', 'running'],
        ['rec', 'running'],
        ['web', 'running'],
      ],
    );
    await h.runtime.stop();
    assert.deepEqual(
      h.did(),
      ['web stopped', 'rec stopped', 'b stopped', 'a stopped'],
      'consumers before what they consume',
    );
  });

  test('a recreated camera is relinked to who uses it; the other camera notices nothing', async t => {
    const h = house(t);
    const links = [
      ['web', ['a', 'b', 'rec']],
      [['a', 'b'], 'rec'],
    ];
    await h.runtime.apply(h.conf([web, rec, cam('a', 'u1'), cam('b', 'u2')], links));
    h.did();
    await h.runtime.apply(h.conf([web, rec, cam('a', 'u9'), cam('b', 'u2')], links));
    const did = h.did();
    assert.ok(!did.some(l => l.startsWith('b ')), did.join('\n'));
    assert.deepEqual(
      did.filter(l => l.startsWith('a ')),
      ['a stopped', 'a created u9'],
    );
    assert.match(did.filter(l => l.startsWith('rec <- ')).at(-1) ?? '', /a u9/);
    assert.ok(did.includes('web publishes a b rec'), 'the server gets the new object');
  });

  test('a live field is applied, meta changes are seen by faces alone, an equal configuration does nothing', async t => {
    const h = house(t);
    await h.runtime.apply(h.conf([cam('a', 'u1')]));
    h.did();
    await h.runtime.apply(h.conf([cam('a', 'u1', { gain: 3 })]));
    assert.deepEqual(h.did(), ['a gain 3']);
    await h.runtime.apply(h.conf([cam('a', 'u1', { gain: 3, meta: { name: 'Yard' } })]));
    assert.deepEqual([h.did(), h.runtime.house.objects()[0]?.meta], [[], { name: 'Yard' }]);
    assert.deepEqual((await h.runtime.apply(h.conf([cam('a', 'u1', { gain: 3, meta: { name: 'Yard' } })]))).steps, []);
  });

  test('a link that comes or goes touches its two objects only', async t => {
    const h = house(t);
    await h.runtime.apply(h.conf([rec, cam('a', 'u1'), cam('b', 'u2')], [['a', 'rec']]));
    h.did();
    await h.runtime.apply(h.conf([rec, cam('a', 'u1'), cam('b', 'u2')], [[['a', 'b'], 'rec']]));
    await h.runtime.apply(h.conf([rec, cam('a', 'u1'), cam('b', 'u2')], [['b', 'rec']]));
    assert.deepEqual(h.did(), ['rec <- a u1, b u2', 'rec <- b u2']);
  });

  test('a removed object is gone for its users and for the faces', async t => {
    const h = house(t);
    await h.runtime.apply(
      h.conf(
        [web, rec, cam('a', 'u1')],
        [
          ['web', 'a'],
          ['a', 'rec'],
        ],
      ),
    );
    h.did();
    await h.runtime.apply(h.conf([web, rec]));
    const did = h.did();
    assert.deepEqual(
      [did.includes('a stopped'), did.includes('rec <- '), did.includes('web publishes ')],
      [true, true, true],
      did.join('\n'),
    );
    assert.deepEqual(
      h.runtime.house.objects().map(o => o.name),
      ['rec', 'web'],
    );
  });

  test('calls reach the object in its thread; what every object has is answered here', async t => {
    const h = house(t);
    await h.runtime.apply(h.conf([cam('a', 'u1')]));
    const [a] = h.runtime.house.objects();
    await wait();
    assert.deepEqual(
      [await a!.call('Looks', 'at', {}, call), await a!.call('Base', 'get_state', {}, call)],
      ['u1', 'running'],
    );
    await assert.rejects(a!.call('Base', 'constructor', {}, call), (e: Fault) => e.kind === 'absent');
  });

  test('an object has those interfaces of its type that its configuration is for', async t => {
    const h = house(t);
    await h.runtime.apply(h.conf([cam('a', 'u1'), cam('b', 'u2', { zoom: true })]));
    const [a, b] = h.runtime.house.objects();
    assert.deepEqual(
      [a, b].map(o => o!.interfaces.map(i => i.name)),
      [
        ['Looks', 'Base'],
        ['Looks', 'Zooms', 'Base'],
      ],
    );
    await assert.rejects(a!.call('Zooms', 'by', {}, call), (e: Fault) => e.kind === 'absent');
    assert.equal(await b!.call('Zooms', 'by', {}, call), 8);
  });

  test('offers what belongs to no object as functions of the house, with checked arguments', async t => {
    const { environment } = house(t).runtime.house;
    assert.deepEqual(
      environment.interfaces.map(i => [i.name, i.of, i.listed]),
      [['Weather', 'house', false]],
    );
    const here = { caller: { login: null, address: 'here' } };
    assert.equal(await environment.call('Weather', 'asked', { place: 'Bergen' }, here), 'Bergen: rain, here');
    await assert.rejects(environment.call('Weather', 'asked', {}, here), (e: Fault) => e.kind === 'argument');
    await assert.rejects(environment.call('Weather', 'toString', {}, here), (e: Fault) => e.kind === 'absent');
  });

  test('tells state changes and events in order, with origin', async t => {
    const h = house(t);
    await h.runtime.apply(h.conf([cam('a', 'u1')]));
    await wait();
    assert.deepEqual(
      h.events.map(e => [e.topic, e.origin.name, e.data['name'] ?? e.data['state'] ?? e.data['hash'] !== undefined]),
      [
        ['StateChanged', 'a', 'starting'],
        ['Hello', 'a', true],
        ['StateChanged', 'a', 'running'],
        ['ConfigApplied', 'main', true],
      ],
    );
    assert.deepEqual(h.events.at(-1)?.origin, { name: 'main', type: 'cluster' });
  });

  test('a reload with an error changes nothing and is told; one without is carried out', async t => {
    const h = house(t);
    await h.runtime.apply(h.conf([cam('a', 'u1')]));
    h.did();
    h.write(JSON.stringify({ objects: [cam('a', 'u2'), { type: 'nonsense', name: 'n' }] }));
    assert.ok(!('plan' in (await h.runtime.reload())));
    assert.deepEqual([h.did(), h.events.at(-1)?.topic, h.events.at(-1)?.data], [[], 'ConfigRejected', { problems: 1 }]);
    h.write(JSON.stringify({ objects: [cam('a', 'u2')] }));
    assert.ok('plan' in (await h.runtime.reload()));
    assert.deepEqual(h.did(), ['a stopped', 'a created u2']);
    assert.deepEqual('plan' in (await h.runtime.plan(filesOnDisk)), true);
  });

  test('a reload that comes while all stops brings nothing back', async t => {
    const h = house(t);
    await h.runtime.apply(h.conf([cam('a', 'u1')]));
    h.did();
    h.write(JSON.stringify({ objects: [cam('a', 'u2')] }));
    const stopped = h.runtime.stop();
    await assert.rejects(h.runtime.reload(), (e: Fault) => e.kind === 'cancelled');
    await stopped;
    assert.deepEqual([h.did(), h.runtime.house.objects()], [['a stopped'], []]);
  });

  test('changes asked for at once happen one after the other', async t => {
    const h = house(t);
    await Promise.all(['u1', 'u2', 'u3'].map(url => h.runtime.apply(h.conf([cam('a', url)]))));
    assert.deepEqual(h.did(), ['a created u1', 'a stopped', 'a created u2', 'a stopped', 'a created u3']);
  });
});

describe('stopOrder', () => {
  const b = (consumer: string, provider: string) => ({ consumer, provider, need: 'n', slot: 's' });
  const cases: [name: string, names: string[], bindings: ReturnType<typeof b>[], groups: string[][]][] = [
    [
      'who consumes goes first',
      ['cam', 'rec', 'web'],
      [b('rec', 'cam'), b('web', 'rec'), b('web', 'cam')],
      [['web'], ['rec'], ['cam']],
    ],
    ['strangers go together', ['a', 'b'], [], [['a', 'b']]],
    [
      'a cycle goes at once, after who is free',
      ['a', 'b', 'c'],
      [b('a', 'b'), b('b', 'a'), b('c', 'a')],
      [['c'], ['a', 'b']],
    ],
    ['itself is no consumer', ['a'], [b('a', 'a')], [['a']]],
  ];
  for (const [name, names, bindings, groups] of cases)
    test(name, () => assert.deepEqual(stopOrder(names, bindings), groups));
});
