/** Discovery and probe (docs/spec/api.md 7.4) with the fake ONVIF device, which was written apart from our client. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, describe, test } from 'node:test';
import type { Fault } from '#core/errors';
import type { HttpClientRequest, World } from '#core/world';
import { freePort } from '#fake/daemon';
import { FakeLog, SeededRandom } from '#fake/world';
import { clock } from '#host/clock';
import { httpRequest } from '#host/http-client';
import { createUdp } from '#host/udp';
import { Environment } from '#onvif/environment';
import { type FakeOnvif, type FakeOnvifOptions, startFakeOnvif } from '../../tools/fake-onvif/fake-onvif.ts';

const login = { user: 'u', password: 'p' };

/** The real network, loopback only; what is asked is noted. */
function network() {
  const asked: string[] = [];
  const request = (r: HttpClientRequest) => {
    asked.push(r.url);
    return httpRequest(r);
  };
  const udp = { ...createUdp(), addresses: () => ['127.0.0.1'] };
  const http = { request } as unknown as World['http'];
  return { world: { udp, http, clock, random: new SeededRandom(), log: new FakeLog() }, asked };
}

const begun = async (t: { after(f: () => unknown): void }, options: FakeOnvifOptions = {}): Promise<FakeOnvif> => {
  const device = await startFakeOnvif({ media: false, ...options });
  t.after(() => device.stop());
  return device;
};

const expected = {
  info: { vendor: 'Ocellus', serial: 'FAKE0001', model: 'Fake ONVIF 1', firmware: '1.2.3' },
  video_sources: [{ token: 'vs0', resolution: [1920, 1080], framerate: 25 }],
  profiles: (
    [
      ['main', 'mainStream', 'H264', [320, 240], 4],
      ['sub', 'subStream <&>', 'H264', [176, 144], 3],
      ['h265', 'third', 'H265', [176, 144], 5],
    ] as const
  ).map(([token, name, codec, resolution, quality]) => ({
    token,
    name,
    fixed: true,
    video: { codec, resolution, source: 'vs0', quality, bounds: [0, 0, 1920, 1080] },
  })),
};

describe('discovery', () => {
  test('finds devices once each, in 2 s, and all callers at a time share it', async t => {
    const port = await freePort();
    const discovery = { address: '127.0.0.1', port };
    const one = await begun(t, { discovery });
    const two = await begun(t, { discovery, plate: { serial: '2', name: '', location: 'roof' } });
    const { world } = network();
    const environment = new Environment(world, port);
    const began = performance.now();
    const [found, same] = await Promise.all([environment.discover(), environment.discover()]);
    const took = performance.now() - began;
    assert.ok(took > 1900 && took < 3000, `${took} ms`);
    assert.equal(found, same);
    const byUrl = new Map(found.map(f => [f.xaddrs[0], f.scopes]));
    assert.deepEqual(byUrl.get(one.url), { name: 'Fake camera, yard', hardware: 'F1', location: 'city/Nowhere' });
    assert.deepEqual(byUrl.get(two.url), { name: '', hardware: 'F1', location: 'roof' });
    assert.equal(found.length, 2);
    // Two types, each sent twice.
    assert.equal(one.probed.length, 4);
  });

  test('where there is no network, nobody is found, and that is no failure', async () => {
    const { world } = network();
    const udp = { ...world.udp, addresses: () => ['192.0.2.1'] };
    assert.deepEqual(await new Environment({ ...world, udp }, 9).discover(), []);
  });
});

