import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ByteSource, ByteStream, MediaAnswer } from '#core/bytes';
import { Fault } from '#core/errors';
import { connectRemote, type Methods, serve } from '#core/wire';
import { channel } from '#host/port';

function wire(methods: Methods) {
  const [here, there] = channel();
  const server = serve(there, methods);
  const client = connectRemote(here);
  return {
    client,
    server,
    close: () => {
      client.close();
      server.close();
    },
  };
}

describe('a wire', () => {
  test('carries a call there and its result back', async t => {
    const { client, close } = wire({ add: (a: number, b: number) => a + b });
    t.after(close);
    assert.equal(await client.call('add', 2, 3), 5);
  });

  test('carries a Fault with kind, code and place', async t => {
    const { client, close } = wire({
      fail: () => {
        throw new Fault('absent', 'not-found', 'no such thing', { object: 'cam1' });
      },
    });
    t.after(close);
    await assert.rejects(
      client.call('fail'),
      (e: Fault) => e instanceof Fault && e.kind === 'absent' && e.where['object'] === 'cam1',
    );
  });

  test('calls an unknown method, or one of Object.prototype, a bug', async t => {
    const { client, close } = wire({});
    t.after(close);
    for (const name of ['nothing', 'toString', '__proto__']) await assert.rejects(client.call(name), /no method/);
  });

  test('answers what is under way with a cancellation when it ends', async () => {
    const { client, server } = wire({ never: () => new Promise(() => {}) });
    const pending = client.call('never');
    client.close();
    await assert.rejects(pending, (e: Fault) => e.kind === 'cancelled');
    await assert.rejects(client.call('never'), /has ended/);
    server.close();
  });

  test('leaves the memory of a kept body alone', async t => {
    const kept = new Uint8Array([1, 2, 3]);
    const { client, close } = wire({ get: (): MediaAnswer => ({ contentType: 'x/y', body: kept }) });
    t.after(close);
    assert.deepEqual((await client.call('get')).body, new Uint8Array([1, 2, 3]));
    assert.deepEqual(kept, new Uint8Array([1, 2, 3]));
  });
});

describe('a body that is pulled across a wire', () => {
  function source(pieces: Uint8Array[]) {
    const seen = { pulled: 0, closed: 0, freed: 0, ranges: [] as unknown[] };
    const body: ByteSource = {
      length: pieces.reduce((n, p) => n + p.length, 0),
      open: (begin, end) => {
        seen.ranges.push([begin, end]);
        let at = 0;
        return {
          next: async () => {
            seen.pulled++;
            return pieces[at++];
          },
          close: () => void seen.closed++,
        };
      },
      close: () => void seen.freed++,
    };
    return { seen, body };
  }

  test('comes piece by piece and no further than asked', async t => {
    const { seen, body } = source([new Uint8Array([1]), new Uint8Array([2]), new Uint8Array([3])]);
    const { client, close } = wire({ get: (): MediaAnswer => ({ contentType: 'x/y', body }) });
    t.after(close);
    const answer: MediaAnswer = await client.call('get');
    const stream = (answer.body as ByteSource).open(0, 2);
    assert.equal((answer.body as ByteSource).length, 3);
    assert.deepEqual([await stream.next(), seen.pulled, seen.ranges], [new Uint8Array([1]), 1, [[0, 2]]]);
    stream.close();
    (answer.body as ByteSource).close();
    assert.equal(await stream.next(), undefined);
    await new Promise(r => setTimeout(r, 20));
    assert.deepEqual([seen.closed, seen.freed], [1, 1]);
  });

  test('is closed at its end', async t => {
    const { seen, body } = source([new Uint8Array([1])]);
    const { client, close } = wire({ get: (): MediaAnswer => ({ contentType: 'x/y', body }) });
    t.after(close);
    const stream = ((await client.call('get')) as { body: ByteSource }).body.open();
    assert.deepEqual([await stream.next(), await stream.next(), seen.closed], [new Uint8Array([1]), undefined, 1]);
  });

  test('is freed when the wire ends', async () => {
    const { seen, body } = source([new Uint8Array([1])]);
    const { client, server } = wire({ get: (): MediaAnswer => ({ contentType: 'x/y', body }) });
    await client.call('get');
    server.close();
    client.close();
    assert.equal(seen.freed, 1);
  });

  test('copies a part of a larger buffer instead of moving all of it', async t => {
    const large = new Uint8Array(1000).fill(7);
    const { body } = source([large.subarray(10, 12)]);
    const { client, close } = wire({ get: (): MediaAnswer => ({ contentType: 'x/y', body }) });
    t.after(close);
    const piece = await ((await client.call('get')) as { body: ByteSource }).body.open().next();
    assert.deepEqual([piece?.length, piece?.buffer.byteLength, large.length], [2, 2, 1000]);
  });
});

describe('a body that goes with a call', () => {
  /** Gives these pieces, then waits for ever or fails. */
  function body(pieces: Uint8Array[], then: 'end' | Fault = 'end') {
    const seen = { pulled: 0, closed: 0 };
    const stream: ByteStream = {
      next: async () => {
        const piece = pieces[seen.pulled++];
        if (piece === undefined && then !== 'end') throw then;
        return piece;
      },
      close: () => void seen.closed++,
    };
    return { seen, stream };
  }
  type Taken = { body: ByteStream; more: string };

  test('is pulled by who was called, piece by piece, and closed at its end; what is beside it is plain', async t => {
    const { seen, stream } = body([new Uint8Array([1]), new Uint8Array([2])]);
    const { client, close } = wire({
      take: async (name: string, call: Taken) => {
        const got: number[] = [];
        for (let p = await call.body.next(); p; p = await call.body.next()) got.push(...p);
        return [name, call.more, got];
      },
    });
    t.after(close);
    assert.deepEqual(await client.call('take', 'x', { more: 'plain', body: stream }), ['x', 'plain', [1, 2]]);
    assert.deepEqual(seen, { pulled: 3, closed: 1 });
  });

  test('is closed when the call ends, or when who was called closes it, however much is left', async t => {
    const { client, close } = wire({
      ignore: () => 'done',
      fail: () => {
        throw new Fault('state', 'conflict', 'no');
      },
      shut: async (call: Taken) => {
        await call.body.next();
        call.body.close();
        return (await call.body.next()) === undefined;
      },
    });
    t.after(close);
    for (const method of ['ignore', 'fail', 'shut']) {
      const { seen, stream } = body([new Uint8Array([1]), new Uint8Array([2])]);
      const answer = await client.call(method, { body: stream }).catch((e: Fault) => e.code);
      assert.deepEqual([answer, seen.closed], [{ ignore: 'done', fail: 'conflict', shut: true }[method], 1], method);
    }
  });

  test('brings its Fault across, and ends with the wire', async () => {
    const { stream } = body([], new Fault('cancelled', 'stopped', 'gone'));
    const methods = { take: (call: Taken) => call.body.next().catch((e: Fault) => e.kind) };
    const { client, close } = wire(methods);
    assert.equal(await client.call('take', { body: stream }), 'cancelled');
    close();
    const waits = { next: () => new Promise<undefined>(() => {}), close: () => void closed++ };
    let closed = 0;
    const other = wire(methods);
    const pending = other.client.call('take', { body: waits });
    other.close();
    await assert.rejects(pending, (e: Fault) => e.kind === 'cancelled');
    assert.equal(closed, 1);
  });
});
