/** Guards, cross-origin rules, delivery of media and the cache in front of it: docs/spec/api.md 2.4, 6.2. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deliver } from '#api/http/deliver';
import { corsHeaders, type GuardOptions, guardHost, guardOrigin, hostName, peerOf, preflight } from '#api/http/guard';
import { MediaCache } from '#api/http/media-cache';
import type { ByteSource, MediaAnswer } from '#core/bytes';
import { Fault } from '#core/errors';
import { bodyOf, fakeRequest } from '#fake/published';

const options: GuardOptions = {
  cors: [],
  hosts: ['cams.example'],
  trustProxy: [],
  hostname: 'Recorder7',
  checkHost: true,
};

describe('Host', () => {
  const cases: [host: string, welcome: boolean][] = [
    ['localhost', true],
    ['LOCALHOST:8880', true],
    ['127.0.0.1:8880', true],
    ['192.168.1.5', true],
    ['[::1]:8880', true],
    ['[fe80::1]', true],
    ['recorder7:8880', true],
    ['Recorder7', true],
    ['cams.example', true],
    ['cams.example.', true],
    ['evil.example', false],
    ['localhost.evil.example', false],
    ['127.0.0.1.evil.example', false],
    ['256.0.0.1', false],
    ['1.2.3', false],
    ['[::1', false],
    ['::evil', false],
    ['', false],
  ];
  for (const [host, welcome] of cases)
    test(`'${host}' is ${welcome ? 'welcome' : 'refused'}`, () => {
      const guard = (): void => guardHost({ address: '', host }, options);
      if (welcome) assert.doesNotThrow(guard);
      else assert.throws(guard, { kind: 'forbidden' });
    });
  test('a missing one is refused', () =>
    assert.throws(() => guardHost({ address: '', host: undefined }, options), { kind: 'forbidden' }));
  test('where people log in, names do not matter', () =>
    guardHost({ address: '', host: 'evil.example' }, { ...options, checkHost: false }));
  test('hostName takes the port and the brackets off', () => assert.equal(hostName('[2001:DB8::1]:80'), '2001:db8::1'));
});

describe('Origin', () => {
  const cases: [name: string, method: string, headers: Record<string, string>, cors: string[], welcome: boolean][] = [
    ['no Origin', 'POST', {}, [], true],
    ['its own', 'POST', { origin: 'http://localhost:8880' }, [], true],
    ['its own, port 80 not written', 'POST', { origin: 'http://a', host: 'a' }, [], true],
    ['its own, port 443 written by the proxy', 'POST', { origin: 'https://a', host: 'a:443' }, [], true],
    ['another port', 'POST', { origin: 'http://localhost:8881' }, [], false],
    ['another host', 'POST', { origin: 'http://evil.example' }, [], false],
    ['null', 'DELETE', { origin: 'null' }, [], false],
    ['another host that only reads', 'GET', { origin: 'http://evil.example' }, [], true],
    ['another host that upgrades', 'GET', { origin: 'http://evil.example', upgrade: 'websocket' }, [], false],
    ['allowed by name', 'PUT', { origin: 'https://ok.example' }, ['https://ok.example'], true],
    ['not the one allowed', 'PUT', { origin: 'https://ok.example.evil' }, ['https://ok.example'], false],
    ['anybody', 'PATCH', { origin: 'http://evil.example' }, ['*'], true],
  ];
  for (const [name, method, headers, cors, welcome] of cases)
    test(`${name} is ${welcome ? 'welcome' : 'refused'}`, () => {
      const request = fakeRequest(method, '/', { headers });
      const guard = (): void => guardOrigin(request, peerOf(request, []), { ...options, cors });
      if (welcome) assert.doesNotThrow(guard);
      else assert.throws(guard, { kind: 'forbidden' });
    });
});

describe('cross-origin headers', () => {
  const request = fakeRequest('OPTIONS', '/v1/svc', {
    headers: {
      origin: 'https://ok.example',
      'access-control-request-method': 'PUT',
      'access-control-request-headers': 'authorization, content-type',
    },
  });
  test('"*" allows everybody without credentials', () => {
    const headers = corsHeaders(request, ['*']);
    assert.equal(headers['access-control-allow-origin'], '*');
    assert.equal(headers['access-control-allow-credentials'], undefined);
    assert.match(headers['access-control-expose-headers'] ?? '', /X-Timestamp/);
  });
  test('a named origin is echoed with credentials, and caches are told', () => {
    const headers = corsHeaders(request, ['https://ok.example']);
    assert.equal(headers['access-control-allow-origin'], 'https://ok.example');
    assert.equal(headers['access-control-allow-credentials'], 'true');
    assert.equal(headers['vary'], 'Origin');
  });
  test('another origin is told nothing', () => {
    assert.deepEqual(corsHeaders(request, ['https://other.example']), { vary: 'Origin' });
    assert.deepEqual(corsHeaders(request, []), {});
    assert.equal(preflight(request, [])['access-control-allow-methods'], undefined);
  });
  test('preflight allows verbs and the headers asked for', () => {
    const headers = preflight(request, ['*']);
    assert.match(headers['access-control-allow-methods'] ?? '', /PATCH/);
    assert.equal(headers['access-control-allow-headers'], 'authorization, content-type');
  });
});

describe('a proxy', () => {
  const headers = {
    'x-forwarded-for': '6.6.6.6, 1.2.3.4, 10.0.0.2',
    'x-forwarded-host': 'cams.example',
    host: 'inner',
  };
  const request = fakeRequest('GET', '/', { headers, address: '::ffff:10.0.0.1' });
  test('that is not trusted changes nothing', () =>
    assert.deepEqual(peerOf(request, []), { address: '10.0.0.1', host: 'inner' }));
  test('that is trusted names the nearest address that is no proxy of ours, and the host', () =>
    assert.deepEqual(peerOf(request, ['10.0.0.1', '10.0.0.2']), { address: '1.2.3.4', host: 'cams.example' }));
  test('that says nothing is the caller itself', () =>
    assert.deepEqual(peerOf(fakeRequest('GET', '/', { address: '10.0.0.1' }), ['10.0.0.1']), {
      address: '10.0.0.1',
      host: 'localhost:8880',
    }));
});

/** The digits 0 to 9 as a source; counts what is open. */
function source(length: number | 'endless' = 10) {
  const seen = { opened: [] as string[], sourceClosed: 0, streamsClosed: 0 };
  const body: ByteSource = {
    length: length === 'endless' ? undefined : length,
    open(begin = 0, end = 10) {
      seen.opened.push(`${begin}-${end}`);
      let left: Uint8Array | undefined = new TextEncoder().encode('0123456789'.slice(begin, end));
      return {
        next: async () => {
          const piece = left;
          left = undefined;
          return piece;
        },
        close: () => void seen.streamsClosed++,
      };
    },
    close: () => void seen.sourceClosed++,
  };
  return { seen, body };
}

