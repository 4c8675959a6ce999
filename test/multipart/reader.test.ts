import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fuzzRounds, fuzzSeed, mutate } from '#fake/fuzz';
import { boundaryOf, MultipartReader } from '#multipart/reader';

const latin1 = (text: string): Uint8Array => Uint8Array.from(text, c => c.charCodeAt(0));

/** Bodies, `NAME=value` of the header `x` before them if there is one, and problems in brackets. */
function read(boundary: string, pieces: Iterable<Uint8Array>, limit = 1000): string[] {
  const got: string[] = [];
  const reader = new MultipartReader(
    {
      part: (headers, body) => {
        const x = headers.get('x');
        got.push(`${x === undefined ? '' : `${x}=`}${String.fromCharCode(...body)}`);
      },
      problem: text => void got.push(`[${text}]`),
    },
    boundary,
    limit,
  );
  for (const piece of pieces) reader.push(piece);
  return got;
}

function* split(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

describe('parts', () => {
  // boundary, body, parts
  const cases: [name: string, boundary: string, body: string, expected: string[]][] = [
    [
      'as the RFC has them',
      'b',
      '--b\r\nContent-Length: 3\r\nX: 1\r\n\r\nabc\r\n--b\r\nContent-Length: 2\r\n\r\nde\r\n--b--\r\nmore',
      ['1=abc', 'de'],
    ],
    [
      'the boundary parameter has the dashes already',
      '--b',
      '--b\r\nContent-Length: 3\r\n\r\nabc\r\n--b\r\nContent-Length: 2\r\n\r\nde\r\n',
      ['abc', 'de'],
    ],
    [
      'the parameter has dashes and the body has two more',
      '--b',
      '----b\r\nContent-Length: 3\r\n\r\nabc\r\n----b\r\n',
      ['abc'],
    ],
    ['neither has dashes', 'b', 'b\r\nContent-Length: 3\r\n\r\nabc\r\nb\r\nContent-Length: 1\r\n\r\nd', ['abc', 'd']],
    [
      'lines end with LF alone',
      'b',
      '--b\nContent-Length: 3\nX:1\n\nabc\n--b\nContent-Length: 2\n\nde\n--b\n',
      ['1=abc', 'de'],
    ],
    [
      'without lengths',
      'b',
      '--b\r\nX: 1\r\n\r\nabc\r\n--b\r\n\r\nde\r\nf-\r\n--c\r\n\r\n--b\r\n',
      ['1=abc', 'de\r\nf-\r\n--c\r\n'],
    ],
    ['without lengths, LF alone', 'b', '--b\n\nabc\n--b\n\nde\n--b--\n', ['abc', 'de']],
    [
      'a part is given when its length is there, not when the next begins',
      'b',
      '--b\r\nContent-Length: 3\r\n\r\nabc',
      ['abc'],
    ],
    ['text before the first delimiter', 'b', 'hello\r\n\r\n--b\r\nContent-Length: 1\r\n\r\na', ['a']],
    [
      'no line end before the delimiter',
      'b',
      '--b\r\nContent-Length: 1\r\n\r\na--b\r\nContent-Length: 1\r\n\r\nc',
      ['a', 'c'],
    ],
    [
      'a length that is too small: the rest is passed over',
      'b',
      '--b\r\nContent-Length: 1\r\n\r\nabc\r\n--b\r\nContent-Length: 1\r\n\r\nd',
      ['a', 'd'],
    ],
    ['a length that is none', 'b', '--b\r\nContent-Length: many\r\n\r\nabc\r\n--b\r\n', ['abc']],
    [
      'a part larger than the limit',
      'b',
      `--b\r\nContent-Length: 2000\r\n\r\n${'x'.repeat(2000)}\r\n--b\r\nContent-Length: 1\r\n\r\nd`,
      ['[a part larger than the limit]', 'd'],
    ],
    [
      'a part without length and larger than the limit',
      'b',
      `--b\r\n\r\n${'x'.repeat(2000)}\r\n--b\r\nContent-Length: 1\r\n\r\nd`,
      ['[a part larger than the limit]', 'd'],
    ],
    ['headers without an end', 'b', `--b\r\n${'X: y\r\n'.repeat(3000)}`, ['[headers of a part longer than 8 KiB]']],
    ['an empty part is none', 'b', '--b\r\n\r\n\r\n--b\r\nContent-Length: 1\r\n\r\nd', ['d']],
    ['blanks behind the delimiter', 'b', '--b  \r\nContent-Length: 1\r\n\r\nd', ['d']],
  ];
  for (const [name, boundary, body, expected] of cases)
    test(name, () => {
      const bytes = latin1(body);
      for (const size of [bytes.length, 1, 2, 7])
        assert.deepEqual(read(boundary, split(bytes, size)), expected, `pieces of ${size}`);
    });
});

describe('boundaries', () => {
  const cases: [type: string, expected: string | undefined][] = [
    ['multipart/x-mixed-replace; boundary=abc', 'abc'],
    ['multipart/x-mixed-replace;boundary="a b;c"', 'a b;c'],
    ['Multipart/X-Mixed-Replace; charset=x; Boundary = --myboundary', '--myboundary'],
    ['multipart/x-mixed-replace; boundary=', undefined],
    ['multipart/x-mixed-replace; boundary=--', undefined],
    ['multipart/x-mixed-replace', undefined],
    ['image/jpeg; boundary=x', undefined],
  ];
  for (const [type, expected] of cases) test(type, () => assert.equal(boundaryOf(type), expected));
});

test('whatever the bytes are: no throw, no more out than in, however they are split', () => {
  const random = fuzzSeed('multipart');
  const valid = latin1('--b\r\nContent-Length: 3\r\n\r\nabc\r\n--b\r\n\r\nde\r\n-\r\n--b\nX: 1\n\nfg\n--b--\n');
  for (let i = 0; i < fuzzRounds(2000); i++) {
    const bytes = mutate(random, valid);
    const whole = read('b', [bytes]);
    assert.ok(whole.filter(p => !p.startsWith('[')).reduce((n, p) => n + p.length, 0) <= bytes.length + 20);
    assert.deepEqual(read('b', split(bytes, 1 + random.below(5))), whole);
  }
});
