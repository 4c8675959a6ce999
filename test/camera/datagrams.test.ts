import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hostOf, UdpMedia } from '#camera/datagrams';
import type { Udp, UdpSocket } from '#core/world';
import { FakeClock, settle } from '#fake/world';
import { writeRtpHeader } from '#rtp/packet';
import { parseRtcp, writeRtcp } from '#rtp/rtcp';

type Receive = (bytes: Uint8Array, address: string, port: number) => void;

/** Sockets that remember. Ports are 6000, 6001, ... in the order of opening. */
class FakeUdp implements Udp {
  addresses = (): readonly string[] => ['127.0.0.1'];
  readonly sent: string[] = [];
  readonly receive = new Map<number, Receive>();
  readonly listening = new Set<number>();
  bufferBytes = 4 << 20;
  #next = 6000;

  open(o: Parameters<Udp['open']>[0]): Promise<UdpSocket> {
    this.receive.set(o.port, (b, a, p) => o.onPacket(b, a, p));
    return Promise.resolve(this.#socket(o.port, `${o.host} at ${o.joinAt}`));
  }
  openPair(o: Parameters<Udp['openPair']>[0]): ReturnType<Udp['openPair']> {
    const port = this.#next;
    this.#next += 2;
    for (const which of [0, 1] as const) this.receive.set(port + which, (b, a, p) => o.onPacket(which, b, a, p));
    return Promise.resolve([this.#socket(port, o.host), this.#socket(port + 1, o.host)]);
  }
  #socket(port: number, where: string): UdpSocket {
    this.listening.add(port);
    return {
      port,
      receiveBufferBytes: this.bufferBytes,
      queuedBytes: 0,
      send: (bytes, begin, end, address, to) => {
        const kind = bytes[1] === 201 ? 'report' : 'rtp';
        this.sent.push(`${kind} of ${end - begin} from ${port} to ${address}:${to}`);
      },
      multicastFrom: (address, ttl) => void this.sent.push(`${where}: multicast from ${address}, ttl ${ttl}`),
      close: () => void this.listening.delete(port),
    };
  }
}

function bench() {
  const udp = new FakeUdp();
  const clock = new FakeClock();
  const said: string[] = [];
  const media = new UdpMedia(
    { world: { udp, clock }, local: '10.0.0.1', sender: '10.0.0.9', ssrc: 7 },
    {
      portsOpen: ports => void said.push(`ports ${ports}`),
      arrived: () => ({ nowMs: clock.monotonicMs(), wallMs: clock.wallMs() }),
      rtp: (track, bytes, begin) =>
        void said.push(`rtp ${track} ${((bytes[begin + 2] ?? 0) << 8) | (bytes[begin + 3] ?? 0)}`),
      rtcp: (track, bytes, begin, end) =>
        void said.push(`rtcp ${track} ${parseRtcp(bytes, begin, end).map(p => p.type)}`),
      failed: error => void said.push(`failed ${error}`),
      smallBuffer: bytes => void said.push(`small ${bytes}`),
    },
  );
  return { udp, clock, said, media };
}
const packet = (seq: number): Uint8Array => {
  const bytes = new Uint8Array(20);
  writeRtpHeader(bytes, 0, false, 96, seq, 0, 1);
  return bytes;
};
const report = writeRtcp([{ type: 'receiver-report', ssrc: 1, reports: [] }]);

describe('UdpMedia', () => {
  test('a pair per track; the way through firewalls is opened, to the source that is named too', async () => {
    const { udp, said, media } = bench();
    media.open(2);
    await settle();
    media.delivery(0, { kind: 'udp', ports: [7000, 7001], source: '10.0.0.8' });
    media.delivery(1, { kind: 'udp' });
    assert.deepEqual(said, ['ports 6000,6002']);
    assert.deepEqual(udp.sent, [
      'rtp of 12 from 6000 to 10.0.0.9:7000',
      'report of 8 from 6001 to 10.0.0.9:7001',
      'rtp of 12 from 6000 to 10.0.0.8:7000',
      'report of 8 from 6001 to 10.0.0.8:7001',
    ]);
    media.close();
    assert.deepEqual([...udp.listening], []);
  });

  test('packets count from the camera and from its source, in either spelling; others are counted', async () => {
    const { udp, said, media } = bench();
    media.open(1);
    await settle();
    media.delivery(0, { kind: 'udp', source: '10.0.0.8' });
    said.length = 0;
    const rtp = udp.receive.get(6000)!;
    rtp(packet(1), '10.0.0.9', 1);
    rtp(packet(2), '10.0.0.8', 2);
    rtp(packet(3), '::ffff:10.0.0.9', 3);
    rtp(packet(4), '10.0.0.66', 4);
    udp.receive.get(6001)!(report, '10.0.0.66', 4);
    assert.deepEqual([said, media.strangers], [['rtp 0 1', 'rtp 0 2', 'rtp 0 3'], 2]);
    media.close();
    rtp(packet(5), '10.0.0.9', 1);
    assert.equal(said.length, 3);
  });

  test('order is made; a hole is given up in time though nothing comes any more, and no timer stays', async () => {
    const { udp, clock, said, media } = bench();
    media.open(1);
    await settle();
    said.length = 0;
    for (const seq of [1, 3, 2, 5]) udp.receive.get(6000)!(packet(seq), '10.0.0.9', 1);
    assert.deepEqual(said, ['rtp 0 1', 'rtp 0 2', 'rtp 0 3']);
    await clock.pass(99);
    assert.equal(said.length, 3);
    await clock.pass(2);
    assert.deepEqual([said.at(-1), media.reordered, clock.waiting], ['rtp 0 5', 1, 0]);
  });

  test('reports go where the camera said, or else to where its own come from', async () => {
    const { udp, said, media } = bench();
    media.open(2);
    await settle();
    media.delivery(0, { kind: 'udp', ports: [7000, 7001] });
    media.delivery(1, { kind: 'udp' });
    udp.sent.length = said.length = 0;
    media.rtcp(0, report);
    media.rtcp(1, report);
    udp.receive.get(6003)!(report, '10.0.0.9', 4444);
    media.rtcp(1, report);
    assert.deepEqual(udp.sent, ['report of 8 from 6001 to 10.0.0.9:7001', 'report of 8 from 6003 to 10.0.0.9:4444']);
    assert.deepEqual(said, ['rtcp 1 receiver-report']);
    media.close();
  });

  test('a group is joined where the camera is reached, and hears our reports', async () => {
    const { udp, media } = bench();
    media.delivery(0, { kind: 'multicast', group: '239.1.1.1', ports: [5000, 5001], ttl: 3 });
    await settle();
    media.rtcp(0, report);
    assert.deepEqual(udp.sent, [
      '239.1.1.1 at 10.0.0.1: multicast from 10.0.0.1, ttl 3',
      'report of 8 from 5001 to 239.1.1.1:5001',
    ]);
    media.close();
    assert.deepEqual([...udp.listening], []);
  });

  test('closed while its sockets are being opened: none stays', async () => {
    const { udp, said, media } = bench();
    media.open(2);
    media.delivery(0, { kind: 'multicast', group: '239.1.1.1', ports: [5000, 5001], ttl: 3 });
    media.close();
    await settle();
    assert.deepEqual([[...udp.listening], said], [[], []]);
  });

  test('a small receive buffer is told', async () => {
    const { udp, said, media } = bench();
    udp.bufferBytes = 400_000;
    media.open(1);
    await settle();
    assert.deepEqual(said, ['small 400000', 'ports 6000']);
    media.close();
  });
});

test('the address of a place', () => {
  assert.deepEqual(['10.0.0.1:554', '[fe80::1]:554', ''].map(hostOf), ['10.0.0.1', 'fe80::1', '']);
});
