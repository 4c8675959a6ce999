/** Pull points and PTZ of the fake ONVIF device. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FakeOnvif, type FakeOnvifOptions, startFakeOnvif } from '../../../tools/fake-onvif/fake-onvif.ts';
import { dialects, topicMatches } from '../../../tools/fake-onvif/topics.ts';
import { all, call, events, ptz } from './soap.ts';

const begun = async (t: { after(f: () => unknown): void }, options: FakeOnvifOptions = {}) => {
  const d = await startFakeOnvif({ media: false, ...options });
  t.after(() => d.stop());
  return d;
};

const subscribe = async (d: FakeOnvif, inner = ''): Promise<string> => {
  const { text } = await call(d.url, events('CreatePullPointSubscription', inner));
  return all(text, 'wsa:Address')[0]!;
};
const pull = (at: string, seconds = 5, header = ''): ReturnType<typeof call> =>
  call(at, events('PullMessages', `<x:Timeout>PT${seconds}S</x:Timeout><x:MessageLimit>10</x:MessageLimit>`), {
    header,
  });
const renew = (at: string, seconds: number): ReturnType<typeof call> =>
  call(
    at,
    `<n:Renew xmlns:n="http://docs.oasis-open.org/wsn/b-2"><n:TerminationTime>PT${seconds}S</n:TerminationTime></n:Renew>`,
  );

describe('pull points of the fake ONVIF device', () => {
  test('a pull waits for what happens, and answers as it does', async t => {
    const d = await begun(t);
    const at = await subscribe(d);
    const began = performance.now();
    setTimeout(() => d.happen({ kind: 'motion', state: true }), 150);
    const { text } = await pull(at);
    assert.ok(performance.now() - began > 100 && performance.now() - began < 3000);
    assert.deepEqual(all(text, 'wsnt:Topic'), ['tns1:VideoSource/MotionAlarm']);
    assert.match(text, /PropertyOperation="Changed".*Name="State" Value="true"/);
    assert.deepEqual(all((await pull(at, 0.1)).text, 'wsnt:Topic'), []);
  });

  test('a new subscriber is told the states there are, and again when it asks', async t => {
    const d = await begun(t);
    d.happen({ kind: 'motion', state: true });
    d.happen({ kind: 'line', state: true });
    const at = await subscribe(d);
    assert.deepEqual(all((await pull(at)).text, 'tt:Message', 'PropertyOperation'), ['Initialized']);
    await call(at, events('SetSynchronizationPoint'));
    assert.deepEqual(all((await pull(at)).text, 'tt:Message', 'PropertyOperation'), ['Initialized']);
  });

  test('a subscription ends at its time, unless renewed; by Unsubscribe; and when the device forgets', async t => {
    const d = await begun(t);
    const [short, long, last] = [
      await subscribe(d, '<x:InitialTerminationTime>PT1S</x:InitialTerminationTime>'),
      await subscribe(d, '<x:InitialTerminationTime>PT1S</x:InitialTerminationTime>'),
      await subscribe(d),
    ];
    assert.equal((await renew(long, 60)).status, 200);
    await sleep(1200);
    assert.match((await pull(short)).text, /ResourceUnknownFault/);
    assert.equal((await pull(long, 0.01)).status, 200);
    assert.equal((await call(long, '<n:Unsubscribe xmlns:n="http://docs.oasis-open.org/wsn/b-2"/>')).status, 200);
    assert.equal((await renew(long, 60)).status, 400);
    assert.equal(d.subscriptions, 1);
    const waiting = pull(last);
    await sleep(50);
    d.fault('type=forget');
    assert.match((await waiting).text, /ResourceUnknownFault/);
  });

  test('a pull keeps it alive, unless only Renew does', async t => {
    for (const [pullRenews, status] of [
      [true, 200],
      [false, 400],
    ] as const) {
      const d = await begun(t, { pullRenews });
      const at = await subscribe(d, '<x:InitialTerminationTime>PT1S</x:InitialTerminationTime>');
      await pull(at, 0.01);
      await sleep(1200);
      assert.equal((await pull(at, 0.01)).status, status);
    }
  });

  test('with reference parameters the id comes back as a header', async t => {
    const d = await begun(t, { referenceParameters: true });
    const { text } = await call(d.url, events('CreatePullPointSubscription'));
    const at = all(text, 'wsa:Address')[0]!;
    const header = /<dom0:SubscriptionId[^>]*>\d+<\/dom0:SubscriptionId>/.exec(text)?.[0] ?? '';
    assert.equal((await pull(at, 0.01)).status, 400);
    assert.equal((await pull(at, 0.01, header)).status, 200);
  });

  test('every dialect has words for everything, within namespaces that are declared', async t => {
    for (const dialect of dialects) {
      const d = await begun(t, { dialect });
      const at = await subscribe(d);
      for (const kind of ['motion', 'digital-input', 'tamper', 'line'] as const) d.happen({ kind, state: true });
      const { text } = await pull(at);
      const topics = all(text, 'wsnt:Topic');
      assert.ok(topics.length >= 4, dialect);
      for (const topic of topics)
        for (const [, prefix] of topic.matchAll(/(\w+):/g)) assert.match(text, new RegExp(`xmlns:${prefix}=`), topic);
      await d.stop();
    }
  });

  const tns1 = 'http://www.onvif.org/ver10/topics';
  const filters: [expression: string, topic: string, accepted: boolean][] = [
    ['t:VideoSource/MotionAlarm', 'tns1:VideoSource/MotionAlarm', true],
    ['t:VideoSource', 'tns1:VideoSource/MotionAlarm', false],
    ['t:VideoSource//.', 'tns1:VideoSource/MotionAlarm', true],
    ['t:Video//.', 'tns1:VideoSource/MotionAlarm', false],
    ['t:Device//.|t:VideoSource//.', 'tns1:VideoSource/MotionAlarm', true],
    ['x:VideoSource//.', 'tns1:VideoSource/MotionAlarm', false],
  ];
  for (const [expression, topic, accepted] of filters)
    test(`the filter ${expression} ${accepted ? 'lets' : 'does not let'} ${topic} pass`, () => {
      assert.equal(topicMatches(expression, { t: tns1 }, topic), accepted);
    });
});

describe('the head of the fake ONVIF device', () => {
  const profile = '<x:ProfileToken>main</x:ProfileToken>';
  const ask = async (d: FakeOnvif, operation: string, inner = ''): Promise<string> =>
    (await call(d.url, ptz(operation, profile + inner))).text;

  test('moves with time until it is stopped or its time is over', async t => {
    const d = await begun(t);
    await ask(
      d,
      'ContinuousMove',
      '<x:Velocity><tt:PanTilt x="1" y="-0.5"/></x:Velocity><x:Timeout>PT0.3S</x:Timeout>',
    );
    assert.match(await ask(d, 'GetStatus'), /<tt:PanTilt>MOVING/);
    await sleep(500);
    const { pan, tilt, zoom } = d.position;
    assert.ok(Math.abs(pan - 0.15) < 0.001 && Math.abs(tilt + 0.075) < 0.001 && zoom === 0, `${pan} ${tilt} ${zoom}`);
    assert.match(await ask(d, 'GetStatus'), /<tt:PanTilt>IDLE/);
    await ask(d, 'ContinuousMove', '<x:Velocity><tt:Zoom x="1"/></x:Velocity>');
    await sleep(100);
    await ask(d, 'Stop');
    const stopped = d.position;
    await sleep(100);
    assert.ok(stopped.zoom > 0);
    assert.deepEqual(d.position, stopped);
  });

  test('goes to places, keeps presets, and finds them and its home again', async t => {
    const d = await begun(t);
    await ask(d, 'AbsoluteMove', '<x:Position><tt:PanTilt x="0.1" y="0.1"/><tt:Zoom x="0.05"/></x:Position>');
    await sleep(300);
    assert.deepEqual(d.position, { pan: 0.1, tilt: 0.1, zoom: 0.05 });
    const id = all(await ask(d, 'SetPreset', '<x:PresetName>gate &amp; yard</x:PresetName>'), 'tptz:PresetToken')[0];
    await ask(d, 'RelativeMove', '<x:Translation><tt:PanTilt x="-0.05" y="0"/></x:Translation>');
    await sleep(200);
    assert.ok(Math.abs(d.position.pan - 0.05) < 1e-9);
    assert.match(await ask(d, 'GetPresets'), /<tt:Name>gate &amp; yard<\/tt:Name>/);
    await ask(d, 'GotoPreset', `<x:PresetToken>${id}</x:PresetToken>`);
    await sleep(200);
    assert.equal(d.position.pan, 0.1);
    await ask(d, 'GotoHomePosition');
    await sleep(400);
    assert.deepEqual(d.position, { pan: 0, tilt: 0, zoom: 0 });
    await ask(d, 'RemovePreset', `<x:PresetToken>${id}</x:PresetToken>`);
    assert.match(await ask(d, 'GotoPreset', `<x:PresetToken>${id}</x:PresetToken>`), /ter:NoToken/);
    assert.match(await ask(d, 'AbsoluteMove', '<x:Position><tt:PanTilt x="7" y="0"/></x:Position>'), /InvalidPosition/);
  });
});
