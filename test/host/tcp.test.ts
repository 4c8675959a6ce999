import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { Fault } from '#core/errors';
import type { Log, TcpConnection, TcpListener } from '#core/world';
import { temporaryFolder } from '#fake/daemon';
import { needPeer, runPeer } from '#fake/peers';
import { createTcp } from '#host/tcp';

const log: Log = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {}, with: () => log };
const parts = { paths: (path: string) => path, log };
const tcp = createTcp(parts);
const text = (b: Uint8Array, n: number): string => Buffer.from(b.subarray(0, n)).toString('latin1');

/** A listener that tells what came, and the connections it accepted. */
async function peer(
  t: { after(f: () => Promise<void>): void },
  on: { bytes?(c: TcpConnection, s: string): void; open?(c: TcpConnection): void } = {},
) {
  const got: string[] = [];
  const accepted: TcpConnection[] = [];
  let closed = 0;
  const listener: TcpListener = await tcp.listen({
    host: '127.0.0.1',
    port: 0,
    accept: (connection, listen) => {
      accepted.push(connection);
      listen({
        onBytes: (b, n) => {
          got.push(text(b, n));
          on.bytes?.(connection, text(b, n));
        },
        onClose: () => void closed++,
      });
      on.open?.(connection);
    },
  });
  t.after(() => listener.close());
  return { got, accepted, listener, closed: () => closed };
}
const until = async (what: () => boolean): Promise<void> => {
  for (let i = 0; i < 400 && !what(); i++) await new Promise(r => setTimeout(r, 5));
  assert.ok(what(), what.toString());
};

