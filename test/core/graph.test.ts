import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { many, one, optional } from '#core/capability';
import { bind, type Node, pairsOf } from '#core/graph';
import { House, Published } from '#core/published';
import { Guard, Media, Store } from '#fake/types';

const items = (link: (string | string[])[]): string[][] => link.map(item => [item].flat());
const pairs = (...links: (string | string[])[][]): string =>
  (pairsOf(links.map(items)) ?? []).map(pair => pair.join('-')).join(' ');

describe('links become pairs', () => {
  const rows: [name: string, links: (string | string[])[][], expected: string][] = [
    ['two names', [['a', 'b']], 'a-b'],
    ['the order of items and members has no meaning', [[['d', 'c'], 'a']], 'a-c a-d'],
    [
      'two sets: every member with every member',
      [
        [
          ['a', 'b'],
          ['c', 'd'],
        ],
      ],
      'a-c a-d b-c b-d',
    ],
    ['three names: all three pairs', [['recctl', 'rule', 'cam']], 'cam-recctl cam-rule recctl-rule'],
    ['three items with a set among them', [['a', ['b', 'c'], 'd']], 'a-b a-c a-d b-d c-d'],
    ['members of one set are not connected', [[['a', 'b', 'c']]], ''],
    ['a link of one item connects nothing', [['a']], ''],
    ['an empty link connects nothing', [[]], ''],
    ['an empty set connects nothing', [[[], ['stor']]], ''],
    ['an empty set between two others does not separate them', [['a', [], 'b']], 'a-b'],
    [
      'a pair given twice counts once',
      [
        ['a', 'b'],
        ['b', ['a', 'a']],
        [['a'], ['b']],
      ],
      'a-b',
    ],
    ['a name with itself is no pair', [['a', ['a', 'b']]], 'a-b'],
    ['names are in order of code units', [['b', 'B', 'a-', 'a']], 'B-a B-a- B-b a-a- a-b a--b'],
  ];
  for (const [name, links, expected] of rows) test(name, () => assert.equal(pairs(...links), expected));
});

test('two huge sets in one small document stop early', () => {
  const set = (prefix: string) => Array.from({ length: 3000 }, (_, i) => prefix + i);
  assert.equal(pairsOf([[set('a'), set('b')]]), undefined);
});

const source = { provides: { media: Media }, consumes: {} };
const storage = { provides: { store: Store }, consumes: { sources: many(Media) } };
const recctl = { provides: {}, consumes: { store: one(Store), sources: many(Media) } };
const server = { provides: {}, consumes: { objects: many(Published), guard: optional(Guard), house: one(House) } };
const guard = { provides: { guard: Guard }, consumes: {} };
const double = { provides: { main: Media, sub: Media }, consumes: {} };
const switcher = { provides: { media: Media }, consumes: { inputs: many(Media) } };

const bound = (types: Record<string, Node['type']>, ...links: (string | string[])[][]) => {
  const nodes = Object.entries(types).map(([name, type]) => ({ name, type }));
  const { bindings, unmet } = bind(nodes, pairsOf(links.map(items)) ?? []);
  return [
    ...bindings.map(b => `${b.consumer}.${b.need} <- ${b.provider}${b.slot === '' ? '' : `.${b.slot}`}`),
    ...unmet.map(u => `${u.consumer}.${u.need} unmet`),
  ];
};

