import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { catalogue, catalogueByName } from '#core/catalogue';
import { folded, isName, nearest } from '#core/names';

test('names are letters, digits, _ and -, up to 128 of them', () => {
  for (const good of ['cam1-raw', 'cam_s26_8', '0a', '-', '6f1c2a34-0000-4000-8000-000000000000', 'x'.repeat(128)])
    assert.ok(isName(good), good);
  for (const bad of ['', 'a b', 'a.b', 'a/b', 'é', 'a\n', 'x'.repeat(129), '..', '$(env.A)'])
    assert.ok(!isName(bad), bad);
});

test('names are folded as the faces fold them', () => {
  for (const [name, snake] of [
    ['Cam1-Raw', 'cam1_raw'],
    ['camYard', 'cam_yard'],
    ['HTTPCam', 'http_cam'],
    ['a.b', 'a_b'],
  ] as const)
    assert.equal(folded(name), snake);
});

describe('the nearest name', () => {
  const known = ['port', 'tls', 'transport', 'stall_seconds', 'auth', 'roles'];
  const rows: [name: string, meant: string | undefined][] = [
    ['prot', 'port'],
    ['PORT', 'port'],
    ['tsl', 'tls'],
    ['transprot', 'transport'],
    ['stallSeconds', 'stall_seconds'],
    ['auht', 'auth'],
    ['authentication', 'auth'],
    ['tls_config', 'tls'],
    ['role', 'roles'],
    ['address', undefined],
    ['x', undefined],
    ['', undefined],
    ['x'.repeat(100_000), undefined],
  ];
  for (const [name, meant] of rows)
    test(`of ${name.slice(0, 20)} is ${meant}`, () => assert.equal(nearest(name, known), meant));
  test('is the nearest of several', () => assert.equal(nearest('cam9', ['cam10', 'cam0', 'web']), 'cam0'));
});

test('the catalogue has every type and alias of the specification, and no other', () => {
  const spec = readFileSync(new URL('../../docs/spec/config.md', import.meta.url), 'utf8');
  const table = spec.slice(
    spec.indexOf('| type (alias) | interfaces |'),
    spec.indexOf('No type may combine two interfaces'),
  );
  const listed = table
    .split('\n')
    .slice(2)
    .flatMap(row => [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? ''));
  assert.ok(listed.length > 30);
  assert.deepEqual([...catalogueByName.keys()].sort(), listed.sort());
  const interfaces = new Set(catalogue.flatMap(entry => entry.interfaces));
  for (const name of interfaces) assert.ok(table.includes(name), name);
});
