/**
 * A client by others (npm `onvif`) at the fake ONVIF device: it finds it, logs in, reads what
 * it has, gets its events and moves its head. So the fake speaks ONVIF, not our reading of it.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import onvif from 'onvif';
import { startFakeOnvif } from '../../../tools/fake-onvif/fake-onvif.ts';

type Client = Record<string, any>; // its types name half of what it answers
const { Cam } = onvif as unknown as { Cam: new (options: object, then: (e: Error | null) => void) => Client };

const connected = (port: number, more: object = {}): Promise<Client> =>
  new Promise((done, fail) => {
    const client: Client = new Cam(
      { hostname: '127.0.0.1', port, username: 'u', password: 'p', timeout: 5000, ...more },
      e => (e ? fail(e) : done(client)),
    );
  });
const ask = (client: Client, method: string, ...args: unknown[]): Promise<any> =>
  promisify(client[method]).call(client, ...args) as Promise<any>;

describe('a client by others, at the fake ONVIF device', () => {
  for (const [name, login] of [
    ['tokens', { schemes: ['token'] }],
    ['HTTP Digest', { schemes: ['digest'] }],
  ] as const)
    test(`logs in by ${name}, though the device's clock is an hour late, and reads what there is`, async t => {
      const d = await startFakeOnvif({
        login: { user: 'u', password: 'p', schemes: login.schemes },
        faults: ['type=clock,v=-3600'],
      });
      t.after(() => d.stop());
      const client = await connected(d.port);
      assert.equal((await ask(client, 'getDeviceInformation')).serialNumber, 'FAKE0001');
      assert.deepEqual(
        client['profiles'].map((p: { name: string }) => p.name),
        ['mainStream', 'subStream <&>', 'sound only', 'third'],
      );
      const { uri } = await ask(client, 'getStreamUri', { protocol: 'RTSP', profileToken: 'sub' });
      assert.equal(uri, d.camera?.url('sub').replace('u:p@', ''));
      // Its connect() forgives what is refused; a call of its own tells.
      const stranger = await connected(d.port, { password: 'wrong' });
      await assert.rejects(ask(stranger, 'getDeviceInformation'), /[Aa]uthorized|401/);
    });

  test('moves the head and keeps a preset', async t => {
    const d = await startFakeOnvif({ media: false });
    t.after(() => d.stop());
    const client = await connected(d.port);
    await ask(client, 'absoluteMove', { x: 0.05, y: -0.05, zoom: 0.01 });
    await new Promise(r => setTimeout(r, 250));
    assert.deepEqual((await ask(client, 'getStatus', {})).position, { x: 0.05, y: -0.05, zoom: 0.01 });
    await ask(client, 'setPreset', { presetName: 'gate' });
    const presets = await ask(client, 'getPresets', {});
    assert.deepEqual([presets.gate.$.token, presets.gate.PTZPosition.zoom.$.x], [1, 0.01]);
  });

  test('gets its events', async t => {
    const d = await startFakeOnvif({ media: false });
    t.after(() => d.stop());
    const client = await connected(d.port);
    const [event] = await new Promise<any[]>(seen => {
      client['on']('event', (...e: unknown[]) => seen(e));
      const soon = setInterval(() => {
        if (d.subscriptions === 0) return;
        clearInterval(soon);
        d.happen({ kind: 'motion', state: true });
      }, 20);
    });
    client['removeAllListeners']('event');
    assert.equal(event.topic._, 'tns1:VideoSource/MotionAlarm');
    assert.deepEqual(event.message.message.data.simpleItem.$, { Name: 'State', Value: true });
  });
});
