/** The object `rtsp` against the fake camera, over loopback: real sockets, real time, short. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Camera } from '#camera/camera';
import { Fault } from '#core/errors';
import type { Static } from '#core/schema';
import { fakeContext } from '#fake/context';
import { temporaryFolder } from '#fake/daemon';
import { needPeer, runPeer } from '#fake/peers';
import { type FakeLog, fakeWorld } from '#fake/world';
import { clock } from '#host/clock';
import { createTcp } from '#host/tcp';
import { createUdp } from '#host/udp';
import type { SourceDetails as Details } from '#interface/video-source';
import type { AccessUnit } from '#media/access-unit';
import type { Gap } from '#media/gap';
import rtsp, { urlOf } from '../../objects/rtsp/index.ts';
import { type FakeCameraOptions, startFakeCamera } from '../../tools/fake-camera/fake-camera.ts';
import { marksIn } from '../../tools/fake-camera/mark.ts';

type T = { after(f: () => Promise<void> | void): void };
const defaults = {
  port: 554,
  path: '/',
  transport: ['tcp', 'udp'],
  dynamic: false,
  enable: ['video', 'audio'],
  rtpstats: false,
  verify_certificate: false,
  stall_seconds: 10,
  linger_seconds: 10,
  time: 'server',
};

/** A fake camera, the object that plays it, and everything it gave. Nothing may be left open at the end. */
async function bench(t: T, options: FakeCameraOptions = {}, config: Record<string, unknown> = {}) {
  const camera = await startFakeCamera(options);
  const world = fakeWorld({ clock: clock as never, tcp: createTcp(), udp: createUdp() });
  const context = fakeContext(rtsp, 'cam', { ...defaults, url: camera.url(), ...config }, world);
  const object = new Camera(context as never, () => urlOf(context.config as never) ?? '');
  const units: AccessUnit[] = [];
  const gaps: Gap[] = [];
  const attach = () =>
    object.provides.media.attach(
      { unit: u => void units.push(u), gap: g => void gaps.push(g) },
      { who: 'test', from: 'keyframe' },
    );
  const stop = async (): Promise<void> => {
    await context.scope.close();
    assert.deepEqual(context.scope.open, []);
    await until('the camera is left', () => camera.clients.open === 0);
  };
  t.after(async () => {
    await stop();
    await camera.stop();
  });
  const pictures = (): number[] => units.filter(u => u.track === 0).flatMap(u => marksIn(u.data).map(m => m.unit));
  const faults = (): string[] =>
    context.said.faults.map(f => (f instanceof Fault ? `${f.kind} ${f.code}` : `not a Fault: ${String(f)}`));
  return { camera, context, object, units, gaps, attach, stop, pictures, faults };
}
async function until(what: string, ask: () => boolean, timeoutMs = 5000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!ask()) {
    if (performance.now() > end) assert.fail(`${what}: not within ${timeoutMs} ms`);
    await new Promise(r => setTimeout(r, 10));
  }
}
const consecutive = (numbers: number[]): boolean => numbers.every((n, i) => i === 0 || n === numbers[i - 1]! + 1);

