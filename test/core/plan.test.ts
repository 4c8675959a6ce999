import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { checkConfiguration } from '#core/check';
import { type Configuration, emptyConfiguration } from '#core/configuration';
import { plan } from '#core/plan';
import type { PlanStep } from '#core/published';
import { toyTypes } from '#fake/types';

type Objects = readonly Readonly<Record<string, unknown>>[];
type Links = readonly (readonly unknown[])[];

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

function configured(objects: Objects, links: Links = []): Configuration {
  const documents = [{ name: 'c.json', text: JSON.stringify({ objects, links }) }];
  const { configuration, problems } = checkConfiguration({ documents, types: toyTypes });
  assert.ok(configuration, JSON.stringify(problems));
  return configuration;
}
const planned = (running: Configuration, wanted: Configuration): readonly PlanStep[] =>
  plan(running, wanted, toyTypes, digest).steps;

const cam = { type: 'rtsp', name: 'cam1', url: 'rtsp://a/' };
const cam2 = { type: 'rtsp', name: 'cam2', url: 'rtsp://b/' };
const stor = { type: 'storage', name: 'stor0', folder: 'f', limits: { max_size_gb: 1, scheme: 'x' } };
const web = { type: 'webserver', name: 'web0', address: '127.0.0.1' };
const auth = { type: 'authnz', name: 'auth0', secret: 'sixteen letters!' };
const cams: Links = [['cam1', ['web0', 'stor0']]];
const all = [cam, stor, web];
const recreate = (object: string, because: string[], interrupts: string[] = []): PlanStep => ({
  op: 'recreate',
  object,
  because,
  interrupts,
});
const relink = (a: string, b: string, change: 'add' | 'remove' | 'replace'): PlanStep => ({
  op: 'relink',
  pair: [a, b],
  change,
});

