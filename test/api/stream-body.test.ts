/** Functions that take a body as it comes: docs/spec/api.md 4.3. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openAccess } from '#api/access';
import { HttpFace } from '#api/http/face';
import { MethodTable } from '#api/method-table';
import type { ByteStream, MediaAnswer } from '#core/bytes';
import { Fault } from '#core/errors';
import { type Call, defineInterface } from '#core/interface';
import { Type } from '#core/schema';
import { bodyOf, fakeHouse, fakePublished, fakeRequest } from '#fake/published';
import { FakeLog, fakeWorld, settle } from '#fake/world';

const Mill = defineInterface('Mill', {
  doc: 'Takes grain.',
  functions: {
    grind: {
      doc: 'Counts what comes.',
      right: 'operate',
      transport: 'stream',
      params: Type.Object({ fine: Type.Optional(Type.Boolean()) }),
      result: Type.Object({ bytes: Type.Integer() }),
      http: { verb: 'POST', path: 'grind', body: { stream: 'x/grain' } },
    },
  },
});

function bench(grind: (args: unknown, call: Call) => unknown) {
  const world = fakeWorld();
  const table = new MethodTable(world.clock);
  const mill = fakePublished('mill', [Mill], { Mill: { grind } });
  table.set([mill]);
  const settings = {
    api: true,
    cors: [],
    hosts: [],
    trustProxy: [],
    hostname: 'h',
    checkHost: true,
    plan: 'absent' as const,
    jsonLimitBytes: 10,
    configLimitBytes: 10,
    server: {},
  };
  const face = new HttpFace({
    world: { log: new FakeLog() },
    table,
    access: openAccess(false),
    house: () => fakeHouse([mill]),
    settings: () => settings,
  });
  const post = async (stream: ByteStream, query = '', headers: Record<string, string> = {}): Promise<string> => {
    const answer = await face.handle(fakeRequest('POST', `/v1/svc/mill/grind${query}`, { headers, stream }));
    return `${answer.status} ${Buffer.from(await bodyOf(answer)).toString()}`;
  };
  return { world, mill, post };
}

const grains = (sizes: number[]) => {
  const seen = { closed: 0 };
  const stream: ByteStream = {
    next: async () => {
      const size = sizes.shift();
      return size === undefined ? undefined : new Uint8Array(size);
    },
    close: () => void seen.closed++,
  };
  return { seen, stream };
};

const count = async (_: unknown, { body }: Call): Promise<MediaAnswer> => {
  let bytes = 0;
  for (let piece = await body?.next(); piece; piece = await body?.next()) bytes += piece.length;
  return { contentType: 'application/json', body: JSON.stringify({ bytes }) };
};

describe('a body that is taken as it comes', () => {
  test('reaches the function beside the parameters of the query, longer than any JSON may be, and is closed', async () => {
    const { post, mill } = bench(count);
    const { seen, stream } = grains([1000, 1000]);
    assert.equal(await post(stream, '?fine=true'), '200 {"bytes":2000}');
    assert.deepEqual([seen.closed, mill.calls[0]?.args], [1, { fine: true }]);
  });

  for (const [type, status] of [
    ['x/grain', '200'],
    ['X/Grain; kind=rye', '200'],
    ['application/octet-stream', '200'],
    ['application/json', '415'],
    ['x/grain-and-more', '415'],
  ] as const)
    test(`of the type ${type}: ${status}`, async () => {
      const { stream } = grains([1]);
      assert.equal((await bench(count).post(stream, '', { 'content-type': type })).slice(0, 3), status);
    });

  test('may take its time: no limit of calls holds for it', async () => {
    let grind: () => void = () => {};
    const { post, world } = bench(async (args, call) => {
      await new Promise<void>(done => (grind = done));
      return count(args, call);
    });
    const answer = post(grains([5]).stream);
    await settle();
    await world.clock.pass(3_600_000);
    grind();
    assert.equal(await answer, '200 {"bytes":5}');
    assert.equal(world.clock.waiting, 0);
  });

  test('is closed where the function fails', async () => {
    const { post } = bench(() => {
      throw new Fault('state', 'busy-publisher', 'somebody else grinds');
    });
    const { seen, stream } = grains([1]);
    assert.equal(await post(stream), '409 {"code":"busy-publisher","reason":"somebody else grinds"}');
    assert.equal(seen.closed, 1);
  });

  test('is offered nowhere but at its path', async () => {
    const { mill } = bench(count);
    const table = new MethodTable(fakeWorld().clock);
    table.set([mill]);
    assert.throws(() => table.resolve(mill, 'POST', ['Mill', 'grind']), { code: 'not-found' });
  });
});
