/** Recording on command: what of a source reaches an archive, and when (docs/spec/config.md 10.2, api.md 7.1). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { LiveMedia } from '#capability/live-media';
import type { MediaStorage } from '#capability/media-storage';
import { fakeContext } from '#fake/context';
import { fuzzRounds, fuzzSeed } from '#fake/fuzz';
import { aacTrack, epochMs, fakeRun, fakeUnit, h264Track } from '#fake/media';
import { FakeClock, fakeWorld } from '#fake/world';
import type { Sink } from '#hub/sink';
import type { AccessUnit } from '#media/access-unit';
import type { Gap } from '#media/gap';
import recctl from '#objects/recctl/index';
import { Recctl } from '#objects/recctl/recctl';

const call = { caller: { login: null, address: '' } };
/** A picture every 40 ms, a key frame every second. */
const stepMs = 40;
const gopMs = 1000;

/** A camera whose units carry their number as time; live as a hub makes it. */
function camera(clock: FakeClock, { bytes = 8, audio = false } = {}) {
  const run = fakeRun(1, audio ? [h264Track, aacTrack] : [h264Track]);
  const sinks = new Set<Sink>();
  let attached = 0;
  const media: LiveMedia = {
    attach: sink => {
      attached++;
      sinks.add(sink);
      return {
        close: () => {
          if (sinks.delete(sink)) attached--;
        },
      };
    },
    run: () => run,
  };
  return {
    media,
    run,
    attached: () => attached,
    tick(ms: number): void {
      const wallMs = clock.wallMs();
      for (const s of sinks) s.unit(fakeUnit(run, ms, { keyframe: ms % gopMs === 0, bytes, wallMs }));
      if (audio) for (const s of sinks) s.unit(fakeUnit(run, ms, { keyframe: true, track: 1, wallMs }));
    },
    gap(gap: Gap): void {
      for (const s of sinks) s.gap(gap);
    },
  };
}

/** An archive that remembers what it got, track by track. */
function archive() {
  const got = new Map<string, (AccessUnit | Gap)[]>();
  const open = new Set<string>();
  const store: MediaStorage = {
    open: track => {
      const items: (AccessUnit | Gap)[] = got.get(track) ?? [];
      got.set(track, items);
      open.add(track);
      return { unit: u => void items.push(u), gap: g => void items.push(g), close: () => void open.delete(track) };
    },
    missing: async () => [],
    fill: () => assert.fail('it has nothing to do with the past'),
  };
  const units = (track: string): AccessUnit[] => (got.get(track) ?? []).filter((i): i is AccessUnit => 'pts' in i);
  return {
    store,
    open,
    units,
    gaps: (track: string): Gap[] => (got.get(track) ?? []).filter((i): i is Gap => 'reason' in i),
    /** Times of the pictures in milliseconds of the run. */
    times: (track: string): number[] =>
      units(track)
        .filter(u => u.track === 0)
        .map(u => u.pts / 90),
  };
}

function site(config: object = {}, cameras = 1, options: { bytes?: number; audio?: boolean } = {}) {
  const clock = new FakeClock(epochMs);
  const world = fakeWorld({ clock });
  const context = fakeContext(recctl, 'rec', { prerecord: 5, postrecord: 5, max_buffer_mb: 256, ...config }, world);
  const object = new Recctl(context as never);
  const sources = new Map(Array.from({ length: cameras }, (_, i) => [`cam${i}`, camera(clock, options)] as const));
  const store = archive();
  object.link({
    sources: new Map([...sources].map(([name, c]) => [name, c.media])),
    storages: new Map([['stor', store.store]]),
  });
  let ms = 0;
  /** Lets pictures come until that moment of the run, that one excluded. */
  const until = (endMs: number): void => {
    for (; ms < endMs; ms += stepMs) {
      for (const c of sources.values()) c.tick(ms);
      clock.advance(stepMs);
    }
  };
  const { RecordingController: control } = object.published;
  return { clock, context, object, sources, store, until, control, log: world.log, now: () => ms };
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, Math.round((to - from) / stepMs)) }, (_, i) => from + i * stepMs);

