import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Access, openAccess } from '#api/access';
import { type FaceSettings, HttpFace } from '#api/http/face';
import { plannedDocuments } from '#api/http/service';
import { MethodTable } from '#api/method-table';
import { defineInterface } from '#core/interface';
import type { House, Published } from '#core/published';
import { Type } from '#core/schema';
import type { HttpAnswer } from '#core/world';
import { bodyOf, fakeHouse, fakePublished, fakeRequest, jsonOf } from '#fake/published';
import { pictureBytes, toy } from '#fake/toy';
import { FakeClock, FakeLog } from '#fake/world';

const open: FaceSettings = {
  cors: [],
  hosts: [],
  hostname: 'Recorder7',
  trustProxy: [],
  checkHost: true,
  api: true,
  plan: 'absent',
  jsonLimitBytes: 1000,
  configLimitBytes: 1000,
  server: { hls: { window: 6 } },
};

function faceOf(
  objects: readonly Published[],
  settings: Partial<FaceSettings> = {},
  house: Partial<House> = {},
  access: Access = openAccess(false),
) {
  const log = new FakeLog();
  const table = new MethodTable(new FakeClock());
  table.set(objects);
  const face = new HttpFace({
    world: { log },
    table,
    access,
    house: () => fakeHouse(objects, house),
    settings: () => ({ ...open, ...settings }),
  });
  const ask = (method: string, target: string, parts: Parameters<typeof fakeRequest>[2] = {}): Promise<HttpAnswer> =>
    face.handle(fakeRequest(method, target, parts));
  return { ask, table, log };
}

/** Status and body, short. */
async function seen(answer: HttpAnswer): Promise<string> {
  const body = await jsonOf(answer);
  return `${answer.status} ${answer.status >= 400 ? body.code : JSON.stringify(body)}`;
}

