import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Fault } from '#core/errors';
import type { UdpSocket } from '#core/world';
import { createUdp } from '#host/udp';

const udp = createUdp();
const text = (b: Uint8Array): string => Buffer.from(b).toString('latin1');
const host = '127.0.0.1';
const until = async (what: () => boolean): Promise<void> => {
  for (let i = 0; i < 400 && !what(); i++) await new Promise(r => setTimeout(r, 5));
  assert.ok(what(), what.toString());
};
const closing = (t: { after(f: () => void): void }, ...sockets: readonly UdpSocket[]): void =>
  t.after(() => {
    for (const s of sockets) s.close();
  });

describe('udp', () => {
  test('a pair has neighbouring ports, the first even, and tells which one a packet came to and from where', async t => {
    const got: string[] = [];
    const pair = await udp.openPair({
      host,
      onPacket: (which, b, address, port) => void got.push(`${which} ${text(b)} ${address} ${port === from.port}`),
    });
    const from = await udp.open({ host, port: 0, onPacket: () => {} });
    closing(t, ...pair, from);
    assert.deepEqual([pair[0].port % 2, pair[1].port - pair[0].port], [0, 1]);
    const bytes = Buffer.from('..rtp..');
    from.send(bytes, 2, 5, host, pair[0].port);
    await until(() => got.length === 1);
    from.send(Buffer.from('rtcp'), 0, 4, host, pair[1].port);
    await until(() => got.length === 2);
    assert.deepEqual(got, ['0 rtp 127.0.0.1 true', '1 rtcp 127.0.0.1 true']);
  });

  test('pairs keep to the ports they may have, and say so when all are taken', async t => {
    const any = await udp.openPair({ host, onPacket: () => {} });
    const first = any[0].port;
    for (const s of any) s.close();
    const ports = [first, first + 1] as const;
    const pair = await udp.openPair({ host, ports, onPacket: () => {} });
    closing(t, ...pair);
    assert.equal(pair[0].port, first);
    await assert.rejects(
      udp.openPair({ host, ports, onPacket: () => {} }),
      (e: unknown) => e instanceof Fault && e.kind === 'transport' && e.code === 'no-ports',
    );
  });

  test('the receive buffer grows as far as the system lets it', async t => {
    const small = await udp.open({ host, port: 0, onPacket: () => {} });
    const large = await udp.open({ host, port: 0, receiveBufferBytes: 4 << 20, onPacket: () => {} });
    closing(t, small, large);
    assert.ok(large.receiveBufferBytes > small.receiveBufferBytes);
  });

  test('an address that is not ours: Fault transport, with the place', async () => {
    await assert.rejects(
      udp.open({ host: '198.51.100.7', port: 0, onPacket: () => {} }),
      (e: unknown) => e instanceof Fault && e.kind === 'transport' && e.message.includes('EADDRNOTAVAIL'),
    );
  });

  test('what is sent to a group reaches all who have joined it, and nobody else at that port', async t => {
    const got: string[] = [];
    const listen = (group: string, who: string): Promise<UdpSocket> =>
      udp.open({ host: group, port: 35004, joinAt: host, onPacket: b => void got.push(`${who} ${text(b)}`) });
    const sockets = [await listen('239.255.77.1', 'a'), await listen('239.255.77.1', 'b')];
    sockets.push(await listen('239.255.77.2', 'c'));
    const from = await udp.open({ host, port: 0, onPacket: () => {} });
    closing(t, ...sockets, from);
    from.multicastFrom(host, 1);
    from.send(Buffer.from('hello'), 0, 5, '239.255.77.1', 35004);
    await until(() => got.length === 2);
    await new Promise(r => setTimeout(r, 50));
    assert.deepEqual(got.sort(), ['a hello', 'b hello']);
  });

  test('closed twice, and nothing is sent or told afterwards', async t => {
    let heard = 0;
    const to = await udp.open({ host, port: 0, onPacket: () => void heard++ });
    const from = await udp.open({ host, port: 0, onPacket: () => {} });
    closing(t, from);
    from.send(Buffer.from('x'), 0, 1, host, to.port);
    to.close();
    to.close();
    to.send(Buffer.from('x'), 0, 1, host, from.port);
    assert.deepEqual([to.queuedBytes], [0]);
    await new Promise(r => setTimeout(r, 30));
    assert.equal(heard, 0);
  });
});