describe('a probe', () => {
  const open = network();
  const environment = new Environment(open.world);

  const logins: [name: string, options: FakeOnvifOptions][] = [
    ['without login', {}],
    ['with a token', { login: { ...login, schemes: ['token'] } }],
    [
      'with a token, at a device whose clock is a day off',
      { login: { ...login, schemes: ['token'] }, faults: ['type=clock,v=86400'] },
    ],
    ['with HTTP Digest, MD5', { login: { ...login, schemes: ['digest'] } }],
    ['with HTTP Digest, SHA-256', { login: { ...login, schemes: ['digest'], algorithms: ['SHA-256'] } }],
    ['at a device that tells nothing but the time without login', { login, open: 'time' }],
    ['at a device with other prefixes', { login, faults: ['type=prefixes'] }],
    ['at a device behind a router, which names inner addresses', { login, faults: ['type=xaddr,host=10.11.12.13'] }],
    ['at a device that has much else to say', { services: ['media2'] }],
  ];
  for (const [name, options] of logins)
    test(`answers exactly what is promised: ${name}`, async t => {
      const device = await begun(t, options);
      assert.deepEqual(await environment.probe(device.url, options.login ? ['u', 'p'] : [null, null]), expected);
      assert.equal(new Set(open.asked.splice(0).map(u => new URL(u).host)).size, 1);
    });

  test('a device without Media 2 has what Media 1 can tell; one that says little has empty texts and numbers', async t => {
    const device = await begun(t, { services: [], faults: ['type=sparse', 'type=single'] });
    const probed = await environment.probe(device.url, null);
    assert.deepEqual(probed.info, { vendor: 'Ocellus', serial: '', model: 'Fake ONVIF 1', firmware: '1.2.3' });
    assert.deepEqual(probed.profiles, [{ ...expected.profiles[0], fixed: false }]);
  });

  const elsewhere = createServer((_, response) => response.end('<html><body>a printer</body></html>')).listen(
    0,
    '127.0.0.1',
  );
  after(() => elsewhere.close());
  const failed = async (url: string, auth: [string, string] | null = null): Promise<string> => {
    const began = performance.now();
    const fault = await environment.probe(url, auth).then(
      () => assert.fail('expected a failure'),
      (e: Fault) => e,
    );
    // 2.8 s, and what a busy machine adds.
    assert.ok(performance.now() - began < 3500, 'within the time that clients wait');
    const { host } = new URL(url);
    return `${fault.code} ${fault.message.replace(host, 'X')}`;
  };

  test('a closed port, a page for people, a truncated, an endless and a silent answer are told apart by nobody', async t => {
    const port = await freePort();
    const said = new Set([await failed(`http://127.0.0.1:${port}/`)]);
    said.add(await failed(`http://127.0.0.1:${(elsewhere.address() as { port: number }).port}/`));
    for (const fault of [
      'truncate',
      'huge,v=20000000',
      'html500',
      'reset',
      'silent',
      'redirect,host=127.0.0.2:80',
      'fault',
    ]) {
      const device = await begun(t, { faults: [`type=${fault}`] });
      said.add(await failed(device.url));
    }
    assert.deepEqual([...said], ['upstream-down X: expected an ONVIF device, got no answer of one in time']);
    assert.ok(
      open.asked.splice(0).every(u => u.startsWith('http://127.0.0.1:')),
      'a redirect to another host is not followed',
    );
  });

  test('a slow device costs no more time than there is', async t => {
    const device = await begun(t, { faults: ['type=slow,v=1500'] });
    assert.match(await failed(device.url), /^upstream-down/);
  });

  test('a login that is refused, or missing, is told, without the login', async t => {
    const device = await begun(t, { login });
    assert.equal(await failed(device.url, ['u', 'secret7']), 'upstream-refused X: the ONVIF device refuses the login');
    assert.equal(await failed(device.url), 'upstream-refused X: the ONVIF device wants a login');
    const inUrl = await environment.probe(device.url.replace('//', '//u:secret7@'), null).catch((e: Fault) => e);
    assert.doesNotMatch(JSON.stringify([inUrl, (inUrl as Fault).message]), /secret7/);
  });

  for (const url of [
    '',
    'file:///etc/passwd',
    'ftp://127.0.0.1/',
    'gopher://127.0.0.1:70/x',
    'http://',
    '127.0.0.1/x',
    'http://u:secret7@',
  ])
    test(`${JSON.stringify(url)} is no address of a device`, async () => {
      const fault = await environment.probe(url, null).catch((e: Fault) => e);
      assert.equal((fault as Fault).code, 'bad-argument');
      assert.doesNotMatch((fault as Fault).message, /secret7/);
    });

  test('more than eight at once are refused', async t => {
    const device = await begun(t, { faults: ['type=slow,v=200'] });
    const many = await Promise.allSettled(Array.from({ length: 10 }, () => environment.probe(device.url, null)));
    const refused = many.flatMap(m => (m.status === 'rejected' ? [(m.reason as Fault).code] : []));
    assert.deepEqual(refused, ['overload', 'overload']);
    assert.deepEqual(await environment.probe(device.url, null), expected);
  });
});
