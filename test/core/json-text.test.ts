import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseJson } from '#core/json-text';
import { SeededRandom } from '#fake/world';

describe('syntax', () => {
  // What JSON.parse takes, we take, with the same value; what it refuses, we refuse.
  const good = [
    '0',
    ' [ ] ',
    '\t{"a" :\r\n[1 , -0.5e+3,"x",null,true,false,{}]}\n',
    '"\\u00e9\\ud83d\\ude00 \\" \\\\ \\/ \\b\\f\\n\\r\\t"',
    '{"":{"":[]}}',
    '12345678901234567890',
    '"\u2028\ud800"',
  ];
  for (const text of good)
    test(`takes ${JSON.stringify(text)}`, () => {
      const { value, fault } = parseJson(text);
      assert.equal(fault, undefined);
      assert.deepEqual(value, JSON.parse(text));
    });

  const bad: [text: string, place: string, reason: string][] = [
    ['', '1:1', 'expected a value, got the end of the text'],
    ['[1,]', '1:4', 'a comma before "]"'],
    ['{"a":1,}', '1:8', 'a comma before "}"'],
    ['[1 2]', '1:4', 'expected "," or "]", got "2"'],
    ['{"a" 1}', '1:6', 'expected ":", got "1"'],
    ['{a:1}', '1:2', 'expected a property name in double quotes, got "a"'],
    ['[01]', '1:2', 'malformed number'],
    ['[1.]', '1:2', 'malformed number'],
    ['[+1]', '1:2', 'expected a value, got "+"'],
    ['[1e999]', '1:2', 'number is too large'],
    ['[nul]', '1:2', 'expected a value, got "n"'],
    ['[truer]', '1:2', 'expected a value, got "t"'],
    ['"a', '1:1', 'text without its closing quote'],
    ['"a\nb"', '1:3', 'a line break or control character inside a text'],
    ['"\\x"', '1:2', 'unknown escape in a text'],
    ['"\\u12g4"', '1:2', 'unknown escape in a text'],
    ['{} {}', '1:4', 'expected the end of the text, got "{"'],
    ['// no\n{}', '1:1', 'expected a value, got "/"'],
    ['[\r\n\r\n  x]', '3:3', 'expected a value, got "x"'],
    ['[\r\r x]', '3:2', 'expected a value, got "x"'],
    [`${'['.repeat(101)}${']'.repeat(101)}`, '1:101', 'nested deeper than 100 levels'],
    [`{"${'n'.repeat(1001)}":1}`, '1:2', 'property name of 1001 characters, at most 1000 are allowed'],
  ];
  for (const [text, place, reason] of bad)
    test(`refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
      const { value, fault } = parseJson(text);
      assert.equal(value, undefined);
      assert.deepEqual([`${fault?.position.line}:${fault?.position.column}`, fault?.reason], [place, reason]);
    });
});

test('an initial byte order mark is skipped and is no column', () => {
  assert.deepEqual(parseJson('\ufeff[1]').valuePosition([0]), { line: 1, column: 2 });
});

test('a fault says which value was being read', () => {
  assert.deepEqual(parseJson('{"objects":[{},{"url":?').fault?.path, ['objects', 1, 'url']);
});

describe('places', () => {
  const text = parseJson('{\n  "objects": [\n    {"a": 1}, [2, {"b/~": "x"}]\n  ]\n}');
  const rows: [path: (string | number)[], value: string, name: string][] = [
    [[], '1:1', '1:1'],
    [['objects'], '2:14', '2:3'],
    [['objects', 0], '3:5', '3:5'],
    [['objects', 0, 'a'], '3:11', '3:6'],
    [['objects', 1, 0], '3:16', '3:16'],
    [['objects', 1, 1, 'b/~'], '3:27', '3:20'],
    [['objects', '1', '1', 'b/~'], '3:27', '3:20'],
    [['objects', 0, 'missing', 'deeper'], '3:5', '3:5'],
    [['toString'], '1:1', '1:1'],
  ];
  for (const [path, value, name] of rows)
    test(`of ${JSON.stringify(path)}`, () => {
      const [v, n] = [text.valuePosition(path), text.namePosition(path)];
      assert.deepEqual([`${v.line}:${v.column}`, `${n.line}:${n.column}`], [value, name]);
    });
});

test('of a property given twice the last value counts and the second place is told', () => {
  const { value, duplicates } = parseJson('{"a":1,\n"b":{"c":1,"c":2,"c":3}}');
  assert.deepEqual(value, { a: 1, b: { c: 3 } });
  assert.deepEqual(
    duplicates.map(d => [d.path.join('/'), d.position.line, d.position.column]),
    [
      ['b/c', 2, 12],
      ['b/c', 2, 18],
    ],
  );
});

test('__proto__ is a property like any other', () => {
  const { value } = parseJson('{"__proto__":{"polluted":true},"constructor":1}');
  assert.deepEqual(Object.keys(value as object), ['__proto__', 'constructor']);
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
  assert.equal((value as { polluted?: boolean }).polluted, undefined);
});

test('numbers keep the digits that they are written with', () => {
  const text = parseJson('{"auth":["admin", 12345678901234567890],"n":1.50}');
  assert.equal(text.numberText(['auth', 1]), '12345678901234567890');
  assert.equal(text.numberText(['n']), '1.50');
  assert.equal(text.numberText(['auth', 0]), undefined);
  assert.equal(text.numberText(['nothing']), undefined);
});

/** Pieces of JSON in any order: most are broken, all are near enough to reach every branch. */
const pieces = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '"a"',
  '"\\u00e9"',
  '\\',
  '1',
  '-2.5e-3',
  '0',
  'true',
  'null',
  ' ',
  '\n',
  '\r',
  '\ufeff',
  '__proto__',
  '"__proto__":',
  '\u0000',
  '\ud800',
  'é',
  '\t',
];

test('any text is taken or refused as JSON.parse does, and never throws', () => {
  const seed = Date.now() % 1_000_000;
  const random = new SeededRandom(seed);
  for (let round = 0; round < 20_000; round++) {
    const length = random.below(14);
    const text = Array.from({ length }, () =>
      random.below(8) === 0 ? String.fromCharCode(random.below(65536)) : pieces[random.below(pieces.length)],
    ).join('');
    const { value, fault, duplicates } = parseJson(text);
    let expected: unknown;
    let refused = false;
    try {
      expected = JSON.parse(text.replace(/^\ufeff/, ''));
    } catch {
      refused = true;
    }
    assert.equal(fault !== undefined, refused, `seed ${seed}: ${JSON.stringify(text)}`);
    if (!refused) assert.deepEqual(value, expected, `seed ${seed}: ${JSON.stringify(text)}`);
    if (fault) assert.ok(fault.position.line >= 1 && fault.position.column >= 1 && fault.reason.length < 200);
    for (const { path } of duplicates) assert.ok(path.length > 0);
  }
});
