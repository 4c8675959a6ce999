/** The object `onvif` against the fake device, over loopback: real sockets, real time, short. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Fault } from '#core/errors';
import { fakeContext } from '#fake/context';
import { fakeDevice, soap } from '#fake/onvif';
import { fakeWorld } from '#fake/world';
import { clock } from '#host/clock';
import { httpRequest } from '#host/http-client';
import { random } from '#host/random';
import { createTcp } from '#host/tcp';
import { createUdp } from '#host/udp';
import type { AccessUnit } from '#media/access-unit';
import onvif, { type OnvifConfig } from '../../objects/onvif/index.ts';
import { type FakeOnvifOptions, startFakeOnvif } from '../../tools/fake-onvif/fake-onvif.ts';

type T = { after(f: () => Promise<void> | void): void };
const defaults = {
  transport: ['tcp', 'udp'],
  dynamic: false,
  enable: ['video', 'audio', 'events', 'ptz'],
  rtpstats: false,
  stall_seconds: 10,
  linger_seconds: 10,
  time: 'server',
  archive: 'none',
};
const login = { user: 'admin', password: 'sesame' };
const call = { caller: { login: null, address: '' } };

/** A device, the object that uses it, and everything it gave and said. Nothing may be left open at the end. */
async function bench(t: T, options: FakeOnvifOptions = {}, config: Record<string, unknown> = {}) {
  const device = await startFakeOnvif(options);
  const world = fakeWorld({
    clock: clock as never,
    random: random as never,
    tcp: createTcp(),
    udp: createUdp(),
    http: { request: httpRequest } as never,
  });
  const auth = options.login ? { auth: [options.login.user, options.login.password] } : {};
  const context = fakeContext(onvif, 'cam', { ...defaults, url: device.url, ...auth, ...config }, world);
  const details: unknown[] = [];
  context.emit = (topic, data, more) => {
    context.said.events.push({ topic, data });
    details.push(more);
  };
  const object = await onvif.create(context as never);
  const units: AccessUnit[] = [];
  object.provides.media.attach({ unit: u => void units.push(u), gap: () => {} }, { who: 'test', from: 'keyframe' });
  t.after(async () => {
    await context.scope.close();
    assert.deepEqual(context.scope.open, []);
    await device.stop();
  });
  const states = (): string[] => context.said.events.map(e => `${e.topic} ${(e.data as { state?: unknown }).state}`);
  const faults = (): string[] =>
    context.said.faults.map(f => (f instanceof Fault ? f.code : `not a Fault: ${String(f)}`));
  return { device, context, object, units, details, states, faults, log: world.log };
}

async function until(what: string, ask: () => boolean, timeoutMs = 8000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!ask()) {
    if (performance.now() > end) assert.fail(`${what}: not within ${timeoutMs} ms`);
    await new Promise(r => setTimeout(r, 20));
  }
}
const pictures = (units: readonly AccessUnit[]): number => units.filter(u => u.track === 0).length;

