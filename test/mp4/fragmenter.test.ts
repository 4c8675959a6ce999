import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fuzzRounds, fuzzSeed } from '#fake/fuzz';
import { aacTrack, fakeRun, fakeUnit, h264Track, pcmuTrack } from '#fake/media';
import type { AccessUnit } from '#media/access-unit';
import type { Fragment } from '#mp4/fragment';
import { parseFragmentHeader } from '#mp4/fragment-parser';
import { Fragmenter, type FragmenterOptions } from '#mp4/fragmenter';
import { bytesOf, hexOf, joined } from './clip.ts';

const usual: FragmenterOptions = { maxSeconds: 1, cutAtKeyframes: true, prft: false, originDts: 'first' };
const videoRun = fakeRun(1);
const bothRun = fakeRun(2, [h264Track, aacTrack]);
const audioRun = fakeRun(3, [pcmuTrack]);

function fragmentsOf(units: readonly AccessUnit[], options: Partial<FragmenterOptions> = {}, flush = true): Fragment[] {
  const fragmenter = new Fragmenter(units[0]?.run ?? videoRun, { ...usual, ...options });
  const fragments = units.map(u => fragmenter.push(u));
  if (flush) fragments.push(fragmenter.flush());
  return fragments.filter(f => f !== undefined);
}

const bytesIn = (f: Fragment): Uint8Array => joined([f.header, ...f.chunks]);

/** What a fragment says, read back by the parser. */
function parsed(f: Fragment) {
  const info = parseFragmentHeader(bytesIn(f), 0);
  assert.ok(info && !('need' in info), 'a fragment');
  assert.equal(info.bytes, f.bytes);
  return info;
}

/** Video at 25 pictures a second; `keys` are the numbers of the key frames. */
const video = (count: number, keys: readonly number[] = [0], run = videoRun): AccessUnit[] =>
  Array.from({ length: count }, (_, i) => fakeUnit(run, i * 40, { keyframe: keys.includes(i), bytes: 100 + i }));

