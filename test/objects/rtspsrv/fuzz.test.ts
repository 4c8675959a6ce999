/** Whole dialogues by chance against one connection: nothing throws, nothing grows, nothing is left held. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TcpConnection } from '#core/world';
import { fuzzRounds, fuzzSeed } from '#fake/fuzz';
import { FakeLog, fakeWorld, settle } from '#fake/world';
import { Connection } from '../../../objects/rtspsrv/connection.ts';
import { Door } from '../../../objects/rtspsrv/door.ts';
import { Places } from '../../../objects/rtspsrv/replaying.ts';
import { Streams } from '../../../objects/rtspsrv/streams.ts';
import { Recording } from './recording.ts';
import { Source } from './rig.ts';

const methods = ['OPTIONS', 'DESCRIBE', 'SETUP', 'PLAY', 'PAUSE', 'TEARDOWN', 'GET_PARAMETER', 'RECORD', 'ANNOUNCE'];
const paths = [
  'cam',
  'cam/trackID=0',
  'cam/trackID=1',
  'cam/trackID=9',
  'stor/cam',
  'stor/cam/trackID=0',
  'stor/cam?begin=1767225601000&speed=2/trackID=0',
  'stor/cam/trackID=1?speed=-3',
  'stor/cam?begin=x',
  'stor/none',
  'yard',
  'yard/trackID=0',
  'none',
  '',
  '%zz',
  '*',
];
const transports = [
  'RTP/AVP/TCP;unicast;interleaved=0-1',
  'RTP/AVP/TCP;unicast;interleaved=2-3',
  'RTP/AVP/TCP;interleaved=254-255',
  'RTP/AVP;unicast;client_port=4000-4001',
  'RTP/AVP;multicast',
  'nonsense',
];

/** For PLAY of a recording. */
const wishes = [
  'Range: npt=0-',
  'Range: npt=1.5-3',
  'Range: npt=now-',
  'Range: clock=20260101T000001Z-20260101T000003Z',
  'Range: clock=20250101T000000Z-',
  'Range: clock=20270101T000000Z-',
  'Range: smpte=1-',
  'Scale: -1',
  'Scale: 16',
  'Scale: 0',
  'Speed: 2',
  'Rate-Control: no',
  'Frames: intra',
  'Require: onvif-replay',
];

test('dialogues by chance: nothing throws, nothing grows, nothing stays held', async () => {
  const random = fuzzSeed('rtspsrv');
  let viewers = 0;
  let replays = 0;
  const pick = <T>(of: readonly T[]): T => of[random.below(of.length)]!;
  for (let round = 0; round < fuzzRounds(40); round++) {
    const sources: Record<string, Source> = { cam: new Source(), yard: new Source({ audio: false }) };
    const world = fakeWorld();
    const streams = new Streams(world);
    streams.set(new Map(Object.entries(sources).map(([name, s]) => [name, s.media])));
    const recording = new Recording(
      { fromMs: 0, seconds: 2, paddingBytes: 20_000 },
      { fromMs: 9000, seconds: 2, audio: random.below(2) > 0 },
    );
    let linked = true;
    const way = random.below(2) > 0 ? ['cam/trackID=0', 'cam'] : ['stor/cam/trackID=0', 'stor/cam'];
    let queued = 0;
    let most = 0;
    let ended = 0;
    let session: string | undefined;
    const connection: TcpConnection = {
      localAddress: '127.0.0.1:554',
      remoteAddress: '127.0.0.1:50000',
      write: bytes => {
        queued += bytes.length;
        most = Math.max(most, queued);
        if (typeof bytes === 'string') session = /^Session: ([^;\r]+)/m.exec(bytes)?.[1] ?? session;
        return true;
      },
      get queuedBytes() {
        return queued;
      },
      readEvery: () => {},
      close: () => {},
    };
    const log = new FakeLog();
    const client = new Connection({
      world,
      log,
      streams,
      ingest: () => undefined,
      storage: name => (name === 'stor' && linked ? recording : undefined),
      places: new Places(),
      door: new Door(undefined, world, false),
      timeoutSeconds: 60,
      transports: ['tcp'],
      udp: undefined,
      connection,
      ended: () => void ended++,
    });
    for (const s of Object.values(sources)) s.give(2);
    for (let step = 0; step < 60; step++) {
      const headers = [
        `CSeq: ${step}`,
        ...(session !== undefined && random.below(5) > 0 ? [`Session: ${session}`] : []),
        ...(random.below(2) > 0 ? [`Transport: ${pick(transports)}`] : []),
        ...(random.below(2) > 0 ? [pick(wishes)] : []),
        ...(random.below(9) === 0 ? [`Content-Length: ${random.below(50)}`] : []),
      ];
      // Half of what is asked is on the way to media, else no dialogue would come so far.
      const sensible = random.below(2) > 0;
      const method = sensible ? pick(['SETUP', 'PLAY']) : pick(methods);
      const path = sensible ? pick(way) : pick(paths);
      const text = `${method} rtsp://h/${path} RTSP/1.0\r\n${headers.join('\r\n')}\r\n\r\n`;
      const bytes = new TextEncoder().encode(text);
      if (random.below(8) === 0) bytes[random.below(bytes.length)] = random.below(256);
      client.take(bytes, random.below(10) === 0 ? random.below(bytes.length) : bytes.length);
      if (random.below(3) === 0) await settle();
      if (random.below(3) === 0) pick(Object.values(sources)).give(1 + random.below(5), random.below(3) * 100_000);
      if (random.below(2) === 0) queued = Math.floor(queued * random.unit());
      if (random.below(6) === 0) {
        await world.clock.pass(random.below(20_000));
        client.tick();
      }
      if (random.below(60) === 0) {
        linked = random.below(2) > 0;
        client.relinked();
      }
      if (random.below(40) === 0) streams.set(new Map(random.below(2) ? [['cam', sources['cam']!.media]] : []));
    }
    await settle();
    client.close('the test is over');
    await world.clock.pass(30_000);
    assert.ok(most <= (4 << 20) + (16 << 10), `round ${round}: ${most} bytes waited`);
    assert.equal(ended, 1);
    assert.deepEqual(
      log.lines.filter(l => l.level === 'error'),
      [],
    );
    for (const s of Object.values(sources)) assert.deepEqual([s.bugs, s.hub.size], [[], 0], `round ${round}`);
    assert.equal(world.clock.waiting, 0);
    replays += log.lines.filter(l => l.event === 'viewer-begins' && l.facts?.['source'] === 'stor/cam').length;
    viewers += log.lines.filter(l => l.event === 'viewer-begins').length;
  }
  assert.ok(viewers > replays && replays > 0, 'some dialogues came as far as media, live and recorded');
});
