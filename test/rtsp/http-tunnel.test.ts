import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fuzzRounds, fuzzSeed, mutate } from '#fake/fuzz';
import {
  cookieOf,
  type HttpHead,
  HttpHeadParser,
  TunnelDecoder,
  tunnelAnswer,
  tunnelled,
  tunnelRequest,
} from '#rtsp/http-tunnel';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const text = (b: Uint8Array | undefined): string | undefined => b && Buffer.from(b).toString('latin1');
const headOf = (said: string, pieceBytes = said.length): HttpHead | 'broken' | undefined => {
  const parser = new HttpHeadParser();
  for (let at = 0; at < said.length; at += pieceBytes) {
    const head = parser.push(bytes(said.slice(at, at + pieceBytes)));
    if (head !== undefined) return head;
  }
  return undefined;
};

describe('RTSP through HTTP', () => {
  test('GET and POST name the same cookie, POST what it carries, and neither is RTSP', () => {
    const options = { host: 'cam:80', cookie: 'abc', userAgent: 'Ocellus' };
    const get = headOf(tunnelRequest('GET', '/live?a=1', options)) as HttpHead;
    assert.deepEqual([get.words, cookieOf(get)], [['GET', '/live?a=1', 'HTTP/1.0'], 'abc']);
    const post = headOf(tunnelRequest('POST', '/live', { ...options, authorization: 'Basic eA==' })) as HttpHead;
    assert.equal(cookieOf(post), 'abc');
    for (const h of [
      ['Content-Type', 'application/x-rtsp-tunnelled'],
      ['Content-Length', '32767'],
      ['Authorization', 'Basic eA=='],
    ])
      assert.ok(
        post.headers.some(([n, v]) => n === h[0] && v === h[1]),
        h.join(': '),
      );
  });

  test('the answer is read in pieces of any size, and what comes behind it is left', () => {
    const said = `${tunnelAnswer('x')}RTSP/1.0 200 OK`;
    for (const piece of [1, 2, 7, 1000]) {
      const head = headOf(said, piece) as HttpHead;
      assert.deepEqual(head.words, ['HTTP/1.0', '200', 'OK']);
      assert.ok('RTSP/1.0 200 OK'.startsWith(text(head.rest)!));
    }
    assert.equal(text((headOf(said) as HttpHead).rest), 'RTSP/1.0 200 OK');
  });

  const odd: [name: string, said: string, out: 'broken' | string][] = [
    ['line feeds alone', 'HTTP/1.1 401 No\nA: b\n\nrest', 'HTTP/1.1 401 No'],
    ['no reason', 'HTTP/1.1 200\r\n\r\n', 'HTTP/1.1 200 '],
    ['an RTSP server that knows no HTTP', 'RTSP/1.0 400 Bad Request\r\nCSeq: 0\r\n\r\n', 'broken'],
    ['binary', '\u0001\u0002\u0003', 'broken'],
    ['a head without end', `HTTP/1.0 200 OK\r\nA: ${'x'.repeat(20_000)}`, 'broken'],
  ];
  for (const [name, said, out] of odd)
    test(name, () => {
      const head = headOf(said);
      assert.equal(typeof head === 'object' ? head.words.join(' ') : head, out);
    });

  test('messages of any length come back, in pieces of any size', () => {
    const random = fuzzSeed('tunnel');
    for (let round = 0; round < fuzzRounds(100); round++) {
      const messages = Array.from({ length: 1 + random.below(5) }, () => random.bytes(random.below(60)));
      const body = messages.map(m => tunnelled(m)).join(random.below(2) > 0 ? '\r\n' : '');
      const decoder = new TunnelDecoder();
      const got: number[] = [];
      for (let at = 0; at < body.length; ) {
        const next = at + 1 + random.below(50);
        got.push(...decoder.push(bytes(body.slice(at, next)))!);
        at = next;
      }
      assert.deepEqual(
        got,
        messages.flatMap(m => [...m]),
      );
    }
    assert.equal(
      text(new TunnelDecoder().push(bytes(tunnelled('OPTIONS * RTSP/1.0\r\n\r\n')))),
      'OPTIONS * RTSP/1.0\r\n\r\n',
    );
  });

  test('what is no Base64 is told', () => {
    for (const body of ['====', 'ab!d', 'a=bc']) assert.equal(new TunnelDecoder().push(bytes(body)), undefined, body);
  });

  test('any bytes: no throw, nothing grows', () => {
    const random = fuzzSeed('HttpHeadParser');
    const whole = bytes(tunnelRequest('POST', '/x', { host: 'h', cookie: 'c', userAgent: 'u' }));
    for (let round = 0; round < fuzzRounds(2000); round++) {
      const noise = mutate(random, whole);
      const parser = new HttpHeadParser();
      parser.push(noise.subarray(0, 10));
      parser.push(noise.subarray(10));
      new TunnelDecoder().push(noise);
    }
  });
});