describe('onvif: the stream', () => {
  const cases: [name: string, options: FakeOnvifOptions, config: Record<string, unknown>][] = [
    ['without a login', {}, {}],
    ['with a login by UsernameToken', { login: { ...login, http: false } as never }, {}],
    ['with a login, whichever the device wants', { login }, {}],
    ['of a device whose clock is an hour wrong', { login, faults: ['type=clock,v=3600'] }, {}],
    ['of a device that gives addresses of another network', { login, faults: ['type=xaddr,host=10.11.12.13'] }, {}],
    ['of a device with odd prefixes and little to say', { login, faults: ['type=prefixes', 'type=sparse'] }, {}],
    ['of a device without Media 2', { services: ['events'] }, {}],
    ['of a profile by its token, in H.265', {}, { profile: 'h265' }],
    [
      'of a device that needs the page of a web server to be ignored once',
      { faults: ['type=html500,op=GetServices,count=1'] },
      {},
    ],
  ];
  for (const [name, options, config] of cases)
    test(`plays ${name}`, async t => {
      const b = await bench(t, options, { enable: ['video', 'audio'], ...config });
      b.object.start();
      await until('pictures', () => pictures(b.units) > 10);
      assert.equal(b.context.state(), 'running');
      assert.equal(b.device.called.includes('CreatePullPointSubscription'), false, 'events are not enabled');
    });

  const failures: [name: string, options: FakeOnvifOptions, config: Record<string, unknown>, code: string][] = [
    ['a wrong password', { login }, { auth: ['admin', 'wrong'] }, 'onvif-login'],
    ['a profile that is not there', {}, { profile: 'nothing' }, 'onvif-no-profile'],
    ['a profile without video', {}, { profile: 'sound' }, 'onvif-no-profile'],
    ['an answer that is cut off', { faults: ['type=truncate'] }, {}, 'onvif-garbled'],
  ];
  for (const [name, options, config, code] of failures)
    test(`fails with ${code}: ${name}`, async t => {
      const b = await bench(t, options, { enable: ['video'], ...config });
      b.object.start();
      await until('a failure', () => b.faults().length > 0);
      assert.equal(b.faults()[0], code);
      assert.doesNotMatch(JSON.stringify(b.log.lines) + String(b.context.said.faults[0]), /wrong"|sesame/);
      if (code === 'onvif-login') assert.ok(b.device.log.length <= 6, `${b.device.called}`);
    });
});

describe('onvif: events', () => {
  test('a login that is refused is tried by the stream and by the events, each once for a while', async t => {
    const b = await bench(t, { login, media: false }, { auth: ['admin', 'other'] });
    b.object.start();
    await until(
      'both have failed',
      () => b.faults().length > 0 && b.log.lines.some(l => l.event === 'device-events-lost'),
    );
    await new Promise(r => setTimeout(r, 1500));
    const proofs = b.device.called.filter(c => c === 'GetServices' || c === 'GetCapabilities').length;
    assert.ok(b.device.log.length <= 12, `${proofs} of ${b.device.called}`);
  });

  for (const dialect of ['onvif', 'hikvision', 'dahua', 'axis'] as const)
    test(`of a device that speaks as ${dialect} does: motion and an input, on change, with their source`, async t => {
      const options = { login, media: false, dialect, referenceParameters: dialect === 'axis' };
      const b = await bench(t, options, { enable: ['events'] });
      b.object.start();
      await until('a subscription', () => b.device.called.includes('SetSynchronizationPoint'));
      for (const state of [true, true, false]) b.device.happen({ kind: 'motion', state });
      await until('motion and its end', () => b.states().at(-1) === 'MotionAlarm false');
      b.device.happen({ kind: 'digital-input', state: true });
      await until('the input', () => b.states().at(-1) === 'DigitalInput true');
      assert.equal(typeof (b.details.at(-1) as { pin?: unknown }).pin, 'number');
      const expected = ['MotionAlarm true', 'MotionAlarm false', 'DigitalInput true'];
      assert.deepEqual([...new Set(b.states())], expected);
      assert.equal(b.context.state(), 'running');
    });

  test('a subscription that the device forgot, and a reboot, are followed by another subscription', async t => {
    const b = await bench(t, { login, media: false }, { enable: ['events'] });
    const subscribed = (): number => b.device.called.filter(c => c === 'SetSynchronizationPoint').length;
    b.object.start();
    await until('a subscription', () => subscribed() === 1);
    b.device.fault('type=forget');
    await until('another one', () => subscribed() === 2);
    assert.ok(b.log.lines.some(l => l.event === 'device-events-lost'));
    await b.device.reboot(0.2);
    await until('a third one', () => subscribed() === 3);
    b.device.happen({ kind: 'motion', state: true });
    await until('motion', () => b.states().includes('MotionAlarm true'));
    assert.ok(b.log.lines.some(l => l.event === 'device-events-back'));
    assert.equal(b.context.state(), 'running');
  });

  test('a device without events is told once, and no failure', async t => {
    const b = await bench(t, { services: ['media2'] });
    b.object.start();
    await until('pictures', () => pictures(b.units) > 10);
    await until('the line', () => b.log.lines.some(l => l.event === 'no-device-events'));
    assert.equal(b.log.lines.filter(l => l.event === 'no-device-events').length, 1);
    assert.equal(b.context.state(), 'running');
  });

  const message = (state: boolean): string =>
    '<wsnt:NotificationMessage><wsnt:Topic>tns1:VideoSource/MotionAlarm</wsnt:Topic><wsnt:Message><tt:Message PropertyOperation="Changed">' +
    `<tt:Source><tt:SimpleItem Name="Source" Value="0"/></tt:Source><tt:Data><tt:SimpleItem Name="State" Value="${state}"/></tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>`;
  /** An object whose device has events alone, and what its pulls bring. */
  const eventful = async (t: T, pulled: () => string | Promise<string>) => {
    const answers: Record<string, string> = {
      GetServices:
        '<tds:R><tds:Service><tds:Namespace>http://www.onvif.org/ver10/events/wsdl</tds:Namespace><tds:XAddr>http://x/events</tds:XAddr></tds:Service></tds:R>',
      CreatePullPointSubscription:
        '<tev:R><tev:SubscriptionReference><a:Address>http://x/1</a:Address></tev:SubscriptionReference></tev:R>',
    };
    const d = fakeDevice(async name => ({
      body: soap(name === 'PullMessages' ? `<tev:R>${await pulled()}</tev:R>` : (answers[name] ?? '<tds:R/>')),
    }));
    const world = fakeWorld({ clock: clock as never, random: random as never, http: d.parts.http as never });
    const config = { ...defaults, url: d.parts.url, enable: ['events'] };
    const context = fakeContext(onvif, 'cam', config as never, world);
    t.after(() => context.scope.close());
    (await onvif.create(context as never)).start?.();
    return { context, asked: d.asked };
  };

  test('an object that had failed tells the states that hold once more: whoever followed them has let them go', async t => {
    let pulls = 0;
    const { context } = await eventful(t, async () => {
      if (++pulls > 1) await new Promise(r => setTimeout(r, 1000));
      return pulls === 1 ? message(true) : '';
    });
    await until('the event', () => context.said.events.length === 1);
    context.said.states.push('failed');
    await new Promise(r => setTimeout(r, 700));
    assert.equal(context.said.events.length, 1);
    context.report('running');
    await until('the event again', () => context.said.events.length === 2);
    assert.deepEqual(context.said.events[1], context.said.events[0]);
    await new Promise(r => setTimeout(r, 700));
    assert.equal(context.said.events.length, 2);
  });

  test('an object whose events are lost is degraded again when its stream comes back', async t => {
    const { context } = await eventful(t, () => {
      throw new Fault('transport', 'connect-failed', '10.0.0.7: ECONNRESET');
    });
    context.report('running');
    await until('degraded', () => context.state() === 'degraded');
    context.report('running');
    await until('degraded again', () => context.state() === 'degraded', 800);
  });

  const floods: [name: string, messages: string, most: number][] = [
    ['changes without end', (message(true) + message(false)).repeat(50), 200],
    ['the same without end', message(true).repeat(50), 1],
  ];
  for (const [name, messages, most] of floods)
    test(`a device that tells ${name} is asked as seldom as others`, async t => {
      const { context, asked } = await eventful(t, () => messages);
      await new Promise(r => setTimeout(r, 1500));
      const events = context.said.events.length;
      const pulls = asked().filter(f => f === 'PullMessages').length;
      assert.ok(events >= 1 && events <= most, `${events} events`);
      assert.ok(pulls >= 1 && pulls <= 7, `${pulls} pulls`);
    });

  test('the subscription is given back at the end', async t => {
    const b = await bench(t, { media: false }, { enable: ['events'] });
    b.object.start();
    await until('a subscription', () => b.device.called.includes('SetSynchronizationPoint'));
    assert.equal(b.device.subscriptions, 1);
    await b.context.scope.close();
    await until('its end', () => b.device.subscriptions === 0);
  });
});

describe('onvif: PTZ', () => {
  test('moves, stops by itself, keeps and finds presets', async t => {
    const b = await bench(t, { login, media: false });
    const { PtzControl: ptz } = b.object.published;
    const info = await ptz.info({}, call);
    assert.deepEqual(info.capabilities.continuous, true);
    const { id } = await ptz.create_preset({ name: 'door <&>' }, call);
    assert.ok((await ptz.presets({}, call)).some(p => p.id === id && p.name === 'door <&>'));
    const began = b.device.position;
    await ptz.move({ pan: 1, timeout: 0.3 }, call);
    await until('a stop', () => b.device.called.includes('Stop'));
    assert.notDeepEqual(b.device.position, began);
    await ptz.goto({ preset: id }, call);
    await ptz.goto({ pan: 0.25, tilt: -0.5, zoom: 0.5 }, call);
    await ptz.delete_preset({ id }, call);
    await assert.rejects(async () => ptz.goto({ preset: id }, call), { code: 'not-found' });
    await assert.rejects(async () => ptz.goto({}, call), { code: 'bad-argument' });
  });

  test('of many moves at once the newest wins, and few reach the device', async t => {
    const b = await bench(t, { media: false, faults: ['type=slow,op=ContinuousMove,v=60'] });
    const { PtzControl: ptz } = b.object.published;
    await ptz.info({}, call);
    await Promise.all([...Array(30).keys()].map(n => ptz.move({ pan: n / 30 }, call)));
    const moves = b.device.called.filter(c => c === 'ContinuousMove').length;
    assert.ok(moves >= 1 && moves <= 2, `${moves} moves`);
    await ptz.ptz_stop({}, call);
    assert.equal(b.device.called.at(-1), 'Stop');
  });

  test('a device without PTZ answers 501', async t => {
    const b = await bench(t, { media: false, services: ['media2', 'events'] });
    await assert.rejects(async () => b.object.published.PtzControl.info({}, call), { kind: 'unsupported' });
  });
});

describe('onvif: recordings of the device', () => {
  const hour = 3_600_000;
  const day = Date.UTC(2026, 0, 1);
  const spans = [
    [day, day + hour],
    [day + 2 * hour, day + 3 * hour],
  ] as const;
  const iso = (ms: number): string => new Date(ms).toISOString();

  test('are listed with their gaps, cut to the range, by our clock', async t => {
    const recordings = [{ token: 'r', source: 'vs0', name: 'x', spans }];
    const b = await bench(t, { login, media: false, recordings }, { archive: 'timeline' });
    const { TimelineProvider: p } = b.object.published;
    assert.deepEqual(
      await p.timeline({}, call),
      spans.map(s => s.map(iso)),
    );
    assert.deepEqual(await p.timeline({ interval: [iso(day + hour / 2), iso(day + 2.5 * hour)] }, call), [
      [iso(day + hour / 2), iso(day + hour)],
      [iso(day + 2 * hour), iso(day + 2.5 * hour)],
    ]);
    assert.deepEqual(await p.timeline({ interval: [iso(day - hour), iso(day)] }, call), []);
  });

  test('of a device that does not search events: the first and last moment', async t => {
    const recordings = [{ token: 'r', source: 'vs0', name: 'x', spans }];
    const faults = ['type=fault,op=FindEvents,code=ActionNotSupported'];
    const b = await bench(t, { media: false, recordings, faults }, { archive: 'timeline' });
    assert.deepEqual(await b.object.published.TimelineProvider.timeline({}, call), [[iso(day), iso(day + 3 * hour)]]);
  });

  test('of a device without any: 501', async t => {
    const b = await bench(t, { media: false, services: ['media2'] }, { archive: 'timeline' });
    await assert.rejects(async () => b.object.published.TimelineProvider.timeline({}, call), { kind: 'unsupported' });
  });
});

describe('onvif: the configuration', () => {
  const whole = (c: object): OnvifConfig => ({ ...defaults, ...c }) as OnvifConfig;
  const rows: [config: object, codes: string[]][] = [
    [{ host: '10.0.0.7' }, []],
    [{ host: '10.0.0.7:8080' }, []],
    [{ url: 'https://cam/onvif/device_service' }, []],
    [{}, ['missing-property']],
    [{ host: 'http//x' }, ['bad-value']],
    [{ host: 'http://u:p@x/y' }, ['bad-value']],
    [{ host: '::1' }, []],
    [{ url: 'rtsp://cam/' }, ['bad-value']],
    [{ url: 'cam' }, ['bad-value']],
    [{ host: 'cam', enable: [] }, ['bad-value']],
    [{ host: 'cam', archive: 'backfill' }, []],
  ];
  for (const [config, codes] of rows)
    test(`${JSON.stringify(config)}: ${codes.join(', ') || 'in order'}`, () =>
      assert.deepEqual(
        onvif.check?.(whole(config)).map(p => p.code),
        codes,
      ));

  test('PtzControl and TimelineProvider are there where the configuration is for them', () => {
    assert.deepEqual(onvif.offers?.(whole({})), ['VideoSource', 'PtzControl']);
    assert.deepEqual(onvif.offers?.(whole({ enable: ['video'], archive: 'timeline' })), [
      'VideoSource',
      'TimelineProvider',
    ]);
  });
});
