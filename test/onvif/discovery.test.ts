/** What is said and understood in WS-Discovery (docs/spec/api.md 7.4). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fuzzRounds, fuzzSeed, mutate } from '#fake/fuzz';
import { Findings, foundLimit, type Match, readProbeMatches, writeProbe } from '#onvif/discovery';
import { at, parseXml, textAt } from '#onvif/xml';

interface Parts {
  readonly endpoint?: string;
  readonly types?: string;
  readonly scopes?: string;
  readonly xaddrs?: string;
}

const matchXml = ({
  endpoint = 'urn:uuid:A-1',
  types = 'dn:NetworkVideoTransmitter',
  scopes = '',
  xaddrs = '',
}: Parts) =>
  `<d:ProbeMatch><a:EndpointReference><a:Address>${endpoint}</a:Address></a:EndpointReference><d:Types>${types}</d:Types><d:Scopes>${scopes}</d:Scopes><d:XAddrs>${xaddrs}</d:XAddrs></d:ProbeMatch>`;
const answer = (...matches: readonly string[]): string =>
  `<?xml version="1.0"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><e:Body><d:ProbeMatches>${matches.join('')}</d:ProbeMatches></e:Body></e:Envelope>`;
const from = '10.0.0.7';
const here = 'http://10.0.0.7/onvif/device_service';
const o = 'onvif://www.onvif.org';

describe('an answer to a Probe', () => {
  const rows: [name: string, parts: Parts, result: Omit<Match, 'endpoint'> | undefined][] = [
    [
      'tells name, hardware and location, percent-encoded',
      {
        scopes: `${o}/type/ptz ${o}/name/Yard%20%26%20gate ${o}/hardware/IPC-1 ${o}/location/city/K%C3%B6ln`,
        xaddrs: here,
      },
      { scopes: { name: 'Yard & gate', hardware: 'IPC-1', location: 'city/Köln' }, xaddrs: [here] },
    ],
    [
      'without scopes has empty texts',
      { xaddrs: here },
      { scopes: { name: '', hardware: '', location: '' }, xaddrs: [here] },
    ],
    [
      'with a scope that says nothing: the next one counts',
      { scopes: `${o}/name/ ${o}/name/B%`, xaddrs: here },
      { scopes: { name: 'B%', hardware: '', location: '' }, xaddrs: [here] },
    ],
    [
      'names the address first that it came from, then others, then link-local ones, IPv6 last',
      { xaddrs: `http://[fe80::1]/onvif http://169.254.1.2/onvif http://192.168.1.2/onvif ${here}` },
      {
        scopes: { name: '', hardware: '', location: '' },
        xaddrs: [here, 'http://192.168.1.2/onvif', 'http://169.254.1.2/onvif', 'http://[fe80::1]/onvif'],
      },
    ],
    [
      'whose address is none of the web is left out',
      { xaddrs: 'ftp://10.0.0.7/ soap.udp://10.0.0.7:3702 nonsense' },
      undefined,
    ],
    ['whose address has credentials is left out', { xaddrs: 'http://u:p@10.0.0.7/onvif' }, undefined],
    ['without address is left out', {}, undefined],
    ['of a printer is left out', { types: 'wsdp:Device wprt:PrintDeviceType', xaddrs: here }, undefined],
    [
      'of a device whose type says less than its scopes is taken',
      { types: 'tds:Device', scopes: `${o}/name/NVR`, xaddrs: here },
      { scopes: { name: 'NVR', hardware: '', location: '' }, xaddrs: [here] },
    ],
  ];
  for (const [name, parts, result] of rows)
    test(name, () => {
      const [found] = readProbeMatches(answer(matchXml(parts)), from);
      assert.deepEqual(found, result && { endpoint: 'a-1', ...result });
    });

  test('is one device, however its endpoint is written', () => {
    const names = ['urn:uuid:A-1', 'uuid:a-1', 'A-1', '  URN:UUID:a-1 '];
    const endpoints = names.map(
      endpoint => readProbeMatches(answer(matchXml({ endpoint, xaddrs: here })), from)[0]?.endpoint,
    );
    assert.deepEqual(new Set(endpoints), new Set(['a-1']));
    assert.equal(readProbeMatches(answer(matchXml({ endpoint: '', xaddrs: here })), from)[0]?.endpoint, here);
  });

  test('may hold several devices, and be anything else', () => {
    const two = answer(matchXml({ xaddrs: here }), matchXml({ endpoint: 'b', xaddrs: here }));
    assert.deepEqual(
      readProbeMatches(two, from).map(m => m.endpoint),
      ['a-1', 'b'],
    );
    for (const text of ['', 'hello', '<a/>', '<Envelope><Body/></Envelope>', two.slice(0, -20)])
      assert.deepEqual(readProbeMatches(text, from), [], text);
  });

  test('is cut where it is too long: addresses, scopes, texts, devices', () => {
    const xaddrs = Array.from({ length: 50 }, (_, i) => `http://10.0.1.${i}/`).join(' ');
    const [found] = readProbeMatches(answer(matchXml({ xaddrs, scopes: `${o}/name/${'x'.repeat(5000)}` })), from);
    assert.deepEqual([found?.xaddrs.length, found?.scopes.name.length], [8, 200]);
    const many = Array.from({ length: 500 }, (_, i) => matchXml({ endpoint: `d${i}`, xaddrs: here }));
    assert.equal(readProbeMatches(answer(...many), from).length, 64);
  });

  test('whatever comes as one, it is read without harm', () => {
    const random = fuzzSeed('probe matches');
    const good = new TextEncoder().encode(
      answer(matchXml({ scopes: `${o}/name/a%20b ${o}/location/%C3%B6`, xaddrs: `${here} http://[::1]/x` })),
    );
    for (let round = fuzzRounds(1500); round > 0; round--)
      for (const { xaddrs, scopes } of readProbeMatches(new TextDecoder().decode(mutate(random, good)), from)) {
        assert.ok(xaddrs.length >= 1 && xaddrs.length <= 8 && xaddrs.every(x => /^https?:/i.test(x)), String(xaddrs));
        assert.ok(Object.values(scopes).every(s => s.length <= 200));
      }
  });
});

test('a Probe asks for one type, which its prefix means', () => {
  const root = parseXml(writeProbe('1-2', 'tds:Device'));
  assert.equal(textAt(root, 'Header', 'MessageID'), 'urn:uuid:1-2');
  const probe = at(root, 'Body', 'Probe');
  assert.equal(probe?.uri, 'http://schemas.xmlsoap.org/ws/2005/04/discovery');
  assert.equal(textAt(probe, 'Types'), 'tds:Device');
  assert.match(writeProbe('1', 'tds:Device'), /xmlns:tds="http:\/\/www\.onvif\.org\/ver10\/device\/wsdl"/);
});

describe('the answers together', () => {
  const match = (endpoint: string, xaddr: string, name = ''): Match => ({
    endpoint,
    scopes: { name, hardware: '', location: '' },
    xaddrs: [xaddr],
  });

  test('have each device once, with all its addresses and what any answer said of it', () => {
    const findings = new Findings();
    for (const m of [
      match('a', 'http://10.0.0.1/'),
      match('a', 'http://10.0.0.1/', 'A'),
      match('a', 'http://10.1.0.1/'),
    ])
      findings.add(m);
    assert.deepEqual(findings.list(), [
      { scopes: { name: 'A', hardware: '', location: '' }, xaddrs: ['http://10.0.0.1/', 'http://10.1.0.1/'] },
    ]);
  });

  test('are in order of address, 9 before 10, and not without end', () => {
    const findings = new Findings();
    for (const host of [10, 9, 100]) findings.add(match(`e${host}`, `http://10.0.0.${host}/`));
    assert.deepEqual(
      findings.list().map(f => f.xaddrs[0]),
      ['http://10.0.0.9/', 'http://10.0.0.10/', 'http://10.0.0.100/'],
    );
    for (let i = 0; i < foundLimit + 100; i++) findings.add(match(`m${i}`, `http://10.0.1.1/${i}`));
    assert.equal(findings.list().length, foundLimit);
  });
});
