import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { request as http1 } from 'node:http';
import { connect as http2 } from 'node:http2';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import { gunzipSync } from 'node:zlib';
import type { ByteStream } from '#core/bytes';
import { Fault } from '#core/errors';
import type { HttpAnswer, HttpListenOptions, HttpRequest, HttpServer } from '#core/world';
import { FakeLog } from '#fake/world';
import { createHttp } from '#host/http';
import { createPaths } from '#host/paths';

let home = '';
before(() => {
  home = mkdtempSync(join(tmpdir(), 'http-test-'));
});
after(() => rmSync(home, { recursive: true, force: true }));

const log = new FakeLog();
const plain = { 'content-type': 'text/plain' };

/** Serves while `use` runs; afterwards nothing may be open. */
async function serving(
  handle: (request: HttpRequest) => Promise<HttpAnswer> | HttpAnswer,
  use: (base: string, server: HttpServer) => Promise<void>,
  options: Partial<HttpListenOptions> = {},
): Promise<void> {
  const server = await createHttp(log, createPaths(home)).listen({
    at: { host: '127.0.0.1', port: 0 },
    connections: 0,
    handle: async r => handle(r),
    ...options,
  });
  try {
    await use(`http://127.0.0.1:${server.port}`, server);
  } finally {
    await server.close();
  }
  await assert.rejects(
    new Promise((done, fail) => connect(server.port, '127.0.0.1').once('connect', done).once('error', fail)),
    { code: 'ECONNREFUSED' },
  );
}

/** What comes back when these bytes are sent as they are. */
const raw = (port: number, text: string, untilMs = 3000): Promise<string> =>
  new Promise(done => {
    let got = '';
    const socket = connect(port, '127.0.0.1');
    const timer = setTimeout(() => socket.destroy(), untilMs);
    socket.on('data', d => (got += d.toString('latin1'))).on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      done(got);
    });
    socket.write(text);
  });

const portOf = (base: string): number => Number(new URL(base).port);