describe('rtsp', () => {
  for (const schemes of [[], ['Basic'], ['MD5'], ['SHA-256', 'MD5', 'Basic']] as const)
    test(`plays with ${schemes.join(' or ') || 'no login'}: no picture is missing, audio lies beside video`, async t => {
      const login = schemes.length > 0 ? { user: 'admin', password: 'p@ss:w"ord', schemes } : undefined;
      const b = await bench(t, { login: login as never }, login ? { auth: [login.user, login.password] } : {});
      b.attach();
      b.object.start();
      await until('two seconds', () => b.units.some(u => u.track === 0 && u.pts > 2 * 90000));
      assert.ok(consecutive(b.pictures()) && b.pictures().length > 20);
      assert.ok(b.units[0]!.keyframe && b.units[0]!.pts === 0);
      assert.equal(b.units[0]!.run.tracks.length, 2);
      const audio = b.units.filter(u => u.track === 1);
      assert.ok(audio.length > 20 && audio.every(u => u.pts >= 0));
      for (const u of b.units) assert.ok(Math.abs(u.wallMs - Date.now()) < 3000);
      assert.deepEqual([b.context.said.states.at(-1), b.faults()], ['running', []]);
      assert.equal(b.object.published.VideoSource.details({}, {} as never) !== undefined, true);
    });

  test('details tell how media come, over reconnects', async t => {
    const b = await bench(t);
    b.attach();
    b.object.start();
    await until('pictures', () => b.pictures().length > 10);
    const details = () => b.object.published.VideoSource.details({}, {} as never) as Static<typeof Details>;
    const first = details();
    assert.equal(first.network?.transport, 'tcp');
    assert.ok((first.network?.packets ?? 0) > 10 && (first.network?.samples ?? 0) > 10);
    assert.ok(first.totals.video.samples > 10 && first.totals.video.bytes > 1000 && first.totals.audio.samples > 0);
    assert.deepEqual([first.network?.reconnects, first.network?.errors_in_a_row, first.network?.quirks], [0, 0, []]);
    b.camera.drop(undefined, 'rst');
    await until('failed', () => b.faults().length > 0);
    assert.deepEqual([details().network?.errors_in_a_row, details().network?.transport], [1, null]);
    const before = b.units.length;
    void b.context.again();
    await until('pictures again', () => b.units.length > before + 10);
    const last = details();
    assert.deepEqual([last.network?.reconnects, last.network?.errors_in_a_row, last.network?.packets_lost], [1, 0, 0]);
    assert.ok((last.network?.packets ?? 0) > (first.network?.packets ?? 0));
  });

  test('a wrong password: refused, once, and told nowhere', async t => {
    const b = await bench(
      t,
      { login: { user: 'admin', password: 'right', schemes: ['MD5'] } as never },
      { auth: ['admin', 'wrong-secret'] },
    );
    b.attach();
    b.object.start();
    await until('refused', () => b.faults().length > 0);
    assert.deepEqual([b.faults(), b.gaps.map(g => g.reason)], [['refused rtsp-401'], ['camera-unreachable']]);
    assert.ok(b.camera.counts.authFail <= 2);
    const told = JSON.stringify([
      b.context.said,
      b.context.said.faults.map(f => (f as Fault).message),
      b.context.world.log,
    ]);
    assert.ok(!told.includes('wrong-secret') && !told.includes('admin'));
  });

  test('nobody listens: transport, and no media since', async t => {
    const b = await bench(t);
    await b.camera.stop();
    b.attach();
    b.object.start();
    await until('failed', () => b.faults().length > 0);
    assert.deepEqual([b.faults(), b.gaps.map(g => g.reason)], [['transport connect-failed'], ['camera-unreachable']]);
  });

  test('a connection that breaks is network loss; the next attempt brings a picture at once, in another run', async t => {
    const b = await bench(t);
    b.attach();
    b.object.start();
    await until('pictures', () => b.pictures().length > 10);
    b.camera.drop(undefined, 'rst');
    await until('failed', () => b.faults().length > 0);
    const before = b.units.length;
    assert.deepEqual([b.faults(), b.gaps.map(g => g.reason)], [['transport connection-lost'], ['network-loss']]);
    const beganMs = performance.now();
    void b.context.again();
    await until('pictures again', () => b.units.length > before);
    assert.ok(performance.now() - beganMs < 2000);
    const [last, first] = [b.units[before - 1]!, b.units[before]!];
    assert.ok(first.keyframe && first.run.id > last.run.id && first.pts === 0 && first.wallMs > last.wallMs);
  });

  test('silence of stall_seconds is a failure, and a gap since the last picture', async t => {
    const b = await bench(t, {}, { stall_seconds: 1 });
    b.attach();
    b.object.start();
    await until('pictures', () => b.pictures().length > 10);
    b.camera.stall(20);
    await until('failed', () => b.faults().length > 0);
    assert.deepEqual([b.faults(), b.gaps.map(g => g.reason)], [['timeout no-media'], ['no-media']]);
    assert.ok(Math.abs(b.gaps[0]!.atMs - b.units.filter(u => u.track === 0).at(-1)!.wallMs) < 100);
  });

  test('a dynamic camera is connected while somebody is attached, and for linger_seconds', async t => {
    const b = await bench(t, {}, { dynamic: true, linger_seconds: 0.3 });
    b.object.start();
    await new Promise(r => setTimeout(r, 100));
    assert.deepEqual([b.camera.clients.open, b.context.said.states], [0, ['idle']]);
    const attached = b.attach();
    await until('a picture', () => b.pictures().length > 0);
    attached.close();
    await until('nobody connected', () => b.camera.clients.open === 0, 2000);
    assert.deepEqual(b.faults(), []);
  });

  test('only video, if only video is enabled', async t => {
    const b = await bench(t, {}, { enable: ['video'] });
    b.attach();
    b.object.start();
    await until('pictures', () => b.pictures().length > 10);
    assert.deepEqual([...new Set(b.units.map(u => u.track))], [0]);
    assert.equal(b.units[0]!.run.tracks.length, 1);
  });

  test('loss, corruption and debris stop nothing', async t => {
    const faults = [
      'type=loss,p=0.02',
      'type=corrupt,p=0.02',
      'type=trunc,p=0.02',
      'type=garbage,p=0.1',
      'type=dup,p=0.05',
      'type=reorder,p=0.02',
    ];
    const b = await bench(t, { faults });
    b.attach();
    b.object.start();
    await until('three seconds', () => b.units.some(u => u.pts > 3 * 90000), 8000);
    assert.deepEqual(b.faults(), []);
    assert.ok(b.units.some(u => u.lost > 0));
  });

  test('stopping while it connects leaves nothing', async t => {
    const b = await bench(t);
    b.object.start();
    await b.stop();
    assert.deepEqual(b.units, []);
  });
});

