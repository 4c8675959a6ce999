import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Camera } from '#camera/camera';
import { fakeContext } from '#fake/context';
import { temporaryFolder } from '#fake/daemon';
import { needPeer, runPeer } from '#fake/peers';
import { fakeWorld } from '#fake/world';
import { clock } from '#host/clock';
import { createTcp } from '#host/tcp';
import { answerChallenge, type Challenge, parseChallenges } from '#rtsp/auth';
import { headersNamed, type RtspResponse } from '#rtsp/message';
import authnz from '../../../objects/authnz/index.ts';
import rtsp from '../../../objects/rtsp/index.ts';
import rtspsrv from '../../../objects/rtspsrv/index.ts';
import { marksIn } from '../../../tools/fake-camera/mark.ts';
import { type Client, isRow, Source, serve, until } from './rig.ts';

const accounts = [
  { type: 'password', login: 'joe', password: 'pass word' },
  { type: 'apikey', key: 'ci', secret: 'long-enough' },
];

/** The guard as its own object makes it. */
function guard(config: Record<string, unknown> = {}) {
  const context = fakeContext(authnz, 'auth', { realm: 'site', accounts, roles: [], ...config }, fakeWorld());
  return (authnz.create(context as never) as Exclude<ReturnType<typeof authnz.create>, Promise<unknown>>).provides
    .authenticator;
}

const challengesIn = (r: RtspResponse): Challenge[] => parseChallenges(headersNamed(r, 'www-authenticate'));
const answer = (
  c: Client,
  challenge: Challenge,
  user: string,
  password: string,
  method = 'DESCRIBE',
  path = 'cam',
) => ({
  Authorization: answerChallenge(challenge, { user, password }, { method, uri: c.url(path), cnonce: 'x', count: 1 }),
});

describe('rtspsrv with an authnz', () => {
  for (const algorithm of ['SHA-256', 'MD5'] as const)
    test(`a password proves itself by ${algorithm}; whoever has none learns the realm alone`, async t => {
      const cam = new Source();
      const rig = await serve(t, { cam }, { authenticator: guard() });
      cam.give(1);
      const c = await rig.client();
      assert.equal((await c.ask('OPTIONS', 'cam')).status, 200);
      const refused = await c.ask('DESCRIBE', 'cam');
      assert.equal(refused.status, 401);
      assert.equal((await c.ask('DESCRIBE', 'nobody')).status, 401);
      const challenges = challengesIn(refused);
      assert.deepEqual(
        challenges.map(x => (x.scheme === 'digest' ? `${x.algorithm} ${x.realm}` : x.scheme)),
        ['SHA-256 site', 'MD5 site'],
      );
      const challenge = challenges.find(x => x.scheme === 'digest' && x.algorithm === algorithm)!;
      assert.equal((await c.ask('DESCRIBE', 'cam', answer(c, challenge, 'joe', 'wrong'))).status, 401);
      assert.equal((await c.ask('DESCRIBE', 'cam', answer(c, challenge, 'jim', 'pass word'))).status, 401);
      assert.equal((await c.ask('DESCRIBE', 'cam', answer(c, challenge, 'ci', 'long-enough'))).status, 401);
      assert.equal((await c.ask('DESCRIBE', 'cam', answer(c, challenge, 'joe', 'pass word'))).status, 200);
      assert.equal((await c.ask('DESCRIBE', 'nobody')).status, 404, 'the connection is known by now');
      const basic = { Authorization: `Basic ${btoa('joe:pass word')}` };
      assert.equal((await (await rig.client()).ask('DESCRIBE', 'cam', basic)).status, 401, 'never in the clear');
    });

  test('a proof is good on the connection whose nonce it answers, and for ten minutes', async t => {
    const cam = new Source();
    const rig = await serve(t, { cam }, { authenticator: guard(), config: { timeout: 3600 } });
    cam.give(1);
    const [a, b] = [await rig.client(), await rig.client()];
    const [challenge] = challengesIn(await a.ask('DESCRIBE', 'cam')) as [Challenge];
    const proof = answer(a, challenge, 'joe', 'pass word');
    assert.equal((await b.ask('DESCRIBE', 'cam', proof)).status, 401);
    assert.equal((await a.ask('DESCRIBE', 'cam', proof)).status, 200);
    await rig.clock.pass(600_001);
    const stale = await a.ask('DESCRIBE', 'cam', proof);
    const again = challengesIn(stale)[0]!;
    assert.ok(stale.status === 401 && again.scheme === 'digest' && again.stale);
    assert.equal((await a.ask('DESCRIBE', 'cam', answer(a, again, 'joe', 'pass word'))).status, 200);
  });

  test('roles and acl decide what an account may watch; guessing ends the connection', async t => {
    const [cam, yard] = [new Source(), new Source()];
    const acl = [['guard', 'cam', null, 'read']];
    const rig = await serve(t, { cam, yard }, { authenticator: guard({ roles: [['joe', 'guard']], acl }) });
    cam.give(1);
    yard.give(1);
    const c = await rig.client();
    const [challenge] = challengesIn(await c.ask('DESCRIBE', 'yard')) as [Challenge];
    const yes = answer(c, challenge, 'joe', 'pass word', 'DESCRIBE', 'yard');
    assert.equal((await c.ask('DESCRIBE', 'yard', yes)).status, 403);
    assert.equal((await c.ask('DESCRIBE', 'cam')).status, 200);
    assert.equal((await c.ask('DESCRIBE', 'nobody')).status, 404);
    const thief = await rig.client();
    const [theirs] = challengesIn(await thief.ask('DESCRIBE', 'cam')) as [Challenge];
    for (let i = 0; i < 6; i++) await thief.ask('DESCRIBE', 'cam', answer(thief, theirs, 'joe', `guess${i}`));
    await until('away', () => thief.closed);
  });

  test('when others decide who may watch, nobody stays by the former rules', async t => {
    const cam = new Source();
    const rig = await serve(t, { cam });
    cam.give(1);
    const c = await rig.client();
    await c.play('cam');
    rig.link({ cam }, guard());
    await until('away', () => c.closed);
    assert.equal((await (await rig.client()).ask('DESCRIBE', 'cam')).status, 401);
  });
});

