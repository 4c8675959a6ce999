import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { makeMedia, needPeer } from '#fake/peers';
import type { FaultLike } from './rig.ts';
import { ofKind, pull, serve } from './rig.ts';

let ts = new Uint8Array(0);
let mp4 = new Uint8Array(0);
const picture = new Uint8Array(readFileSync(new URL('../../fixture/media/clip.mjpeg', import.meta.url)));

/** A TCP server that answers the head of a request with what `answer` writes. */
async function raw(answer: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer(socket => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => answer(socket));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/live`,
    close: async () => {
      for (const s of sockets) s.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

const firstFault = (rig: ReturnType<typeof pull>): FaultLike => rig.context.said.faults[0] as FaultLike;

describe('endless bodies', { skip: needPeer('ffmpeg') }, () => {
  before(() => {
    const wishes = { video: 'h264', audio: 'aac', seconds: 2 } as const;
    ts = new Uint8Array(makeMedia('ts', wishes));
    mp4 = new Uint8Array(
      makeMedia('mp4', { ...wishes, more: ['-movflags', 'frag_keyframe+empty_moov+default_base_moof'] }),
    );
  });

  for (const container of ['ts', 'mp4'] as const)
    test(`${container} without an end is taken as it comes; its end is a failure, and a gap`, async () => {
      const server = await serve((_, response) => {
        response.writeHead(200, { 'content-type': 'application/octet-stream' });
        response.write(container === 'ts' ? ts : mp4);
        setTimeout(() => response.end(), 300);
      });
      const rig = pull({ url: server.url });
      try {
        await rig.until(() => rig.context.said.faults.length > 0);
        assert.ok(ofKind(rig.units, 'video').length >= 49, `${ofKind(rig.units, 'video').length}`);
        assert.ok(ofKind(rig.units, 'audio').length > 80);
        assert.equal(firstFault(rig).code, 'connection-lost');
        assert.deepEqual(rig.context.said.states, ['running', 'failed']);
        assert.deepEqual(
          rig.gaps.map(g => g.reason),
          ['network-loss'],
        );
        await rig.context.again();
        assert.equal(new Set(rig.units.map(u => u.run.id)).size, 2);
      } finally {
        await rig.close();
        await server.close();
      }
      assert.deepEqual(rig.context.scope.open, []);
    });

  test('a file is played in real time', async () => {
    const server = await serve((_, response) => void response.end(ts));
    const rig = pull({ url: `${server.url}/a.ts` });
    try {
      await rig.until(() => rig.gaps.length > 0);
      const ms = (rig.arrivedMs.at(-1) ?? 0) - (rig.arrivedMs[0] ?? 0);
      assert.ok(ms > 1500 && ms < 3500, `${ms}`);
      assert.deepEqual(rig.context.said.faults, []);
    } finally {
      await rig.close();
      await server.close();
    }
  });

  test('media that stop: the attempt fails after stall_seconds', async () => {
    const server = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'video/mp2t' });
      response.write(ts);
    });
    const rig = pull({ url: server.url, stall_seconds: 1 });
    try {
      await rig.until(() => rig.context.said.faults.length > 0);
      assert.deepEqual([firstFault(rig).kind, firstFault(rig).code], ['timeout', 'no-media']);
      assert.equal(rig.gaps[0]?.reason, 'no-media');
    } finally {
      await rig.close();
      await server.close();
    }
  });

  test('a compressed body is read', async () => {
    const server = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'video/mp2t', 'content-encoding': 'gzip' });
      response.write(gzipSync(ts));
    });
    const rig = pull({ url: server.url });
    try {
      await rig.until(() => ofKind(rig.units, 'video').length >= 45);
    } finally {
      await rig.close();
      await server.close();
    }
  });

  test('a dynamic source is asked for only while somebody wants it', async () => {
    let open = 0;
    const server = await serve((_, response) => {
      open++;
      response.on('close', () => open--);
      response.writeHead(200, { 'content-type': 'video/mp2t' });
      response.write(ts);
    });
    const rig = pull({ url: server.url, dynamic: true, linger_seconds: 0 });
    try {
      await rig.until(() => rig.units.length > 0);
      assert.equal(open, 1);
      rig.detach();
      await rig.until(() => open === 0);
      assert.deepEqual(rig.context.said.faults, []);
    } finally {
      await rig.close();
      await server.close();
    }
  });
});

describe('servers that are no good', () => {
  // what a server answers, and how the attempt fails
  const cases: [name: string, answer: string | Uint8Array, kind: string, code: string][] = [
    ['a page', 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>hello</html>', 'unsupported', 'http-no-stream'],
    ['no such page', 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n', 'transport', 'http-404'],
    ['not allowed', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n', 'refused', 'http-403'],
    ['a head without an end', `HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(100_000)}`, 'protocol', 'http-garbled'],
    ['garbage', new Uint8Array(5000).fill(0x55), 'protocol', 'http-garbled'],
    [
      'a redirect to a file',
      'HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n',
      'protocol',
      'http-redirect',
    ],
    [
      'a redirect to itself',
      'HTTP/1.1 302 Found\r\nLocation: /live\r\nContent-Length: 0\r\n\r\n',
      'protocol',
      'http-redirect',
    ],
    [
      'a multipart without boundary',
      'HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace\r\n\r\nabc',
      'protocol',
      'http-garbled',
    ],
    [
      'an MP4 of noise',
      `HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n\r\n${'x'.repeat(999)}`,
      'unsupported',
      'not-mp4',
    ],
    [
      'a body that is cut off',
      'HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\nContent-Length: 9999\r\n\r\nabc',
      'transport',
      'connection-lost',
    ],
  ];
  for (const [name, answer, kind, code] of cases)
    test(name, async () => {
      const server = await raw(socket => socket.end(answer));
      const rig = pull({ url: server.url });
      try {
        await rig.until(() => rig.context.said.faults.length > 0);
        assert.deepEqual([firstFault(rig).kind, firstFault(rig).code], [kind, code], String(firstFault(rig)));
        assert.equal(rig.gaps[0]?.reason, 'camera-unreachable');
      } finally {
        await rig.close();
        await server.close();
      }
    });

  test('parts that are no pictures, without end: nothing is kept, the stall clock ends it and says why', async () => {
    const server = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'multipart/x-mixed-replace; boundary=b' });
      const timer = setInterval(() => response.write('--b\r\nContent-Length: 3\r\n\r\nabc\r\n'), 20);
      response.on('close', () => clearInterval(timer));
    });
    const rig = pull({ url: server.url, stall_seconds: 1 });
    try {
      await rig.until(() => rig.context.said.faults.length > 0);
      assert.match(String(firstFault(rig)), /expected media for 1 s, got none \(a part that is no JPEG\)/);
    } finally {
      await rig.close();
      await server.close();
    }
  });
});

describe('logins', () => {
  const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
  const digestOf = (header: string): Record<string, string> =>
    Object.fromEntries([...header.matchAll(/(\w+)="?([^",]+)"?/g)].map(([, k = '', v = '']) => [k, v]));

  test('Digest where it is asked for, again with a new nonce; the password goes nowhere', async () => {
    const seen: string[] = [];
    let requests = 0;
    const server = await serve((request, response) => {
      const { authorization = '' } = request.headers;
      seen.push(authorization);
      const nonce = requests < 4 ? 'one' : 'two';
      const d = digestOf(authorization);
      const ha1 = md5('me:cams:secret');
      const wanted = md5(`${ha1}:${d['nonce']}:${d['nc']}:${d['cnonce']}:auth:${md5(`GET:${request.url}`)}`);
      requests++;
      if (d['nonce'] === nonce && d['response'] === wanted) {
        response.writeHead(200, { 'content-type': 'image/jpeg' });
        response.end(picture);
      } else {
        response.writeHead(401, {
          'www-authenticate': `Digest realm="cams", nonce="${nonce}", qop="auth"`,
          'content-length': 0,
        });
        response.end();
      }
    });
    const rig = pull({ url: `${server.url}/snap?x=1`, auth: ['me', 'secret'] });
    try {
      await rig.until(() => rig.units.length >= 4);
      assert.deepEqual(rig.context.said.faults, []);
      assert.equal(seen[0], '');
      assert.ok(!seen.join().includes('secret') && !JSON.stringify(rig.log.lines).includes('secret'));
    } finally {
      await rig.close();
      await server.close();
    }
  });

  test('a wrong password is tried twice, no more', async () => {
    let requests = 0;
    const server = await serve((_, response) => {
      requests++;
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"', 'content-length': 0 }).end();
    });
    const rig = pull({ url: server.url.replace('//', '//me:wrong%20one@') });
    try {
      await rig.until(() => rig.context.said.faults.length > 0);
      assert.deepEqual([firstFault(rig).kind, firstFault(rig).code], ['refused', 'http-401']);
      assert.equal(requests, 2);
      assert.ok(!String(firstFault(rig)).includes('wrong'));
    } finally {
      await rig.close();
      await server.close();
    }
  });

  test('login and headers are for the host of the URL: who is redirected to gets neither', async () => {
    const got: Record<string, string | string[] | undefined>[] = [];
    const other = await serve((request, response) => {
      got.push(request.headers);
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"', 'content-length': 0 }).end();
    });
    // Another name of this machine is another host.
    const elsewhere = other.url.replace('127.0.0.1', 'localhost');
    const home: Record<string, string | string[] | undefined>[] = [];
    const server = await serve((request, response) => {
      home.push(request.headers);
      response.writeHead(302, { location: elsewhere, 'content-length': 0 }).end();
    });
    const rig = pull({ url: server.url, auth: ['me', 'secret'], headers: { 'X-Token': 't', Referer: 'http://r/' } });
    try {
      await rig.until(() => rig.context.said.faults.length > 0);
      assert.equal(home[0]?.['x-token'], 't');
      assert.deepEqual(
        got.map(h => [h['x-token'], h['authorization'], h['referer']]),
        [[undefined, undefined, 'http://r/']],
      );
    } finally {
      await rig.close();
      await server.close();
      await other.close();
    }
  });
});