describe('calls', () => {
  const S = '/v1/svc/toy1';
  const json = { 'content-type': 'application/json' };
  const cases: [name: string, method: string, target: string, body: string | undefined, answer: string][] = [
    ['the object itself', 'GET', S, undefined, '200 {"count":3}'],
    ['query as the schema wants it', 'GET', `${S}/car?limit=5`, undefined, '200 {"toy":"car","limit":5}'],
    ['unknown query parameters are ignored', 'GET', `${S}/car?limit=5&_=17`, undefined, '200 {"toy":"car","limit":5}'],
    [
      'a query cannot take the place of the path',
      'GET',
      `${S}/car?toy=bus&limit=5`,
      undefined,
      '200 {"toy":"car","limit":5}',
    ],
    [
      'an interval from begin and end',
      'GET',
      `${S}/car?limit=5&begin=1000&end=2000`,
      undefined,
      '200 {"toy":"car","interval":["1000","2000"],"limit":5}',
    ],
    [
      'an interval with one bound',
      'GET',
      `${S}/car?limit=5&end=2000`,
      undefined,
      '200 {"toy":"car","interval":[null,"2000"],"limit":5}',
    ],
    ['an interval that is none', 'GET', `${S}/car?begin=2000&end=2000`, undefined, '400 bad-argument'],
    ['a bound that is no time', 'GET', `${S}/car?begin=soon`, undefined, '400 bad-argument'],
    ['an ill-typed query', 'GET', `${S}/car?limit=many`, undefined, '400 bad-argument'],
    [
      'booleans and numbers of a query',
      'GET',
      `${S}/fixed/at?when=5&deep=true&scale=0.5`,
      undefined,
      '200 {"when":"5","deep":true,"scale":0.5}',
    ],
    [
      'an offset in a query, its plus sign unescaped',
      'GET',
      `${S}/fixed/at?when=2026-01-01T00:00:00+03:00`,
      undefined,
      '200 {"when":"2026-01-01T00:00:00+03:00"}',
    ],
    ['a missing argument', 'GET', `${S}/fixed/at`, undefined, '400 bad-argument'],
    ['named arguments in a body', 'POST', `${S}/car/state`, '{"on":true}', '200 {"ok":true}'],
    ['JSON is not coerced', 'POST', `${S}/car/state`, '{"on":"true"}', '400 bad-argument'],
    ['no array where a path binds', 'POST', `${S}/car/state`, '[true]', '400 bad-argument'],
    ['not JSON', 'POST', `${S}/car/state`, '{"on":', '400 bad-json'],
    ['a body over the limit', 'POST', `${S}/car/state`, `"${'x'.repeat(1000)}"`, '413 too-large'],
    ['a whole body as text, the rest from the query', 'POST', `${S}/offer?storage=s0`, 'v=0\r\n', '200 "s0:v=0\\r\\n"'],
    ['a whole body as JSON', 'POST', S, '[1,{"a":null}]', '200 [1,{"a":null}]'],
    ['a whole body that is missing', 'POST', S, '', '400 bad-argument'],
    [
      'generic, by position',
      'POST',
      `${S}/ToyBox/read`,
      '["car",null,3]',
      '200 {"toy":"car","interval":null,"limit":3}',
    ],
    [
      'generic, by name, snake case',
      'POST',
      `${S}/toy_box/read`,
      '{"toy":"car","limit":3}',
      '200 {"toy":"car","limit":3}',
    ],
    ['generic, no arguments', 'POST', `${S}/ToyBox/summary`, '', '200 {"count":3}'],
    ['generic, too many arguments', 'POST', `${S}/ToyBox/summary`, '[1]', '400 bad-argument'],
    ['generic, a text for arguments', 'POST', `${S}/ToyBox/read`, '"car"', '400 bad-argument'],
    ['generic, an unknown name', 'POST', `${S}/ToyBox/read`, '{"tyo":"car"}', '400 bad-argument'],
    ['a property is read', 'POST', `${S}/ToyBox/get_color`, '', '200 "red"'],
    ['a property is set', 'POST', `${S}/ToyBox/set_color`, '["blue"]', '200 {"ok":true}'],
    ['a property is set to something else', 'POST', `${S}/ToyBox/set_color`, '[1]', '400 bad-argument'],
    ['a binary result as base64', 'POST', `${S}/ToyBox/picture_base64`, '', '200 "/9gBAgM="'],
    ['a binary result that is not there', 'GET', `${S}/picture?toy=none`, undefined, '404 no-data'],
    ['segments are decoded once', 'GET', `${S}/keys/a%2520b`, undefined, '200 "a%20b"'],
    ['an encoded slash stays in the rest of a path', 'GET', `${S}/keys/%2Fa/b`, undefined, '200 "/a/b"'],
    ['double slashes stay', 'GET', `${S}/keys//a//b`, undefined, '200 "/a//b"'],
    ['an encoded slash does not end a segment', 'GET', `${S}/a%2Fb?limit=1`, undefined, '200 {"toy":"a/b","limit":1}'],
    ['dot segments', 'GET', `${S}/../toy1`, undefined, '404 not-found'],
    ['encoded dot segments', 'GET', `${S}/%2e%2E/toy1`, undefined, '404 not-found'],
    ['broken percent-encoding', 'GET', `${S}/%zz`, undefined, '400 bad-argument'],
    ['an unknown object', 'GET', '/v1/svc/nobody', undefined, '404 not-found'],
    ['an empty name', 'GET', '/v1/svc/', undefined, '404 not-found'],
    ['an unknown path', 'GET', `${S}/a/b/c`, undefined, '404 not-found'],
    ['an unknown path of v1', 'GET', '/v1/nothing', undefined, '404 not-found'],
    ['v1 itself', 'GET', '/v1', undefined, '404 not-found'],
    ['another verb', 'PUT', S, undefined, '405 method-not-allowed'],
    ['administer without a login', 'DELETE', `${S}/car`, undefined, '403 forbidden'],
    ['a target with a host in front', 'GET', `http://localhost:8880${S}`, undefined, '200 {"count":3}'],
  ];
  for (const [name, method, target, body, answer] of cases)
    test(`${name}: ${method} ${target}`, async () => {
      const { ask } = faceOf([toy()]);
      assert.equal(
        await seen(await ask(method, target, { headers: json, ...(body === undefined ? {} : { body }) })),
        answer,
      );
    });

  test('405 says what is allowed', async () => {
    const { ask } = faceOf([toy()]);
    assert.equal((await ask('PUT', S)).headers['allow'], 'GET, HEAD, POST, OPTIONS');
    assert.equal((await ask('POST', '/v1/svc')).headers['allow'], 'GET, HEAD, OPTIONS');
  });

  test('the Content-Type of a request is never a reason to refuse', async () => {
    const { ask } = faceOf([toy()]);
    for (const type of ['text/plain', 'application/json; charset=koi8-r', 'x', 'multipart/form-data'])
      assert.equal(
        (await ask('POST', `${S}/car/state`, { headers: { 'content-type': type }, body: '{"on":true}' })).status,
        200,
      );
  });

  test('a sentence names the parameter, what was expected and what came', async () => {
    const { ask } = faceOf([toy()]);
    const body = await jsonOf(await ask('GET', `${S}/car?limit=many`));
    assert.deepEqual(body, {
      code: 'bad-argument',
      reason: 'read: parameter limit: expected an integer from 1, got "many"',
    });
  });

  test('the callee learns who calls and the options of the server', async () => {
    const object = toy();
    await faceOf([object]).ask('GET', S, { address: '10.0.0.9' });
    assert.deepEqual(object.calls[0]?.call, {
      caller: { login: null, address: '10.0.0.9' },
      server: { hls: { window: 6 } },
    });
  });

  test('a binary result may bring headers of its own, and has its base64 form all the same', async () => {
    const object = toy();
    const call = async (): Promise<unknown> => ({
      contentType: 'image/jpeg',
      headers: { 'x-timestamp': '2026-01-01T00:00:00.000Z' },
      body: Uint8Array.of(1, 2, 3),
    });
    const { ask } = faceOf([{ ...object, call }]);
    for (const [verb, path] of [
      ['GET', 'picture'],
      ['POST', 'ToyBox/picture'],
    ] as const) {
      const answer = await ask(verb, `${S}/${path}`);
      assert.deepEqual([answer.status, answer.headers['x-timestamp']], [200, '2026-01-01T00:00:00.000Z'], path);
    }
    assert.equal(await jsonOf(await ask('POST', `${S}/ToyBox/picture_base64`)), 'AQID');
  });

  test('a binary result is the media itself, and is not kept', async () => {
    const answer = await faceOf([toy()]).ask('GET', `${S}/picture`);
    assert.equal(answer.headers['content-type'], 'image/jpeg');
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.deepEqual(await bodyOf(answer), pictureBytes);
  });

  test('HEAD works wherever GET does', async () => {
    const { ask } = faceOf([toy()]);
    for (const target of [S, `${S}/picture`, '/v1/svc', '/v1/health'])
      assert.equal((await ask('HEAD', target)).status, 200);
    assert.equal((await ask('HEAD', `${S}/picture`)).headers['content-length'], '5');
  });
});

