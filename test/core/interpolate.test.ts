import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { filesIn, interpolate } from '#core/interpolate';
import { SeededRandom } from '#fake/world';

const sources = {
  env: {
    HOST: 'cam.example',
    PORT: '8080',
    LIST: '["a",{"b":1}]',
    WORD: '"x"',
    BROKEN: '{',
    NESTED: '$(env.HOST)',
    EMPTY: '',
  },
  variables: { site: 'north', port: 554, auth: ['admin', 'pw'], none: null, off: false, deep: { $: '$(env.HOST)' } },
  files: new Map([
    ['etc/pass', 'pw\n'],
    ['two', 'a\r\nb\r\n'],
    ['bare', 'x'],
    ['/abs path', '1'],
  ]),
};

describe('forms', () => {
  const rows: [text: string, becomes: unknown][] = [
    ['$(env.HOST)', 'cam.example'],
    ['rtsp://$(env.HOST):$(env.PORT)/', 'rtsp://cam.example:8080/'],
    ['$(env.PORT)', '8080'],
    ['$(env.EMPTY)', ''],
    ['$(env@json.PORT)', 8080],
    ['p$(env@json.PORT)', 'p8080'],
    ['$(env@json.LIST)', ['a', { b: 1 }]],
    ['l=$(env@json.LIST)', 'l=["a",{"b":1}]'],
    ['$(env@json.WORD)', 'x'],
    ['w$(env@json.WORD)', 'w"x"'],
    ['$(var.site)', 'north'],
    ['$(var.port)', '554'],
    ['$(var.auth)', '["admin","pw"]'],
    ['$(var@json.port)', 554],
    ['$(var@json.site)', 'north'],
    ['s$(var@json.site)', 's"north"'],
    ['$(var@json.none)', null],
    ['$(var@json.off)', false],
    ['$(file.etc/pass)', 'pw'],
    ['$(file.two)', 'a\r\nb'],
    ['$(file.bare)$(file./abs path)', 'x1'],
    ['$$(env.HOST)', '$(env.HOST)'],
    ['$$(', '$('],
    ['$$$(env.HOST)', '$$(env.HOST)'],
    ['$(env.NESTED)', '$(env.HOST)'],
    ['$(var@json.deep)', { $: '$(env.HOST)' }],
    ['$(other.X) $(ENV.HOST) $(env) ${x} $( env.HOST)', '$(other.X) $(ENV.HOST) $(env) ${x} $( env.HOST)'],
    ['$(env.HOST', '$(env.HOST'],
  ];
  for (const [text, becomes] of rows)
    test(text, () => assert.deepEqual(interpolate(text, sources), { value: becomes, faults: [] }));
});

describe('faults stand at the place of use, and the text stays', () => {
  const rows: [text: string, code: string, reason: string][] = [
    ['$(env.NO)', 'no-variable', 'environment variable "NO" is not set'],
    ['$(env@json.NO)', 'no-variable', 'environment variable "NO" is not set'],
    ['$(env.toString)', 'no-variable', 'environment variable "toString" is not set'],
    ['$(var.no)', 'no-variable', 'no variables file has "no"'],
    ['$(var@json.__proto__)', 'no-variable', 'no variables file has "__proto__"'],
    ['$(file.no)', 'no-file', 'file "no" cannot be read'],
    ['$(env@json.BROKEN)', 'bad-json', 'environment variable "BROKEN" is not JSON: it is used as env@json'],
    ['$(env.)', 'no-variable', 'environment variable "" is not set'],
  ];
  for (const [text, code, reason] of rows)
    test(text, () => {
      const { value, faults } = interpolate({ a: [1, text] }, sources);
      assert.deepEqual(faults, [{ path: ['a', 1], code, reason }]);
      assert.deepEqual(value, { a: [1, text] });
    });
});

test('every string at any depth is interpolated, and no property name', () => {
  const given = { '$(env.HOST)': [{ meta: '$(var.site)' }, 1, null] };
  assert.deepEqual(interpolate(given, sources).value, { '$(env.HOST)': [{ meta: 'north' }, 1, null] });
});

test('what is substituted is a copy of the variable', () => {
  const { value } = interpolate(['$(var@json.auth)'], sources);
  assert.deepEqual(value, [sources.variables.auth]);
  assert.notEqual((value as unknown[])[0], sources.variables.auth);
});

test('files are listed before they are read', () => {
  assert.deepEqual(
    [...filesIn({ a: ['$(file.etc/pass)$(file.two)', '$$(file.three)'], '$(file.four)': '$(file.two)' })],
    ['etc/pass', 'two'],
  );
});

test('a small text cannot grow without limit', () => {
  const files = new Map([['big', 'x'.repeat(1_000_000)]]);
  const { faults } = interpolate(
    Array.from({ length: 70 }, () => '$(file.big)'),
    { ...sources, files },
  );
  assert.deepEqual(
    faults.map(f => [f.path[0], f.code]),
    [67, 68, 69].map(index => [index, 'too-large']),
  );
});

test('any text is interpolated without a throw, and what has no form stays as it is', () => {
  const seed = Date.now() % 1_000_000;
  const random = new SeededRandom(seed);
  const pieces = [
    '$',
    '(',
    ')',
    '$(',
    '$$(',
    'env',
    'var',
    'file',
    '@json',
    '.',
    'HOST',
    'PORT',
    'LIST',
    'auth',
    'two',
    '\n',
    '"',
  ];
  for (let round = 0; round < 20_000; round++) {
    const text = Array.from({ length: random.below(10) }, () => pieces[random.below(pieces.length)]).join('');
    const { value, faults } = interpolate(text, sources);
    if (!text.includes('$(')) assert.equal(value, text, `seed ${seed}`);
    assert.ok(faults.length <= text.length / 6, `seed ${seed}: ${text}`);
    assert.ok(JSON.stringify(value).length < 1000, `seed ${seed}: ${text}`);
  }
});