describe('deliver', () => {
  const etag = { etag: '"v1"', 'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT' };
  const cases: [name: string, method: string, headers: Record<string, string>, answer: string][] = [
    ['whole', 'GET', {}, '200 10 - 0123456789'],
    ['HEAD', 'HEAD', {}, '200 10 - '],
    ['a range', 'GET', { range: 'bytes=2-4' }, '206 3 bytes 2-4/10 234'],
    ['an open range', 'GET', { range: 'bytes=7-' }, '206 3 bytes 7-9/10 789'],
    ['the last bytes', 'GET', { range: 'bytes=-2' }, '206 2 bytes 8-9/10 89'],
    ['more last bytes than there are', 'GET', { range: 'bytes=-20' }, '206 10 bytes 0-9/10 0123456789'],
    ['a range beyond the end is cut', 'GET', { range: 'bytes=8-99' }, '206 2 bytes 8-9/10 89'],
    ['a range after the end', 'GET', { range: 'bytes=10-' }, '416 10'],
    ['no last bytes', 'GET', { range: 'bytes=-0' }, '416 10'],
    ['a backward range is no range', 'GET', { range: 'bytes=4-2' }, '200 10 - 0123456789'],
    ['other units are no range', 'GET', { range: 'pages=1-2' }, '200 10 - 0123456789'],
    ['several ranges get the whole', 'GET', { range: 'bytes=0-1,3-4' }, '200 10 - 0123456789'],
    ['a range of HEAD is none', 'HEAD', { range: 'bytes=2-4' }, '200 10 - '],
    ['If-Range with the tag', 'GET', { range: 'bytes=2-4', 'if-range': '"v1"' }, '206 3 bytes 2-4/10 234'],
    ['If-Range with another tag', 'GET', { range: 'bytes=2-4', 'if-range': '"v0"' }, '200 10 - 0123456789'],
    ['If-Range with a weak tag', 'GET', { range: 'bytes=2-4', 'if-range': 'W/"v1"' }, '200 10 - 0123456789'],
    [
      'If-Range with the date',
      'GET',
      { range: 'bytes=2-4', 'if-range': etag['last-modified'] },
      '206 3 bytes 2-4/10 234',
    ],
    ['If-None-Match with the tag', 'GET', { 'if-none-match': '"v1"' }, '304 - - '],
    ['If-None-Match with one of the tags, weak', 'HEAD', { 'if-none-match': '"v0", W/"v1"' }, '304 - - '],
    ['If-None-Match with any', 'GET', { 'if-none-match': '*' }, '304 - - '],
    ['If-None-Match with another tag', 'GET', { 'if-none-match': '"v0"' }, '200 10 - 0123456789'],
  ];
  for (const kind of ['a source', 'bytes', 'text'] as const)
    for (const [name, method, headers, answer] of cases)
      test(`${kind}: ${name}`, async () => {
        const { seen, body } = source();
        const given =
          kind === 'a source' ? body : kind === 'text' ? '0123456789' : new TextEncoder().encode('0123456789');
        let got: string;
        try {
          const a = deliver(fakeRequest(method, '/', { headers }), {
            contentType: 'video/mp4',
            headers: etag,
            body: given,
          });
          const text = Buffer.from(await bodyOf(a)).toString();
          got = `${a.status} ${a.headers['content-length'] ?? '-'} ${a.headers['content-range'] ?? '-'} ${text}`;
        } catch (e) {
          assert.ok(e instanceof Fault && e.code === 'range');
          got = `416 ${e.where['length']}`;
        }
        assert.equal(got, answer);
        if (kind === 'a source') assert.deepEqual([seen.sourceClosed, seen.streamsClosed], [1, seen.opened.length]);
      });

  test('an endless answer has no length and no ranges, and HEAD of it is refused', () => {
    const { seen, body } = source('endless');
    const answer = { contentType: 'video/mp4', body } satisfies MediaAnswer;
    const got = deliver(fakeRequest('GET', '/', { headers: { range: 'bytes=0-1' } }), answer);
    assert.deepEqual(
      [got.status, got.headers['content-length'], got.headers['accept-ranges']],
      [200, undefined, undefined],
    );
    assert.throws(() => deliver(fakeRequest('HEAD', '/'), answer), { code: 'method-not-allowed' });
    assert.equal(seen.sourceClosed, 2);
  });

  test('immutable answers may be kept by everybody, others are to be asked for again', () => {
    const answer = { contentType: 'a/b', body: 'x' };
    const caching = (a: MediaAnswer): string | undefined =>
      deliver(fakeRequest('GET', '/'), a).headers['cache-control'];
    assert.equal(caching({ ...answer, immutable: true }), 'public, max-age=31536000, immutable');
    assert.equal(caching(answer), 'no-cache');
    assert.equal(caching({ ...answer, headers: { 'cache-control': 'no-store' } }), 'no-store');
  });

  test('a status of its own is kept, without ranges', () => {
    const got = deliver(fakeRequest('GET', '/', { headers: { range: 'bytes=0-0' } }), {
      status: 201,
      contentType: 'a/b',
      body: 'xy',
    });
    assert.deepEqual([got.status, got.headers['content-length']], [201, '2']);
  });
});