describe('Fragmenter', () => {
  // The bytes of the archive's files: whoever changes them raises its schema version and
  // looks at every reader (fragment-parser, hls parts, export). Old files must stay readable.
  test('writes exactly these bytes', () => {
    const run = fakeRun(9, [h264Track, pcmuTrack]);
    const unit = (track: number, pts: number, dts: number, data: string, keyframe = true): AccessUnit => ({
      ...{ run, track, pts, dts, keyframe, lost: 0, data: bytesOf(data) },
      wallMs: Date.UTC(2026, 0, 1) + 500,
    });
    const [fragment] = fragmentsOf(
      [
        unit(0, 7200, 0, '00000002 65aa'),
        unit(1, 0, 0, 'd5d5'),
        unit(0, 14400, 3600, '00000002 41bb', false),
        unit(1, 160, 160, 'd5'),
        unit(0, 10800, 7200, '00000001 01', false),
      ],
      { prft: true },
    );
    const golden = bytesOf(`
      00000020 'prft' 01000018 00000001 ed003780 80000000 0000000000001c20
      000000cc 'moof'
        00000010 'mfhd' 00000000 00000001
        00000064 'traf'
          00000018 'tfhd' 00020028 00000001 00000e10 01010000
          00000014 'tfdt' 01000000 0000000000000000
          00000030 'trun' 01000a05 00000003 000000d4 02000000
            00000006 00001c20  00000006 00002a30  00000005 00000e10
        00000050 'traf'
          00000018 'tfhd' 00020028 00000002 000000a0 02000000
          00000014 'tfdt' 01000000 0000000000000000
          0000001c 'trun' 00000201 00000002 000000e5  00000002 00000001
      0000001c 'mdat'
        00000002 65aa 00000002 41bb 00000001 01 d5d5 d5`);
    assert.equal(hexOf(bytesIn(fragment as Fragment)), hexOf(golden));
  });

  const cuts: [name: string, units: AccessUnit[], options: Partial<FragmenterOptions>, samples: number[]][] = [
    ['cuts in front of key frames', video(60, [0, 20, 40]), {}, [20, 20, 20]],
    ['cuts at maxSeconds inside a long group of pictures', video(60, [0]), {}, [25, 25, 10]],
    [
      'cuts only by time when key frames do not matter',
      video(60, [0, 20, 40]),
      { cutAtKeyframes: false },
      [25, 25, 10],
    ],
    ['makes parts of 200 ms that begin anew at key frames', video(16, [0, 7]), { maxSeconds: 0.2 }, [5, 2, 5, 4]],
    ['gives every unit at once with maxSeconds 0', video(3, [0]), { maxSeconds: 0 }, [1, 1, 1]],
    ['cuts when bytes run out', video(10, [0]), { limitBytes: 400 }, [3, 3, 3, 1]],
    ['passes on a unit larger than the limit', video(3, [0]), { limitBytes: 10 }, [1, 1, 1]],
    [
      'does not let a tick of jitter make a short part',
      video(20).map((u, i) => ({ ...u, dts: u.dts + (i % 5 === 4 ? 90 : 0) })),
      { maxSeconds: 0.2 },
      [5, 5, 5, 5],
    ],
  ];
  for (const [name, units, options, samples] of cuts)
    test(name, () => {
      const fragments = fragmentsOf(units, options);
      assert.deepEqual(
        fragments.map(f => f.tracks[0]?.samples),
        samples,
      );
    });

  test('gives a fragment as soon as the unit behind it is there, and keeps that unit back', () => {
    const fragments = fragmentsOf(video(26, [0, 25]), {}, false);
    assert.deepEqual(
      fragments.map(f => [f.tracks[0]?.samples, f.keyframe]),
      [[25, true]],
    );
  });

  test('tells wall clock, duration and whether a key frame is first', () => {
    const [first, second] = fragmentsOf(video(30, [0]));
    const began = video(1)[0]?.wallMs ?? 0;
    assert.deepEqual([first?.beginMs, first?.endMs, first?.keyframe], [began, began + 1000, true]);
    assert.deepEqual([second?.beginMs, second?.endMs, second?.keyframe], [began + 1000, began + 1200, false]);
  });

  test('sample data are the units, not copies', () => {
    const units = video(3);
    const [fragment] = fragmentsOf(units);
    assert.deepEqual(
      fragment?.chunks.map((c, i) => c === units[i]?.data),
      [true, true, true],
    );
  });

  test('irregular durations are told one by one; their sum is the next decoding time', () => {
    const units = [0, 40, 75, 130, 160].map((ms, i) => fakeUnit(videoRun, ms, { keyframe: i === 0 || i === 3 }));
    const [first, second] = fragmentsOf(units).map(parsed);
    assert.deepEqual([...(first?.tracks[0]?.samples.duration ?? [])], [3600, 3150, 4950]);
    assert.equal(second?.tracks[0]?.baseDts, 11_700);
  });

  test('time that stands still or goes back costs one tick, and is caught up with', () => {
    const dts = [0, 3600, 3600, 3000, 14_400, 18_000];
    const units = dts.map((t, i) => ({ ...fakeUnit(videoRun, 0, { keyframe: i === 0 }), dts: t, pts: t }));
    const [info] = fragmentsOf(units).map(parsed);
    assert.deepEqual([...(info?.tracks[0]?.samples.duration ?? [])], [3600, 1, 1, 10_798, 3600, 3600]);
  });

  test('a jump too long for a sample begins a fragment of its own', () => {
    const units = video(4).map((u, i) => (i < 2 ? u : { ...u, dts: u.dts + 2 ** 33, pts: u.pts + 2 ** 33 }));
    const infos = fragmentsOf(units).map(parsed);
    assert.deepEqual(
      infos.map(i => [i.tracks[0]?.baseDts, i.tracks[0]?.duration]),
      [
        [0, 7200],
        [2 ** 33 + 7200, 7200],
      ],
    );
  });

  test('key frames in between are marked one by one', () => {
    const [info] = fragmentsOf(video(5, [0, 2, 3]), { cutAtKeyframes: false }).map(parsed);
    assert.deepEqual([...(info?.tracks[0]?.samples.keyframe ?? [])], [1, 0, 1, 1, 0]);
  });

  test('JPEG, of which every picture is a key frame, is cut by time alone', () => {
    const run = fakeRun(4, [{ ...h264Track, codec: 'mjpeg', parameterSets: [], codecText: 'mp4v.6c' }]);
    const every = Array.from({ length: 30 }, (_, i) => i);
    const fragments = fragmentsOf(video(30, every, run));
    assert.deepEqual(
      fragments.map(f => [f.tracks[0]?.samples, f.keyframe]),
      [
        [25, true],
        [5, true],
      ],
    );
  });

  test('negative composition offsets are kept', () => {
    const offsets = [0, -1800, 1800];
    const units = video(3).map((u, i) => ({ ...u, pts: u.dts + (offsets[i] ?? 0) }));
    const [info] = fragmentsOf(units).map(parsed);
    assert.deepEqual([...(info?.tracks[0]?.samples.compositionOffset ?? [])], offsets);
  });

  test('originDts run: the times of the run stay, moved up by whole seconds if it begins below zero', () => {
    const late = video(3).map(u => ({ ...u, dts: u.dts + 450_000 }));
    assert.equal(fragmentsOf(late, { originDts: 'run' })[0]?.tracks[0]?.baseDts, 450_000);
    const early = video(3).map(u => ({ ...u, dts: u.dts - 7200 }));
    assert.equal(fragmentsOf(early, { originDts: 'run' })[0]?.tracks[0]?.baseDts, 82_800);
  });

  test('goes on after a flush, with the times of the units', () => {
    const fragmenter = new Fragmenter(videoRun, usual);
    const units = video(20, [0, 10]);
    for (const u of units.slice(0, 5)) fragmenter.push(u);
    const first = fragmenter.flush();
    for (const u of units.slice(10)) fragmenter.push(u);
    const second = fragmenter.flush();
    assert.deepEqual(
      [first?.tracks[0]?.duration, second?.tracks[0]?.baseDts, fragmenter.flush()],
      [18_000, 36_000, undefined],
    );
  });
});