describe('failures', () => {
  const cases: [kind: string, code: string, answer: string][] = [
    ['config', 'x-y', '422 bad-config'],
    ['argument', 'param-range', '400 bad-argument'],
    ['argument', 'range', '416 range'],
    ['unauthorized', 'no-login', '403 forbidden'],
    ['forbidden', 'no-role', '403 forbidden'],
    ['forbidden', 'throttled', '403 throttled'],
    ['absent', 'no-data', '404 no-data'],
    ['absent', 'no-track', '404 not-found'],
    ['state', 'locked', '409 locked'],
    ['state', 'not-recording', '409 conflict'],
    ['state', 'precondition-failed', '412 precondition-failed'],
    ['unsupported', 'codec-unknown', '501 not-implemented'],
    ['unsupported', 'not-acceptable', '406 not-acceptable'],
    ['unsupported', 'upgrade-required', '426 upgrade-required'],
    ['overload', 'reader-too-slow', '503 overload'],
    ['storage', 'disk-full', '503 unavailable'],
    ['cancelled', 'stopped', '503 unavailable'],
    ['transport', 'connect-failed', '502 upstream-down'],
    ['protocol', 'rtsp-bad-status-line', '502 upstream-garbled'],
    ['refused', 'rtsp-401', '502 upstream-refused'],
    ['timeout', 'no-media-10s', '504 timeout'],
    ['bug', 'invariant', '500 internal'],
    ['bug', 'script-error', '500 script-error'],
    ['raw', '', '500 internal'],
  ];
  for (const [kind, code, answer] of cases)
    test(`${kind} ${code} is ${answer}`, async () => {
      const got = await faceOf([toy()]).ask('GET', `/v1/svc/toy1/break?kind=${kind}&code=${code}`);
      const { reason } = await jsonOf(got);
      assert.equal(await seen(got), answer);
      assert.doesNotMatch(reason, /hunter2|passwd|node:|\.ts/);
      assert.equal(got.headers['retry-after'] !== undefined, got.status === 503 || code === 'throttled');
    });

  test('a bug is logged with its stack, and without the query', async () => {
    const { ask, log } = faceOf([toy()]);
    await ask('GET', '/v1/svc/toy1/break?kind=raw&code=&access_token=geheim');
    const line = log.lines.find(l => l.level === 'error');
    assert.match(String(line?.facts['stack']), /toy\.ts/);
    assert.doesNotMatch(JSON.stringify(log.lines), /geheim/);
  });
});