describe('rtsp over UDP', () => {
  test('no picture is missing, audio lies beside video, reports go back', async t => {
    const b = await bench(t, {}, { transport: ['udp'] });
    b.attach();
    b.object.start();
    await until('two seconds', () => b.units.some(u => u.track === 0 && u.pts > 2 * 90000));
    assert.ok(consecutive(b.pictures()) && b.pictures().length > 20);
    assert.ok(b.units.filter(u => u.track === 1).length > 20);
    assert.ok(b.camera.counts.clientRtcp > 0);
    assert.deepEqual([b.context.said.states.at(-1), b.faults()], ['running', []]);
    const { lost, late, reordered, strangers, jitterMs } = (b.object as Camera).rtpFigures();
    assert.deepEqual([lost, late, reordered, strangers], [0, 0, 0, 0]);
    assert.ok(jitterMs < 50);
  });

  test('packets out of order and doubles cost no picture', async t => {
    const faults = ['type=reorder,p=0.2', 'type=dup,p=0.2'];
    const b = await bench(t, { faults, seed: 7 }, { transport: ['udp'] });
    b.attach();
    b.object.start();
    await until('three seconds', () => b.units.some(u => u.track === 0 && u.pts > 3 * 90000));
    assert.ok(consecutive(b.pictures()) && b.pictures().length > 40);
    assert.ok(b.units.every(u => u.lost === 0));
    const { lost, late, reordered } = (b.object as Camera).rtpFigures();
    assert.ok(lost === 0 && reordered > 10 && late > 10, JSON.stringify({ lost, late, reordered }));
  });

  test('what is lost is counted to the packet, told with the units, and stops nothing', async t => {
    const b = await bench(t, { faults: ['type=loss,p=0.03'], seed: 3 }, { transport: ['udp'] });
    b.attach();
    b.object.start();
    await until('four seconds', () => b.units.some(u => u.track === 0 && u.pts > 4 * 90000), 10_000);
    b.camera.clearFaults();
    await until('half a second of peace', () => b.units.some(u => u.track === 0 && u.pts > 4.5 * 90000));
    const figures = (b.object as Camera).rtpFigures();
    // A packet lost before the first that came is nobody's loss.
    assert.ok(Math.abs(figures.lost - b.camera.counts.lost) <= 2, `${figures.lost} of ${b.camera.counts.lost}`);
    assert.ok(figures.lost > 5);
    const told = b.units.reduce((n, u) => n + u.lost, 0);
    assert.ok(told > 0 && told <= figures.lost);
    const missing = b.pictures().filter((n, i, all) => i > 0 && n !== all[i - 1]! + 1);
    const marked = b.units.filter(u => u.track === 0 && u.lost > 0).map(u => u.data);
    assert.ok(missing.length <= marked.length, 'before every hole stands a unit that tells of it');
    assert.deepEqual(b.faults(), []);
  });
});

