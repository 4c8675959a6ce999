/** Rules: which events make them record, for how long, and when they are in force (docs/spec/config.md 10.3). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RecordControl } from '#capability/record-control';
import { Fault } from '#core/errors';
import type { Event, House, Published } from '#core/published';
import { fakeContext } from '#fake/context';
import { epochMs } from '#fake/media';
import { FakeClock, fakeWorld } from '#fake/world';
import rule from '#objects/rule/index';
import { Rule } from '#objects/rule/rule';
import { inForce, isZone, type Period } from '#objects/rule/schedule';

const call = { caller: { login: null, address: '' } };

function site(config: object = {}) {
  const clock = new FakeClock(epochMs);
  const world = fakeWorld({ clock });
  const defaults = { filter: [], duration: 0, max_duration: 0, enabled: true, schedule: [] };
  const context = fakeContext(rule, 'rule1', { ...defaults, ...config }, world);
  const object = new Rule(context as never);
  const heard = new Set<(e: Event) => void>();
  const did: string[] = [];
  const held = new Set<string>();
  let broken = false;
  const controller = (name: string): RecordControl => ({
    hold: async cause => {
      if (broken) throw new Fault('storage', 'unavailable', `${name} does not work now`);
      if (!held.has(name)) did.push(`${name} on`);
      held.add(name);
      assert.equal(cause, 'rule1');
    },
    release: async () => {
      if (held.delete(name)) did.push(`${name} off`);
    },
  });
  const house = {
    onEvent: (take: (e: Event) => void) => {
      heard.add(take);
      return { close: () => void heard.delete(take) };
    },
  } as unknown as House;
  const link = (objects: readonly string[], controllers: readonly string[] = ['rec']): void =>
    object.link({
      controllers: new Map(controllers.map(name => [name, controllerOf(name)])),
      objects: new Map([...objects, ...controllers].map(name => [name, {} as Published])),
      house,
    });
  const known = new Map<string, RecordControl>();
  const controllerOf = (name: string): RecordControl => {
    const found = known.get(name) ?? controller(name);
    known.set(name, found);
    return found;
  };
  const event = (topic: string, data: object = {}, name = 'cam', details?: Record<string, unknown>): void => {
    const origin = { name, type: 'onvif', ...(details ? { details } : {}) };
    for (const take of heard)
      take({ topic, origin, timestamp: new Date(clock.wallMs()).toISOString(), data: data as Event['data'] });
  };
  link(['cam']);
  object.start();
  return {
    clock,
    object,
    link,
    event,
    heard,
    status: () => object.published.RuleControl.status({}, call),
    set: (enabled: boolean) => object.published.RuleControl.set({ enabled }, call),
    did: (): string[] => did.splice(0),
    breaks: (is: boolean) => void (broken = is),
    held,
  };
}

const on = { state: true };
const off = { state: false };

describe('a rule', () => {
  for (const filter of [[], ['PublishStarted']])
    test(`what begins as PublishStarted ends as PublishEnded, with the filter ${JSON.stringify(filter)}`, async () => {
      const s = site({ filter });
      s.event('PublishStarted', { ...on, protocol: 'ts', from: '10.0.0.1' });
      assert.deepEqual([(await s.status()).active.map(a => a.topic), s.did()], [['PublishStarted'], ['rec on']]);
      s.event('PublishEnded', { ...off, protocol: 'ts', from: '10.0.0.1' });
      assert.deepEqual([(await s.status()).active, s.did()], [[], ['rec off']]);
    });

  test('follows a thousand events at once; those beyond are recorded for a moment', async () => {
    const s = site();
    for (let i = 0; i < 1500; i++) s.event('DigitalInput', on, 'cam', { pin: i });
    assert.equal((await s.status()).active.length, 1000);
    assert.deepEqual(s.did(), ['rec on']);
    for (let i = 0; i < 1500; i++) s.event('DigitalInput', off, 'cam', { pin: i });
    assert.deepEqual([(await s.status()).active.length, s.did()], [0, ['rec off']]);
  });

  test('holds its cause from the event that begins to the one that ends', async () => {
    const s = site({ filter: ['MotionAlarm'] });
    s.event('MotionAlarm', on, 'cam', { source: 't0' });
    assert.deepEqual(await s.status(), {
      enabled: true,
      active: [
        {
          origin: { name: 'cam', type: 'onvif', details: { source: 't0' } },
          topic: 'MotionAlarm',
          since: '2026-01-01T00:00:00.000Z',
        },
      ],
    });
    await s.clock.pass(60_000);
    assert.deepEqual(s.did(), ['rec on']);
    s.event('MotionAlarm', off, 'cam', { source: 't0' });
    await s.clock.pass(0);
    assert.deepEqual(s.did(), ['rec off']);
    assert.equal(s.clock.waiting, 0);
  });

  test('hears topics of its filter only, and only from what it is linked with', async () => {
    const s = site({ filter: ['MotionAlarm', 'SceneChange'] });
    s.event('DigitalInput', on);
    s.event('MotionAlarm', on, 'another');
    await s.clock.pass(10);
    assert.deepEqual(s.did(), []);
    s.event('GlobalSceneChange', on);
    await s.clock.pass(10);
    assert.deepEqual(s.did(), ['rec on']);
  });

  test('without a filter hears everything but what the product says of itself', async () => {
    const s = site();
    s.event('StateChanged', on);
    s.event('StreamChanged', { codec: 'avc1' });
    s.event('RecordingStarted', on, 'rec');
    await s.clock.pass(10);
    assert.deepEqual(s.did(), []);
    s.event('AnythingElse', on);
    await s.clock.pass(10);
    assert.deepEqual(s.did(), ['rec on']);
  });

  test('an event without a state holds for its duration; with none, for a moment', async () => {
    const s = site({ duration: 4 });
    s.event('Subtitle', { text: 'x' });
    await s.clock.pass(3990);
    assert.deepEqual(s.did(), ['rec on']);
    await s.clock.pass(20);
    assert.deepEqual(s.did(), ['rec off']);
    const short = site();
    short.event('Subtitle', { text: 'x' });
    await short.clock.pass(1);
    assert.deepEqual(short.did(), ['rec on', 'rec off']);
  });

  test('two pins of one device are two causes', async () => {
    const s = site();
    s.event('DigitalInput', on, 'cam', { pin: 0 });
    s.event('DigitalInput', on, 'cam', { pin: 1 });
    s.event('DigitalInput', off, 'cam', { pin: 0 });
    await s.clock.pass(10);
    assert.deepEqual(s.did(), ['rec on']);
    s.event('DigitalInput', off, 'cam', { pin: 1 });
    await s.clock.pass(10);
    assert.deepEqual(s.did(), ['rec off']);
  });

  test('an end that is never told: the origin fails, is linked no more, or it took too long', async () => {
    const lost = site();
    lost.event('MotionAlarm', on);
    lost.event('StateChanged', off);
    await lost.clock.pass(10);
    assert.deepEqual(lost.did(), ['rec on', 'rec off']);
    const unlinked = site();
    unlinked.event('MotionAlarm', on);
    await unlinked.clock.pass(10);
    unlinked.link([]);
    await unlinked.clock.pass(10);
    assert.deepEqual(unlinked.did(), ['rec on', 'rec off']);
    const long = site({ max_duration: 30 });
    long.event('MotionAlarm', on);
    await long.clock.pass(29_900);
    assert.deepEqual(long.did(), ['rec on']);
    await long.clock.pass(200);
    assert.deepEqual(long.did(), ['rec off']);
  });

  test('put out of force it lets go; back in force it records what still holds', async () => {
    const s = site();
    s.event('MotionAlarm', on);
    await s.clock.pass(10);
    await s.set(false);
    await s.clock.pass(10);
    assert.deepEqual(s.did(), ['rec on', 'rec off']);
    assert.equal((await s.set(true)).active.length, 1);
    await s.clock.pass(10);
    assert.deepEqual(s.did(), ['rec on']);
  });

  test('a controller that fails or is made anew learns of the cause within seconds', async () => {
    const s = site();
    s.breaks(true);
    s.event('MotionAlarm', on);
    await s.clock.pass(10_000);
    s.breaks(false);
    await s.clock.pass(3100);
    assert.deepEqual(s.did(), ['rec on']);
    s.held.clear();
    await s.clock.pass(3100);
    assert.deepEqual(s.did(), ['rec on']);
  });

  test('when it stops it lets go of everything', async () => {
    const s = site();
    s.event('MotionAlarm', on);
    await s.clock.pass(10);
    s.object.stop();
    await s.clock.pass(10);
    assert.deepEqual([s.did(), s.heard.size, s.clock.waiting], [['rec on', 'rec off'], 0, 0]);
  });
});

describe('a schedule', () => {
  const at = (text: string): number => Date.parse(text);
  const rows: [what: string, period: Period, moment: string, inside: boolean][] = [
    // 2026-01-01 is a Thursday.
    ['begin counts', { from: '08:00', to: '17:00', tz: 'UTC' }, '2026-01-01T08:00:00Z', true],
    ['end does not', { from: '08:00', to: '17:00', tz: 'UTC' }, '2026-01-01T17:00:00Z', false],
    ['before', { from: '08:00', to: '17:00', tz: 'UTC' }, '2026-01-01T07:59:59Z', false],
    ['its day', { days: ['thu'], from: '08:00', to: '17:00', tz: 'UTC' }, '2026-01-01T12:00:00Z', true],
    ['another day', { days: ['fri'], from: '08:00', to: '17:00', tz: 'UTC' }, '2026-01-01T12:00:00Z', false],
    ['over midnight, evening', { days: ['thu'], from: '22:00', to: '06:00', tz: 'UTC' }, '2026-01-01T23:00:00Z', true],
    [
      'over midnight, next morning',
      { days: ['thu'], from: '22:00', to: '06:00', tz: 'UTC' },
      '2026-01-02T05:59:00Z',
      true,
    ],
    [
      'over midnight, morning of its day',
      { days: ['thu'], from: '22:00', to: '06:00', tz: 'UTC' },
      '2026-01-01T05:00:00Z',
      false,
    ],
    [
      'over midnight from Sunday to Monday',
      { days: ['sun'], from: '22:00', to: '06:00', tz: 'UTC' },
      '2026-01-05T01:00:00Z',
      true,
    ],
    ['until 24:00', { from: '00:00', to: '24:00', tz: 'UTC' }, '2026-01-01T23:59:59Z', true],
    [
      'the same twice is a whole day',
      { days: ['thu'], from: '08:00', to: '08:00', tz: 'UTC' },
      '2026-01-02T07:00:00Z',
      true,
    ],
    ['a zone', { from: '08:00', to: '09:00', tz: 'Europe/Berlin' }, '2026-01-01T07:30:00Z', true],
    ['a zone in summer', { from: '08:00', to: '09:00', tz: 'Europe/Berlin' }, '2026-07-01T06:30:00Z', true],
    [
      'the day of the zone',
      { days: ['fri'], from: '00:00', to: '02:00', tz: 'Asia/Tokyo' },
      '2026-01-01T15:30:00Z',
      true,
    ],
  ];
  for (const [what, period, moment, inside] of rows)
    test(what, () => assert.equal(inForce([period], at(moment)), inside));
  test('none is always', () => assert.ok(inForce([], 0)));
  test('a zone is one that the machine knows', () => {
    assert.ok(isZone('Europe/Berlin'));
    assert.ok(!isZone('Middle/Earth'));
  });
});