describe('discovery', () => {
  test('/v1/svc lists pairs of interface and name, /v1/svc/meta is always an object', async () => {
    const { ask } = faceOf([toy('b', { meta: { name: 'B', deep: [1] } }), toy('a')]);
    assert.deepEqual(await jsonOf(await ask('GET', '/v1/svc')), [
      ['ToyBox', 'a'],
      ['ToyBox', 'b'],
    ]);
    assert.deepEqual(await jsonOf(await ask('GET', '/v1/svc/meta')), { b: { name: 'B', deep: [1] } });
    assert.equal(await seen(await faceOf([]).ask('GET', '/v1/svc/meta')), '200 {}');
  });

  test('the answer of /v1/svc is made once and made anew when the objects change', async () => {
    const { ask, table } = faceOf([toy('a')]);
    const first = await ask('GET', '/v1/svc');
    assert.equal((await ask('GET', '/v1/svc')).body, first.body);
    table.set([toy('c')]);
    assert.deepEqual(await jsonOf(await ask('GET', '/v1/svc')), [['ToyBox', 'c']]);
  });

  test('describe, schema and openapi are served', async () => {
    const { ask } = faceOf([toy()]);
    const described = await jsonOf(await ask('GET', '/v1/describe'));
    assert.equal(described.version, '1.2.3');
    assert.deepEqual(described.objects, [{ name: 'toy1', type: 'toy', interfaces: ['ToyBox'] }]);
    assert.deepEqual(Object.keys(described.interfaces), ['ToyBox']);
    assert.equal((await jsonOf(await ask('GET', '/v1/openapi.json'))).openapi, '3.1.0');
    assert.deepEqual(await jsonOf(await ask('GET', '/v1/schema')), { type: 'object' });
  });

  test('health is failed, with 503, when nothing works or the daemon is stopping', async () => {
    const [a, b] = [toy('a'), toy('b')];
    const status = async (house: Partial<House> = {}): Promise<string> => {
      const answer = await faceOf([a, b], {}, house).ask('GET', '/v1/health');
      return `${answer.status} ${(await jsonOf(answer)).status}`;
    };
    assert.equal(await status(), '200 ok');
    a.state = 'failed';
    a.error = 'no camera';
    assert.equal(await status(), '200 degraded');
    b.state = 'failed';
    assert.equal(await status(), '503 failed');
    b.state = 'stopped';
    assert.equal(await status(), '503 failed');
    a.state = 'idle';
    assert.equal(await status(), '200 ok');
    assert.equal(await status({ stopping: () => true }), '503 failed');
  });

  test('health says how each object is', async () => {
    const a = toy('a');
    a.state = 'failed';
    a.error = 'no camera';
    const body = await jsonOf(await faceOf([a, toy('b')]).ask('GET', '/v1/health'));
    assert.deepEqual(body, {
      status: 'degraded',
      version: '1.2.3',
      uptime: 12,
      objects: [
        { name: 'a', type: 'toy', state: 'failed', since: '2026-01-01T00:00:00.000Z', error: 'no camera' },
        { name: 'b', type: 'toy', state: 'running', since: '2026-01-01T00:00:00.000Z' },
      ],
    });
  });

  test('api:false makes every path below /v1 unknown', async () => {
    const { ask } = faceOf([toy()], { api: false });
    for (const target of ['/v1/svc', '/v1/health', '/v1/svc/toy1', '/v1/openapi.json'])
      assert.equal((await ask('GET', target)).status, 404);
  });
});

