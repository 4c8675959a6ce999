/** Publishing through rtspsrv into a push source: real sockets, the test's clock. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { describe, test } from 'node:test';
import { fakeContext } from '#fake/context';
import { FakeClock, fakeWorld } from '#fake/world';
import type { AccessUnit } from '#media/access-unit';
import { parseRtcp } from '#rtp/rtcp';
import { answerChallenge, parseChallenges } from '#rtsp/auth';
import { headersNamed, type RtspResponse } from '#rtsp/message';
import authnz from '../../../objects/authnz/index.ts';
import push from '../../../objects/push/index.ts';
import { announcement, ClipPublisher, clip, sdpOf } from './publisher.ts';
import { type Client, Source, serve, type T, until } from './rig.ts';

const pushDefaults = {
  protocols: ['whip', 'rtsp', 'ts'],
  takeover: false,
  timeout: 10,
  enable: ['video', 'audio'],
  time: 'server',
};

/** A push source `live` and a camera `cam` behind one server. */
async function site(t: T, config: Record<string, unknown> = {}, server: Parameters<typeof serve>[2] = {}) {
  const clock = new FakeClock();
  const context = fakeContext(push, 'live', { ...pushDefaults, ...config }, fakeWorld({ clock }));
  const object = await push.create(context as never);
  void object.start();
  const units: AccessUnit[] = [];
  const gaps: string[] = [];
  object.provides.media.attach(
    { unit: u => void units.push(u), gap: g => void gaps.push(g.reason) },
    { who: 'test', from: 'next' },
  );
  t.after(async () => {
    await context.scope.close();
    assert.deepEqual([context.scope.open, clock.waiting], [[], 0]);
  });
  const rig = await serve(t, { cam: new Source() }, { ...server, pushes: { live: object.provides } });
  const state = () => context.state();
  return { rig, object, clock, units, gaps, state, publisher: async () => new ClipPublisher(await rig.client()) };
}

const bytesOf = (units: readonly AccessUnit[], track: number): Buffer =>
  Buffer.concat(units.filter(u => u.track === track).map(u => u.data));

