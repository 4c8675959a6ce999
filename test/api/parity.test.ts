/**
 * The same call by its specific binding and by the generic form gives the same answer and the
 * same error (docs/spec/api.md 1.1). Further faces join as further columns.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openAccess } from '#api/access';
import { HttpFace } from '#api/http/face';
import { functionsOf, MethodTable } from '#api/method-table';
import type { HttpAnswer } from '#core/world';
import { bodyOf, fakeHouse, fakeRequest } from '#fake/published';
import { Toy, toy } from '#fake/toy';
import { FakeClock, FakeLog } from '#fake/world';

const object = toy();
const table = new MethodTable(new FakeClock());
table.set([object]);
const face = new HttpFace({
  world: { log: new FakeLog() },
  table,
  access: openAccess(true),
  house: () => fakeHouse([object]),
  settings: () => ({
    cors: [],
    hosts: [],
    hostname: 'Recorder7',
    trustProxy: [],
    checkHost: true,
    api: true,
    plan: 'absent',
    jsonLimitBytes: 1e6,
    configLimitBytes: 1e6,
    server: {},
  }),
});

const text = async (answer: HttpAnswer): Promise<string> =>
  `${answer.status} ${answer.headers['content-type']} ${Buffer.from(await bodyOf(answer)).toString('latin1')}`;

/** The call by its own path: parameters from the path where the template has them, the rest as query or body. */
async function specific(name: string, args: Readonly<Record<string, unknown>>): Promise<string> {
  const http = Toy.functions[name as keyof typeof Toy.functions].http;
  const left = new Map(Object.entries(args));
  const path = http.path.replace(/\{(\w+)(\*?)\}/g, (_, p: string) => {
    const value = String(left.get(p) ?? '');
    left.delete(p);
    return encodeURIComponent(value);
  });
  const body: unknown = 'body' in http ? http.body : 'args';
  const target = `/v1/svc/toy1${path === '' ? '' : `/${path}`}`;
  const whole = typeof body === 'object' && body !== null ? (Object.values(body)[0] as string) : undefined;
  if (http.verb === 'GET' || http.verb === 'DELETE') {
    const query = new URLSearchParams([...left].map(([k, v]) => [k, String(v)]));
    return text(await face.handle(fakeRequest(http.verb, `${target}?${query}`)));
  }
  if (whole === undefined)
    return text(await face.handle(fakeRequest(http.verb, target, { body: JSON.stringify(Object.fromEntries(left)) })));
  const value = left.get(whole);
  left.delete(whole);
  const query = new URLSearchParams([...left].map(([k, v]) => [k, String(v)]));
  const isText = typeof body === 'object' && body !== null && 'text' in body;
  const sent = value === undefined ? '' : isText ? String(value) : JSON.stringify(value);
  return text(await face.handle(fakeRequest(http.verb, `${target}?${query}`, { body: sent })));
}

const generic = async (name: string, args: unknown): Promise<string> =>
  text(await face.handle(fakeRequest('POST', `/v1/svc/toy1/toy_box/${name}`, { body: JSON.stringify(args) })));

/** Arguments to try each function with: good ones, and such as must be refused. */
const calls: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>> = {
  summary: [{}],
  read: [{ toy: 'car' }, { toy: 'car', limit: 3 }, { toy: 'a/b c', limit: 0 }],
  at: [{ when: '2026-01-01T00:00:00Z', deep: true, scale: 0.5 }, { when: 'soon' }, {}],
  set: [{ toy: 'car', on: true }, { toy: 'car', on: 1 }, { toy: 'car' }, { toy: 'car', on: true, extra: 1 }],
  remove: [{ toy: 'car' }],
  key: [{ key: 'a/b' }, { key: '/a' }],
  offer: [{ sdp: 'v=0' }, { sdp: 'v=0', storage: 's' }],
  update: [{ value: { a: [1] } }, { value: null }, {}],
  picture: [{}, { toy: 'none' }],
  break: [
    { kind: 'state', code: 'locked' },
    { kind: 'transport', code: 'connect-failed' },
    { kind: 'raw', code: '' },
    { kind: 'state' },
  ],
};

describe('parity', () => {
  for (const [name, decl] of functionsOf(Toy)) {
    if (decl.transport === 'stream' || !decl.http) continue;
    test(`${name}: its binding and the generic call by name agree`, async () => {
      const tries = calls[name];
      assert.ok(tries, `no arguments to try ${name} with`);
      for (const args of tries) assert.equal(await specific(name, args), await generic(name, args));
    });
    test(`${name}: arguments by name and by position agree`, async () => {
      const names = Object.keys(decl.params.properties);
      for (const args of calls[name] ?? []) {
        const given = names.filter(n => n in args);
        // By position nothing can be left out in the middle, and nothing is unknown.
        if (given.length !== Object.keys(args).length || names.slice(0, given.length).some(n => !(n in args))) continue;
        assert.equal(
          await generic(name, args),
          await generic(
            name,
            given.map(n => args[n]),
          ),
        );
      }
    });
  }
});