describe('functions of the house', () => {
  const Radar = defineInterface('Radar', {
    doc: 'What is there.',
    of: 'house',
    snake: ['discovery.radar'],
    functions: {
      sweep: {
        doc: 'x',
        right: 'operate',
        params: Type.Object({}),
        result: Type.Array(Type.String()),
        http: { verb: 'GET', path: 'radar' },
      },
      ping: {
        doc: 'x',
        right: 'administer',
        params: Type.Object({ at: Type.String() }),
        result: Type.String(),
        http: { verb: 'POST', path: 'radar/ping' },
      },
    },
  });
  const environment = fakePublished('env', [Radar], { Radar: { sweep: () => ['a'], ping: ({ at }) => `${at}!` } });
  const asked: (string | null)[] = [];
  const access: Access = {
    may: (_, right, object, interfaceName) => {
      asked.push(`${right} ${interfaceName} ${object}`);
      return right !== 'administer';
    },
  };
  const { ask } = faceOf([toy()], {}, { environment }, access);
  const cases: [method: string, target: string, body: string | undefined, answer: string][] = [
    ['GET', '/v1/env/radar', undefined, '200 ["a"]'],
    ['POST', '/v1/env/Radar/sweep', '[]', '200 ["a"]'],
    ['POST', '/v1/env/discovery.radar/sweep', '', '200 ["a"]'],
    ['POST', '/v1/env/radar', '', '405 method-not-allowed'],
    ['POST', '/v1/env/radar/ping', '{"at":"x"}', '403 forbidden'],
    ['GET', '/v1/env', undefined, '404 not-found'],
    ['GET', '/v1/env/sonar', undefined, '404 not-found'],
    ['GET', '/v1/svc/env/radar', undefined, '404 not-found'],
  ];
  for (const [method, target, body, answer] of cases)
    test(`${method} ${target}: ${answer}`, async () => {
      assert.equal(await seen(await ask(method, target, body === undefined ? {} : { body })), answer);
    });

  test('are a right on the house, on no object; /v1/svc does not list them, the documents do', async () => {
    asked.length = 0;
    await ask('GET', '/v1/env/radar');
    assert.deepEqual(asked, ['operate Radar null']);
    assert.deepEqual(await jsonOf(await ask('GET', '/v1/svc')), [['ToyBox', 'toy1']]);
    const { interfaces } = await jsonOf(await ask('GET', '/v1/describe'));
    assert.deepEqual([interfaces.Radar.of, interfaces.ToyBox.of], ['house', 'object']);
    const { paths } = await jsonOf(await ask('GET', '/v1/openapi.json'));
    assert.deepEqual(paths['/v1/env/radar'].get.parameters, []);
  });
});

describe('plan', () => {
  test('is not there, is refused, or is granted, as the server is set up', async () => {
    assert.equal((await faceOf([]).ask('POST', '/v1/config/plan')).status, 404);
    assert.equal((await faceOf([], { plan: 'refused' }).ask('POST', '/v1/config/plan')).status, 403);
    // openAccess(false) has no administer either
    assert.equal((await faceOf([], { plan: 'granted' }).ask('POST', '/v1/config/plan')).status, 403);
  });
});

describe('documents instead of the files on disk', () => {
  for (const body of ['', 'null', '5', '{"documents":{}}', '{"documents":[{"name":"a"}]}', '{"documents":[null]}'])
    test(`${body || 'nothing'} is refused`, () =>
      assert.throws(() => plannedDocuments(body, new URLSearchParams('replace=1')), { code: 'bad-argument' }));
});

describe('an upgrade', () => {
  test('at the root is refused honestly, with an error body', async () => {
    const answer = await faceOf([]).ask('GET', '/', { headers: { upgrade: 'websocket' } });
    assert.equal(await seen(answer), '501 not-implemented');
  });
});