/** A key and a certificate that nobody signed, in PEM. */
function ownCertificate(t: T): { key: string; cert: string } {
  const folder = temporaryFolder(t as never);
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const made = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=cam', '-days', '2'];
  runPeer('openssl', ['req', ...made, '-keyout', key, '-out', cert]);
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
}

describe('transports of rtsp', () => {
  const login = { user: 'admin', password: 'p@ss:w"ord', schemes: ['MD5'] } as const;
  type Row = [name: string, options: FakeCameraOptions, transport: string[], tls: boolean];
  const rows: Row[] = [
    ['multicast', { transports: ['multicast'], login }, ['multicast'], false],
    ['RTSPS', { login }, ['tcp'], true],
    ['RTSPS, of UDP and TCP what TLS protects', { login }, ['udp', 'tcp'], true],
    ['through HTTP', { login }, ['http'], false],
    ['through HTTP that asks for the login too', { login, tunnelLogin: true }, ['http'], false],
    ['through HTTPS', { login, tunnelLogin: true }, ['http'], true],
  ];
  for (const [name, options, transport, tls] of rows)
    test(`${name}: no picture is missing, audio lies beside video`, { skip: tls && needPeer('openssl') }, async t => {
      const secure = tls ? { tls: ownCertificate(t) } : {};
      const b = await bench(t, { ...options, ...secure }, { transport });
      b.attach();
      b.object.start();
      await until('two seconds', () => b.units.some(u => u.track === 0 && u.pts > 2 * 90000), 8000);
      assert.ok(consecutive(b.pictures()) && b.pictures().length > 20);
      assert.ok(b.units.filter(u => u.track === 1).length > 20);
      // Reports to a group are for all who are in it, which the fake camera is not.
      if (name !== 'multicast') await until('a report', () => b.camera.counts.clientRtcp > 0);
      assert.deepEqual([b.context.said.states.at(-1), b.faults()], ['running', []]);
      const { lost, late, reordered, strangers } = (b.object as Camera).rtpFigures();
      assert.deepEqual([lost, late, reordered, strangers], [0, 0, 0, 0]);
    });

  test('a certificate of its own making is not enough where a good one is asked for', {
    skip: needPeer('openssl'),
  }, async t => {
    const b = await bench(t, { tls: ownCertificate(t) }, { verify_certificate: true });
    b.attach();
    b.object.start();
    await until('failed', () => b.faults().length > 0);
    assert.deepEqual(b.faults(), ['transport connect-failed']);
    assert.match((b.context.said.faults[0] as Fault).message, /DEPTH_ZERO_SELF_SIGNED_CERT/);
  });

  test('HTTP with a wrong password is refused, once', async t => {
    const b = await bench(t, { login, tunnelLogin: true }, { transport: ['http', 'tcp'], auth: ['admin', 'wrong'] });
    b.attach();
    b.object.start();
    await until('refused', () => b.faults().length > 0);
    assert.deepEqual([b.faults(), b.camera.counts.requests], [['refused rtsp-401'], 0]);
  });

  test('a firewall eats UDP: after five seconds by TCP; the next attempt begins there', async t => {
    const b = await bench(t, { faults: ['type=firewall'] }, { transport: ['udp', 'tcp'] });
    b.attach();
    b.object.start();
    await until('pictures', () => b.pictures().length > 5, 9000);
    const log = b.context.world.log as FakeLog;
    const switches = (): string[] =>
      log.lines.filter(l => l.event === 'transport-failed').map(l => `${l.facts['transport']} ${l.facts['code']}`);
    assert.deepEqual([switches(), b.faults()], [['udp no-media'], []]);
    b.camera.drop();
    await until('failed', () => b.faults().length > 0);
    const before = b.units.length;
    void b.context.again();
    await until('pictures at once', () => b.units.length > before, 2000);
    assert.deepEqual(switches(), ['udp no-media']);
  });

  test('a camera that closes its connection while UDP flows is asked again: one that has forgotten the session has failed', async t => {
    const b = await bench(t, {}, { transport: ['udp'] });
    b.attach();
    b.object.start();
    await until('pictures', () => b.pictures().length > 10);
    // This one ends the session with the connection.
    b.camera.drop();
    await until('failed', () => b.faults().length > 0, 8000);
    assert.deepEqual(b.faults(), ['protocol rtsp-454']);
  });

  test('a refused one is followed by the next, at once', async t => {
    const b = await bench(t, { transports: ['tcp'] }, { transport: ['multicast', 'udp', 'tcp'] });
    b.attach();
    b.object.start();
    await until('pictures', () => b.pictures().length > 5, 3000);
    const tried = b.context.world.log as FakeLog;
    assert.deepEqual(
      tried.lines.filter(l => l.event === 'transport-failed').map(l => `${l.facts['transport']} ${l.facts['code']}`),
      ['multicast rtsp-461', 'udp rtsp-461'],
    );
    assert.deepEqual(b.faults(), []);
  });

  test('all refused: one failure that tells of all', async t => {
    const b = await bench(t, { transports: ['tcp'] }, { transport: ['udp', 'multicast'] });
    b.attach();
    b.object.start();
    await until('failed', () => b.faults().length > 0);
    assert.deepEqual(b.faults(), ['protocol rtsp-461']);
    assert.match((b.context.said.faults[0] as Fault).message, /^by udp: .* 461 .*; by multicast: .* 461 /);
  });
});