describe('our own client', () => {
  /** The object `rtsp` playing from the server. */
  function viewer(t: { after(f: () => Promise<void>): void }, url: string, config: Record<string, unknown> = {}) {
    const defaults = {
      port: 554,
      path: '/',
      transport: ['tcp'],
      dynamic: false,
      enable: ['video', 'audio'],
      rtpstats: false,
      stall_seconds: 10,
      linger_seconds: 10,
      time: 'device',
    };
    const context = fakeContext(
      rtsp,
      'again',
      { ...defaults, url, ...config },
      fakeWorld({ clock, tcp: createTcp() } as never),
    );
    const object = new Camera(context as never, () => url);
    const numbers: number[] = [];
    const wall: number[] = [];
    object.provides.media.attach(
      {
        unit: u => {
          const [mark] = marksIn(u.data);
          if (u.track === 0 && mark) numbers.push(mark.unit);
          wall.push(u.wallMs);
        },
        gap: () => {},
      },
      { who: 'test', from: 'keyframe' },
    );
    t.after(() => context.scope.close());
    void object.start();
    return { numbers, wall, context };
  }

  test('plays what the server plays, with Digest: no picture is missing through a change of parameter sets', async t => {
    const cam = new Source();
    const rig = await serve(t, { cam }, { authenticator: guard() });
    cam.give(30);
    const v = viewer(t, `rtsp://127.0.0.1:${rig.port}/cam`, { auth: ['joe', 'pass word'] });
    await until('it plays', () => v.numbers.length > 0);
    cam.give(20);
    cam.again(2, { video: 'second.h264', firstMs: Date.UTC(2026, 0, 1) + 10_000 });
    cam.give(30);
    // A picture is known to be whole when the next one begins, where no marker says so.
    await until('all', () => (v.numbers.at(-1) ?? 0) >= 78);
    assert.deepEqual([v.numbers[0], isRow(v.numbers), v.context.said.faults], [25, true, []]);
  });

  test('through TLS, with media inside; UDP is not offered there', { skip: needPeer('openssl') }, async t => {
    const folder = temporaryFolder(t as never);
    const tls = { key: join(folder, 'key.pem'), certificate: join(folder, 'cert.pem') };
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=cam', '-days', '2'];
    runPeer('openssl', [...request, '-keyout', tls.key, '-out', tls.certificate]);
    const cam = new Source();
    const rig = await serve(t, { cam }, { authenticator: guard(), config: { tls } });
    cam.give(30);
    const refused: string[] = [];
    const connection = await createTcp().connect({
      host: '127.0.0.1',
      port: rig.port,
      tls: { rejectUnauthorized: false },
      timeoutMs: 5000,
      onBytes: (b, n) => void refused.push(Buffer.from(b.subarray(0, n)).toString()),
      onClose: () => {},
    });
    const basic = `Authorization: Basic ${btoa('ci:long-enough')}`;
    const url = `rtsps://127.0.0.1:${rig.port}/cam`;
    connection.write(`DESCRIBE ${url} RTSP/1.0\r\nCSeq: 1\r\n${basic}\r\n\r\n`);
    await until('Basic is taken here', () => refused.join('').startsWith('RTSP/1.0 200'));
    refused.length = 0;
    connection.write(
      `SETUP ${url}/trackID=0 RTSP/1.0\r\nCSeq: 2\r\n${basic}\r\nTransport: RTP/AVP;unicast;client_port=4000-4001\r\n\r\n`,
    );
    await until('UDP is not', () => refused.join('').startsWith('RTSP/1.0 461'));
    connection.close();
  });
});

describe('the declaration', () => {
  const check = (config: Record<string, unknown>): string[] =>
    rtspsrv.check!({ port: 554, timeout: 60, transport: ['tcp', 'udp'], ...config } as never).map(p => p.pointer);
  const tls = { key: 'k', certificate: 'c' };
  const rows: [name: string, config: Record<string, unknown>, wrong: string[]][] = [
    ['nothing said', {}, []],
    ['a range with a pair in it', { udp_ports: [8001, 8003] }, []],
    ['a range without a pair that begins even', { udp_ports: [8001, 8002] }, ['/udp_ports']],
    ['a range upside down', { udp_ports: [9000, 8000] }, ['/udp_ports']],
    ['TLS with UDP beside it', { tls }, []],
    ['TLS with UDP alone', { tls, transport: ['udp'] }, ['/transport']],
  ];
  for (const [name, config, wrong] of rows) test(name, () => assert.deepEqual(check(config), wrong));
});
