import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LiveMedia } from '#capability/live-media';
import type { MediaAnswer } from '#core/bytes';
import { defineObjectType } from '#core/define';
import { Fault } from '#core/errors';
import type { Call } from '#core/interface';
import { Type } from '#core/schema';
import { clipRun } from '#fake/clip';
import { fakeContext } from '#fake/context';
import { aacTrack, epochMs, fakeRun, fakeUnit, h264Track } from '#fake/media';
import { needPeer, probe } from '#fake/peers';
import { fakeWorld, settle } from '#fake/world';
import type { Sink } from '#hub/sink';
import { VideoSource } from '#interface/video-source';
import { commonSourceConfig } from '#source/config';
import { hastenOnDemand } from '#source/demand';
import { LiveSource, type SourceOptions } from '#source/live-source';

const type = defineObjectType({
  type: 'testcam',
  summary: 'A source that does what the test does.',
  stage: 'media',
  config: Type.Object(commonSourceConfig),
  provides: { media: LiveMedia },
  consumes: {},
  interfaces: [VideoSource],
  // Checked by the compiler: a live source is all that a source has to bring.
  create: context => ({ ...new LiveSource(context, context.config), start: () => {} }),
});

function newSource(options: SourceOptions = {}) {
  const world = fakeWorld();
  const context = fakeContext(type, 'cam1', {}, world);
  const source = new LiveSource(context, options);
  return { source, context, clock: world.clock, log: world.log, api: source.published.VideoSource };
}

const call: Call = { caller: { login: null, address: '::1' } };
const quiet: Sink = { unit: () => {}, gap: () => {} };
const viewer = { who: 'viewer', from: 'keyframe' } as const;
const run = fakeRun(0, [h264Track, aacTrack]);
const refused = (kind: string, code: string) => (e: unknown) =>
  e instanceof Fault && e.kind === kind && e.code === code;

describe('LiveSource: details', () => {
  test('before the first picture they are zeros, as clients expect', () => {
    const { source } = newSource();
    assert.deepEqual(source.details(), {
      resolution: [0, 0],
      bitrate: 0,
      framerate: 0,
      last_frame: '1970-01-01T00:00:00.000Z',
      state: 'starting',
      codec: null,
      audio: null,
      consumers: 0,
      totals: { video: { bytes: 0, samples: 0 }, audio: { bytes: 0, samples: 0 } },
      network: null,
    });
  });

  test('they tell formats, rates, the last picture and who reads', async () => {
    const { source, context, clock } = newSource();
    context.report('running');
    source.provides.media.attach(quiet, viewer);
    for (let i = 0; i <= 100; i++) {
      source.unit(fakeUnit(run, i * 40, { keyframe: i % 25 === 0, bytes: 1000 }));
      await clock.pass(40);
    }
    const { bitrate, ...rest } = source.details();
    assert.ok(Math.abs(bitrate - 200_000) < 10_000, `${bitrate}`);
    assert.deepEqual(rest, {
      resolution: [640, 360],
      framerate: 25,
      last_frame: '2026-01-01T00:00:04.000Z',
      state: 'running',
      codec: 'avc1.64001e',
      audio: { codec: 'aac', rate: 48_000, channels: 2 },
      consumers: 1,
      totals: { video: { bytes: 101_000, samples: 101 }, audio: { bytes: 0, samples: 0 } },
      network: null,
    });
  });

  test('what was last seen stays to be read after media has stopped', () => {
    const { source } = newSource();
    source.unit(fakeUnit(run, 0, { keyframe: true }));
    source.gap({ reason: 'camera-unreachable', atMs: epochMs });
    assert.equal(source.provides.media.run(), undefined);
    assert.deepEqual(source.details().resolution, [640, 360]);
  });
});

test('StreamChanged is told when codec or resolution differ, not at the first run nor at a reconnect', () => {
  const { source, context } = newSource();
  const wide = { ...h264Track, width: 1280, height: 720 };
  const sizes = [h264Track, h264Track, wide, wide, h264Track];
  sizes.forEach((t, id) => void source.unit(fakeUnit(fakeRun(id, [t]), 0, { keyframe: true })));
  assert.deepEqual(context.said.events, [
    { topic: 'StreamChanged', data: { codec: 'avc1.64001e', resolution: [1280, 720] } },
    { topic: 'StreamChanged', data: { codec: 'avc1.64001e', resolution: [640, 360] } },
  ]);
});