describe('MediaCache', () => {
  const bytes = (n: number): MediaAnswer => ({ contentType: 'a/b', body: new Uint8Array(n), immutable: true });

  test('equal requests under way at once share one call; later ones find the answer kept', async () => {
    const cache = new MediaCache(10_000);
    let calls = 0;
    const ask = async (): Promise<MediaAnswer> => {
      calls++;
      return bytes(100);
    };
    await Promise.all(Array.from({ length: 50 }, () => cache.get('k', ask)));
    await cache.get('k', ask);
    assert.equal(calls, 1);
  });

  test('what may change is shared by those who ask at once, and not kept', async () => {
    const cache = new MediaCache(10_000);
    let calls = 0;
    const ask = async (): Promise<MediaAnswer> => {
      calls++;
      return { contentType: 'a/b', body: 'list' };
    };
    await Promise.all([cache.get('k', ask), cache.get('k', ask)]);
    await cache.get('k', ask);
    assert.equal(calls, 2);
    assert.equal(cache.bytes, 0);
  });

  test('a failure is shared and not kept', async () => {
    const cache = new MediaCache(10_000);
    let calls = 0;
    const ask = async (): Promise<MediaAnswer> => {
      calls++;
      throw new Fault('timeout', 'timeout', 'late');
    };
    const both = await Promise.allSettled([cache.get('k', ask), cache.get('k', ask)]);
    assert.deepEqual(
      both.map(b => b.status),
      ['rejected', 'rejected'],
    );
    assert.equal(calls, 1);
    await assert.rejects(cache.get('k', ask));
    assert.equal(calls, 2);
  });

  test('it never holds more bytes than its limit, and drops what was longest unused', async () => {
    const cache = new MediaCache(10_000);
    const asked: string[] = [];
    const get = (key: string, size = 2000): Promise<MediaAnswer> =>
      cache.get(key, async () => {
        asked.push(key);
        return bytes(size);
      });
    for (const key of ['a', 'b', 'c', 'd', 'a', 'e', 'a', 'b']) {
      await get(key);
      assert.ok(cache.bytes <= 10_000);
    }
    assert.deepEqual(asked, ['a', 'b', 'c', 'd', 'e', 'b']);
    await get('huge', 5000);
    await get('huge', 5000);
    assert.deepEqual(asked.slice(-2), ['huge', 'huge']);
  });

  test('a small immutable source is read once and closed; one that may change belongs to each who asks', async () => {
    const cache = new MediaCache(10_000);
    const kept = source();
    for (let i = 0; i < 3; i++) {
      const got = await cache.get('k', async () => ({ contentType: 'a/b', body: kept.body, immutable: true }));
      assert.equal(Buffer.from(got.body as Uint8Array).toString(), '0123456789');
    }
    assert.deepEqual(kept.seen, { opened: ['0-10'], sourceClosed: 1, streamsClosed: 1 });
    let calls = 0;
    const ask = async (): Promise<MediaAnswer> => {
      calls++;
      return { contentType: 'a/b', body: source().body };
    };
    await Promise.all([cache.get('m', ask), cache.get('m', ask)]);
    assert.equal(calls, 2);
  });

  test('a source that ends early is a failure, not a short answer', async () => {
    const cache = new MediaCache(10_000);
    await assert.rejects(
      cache.get('k', async () => ({ contentType: 'a/b', body: source(11).body, immutable: true })),
      { kind: 'storage' },
    );
  });
});