describe('requests', () => {
  test('path and query reach the handler as they came', async () => {
    const targets: string[] = [];
    const handle = (r: HttpRequest): HttpAnswer => {
      targets.push(`${r.method} ${r.target}`);
      return { status: 200, headers: plain, body: 'ok' };
    };
    await serving(handle, async base => {
      const odd = ['/a//b/%2e%2e/%zz?x=1&%', '/%ff', '/../x', '/a;b=c', '*', '//evil'];
      for (const target of odd)
        await raw(portOf(base), `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      await raw(portOf(base), 'PROPFIND /p HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      await raw(portOf(base), 'TRACE /t HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      assert.deepEqual(targets, [...odd.map(t => `GET ${t}`), 'PROPFIND /p', 'TRACE /t']);
    });
  });

  test('a body arrives whole under any Content-Type, or none', async () => {
    const handle = async (r: HttpRequest): Promise<HttpAnswer> => ({
      status: 200,
      headers: plain,
      body: await r.body(100),
    });
    await serving(handle, async base => {
      for (const type of ['application/json', 'text/plain', 'image/;;', 'x', ''])
        assert.equal(
          await (await fetch(base, { method: 'POST', body: '{"a":', headers: { 'content-type': type } })).text(),
          '{"a":',
        );
      assert.match(
        await raw(portOf(base), 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi'),
        /hi$/,
      );
      assert.equal(await (await fetch(base, { method: 'DELETE' })).text(), '');
    });
  });

  test('a body over the limit is refused, declared or not, and the connection serves on', async () => {
    const handle = async (r: HttpRequest): Promise<HttpAnswer> => {
      try {
        await r.body(10);
        return { status: 200, headers: plain, body: 'small' };
      } catch (e) {
        return { status: 413, headers: plain, body: (e as Fault).code };
      }
    };
    await serving(handle, async base => {
      const large = await fetch(base, { method: 'POST', body: 'x'.repeat(2_000_000) });
      assert.equal(`${large.status} ${await large.text()}`, '413 too-large');
      const chunked = 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n';
      const after = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi';
      assert.match(await raw(portOf(base), chunked + after), /413.*too-large.*200.*small/s);
    });
  });

  test('a body that stops coming, and headers that do, are given up', async () => {
    const codes: string[] = [];
    const handle = async (r: HttpRequest): Promise<HttpAnswer> => {
      await r.body(100).catch((e: Fault) => codes.push(e.code));
      return { status: 504, headers: plain, body: 'late' };
    };
    await serving(
      handle,
      async base => {
        assert.match(await raw(portOf(base), 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhi'), /504/);
        assert.deepEqual(codes, ['timeout']);
        assert.match(await raw(portOf(base), 'GET / HTTP/1.1\r\nHost: x\r\nX-Slow'), /^(HTTP\/1.1 4\d\d.*)?$/s);
      },
      { stallMs: 60, headersMs: 150 },
    );
  });

  test('a client that goes away in the middle of its body cancels it', async () => {
    let code = '';
    let told: () => void = () => undefined;
    const done = new Promise<void>(d => (told = d));
    const handle = async (r: HttpRequest): Promise<HttpAnswer> => {
      await r.body(100).catch((e: Fault) => (code = e.code));
      told();
      return { status: 200, headers: plain };
    };
    await serving(handle, async base => {
      const socket = connect(portOf(base), '127.0.0.1');
      socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhi', () =>
        setTimeout(() => socket.destroy(), 20),
      );
      await done;
      assert.equal(code, 'stopped');
    });
  });

  test('what is no HTTP gets 400 with an error body', async () => {
    await serving(
      () => ({ status: 200, headers: plain }),
      async base => assert.match(await raw(portOf(base), 'rubbish\r\n\r\n'), /^HTTP\/1.1 400 .*"code":"bad-argument"/s),
    );
  });

  test('a handler that throws is answered with 500', async () => {
    await serving(
      () => {
        throw new Fault('bug', 'x', 'secret');
      },
      async base => {
        const answer = await fetch(base);
        assert.equal(answer.status, 500);
        assert.deepEqual(Object.keys(JSON.parse(await answer.text()) as object), ['code', 'reason']);
      },
    );
  });

  test('more connections than allowed are closed, and the limit can be changed', async () => {
    await serving(
      () => ({ status: 200, headers: plain, body: 'ok' }),
      async (base, server) => {
        const held = connect(portOf(base), '127.0.0.1');
        await new Promise(done => held.once('connect', done));
        assert.equal(await raw(portOf(base), 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'), '');
        server.limitConnections(2);
        assert.match(await raw(portOf(base), 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'), /ok$/);
        held.destroy();
      },
      { connections: 1 },
    );
  });
});

describe('answers', () => {
  test('bytes and text have a length; HEAD has it without the bytes', async () => {
    await serving(
      () => ({ status: 200, headers: plain, body: 'äöü' }),
      async base => {
        assert.equal((await fetch(base)).headers.get('content-length'), '6');
        const head = await raw(portOf(base), 'HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
        assert.match(head, /content-length: 6\r\n/);
        assert.match(head, /\r\n\r\n$/);
      },
    );
  });

  test('what may be compressed is, if the client accepts it, and says so', async () => {
    const body = new TextEncoder().encode('x'.repeat(5000));
    await serving(
      () => ({ status: 200, headers: { ...plain, vary: 'Origin' }, body, compress: true }),
      async base => {
        const ask = (accept: string): Promise<{ encoding: string | undefined; vary: unknown; bytes: Buffer }> =>
          new Promise((done, fail) => {
            http1(base, { headers: { 'accept-encoding': accept } }, res => {
              const pieces: Buffer[] = [];
              res
                .on('data', p => pieces.push(p))
                .on('end', () =>
                  done({
                    encoding: res.headers['content-encoding'],
                    vary: res.headers['vary'],
                    bytes: Buffer.concat(pieces),
                  }),
                );
            })
              .on('error', fail)
              .end();
          });
        for (let i = 0; i < 2; i++) {
          const small = await ask('br, gzip;q=0.5');
          assert.equal(small.encoding, 'gzip');
          assert.deepEqual(new Uint8Array(gunzipSync(small.bytes)), body);
        }
        for (const accept of ['identity', 'gzip;q=0', 'br'])
          assert.deepEqual(await ask(accept), {
            encoding: undefined,
            vary: 'Origin, Accept-Encoding',
            bytes: Buffer.from(body),
          });
      },
    );
  });

  /** A stream of `count` pieces that says what became of it. */
  function stream(count: number, size: number) {
    const seen = { given: 0, closed: 0 };
    const body: ByteStream = {
      next: async () => (seen.given < count ? new Uint8Array(size).fill(++seen.given) : undefined),
      close: () => void seen.closed++,
    };
    return { seen, body };
  }

  test('a stream is sent to its end and closed', async () => {
    const { seen, body } = stream(50, 10_000);
    await serving(
      () => ({ status: 200, headers: { ...plain, 'content-length': '500000' }, body }),
      async base => {
        const got = new Uint8Array(await (await fetch(base)).arrayBuffer());
        assert.equal(got.length, 500_000);
        assert.equal(got[499_999], 50);
      },
    );
    assert.ok(seen.closed >= 1);
  });

  test('a stream is not pulled for HEAD', async () => {
    const { seen, body } = stream(5, 10);
    await serving(
      () => ({ status: 200, headers: { ...plain, 'content-length': '50' }, body }),
      async base => assert.equal((await fetch(base, { method: 'HEAD' })).headers.get('content-length'), '50'),
    );
    assert.deepEqual(seen, { given: 0, closed: 1 });
  });

  test('a client that stops reading stops the stream, one that goes away closes it', async () => {
    const { seen, body } = stream(1000, 1_000_000);
    let socket: Socket | undefined;
    await serving(
      () => ({ status: 200, headers: plain, body }),
      async base => {
        socket = connect(portOf(base), '127.0.0.1');
        socket.on('error', () => undefined).write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
        await new Promise(done => socket?.once('readable', done));
        await new Promise(done => setTimeout(done, 150));
        const given = seen.given;
        await new Promise(done => setTimeout(done, 150));
        assert.equal(seen.given, given);
        assert.ok(given < 20, `${given} MB were pulled for a client that reads nothing`);
        socket.destroy();
        for (let i = 0; i < 100 && seen.closed === 0; i++) await new Promise(done => setTimeout(done, 10));
        assert.ok(seen.closed >= 1);
      },
    );
  });

  test('a stream that fails cuts the connection', async () => {
    const body: ByteStream = {
      next: () => Promise.reject(new Fault('storage', 'x', 'disk')),
      close: () => undefined,
    };
    await serving(
      () => ({ status: 200, headers: { ...plain, 'content-length': '100' }, body }),
      async base => {
        await assert.rejects(fetch(base).then(answer => answer.text()));
      },
    );
  });

  test('closing the server ends a stream that has no end', async () => {
    let closed = false;
    const body: ByteStream = { next: () => new Promise(() => undefined), close: () => void (closed = true) };
    await serving(
      () => ({ status: 200, headers: plain, body }),
      async base => {
        await raw(portOf(base), 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', 50);
        const socket = connect(portOf(base), '127.0.0.1');
        socket.on('error', () => undefined).write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
        await new Promise(done => socket.once('connect', done));
      },
    );
    assert.ok(closed);
  });
});

describe('files', () => {
  let folder = '';
  before(() => {
    folder = join(home, 'web');
    mkdirSync(join(folder, 'sub'), { recursive: true });
    mkdirSync(join(folder, 'empty'));
    writeFileSync(join(home, 'secret.txt'), 'secret');
    writeFileSync(join(folder, 'index.html'), '<p>root');
    writeFileSync(join(folder, 'sub', 'index.html'), '<p>sub');
    writeFileSync(join(folder, 'a b.txt'), '0123456789');
    writeFileSync(join(folder, '.hidden'), 'hidden');
    for (const name of ['m.wasm', 'm.mjs', 'm.m3u8', 'm.js', 'm.css', 'm.json', 'm.mp4'])
      writeFileSync(join(folder, name), 'x');
    symlinkSync(join(home, 'secret.txt'), join(folder, 'link.txt'));
    symlinkSync(home, join(folder, 'out'));
    symlinkSync(join(folder, 'index.html'), join(folder, 'in.html'));
  });

  const files = async (
    use: (
      ask: (path: string, headers?: Record<string, string>, method?: string) => Promise<Response>,
      base: string,
    ) => Promise<void>,
  ) => {
    const http = createHttp(log, createPaths(home));
    const handle = async (r: HttpRequest): Promise<HttpAnswer> =>
      http.file('web', r.target.split('?')[0] ?? '', r).then(
        a => a ?? { status: 404, headers: plain, body: 'none' },
        (e: Fault) => ({ status: e.code === 'range' ? 416 : 500, headers: plain, body: e.message }),
      );
    await serving(handle, base =>
      use((path, headers = {}, method = 'GET') => fetch(base + path, { headers, method, redirect: 'manual' }), base),
    );
  };

  test('types, index, names with spaces', async () => {
    await files(async ask => {
      const types: [string, RegExp][] = [
        ['/', /^text\/html/],
        ['/m.wasm', /^application\/wasm$/],
        ['/m.mjs', /^text\/javascript/],
        ['/m.js', /^text\/javascript/],
        ['/m.m3u8', /^application\/vnd\.apple\.mpegurl$/],
        ['/m.css', /^text\/css/],
        ['/m.json', /^application\/json/],
        ['/m.mp4', /^video\/mp4$/],
      ];
      for (const [path, type] of types) {
        const answer = await ask(path);
        assert.equal(answer.status, 200, path);
        assert.match(answer.headers.get('content-type') ?? '', type);
        await answer.arrayBuffer();
      }
      assert.equal(await (await ask('/a%20b.txt')).text(), '0123456789');
      assert.equal(await (await ask('/sub/')).text(), '<p>sub');
      assert.equal(await (await ask('/in.html')).text(), '<p>root');
      const moved = await ask('/sub?x=1');
      assert.deepEqual([moved.status, moved.headers.get('location')], [301, '/sub/?x=1']);
    });
  });

  test('ETag and Range', async () => {
    await files(async (ask, base) => {
      const whole = await ask('/a%20b.txt');
      await whole.text();
      const etag = whole.headers.get('etag') ?? '';
      // fetch itself would add `Cache-Control: no-cache`, which asks for the whole
      const again = `GET /a%20b.txt HTTP/1.1\r\nHost: x\r\nIf-None-Match: ${etag}\r\nConnection: close\r\n\r\n`;
      assert.match(await raw(portOf(base), again), /^HTTP\/1.1 304 /);
      const part = await ask('/a%20b.txt', { range: 'bytes=2-4' });
      assert.deepEqual(
        [part.status, part.headers.get('content-range'), await part.text()],
        [206, 'bytes 2-4/10', '234'],
      );
      assert.equal((await ask('/a%20b.txt', { range: 'bytes=20-' })).status, 416);
      const head = await ask('/a%20b.txt', {}, 'HEAD');
      assert.deepEqual([head.status, head.headers.get('content-length')], [200, '10']);
    });
  });

  test('nothing outside the folder, no listing, nothing hidden', async () => {
    await files(async (_ask, base) => {
      const paths = [
        '/../secret.txt',
        '/%2e%2e/secret.txt',
        '/..%2fsecret.txt',
        '/sub/../../secret.txt',
        '/link.txt',
        '/out/secret.txt',
        '/.hidden',
        '/empty/',
        '/nothing',
        '/a%00b',
        '/%',
        '/out/',
      ];
      for (const path of paths) {
        const got = await raw(portOf(base), `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
        assert.match(got, /^HTTP\/1.1 404 /, path);
        assert.doesNotMatch(got, /\r\n\r\nsecret|hidden/);
      }
    });
  });
});

