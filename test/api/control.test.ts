/** The control socket and the commands that speak to it, over a real Unix socket. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runCall, runPlan } from '#api/client';
import { serveControl } from '#api/control';
import type { House } from '#core/published';
import { fakeHouse } from '#fake/published';
import { pictureBytes, toy } from '#fake/toy';
import { FakeLog } from '#fake/world';
import { clock } from '#host/clock';
import { createHttp } from '#host/http';
import { createPaths } from '#host/paths';

let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'control-test-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const log = new FakeLog();
const world = { clock, log, hostname: 'x', http: createHttp(log, createPaths('/')) };
const objects = [toy('a')];

async function controlled(use: (socket: string) => Promise<void>, house: Partial<House> = {}): Promise<void> {
  const socket = join(folder, 'control.sock');
  const server = await serveControl(world, fakeHouse(objects, house), socket);
  try {
    await use(socket);
  } finally {
    await server.close();
  }
}

describe('ocellus call', () => {
  test('calls any function, with all rights', async () => {
    await controlled(async socket => {
      const call = (method: string, json?: string) =>
        runCall(world, { socket }, { object: 'a', method, ...(json === undefined ? {} : { json }) });
      assert.deepEqual(await call('ToyBox.summary'), { exitCode: 0, stdout: '{\n  "count": 3\n}\n', stderr: '' });
      assert.deepEqual(await call('toy_box.remove', '["car"]'), {
        exitCode: 0,
        stdout: '{\n  "ok": true\n}\n',
        stderr: '',
      });
      assert.deepEqual(new Uint8Array((await call('ToyBox.picture')).stdout as Uint8Array), pictureBytes);
      assert.deepEqual(await call('ToyBox.remove', '{}'), {
        exitCode: 1,
        stdout: '',
        stderr: 'bad-argument: remove: parameter toy: expected a text, got nothing\n',
      });
      assert.match((await call('ToyBox.nothing')).stderr, /^not-found: /);
    });
  });

  test('a wrong command line never leaves', async () => {
    const nowhere = { socket: '/nowhere' };
    for (const [method, json] of [
      ['summary', ''],
      ['a.b.c', ''],
      ['A.b', '{'],
    ] as const)
      assert.equal((await runCall(world, nowhere, { object: 'a', method, json })).exitCode, 2);
    assert.equal((await runCall(world, { url: 'nonsense' }, { object: 'a', method: 'A.b' })).exitCode, 2);
    assert.equal((await runCall(world, { url: 'ftp://x/' }, { object: 'a', method: 'A.b' })).exitCode, 2);
  });

  test('a daemon that is not there is named', async () => {
    const outcome = await runCall(world, { socket: join(folder, 'none.sock') }, { object: 'a', method: 'A.b' });
    assert.equal(outcome.exitCode, 1);
    assert.match(outcome.stderr, /^connect-failed: .*none\.sock: ENOENT\n$/);
  });

  test('token and key go into the header, over --url', async () => {
    const seen: unknown[] = [];
    const http = {
      ...world.http,
      request: async (r: { headers?: Record<string, string>; url: string }) => {
        seen.push(r.headers?.['authorization'], r.url);
        return { status: 200, headers: { 'content-type': 'application/json' }, body: new TextEncoder().encode('1') };
      },
    };
    await runCall({ http } as never, { url: 'https://h/x', token: 'T' }, { object: 'a b', method: 'A.b' });
    await runCall({ http } as never, { url: 'https://h', key: 'K:ü' }, { object: 'a', method: 'A.b' });
    assert.deepEqual(seen, ['Bearer T', 'https://h/x/v1/svc/a%20b/A/b', 'Basic SzrDvA==', 'https://h/v1/svc/a/A/b']);
  });
});

describe('ocellus plan', () => {
  test('prints the plan of the files on disk', async () => {
    const steps = [{ op: 'create', object: 'x' }] as const;
    await controlled(
      async socket =>
        assert.deepEqual(JSON.parse(String((await runPlan(world, { socket })).stdout)), { hash: 'h', steps }),
      { plan: async () => ({ plan: { hash: 'h', steps } }) },
    );
  });
  test('sends documents that stand for all files', async () => {
    const documents = [{ name: 'a.json', text: '{"objects":[]}' }];
    const seen: unknown[] = [];
    await controlled(async socket => assert.equal((await runPlan(world, { socket }, documents)).exitCode, 0), {
      plan: async planned => {
        seen.push(planned);
        return { plan: { hash: 'h', steps: [] } };
      },
    });
    assert.deepEqual(seen, [{ documents, replace: true }]);
  });
  test('prints the problems of a refused one, a line each', async () => {
    const problem = {
      severity: 'error',
      code: 'syntax',
      file: 'a.json',
      line: 3,
      column: 7,
      pointer: '',
      reason: 'expected more',
    } as const;
    await controlled(
      async socket => {
        const outcome = await runPlan(world, { socket });
        assert.equal(outcome.exitCode, 1);
        assert.match(outcome.stderr, /^bad-config: .*\na\.json:3:7: error: expected more\n$/);
      },
      { plan: async () => ({ problems: [problem] }) },
    );
  });
});

test('objects that come later are served too; the socket is gone after close', async () => {
  const list = [toy('a')];
  await controlled(
    async socket => {
      list.push(toy('late'));
      assert.equal((await runCall(world, { socket }, { object: 'late', method: 'ToyBox.summary' })).exitCode, 0);
    },
    { objects: () => list },
  );
  const socket = join(folder, 'control.sock');
  assert.equal((await runCall(world, { socket }, { object: 'a', method: 'A.b' })).exitCode, 1);
});
