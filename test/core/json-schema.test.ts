import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { checkConfiguration } from '#core/check';
import { documentSchema } from '#core/json-schema';
import { toyTypes } from '#fake/types';

const schema = documentSchema(toyTypes);
const validate = new Ajv2020({ strictSchema: true, strictTypes: false }).compile(schema);

const cam = { type: 'rtsp', name: 'cam1', host: 'a' };

describe('an editor', () => {
  const good: [name: string, document: unknown][] = [
    ['takes an empty document', {}],
    ['takes what has a default as missing', { objects: [cam] }],
    [
      'takes comments everywhere',
      {
        'rem x': 1,
        objects: [
          { ...cam, comment: 1 },
          {
            type: 'storage',
            name: 's',
            folder: 'f',
            limits: { 'rem max_size_gb': 1 },
            tracks: { rem: 'x', cam1: { limits: { comment: 1 } } },
          },
        ],
      },
    ],
    ['takes aliases', { objects: [{ type: 'storage.local', name: 's', folder: 'f' }] }],
    [
      'takes variables for values of any type',
      {
        objects: [
          { ...cam, name: '$(env.N)', port: '$(env@json.P)', transport: '$(var@json.T)', auth: ['$(file.u)', null] },
        ],
      },
    ],
    ['takes free data and meta as they are', { objects: [{ ...cam, init: [{ a: [] }], meta: { x: 1 } }] }],
    ['takes every form of links', { links: [['a', 'b'], [['a', 'b'], []], ['a'], []] }],
  ];
  for (const [name, document] of good) test(name, () => assert.ok(validate(document), JSON.stringify(validate.errors)));

  const bad: [name: string, document: unknown][] = [
    ['flags an unknown property', { objects: [{ ...cam, transpor: [] }] }],
    [
      'flags an unknown property deep inside',
      { objects: [{ type: 'storage', name: 's', folder: 'f', limits: { max: 1 } }] },
    ],
    ['flags a property of another type', { objects: [{ ...cam, folder: 'f' }] }],
    ['flags a missing property', { objects: [{ type: 'storage', name: 's' }] }],
    ['flags a value of the wrong type', { objects: [{ ...cam, port: '8080' }] }],
    ['flags a value out of range', { objects: [{ ...cam, port: 70000 }] }],
    ['flags an unknown type', { objects: [{ type: 'nothing', name: 'x' }] }],
    ['flags a malformed name', { objects: [{ ...cam, name: 'a b' }] }],
    ['flags a malformed link', { links: [['a', { b: 1 }]] }],
    ['flags a tuple that is too long', { objects: [{ ...cam, auth: ['a', 'b', 'c'] }] }],
    ['flags a misspelt member', { object: [] }],
  ];
  for (const [name, document] of bad) test(name, () => assert.ok(!validate(document)));

  test('flags no document that is checked without a problem', () => {
    const objects = [
      cam,
      {
        type: 'authnz',
        name: 'a',
        roles: [
          ['x', 'y'],
          [['x'], 'y'],
        ],
        accounts: [{ type: 'apikey', key: 'k', secret: 's' }],
      },
    ];
    const documents = [{ name: 'c', text: JSON.stringify({ objects }) }];
    assert.deepEqual(checkConfiguration({ documents, types: toyTypes }).problems, []);
    assert.ok(validate({ objects }), JSON.stringify(validate.errors));
  });
});

test('secrets are write-only, own keywords are gone, units and live fields are in words', () => {
  const text = JSON.stringify(schema);
  assert.match(text, /"writeOnly":true/);
  assert.match(text, /In MB\. Changed in place/);
  assert.doesNotMatch(text, /"(live|secret|unit|additionalItems)":(true|false|"MB")/);
});