describe('TLS', () => {
  let pem = { key: '', certificate: '' };
  before(() => {
    pem = { key: join(home, 'key.pem'), certificate: 'cert.pem' };
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '1',
        '-subj',
        '/CN=localhost',
        '-keyout',
        pem.key,
        '-out',
        join(home, 'cert.pem'),
      ],
      { stdio: 'ignore' },
    );
  });

  test('HTTP/2 and HTTP/1.1 are served on one port', async () => {
    const handle = async (r: HttpRequest): Promise<HttpAnswer> => ({
      status: 200,
      headers: plain,
      body: `${r.secure} ${r.headers['host'] !== undefined} ${new TextDecoder().decode(await r.body(100))}`,
    });
    await serving(
      handle,
      async base => {
        const port = portOf(base);
        const session = http2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
        const got = await new Promise<string>((done, fail) => {
          const req = session.request({ ':path': '/x', ':method': 'POST' });
          let text = '';
          req
            .setEncoding('utf8')
            .on('data', d => (text += d))
            .on('end', () => done(text))
            .on('error', fail);
          req.end('hello');
        });
        session.close();
        assert.equal(got, 'true true hello');
        const one = await new Promise<string>(done => {
          let text = '';
          const socket = tlsConnect(
            { port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] },
            () => socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'),
          );
          socket.on('data', d => (text += d)).on('close', () => done(text));
        });
        assert.match(one, /^HTTP\/1.1 200 .*true true $/s);
      },
      { tls: pem },
    );
  });

  test('the client takes a certificate of its own making from an embedded device, and from nobody else', async () => {
    const { request } = createHttp(log, createPaths(home));
    await serving(
      () => ({ status: 200, headers: plain, body: 'here' }),
      async base => {
        const ask = { method: 'GET', timeoutMs: 2000, limitBytes: 10, url: `https://127.0.0.1:${portOf(base)}/` };
        assert.equal((await request({ ...ask, embedded: true })).status, 200);
        await assert.rejects(request(ask), { kind: 'transport' });
      },
      { tls: pem },
    );
  });

  test('a certificate that is missing is told', async () => {
    const tls = { ...pem, certificate: 'nothing.pem' };
    await assert.rejects(
      createHttp(log, createPaths(home)).listen({
        at: { host: '127.0.0.1', port: 0 },
        connections: 0,
        tls,
        handle: async () => assert.fail(),
      }),
      (e: Fault) => e.kind === 'storage' && /^tls\.certificate: cannot read/.test(e.message),
    );
  });
});

