import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fuzzRounds, fuzzSeed, mutate } from '#fake/fuzz';
import { bodyText, cseqOf, sessionOf, writeRequest, writeResponse } from '#rtsp/message';
import { RtspParser, type RtspTaker } from '#rtsp/parser';

/** What came out, as lines to read. */
class Lines implements RtspTaker {
  readonly lines: string[] = [];
  skippedBytes = 0;
  request(r: Parameters<RtspTaker['request']>[0]): void {
    this.lines.push(`${r.method} ${r.uri} ${r.headers.map(h => h.join('=')).join(',')} ${bodyText(r)}`.trim());
  }
  response(r: Parameters<RtspTaker['response']>[0]): void {
    this.lines.push(`${r.status} ${r.reason} ${r.headers.map(h => h.join('=')).join(',')} ${bodyText(r)}`.trim());
  }
  interleaved(channel: number, bytes: Uint8Array, begin: number, end: number): void {
    this.lines.push(`$${channel} ${Buffer.from(bytes.subarray(begin, end)).toString('latin1')}`);
  }
  skipped(bytes: number): void {
    this.skippedBytes += bytes;
  }
  broken(reason: string): void {
    this.lines.push(`broken: ${reason}`);
  }
}

const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));
/** An interleaved packet whose payload is `\x80` (RTP version 2) and the text. */
const packet = (channel: number, text: string): string =>
  `$${String.fromCharCode(channel, (text.length + 1) >> 8, (text.length + 1) & 255)}\x80${text}`;
const got = (
  pieces: Uint8Array[],
  channels: number[] = [],
  limits?: { headBytes: number; bodyBytes: number },
): Lines => {
  const lines = new Lines();
  const parser = limits ? new RtspParser(lines, limits) : new RtspParser(lines);
  for (const c of channels) parser.expectChannel(c);
  for (const p of pieces) parser.push(p);
  return lines;
};

