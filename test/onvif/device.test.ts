import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { Fault } from '#core/errors';
import { type FakeReply, fakeDevice, soap, soapFault } from '#fake/onvif';
import { OnvifDevice } from '#onvif/device';
import { parseXml, textAt } from '#onvif/xml';
import { verifyAuthorization, writeDigestChallenge } from '#rtsp/auth';

const login = { user: 'admin', password: 'sesame' };
const information = soap(
  '<tds:GetDeviceInformationResponse><tds:Manufacturer>ACME</tds:Manufacturer></tds:GetDeviceInformationResponse>',
);
const refused = soapFault(['s:Sender', 'ter:NotAuthorized'], 'Sender not authorized');

const clockAnswer = (ms: number): string => {
  const d = new Date(ms);
  return soap(
    `<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:UTCDateTime><tt:Time><tt:Hour>${d.getUTCHours()}</tt:Hour><tt:Minute>${d.getUTCMinutes()}</tt:Minute><tt:Second>${d.getUTCSeconds()}</tt:Second></tt:Time><tt:Date><tt:Year>${d.getUTCFullYear()}</tt:Year><tt:Month>${d.getUTCMonth() + 1}</tt:Month><tt:Day>${d.getUTCDate()}</tt:Day></tt:Date></tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>`,
  );
};

/** Whether the UsernameToken of a request is right by a clock, within 5 s. */
function tokenIsRight(request: string, nowMs: number): boolean {
  const token = parseXml(request)
    ?.children.find(c => c.name === 'Header')
    ?.children.find(c => c.name === 'Security')?.children[0];
  const created = textAt(token, 'Created') ?? '';
  if (Math.abs(Date.parse(created) - nowMs) > 5000) return false;
  const hash = createHash('sha1')
    .update(Buffer.from(textAt(token, 'Nonce') ?? '', 'base64'))
    .update(created);
  return textAt(token, 'Password') === hash.update(login.password).digest('base64');
}

describe('a login', () => {
  test('by UsernameToken, by the clock of a device that is an hour wrong', async () => {
    const d = fakeDevice((name, r): FakeReply => {
      const nowMs = d.clock.wallMs() - 3_600_000;
      if (name === 'GetSystemDateAndTime') return { body: clockAnswer(nowMs) };
      return tokenIsRight(r.body ?? '', nowMs) ? { body: information } : { status: 400, body: refused };
    }, login);
    const device = new OnvifDevice(d.parts);
    assert.equal((await device.information()).vendor, 'ACME');
    assert.ok(Math.abs((await device.clockOffset())! + 3_600_000) <= 1000);
    assert.doesNotMatch(d.requests[0]?.body ?? '', /Security/, 'the clock is asked for without a login');
  });

  test('a clock that jumped meanwhile is read anew, once', async () => {
    let offset = 0;
    const d = fakeDevice((name, r): FakeReply => {
      const nowMs = d.clock.wallMs() + offset;
      if (name === 'GetSystemDateAndTime') return { body: clockAnswer(nowMs) };
      return tokenIsRight(r.body ?? '', nowMs) ? { body: information } : { status: 400, body: refused };
    }, login);
    const device = new OnvifDevice(d.parts);
    await device.information();
    offset = 7_200_000;
    assert.equal((await device.information()).vendor, 'ACME');
    assert.deepEqual(d.asked(), [
      'GetSystemDateAndTime',
      'GetDeviceInformation',
      'GetDeviceInformation',
      'GetSystemDateAndTime',
      'GetDeviceInformation',
    ]);
  });

  for (const algorithm of ['MD5', 'SHA-256'] as const)
    test(`by HTTP Digest with ${algorithm} where the device challenges; what worked is kept`, async () => {
      let nonce = 'n1';
      const d = fakeDevice((name, r): FakeReply => {
        if (name === 'GetSystemDateAndTime') return { body: clockAnswer(d.clock.wallMs()) };
        const guard = {
          realm: 'cam',
          nonce: (n: string) => (n === nonce ? 'good' : 'unknown') as 'good' | 'unknown',
          passwordOf: () => login.password,
        };
        if (verifyAuthorization(r.headers?.['authorization'], 'POST', guard).result === 'ok')
          return { body: information };
        return {
          status: 401,
          headers: { 'www-authenticate': writeDigestChallenge('cam', nonce, { algorithm }) },
          body: '',
        };
      }, login);
      const device = new OnvifDevice(d.parts);
      for (let i = 0; i < 2; i++) assert.equal((await device.information()).vendor, 'ACME');
      assert.equal(d.requests.length, 4, 'clock, token, digest, digest');
      assert.doesNotMatch(d.requests[2]?.body ?? '', /UsernameToken/);
      nonce = 'n2';
      assert.equal((await device.information()).vendor, 'ACME', 'a nonce that grew old is replaced');
      assert.equal(d.requests.length, 6);
    });

  const ways: [name: string, reply: FakeReply, requests: number][] = [
    ['a fault', { status: 400, body: refused }, 3],
    ['a fault with status 200', { body: refused }, 3],
    ['a challenge', { status: 401, headers: { 'www-authenticate': writeDigestChallenge('cam', 'n') }, body: '' }, 3],
    ['401 and nothing else', { status: 401, body: '' }, 3],
  ];
  for (const [name, reply, requests] of ways)
    test(`a wrong password is told, after few attempts, without the password: ${name}`, async () => {
      const d = fakeDevice(
        f => (f === 'GetSystemDateAndTime' ? { body: clockAnswer(d.clock.wallMs()) } : reply),
        login,
      );
      const failure: Error & { code?: string; kind?: string } = await new OnvifDevice(d.parts).information().then(
        () => assert.fail(),
        e => e,
      );
      assert.deepEqual([failure.kind, failure.code], ['refused', 'onvif-login']);
      assert.doesNotMatch(JSON.stringify({ ...failure, text: failure.message }), /sesame/);
      assert.ok(d.requests.length <= requests, d.asked().join());
    });

  test('a device that wants one where there is none says so', async () => {
    const d = fakeDevice(() => ({ status: 400, body: refused }));
    await assert.rejects(new OnvifDevice(d.parts).information(), {
      code: 'onvif-login',
      message: /none is configured/,
    });
  });
});

