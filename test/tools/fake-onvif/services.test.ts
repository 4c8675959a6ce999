/** The fake ONVIF device's device, media and recording services, by hand-written SOAP. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type FakeOnvifOptions, startFakeOnvif } from '../../../tools/fake-onvif/fake-onvif.ts';
import { all, body, call, device, media, media2 } from './soap.ts';

const begun = async (t: { after(f: () => unknown): void }, options: FakeOnvifOptions = {}) => {
  const d = await startFakeOnvif({ media: false, ...options });
  t.after(() => d.stop());
  return d;
};

describe('the fake ONVIF device', () => {
  test('tells its services, and its plate', async t => {
    const d = await begun(t, { services: ['events'] });
    const services = await call(d.url, device('GetServices'));
    const names = all(services.text, 'tds:Namespace').map(n => n.replace('http://www.onvif.org/', ''));
    assert.deepEqual(names, ['ver10/device/wsdl', 'ver10/media/wsdl', 'ver10/events/wsdl']);
    assert.equal(all(services.text, 'tds:XAddr')[1], `http://127.0.0.1:${d.port}/onvif/media_service`);
    const info = await call(d.url, device('GetDeviceInformation'));
    assert.deepEqual(all(info.text, 'tds:SerialNumber'), ['FAKE0001']);
    assert.deepEqual(d.called, ['GetServices', 'GetDeviceInformation']);
  });

  test('escapes its name in scopes', async t => {
    const d = await begun(t, { plate: { name: 'Yard & gate', location: 'city/Köln' } });
    const scopes = all((await call(d.url, device('GetScopes'))).text, 'tt:ScopeItem');
    assert.ok(scopes.includes('onvif://www.onvif.org/name/Yard%20%26%20gate'), String(scopes));
    assert.ok(scopes.includes('onvif://www.onvif.org/location/city/K%C3%B6ln'), String(scopes));
  });

  test('has profiles without video, and H.265 in media2 alone', async t => {
    const d = await begun(t);
    const old = (await call(d.url, media('GetProfiles'))).text;
    assert.deepEqual(all(old, 'trt:Profiles', 'token'), ['main', 'sub', 'sound']);
    assert.deepEqual(all(old, 'tt:Encoding'), ['H264', 'AAC', 'H264', 'AAC']);
    const all2 = (await call(d.url, media2('GetProfiles', '<x:Type>VideoEncoder</x:Type>'))).text;
    assert.deepEqual(all(all2, 'tr2:Profiles', 'token'), ['main', 'sub', 'sound', 'h265']);
    assert.deepEqual(all(all2, 'tt:Encoding'), ['H264', 'H264', 'H265']);
    assert.doesNotMatch((await call(d.url, media2('GetProfiles'))).text, /Encoding/);
  });

  test('refuses a profile that it has not, and an operation that it knows not', async t => {
    const d = await begun(t);
    const unknown = await call(d.url, media('GetSnapshotUri', '<x:ProfileToken>none</x:ProfileToken>'));
    assert.equal(unknown.status, 400);
    assert.match(unknown.text, /ter:InvalidArgVal.*ter:NoProfile/);
    const odd = await call(d.url, device('GetAlps'));
    assert.equal(odd.status, 500);
    assert.match(odd.text, /ter:ActionNotSupported/);
  });

  test('a snapshot is a JPEG', async t => {
    const d = await begun(t);
    const uri = all(
      (await call(d.url, media('GetSnapshotUri', '<x:ProfileToken>sub</x:ProfileToken>'))).text,
      'tt:Uri',
    )[0]!;
    const picture = await fetch(uri);
    assert.equal(picture.headers.get('content-type'), 'image/jpeg');
    assert.deepEqual([...new Uint8Array(await picture.arrayBuffer()).subarray(0, 3)], [0xff, 0xd8, 0xff]);
  });

  test('recordings are searched and handed out in pieces', async t => {
    const hour = 3_600_000;
    const d = await begun(t, {
      recordings: [0, 1].map(i => ({
        token: `r${i}`,
        source: 'vs0',
        name: `n${i}`,
        spans: [
          [0, hour],
          [2 * hour, 3 * hour],
        ],
      })),
    });
    const search = (op: string, inner: string): Promise<string> =>
      call(d.url, body(op, 'ver10/search', inner)).then(a => a.text);
    const found = all(await search('FindRecordings', ''), 'tse:SearchToken')[0];
    const ask = (): Promise<string> =>
      search('GetRecordingSearchResults', `<x:SearchToken>${found}</x:SearchToken><x:MaxResults>1</x:MaxResults>`);
    const [one, two] = [await ask(), await ask()];
    assert.deepEqual([all(one, 'tt:SearchState'), all(one, 'tt:RecordingToken')], [['Searching'], ['r0']]);
    assert.deepEqual([all(two, 'tt:SearchState'), all(two, 'tt:RecordingToken')], [['Completed'], ['r1']]);
    const events = await search(
      'FindEvents',
      '<x:StartPoint>1970-01-01T00:30:00Z</x:StartPoint><x:EndPoint>1970-01-01T02:00:00Z</x:EndPoint><x:Scope><tt:IncludedRecordings>r1</tt:IncludedRecordings></x:Scope>',
    );
    const history = await search(
      'GetEventSearchResults',
      `<x:SearchToken>${all(events, 'tse:SearchToken')[0]}</x:SearchToken>`,
    );
    assert.deepEqual(all(history, 'tt:Time'), ['1970-01-01T01:00:00.000Z', '1970-01-01T02:00:00.000Z']);
    assert.match(history, /Name="IsDataPresent" Value="false".*Name="IsDataPresent" Value="true"/);
  });
});