test('a sink that throws is logged with its stack', () => {
  const { source, log } = newSource();
  const bad: Sink = {
    ...quiet,
    unit: () => {
      throw new Error('oops');
    },
  };
  source.provides.media.attach(bad, { who: 'archive of cam1', from: 'next' });
  source.unit(fakeUnit(run, 0, { keyframe: true }));
  assert.equal(log.lines.length, 1);
  const { event, facts } = log.lines[0]!;
  assert.deepEqual([event, facts['who'], facts['error']], ['sink-failed', 'archive of cam1', 'oops']);
  assert.match(String(facts['stack']), /live-source\.test/);
  assert.deepEqual(source.consumers(), []);
});

describe('LiveSource: demand', () => {
  test('a source that is not dynamic is always wanted', async () => {
    const { source } = newSource();
    assert.equal(source.demanded, true);
    await source.whenDemanded(new AbortController().signal);
  });

  test('a dynamic source is wanted while somebody is attached, and lingers', async () => {
    const { source, clock, context } = newSource({ dynamic: true, linger_seconds: 5 });
    const said: string[] = [];
    source.onDemand((demanded, watched) => void said.push(`${clock.monotonicMs()} ${demanded} ${watched}`));
    assert.equal(source.demanded, false);
    const first = source.provides.media.attach(quiet, viewer);
    await clock.pass(1000);
    const recording = source.provides.media.attach(quiet, { who: 'rec', from: 'next' });
    first.close();
    await clock.pass(60_000);
    recording.close();
    await clock.pass(4000);
    const again = source.provides.media.attach(quiet, viewer);
    await clock.pass(60_000);
    again.close();
    await clock.pass(5000);
    assert.deepEqual(said, [
      '0 true true',
      '1000 true false',
      '65000 true true',
      '125000 true false',
      '130000 false false',
    ]);
    await context.scope.close();
    assert.equal(clock.waiting, 0);
  });

  test('neither details nor files of old playlists wake it; whoever waits is told when it is wanted', async () => {
    const { source, api } = newSource({ dynamic: true });
    let woken = false;
    void source.whenDemanded(new AbortController().signal).then(() => void (woken = true));
    await api.details({}, call);
    assert.throws(() => api.hls({ path: 'x/init.mp4' }, call), refused('absent', 'not-found'));
    await settle();
    assert.equal(woken, false);
    source.provides.media.attach(quiet, viewer);
    await settle();
    assert.equal(woken, true);
  });

  test('waiting for demand ends with the signal and leaves nothing behind', async () => {
    const { source } = newSource({ dynamic: true });
    const stop = new AbortController();
    const waiting = source.whenDemanded(stop.signal);
    stop.abort();
    await waiting;
    assert.equal(source.demanded, false);
  });
});

test('the scope closes it: everybody is detached, and nobody attaches any more', async () => {
  const { source, context, clock } = newSource({ dynamic: true });
  const got: number[] = [];
  const sink: Sink = { ...quiet, unit: u => void got.push(u.pts) };
  source.provides.media.attach(sink, viewer);
  source.unit(fakeUnit(run, 0, { keyframe: true }));
  await context.scope.close();
  source.unit(fakeUnit(run, 40, { keyframe: true }));
  source.provides.media.attach(sink, viewer).close();
  assert.deepEqual(got, [0]);
  assert.deepEqual(context.scope.open, []);
  assert.equal(clock.waiting, 0);
});

