/** What goes wrong at the fake ONVIF device on purpose. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type FakeOnvifOptions, startFakeOnvif } from '../../../tools/fake-onvif/fake-onvif.ts';
import { parseFault } from '../../../tools/fake-onvif/faults.ts';
import { parseXml } from '../../../tools/fake-onvif/xml.ts';
import { all, call, device, events, media } from './soap.ts';

const begun = async (t: { after(f: () => unknown): void }, options: FakeOnvifOptions = {}) => {
  const d = await startFakeOnvif({ media: false, ...options });
  t.after(() => d.stop());
  return d;
};

describe('faults of the fake ONVIF device', () => {
  test('one of an operation strikes that alone, as often as it is said', async t => {
    const d = await begun(t, { faults: ['type=html500,op=GetScopes,count=1'] });
    const statuses = [];
    for (const op of ['GetHostname', 'GetScopes', 'GetScopes']) statuses.push((await call(d.url, device(op))).status);
    assert.deepEqual(statuses, [200, 500, 200]);
  });

  test('the same seed strikes the same calls', async t => {
    const strikes = async (seed: number): Promise<string> => {
      const d = await begun(t, { seed, faults: ['type=fault,p=0.5'] });
      let row = '';
      for (let i = 0; i < 12; i++) row += (await call(d.url, device('GetHostname'))).status === 200 ? '.' : 'x';
      return row;
    };
    const row = await strikes(5);
    assert.match(row, /x/);
    assert.match(row, /\./);
    assert.equal(await strikes(5), row);
  });

  const rows: [
    name: string,
    fault: string,
    operation: string,
    judge: (text: string, status: number, headers: Headers) => unknown,
  ][] = [
    [
      'xaddr: addresses of an inner network',
      'type=xaddr,host=10.0.0.7:80',
      'GetServices',
      text => assert.ok(all(text, 'tds:XAddr').every(x => x.startsWith('http://10.0.0.7:80/'))),
    ],
    ['truncate: half the document', 'type=truncate', 'GetServices', text => assert.throws(() => parseXml(text))],
    ['huge: more than anybody wants', 'type=huge,v=3000000', 'GetHostname', text => assert.ok(text.length > 3e6)],
    [
      'prefixes: the same under other names',
      'type=prefixes',
      'GetHostname',
      text => {
        assert.doesNotMatch(text, /<s:|<tds:/);
        assert.equal(parseXml(text).children[0]!.children[0]!.namespace, 'http://www.onvif.org/ver10/device/wsdl');
      },
    ],
    ['sparse: no optional members', 'type=sparse', 'GetDeviceInformation', text => assert.doesNotMatch(text, /Serial/)],
    [
      'denied: with the status one likes',
      'type=denied,v=500',
      'GetHostname',
      (text, status) => {
        assert.equal(status, 500);
        assert.match(text, /ter:NotAuthorized/);
      },
    ],
    [
      'redirect: to another host',
      'type=redirect,host=10.0.0.7',
      'GetHostname',
      (_, status, headers) =>
        assert.deepEqual([status, headers.get('location')], [307, 'http://10.0.0.7/onvif/device_service']),
    ],
    [
      "fault: of one's choice",
      'type=fault,code=OperationProhibited',
      'GetHostname',
      text => assert.match(text, /ter:OperationProhibited/),
    ],
  ];
  for (const [name, fault, operation, judge] of rows)
    test(name, async t => {
      const d = await begun(t, { faults: [fault] });
      const { text, status, headers } = await call(d.url, device(operation));
      judge(text, status, headers);
    });

  test('single: one profile alone', async t => {
    const d = await begun(t, { faults: ['type=single'] });
    assert.deepEqual(all((await call(d.url, media('GetProfiles'))).text, 'trt:Profiles', 'token'), ['main']);
  });

  test('slow answers come late; silent ones and resets never', async t => {
    const d = await begun(t, { faults: ['type=slow,v=200,count=1', 'type=reset,op=GetScopes'] });
    const began = performance.now();
    await call(d.url, device('GetHostname'));
    assert.ok(performance.now() - began >= 190);
    await assert.rejects(call(d.url, device('GetScopes')));
    assert.deepEqual(
      d.log.map(c => c.status),
      [200, 0],
    );
  });

  test('a reboot drops connections and subscriptions, and comes back at the same port', async t => {
    const d = await begun(t);
    const { port } = d;
    await call(d.url, events('CreatePullPointSubscription'));
    assert.equal(d.subscriptions, 1);
    await d.reboot(0.2);
    await assert.rejects(call(d.url, device('GetHostname')));
    await new Promise(r => setTimeout(r, 400));
    assert.equal((await call(d.url, device('GetHostname'))).status, 200);
    assert.deepEqual([d.port, d.subscriptions], [port, 0]);
  });

  const wrong: [spec: string, complaint: RegExp][] = [
    ['type=flood', /expected one of clock/],
    ['op=GetHostname', /expected one of clock/],
    ['type=slow,v=much', /v: expected a number/],
    ['type=slow,when=now', /got "when"/],
  ];
  for (const [spec, complaint] of wrong)
    test(`${spec} is refused`, () => assert.throws(() => parseFault(spec), complaint));
});
