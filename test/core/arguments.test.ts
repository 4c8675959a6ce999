import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkArguments, coerced, namedArguments } from '#core/arguments';
import type { FunctionDecl } from '#core/interface';
import { Interval, Nullable, Time, type TObject, type TSchema, Type } from '#core/schema';

const decl = (params: TObject): FunctionDecl => ({ doc: '', right: 'read', params, result: Type.Unknown() });

describe('checkArguments', () => {
  const f = decl(
    Type.Object({
      track: Type.String(),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 10 })),
      when: Type.Optional(Time),
      interval: Type.Optional(Nullable(Interval)),
      form: Type.Optional(Type.Union([Type.Literal('ts'), Type.Literal('fmp4')])),
      options: Type.Optional(Type.Object({ deep: Type.Boolean(), n: Type.Integer({ default: 4 }) })),
      password: Type.Optional(Type.String({ secret: true, maxLength: 3 })),
    }),
  );
  const good: [name: string, given: Record<string, unknown>, checked: Record<string, unknown>][] = [
    ['a default is filled in', { track: 'a' }, { track: 'a', limit: 10 }],
    ['undefined is as if missing', { track: 'a', limit: undefined }, { track: 'a', limit: 10 }],
    [
      'a default inside an object',
      { track: 'a', limit: 1, options: { deep: true } },
      { track: 'a', limit: 1, options: { deep: true, n: 4 } },
    ],
    ['an interval may be null', { track: 'a', limit: 1, interval: null }, { track: 'a', limit: 1, interval: null }],
    ['milliseconds are a time', { track: 'a', limit: 1, when: '1000' }, { track: 'a', limit: 1, when: '1000' }],
  ];
  for (const [name, given, checked] of good) test(name, () => assert.deepEqual(checkArguments('f', f, given), checked));

  test("the caller's objects are not written to", () => {
    const options = Object.freeze({ deep: true });
    checkArguments('f', f, { track: 'a', options });
    assert.deepEqual(options, { deep: true });
  });

  const bad: [name: string, given: Record<string, unknown>, sentence: string][] = [
    ['missing', {}, 'f: parameter track: expected a text, got nothing'],
    ['ill-typed', { track: 7 }, 'f: parameter track: expected a text, got 7'],
    [
      'JSON is not coerced',
      { track: 'a', limit: '5' },
      'f: parameter limit: expected an integer from 1 to 100, got "5"',
    ],
    ['out of range', { track: 'a', limit: 0 }, 'f: parameter limit: expected an integer from 1 to 100, got 0'],
    ['one of a list', { track: 'a', form: 'avi' }, 'f: parameter form: expected "ts" or "fmp4", got "avi"'],
    [
      'no time',
      { track: 'a', when: 'now' },
      'f: parameter when: expected a time (ISO 8601 with Z or an offset, or milliseconds since the epoch), got "now"',
    ],
    [
      'inside an object',
      { track: 'a', options: { deep: 1 } },
      'f: parameter options/deep: expected true or false, got 1',
    ],
    [
      'missing inside an object',
      { track: 'a', options: {} },
      'f: parameter options/deep: expected a value, got nothing',
    ],
    [
      'no such parameter',
      { track: 'a', trakc: 'b' },
      'f: has no parameter "trakc"; it has track, limit, when, interval, form, options, password',
    ],
    [
      '__proto__ is no parameter',
      JSON.parse('{"track":"a","__proto__":{}}'),
      'f: has no parameter "__proto__"; it has track, limit, when, interval, form, options, password',
    ],
    [
      'a secret is not repeated',
      { track: 'a', password: 'hunter2' },
      'f: parameter password: expected a text of at most 3, got another value',
    ],
    [
      'an interval that ends before it begins',
      { track: 'a', interval: ['2000', '1000'] },
      'end: expected a time after begin (1970-01-01T00:00:02.000Z), got 1970-01-01T00:00:01.000Z',
    ],
  ];
  for (const [name, given, sentence] of bad)
    test(name, () =>
      assert.throws(() => checkArguments('f', f, given), { name: 'Fault', code: 'bad-argument', message: sentence }),
    );
});

describe('namedArguments', () => {
  const f = decl(Type.Object({ a: Type.String(), b: Type.Optional(Type.String()) }));
  test('positions follow the declaration', () =>
    assert.deepEqual(namedArguments('f', f, ['x', 'y']), { a: 'x', b: 'y' }));
  test('nothing is no arguments', () => assert.deepEqual(namedArguments('f', f, undefined), {}));
  for (const [name, given] of [
    ['too many', [1, 2, 3]],
    ['a text', 'x'],
    ['null', null],
    ['true', true],
  ] as const)
    test(`${name} is refused`, () => assert.throws(() => namedArguments('f', f, given), { code: 'bad-argument' }));
});

describe('coerced', () => {
  const cases: [name: string, schema: TSchema, text: string, value: unknown][] = [
    ['integer', Type.Integer(), '-12', -12],
    ['a number where an integer is wanted stays text', Type.Integer(), '1.5', '1.5'],
    ['a huge integer stays text', Type.Integer(), '9'.repeat(40), '9'.repeat(40)],
    ['number', Type.Number(), '1.5e1', 15],
    ['Infinity is no number', Type.Number(), 'Infinity', 'Infinity'],
    ['an empty text is no number', Type.Number(), '', ''],
    ['true', Type.Boolean(), 'true', true],
    ['1 is true', Type.Boolean(), '1', true],
    ['0 is false', Type.Boolean(), '0', false],
    ['yes is no boolean', Type.Boolean(), 'yes', 'yes'],
    ['a text of digits stays a text', Type.String(), '5', '5'],
    ['the first branch that takes it', Type.Union([Type.Integer(), Type.String()]), '5', 5],
    ['the next branch', Type.Union([Type.Integer(), Type.String()]), 'x', 'x'],
    ['a literal number', Type.Union([Type.Literal(1), Type.Literal(2)]), '2', 2],
    ['null of a nullable', Nullable(Type.Integer()), 'null', null],
    ['a comma list', Type.Array(Type.Integer()), '1,2', [1, 2]],
    ['an offset whose plus became a space', Time, '2026-01-01T00:00:00 03:00', '2026-01-01T00:00:00+03:00'],
  ];
  for (const [name, schema, text, value] of cases) test(name, () => assert.deepEqual(coerced(schema, text), value));
});
