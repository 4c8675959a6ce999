/**
 * ONVIF devices found and probed through the API of the real daemon (docs/spec/api.md 7.4). In a
 * network namespace of its own, where loopback is all there is: no probe leaves this machine, and
 * none of its neighbours answers. The outer test runs this file again inside.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Daemon, freePort, startDaemon } from '#fake/daemon';
import { hasPeer } from '#fake/peers';
import { startFakeOnvif } from '../../tools/fake-onvif/fake-onvif.ts';

const inside = process.env['OCELLUS_TEST_NAMESPACE'] === '1';

interface Reply {
  readonly status: number;
  readonly body: any;
}

async function probe(daemon: Daemon, body: unknown, path = 'onvif/probe'): Promise<Reply> {
  const answer = await fetch(`${daemon.url}/v1/env/${path}`, { method: 'POST', body: JSON.stringify(body) });
  return { status: answer.status, body: await answer.json() };
}

if (inside)
  describe('ONVIF devices, by the API of the daemon', () => {
    test('are found, and tell what they are to who has the login', async t => {
      const device = await startFakeOnvif({
        media: false,
        login: { user: 'u', password: 'p' },
        plate: { name: 'Yard & gate', location: 'city/Köln' },
        discovery: { address: '127.0.0.1' },
      });
      t.after(() => device.stop());
      const daemon = await startDaemon(t, () => ({ objects: [] }));

      assert.deepEqual(await daemon.get('/v1/env/onvif'), [
        { scopes: { name: 'Yard & gate', hardware: 'F1', location: 'city/Köln' }, xaddrs: [device.url] },
      ]);

      const { status, body } = await probe(daemon, { url: device.url, auth: ['u', 'p'] });
      assert.equal(status, 200);
      assert.deepEqual(Object.keys(body), ['info', 'video_sources', 'profiles']);
      assert.deepEqual(body.info, { vendor: 'Ocellus', serial: 'FAKE0001', model: 'Fake ONVIF 1', firmware: '1.2.3' });
      assert.deepEqual(body.video_sources, [{ token: 'vs0', resolution: [1920, 1080], framerate: 25 }]);
      assert.deepEqual(body.profiles[0], {
        token: 'main',
        name: 'mainStream',
        fixed: true,
        video: { codec: 'H264', resolution: [320, 240], source: 'vs0', quality: 4, bounds: [0, 0, 1920, 1080] },
      });
      assert.deepEqual(
        body.profiles.map((p: { token: string }) => p.token),
        ['main', 'sub', 'h265'],
      );

      const wrong = await probe(daemon, { url: device.url, auth: ['u', 'secret7'] });
      assert.deepEqual(
        [wrong.status, Object.keys(wrong.body), wrong.body.code],
        [502, ['code', 'reason'], 'upstream-refused'],
      );
      const none = await probe(daemon, { url: device.url, auth: [null, null] });
      assert.deepEqual([none.status, none.body.code], [502, 'upstream-refused']);
      const nobody = await probe(daemon, { url: `http://127.0.0.1:${await freePort()}/`, auth: null });
      assert.deepEqual([nobody.status, nobody.body.code], [502, 'upstream-down']);
      const noUrl = await probe(daemon, { url: 'file:///etc/passwd' });
      assert.deepEqual([noUrl.status, noUrl.body.code], [400, 'bad-argument']);
      assert.doesNotMatch(daemon.log + JSON.stringify(wrong.body), /secret7/);

      // The generic form, and by position, as everywhere (api.md 1.3).
      const generic = await probe(daemon, [device.url, ['u', 'p']], 'discovery.onvif/probe');
      assert.deepEqual(generic.body, body);
    });
  });
else
  test('ONVIF devices are found and probed, in a network namespace', {
    skip: hasPeer('network-namespace') ? false : 'needs network namespaces (unshare -rn), which this machine forbids',
  }, () => {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const own = fileURLToPath(import.meta.url);
    const inner = spawnSync(
      'unshare',
      ['-rn', 'sh', '-c', 'ip link set lo up && exec "$0" "$1"', process.execPath, own],
      { env: { ...env, OCELLUS_TEST_NAMESPACE: '1' }, encoding: 'utf8', timeout: 50_000 },
    );
    assert.equal(inner.status, 0, `${inner.stdout}\n${inner.stderr}`);
    assert.match(inner.stdout, /pass [1-9]/);
  });
