import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { ByteStream } from '#core/bytes';
import { Fault } from '#core/errors';
import type { HttpOpenRequest } from '#core/world';
import { httpOpen } from '#host/http-door';

/** A server that does with each connection what `serve` says. Everything is closed afterwards. */
async function serving(
  serve: (socket: Socket, connection: number) => void,
  use: (open: (more?: Partial<HttpOpenRequest>) => ReturnType<typeof httpOpen>) => Promise<void>,
): Promise<number> {
  const sockets: Socket[] = [];
  const server = createServer(socket => {
    socket.on('error', () => undefined);
    serve(socket, sockets.push(socket) - 1);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/stream?a=%20b`;
  try {
    await use(more => httpOpen({ url, timeoutMs: 2000, verifyCertificate: false, ...more }));
  } finally {
    for (const s of sockets) s.destroy();
    server.close();
  }
  return sockets.length;
}

/** Answers every request of a connection with these bytes. */
const always = (answer: string | Uint8Array) => (socket: Socket) => void socket.on('data', () => socket.write(answer));

async function textOf(body: ByteStream): Promise<string> {
  let text = '';
  for (let piece = await body.next(); piece; piece = await body.next()) text += Buffer.from(piece).toString('latin1');
  return text;
}

const fault = (kind: string, code: string) => (e: unknown) => {
  assert.ok(e instanceof Fault, String(e));
  assert.deepEqual([e.kind, e.code], [kind, code], e.message);
  return true;
};

describe('open', () => {
  test('asks for path and query as they are, and for no compression', async () => {
    let asked = '';
    await serving(
      socket =>
        void socket.on('data', d => {
          asked += d.toString('latin1');
          socket.end('HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n\r\nabc');
        }),
      async open => {
        const { status, headers, body } = await open({ headers: { 'x-my': '1' } });
        assert.deepEqual([status, headers['content-type'], await textOf(body)], [200, 'video/mp2t', 'abc']);
      },
    );
    assert.match(asked, /^GET \/stream\?a=%20b HTTP\/1.1\r\n/);
    assert.match(asked, /accept-encoding: identity\r\n/);
    assert.match(asked, /x-my: 1\r\n/);
  });

  test('a body read to its end leaves its connection for the next request; one that is left does not', async () => {
    const connections = await serving(always('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc'), async open => {
      for (let i = 0; i < 3; i++) {
        assert.equal(await textOf((await open()).body), 'abc');
        await new Promise(setImmediate);
      }
      (await open()).body.close();
      await new Promise(setImmediate);
      assert.equal(await textOf((await open()).body), 'abc');
    });
    assert.equal(connections, 2);
  });

  test('a connection of the pool that the server has just closed is no failure', async () => {
    let requests = 0;
    await serving(
      socket =>
        void socket.on('data', () => {
          if (++requests === 2) socket.resetAndDestroy();
          else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc');
        }),
      async open => {
        assert.equal(await textOf((await open()).body), 'abc');
        await new Promise(setImmediate);
        assert.equal(await textOf((await open()).body), 'abc');
      },
    );
    assert.equal(requests, 3);
  });

  test('gzip that was not asked for is undone', async () => {
    const zipped = gzipSync('abcabcabc');
    const head = Buffer.from(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${zipped.length}\r\n\r\n`);
    await serving(always(Buffer.concat([head, zipped])), async open => {
      assert.equal(await textOf((await open()).body), 'abcabcabc');
    });
  });

  const bad: [name: string, answer: string, kind: string, code: string][] = [
    ['a head without an end', `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(200_000)}`, 'protocol', 'http-garbled'],
    ['what is no HTTP', 'SSH-2.0-OpenSSH_9.6\r\n\r\n', 'protocol', 'http-garbled'],
    ['gzip that is none', 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nabcdefghijkl', 'protocol', 'http-garbled'],
    [
      'a chunk without a size',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n',
      'protocol',
      'http-garbled',
    ],
  ];
  for (const [name, answer, kind, code] of bad)
    test(`${name} is a fault of the other side`, async () => {
      await serving(always(answer), async open => {
        await assert.rejects(async () => textOf((await open()).body), fault(kind, code));
      });
    });

  test('chunks with extensions, in pieces, are joined', async () => {
    const whole = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n02\r\nde\r\n0\r\nT: x\r\n\r\n';
    await serving(
      socket =>
        void socket.on('data', async () => {
          for (const c of whole) {
            socket.write(c);
            await new Promise(setImmediate);
          }
        }),
      async open => assert.equal(await textOf((await open()).body), 'abcde'),
    );
  });

  test('a body that breaks off is told', async () => {
    await serving(
      socket => void socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc')),
      async open => {
        const { body } = await open();
        await assert.rejects(textOf(body), fault('transport', 'connection-lost'));
      },
    );
  });

  test('who says nothing is given up in time', async () => {
    await serving(
      () => {},
      async open => {
        await assert.rejects(open({ timeoutMs: 50 }), fault('timeout', 'timeout'));
      },
    );
  });

  test('nobody listens there: a transport fault', async () => {
    await serving(
      s => void s.destroy(),
      async open => {
        await assert.rejects(open(), fault('transport', 'connect-failed'));
      },
    );
  });

  test('the signal ends the wait for the head, and the body', async () => {
    await serving(
      (socket, connection) => {
        if (connection === 1) socket.write('HTTP/1.1 200 OK\r\n\r\nabc');
      },
      async open => {
        const first = new AbortController();
        setTimeout(() => first.abort(), 20);
        await assert.rejects(open({ signal: first.signal }), fault('cancelled', 'stopped'));
        const second = new AbortController();
        const { body } = await open({ signal: second.signal });
        assert.equal(Buffer.from((await body.next()) ?? []).toString(), 'abc');
        setTimeout(() => second.abort(), 20);
        await assert.rejects(body.next(), fault('cancelled', 'stopped'));
      },
    );
  });

  test('nobody pulls: the server has to wait, whatever it has to say', async () => {
    let written = 0;
    await serving(
      socket =>
        void socket.on('data', () => {
          socket.write('HTTP/1.1 200 OK\r\n\r\n');
          const more = (): void => {
            while (written < 200 << 20) {
              written += 1 << 20;
              if (!socket.write(Buffer.alloc(1 << 20))) break;
            }
          };
          socket.on('drain', more);
          more();
        }),
      async open => {
        const { body } = await open();
        await new Promise(done => setTimeout(done, 300));
        assert.ok(written < 50 << 20, `${written}`);
        body.close();
      },
    );
  });
});