describe('LiveSource: HLS', () => {
  const text = (a: MediaAnswer): string => a.body as string;
  const names = (a: MediaAnswer): string[] => [...text(a).matchAll(/hls\/([\w./-]+)/g)].map(m => m[1] ?? '');
  const units = clipRun(0, { seconds: 40 }).units;

  /** Gives the source the units of the clip between two moments, with the clock. */
  async function play(s: ReturnType<typeof newSource>, fromMs: number, toMs: number): Promise<void> {
    for (const u of units) {
      const ms = u.wallMs - epochMs;
      if (ms < fromMs || ms >= toMs) continue;
      if (ms > s.clock.monotonicMs()) await s.clock.pass(ms - s.clock.monotonicMs());
      s.source.unit(u);
    }
  }

  test('the first request wakes an idle source, waits for media, and its files play', async () => {
    const s = newSource({ dynamic: true });
    const asked = s.api.playlist({}, call);
    assert.equal(s.source.demanded, true);
    await play(s, 0, 2041);
    const answer = await asked;
    assert.equal(answer.contentType, 'application/vnd.apple.mpegurl');
    assert.equal(answer.headers?.['cache-control'], 'no-cache');
    assert.equal(names(answer).length, 3);
    const files = names(answer).map(path => s.api.hls({ path }, call) as MediaAnswer);
    assert.deepEqual(
      files.map(f => f.contentType),
      ['video/mp4', 'video/iso.segment', 'video/iso.segment'],
    );
    assert.ok(files.every(f => f.immutable));
    if (!needPeer('ffprobe')) {
      const { streams } = probe(Buffer.concat(files.map(f => f.body as Uint8Array)), [
        '-show_streams',
        '-count_frames',
      ]);
      assert.deepEqual(
        streams.map((t: any) => t.codec_name),
        ['h264', 'aac'],
      );
      assert.equal(streams[0].nb_read_frames, '50');
    }
  });

  test('a source that flows answers from the kept group without waiting for a whole segment', async () => {
    const s = newSource();
    await play(s, 0, 1900);
    const asked = s.api.playlist({}, call);
    await play(s, 1900, 3001);
    assert.match(text(await asked), /#EXTINF:1.00000/);
  });

  test('without media the first request fails after 10 s, and the idle source is let go', async () => {
    const s = newSource({ dynamic: true, linger_seconds: 0 });
    const asked = s.api.playlist({}, call) as Promise<MediaAnswer>;
    const failed = assert.rejects(asked, refused('overload', 'unavailable'));
    await s.clock.pass(10_000);
    await failed;
    await s.clock.pass(30_000);
    assert.equal(s.source.demanded, false);
    assert.equal(s.clock.waiting, 0);
  });

  test('equal requests share a packager; other options get one of their own', async () => {
    const s = newSource();
    const hls = { segment_seconds: 4, window: 3 };
    const asked = [s.api.playlist({}, call), s.api.playlist({ container: 'fmp4' }, call)];
    asked.push(s.api.playlist({}, { ...call, server: { hls } }));
    assert.equal(s.source.details().consumers, 2);
    await play(s, 0, 5000);
    const [a, b, c] = (await Promise.all(asked)).map(text);
    assert.equal(a, b);
    assert.match(c!, /TARGETDURATION:4/);
    assert.notEqual(/hls\/(\w+)/.exec(a!)?.[1], /hls\/(\w+)/.exec(c!)?.[1]);
  });

  test('it ends half a minute after the last request; the next one gets another epoch and higher numbers', async () => {
    const s = newSource();
    const asked = s.api.playlist({}, call);
    await play(s, 0, 2500);
    const before = await asked;
    const path = names(before)[1]!;
    await s.clock.pass(27_000);
    s.api.hls({ path }, call);
    await s.clock.pass(29_000);
    assert.equal(s.source.details().consumers, 1);
    await s.clock.pass(1000);
    assert.equal(s.source.details().consumers, 0);
    assert.throws(() => s.api.hls({ path }, call), refused('absent', 'not-found'));
    const later = s.api.playlist({}, call);
    for (const u of clipRun(1, { seconds: 3 }).units) s.source.unit(u);
    const after = await later;
    const number = (a: MediaAnswer) => Number(/MEDIA-SEQUENCE:(\d+)/.exec(text(a))?.[1]);
    assert.ok(number(after) > number(before) + 1);
    assert.match(text(before), /DISCONTINUITY-SEQUENCE:0/);
    assert.match(text(after), /DISCONTINUITY-SEQUENCE:1/);
    assert.ok(!text(after).includes(path.split('/')[0]!));
  });

  test('a viewer stays on through a reconnect', async () => {
    const s = newSource();
    const asked = s.api.playlist({}, call);
    await play(s, 0, 4500);
    const before = names(await asked);
    s.source.gap({ reason: 'camera-unreachable', atMs: epochMs + 4500 });
    for (const u of clipRun(1, { seconds: 4, firstMs: epochMs + 9000 }).units) s.source.unit(u);
    const after = await s.api.playlist({}, call);
    assert.match(text(after), /#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI="hls\/\w+\/init-1.mp4"/);
    for (const path of before) assert.ok(names(after).includes(path), `${path} is still listed`);
  });

  test('MPEG-TS is made for whoever asks for it, or asks a server that has it set', async () => {
    const s = newSource();
    const asked = [
      s.api.playlist({ container: 'ts' }, call),
      s.api.playlist({}, { ...call, server: { hls: { container: 'ts' } } }),
      s.api.playlist({}, call),
    ];
    await play(s, 0, 5000);
    const [a, b, c] = (await Promise.all(asked)).map(text);
    assert.equal(a, b);
    assert.notEqual(a, c);
    const [name = ''] = /(?<=hls\/)\w+\/\d+\.ts/.exec(a ?? '') ?? [];
    assert.equal((await s.api.hls({ path: name }, call)).contentType, 'video/mp2t');
  });

  test('whoever waits when the source is stopped is told, and whoever comes later', async () => {
    const { api, context, clock } = newSource();
    const fails = (): Promise<void> =>
      assert.rejects(async () => api.playlist({}, call), refused('cancelled', 'unavailable'));
    const failed = fails();
    await settle();
    await context.scope.close();
    await failed;
    await fails();
    assert.equal(clock.waiting, 0);
  });
});

describe('LiveSource: keyframe', () => {
  test('it is a file of one picture, with its time', { skip: needPeer('ffprobe') }, async () => {
    const { source, api } = newSource();
    for (const u of clipRun(0).units) source.unit(u);
    const answer = await api.keyframe({}, call);
    assert.ok('contentType' in answer);
    assert.equal(answer.headers?.['x-timestamp'], '2026-01-01T00:00:03.000Z');
    const { streams } = probe(answer.body as Uint8Array, ['-show_streams', '-count_frames']);
    assert.equal(streams.length, 1);
    assert.deepEqual([streams[0].width, streams[0].nb_read_frames], [320, '1']);
  });

  test('an idle source is woken for it', async () => {
    const { source, api } = newSource({ dynamic: true });
    const asked = api.keyframe({}, call);
    await settle();
    assert.deepEqual(source.consumers(), ['keyframe']);
    for (const u of clipRun(0, { seconds: 1 }).units) source.unit(u);
    const answer = await asked;
    assert.ok('contentType' in answer && answer.contentType === 'video/mp4');
    assert.deepEqual(source.consumers(), []);
  });

  test('without video there is none; without media it is not waited for ever', async () => {
    const { source, api, clock } = newSource();
    const late = assert.rejects(async () => api.keyframe({}, call), refused('overload', 'unavailable'));
    await clock.pass(10_000);
    await late;
    source.unit(fakeUnit(fakeRun(0, [aacTrack]), 0, { keyframe: true }));
    await assert.rejects(async () => api.keyframe({}, call), refused('absent', 'no-data'));
    assert.equal(clock.waiting, 0);
  });
});

describe('LiveSource: who comes late', () => {
  test('gets the group of pictures from its keyframe on, of a camera with one keyframe a minute', async () => {
    const { source, clock } = newSource();
    for (let i = 0; i < 60; i++) {
      source.unit(fakeUnit(run, i * 1000, { keyframe: i === 0, bytes: 1000 }));
      await clock.pass(1000);
    }
    let got = 0;
    source.provides.media.attach({ ...quiet, unit: () => void got++ }, viewer);
    assert.equal(got, 60);
  });

  test('makes a dynamic source try again at once; a second viewer does not, nor one of a source that is always wanted', async () => {
    for (const [options, expected] of [
      [{ dynamic: true, linger_seconds: 1 }, [1, 1, 2]],
      [{}, [0, 0, 0]],
    ] as const) {
      const { source, context, clock } = newSource(options);
      let hastened = 0;
      hastenOnDemand(context, source, { hasten: () => void hastened++ });
      const first = source.provides.media.attach(quiet, viewer);
      const counts = [hastened];
      const second = source.provides.media.attach(quiet, viewer);
      counts.push(hastened);
      first.close();
      second.close();
      await clock.pass(1500);
      source.provides.media.attach(quiet, viewer);
      assert.deepEqual([...counts, hastened], expected);
    }
  });
});
