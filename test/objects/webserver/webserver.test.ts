/** The webserver as the runtime sees it: over a real port, linked with toys, and nothing open afterwards. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { checkConfiguration } from '#core/check';
import type { House, Published } from '#core/published';
import { type FakeContext, fakeContext } from '#fake/context';
import { fakeHouse } from '#fake/published';
import { toy } from '#fake/toy';
import { fakeWorld } from '#fake/world';
import { clock } from '#host/clock';
import { createHttp } from '#host/http';
import { createPaths } from '#host/paths';
import webserver from '#objects/webserver/index';
import { createWebserver } from '#objects/webserver/server';

let home = '';
before(() => {
  home = mkdtempSync(join(tmpdir(), 'webserver-test-'));
  for (const folder of ['web', 'more']) mkdirSync(join(home, folder));
  writeFileSync(join(home, 'web', 'index.html'), 'root page');
  writeFileSync(join(home, 'web', 'app.js'), 'app');
  writeFileSync(join(home, 'more', 'x.txt'), 'mounted');
});
after(() => rmSync(home, { recursive: true, force: true }));

/** Checked as a document would be: with defaults. */
function checked(config: Record<string, unknown>): Record<string, any> {
  const document = JSON.stringify({ objects: [{ type: 'webserver', name: 'web0', ...config }] });
  const { configuration, problems } = checkConfiguration({
    documents: [{ name: 'a.json', text: document }],
    types: [webserver],
  });
  assert.ok(configuration, JSON.stringify(problems));
  return configuration.objects[0]?.config as Record<string, any>;
}

interface Running {
  readonly base: string;
  readonly context: FakeContext;
  ask(path: string, init?: RequestInit): Promise<string>;
  link(objects: readonly Published[], house?: Partial<House>): void;
  apply(config: Record<string, unknown>): void;
}

async function running(
  config: Record<string, unknown>,
  objects: readonly Published[],
  use: (r: Running) => Promise<void>,
): Promise<void> {
  const base = fakeWorld();
  const world = fakeWorld({
    clock,
    log: base.log,
    http: createHttp(base.log, createPaths(home)),
    hostname: 'recorder7',
  } as never);
  const full = checked({ port: 0, address: '127.0.0.1', ...config });
  const urls: string[] = [];
  const context = {
    ...fakeContext(webserver, 'web0', full, world),
    announce: (u: readonly string[]) => void urls.push(...u),
  };
  const instance = createWebserver(context as never);
  const link = (list: readonly Published[], house: Partial<House> = {}): void =>
    void instance.link({ objects: new Map(list.map(o => [o.name, o])), house: fakeHouse(list, house) } as never);
  link(objects);
  await instance.start();
  try {
    await use({
      base: urls[0] ?? '',
      context,
      link,
      ask: async (path, init) => {
        const answer = await fetch(`${urls[0]}${path.slice(1)}`, { redirect: 'manual', ...init });
        return `${answer.status} ${await answer.text()}`;
      },
      apply: next => void instance.apply?.(checked({ port: 0, address: '127.0.0.1', ...next }) as never),
    });
  } finally {
    await context.scope.close();
  }
  assert.deepEqual(context.scope.open, []);
  assert.deepEqual(context.said.faults, []);
}