describe('steps', () => {
  const rows: [name: string, running: [Objects, Links?], wanted: [Objects, Links?], steps: PlanStep[]][] = [
    ['nothing changes, nothing happens', [all, cams], [all, cams], []],
    [
      'order of objects, members and links is no change',
      [all, cams],
      [[web, stor, { url: cam.url, name: cam.name, type: 'rtsp' }], [[['stor0', 'web0'], 'cam1']]],
      [],
    ],
    [
      'an alias, a default written out and a comment are no change',
      [all],
      [[{ ...cam, port: 554 }, { ...stor, type: 'storage.local', 'rem a': 1 }, web]],
      [],
    ],
    [
      'the first start creates everything',
      [[]],
      [all, cams],
      [
        { op: 'create', object: 'cam1' },
        { op: 'create', object: 'stor0' },
        { op: 'create', object: 'web0' },
      ],
    ],
    [
      'objects that are gone are removed, and their links with them',
      [all, cams],
      [[stor], []],
      [
        { op: 'remove', object: 'cam1' },
        { op: 'remove', object: 'web0' },
      ],
    ],
    [
      'a live field is applied, no reconnect',
      [[cam, web]],
      [[{ ...cam, stall_seconds: 30 }, web]],
      [{ op: 'apply', object: 'cam1', because: ['/stall_seconds'] }],
    ],
    [
      'who uses a recreated object is relinked',
      [all, cams],
      [[{ ...cam, url: 'rtsp://c/' }, stor, web], cams],
      [
        recreate('cam1', ['/url'], ['cam1 -> stor0', 'cam1 -> web0']),
        relink('cam1', 'stor0', 'replace'),
        relink('cam1', 'web0', 'replace'),
      ],
    ],
    [
      'every field that costs the object its life is named, live ones beside them are not',
      [[cam]],
      [[{ ...cam, url: 'rtsp://c/', port: 1, stall_seconds: 3 }]],
      [recreate('cam1', ['/url', '/port'])],
    ],
    [
      'a part of a list is not looked into',
      [[cam]],
      [[{ ...cam, transport: ['udp'] }]],
      [recreate('cam1', ['/transport'])],
    ],
    [
      'another type is another object',
      [[cam]],
      [[{ type: 'storage', name: 'cam1', folder: 'f' }]],
      [recreate('cam1', ['/type'])],
    ],
    [
      'a live field inside an object is applied',
      [[stor]],
      [[{ ...stor, limits: { max_size_gb: 2, scheme: 'x' } }]],
      [{ op: 'apply', object: 'stor0', because: ['/limits/max_size_gb'] }],
    ],
    [
      'its neighbour that is not live is not',
      [[stor]],
      [[{ ...stor, limits: { max_size_gb: 2, scheme: 'y' } }]],
      [recreate('stor0', ['/limits/scheme'])],
    ],
    [
      'live fields of an object that comes or goes are applied',
      [[{ ...stor, limits: undefined }]],
      [[{ ...stor, limits: { max_size_gb: 2, keep_free_percents: 5 } }]],
      [{ op: 'apply', object: 'stor0', because: ['/limits/max_size_gb', '/limits/keep_free_percents'] }],
    ],
    [
      'a live field inside a record is applied',
      [[{ ...stor, tracks: { cam1: { limits: { max_size_gb: 1 } } } }]],
      [[{ ...stor, tracks: { cam1: { limits: { max_size_gb: 3 } } } }]],
      [{ op: 'apply', object: 'stor0', because: ['/tracks/cam1/limits/max_size_gb'] }],
    ],
    [
      'an empty object that comes is a change',
      [[{ ...stor, limits: undefined }]],
      [[{ ...stor, limits: {} }]],
      [recreate('stor0', ['/limits'])],
    ],
    [
      'inside a live object everything is live',
      [[web]],
      [[{ ...web, hls: { window: 9 } }]],
      [{ op: 'apply', object: 'web0', because: ['/hls/window'] }],
    ],
    [
      'a live list is applied as a whole',
      [[auth]],
      [[{ ...auth, accounts: [{ type: 'apikey', key: 'k', secret: 's' }] }]],
      [{ op: 'apply', object: 'auth0', because: ['/accounts'] }],
    ],
    [
      'meta is in place for every type',
      [[cam]],
      [[{ ...cam, meta: { name: 'Yard' } }]],
      [{ op: 'apply', object: 'cam1', because: ['/meta'] }],
    ],
    ['a link that comes', [all, []], [all, cams], [relink('cam1', 'stor0', 'add'), relink('cam1', 'web0', 'add')]],
    ['a link that goes', [all, cams], [all, [['cam1', 'web0']]], [relink('cam1', 'stor0', 'remove')]],
    ['a link without a meaning is no step', [[cam, cam2]], [[cam, cam2], [['cam1', 'cam2']]], []],
    [
      'links of a new object come with it',
      [[cam]],
      [[cam, stor], [['cam1', 'stor0']]],
      [{ op: 'create', object: 'stor0' }],
    ],
    [
      'a link that comes with a recreated object is added, not replaced',
      [all, [['cam1', 'web0']]],
      [[{ ...cam, url: 'rtsp://c/' }, stor, web], cams],
      [recreate('cam1', ['/url'], ['cam1 -> web0']), relink('cam1', 'stor0', 'add'), relink('cam1', 'web0', 'replace')],
    ],
    [
      'remove, recreate, create, apply, relink, in this order',
      [[cam, stor, { ...web, cors: '*' }], cams],
      [[{ ...web, cors: 'x' }, { ...stor, folder: 'g' }, cam2], []],
      [
        { op: 'remove', object: 'cam1' },
        recreate('stor0', ['/folder'], ['cam1 -> stor0']),
        { op: 'create', object: 'cam2' },
        { op: 'apply', object: 'web0', because: ['/cors'] },
      ],
    ],
  ];
  for (const [name, running, wanted, steps] of rows)
    test(name, () => assert.deepEqual(planned(configured(...running), configured(...wanted)), steps));
});

test('the hash is of what is configured, not of how it is written', () => {
  const hash = (c: Configuration): string => plan(emptyConfiguration, c, toyTypes, digest).hash;
  assert.match(hash(configured(all, cams)), /^[0-9a-f]{64}$/);
  assert.equal(hash(configured(all, cams)), hash(configured([...all].reverse(), [...cams, ...cams])));
  const others = [
    configured(all),
    configured([cam, stor], [['cam1', 'stor0']]),
    configured([{ ...cam, meta: {} }, stor, web], cams),
    configured([{ ...cam, port: 1 }, stor, web], cams),
  ].map(hash);
  assert.equal(new Set([hash(configured(all, cams)), ...others]).size, 5);
});

test('a plan shows pointers and never values', () => {
  const text = JSON.stringify(
    plan(configured([auth]), configured([{ ...auth, secret: 'hunter2 hunter2 hunter2' }]), toyTypes, digest),
  );
  assert.match(text, /\/secret/);
  assert.doesNotMatch(text, /hunter2/);
});
