/** Any bytes as method, path, query, headers and body: an answer with a status, never a throw, bounded in size. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openAccess } from '#api/access';
import { HttpFace } from '#api/http/face';
import { MethodTable } from '#api/method-table';
import { fuzzRounds, fuzzSeed, mutate } from '#fake/fuzz';
import { bodyOf, fakeHouse, fakeRequest } from '#fake/published';
import { toy } from '#fake/toy';
import { FakeClock, FakeLog } from '#fake/world';

const object = toy('toy1', { meta: { a: 1 } });
const log = new FakeLog();
const table = new MethodTable(new FakeClock());
table.set([object]);
const face = new HttpFace({
  world: { log },
  table,
  access: openAccess(true),
  house: () => fakeHouse([object]),
  settings: () => ({
    cors: ['https://ok.example'],
    hosts: [],
    hostname: 'Recorder7',
    trustProxy: ['127.0.0.1'],
    checkHost: true,
    api: true,
    plan: 'granted',
    jsonLimitBytes: 500,
    configLimitBytes: 500,
    server: {},
  }),
});

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', '', 'G\0T'];
const targets = [
  '/v1/svc/toy1/car?limit=5&begin=2026-01-01T00:00:00Z&end=1',
  '/v1/svc/toy1/ToyBox/read',
  '/v1/svc/toy1/keys//a/%2F/b',
  '/v1/svc/toy1/offer?storage=x',
  '/v1/svc/toy1/fixed/at?when=1&deep=true&scale=1e3',
  '/v1/svc/meta',
  '/v1/config/plan',
  '/v1/svc/toy1/picture',
  'http://a/v1/svc?#x',
  '*',
  '',
];
const bodies = [
  '{"toy":"car","interval":["1","2"],"limit":3}',
  '["car",null,3]',
  '{"__proto__":{"x":1}}',
  '[[[[',
  'v=0',
  '',
];
const headers = ['localhost', '[::1]:80', 'bytes=0-4', 'http://localhost:8880', '"x", W/"y"', '10.0.0.1, 127.0.0.1'];

test('any request gets an answer', async () => {
  const random = fuzzSeed('http face');
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)] as T;
  const bent = (text: string): string =>
    random.below(3) === 0
      ? text
      : Buffer.from(mutate(random, Buffer.from(text))).toString(pick(['utf8', 'latin1'] as const));
  for (let round = 0; round < fuzzRounds(3000); round++) {
    const given: Record<string, string> = {};
    for (const name of [
      'host',
      'origin',
      'range',
      'if-none-match',
      'x-forwarded-for',
      'x-forwarded-host',
      'upgrade',
      'access-control-request-headers',
    ])
      if (random.below(4) === 0) given[name] = bent(pick(headers));
    const body = mutate(random, Buffer.from(pick(bodies)));
    const request = fakeRequest(pick(methods), bent(pick(targets)), { headers: given, body });
    const answer = await face.handle(request);
    assert.ok(answer.status >= 200 && answer.status < 600, `${answer.status}`);
    const size = (await bodyOf(answer)).length;
    assert.ok(size < 100_000, `${size} bytes`);
    for (const [name, value] of Object.entries(answer.headers))
      assert.match(`${name}: ${value}`, /^[\x20-\x7e\x80-\xff]*$/);
  }
  const bugs = log.lines.filter(l => l.level === 'error' && !/broke on|secret thing/.test(String(l.facts['error'])));
  assert.deepEqual(bugs, []);
});