describe('a recording on command', () => {
  test('begins with the key frame at or before the lead, and ends when the last wanted moment is there', async () => {
    const s = site({ prerecord: 3, postrecord: 2 });
    s.until(10_520);
    assert.equal((await s.control.start({}, call)).recording, true);
    s.until(12_000);
    assert.deepEqual(s.store.times('cam0'), range(7000, 12_000));
    const status = await s.control.stop({}, call);
    assert.deepEqual([status.recording, status.state, status.causes], [false, 'postrecord', []]);
    assert.equal(status.until, new Date(epochMs + 14_000).toISOString());
    s.until(20_000);
    // One picture more than needed: the next one tells that nothing before it is to come.
    assert.deepEqual(s.store.times('cam0'), range(7000, 14_040));
    assert.equal((await s.control.status({}, call)).state, 'idle');
    assert.deepEqual(
      s.context.said.events.map(e => [e.topic, e.data]),
      [
        ['RecordingStarted', { state: true, causes: ['manual'], sources: ['cam0'] }],
        ['RecordingStopped', { state: false, causes: ['manual'], sources: ['cam0'] }],
      ],
    );
    assert.deepEqual(s.store.gaps('cam0').at(-1), { reason: 'not-scheduled', atMs: epochMs + 14_000 });
  });

  test('that follows soon goes on where the last one ended', async () => {
    const s = site({ prerecord: 3, postrecord: 1 });
    s.until(8000);
    await s.control.start({ duration: 1 }, call);
    s.until(12_400);
    await s.control.start({ duration: 1 }, call);
    s.until(30_000);
    assert.deepEqual(s.store.times('cam0'), range(5000, 14_440));
  });

  test('is extended by a second start, and never made shorter', async () => {
    const s = site();
    s.until(1000);
    await s.control.start({ duration: 10 }, call);
    const { until } = await s.control.start({ duration: 2 }, call);
    assert.equal(until, new Date(epochMs + 11_000).toISOString());
    s.until(9000);
    assert.equal((await s.control.start({ duration: 20 }, call)).until, new Date(epochMs + 29_000).toISOString());
  });

  test('goes on while one of several causes holds; stopping by hand ends the manual one only', async () => {
    const s = site({ postrecord: 0 });
    const { control } = s.object.provides;
    s.until(1000);
    await control.hold('rule1', 9);
    await s.control.set({ record: true }, call);
    assert.deepEqual((await s.control.status({}, call)).causes, ['manual', 'rule1']);
    assert.deepEqual((await s.control.set({ record: false }, call)).causes, ['rule1']);
    await control.release('rule1');
    assert.equal((await s.control.status({}, call)).recording, false);
  });

  test('a cause whose owner vanishes ends by itself', async () => {
    const s = site({ postrecord: 0 });
    s.until(1000);
    await s.object.provides.control.hold('rule1', 9);
    s.until(9900);
    assert.equal((await s.control.status({}, call)).recording, true);
    s.until(10_400);
    assert.deepEqual([(await s.control.status({}, call)).recording, s.store.times('cam0').at(-1)], [false, 10_000]);
  });

  test('without a lead it is a consumer of its sources only while it records', async () => {
    const s = site({ prerecord: 0, postrecord: 1 });
    const cam = s.sources.get('cam0');
    s.until(1000);
    assert.equal(cam?.attached(), 0);
    await s.control.start({ duration: 1 }, call);
    assert.equal(cam?.attached(), 1);
    s.until(8000);
    assert.equal(cam?.attached(), 0);
    assert.deepEqual(s.store.gaps('cam0').at(-1)?.reason, 'not-scheduled');
  });

  test('a source that is down is told as it is while recording, and as not wanted else', async () => {
    const s = site({ postrecord: 0 });
    s.until(1000);
    s.sources.get('cam0')?.gap({ reason: 'camera-unreachable', atMs: epochMs + 1000 });
    s.clock.advance(60_000);
    await s.control.start({}, call);
    assert.deepEqual(s.store.gaps('cam0').at(-1)?.reason, 'camera-unreachable');
    await s.control.stop({}, call);
    s.clock.advance(10_000);
    assert.deepEqual(s.store.gaps('cam0').at(-1)?.reason, 'not-scheduled');
  });

  test('keeps within its memory: the oldest groups of all sources go first', async () => {
    const s = site({ prerecord: 60, max_buffer_mb: 1 }, 2, { bytes: 4096 });
    s.until(30_000);
    await s.control.start({}, call);
    // Two sources at 25 pictures of 4 kB a second: about five seconds in a megabyte.
    const [first = 0] = s.store.times('cam0');
    assert.ok(first >= 24_000 && first <= 26_000, `begins at ${first}`);
    assert.equal(first % gopMs, 0);
  });

  test('a clock that is set back leaves no more in memory than the lead', async () => {
    const s = site({ max_buffer_mb: 3 }, 1, { bytes: 4096 });
    s.until(20_000);
    s.clock.stepWall(-3_600_000);
    s.until(80_000);
    assert.doesNotMatch(JSON.stringify(s.log.lines), /prerecord-short/);
    await s.control.start({}, call);
    assert.equal(s.store.times('cam0')[0], 75_000);
  });

  test('a long lead reaches the archive in portions, whole and in order', async () => {
    const s = site({ prerecord: 20 }, 1, { bytes: 200_000 });
    s.until(30_000);
    await s.control.start({}, call);
    assert.ok(s.store.times('cam0').length < 50, 'not all at once');
    s.until(60_000);
    assert.deepEqual(s.store.times('cam0'), range(10_000, 60_000));
  });

  test('when it is linked with others, or stops, what it opened is closed', () => {
    const s = site({}, 2);
    s.until(1000);
    assert.deepEqual([...s.store.open], ['cam0', 'cam1']);
    s.object.link({
      sources: new Map([['cam1', s.sources.get('cam1')?.media as LiveMedia]]),
      storages: new Map([['stor', s.store.store]]),
    });
    assert.deepEqual([...s.store.open], ['cam1']);
    s.object.stop();
    assert.deepEqual(
      [s.store.open.size, s.sources.get('cam0')?.attached(), s.sources.get('cam1')?.attached(), s.clock.waiting],
      [0, 0, 0, 0],
    );
  });
});

