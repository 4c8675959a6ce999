/** The command line and the life of the process, as service managers and scripts use them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Daemon, type Document, freePort, temporaryFolder, until } from '#fake/daemon';

const program = fileURLToPath(new URL('../../tools/ocellus', import.meta.url));
const ocellus = (...words: readonly string[]) => spawnSync(program, words, { encoding: 'utf8', timeout: 30_000 });

const site = (port: number, text = 'A'): Document => ({
  objects: [
    { type: 'testsource', name: 'cam', text, dynamic: true, meta: { name: 'Camera' } },
    { type: 'webserver', name: 'web', address: '127.0.0.1', port },
  ],
  links: [['web', 'cam']],
});

async function idleDaemon(t: { after(f: () => void | Promise<void>): void }): Promise<Daemon> {
  const port = await freePort();
  const daemon = new Daemon(temporaryFolder(t), port);
  daemon.configure(site(port));
  t.after(async () => void (await daemon.stop()));
  return daemon;
}

describe('ocellus check', () => {
  test('a sound configuration is exit 0 and silence; a broken one exit 1 and FILE:LINE:COLUMN', t => {
    const folder = temporaryFolder(t);
    const file = join(folder, 'a.json');
    writeFileSync(file, JSON.stringify(site(1234)));
    assert.deepEqual([ocellus('check', file).status, ocellus('check', file).stdout], [0, '']);
    writeFileSync(file, '{"objects":[\n  {"type":"tesstource","name":"cam"},\n  {"type":"zmq.export","name":"o"}]}');
    const { status, stdout } = ocellus('check', folder);
    assert.equal(status, 1);
    assert.match(stdout, /a\.json:2:\d+: error: .*tesstource.*testsource/);
    assert.match(stdout, /a\.json:3:\d+: error: .*"zmq\.export" is not available in this build/);
    const json = JSON.parse(ocellus('check', '--json', folder).stdout) as { line: number; code: string }[];
    assert.deepEqual(
      json.map(p => p.line),
      [2, 3],
    );
  });

  test('a missing path is exit 1, wrong usage exit 2 with the usage text', () => {
    assert.equal(ocellus('check', '/nonexistent.json').status, 1);
    for (const words of [
      ['check', '--no-such-option'],
      ['call', 'cam'],
      ['--log-level=loud', 'x'],
      ['archive', 'check'],
      ['--media-loops=4', 'x'],
    ]) {
      const { status, stderr } = ocellus(...words);
      assert.deepEqual([status, /usage:/.test(stderr)], [2, true], words.join(' '));
    }
  });

  test('--strict turns a warning into an error', t => {
    const file = join(temporaryFolder(t), 'a.json');
    writeFileSync(file, '{"objects":[{"type":"testsource","name":"cam","txt":"A"}]}');
    assert.deepEqual([ocellus('check', file).status, ocellus('check', '--strict', file).status], [0, 1]);
    assert.match(ocellus('check', file).stdout, /warning: .*txt.*text/);
  });
});

test('describe and schema print JSON without a daemon', () => {
  assert.ok('VideoSource' in (JSON.parse(ocellus('describe').stdout) as { interfaces: object }).interfaces);
  assert.match((JSON.parse(ocellus('schema').stdout) as { $schema: string }).$schema, /json-schema\.org/);
});

describe('a running daemon', () => {
  test('answers calls and plans over its control socket, which only its owner may open', async t => {
    const daemon = await idleDaemon(t);
    await daemon.start();
    const state = ['--state', join(daemon.folder, 'state')];
    const details = ocellus('call', ...state, 'cam', 'VideoSource.details');
    assert.deepEqual([details.status, (JSON.parse(details.stdout) as { state: string }).state], [0, 'idle']);
    assert.equal(JSON.parse(ocellus('call', ...state, 'cam', 'base_object.get_type').stdout), 'testsource');
    const unknown = ocellus('call', ...state, 'nobody', 'VideoSource.details');
    assert.equal(unknown.status, 1);
    assert.match(unknown.stdout + unknown.stderr, /not-found/);
    const other = join(daemon.folder, 'other.json');
    writeFileSync(other, JSON.stringify(site(Number(new URL(daemon.url).port), 'B')));
    const plan = JSON.parse(ocellus('plan', ...state, other).stdout) as {
      steps: { op: string; object?: string; because?: string[] }[];
    };
    assert.deepEqual(plan.steps.map(s => [s.op, s.object, s.because]).slice(0, 1), [['recreate', 'cam', ['/text']]]);
    assert.deepEqual(
      (JSON.parse(ocellus('plan', ...state).stdout) as { steps: unknown[] }).steps,
      [],
      'of the files on disk nothing would change',
    );
    assert.equal(ocellus('call', '--url', daemon.url, 'cam', 'VideoSource.details').status, 0);
  });

  test('a second daemon on the same state folder refuses to start with exit 3', async t => {
    const daemon = await idleDaemon(t);
    await daemon.start();
    const second = ocellus('run', '--state', join(daemon.folder, 'state'), join(daemon.folder, 'site.json'));
    assert.equal(second.status, 3, second.stderr);
    assert.ok(await daemon.get('/v1/svc'));
  });

  test('SIGTERM and SIGINT end it with exit 0 and take the control socket away', async t => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const daemon = await idleDaemon(t);
      await daemon.start();
      assert.equal(await daemon.stop(signal), 0);
      assert.ok(!existsSync(join(daemon.folder, 'state', 'control.sock')));
    }
  });

  test('SIGTERM and SIGHUP during the start wait for its end: exit 0, nothing left', async t => {
    const daemon = await idleDaemon(t);
    const started = daemon.start().then(
      () => 'ready',
      () => 'ended',
    );
    await until('the control socket is there', async () => existsSync(join(daemon.folder, 'state', 'control.sock')));
    daemon.signal('SIGHUP');
    assert.equal(await daemon.stop(), 0, daemon.log);
    await started;
    assert.ok(!existsSync(join(daemon.folder, 'state', 'control.sock')));
  });

  test('runs on when whoever read its output is gone', async t => {
    const daemon = await idleDaemon(t);
    await daemon.start([], {}, 'reader-gone');
    await until('it answers', async () => (await daemon.get<unknown[]>('/v1/svc')).length > 0);
    assert.equal(await daemon.stop(), 0);
  });

  test('of many SIGHUPs at once the last state of the files is what runs', async t => {
    const daemon = await idleDaemon(t);
    await daemon.start();
    const port = Number(new URL(daemon.url).port);
    for (let i = 0; i <= 30; i++) {
      daemon.configure({
        ...site(port),
        objects: site(port).objects.map(o => (o['name'] === 'cam' ? { ...o, meta: { i } } : o)),
      });
      daemon.signal('SIGHUP');
    }
    await until('the last one runs', async () => {
      const { cam } = await daemon.get<{ cam: { i: number } }>('/v1/svc/meta');
      return cam.i === 30;
    });
  });

  test('a configuration with an error starts nothing: exit 1 and the problem in the log', async t => {
    const daemon = await idleDaemon(t);
    daemon.configure({ objects: [{ type: 'testsource', name: 'cam', size: [1, 2] }] });
    await assert.rejects(daemon.start(), /ended with 1/);
    assert.match(daemon.log, /site\.json:\d+:\d+: error/);
  });

  test('a service manager that never takes note delays neither reload nor end', async t => {
    const daemon = await idleDaemon(t);
    const bin = join(daemon.folder, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'systemd-notify'), '#!/bin/sh\nexec sleep 20\n');
    chmodSync(join(bin, 'systemd-notify'), 0o755);
    await daemon.start([], { NOTIFY_SOCKET: '/run/x', PATH: `${bin}${delimiter}${process.env['PATH']}` });
    const began = performance.now();
    daemon.signal('SIGHUP');
    await until('the reload is carried out', async () => daemon.log.includes('configuration-applied'));
    assert.equal(await daemon.stop(), 0);
    assert.ok(performance.now() - began < 10_000, `it took ${performance.now() - began} ms`);
  });

  test('systemd is told when it is ready, reloading and stopping', async t => {
    const daemon = await idleDaemon(t);
    const bin = join(daemon.folder, 'bin');
    const said = join(daemon.folder, 'said');
    mkdirSync(bin);
    writeFileSync(join(bin, 'systemd-notify'), `#!/bin/sh\necho "$NOTIFY_SOCKET $*" >> ${said}\n`);
    chmodSync(join(bin, 'systemd-notify'), 0o755);
    await daemon.start([], { NOTIFY_SOCKET: '/run/x', PATH: `${bin}${delimiter}${process.env['PATH']}` });
    const pid = daemon.pid;
    const states = () =>
      (existsSync(said) ? readFileSync(said, 'utf8').trim().split('\n') : []).map(l => l.replace('/run/x ', ''));
    await until('READY is told', async () => states().length === 1);
    daemon.signal('SIGHUP');
    await until('RELOADING and READY are told', async () => states().length === 3);
    await daemon.stop();
    assert.deepEqual(
      states().map(l => l.replace(/ MONOTONIC_USEC=\d+$/, ' since')),
      ['READY=1', 'RELOADING=1 since', 'READY=1', 'STOPPING=1'].map(s => `--pid=${pid} ${s}`),
    );
  });
});
