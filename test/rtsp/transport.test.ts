import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fuzzRounds, fuzzSeed, mutate } from '#fake/fuzz';
import { deliveryOf, type MediaTransport, transportWanted } from '#rtsp/transport';

describe('transportWanted', () => {
  const cases: [MediaTransport, string][] = [
    ['tcp', 'RTP/AVP/TCP;unicast;interleaved=4-5'],
    ['udp', 'RTP/AVP;unicast;client_port=4-5'],
    ['multicast', 'RTP/AVP;multicast'],
  ];
  for (const [transport, text] of cases) test(transport, () => assert.equal(transportWanted(transport, 4), text));
});

describe('deliveryOf', () => {
  const group = { kind: 'multicast', group: '239.1.2.3', ports: [5000, 5001] };
  const cases: [name: string, asked: MediaTransport, text: string | undefined, out: object | undefined][] = [
    ['channels', 'tcp', 'RTP/AVP/TCP;unicast;interleaved=0-1', { kind: 'tcp', rtp: 0, rtcp: 1 }],
    ['no Transport at all: as asked', 'tcp', undefined, { kind: 'tcp', rtp: 4, rtcp: 5 }],
    ['UDP where TCP was asked for', 'tcp', 'RTP/AVP;unicast;client_port=4-5', undefined],
    [
      'ports of both',
      'udp',
      'RTP/AVP;unicast;client_port=4-5;server_port=6970-6971',
      { kind: 'udp', ports: [6970, 6971] },
    ],
    [
      'one port of the camera means two',
      'udp',
      'RTP/AVP/UDP;unicast;client_port=4-5;server_port=6970',
      { kind: 'udp', ports: [6970, 6971] },
    ],
    ['no port of the camera', 'udp', 'RTP/AVP;unicast;client_port=4-5', { kind: 'udp' }],
    ['no Transport at all', 'udp', undefined, { kind: 'udp' }],
    [
      'a source',
      'udp',
      'RTP/AVP;unicast;source=10.0.0.9;server_port=2-3',
      { kind: 'udp', source: '10.0.0.9', ports: [2, 3] },
    ],
    ['a source in IPv6', 'udp', 'RTP/AVP;unicast;source=[fe80::1];ssrc=1', { kind: 'udp', source: 'fe80::1' }],
    ['a source that is none', 'udp', 'RTP/AVP;unicast;source=0.0.0.0', { kind: 'udp' }],
    ['quotes and blanks', 'udp', 'RTP/AVP; unicast; server_port = "2-3"', { kind: 'udp', ports: [2, 3] }],
    ['a port out of range', 'udp', 'RTP/AVP;unicast;server_port=70000-70001', { kind: 'udp' }],
    ['TCP where UDP was asked for', 'udp', 'RTP/AVP/TCP;unicast;interleaved=0-1', undefined],
    ['channels where UDP was asked for', 'udp', 'RTP/AVP;unicast;interleaved=0-1', undefined],
    [
      'multicast where unicast was asked for',
      'udp',
      'RTP/AVP;multicast;destination=239.1.2.3;port=5000-5001',
      undefined,
    ],
    ['a group', 'multicast', 'RTP/AVP;multicast;destination=239.1.2.3;port=5000-5001;ttl=2', { ...group, ttl: 2 }],
    [
      'a group without ttl',
      'multicast',
      'RTP/AVP;multicast;destination=239.1.2.3;port=5000-5001',
      { ...group, ttl: 16 },
    ],
    [
      'ports under another name',
      'multicast',
      'RTP/AVP;multicast;destination=239.1.2.3;server_port=5000-5001',
      { ...group, ttl: 16 },
    ],
    [
      'a group in IPv6',
      'multicast',
      'RTP/AVP;multicast;destination=ff05::7;port=8-9;ttl=1',
      { kind: 'multicast', group: 'ff05::7', ports: [8, 9], ttl: 1 },
    ],
    ['a destination that is no group', 'multicast', 'RTP/AVP;multicast;destination=10.0.0.1;port=5000-5001', undefined],
    ['no destination', 'multicast', 'RTP/AVP;multicast;port=5000-5001', undefined],
    ['unicast where multicast was asked for', 'multicast', 'RTP/AVP;unicast;client_port=5000-5001', undefined],
  ];
  for (const [name, asked, text, out] of cases)
    test(`${asked}: ${name}`, () => assert.deepEqual(deliveryOf(text, asked, 4), out));

  test('any text: no throw, ports and ttl in range', () => {
    const random = fuzzSeed('deliveryOf');
    const texts = cases.map(c => Buffer.from(c[2] ?? ''));
    for (let i = 0; i < fuzzRounds(3000); i++) {
      const text = Buffer.from(mutate(random, texts[random.below(texts.length)]!)).toString('latin1');
      for (const asked of ['tcp', 'udp', 'multicast'] as const) {
        const d = deliveryOf(text, asked, 4);
        const ports = d === undefined || d.kind === 'tcp' ? [] : (d.ports ?? []);
        assert.ok(ports.every(p => p > 0 && p < 65536));
        if (d?.kind === 'multicast') assert.ok(d.ttl <= 255);
      }
    }
  });
});