describe('webserver', () => {
  test('serves linked objects, discovery and errors', async () => {
    await running({}, [toy('a')], async ({ ask, context }) => {
      assert.equal(await ask('/v1/svc'), '200 [["ToyBox","a"]]');
      assert.equal(await ask('/v1/svc/a'), '200 {"count":3}');
      assert.equal(await ask('/v1/svc/a/car/state', { method: 'POST', body: '{"on":true}' }), '200 {"ok":true}');
      assert.match(await ask('/v1/svc/b'), /^404 \{"code":"not-found","reason":"there is no object \\"b\\" here"\}$/);
      assert.match(await ask('/'), /^404 /);
      assert.deepEqual(context.said.states, ['running']);
    });
  });

  test('a long JSON answer is compressed for who accepts it', async () => {
    await running(
      {},
      Array.from({ length: 100 }, (_, i) => toy(`toy${i}`)),
      async ({ base }) => {
        const answer = await fetch(`${base}v1/svc`);
        assert.equal(answer.headers.get('content-encoding'), 'gzip');
        assert.equal(((await answer.json()) as unknown[]).length, 100);
      },
    );
  });

  test('new links change the table and leave connections alone', async () => {
    await running({}, [toy('a')], async ({ ask, link }) => {
      await ask('/v1/svc');
      link([toy('b'), toy('c')]);
      assert.equal(await ask('/v1/svc'), '200 [["ToyBox","b"],["ToyBox","c"]]');
    });
  });

  test('many viewers of an immutable segment cost the object one call', async () => {
    const object = toy('a');
    let calls = 0;
    const film: Published = {
      ...object,
      health: () => object.health(),
      call: async () => {
        calls++;
        await clock.sleep(20);
        return {
          contentType: 'video/mp4',
          body: new Uint8Array(100_000).fill(7),
          immutable: true,
          headers: { etag: '"1"' },
        };
      },
    };
    await running({}, [film], async ({ base }) => {
      const get = (): Promise<number> =>
        fetch(`${base}v1/svc/a/film/E/1.m4s`).then(async r => (await r.arrayBuffer()).byteLength);
      const sizes = await Promise.all(Array.from({ length: 20 }, get));
      assert.deepEqual(new Set([...sizes, await get()]), new Set([100_000]));
      assert.equal(calls, 1);
      const part = await fetch(`${base}v1/svc/a/film/E/1.m4s`, { headers: { range: 'bytes=0-9' } });
      assert.deepEqual([part.status, (await part.arrayBuffer()).byteLength], [206, 10]);
      assert.match(part.headers.get('cache-control') ?? '', /immutable/);
    });
  });

  test('static files, further folders, a fallback page outside of v1', async () => {
    const config = { staticpath: 'web', mounts: { '/more/': 'more' }, fallback: 'web/index.html' };
    await running(config, [], async ({ ask }) => {
      assert.equal(await ask('/'), '200 root page');
      assert.equal(await ask('/app.js'), '200 app');
      assert.equal(await ask('/more/x.txt'), '200 mounted');
      assert.equal(await ask('/some/page?x=1'), '200 root page');
      assert.match(await ask('/v1/page'), /^404 /);
      assert.match(await ask('/app.js', { method: 'POST' }), /^405 /);
    });
  });

  test('api:false hides v1 and keeps the pages', async () => {
    await running({ api: false, staticpath: 'web' }, [toy('a')], async ({ ask }) => {
      assert.match(await ask('/v1/svc'), /^404 /);
      assert.equal(await ask('/'), '200 root page');
    });
  });

  test('a foreign origin may read only what "cors" allows, and that changes in place', async () => {
    await running({}, [toy('a')], async ({ base, apply }) => {
      const post = (): Promise<Response> =>
        fetch(`${base}v1/svc/a/car/state`, {
          method: 'POST',
          body: '{"on":true}',
          headers: { origin: 'https://x.example' },
        });
      assert.equal((await post()).status, 403);
      apply({ cors: ['https://x.example'] });
      const allowed = await post();
      assert.deepEqual(
        [allowed.status, allowed.headers.get('access-control-allow-origin')],
        [200, 'https://x.example'],
      );
      const preflight = await fetch(`${base}v1/anything`, {
        method: 'OPTIONS',
        headers: { origin: 'https://x.example' },
      });
      assert.equal(preflight.status, 204);
    });
  });

  test('administer and plan are for servers bound to loopback alone', async () => {
    const plans: unknown[] = [];
    const house: Partial<House> = {
      plan: async planned => {
        plans.push(planned);
        return planned?.documents.length === 0
          ? { plan: { hash: 'h', steps: [] } }
          : {
              problems: [
                {
                  severity: 'error',
                  code: 'syntax',
                  file: 'managed.json',
                  line: 1,
                  column: 2,
                  pointer: '',
                  reason: 'no',
                },
              ],
            };
      },
    };
    await running({ clusters: true }, [toy('a')], async ({ ask, link }) => {
      link([toy('a')], house);
      assert.equal(await ask('/v1/svc/a/car', { method: 'DELETE' }), '200 {"ok":true}');
      assert.equal(await ask('/v1/config/plan', { method: 'POST' }), '200 {"hash":"h","steps":[]}');
      assert.match(
        await ask('/v1/config/plan', { method: 'POST', body: '{"objects":' }),
        /^422 .*"bad-config".*"problems":\[\{/,
      );
      assert.deepEqual(plans, [
        { documents: [], replace: false },
        { documents: [{ name: 'managed.json', text: '{"objects":' }], replace: false },
      ]);
    });
    await running({ clusters: true, address: ['127.0.0.1', '0.0.0.0'] }, [toy('a')], async ({ ask }) => {
      assert.match(await ask('/v1/svc/a/car', { method: 'DELETE' }), /^403 /);
      assert.match(await ask('/v1/config/plan', { method: 'POST' }), /^403 /);
    });
  });

  test('an IPv6 address may be written as in a URL; start returns when it listens', async () => {
    await running({ address: '[::1]', clusters: true }, [toy('a')], async ({ base, ask }) => {
      assert.match(base, /^http:\/\/\[::1\]:\d+\/$/);
      assert.equal(await ask('/v1/svc'), '200 [["ToyBox","a"]]');
      assert.match(await ask('/v1/config/plan', { method: 'POST' }), /^200 /, 'it is loopback');
    });
  });

  test('a port in use is a failure that is tried again', async () => {
    const other = createServer();
    await new Promise<void>(done => other.listen(0, '127.0.0.1', done));
    const { port } = other.address() as { port: number };
    const base = fakeWorld();
    const world = fakeWorld({ clock, http: createHttp(base.log, createPaths(home)) } as never);
    const context = fakeContext(webserver, 'web0', checked({ port, address: '127.0.0.1' }), world);
    const instance = createWebserver({ ...context, announce: () => undefined } as never);
    instance.link({ objects: new Map(), house: fakeHouse([]) } as never);
    await instance.start();
    for (let i = 0; i < 200 && context.said.faults.length === 0; i++) await new Promise(done => setTimeout(done, 5));
    assert.match(String(context.said.faults[0]), /somebody else listens there/);
    assert.deepEqual(context.said.states, ['failed']);
    await new Promise(done => other.close(done));
    void context.again();
    for (let i = 0; i < 200 && !context.said.states.includes('running'); i++)
      await new Promise(done => setTimeout(done, 5));
    assert.deepEqual(context.said.states, ['failed', 'running']);
    await context.scope.close();
    assert.deepEqual(context.scope.open, []);
  });

  test('what has no effect yet is told', () => {
    const document = JSON.stringify({
      objects: [
        {
          type: 'webserver',
          name: 'w',
          address: '127.0.0.1',
          audit: true,
          objects: {},
          limits: { viewers: 3 },
          clusters: true,
        },
      ],
    });
    const { problems } = checkConfiguration({ documents: [{ name: 'a.json', text: document }], types: [webserver] });
    assert.deepEqual(
      problems.map(p => `${p.severity} ${p.pointer}`),
      ['/audit', '/objects', '/limits/viewers', '/clusters'].map(p => `warning /objects/0${p}`),
    );
  });
});