test('a thousand triggers for ten sources: every wanted moment once, in order, and memory stays flat', async () => {
  const random = fuzzSeed('triggers');
  const config = { prerecord: 2, postrecord: 1 };
  const s = site(config, 10, { audio: true });
  const wanted: [from: number, to: number][] = [];
  s.until(5000);
  for (let i = 0; i < 1000 * fuzzRounds(1); i++) {
    const at = s.now();
    const lasts = 1 + random.below(3000);
    await s.object.provides.control.hold('r', lasts / 1000);
    s.until(at + lasts + 40);
    wanted.push([at - 2000, at + lasts + 1000]);
    s.until(s.now() + random.below(6000));
  }
  s.until(s.now() + 10_000);
  for (const name of s.sources.keys()) {
    const times = s.store.times(name);
    const have = new Set(times);
    assert.equal(have.size, times.length, 'nothing twice');
    assert.deepEqual(
      times,
      [...times].sort((a, b) => a - b),
    );
    for (const [from, to] of wanted)
      for (const t of range(Math.ceil(from / stepMs) * stepMs, to)) assert.ok(have.has(t), `${name} lacks ${t}`);
    // After each interruption a key frame, in every track's order.
    for (const [i, t] of times.entries())
      assert.ok(t % gopMs === 0 || (i > 0 && t === (times[i - 1] ?? 0) + stepMs), `${t} begins`);
    // No more than a group before and a picture behind what is wanted, or between two that are close.
    const near = (t: number): boolean => wanted.some(([from, to]) => t >= from - gopMs && t <= to + 2 * stepMs + gopMs);
    assert.ok(times.every(near));
  }
});