describe('publishing over RTSP', () => {
  test('over TCP every unit arrives as it was sent, and reports go back; TEARDOWN ends it in order', async t => {
    const s = await site(t);
    const p = await s.publisher();
    await p.begin('live');
    p.give(100);
    await until('all', () => s.units.length === 100);
    const sent = clip().units.slice(0, 100);
    assert.deepEqual(bytesOf(s.units, 0), bytesOf(sent, 0));
    assert.deepEqual(bytesOf(s.units, 1), bytesOf(sent, 1));
    assert.deepEqual(
      s.units.filter(u => u.track === 0).map(u => u.pts),
      sent.filter(u => u.track === 0).map(u => u.pts),
    );
    await s.rig.clock.pass(6000);
    await until('a report', () => p.client.rtcp(1).length > 0 && p.client.rtcp(3).length > 0);
    const [report] = p.client.rtcp(1);
    assert.ok(report?.type === 'receiver-report' && report.reports[0]?.ssrc === 7 && report.reports[0]?.lost === 0);
    assert.equal((await p.client.ask('TEARDOWN', 'live')).status, 200);
    assert.deepEqual([s.gaps, s.state()], [['no-media', 'no-media'], 'idle']);
    const facts = s.rig.world.log.lines.find(l => l.event === 'publisher-ends')?.facts;
    assert.deepEqual([facts?.['why'], facts?.['lost'], facts?.['faults']], ['teardown', 0, 0]);
  });

  test('a file over TCP, sent as fast as it goes, is read at the pace at which it plays, ten seconds ahead', async t => {
    const s = await site(t);
    const p = await s.publisher();
    await p.begin('live');
    p.repeat(120);
    const aheadMs = (): number => (s.units.at(-1)?.wallMs ?? 0) - s.rig.clock.wallMs();
    for (let second = 0; second < 20; second += 5) {
      await until('it is ahead', () => aheadMs() > 9_000);
      await new Promise(r => setTimeout(r, 50));
      assert.ok(aheadMs() < 40_000, `${aheadMs()} ms ahead after ${second} s`);
      await s.rig.clock.pass(5_000);
    }
    // It is noticed that nobody is there any more when the rest is read.
    p.client.socket.end();
    for (let i = 0; i < 60 && s.state() !== 'idle'; i++) {
      await s.rig.clock.pass(5_000);
      await new Promise(r => setTimeout(r, 20));
    }
    assert.equal(s.state(), 'idle');
  });

  test('over UDP packets out of order are put right, those of strangers are dropped, and reports go back', async t => {
    const s = await site(t);
    const p = await s.publisher();
    await p.begin('live', t);
    p.report();
    for (let i = 0; i < 10; i++) {
      p.give(10, i > 0);
      await new Promise(r => setTimeout(r, 5));
    }
    await until('all', () => s.units.length === 100);
    assert.deepEqual(bytesOf(s.units, 0), bytesOf(clip().units.slice(0, 100), 0));
    assert.equal(s.rig.world.log.lines.filter(l => l.event === 'publisher-begins')[0]?.facts['transport'], 'udp');
    await s.rig.clock.pass(6000);
    await until('reports', () => p.heard.some(b => parseRtcp(b, 0, b.length)[0]?.type === 'receiver-report'));
    // Media alone keep the session alive.
    for (let i = 0; i < 4; i++) {
      await s.rig.clock.pass(30_000);
      p.give(2);
      await until('more', () => s.units.length === 102 + 2 * i);
    }
    p.client.socket.destroy();
    await until('left', () => s.state() === 'idle');
    assert.deepEqual(s.gaps, ['no-media', 'network-loss']);
  });

  test('the ports of UDP are those that may be taken; without any the client may try another way', async t => {
    const blocker = createSocket('udp4');
    await new Promise<void>(done => blocker.bind(0, '127.0.0.1', done));
    t.after(() => void blocker.close());
    const even = blocker.address().port & ~1;
    const s = await site(t, {}, { config: { udp_ports: [even, even + 1], transport: ['tcp'] } });
    const p = await s.publisher();
    assert.equal((await p.announce('live')).status, 200);
    const setup = (transport: string): Promise<RtspResponse> =>
      p.client.ask('SETUP', 'live/streamid=0', { Transport: transport });
    assert.equal((await setup('RTP/AVP;unicast;client_port=4000-4001;mode=record')).status, 461);
    assert.equal((await setup('RTP/AVP/TCP;unicast;interleaved=0-1;mode=record')).status, 200);
  });

  test('a client that vanishes is network loss, and its place is free; what comes next is another run', async t => {
    const s = await site(t);
    const first = await s.publisher();
    await first.begin('live');
    first.give(20);
    await until('pictures', () => s.units.length === 20);
    first.client.socket.resetAndDestroy();
    await until('left', () => s.state() === 'idle');
    assert.deepEqual(s.gaps, ['no-media', 'network-loss']);
    const second = await s.publisher();
    await second.begin('live');
    second.give(20);
    await until('pictures again', () => s.units.length === 40);
    assert.deepEqual([...new Set(s.units.map(u => u.run.id))], [1, 2]);
  });

  test('a second publisher gets 409 before it sends anything; with `takeover` the first is disconnected', async t => {
    const s = await site(t);
    await (await s.publisher()).begin('live');
    assert.equal((await (await s.publisher()).announce('live')).status, 409);
    const open = await site(t, { takeover: true });
    const first = await open.publisher();
    await first.begin('live');
    const second = await open.publisher();
    await second.begin('live');
    await until('away', () => first.client.closed);
    second.give(10);
    await until('pictures', () => open.units.length === 10);
  });

  test('a publisher that stalls is disconnected, also one that only announced', async t => {
    const s = await site(t, { timeout: 3 });
    const p = await s.publisher();
    await p.begin('live');
    p.give(5);
    await until('pictures', () => s.units.length === 5);
    await s.clock.pass(4000);
    await until('away', () => p.client.closed);
    assert.equal(s.state(), 'failed');
    const q = await s.publisher();
    await q.announce('live');
    await s.clock.pass(4000);
    await until('away', () => q.client.closed);
  });

  test('what cannot be published is refused, and takes nobody the place', async t => {
    const s = await site(t);
    const c = await s.rig.client();
    const sdp = sdpOf(clip().tracks);
    const status = async (path: string, body: string, headers: Record<string, string> = announcement) =>
      (await c.ask('ANNOUNCE', path, headers, body)).status;
    const many = `v=0\r\n${'m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n'.repeat(9)}`;
    assert.deepEqual(
      [
        await status('nobody', sdp),
        await status('cam', sdp),
        await status('live', sdp, {}),
        await status('live', sdp, { 'Content-Type': 'text/plain' }),
        await status('live', ''),
        await status('live', 'nonsense\r\n\0\0'),
        await status('live', 'v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 X-NEW/90000\r\n'),
        await status('live', 'v=0\r\nm=audio 0 RTP/AVP 200\r\n'),
        await status('live', many),
      ],
      [404, 405, 415, 415, 400, 400, 415, 415, 415],
    );
    assert.equal(s.state(), 'idle');
    assert.equal(await status('live', sdp), 200);
    const setup = (path: string, transport = 'RTP/AVP/TCP;interleaved=0-1;mode=record') =>
      c.ask('SETUP', path, { Transport: transport });
    assert.deepEqual([(await setup('live')).status, (await setup('live/streamid=7')).status], [404, 459]);
  });

  test('tracks that nobody takes are set up all the same, and thrown away', async t => {
    const s = await site(t, { enable: ['video'] });
    const p = await s.publisher();
    await p.begin('live');
    p.give(60);
    await until(
      'pictures',
      () =>
        s.units.length ===
        clip()
          .units.slice(0, 60)
          .filter(u => u.track === 0).length,
    );
    assert.ok(s.units.every(u => u.track === 0 && u.run.tracks.length === 1));
  });

  test('what is published can be watched at the same server', async t => {
    const s = await site(t);
    const p = await s.publisher();
    await p.begin('live');
    p.give(50);
    await until('all', () => s.units.length === 50);
    const viewer = await s.rig.client();
    await viewer.play('live');
    p.give(50);
    const sound = clip()
      .units.slice(50, 100)
      .filter(u => u.track === 1).length;
    await until('sound', () => viewer.rtp(2).length >= sound);
    assert.ok(viewer.rtp(0).length > 10);
    viewer.socket.destroy();
  });
});

