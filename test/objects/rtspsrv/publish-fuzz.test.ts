/** Publishers by chance: descriptions, dialogues and packets with mistakes in them. Nothing throws, nothing grows, no place stays taken. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TcpConnection } from '#core/world';
import { fakeContext } from '#fake/context';
import { fuzzRounds, fuzzSeed, mutate } from '#fake/fuzz';
import { FakeLog, fakeWorld, settle } from '#fake/world';
import { createPacketizer } from '#rtp/packetizer';
import push from '../../../objects/push/index.ts';
import { Connection } from '../../../objects/rtspsrv/connection.ts';
import { Door } from '../../../objects/rtspsrv/door.ts';
import { Places } from '../../../objects/rtspsrv/replaying.ts';
import { Streams } from '../../../objects/rtspsrv/streams.ts';
import { clip, sdpOf } from './publisher.ts';

const paths = ['live', 'live/streamid=0', 'live/streamid=1', 'live/streamid=9', 'none', '', '*'];
const transports = [
  'RTP/AVP/TCP;unicast;interleaved=0-1;mode=record',
  'RTP/AVP/TCP;unicast;interleaved=2-3;mode="RECORD"',
  'RTP/AVP/TCP;interleaved=255',
  'RTP/AVP;unicast;client_port=4000-4001;mode=record',
];

/** The way to media. */
const opening = [
  ['ANNOUNCE', 'live'],
  ['SETUP', 'live/streamid=0'],
  ['SETUP', 'live/streamid=1'],
  ['RECORD', 'live'],
] as const;

test('publishers by chance: nothing throws, nothing grows, no place stays taken', async () => {
  const random = fuzzSeed('rtspsrv publishers');
  const pick = <T>(of: readonly T[]): T => of[random.below(of.length)]!;
  const { tracks, units } = clip();
  const text = new TextEncoder();
  const sdp = text.encode(sdpOf(tracks));
  let published = 0;
  for (let round = 0; round < fuzzRounds(40); round++) {
    const world = fakeWorld();
    const config = {
      protocols: ['rtsp'],
      takeover: random.below(2) > 0,
      timeout: 10,
      enable: ['video', 'audio'],
      time: 'device',
    };
    const context = fakeContext(push, 'live', config, world);
    const object = await push.create(context as never);
    void object.start();
    object.provides.media.attach({ unit: () => void published++, gap: () => {} }, { who: 'test', from: 'next' });
    let session: string | undefined;
    let written = 0;
    const log = new FakeLog();
    const connection: TcpConnection = {
      localAddress: '127.0.0.1:554',
      remoteAddress: '127.0.0.1:50000',
      write: bytes => {
        written += bytes.length;
        if (typeof bytes === 'string') session = /^Session: ([^;\r]+)/m.exec(bytes)?.[1] ?? session;
        return true;
      },
      queuedBytes: 0,
      readEvery: () => {},
      close: () => {},
    };
    const streams = new Streams(world);
    const client = new Connection({
      world,
      log,
      streams,
      ingest: name => (name === 'live' ? object.provides.ingest : undefined),
      storage: () => undefined,
      places: new Places(),
      door: new Door(undefined, world, false),
      timeoutSeconds: 60,
      transports: ['tcp'],
      udp: undefined,
      connection,
      ended: () => {},
    });
    const packetizers = tracks.map((track, i) =>
      createPacketizer(track, { payloadType: 96 + i, ssrc: 7 + i, seq: 1, maxPayload: 1400, channel: 2 * i }),
    );
    let at = 0;
    let taken = 0;
    const take = (bytes: Uint8Array): void => {
      taken += bytes.length;
      client.take(bytes, random.below(20) === 0 ? random.below(bytes.length + 1) : bytes.length);
    };
    let cseq = 0;
    const ask = async (method: string, path: string): Promise<void> => {
      const body = method === 'ANNOUNCE' ? (random.below(3) === 0 ? mutate(random, sdp) : sdp) : new Uint8Array(0);
      const headers = [
        `CSeq: ${++cseq}`,
        ...(session !== undefined && random.below(8) > 0 ? [`Session: ${session}`] : []),
        ...(method === 'SETUP' ? [`Transport: ${path.endsWith('0') ? transports[0] : pick(transports)}`] : []),
        ...(body.length > 0 ? ['Content-Type: application/sdp', `Content-Length: ${body.length}`] : []),
      ];
      const head = text.encode(`${method} rtsp://h/${path} RTSP/1.0\r\n${headers.join('\r\n')}\r\n\r\n`);
      take(Uint8Array.from([...(random.below(12) === 0 ? mutate(random, head) : head), ...body]));
      await settle();
    };
    for (let step = 0; step < 40; step++) {
      if (step < 4 && random.below(8) > 0) {
        const [method, path] = opening[step] ?? ['OPTIONS', '*'];
        await ask(method, path);
        continue;
      }
      const what = random.below(10);
      if (what === 0)
        await ask(pick(['ANNOUNCE', 'SETUP', 'RECORD', 'PLAY', 'PAUSE', 'TEARDOWN', 'DESCRIBE']), pick(paths));
      else if (what === 1) {
        await world.clock.pass(random.below(7000));
        if (random.below(6) === 0) world.clock.stepWall(random.below(10_000) - 5000);
        client.tick();
      } else
        for (const unit of units.slice(at, (at += random.below(10)))) {
          const batch = packetizers[unit.track]!.packetize(unit.data, unit.keyframe, unit.pts);
          take(random.below(5) === 0 ? mutate(random, batch.bytes) : batch.bytes);
        }
    }
    client.close('the test is over');
    const now = await object.published.PushSource.publication({}, {} as never);
    assert.equal(now.publishing, false, `round ${round}`);
    assert.deepEqual(
      log.lines.filter(l => l.level === 'error'),
      [],
      `round ${round}`,
    );
    assert.ok(written < taken + 20_000, `round ${round}: ${written} bytes answered ${taken}`);
    await context.scope.close();
    await world.clock.pass(30_000);
    assert.deepEqual([context.scope.open, world.clock.waiting], [[], 0], `round ${round}`);
  }
  assert.ok(published > 0, 'some came as far as media');
});
