import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { hashOf, type Route, routeOf } from '#web/route';

describe('links to a view', () => {
  const atMs = Date.UTC(2026, 0, 2, 14, 3, 22, 500);
  const archived: Route = { mode: 'archive', storage: 'stor0', source: 'cam1', atMs };
  const rows: readonly (readonly [hash: string, route: Route | undefined])[] = [
    ['#live/cam1', { mode: 'live', source: 'cam1' }],
    ['#archive/stor0/cam1/2026-01-02T14:03:22.500Z', archived],
    ['#archive/stor0/cam1/2026-01-02T17:03:22.500+03:00', archived],
    [`#archive/stor0/cam1/${atMs}`, archived],
    ['', undefined],
    ['#live', undefined],
    ['#live/', undefined],
    ['#live/a/b', undefined],
    ['#live/%zz', undefined],
    ['#archive/stor0/cam1', undefined],
    ['#archive/stor0/cam1/yesterday', undefined],
    ['#archive/stor0/cam1/9999999999999999', undefined],
    ['#archive/stor0/cam1/2026-01-02T14:03:22.500Z/more', undefined],
  ];
  for (const [hash, route] of rows)
    test(`${hash || 'nothing'} is ${route ? `${route.mode} ${route.source}` : 'no view'}`, () =>
      assert.deepEqual(routeOf(hash), route));

  test('every view has a link that leads to it', () => {
    const name = fc.string({ minLength: 1, unit: 'binary' }).filter(s => s.isWellFormed());
    const atMs = fc.integer({ min: 0, max: 4e12 });
    const route = fc.oneof(
      fc.record({ mode: fc.constant('live' as const), source: name }),
      fc.record({ mode: fc.constant('archive' as const), storage: name, source: name, atMs }),
    );
    fc.assert(fc.property(route, r => assert.deepEqual(routeOf(hashOf(r)), { ...r })));
  });

  test('any text is a view or none, and no failure', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), text => void routeOf(`#${text}`)));
  });
});