describe('a device', () => {
  const services = (list: Record<string, string>): string =>
    soap(
      `<tds:GetServicesResponse>${Object.entries(list)
        .map(
          ([n, x]) =>
            `<tds:Service><tds:Namespace>http://www.onvif.org/${n}/wsdl</tds:Namespace><tds:XAddr>${x}</tds:XAddr></tds:Service>`,
        )
        .join('')}</tds:GetServicesResponse>`,
    );
  const profile = (ns: string, token: string): string =>
    `<${ns}:GetProfilesResponse><${ns}:Profiles token="${token}"><tt:VideoEncoderConfiguration token="e"/></${ns}:Profiles></${ns}:GetProfilesResponse>`;

  test('is asked at its own host only, whatever addresses it gives', async () => {
    const d = fakeDevice((name): FakeReply => {
      if (name === 'GetServices') return { body: services({ 'ver10/media': 'http://192.168.1.64:8000/onvif/Media' }) };
      if (name === 'GetStreamUri')
        return { body: soap('<trt:R><trt:MediaUri><tt:Uri>rtsp://192.168.1.64:554/1</tt:Uri></trt:MediaUri></trt:R>') };
      return { body: soap(profile('trt', 'p')) };
    });
    const device = new OnvifDevice(d.parts);
    assert.equal((await device.profiles())[0]?.token, 'p');
    assert.equal(await device.streamUri('p'), 'rtsp://10.0.0.7:554/1');
    assert.deepEqual([...new Set(d.requests.map(r => new URL(r.url).host))], ['10.0.0.7']);
  });

  test('Media 2 comes first; where it fails Media 1 is asked', async () => {
    const d = fakeDevice((name, r): FakeReply => {
      if (name === 'GetServices')
        return { body: services({ 'ver10/media': 'http://10.0.0.7/m1', 'ver20/media': 'http://10.0.0.7/m2' }) };
      return r.url.endsWith('m2')
        ? { status: 500, body: soapFault(['s:Receiver', 'ter:ActionNotSupported'], '') }
        : { body: soap(profile('trt', 'old')) };
    });
    assert.deepEqual(
      (await new OnvifDevice(d.parts).profiles()).map(p => p.token),
      ['old'],
    );
    assert.deepEqual(
      d.requests.map(r => new URL(r.url).pathname),
      ['/onvif/device_service', '/m2', '/m1'],
    );
  });

  test('without GetServices its capabilities are asked for', async () => {
    const d = fakeDevice((name): FakeReply => {
      if (name === 'GetServices') return { status: 400, body: soapFault(['s:Sender', 'ter:ActionNotSupported'], '') };
      return {
        body: soap(
          '<tds:R><tds:Capabilities><tt:PTZ><tt:XAddr>http://10.0.0.7/ptz</tt:XAddr></tt:PTZ></tds:Capabilities></tds:R>',
        ),
      };
    });
    const device = new OnvifDevice(d.parts);
    assert.deepEqual([await device.has('ptz'), await device.has('events')], [true, false]);
    await assert.rejects(device.ask('search', '<x/>'), { code: 'onvif-unsupported' });
  });

  const redirects: [name: string, location: string, code: string | undefined][] = [
    ['at its own host is followed', 'https://10.0.0.7/onvif/device_service', undefined],
    ['to another host is not', 'http://10.0.0.8/', 'onvif-redirect'],
    ['to itself, for ever, ends', '/onvif/device_service', 'onvif-redirect'],
    ['to no address is none', 'gopher://10.0.0.7/', 'onvif-redirect'],
  ];
  for (const [name, location, code] of redirects)
    test(`a redirect ${name}`, async () => {
      const d = fakeDevice(
        (_f, r): FakeReply =>
          r.url.startsWith('https:') ? { body: information } : { status: 302, headers: { location }, body: '' },
      );
      const asked = new OnvifDevice(d.parts).information();
      if (code === undefined) assert.equal((await asked).vendor, 'ACME');
      else await assert.rejects(asked, { code });
      assert.ok(d.requests.length <= 3);
    });

  const others: [name: string, reply: FakeReply, code: string][] = [
    ['a page', { status: 404, body: '<html>Not found</html>' }, 'onvif-garbled'],
    ['nothing', { status: 200, body: '' }, 'onvif-garbled'],
    ['a refusal', { status: 500, body: soapFault(['s:Receiver', 'ter:Busy'], 'no memory') }, 'onvif-fault'],
  ];
  for (const [name, reply, code] of others)
    test(`that answers with ${name} is told with ${code}`, () =>
      assert.rejects(new OnvifDevice(fakeDevice(() => reply).parts).information(), { code }));

  test('that answers with more than is taken has answered wrong; whoever called has not', () => {
    const d = fakeDevice(() => {
      throw new Fault('argument', 'too-large', '10.0.0.7: the answer is longer than 2097152 bytes');
    });
    return assert.rejects(new OnvifDevice(d.parts).information(), { kind: 'protocol', code: 'onvif-garbled' });
  });
});
