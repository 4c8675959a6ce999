import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Nullable, Type } from '#core/schema';
import { credentialsIn, maskSecrets, withoutCredentials } from '#core/secret';
import { authnz, rtsp } from '#fake/types';

const keep = { $secret: 'keep' };

describe('secrets are masked', () => {
  const rows: [name: string, schema: Parameters<typeof maskSecrets>[0], value: unknown, masked: unknown][] = [
    [
      'the second item of auth',
      rtsp.config,
      { host: 'h', auth: ['admin', 'pw'] },
      { host: 'h', auth: ['admin', keep] },
    ],
    ['and not what is absent', rtsp.config, { auth: [null, null] }, { auth: [null, null] }],
    [
      'in the alternative of a union that is meant',
      authnz.config,
      { secret: 's', accounts: [{ type: 'apikey', key: 'ci', secret: 's' }] },
      { secret: keep, accounts: [{ type: 'apikey', key: 'ci', secret: keep }] },
    ],
    [
      'a whole object that is secret',
      Type.Object({ tls: Type.Object({}, { secret: true }) }),
      { tls: { a: 1 } },
      { tls: keep },
    ],
    [
      'a number that is secret',
      Type.Object({ pin: Nullable(Type.Integer({ secret: true })) }),
      { pin: 1 },
      { pin: keep },
    ],
    ['an empty text that is secret', Type.Object({ pin: Type.String({ secret: true }) }), { pin: '' }, { pin: keep }],
    [
      'by name where the declaration forgot',
      Type.Object({ connect: Type.Object({ user: Type.String(), password: Type.String() }) }),
      { connect: { user: 'u', password: 'p' } },
      { connect: { user: 'u', password: keep } },
    ],
    [
      'without any schema',
      undefined,
      { auth: ['a', 'p'], accounts: [{ ha1: 'x' }] },
      { auth: ['a', keep], accounts: [{ ha1: keep }] },
    ],
    [
      'inside addresses',
      undefined,
      { url: 'wss://u:p@h/ws', list: ['rtsp://u:p@h'] },
      { url: 'wss://h/ws', list: ['rtsp://h'] },
    ],
    ['and everything else stays', undefined, { a: [1, null, true, { __proto__: 2 }] }, { a: [1, null, true, {}] }],
  ];
  for (const [name, schema, value, masked] of rows)
    test(name, () => {
      const before = JSON.stringify(value);
      assert.deepEqual(maskSecrets(schema, value), masked);
      assert.equal(JSON.stringify(value), before);
    });
});

test('credentials of an address are found up to the last @ before the path', () => {
  const rows: [string, unknown][] = [
    ['rtsp://a:b@h/x', { login: 'a', password: 'b', url: 'rtsp://h/x' }],
    ['RTSP://a:b@c@h', { login: 'a', password: 'b@c', url: 'RTSP://h' }],
    ['rtsp://a:%3A%2@h', { login: 'a', password: ':%2', url: 'rtsp://h' }],
    ['rtsp://:b@h', { login: '', password: 'b', url: 'rtsp://h' }],
    ['rtsp://h/a@b', undefined],
    ['rtsp://h?a@b', undefined],
    ['mailto:a@b', undefined],
  ];
  for (const [url, found] of rows) assert.deepEqual(credentialsIn(url), found, url);
});

test('credentials of every address in a sentence go', () => {
  assert.equal(withoutCredentials('rtsp://a:b@h failed, then http://c@i/x@y'), 'rtsp://h failed, then http://i/x@y');
});