describe('tcp', () => {
  test('bytes go both ways, and closing here is heard there, once', async t => {
    const p = await peer(t, { bytes: (c, s) => void c.write(s.toUpperCase()) });
    let heard = '';
    const c = await tcp.connect({
      host: '127.0.0.1',
      port: p.listener.port,
      timeoutMs: 1000,
      onBytes: (b, n) => void (heard += text(b, n)),
      onClose: () => assert.fail('our own close is not told'),
    });
    assert.equal(c.remoteAddress, `127.0.0.1:${p.listener.port}`);
    c.write('hello');
    c.write(Buffer.from(' there'));
    await until(() => heard === 'HELLO THERE');
    c.close();
    c.close();
    await until(() => p.closed() === 1);
  });

  test('what was written right before the close still arrives', async t => {
    const p = await peer(t);
    const c = await tcp.connect({
      host: '127.0.0.1',
      port: p.listener.port,
      timeoutMs: 1000,
      onBytes: () => {},
      onClose: () => {},
    });
    c.write('TEARDOWN');
    c.close();
    await until(() => p.got.join('') === 'TEARDOWN');
  });

  test('the end of the peer is told once, with no error when in order', async t => {
    const p = await peer(t, { open: c => c.close() });
    const ends: (Error | undefined)[] = [];
    await tcp.connect({
      host: '127.0.0.1',
      port: p.listener.port,
      timeoutMs: 1000,
      onBytes: () => {},
      onClose: e => void ends.push(e),
    });
    await until(() => ends.length > 0);
    assert.deepEqual(ends, [undefined]);
  });

  test('nobody listens: Fault transport, with the place', async t => {
    const p = await peer(t);
    await p.listener.close();
    await assert.rejects(
      tcp.connect({
        host: '127.0.0.1',
        port: p.listener.port,
        timeoutMs: 1000,
        onBytes: () => {},
        onClose: () => assert.fail(),
      }),
      (e: unknown) =>
        e instanceof Fault &&
        e.kind === 'transport' &&
        e.message === `expected a connection to 127.0.0.1:${p.listener.port}, got ECONNREFUSED`,
    );
  });

  test('a signal gives up connecting', async () => {
    const abort = new AbortController();
    // TEST-NET-1 (RFC 5737) answers nobody.
    const waiting = tcp.connect({
      host: '192.0.2.1',
      port: 554,
      timeoutMs: 5000,
      signal: abort.signal,
      onBytes: () => {},
      onClose: () => {},
    });
    abort.abort();
    await assert.rejects(waiting, (e: unknown) => e instanceof Fault && ['cancelled', 'transport'].includes(e.kind));
  });

  test('reading in batches brings everything, in few pieces; then as it comes again', async t => {
    const p = await peer(t);
    let heard = 0;
    let pieces = 0;
    const c = await tcp.connect({
      host: '127.0.0.1',
      port: p.listener.port,
      timeoutMs: 1000,
      onBytes: (_b, n) => {
        heard += n;
        pieces++;
      },
      onClose: () => {},
    });
    t.after(() => c.close());
    await until(() => p.accepted.length === 1);
    c.readEvery(60);
    await new Promise(r => setTimeout(r, 10));
    for (let i = 0; i < 60; i++) {
      p.accepted[0]!.write(new Uint8Array(100));
      await new Promise(r => setTimeout(r, 4));
    }
    await until(() => heard === 6000);
    assert.ok(pieces < 20, `${pieces} pieces`);
    c.readEvery(0);
    p.accepted[0]!.write('x');
    await until(() => heard === 6001);
  });

  test('a peer that does not read is noticed at 1 MiB and cut off at 16 MiB', async t => {
    const p = await peer(t);
    const ends: (Error | undefined)[] = [];
    const c = await tcp.connect({
      host: '127.0.0.1',
      port: p.listener.port,
      timeoutMs: 1000,
      onBytes: () => {},
      onClose: e => void ends.push(e),
    });
    await until(() => p.accepted.length === 1);
    p.accepted[0]!.readEvery(10_000);
    await new Promise(r => setTimeout(r, 20));
    const piece = new Uint8Array(512 << 10);
    let slow = -1;
    for (let i = 0; i < 200 && ends.length === 0; i++) {
      if (!c.write(piece) && slow < 0) slow = c.queuedBytes;
      assert.ok(c.queuedBytes <= 16 << 20);
      if (i % 10 === 9) await new Promise(r => setImmediate(r));
    }
    await until(() => ends.length === 1);
    assert.ok(slow > 1 << 20 && slow < 4 << 20, `${slow}`);
    assert.ok(ends[0] instanceof Fault && ends[0].kind === 'overload');
  });

  test('TLS with a certificate that nobody signed: refused, or taken where that is allowed', {
    skip: needPeer('openssl'),
  }, async t => {
    const [key, cert] = ['key.pem', 'cert.pem'].map(f => join(temporaryFolder(t), f)) as [string, string];
    runPeer('openssl', [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      key,
      '-out',
      cert,
      '-subj',
      '/CN=cam',
      '-days',
      '2',
    ]);
    const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, s => {
      s.on('error', () => {});
      s.on('data', d => s.write(d.toString().toUpperCase()));
    });
    server.on('tlsClientError', () => {});
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
    t.after(() => void server.close());
    const { port } = server.address() as { port: number };
    let heard = '';
    const options = {
      host: '127.0.0.1',
      port,
      timeoutMs: 2000,
      onBytes: (b: Uint8Array, n: number) => void (heard += text(b, n)),
      onClose: () => {},
    };
    await assert.rejects(
      tcp.connect({ ...options, tls: {} }),
      (e: unknown) => e instanceof Fault && e.kind === 'transport',
    );
    const c = await tcp.connect({ ...options, tls: { rejectUnauthorized: false } });
    c.write('describe');
    await until(() => heard === 'DESCRIBE');
    c.readEvery(50);
    c.write('play');
    await until(() => heard === 'DESCRIBEPLAY');
    c.close();
  });

  test('a listener with TLS takes who comes to terms, tells nobody of who does not, and ends with both', {
    skip: needPeer('openssl'),
  }, async t => {
    const folder = temporaryFolder(t);
    const files = { key: join(folder, 'key.pem'), certificate: join(folder, 'cert.pem') };
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=cam', '-days', '2'];
    runPeer('openssl', [...request, '-keyout', files.key, '-out', files.certificate]);
    let accepted = 0;
    const listener = await tcp.listen({
      host: '127.0.0.1',
      port: 0,
      tls: files,
      accept: (connection, listen) => {
        accepted++;
        listen({ onBytes: (b, n) => void connection.write(text(b, n).toUpperCase()), onClose: () => {} });
      },
    });
    const options = { host: '127.0.0.1', port: listener.port, timeoutMs: 2000 };
    const mute = await tcp.connect({ ...options, onBytes: () => {}, onClose: () => {} });
    let heard = '';
    const c = await tcp.connect({
      ...options,
      tls: { rejectUnauthorized: false },
      onBytes: (b, n) => void (heard += text(b, n)),
      onClose: () => {},
    });
    c.write('describe');
    await until(() => heard === 'DESCRIBE');
    assert.equal(accepted, 1);
    await listener.close();
    c.close();
    mute.close();
    await assert.rejects(
      tcp.listen({ port: 0, tls: { key: `${folder}/none`, certificate: files.certificate }, accept: () => {} }),
      (e: unknown) => e instanceof Fault && e.kind === 'storage' && e.message.startsWith('tls.key: cannot read'),
    );
  });

  test('TLS: who says nothing or nonsense is sent away in time; those who wait are few, and nobody who has gone counts', {
    skip: needPeer('openssl'),
  }, async t => {
    const folder = temporaryFolder(t);
    const files = { key: join(folder, 'key.pem'), certificate: join(folder, 'cert.pem') };
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=cam', '-days', '2'];
    runPeer('openssl', [...request, '-keyout', files.key, '-out', files.certificate]);
    const impatient = createTcp({ ...parts, handshakeMs: 500, handshakesMost: 20 });
    const listener = await impatient.listen({
      host: '127.0.0.1',
      port: 0,
      tls: files,
      accept: (connection, listen) => {
        listen({ onBytes: (b, n) => void connection.write(text(b, n).toUpperCase()), onClose: () => {} });
      },
    });
    t.after(() => listener.close());
    const options = { host: '127.0.0.1', port: listener.port, timeoutMs: 5000 };
    const ask = async (): Promise<void> => {
      let heard = '';
      const onBytes = (b: Uint8Array, n: number): void => void (heard += text(b, n));
      const c = await tcp.connect({ ...options, tls: { rejectUnauthorized: false }, onBytes, onClose: () => {} });
      c.write('describe');
      await until(() => heard === 'DESCRIBE');
      c.close();
    };
    for (let i = 0; i < 6; i++) await Promise.all(Array.from({ length: 5 }, ask));
    let gone = 0;
    const crowd = Array.from({ length: 30 }, () =>
      tcp.connect({ ...options, onBytes: () => {}, onClose: () => void gone++ }),
    );
    (await crowd[0])?.write('nonsense that is no handshake');
    await Promise.all(crowd);
    await until(() => gone >= 10);
    await until(() => gone === 30);
    await ask();
  });
});