describe('pairs become bindings', () => {
  const rows: [
    name: string,
    types: Record<string, Node['type']>,
    links: (string | string[])[][],
    expected: string[],
  ][] = [
    [
      'whoever consumes is bound to whoever provides',
      { cam: source, stor: storage },
      [['stor', 'cam']],
      ['stor.sources <- cam.media'],
    ],
    [
      'a pair without a meaning is nothing',
      { cam1: source, cam2: source, auth: guard },
      [['cam1', 'cam2', 'auth']],
      [],
    ],
    [
      'many are bound in order of name',
      { stor: storage, b: source, a: source, C: source },
      [['stor', ['b', 'a', 'C']]],
      ['stor.sources <- C.media', 'stor.sources <- a.media', 'stor.sources <- b.media'],
    ],
    [
      'where one is picked it is the first by name',
      { rec: recctl, s2: storage, s1: storage },
      [['rec', ['s2', 's1']]],
      ['rec.store <- s1.store'],
    ],
    [
      'one that is not there is told',
      { rec: recctl, cam: source },
      [['rec', 'cam']],
      ['rec.sources <- cam.media', 'rec.store unmet'],
    ],
    ['optional that is not there is nothing', { cam: source, web: server }, [['web', 'cam']], ['web.objects <- cam']],
    [
      'every partner is published, of whatever type, and the other way round if it consumes too',
      { web: server, web2: server, auth: guard },
      [['web', 'web2', 'auth']],
      [
        'web.objects <- auth',
        'web.objects <- web2',
        'web.guard <- auth.guard',
        'web2.objects <- auth',
        'web2.objects <- web',
        'web2.guard <- auth.guard',
      ],
    ],
    [
      'every slot of a provider is offered',
      { stor: storage, d: double },
      [['stor', 'd']],
      ['stor.sources <- d.main', 'stor.sources <- d.sub'],
    ],
    [
      'two that provide and consume the same feed each other',
      { x: switcher, y: switcher },
      [['x', 'y']],
      ['x.inputs <- y.media', 'y.inputs <- x.media'],
    ],
    ['a name that no node has is nothing', { cam: source }, [['cam', 'gone']], []],
  ];
  for (const [name, types, links, expected] of rows)
    test(name, () => assert.deepEqual(bound(types, ...links), expected));
});

test('the example of generated configurations: all forms of links', () => {
  // docs/spec/config.md 5.2
  const links: (string | string[])[][] = [
    [
      ['cam_a', 'cam_b', 'cam_b_sub'],
      ['webrtc_0', 'rtspsrv_0', 'web_0'],
    ],
    [['webrtc_0', 'rtspsrv_0', 'web_0'], ['stor_1']],
    [
      ['web_0', 'wamp_0'],
      ['cam_a', 'cam_b', 'cam_b_sub', 'stor_1', 'webrtc_0', 'metrics', 'db_1'],
    ],
    [['metrics'], ['cam_a', 'stor_1', 'db_1', 'webrtc_0', 'rtspsrv_0', 'web_0']],
    [['recctl_a', 'recctl_b'], ['stor_1']],
    [['db_1'], ['cam_a', 'cam_b', 'stor_1']],
    ['recctl_a', 'rule_a', 'cam_a'],
    [['stor_1'], ['cam_c']],
    [[], ['stor_1']],
    [['webrtc_0', 'rtspsrv_0', 'web_0', 'wamp_0'], ['authnz_0']],
  ];
  const live = { provides: {}, consumes: { sources: many(Media), guard: optional(Guard) } };
  const types = {
    cam_a: source,
    cam_b: source,
    cam_b_sub: source,
    cam_c: source,
    stor_1: storage,
    webrtc_0: live,
    rtspsrv_0: live,
    web_0: server,
    recctl_a: recctl,
    recctl_b: recctl,
    authnz_0: guard,
  };
  // 9 + 3 + 14 (web_0 with cameras and stor_1 is said above: 4 of them again) - 4 + 6 (metrics-web_0 again) - 1 + 2 + 3 + 3 + 1 + 0 + 4
  assert.equal(pairsOf(links.map(items))?.length, 9 + 3 + (14 - 4) + (6 - 1) + 2 + 3 + 3 + 1 + 0 + 4);
  assert.deepEqual(bound(types, ...links), [
    'stor_1.sources <- cam_c.media',
    'webrtc_0.sources <- cam_a.media',
    'webrtc_0.sources <- cam_b.media',
    'webrtc_0.sources <- cam_b_sub.media',
    'webrtc_0.guard <- authnz_0.guard',
    'rtspsrv_0.sources <- cam_a.media',
    'rtspsrv_0.sources <- cam_b.media',
    'rtspsrv_0.sources <- cam_b_sub.media',
    'rtspsrv_0.guard <- authnz_0.guard',
    'web_0.objects <- authnz_0',
    'web_0.objects <- cam_a',
    'web_0.objects <- cam_b',
    'web_0.objects <- cam_b_sub',
    'web_0.objects <- stor_1',
    'web_0.objects <- webrtc_0',
    'web_0.guard <- authnz_0.guard',
    'recctl_a.store <- stor_1.store',
    'recctl_a.sources <- cam_a.media',
    'recctl_b.store <- stor_1.store',
  ]);
});