describe('Fragmenter with audio', () => {
  const audio = (fromMs: number, count: number): AccessUnit[] =>
    Array.from({ length: count }, (_, i) =>
      fakeUnit(bothRun, fromMs + (i * 1024) / 48, { track: 1, keyframe: true, bytes: 7 }),
    );
  const byArrival = (video: AccessUnit[], audio: AccessUnit[], lagMs = 0): AccessUnit[] =>
    [...video.map(unit => ({ unit, at: unit.wallMs })), ...audio.map(unit => ({ unit, at: unit.wallMs + lagMs }))]
      .sort((x, y) => x.at - y.at)
      .map(x => x.unit);

  test('video comes first in the data, and audio is continuous over fragments', () => {
    const fragments = fragmentsOf(byArrival(video(50, [0, 25], bothRun), audio(0, 90)));
    assert.deepEqual(
      fragments.map(f => f.tracks.map(t => t.track)),
      [
        [0, 1],
        [0, 1],
      ],
    );
    const infos = fragments.map(parsed);
    assert.equal(infos[1]?.tracks[1]?.baseDts, infos[0]?.tracks[1]?.duration);
    const [v, a] = infos[0]?.tracks ?? [];
    assert.equal(a?.samples.offset[0], (v?.samples.offset[0] ?? 0) + (v?.bytes ?? 0));
  });

  test('audio that arrives late goes before the first picture of a new file; nothing is lost', () => {
    const fragmenter = new Fragmenter(bothRun, usual);
    const files: Fragment[] = [];
    for (const unit of byArrival(video(50, [0, 25], bothRun), audio(0, 90), 300)) {
      const fragment = fragmenter.push(unit);
      if (!fragment) continue;
      files.push(fragment);
      assert.equal(fragmenter.nextIsKeyframe, true);
      fragmenter.beginFile();
    }
    const last = fragmenter.flush();
    if (last) files.push(last);
    const [first, second] = files.map(parsed);
    assert.deepEqual([first?.sequence, first?.tracks.map(t => t.baseDts)], [1, [0, 0]]);
    assert.equal(second?.sequence, 1);
    const [v, a] = second?.tracks ?? [];
    assert.equal(a?.baseDts, 0);
    assert.ok(Math.abs((v?.baseDts ?? 0) / 90 - 300) < 50, 'the picture is where it belongs');
    assert.equal((first?.tracks[1]?.count ?? 0) + (a?.count ?? 0), 90);
  });

  test('audio goes on while the picture stands still', () => {
    const fragments = fragmentsOf([...video(1, [0], bothRun), ...audio(0, 400)], {}, false);
    assert.ok(fragments.length >= 3);
    assert.deepEqual([fragments[1]?.keyframe, fragments[1]?.tracks.map(t => t.track)], [false, [1]]);
    assert.ok(fragments.every(f => (f.tracks.at(-1)?.duration ?? 0) <= 48_000 * 2.1));
  });

  test('of a burst the sound comes behind the pictures: it waits for the next one, and no fragment goes back in time', () => {
    const burst = [...video(100, [0, 25, 50, 75], bothRun), ...audio(0, 185), ...video(103, [100], bothRun).slice(100)];
    const fragments = fragmentsOf(burst, {}, false);
    assert.deepEqual(
      fragments.map(f => f.tracks.map(t => [t.track, t.samples])),
      [
        [[0, 25]],
        [[0, 25]],
        [[0, 25]],
        [
          [0, 25],
          [1, 184],
        ],
      ],
    );
  });

  test('what lies before a time that was given up is left out', () => {
    const fragmenter = new Fragmenter(bothRun, { ...usual, originDts: 'run' });
    const units = [...video(51, [25, 50], bothRun).slice(25), ...audio(0, 90)];
    for (const u of units) fragmenter.push(u);
    fragmenter.leaveOutBefore(1);
    const tracks = fragmenter.flush()?.tracks;
    assert.deepEqual(tracks?.map(t => [t.track, t.baseDts]).at(-1), [1, 48_128]);
  });

  test('only audio: cut by time, every fragment is a beginning', () => {
    const units = Array.from({ length: 120 }, (_, i) => fakeUnit(audioRun, i * 20, { keyframe: true, bytes: 160 }));
    assert.deepEqual(
      fragmentsOf(units).map(f => [f.tracks[0]?.samples, f.keyframe]),
      [
        [50, true],
        [50, true],
        [20, true],
      ],
    );
  });

  test('any units: no throw, every fragment reads back with the samples that went in', () => {
    const random = fuzzSeed('fragmenter');
    for (let round = 0; round < fuzzRounds(200); round++) {
      const fragmenter = new Fragmenter(bothRun, {
        maxSeconds: random.unit() * 2,
        cutAtKeyframes: random.below(2) === 0,
        prft: random.below(2) === 0,
        originDts: random.below(2) === 0 ? 'first' : 'run',
        limitBytes: 1 + random.below(5000),
      });
      const clock = [0, 0];
      let given = 0;
      let pushed = 0;
      const take = (f: Fragment | undefined): void => {
        if (!f) return;
        const info = parsed(f);
        assert.equal(
          info.tracks.reduce((sum, t) => sum + t.count, 0),
          f.chunks.length,
        );
        assert.deepEqual(
          info.tracks.map(t => [t.trackId - 1, t.baseDts, t.duration]),
          f.tracks.map(t => [t.track, t.baseDts, t.duration]),
        );
        given += f.chunks.length;
      };
      for (let n = random.below(200); n > 0; n--) {
        const track = random.below(2);
        const back = random.below(20) === 0 ? 5000 : 0;
        clock[track] = (clock[track] ?? 0) + random.below(track === 0 ? 9000 : 3000) - back;
        const dts = clock[track] ?? 0;
        const unit = fakeUnit(bothRun, 0, { track, keyframe: random.below(10) === 0, bytes: random.below(300) });
        take(fragmenter.push({ ...unit, dts, pts: dts + random.below(9000) - 3000 }));
        pushed++;
      }
      take(fragmenter.flush());
      assert.ok(given <= pushed && fragmenter.flush() === undefined);
    }
  });
});
