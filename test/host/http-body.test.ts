/** Bodies that are pulled as they come: endless ones, slow pullers, clients that go. Real sockets. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import type { ByteStream } from '#core/bytes';
import type { Fault } from '#core/errors';
import type { HttpAnswer, HttpRequest } from '#core/world';
import { FakeLog } from '#fake/world';
import { createHttp } from '#host/http';
import { createPaths } from '#host/paths';

type T = { after(f: () => Promise<void> | void): void };

async function serve(t: T, handle: (request: HttpRequest, body: ByteStream) => Promise<HttpAnswer>): Promise<number> {
  const server = await createHttp(new FakeLog(), createPaths('/nowhere')).listen({
    at: { host: '127.0.0.1', port: 0 },
    connections: 0,
    handle: async request => {
      const body = request.stream();
      try {
        return await handle(request, body);
      } finally {
        body.close();
      }
    },
  });
  t.after(() => server.close());
  return server.port;
}

/** A client that posts in chunks, and keeps what comes back. */
async function post(t: T, port: number): Promise<{ socket: Socket; send(bytes: Uint8Array): boolean; said(): string }> {
  const socket = connect(port, '127.0.0.1');
  t.after(() => void socket.destroy());
  let said = '';
  socket.on('data', d => (said += d.toString())).on('error', () => {});
  await new Promise<void>(done => socket.once('connect', () => done()));
  socket.write('POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n');
  const send = (bytes: Uint8Array): boolean => {
    socket.write(`${bytes.length.toString(16)}\r\n`);
    socket.write(bytes);
    return socket.write('\r\n');
  };
  return { socket, send, said: () => said };
}

const ok = (body: string): HttpAnswer => ({ status: 200, headers: { 'content-type': 'text/plain' }, body });
const last = '0\r\n\r\n';

async function until(what: string, ask: () => boolean): Promise<void> {
  for (const end = performance.now() + 5000; !ask(); await new Promise(r => setTimeout(r, 5)))
    if (performance.now() > end) assert.fail(what);
}

test('pieces are there while the body still comes; a last byte with the end of the connection behind it is not lost', async t => {
  const got: number[] = [];
  let finish: (bytes: number) => void = () => {};
  const whole = new Promise<number>(done => (finish = done));
  const port = await serve(t, async (_, body) => {
    for (let piece = await body.next(); piece; piece = await body.next()) {
      got.push(piece.length);
      await new Promise(r => setTimeout(r, 30)); // slower than the client
    }
    finish(got.reduce((n, x) => n + x, 0));
    return ok('thanks');
  });
  const { socket, send } = await post(t, port);
  send(new Uint8Array(1000));
  await until('the first piece', () => got.length === 1);
  for (let i = 0; i < 20; i++) send(new Uint8Array(1000));
  socket.write(last);
  socket.end();
  assert.equal(await whole, 21_000);
});

test('nobody pulls: the client is not read further than a little ahead', async t => {
  let body: ByteStream | undefined;
  const { promise: over, resolve: release } = Promise.withResolvers<void>();
  const port = await serve(t, async (_, stream) => {
    body = stream;
    await over;
    return ok('');
  });
  const { socket, send } = await post(t, port);
  await until('the request', () => body !== undefined);
  let sent = 0;
  const piece = new Uint8Array(64 << 10);
  for (let i = 0; i < 1000 && sent < 64 << 20; i++) {
    if (
      !send(piece) &&
      !(await Promise.race([
        new Promise(r => socket.once('drain', () => r(true))),
        new Promise(r => setTimeout(() => r(false), 300)),
      ]))
    )
      break;
    sent += piece.length;
  }
  // What the two systems hold for a connection differs; we hold 256 KiB and one read of it.
  assert.ok(sent < 32 << 20, `${sent} bytes left the client`);
  const first = await body!.next();
  assert.ok(first!.length >= 64 << 10 && first!.length <= 512 << 10, `${first!.length} bytes ahead`);
  const second = await body!.next();
  assert.ok(second!.length > 0, 'it goes on when somebody pulls');
  release();
});

test('a client that goes before the end is a Fault; a close from elsewhere ends the waiting', async t => {
  let fault: Fault | undefined;
  let waiting: Promise<unknown> | undefined;
  const port = await serve(t, async (request, body) => {
    if (request.headers['x-close'] !== undefined) {
      waiting = body.next();
      body.close();
      body.close();
      return ok(String(await waiting));
    }
    try {
      while (await body.next());
    } catch (e) {
      fault = e as Fault;
    }
    return ok('');
  });
  const { socket, send } = await post(t, port);
  send(new Uint8Array(10));
  await new Promise(r => setTimeout(r, 50));
  socket.resetAndDestroy();
  await until('the fault', () => fault !== undefined);
  assert.deepEqual([fault?.kind, fault?.code], ['cancelled', 'stopped']);
  const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: 'x', headers: { 'x-close': '1' } });
  assert.equal(await answer.text(), 'undefined');
});

test('an answer before the end reaches a client that still sends', async t => {
  const port = await serve(t, async (_, body) => {
    await body.next();
    return { ...ok('enough'), status: 409 };
  });
  const { socket, send, said } = await post(t, port);
  const timer = setInterval(() => socket.writable && send(new Uint8Array(1000)), 20);
  t.after(() => clearInterval(timer));
  await until('the answer', () => said().includes('enough'));
  assert.match(said(), /^HTTP\/1\.1 409 /);
  assert.match(said(), /^connection: close/im);
});

test('no body at all has its end at once', async t => {
  const port = await serve(t, async (_, body) => ok(String(await body.next())));
  assert.equal(await (await fetch(`http://127.0.0.1:${port}/`, { method: 'POST' })).text(), 'undefined');
});
