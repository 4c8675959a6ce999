/** Who gets in at the fake ONVIF device, and by what. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { type FakeOnvifOptions, startFakeOnvif } from '../../../tools/fake-onvif/fake-onvif.ts';
import { call, device, digest, token } from './soap.ts';

const login = { user: 'u', password: 'p' };
const begun = async (t: { after(f: () => unknown): void }, options: FakeOnvifOptions = {}) => {
  const d = await startFakeOnvif({ media: false, login, ...options });
  t.after(() => d.stop());
  return d;
};
const information = device('GetDeviceInformation');

describe('login at the fake ONVIF device', () => {
  test('the time is told to everybody; the plate is not', async t => {
    const d = await begun(t, { login: { ...login, schemes: ['token'] } });
    assert.equal((await call(d.url, device('GetSystemDateAndTime'))).status, 200);
    assert.equal((await call(d.url, device('GetServices'))).status, 200);
    const refused = await call(d.url, information);
    assert.equal(refused.status, 400);
    assert.match(refused.text, /ter:NotAuthorized/);
    assert.deepEqual(
      d.log.map(c => c.login),
      ['none', 'none', 'none'],
    );
  });

  test('with `open: time` nothing else is', async t => {
    const d = await begun(t, { open: 'time' });
    assert.equal((await call(d.url, device('GetServices'))).status, 401);
  });

  // Age of `Created` by the device's clock, in seconds; whether it lets in.
  const ages: [name: string, clock: number, ageSeconds: number, status: number][] = [
    ['a token of now', 0, 0, 200],
    ['one that is a little old', 0, 3, 200],
    ['one that is too old', 0, 8, 400],
    ['one of the future', 0, -8, 400],
    ['one of now, when the device lives an hour later', 3600, 0, 400],
    ['one of the time of a device that lives an hour later', 3600, -3600, 200],
  ];
  for (const [name, clock, age, status] of ages)
    test(`${name}: ${status}`, async t => {
      const d = await begun(t, { login: { ...login, schemes: ['token'] }, faults: [`type=clock,v=${clock}`] });
      const header = token('u', 'p', { createdMs: Date.now() - age * 1000 });
      assert.equal((await call(d.url, information, { header })).status, status);
    });

  test('a token with another password, or one that came before, is refused', async t => {
    const d = await begun(t, { login: { ...login, schemes: ['token'] } });
    assert.equal((await call(d.url, information, { header: token('u', 'q') })).status, 400);
    const header = token('u', 'p', { nonce: randomBytes(16) });
    assert.equal((await call(d.url, information, { header })).status, 200);
    assert.equal((await call(d.url, information, { header })).status, 400);
    assert.deepEqual(
      d.log.map(c => c.login),
      ['wrong', 'token', 'wrong'],
    );
  });

  for (const algorithm of ['MD5', 'SHA-256'] as const)
    test(`HTTP Digest with ${algorithm}: each count once`, async t => {
      const d = await begun(t, { login: { ...login, schemes: ['digest'], algorithms: [algorithm] } });
      const refused = await call(d.url, information);
      assert.equal(refused.status, 401);
      const challenge = refused.headers.get('www-authenticate')!;
      const ask = async (password: string, nc: number): Promise<number> =>
        (await call(d.url, information, { headers: { authorization: digest(challenge, d.url, 'u', password, nc) } }))
          .status;
      assert.deepEqual(
        [await ask('q', 1), await ask('p', 1), await ask('p', 2), await ask('p', 2)],
        [401, 200, 200, 401],
      );
      assert.equal((await call(d.url, information, { header: token('u', 'p') })).status, 401);
    });

  test('both: a token is taken, and so is Digest', async t => {
    const d = await begun(t);
    assert.equal((await call(d.url, information, { header: token('u', 'p') })).status, 200);
    const challenge = (await call(d.url, information)).headers.get('www-authenticate')!;
    const headers = { authorization: digest(challenge, d.url, 'u', 'p') };
    assert.equal((await call(d.url, information, { headers })).status, 200);
  });
});
