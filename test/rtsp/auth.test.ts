import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fuzzRounds, fuzzSeed, mutate } from '#fake/fuzz';
import {
  answerChallenge,
  type DigestAlgorithm,
  parseChallenges,
  strongest,
  verifyAuthorization,
  writeBasicChallenge,
  writeDigestChallenge,
} from '#rtsp/auth';

const mufasa = { user: 'Mufasa', password: 'Circle of Life' };
const rfc7616 = (algorithm: string) =>
  parseChallenges([
    `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`,
  ])[0]!;

describe('answerChallenge', () => {
  const request = {
    method: 'GET',
    uri: '/dir/index.html',
    cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
    count: 1,
  };
  // RFC 7616 3.9.1, RFC 2617 3.5, RFC 2069 2.4 with errata 749.
  test('MD5 as in RFC 7616', () =>
    assert.match(answerChallenge(rfc7616('MD5'), mufasa, request), /response="8ca523f5e9506fed4657c9700eebdbec"/));
  test('SHA-256 as in RFC 7616', () =>
    assert.match(
      answerChallenge(rfc7616('SHA-256'), mufasa, request),
      /response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"/,
    ));
  test('MD5 with qop as in RFC 2617', () => {
    const [challenge] = parseChallenges([
      'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"',
    ]);
    const answer = answerChallenge(
      challenge!,
      { user: 'Mufasa', password: 'Circle Of Life' },
      { ...request, cnonce: '0a4f113b' },
    );
    assert.match(answer, /response="6629fae49393a05397450978507c4ef1"/);
    assert.match(answer, /nc=00000001/);
    assert.doesNotMatch(answer, /algorithm/);
  });
  test('MD5 without qop as in RFC 2069', () => {
    const [challenge] = parseChallenges([
      'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"',
    ]);
    const answer = answerChallenge(challenge!, { user: 'Mufasa', password: 'CircleOfLife' }, request);
    assert.match(answer, /response="1949323746fe6a43ef61f9606e7febea"/);
    assert.doesNotMatch(answer, /cnonce|qop/);
  });
  test('Basic', () =>
    assert.equal(
      answerChallenge({ scheme: 'basic', realm: 'x' }, { user: 'Aladdin', password: 'open sesame' }, request),
      'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==',
    ));
});

describe('parseChallenges', () => {
  const cases: [name: string, values: string[], out: string[]][] = [
    ['two headers', ['Digest realm="a", nonce="n"', 'Basic realm="a"'], ['digest MD5', 'basic']],
    [
      'two challenges in one header',
      ['Basic realm="a", Digest realm="a", nonce="n", algorithm=SHA-256'],
      ['basic', 'digest SHA-256'],
    ],
    ['an algorithm that is not known is left out', ['Digest realm="a", nonce="n", algorithm=SHA-512-256'], []],
    ['auth-int alone is left out', ['Digest realm="a", nonce="n", qop="auth-int"'], []],
    ['an empty qop is none', ['Digest realm="a", nonce="n", qop=""'], ['digest MD5']],
    ['no nonce: no challenge', ['Digest realm="a"'], []],
    ['lower case and no blanks', ['digest realm="a",nonce="n",algorithm="md5-SESS"'], ['digest MD5-sess']],
    ['other schemes', ['Bearer realm="a"', '', 'NTLM'], []],
  ];
  for (const [name, values, out] of cases)
    test(name, () =>
      assert.deepEqual(
        parseChallenges(values).map(c => (c.scheme === 'basic' ? 'basic' : `digest ${c.algorithm}`)),
        out,
      ),
    );
  test('the strongest is answered', () => {
    const all = parseChallenges([
      'Basic realm="a"',
      'Digest realm="a", nonce="1"',
      'Digest realm="a", nonce="2", algorithm=SHA-256',
    ]);
    assert.deepEqual(strongest(all), all[2]);
    assert.equal(strongest([]), undefined);
  });
});

describe('verifyAuthorization', () => {
  const guard = {
    realm: 'Ocellus "7"',
    nonce: (n: string) => (n === 'fresh' ? 'good' : n === 'old' ? 'stale' : 'unknown') as 'good' | 'stale' | 'unknown',
    passwordOf: (user: string) => (user === 'admin' ? 'secret, "quoted"' : undefined),
    basic: true,
  };
  const request = { method: 'PLAY', uri: 'rtsp://a/b?c="d"', cnonce: 'abc', count: 3 };
  for (const algorithm of ['MD5', 'MD5-sess', 'SHA-256', 'SHA-256-sess'] satisfies DigestAlgorithm[])
    for (const qop of [true, false])
      for (const [nonce, user, password, result] of [
        ['fresh', 'admin', 'secret, "quoted"', 'ok'],
        ['old', 'admin', 'secret, "quoted"', 'stale'],
        ['old', 'admin', 'wrong', 'wrong'],
        ['fresh', 'admin', 'wrong', 'wrong'],
        ['fresh', 'nobody', 'secret', 'wrong'],
        ['foreign', 'admin', 'secret, "quoted"', 'wrong'],
      ] as const)
        test(`${algorithm}, qop ${qop}, ${nonce} nonce, ${user}:${password} is ${result}`, () => {
          const [challenge] = parseChallenges([writeDigestChallenge(guard.realm, nonce, { algorithm, qop })]);
          const answer = answerChallenge(challenge!, { user, password }, request);
          assert.deepEqual(verifyAuthorization(answer, 'PLAY', guard), { result, user });
        });
  test('an answer is good for its own method only', () => {
    const [challenge] = parseChallenges([writeDigestChallenge(guard.realm, 'fresh')]);
    const answer = answerChallenge(challenge!, { user: 'admin', password: 'secret, "quoted"' }, request);
    assert.equal(verifyAuthorization(answer, 'TEARDOWN', guard).result, 'wrong');
  });
  test('Basic, where it is allowed', () => {
    const [challenge] = parseChallenges([writeBasicChallenge(guard.realm)]);
    const answer = answerChallenge(challenge!, { user: 'admin', password: 'secret, "quoted"' }, request);
    assert.deepEqual(verifyAuthorization(answer, 'PLAY', guard), { result: 'ok', user: 'admin' });
    assert.equal(verifyAuthorization(answer, 'PLAY', { ...guard, basic: false }).result, 'wrong');
  });
  test('any bytes: no throw, never let in', () => {
    const random = fuzzSeed('auth');
    const [challenge] = parseChallenges([writeDigestChallenge(guard.realm, 'fresh')]);
    const valid = Buffer.from(answerChallenge(challenge!, { user: 'admin', password: 'wrong' }, request));
    for (let i = 0; i < fuzzRounds(2000); i++) {
      const text = Buffer.from(mutate(random, valid)).toString('latin1');
      assert.notEqual(verifyAuthorization(text, 'PLAY', guard).result, 'ok');
      parseChallenges([text, text.replace('response', 'qop')]);
    }
  });
});