describe('RtspParser', () => {
  const ok = 'RTSP/1.0 200 OK\r\nCSeq: 3\r\n\r\n';
  const cases: [name: string, into: string, out: string[]][] = [
    ['a response without a body', ok, ['200 OK CSeq=3']],
    ['a request', 'OPTIONS rtsp://a/b RTSP/1.0\r\nCSeq: 1\r\n\r\n', ['OPTIONS rtsp://a/b CSeq=1']],
    [
      'a body of Content-Length bytes, then the next message',
      `RTSP/1.0 200 OK\r\nContent-length: 4\r\n\r\nv=0\n${ok}`,
      ['200 OK Content-length=4 v=0', '200 OK CSeq=3'],
    ],
    ['lines that end with LF alone', 'RTSP/1.0 200 OK\nCSeq: 3\n\n', ['200 OK CSeq=3']],
    ['a folded header', 'RTSP/1.0 200 OK\r\nPublic: PLAY,\r\n  PAUSE\r\n\r\n', ['200 OK Public=PLAY, PAUSE']],
    ['no reason, no CSeq', 'RTSP/1.0 454\r\n\r\n', ['454']],
    [
      'a header line without a colon is passed over',
      'RTSP/1.0 200 OK\r\nodd line\r\nCSeq: 3\r\n\r\n',
      ['200 OK CSeq=3'],
    ],
    ['an HTTP answer on the RTSP port', 'HTTP/1.1 400 Bad Request\r\n\r\n', ['400 Bad Request']],
    [
      'packets between messages',
      `${packet(0, 'one')}${ok}${packet(1, 'two')}`,
      ['$0 \x80one', '200 OK CSeq=3', '$1 \x80two'],
    ],
    ['an empty packet', `$\0\0\0${packet(0, 'x')}`, ['$0 ', '$0 \x80x']],
    ['stray line ends between messages', `\r\n\r\n${ok}\r\n${ok}`, ['200 OK CSeq=3', '200 OK CSeq=3']],
    ['debris before a packet', `\x01\x02x${packet(0, 'one')}`, ['$0 \x80one']],
    ['debris that begins like text', `ABC\x01RTSP\x02${packet(0, 'one')}`, ['$0 \x80one']],
    ['debris right before a response', `xyzRTSP/1.0 200 OK\r\nCSeq: 3\r\n\r\n`, ['200 OK CSeq=3']],
    ['debris with a dollar that is no packet', `\x01$\x77\xff\xff\x01${packet(0, 'one')}`, ['$0 \x80one']],
    ['letters right before a request', `XX yOPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n`, ['OPTIONS * CSeq=1']],
    ['a line of text before a response', `hello THERE\n${ok}`, ['200 OK CSeq=3']],
    [
      'debris with a dollar in sync',
      `${packet(0, 'one')}$\x02\xf0\x00\x01${packet(0, 'two')}`,
      ['$0 \x80one', '$0 \x80two'],
    ],
  ];
  for (const [name, into, out] of cases) {
    test(`${name}: whole`, () => assert.deepEqual(got([bytesOf(into)], [0, 1]).lines, out));
    test(`${name}: byte by byte`, () =>
      assert.deepEqual(
        got(
          [...bytesOf(into)].map(b => Uint8Array.of(b)),
          [0, 1],
        ).lines,
        out,
      ));
    test(`${name}: cut at any place`, () => {
      for (let cut = 0; cut <= into.length; cut++)
        assert.deepEqual(
          got([bytesOf(into.slice(0, cut)), bytesOf(into.slice(cut))], [0, 1]).lines,
          out,
          `cut at ${cut}`,
        );
    });
  }

  test('what is longer than allowed breaks the connection, with numbers', () => {
    const limits = { headBytes: 100, bodyBytes: 10 };
    const long = `RTSP/1.0 200 OK\r\nX: ${'x'.repeat(200)}`;
    assert.deepEqual(got([bytesOf(long)], [], limits).lines, [
      'broken: expected an RTSP head of at most 100 bytes, got 220',
    ]);
    const body = 'RTSP/1.0 200 OK\r\nContent-Length: 11\r\n\r\n';
    assert.deepEqual(got([bytesOf(body), bytesOf(ok)], [], limits).lines, [
      'broken: expected an RTSP body of at most 10 bytes, got 11',
    ]);
  });

  test('debris of random bytes between packets costs no packet', () => {
    const random = fuzzSeed('debris');
    const pieces: string[] = [];
    const wanted: string[] = [];
    for (let i = 0; i < 300; i++) {
      // A dollar in debris can be mistaken with some probability by any reader: none here.
      const debris = [...random.bytes(1 + random.below(60))].map(b => (b === 0x24 ? 0 : b));
      pieces.push(String.fromCharCode(...debris) + packet(0, `${i}`));
      wanted.push(`$0 \x80${i}`);
    }
    assert.deepEqual(got([bytesOf(pieces.join(''))], [0, 1]).lines, wanted);
  });

  test('any bytes in any pieces: no throw, bounded, and a good message after a good one is found', () => {
    const random = fuzzSeed('RtspParser');
    const valid = bytesOf(`${ok}${packet(0, 'some packet of bytes')}RTSP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello`);
    for (let round = 0; round < fuzzRounds(3000); round++) {
      const lines = new Lines();
      const parser = new RtspParser(lines, { headBytes: 512, bodyBytes: 512 });
      const bytes = mutate(random, valid);
      for (let at = 0; at < bytes.length; ) {
        const next = at + 1 + random.below(40);
        parser.push(bytes.subarray(at, next));
        at = next;
      }
      assert.ok(lines.lines.length <= bytes.length);
    }
  });

  // Each of these once cost 2000 looks at a byte: one such camera stopped all the others.
  const floods: [name: string, line: string][] = [
    ['letters without an end', 'A'],
    ['lines of letters', `${'A'.repeat(2000)}\n`],
    ['letters and dollars', '$A'],
    ['lines that nearly begin a message', `${'RTSP/1.0 20 '.repeat(150)}\n`],
    ['status lines that run on', `${'RTSP/1.0 2000'.repeat(150)}\n`],
    ['methods without a URL', `${'PLAY '.repeat(400)}\n`],
  ];
  for (const [name, line] of floods)
    test(`two megabytes of ${name} are given up in little time`, () => {
      const text = bytesOf(line.repeat(Math.ceil((2 << 20) / line.length)));
      const began = process.cpuUsage().user;
      const lines = new Lines();
      const parser = new RtspParser(lines);
      parser.expectChannel(0);
      for (let at = 0; at < text.length; at += 65536) parser.push(text.subarray(at, at + 65536));
      assert.match(lines.lines.at(-1) ?? '', /^broken: expected/);
      assert.ok(process.cpuUsage().user - began < 400_000, `${process.cpuUsage().user - began} us`);
    });
});

describe('message', () => {
  test('what is written is read back', () => {
    const request = writeRequest(
      'SETUP',
      'rtsp://a/b',
      [
        ['CSeq', '2'],
        ['X', 'a\r\nEvil: 1'],
      ],
      'grüß',
    );
    const response = writeResponse(461, [['CSeq', '2']]);
    assert.deepEqual(got([Buffer.from(request + response)]).lines, [
      'SETUP rtsp://a/b CSeq=2,X=a Evil: 1,Content-Length=6 grüß',
      '461 Unsupported Transport CSeq=2',
    ]);
  });
  const sessions: [text: string, out: ReturnType<typeof sessionOf>][] = [
    ['12345678', { id: '12345678', timeoutSeconds: undefined }],
    ['A1b;timeout=60', { id: 'A1b', timeoutSeconds: 60 }],
    ['A1b ; Timeout="30"', { id: 'A1b', timeoutSeconds: 30 }],
    ['A1b;timeout=0', { id: 'A1b', timeoutSeconds: undefined }],
    ['', undefined],
  ];
  for (const [text, out] of sessions)
    test(`Session: ${text}`, () =>
      assert.deepEqual(
        sessionOf({ kind: 'response', status: 200, reason: '', headers: [['session', text]], body: new Uint8Array() }),
        out,
      ));
  test('a CSeq that is no number counts as missing', () => {
    const m = { kind: 'response' as const, status: 200, reason: '', body: new Uint8Array() };
    assert.deepEqual(
      [cseqOf({ ...m, headers: [['CSEQ', '7']] }), cseqOf({ ...m, headers: [['CSeq', 'x']] })],
      [7, undefined],
    );
  });
});