describe('who may publish', () => {
  const guard = async (acl?: readonly unknown[]) => {
    const accounts = [{ type: 'password', login: 'joe', password: 'pass word' }];
    const config = { realm: 'site', accounts, roles: [['joe', 'crew']], ...(acl ? { acl } : {}) };
    const context = fakeContext(authnz, 'auth', config, fakeWorld());
    return (await authnz.create(context as never)).provides.authenticator;
  };
  /** ANNOUNCE without a login, then with this password. */
  const tries = async (c: Client, password: string): Promise<readonly number[]> => {
    const sdp = sdpOf(clip().tracks);
    const first = await c.ask('ANNOUNCE', 'live', announcement, sdp);
    const challenge = parseChallenges(headersNamed(first, 'www-authenticate'))[0];
    if (!challenge) return [first.status];
    const request = { method: 'ANNOUNCE', uri: c.url('live'), cnonce: 'x', count: 1 };
    const Authorization = answerChallenge(challenge, { user: 'joe', password }, request);
    return [first.status, (await c.ask('ANNOUNCE', 'live', { ...announcement, Authorization }, sdp)).status];
  };

  const rows: [name: string, acl: readonly unknown[] | undefined, password: string, statuses: readonly number[]][] = [
    ['operate on PushSource lets in', [['crew', 'live', 'PushSource', 'operate']], 'pass word', [401, 200]],
    ['a wrong password does not', [['crew', 'live', 'PushSource', 'operate']], 'guess', [401, 401]],
    ['read does not', [['crew', 'live', null, 'read']], 'pass word', [401, 403]],
    ['another object does not', [['crew', 'cam', null, 'operate']], 'pass word', [401, 403]],
    ['without an acl accounts watch, and do no more', undefined, 'pass word', [401, 403]],
  ];
  for (const [name, acl, password, statuses] of rows)
    test(name, async t => {
      const s = await site(t, {}, { authenticator: await guard(acl) });
      assert.deepEqual(await tries(await s.rig.client(), password), statuses);
    });
});
