import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answerChallenge, digestSecret, parseChallenges, writeDigestChallenge } from '#rtsp/auth';
import { Accounts } from '../../objects/authnz/accounts.ts';
import { type AuthnzConfig, checkAuthnz } from '../../objects/authnz/config.ts';

const realm = 'site';
const ha1 = digestSecret(realm, { user: 'ann', password: 'secret' }, 'MD5');
const accounts: AuthnzConfig['accounts'] = [
  { type: 'password', login: 'joe', password: 'pass' },
  { type: 'password', login: 'ann', ha1 },
  { type: 'password', login: 'key', pubkey: '00' },
  { type: 'apikey', key: 'ci', secret: 'pass' },
];
const of = (config: Partial<AuthnzConfig> = {}) => new Accounts({ realm, accounts, roles: [], ...config } as never);

const digest = (user: string, password: string, algorithm: 'MD5' | 'SHA-256', method = 'DESCRIBE') => {
  const [challenge] = parseChallenges([writeDigestChallenge(realm, 'n', { algorithm })]);
  const request = { method: 'DESCRIBE', uri: 'rtsp://h/cam', cnonce: 'c', count: 1 };
  return { how: 'digest', method, authorization: answerChallenge(challenge!, { user, password }, request) } as const;
};
const password = (login: string, secret: string) => ({ how: 'password', login, password: secret }) as const;

describe('who it is', () => {
  const rows: [name: string, proof: Parameters<Accounts['identify']>[0], login: string | undefined][] = [
    ['Digest by MD5', digest('joe', 'pass', 'MD5'), 'joe'],
    ['Digest by SHA-256', digest('joe', 'pass', 'SHA-256'), 'joe'],
    ['the wrong password', digest('joe', 'Pass', 'MD5'), undefined],
    ['nobody of that name', digest('jim', 'pass', 'MD5'), undefined],
    ['made for another method', digest('joe', 'pass', 'MD5', 'PLAY'), undefined],
    ['MD5 where only its hash is kept', digest('ann', 'secret', 'MD5'), 'ann'],
    ['SHA-256 where only the hash of MD5 is kept', digest('ann', 'secret', 'SHA-256'), undefined],
    ['no password at all', digest('key', '', 'MD5'), undefined],
    ['an API key is no password for Digest', digest('ci', 'pass', 'MD5'), undefined],
    ['a password in the clear', password('joe', 'pass'), 'joe'],
    ['a wrong one', password('joe', ''), undefined],
    ['one of which the hash is kept', password('ann', 'secret'), 'ann'],
    ['the hash itself is no password', password('ann', ha1), undefined],
    ['an API key and its secret', password('ci', 'pass'), 'ci'],
    ['an API key with another', password('ci', 'pas'), undefined],
    ['an account without a password', password('key', ''), undefined],
    ['nobody', password('', ''), undefined],
    ['text that is no proof', { how: 'digest', method: 'DESCRIBE', authorization: 'Digest' }, undefined],
  ];
  for (const [name, proof, login] of rows) test(name, () => assert.equal(of().identify(proof)?.login, login));

  test('SHA-256 is offered where it works for everybody', () => {
    assert.deepEqual(of().terms, { realm, algorithms: ['MD5'] });
    assert.deepEqual(
      of({ accounts: accounts.filter(a => a.type === 'password' && a.password !== undefined) }).terms.algorithms,
      ['SHA-256', 'MD5'],
    );
  });
});

describe('what they may', () => {
  const roles: AuthnzConfig['roles'] = [
    ['joe', 'boss'],
    [['ann', 'ci'], 'viewer'],
    [[], 'guard'],
  ];
  const acl: AuthnzConfig['acl'] = [
    ['boss', null, null],
    ['viewer', null, ['VideoSource', 'SnapshotSource']],
    ['viewer', 'door', 'Relay', 'read'],
    ['guard', 'cam1', null],
  ];
  const a = of({ roles, acl });
  const rows: [who: string, object: string, iface: string, right: 'read' | 'operate' | 'administer', may: boolean][] = [
    ['joe', 'cam1', 'VideoSource', 'administer', true],
    ['ann', 'cam1', 'VideoSource', 'operate', true],
    ['ann', 'cam1', 'VideoSource', 'administer', false],
    ['ann', 'stor', 'VideoStorage', 'read', false],
    ['ann', 'door', 'Relay', 'read', true],
    ['ann', 'door', 'Relay', 'operate', false],
    ['key', 'cam1', 'VideoSource', 'read', false],
  ];
  for (const [who, object, iface, right, may] of rows)
    test(`${who} may${may ? '' : ' not'} ${right} ${object} as ${iface}`, () => {
      const identity = { login: who, roles: roles.flatMap(([names, role]) => (names.includes(who) ? [role] : [])) };
      assert.equal(a.allows(identity, { object, interface: iface, right }), may);
    });
  test('roles come with the identity', () => {
    assert.deepEqual(a.identify(password('ci', 'pass')), { login: 'ci', roles: ['viewer'] });
  });
  test('without an acl an account may watch, and no more; an empty one allows nothing', () => {
    const wish = { object: 'cam1', interface: 'VideoSource', right: 'read' } as const;
    const who = { login: 'joe', roles: [] };
    assert.deepEqual(
      [of().allows(who, wish), of().allows(who, { ...wish, right: 'operate' }), of({ acl: [] }).allows(who, wish)],
      [true, false, false],
    );
  });
});

describe('what is told about a configuration', () => {
  const throttle = { failures: 5, window_seconds: 60, max_block_seconds: 900 };
  const check = (config: Record<string, unknown>): string[] =>
    checkAuthnz({
      realm,
      accounts: [],
      roles: [],
      session_hours: 24,
      require_exp: false,
      throttle,
      ...config,
    } as never).map(p => `${p.severity} ${p.code} ${p.pointer}`);
  const rows: [name: string, config: Record<string, unknown>, told: string[]][] = [
    ['nothing said', {}, []],
    ['no password', { accounts: [{ type: 'password', login: 'a' }] }, ['error missing-property /accounts/0']],
    [
      'one name twice',
      { accounts: [accounts[0], { type: 'apikey', key: 'joe', secret: 'x' }] },
      ['error bad-value /accounts/1'],
    ],
    [
      'a colon, with which two logins hash alike',
      { accounts: [{ type: 'password', login: 'a:b', password: 'x' }] },
      ['error bad-value /accounts/0/login'],
    ],
    ['a file', { accounts: [{ type: 'htdigest', file: 'f' }] }, ['warning unsupported /accounts/0']],
    [
      'what is not there yet',
      { jwks: 'f', session_hours: 8 },
      ['warning no-effect /jwks', 'warning no-effect /session_hours'],
    ],
  ];
  for (const [name, config, told] of rows) test(name, () => assert.deepEqual(check(config), told));
});