describe('configuration of rtsp', () => {
  const cases: [name: string, config: Record<string, unknown>, out: string[]][] = [
    ['a URL', { url: 'rtsp://cam/live' }, []],
    ['a host', { host: 'cam' }, []],
    ['neither', {}, ['/ missing-property']],
    ['a URL of another kind', { url: 'http://cam/' }, ['/url bad-value']],
    ['a host that is none', { host: 'a b' }, ['/host bad-value']],
    ['udp, but tcp too', { url: 'rtsp://cam/', transport: ['udp', 'tcp'] }, []],
    ['udp alone', { url: 'rtsp://cam/', transport: ['udp'] }, []],
    ['all transports', { url: 'rtsp://cam/', transport: ['multicast', 'udp', 'tcp', 'http'] }, []],
    ['TLS and what it would not protect, among others', { url: 'rtsps://cam/', transport: ['udp', 'tcp'] }, []],
    ['TLS and only what it would not protect', { url: 'rtsps://cam/', transport: ['udp'] }, ['/transport bad-value']],
    ['nothing enabled', { url: 'rtsp://cam/', enable: [] }, ['/enable bad-value']],
  ];
  for (const [name, config, out] of cases)
    test(name, () =>
      assert.deepEqual(
        rtsp.check!({ ...defaults, ...config } as never).map(p => `${p.pointer || '/'} ${p.code}`),
        out,
      ),
    );
  test('host, port and path make a URL', () => {
    const of = (c: object): string | undefined => urlOf({ port: 554, path: '/', ...c } as never);
    assert.deepEqual(
      [
        of({ host: 'cam' }),
        of({ host: '::1', port: 8554, path: 'a?b' }),
        of({ host: 'cam', url: 'rtsp://x/' }),
        of({}),
      ],
      ['rtsp://cam:554/', 'rtsp://[::1]:8554/a?b', 'rtsp://x/', undefined],
    );
  });
});