describe('listening', () => {
  const http = () => createHttp(log, createPaths(home));
  const handle = async (): Promise<HttpAnswer> => ({ status: 200, headers: plain, body: 'here' });

  test('a port in use is weather', async () => {
    await serving(handle, async base => {
      await assert.rejects(http().listen({ at: { host: '127.0.0.1', port: portOf(base) }, connections: 0, handle }), {
        kind: 'transport',
        code: 'address-in-use',
      });
    });
  });

  test('a Unix socket has mode 0600; a live one is not replaced, a dead one is, a file never', async () => {
    const socket = join(home, 'control.sock');
    const first = await http().listen({ at: { socket }, connections: 0, handle });
    assert.equal(statSync(socket).mode & 0o777, 0o600);
    await assert.rejects(http().listen({ at: { socket }, connections: 0, handle }), { kind: 'state' });
    const answer = await http().request({ url: 'http://x/', socket, method: 'GET', timeoutMs: 1000, limitBytes: 100 });
    assert.equal(Buffer.from(answer.body).toString(), 'here');
    await first.close();
    // a process that was killed leaves its socket behind
    const code = `require('net').createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', code], { stdio: 'ignore', timeout: 5000 });
    assert.ok(statSync(socket).isSocket());
    const second = await http().listen({ at: { socket }, connections: 0, handle });
    await second.close();
    writeFileSync(socket, 'mine');
    await assert.rejects(http().listen({ at: { socket }, connections: 0, handle }), { kind: 'state' });
    assert.equal(readFileSync(socket, 'utf8'), 'mine');
  });
});

describe('the client', () => {
  test('times out, limits what it takes, and names whom it does not reach', async () => {
    const { request } = createHttp(log, createPaths(home));
    const ask = { method: 'GET', timeoutMs: 80, limitBytes: 10 };
    await serving(
      r =>
        r.target === '/slow'
          ? new Promise(done => setTimeout(() => done({ status: 200, headers: plain }), 300))
          : { status: 404, headers: plain, body: 'x'.repeat(Number(r.target.slice(1))) },
      async base => {
        assert.equal((await request({ ...ask, url: `${base}/10` })).status, 404);
        await assert.rejects(request({ ...ask, url: `${base}/11` }), { code: 'too-large' });
        const gone = AbortSignal.timeout(20);
        await assert.rejects(request({ ...ask, timeoutMs: 5000, url: `${base}/slow`, signal: gone }), {
          code: 'stopped',
        });
        await assert.rejects(request({ ...ask, url: `${base}/1`, signal: gone }), { code: 'stopped' });
      },
    );
    await assert.rejects(request({ ...ask, url: 'http://127.0.0.1:1/' }), {
      kind: 'transport',
      message: /127\.0\.0\.1:1: ECONNREFUSED/,
    });
  });

  /** A peer that is no HTTP server of ours: says this over and over, until the client has enough. */
  const flooding = async (head: string, over: string, act: (url: string) => Promise<void>): Promise<void> => {
    const piece = Buffer.from(over.repeat(1000));
    const server = createServer(socket => {
      const more = (): void => {
        while (socket.writable && socket.write(piece));
      };
      socket
        .on('error', () => undefined)
        .on('drain', more)
        .once('data', () => {
          socket.write(head);
          more();
        });
    });
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
    try {
      await act(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    } finally {
      server.close();
    }
  };

  test('a body that comes byte by byte takes no more memory than one in large pieces', async () => {
    const { request } = createHttp(log, createPaths(home));
    const limitBytes = 300_000;
    await flooding('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', '1\r\na\r\n', async url => {
      const before = process.memoryUsage().heapUsed;
      let most = before;
      const watch = setInterval(() => {
        most = Math.max(most, process.memoryUsage().heapUsed);
      }, 5);
      await assert.rejects(request({ url, method: 'GET', timeoutMs: 20_000, limitBytes }), { code: 'too-large' });
      clearInterval(watch);
      // Kept one by one they were 100 bytes each: 30 MB.
      assert.ok(most - before < 20_000_000, `grew by ${most - before} bytes`);
    });
  });

  test('a peer that sends interim answers without end is given up', async () => {
    const { request } = createHttp(log, createPaths(home));
    await flooding('', 'HTTP/1.1 100 Continue\r\n\r\n', url =>
      assert.rejects(request({ url, method: 'GET', timeoutMs: 20_000, limitBytes: 100 }), { code: 'http-garbled' }),
    );
  });
});
