import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Fault } from '#core/errors';
import { clipRun } from '#fake/clip';
import { aacTrack, epochMs, fakeRun, fakeUnit, h264Track, pcmuTrack } from '#fake/media';
import { needPeer, probe, runPeer, scratchFolder } from '#fake/peers';
import { fitsHls, Packager } from '#hls/packager';
import type { Track } from '#media/track';

const newPackager = (
  more: { segmentSeconds?: number; window?: number; limitBytes?: number; container?: 'fmp4' | 'ts' } = {},
): Packager =>
  new Packager({ epoch: 'e', segmentSeconds: 2, window: 4, firstSequence: 100, firstDiscontinuity: 7, ...more });

/** Pictures of a run, 10 a second, with a keyframe every `gop`. */
function pictures(run = fakeRun(0), { fromMs = 0, count = 10, gop = 10, bytes = 8 } = {}) {
  return Array.from({ length: count }, (_, i) => fakeUnit(run, fromMs + i * 100, { keyframe: i % gop === 0, bytes }));
}

const feed = (p: Packager, units: ReturnType<typeof pictures>): void => units.forEach(u => void p.unit(u));

/** What the playlist says, a word per line that matters. */
const outline = (p: Packager): string =>
  p
    .playlist()
    .split('\n')
    .map(l =>
      l
        .replace(/^#EXT-X-(MEDIA-SEQUENCE|DISCONTINUITY-SEQUENCE|TARGETDURATION):/, (_, tag: string) => `${tag[0]}`)
        .replace(/^#EXT-X-DISCONTINUITY$/, '|')
        .replace(/^#EXT-X-MAP:URI="hls\/e\/(.*)\.mp4"/, '$1')
        .replace(/^#EXTINF:(\d+\.\d).*/, '$1s')
        .replace(/^hls\/e\/(.*)\.m4s/, '$1'),
    )
    .filter(l => l !== '' && !l.startsWith('#'))
    .join(' ');

test('Packager: what is at hand is shown at once, if it is enough to begin with', () => {
  const enough = newPackager();
  feed(enough, pictures(undefined, { count: 41, gop: 200 }));
  enough.showKept();
  assert.equal(outline(enough), 'T4 M100 D7 init 4.0s 100');
  assert.ok(enough.ready);
  const little = newPackager();
  feed(little, pictures(undefined, { count: 15, gop: 200 }));
  little.showKept();
  assert.equal(outline(little), 'T2 M100 D7');
});

describe('Packager: where segments are cut', () => {
  // T: target duration, M: media sequence, D: discontinuity sequence, then per segment its map, duration and number
  const cases: [
    name: string,
    options: Parameters<typeof newPackager>[0],
    units: ReturnType<typeof pictures>,
    outline: string,
  ][] = [
    ['nothing yet', {}, [], 'T2 M100 D7'],
    [
      'a group is a segment when the next keyframe has come',
      {},
      pictures(undefined, { count: 11 }),
      'T2 M100 D7 init 1.0s 100',
    ],
    [
      'short segments until a viewer has enough, then long ones',
      {},
      pictures(undefined, { count: 61 }),
      'T2 M100 D7 init 1.0s 100 1.0s 101 2.0s 102 2.0s 103',
    ],
    [
      'long groups make long segments',
      {},
      pictures(undefined, { count: 81, gop: 40 }),
      'T4 M100 D7 init 4.0s 100 4.0s 101',
    ],
    [
      'the first viewer of a very long group does not wait for its end',
      {},
      pictures(undefined, { count: 421, gop: 200 }),
      'T20 M100 D7 init 8.0s 100 12.0s 101 20.0s 102',
    ],
    [
      'groups that do not fit the length are not split',
      { segmentSeconds: 2.5 },
      pictures(undefined, { count: 121 }),
      'T3 M102 D7 init 1.0s 102 3.0s 103 3.0s 104 3.0s 105',
    ],
    [
      'keyframes that follow close on each other share a segment',
      {},
      pictures(undefined, { count: 26, gop: 1 }),
      'T2 M100 D7 init 0.5s 100 0.5s 101 0.5s 102 0.5s 103',
    ],
    [
      'the window moves',
      { window: 3 },
      pictures(undefined, { count: 101 }),
      'T2 M103 D7 init 2.0s 103 2.0s 104 2.0s 105',
    ],
    [
      'without keyframes a segment ends after ten times its length, the first one sooner',
      { segmentSeconds: 1 },
      pictures(undefined, { count: 230, gop: 1000 }),
      'T10 M100 D7 init 8.0s 100 10.0s 101',
    ],
  ];
  for (const [name, options, units, expected] of cases)
    test(name, () => {
      const p = newPackager(options);
      feed(p, units);
      assert.equal(outline(p), expected);
    });

  test('it is ready when a segment length is listed', () => {
    const p = newPackager();
    feed(p, pictures(undefined, { count: 11 }));
    assert.equal(p.ready, false);
    feed(
      p,
      pictures(undefined, { fromMs: 1100, count: 10, gop: 9 }).map(u => ({ ...u, keyframe: u.pts === 180_000 })),
    );
    assert.equal(p.ready, true);
  });
});

describe('Packager: runs and gaps', () => {
  const second = fakeRun(1, [{ ...h264Track, width: 1280, height: 720 }]);

  test('a new run is a discontinuity with a map of its own; numbers go on', () => {
    const p = newPackager();
    feed(p, pictures(undefined, { count: 25 }));
    feed(p, pictures(second, { count: 21 }));
    assert.equal(outline(p), 'T2 M100 D7 init 1.0s 100 1.0s 101 0.5s 102 | init-1 2.0s 103');
  });

  test('a discontinuity that has left the playlist is counted; one in front of its first segment is not', () => {
    const p = newPackager({ window: 3 });
    feed(p, pictures(undefined, { count: 21 }));
    feed(p, pictures(second, { count: 41 }));
    assert.equal(outline(p), 'T2 M102 D7 init 0.1s 102 | init-1 2.0s 103 2.0s 104');
    feed(
      p,
      pictures(second, { fromMs: 4100, count: 21, gop: 20 }).map((u, i) => ({ ...u, keyframe: i === 19 })),
    );
    assert.equal(outline(p), 'T2 M103 D7 | init-1 2.0s 103 2.0s 104 2.0s 105');
    feed(
      p,
      pictures(second, { fromMs: 6200, count: 21, gop: 20 }).map((u, i) => ({ ...u, keyframe: i === 18 })),
    );
    assert.equal(outline(p), 'T2 M104 D8 init-1 2.0s 104 2.0s 105 2.0s 106');
  });

  test('a gap lists what there was, and the same run goes on behind a discontinuity', () => {
    const p = newPackager();
    feed(p, pictures(undefined, { count: 25 }));
    p.gap({ reason: 'no-media', atMs: epochMs });
    p.gap({ reason: 'camera-unreachable', atMs: epochMs });
    assert.equal(outline(p), 'T2 M100 D7 init 1.0s 100 1.0s 101 0.5s 102');
    feed(p, pictures(undefined, { fromMs: 60_000, count: 21 }));
    assert.equal(outline(p), 'T2 M100 D7 init 1.0s 100 1.0s 101 0.5s 102 | init-1 2.0s 103');
  });

  test('a run of one picture is a segment', () => {
    const p = newPackager();
    for (let id = 0; id < 5; id++) feed(p, pictures(fakeRun(id), { count: 1 }));
    feed(p, pictures(fakeRun(9), { count: 21 }));
    assert.equal(outline(p), 'T2 M103 D9 | init-3 0.0s 103 | init-4 0.0s 104 | init-5 1.0s 105 1.0s 106');
  });

  test('a stream that HLS cannot show is refused, the next one is shown', () => {
    const mjpeg: Track = { ...h264Track, codec: 'mjpeg', parameterSets: [], codecText: 'mjpeg' };
    const p = newPackager();
    feed(p, pictures(fakeRun(0, [mjpeg]), { count: 30 }));
    assert.equal(p.fault?.kind, 'unsupported');
    assert.match(p.fault.message, /mjpeg/);
    feed(p, pictures(fakeRun(1), { count: 11 }));
    assert.equal(p.fault, undefined);
    assert.equal(outline(p), 'T2 M100 D7 init 1.0s 100');
  });

  test('what fragmented MP4 carries for players is shown', () => {
    const shown: Track[] = [
      { ...h264Track, codec: 'h265' },
      { ...h264Track, codec: 'av1' },
      { ...aacTrack, codec: 'opus' },
    ];
    const left: Track[] = [
      { ...h264Track, codec: 'mjpeg' },
      { ...h264Track, codec: 'vp8' },
      { ...aacTrack, codec: 'pcmu' },
      { ...aacTrack, codec: 'lpcm' },
    ];
    assert.deepEqual(
      [shown, left].map(tracks => tracks.map(fitsHls)),
      [
        [true, true, true],
        [false, false, false, false],
      ],
    );
  });

  test('audio that is neither AAC nor Opus is left out, wherever it stands among the tracks', () => {
    const plain = newPackager();
    feed(plain, pictures(undefined, { count: 11 }));
    for (const tracks of [
      [h264Track, pcmuTrack],
      [pcmuTrack, h264Track],
    ]) {
      const run = fakeRun(7, tracks);
      const video = tracks.indexOf(h264Track);
      const p = newPackager();
      for (const u of pictures(undefined, { count: 11 })) {
        p.unit({ ...u, run, track: video });
        p.unit(fakeUnit(run, 0, { track: 1 - video, keyframe: true, bytes: 160 }));
      }
      for (const name of ['init.mp4', '100.m4s']) assert.deepEqual(p.file(name), plain.file(name));
    }
  });
});

describe('Packager: files', () => {
  test('segments stay for a window after they have left the playlist', () => {
    const p = newPackager({ window: 3 });
    feed(p, pictures(undefined, { count: 201 }));
    const first = Number(/MEDIA-SEQUENCE:(\d+)/.exec(p.playlist())?.[1]);
    assert.equal(p.file(`${first - 3}.m4s`)?.contentType, 'video/iso.segment');
    assert.equal(p.file(`${first - 4}.m4s`), undefined);
    assert.equal(p.file(`${first + 3}.m4s`), undefined);
    assert.equal(p.file('init.mp4')?.contentType, 'video/mp4');
    for (const wrong of ['', 'init-1.mp4', '-1.m4s', '1e3.m4s', `${first}`, '../init.mp4', '99999999999999999999.m4s'])
      assert.equal(p.file(wrong), undefined, wrong);
  });

  test('a file is the same bytes each time it is asked for', () => {
    const p = newPackager();
    feed(p, pictures(undefined, { count: 11 }));
    assert.equal(p.file('100.m4s')?.bytes, p.file('100.m4s')?.bytes);
  });

  test('whatever comes, no more is held than the limit and what waits in front of it', () => {
    const limitBytes = 1 << 20;
    const p = newPackager({ limitBytes });
    for (const gop of [10, 1000]) {
      let most = 0;
      for (const u of pictures(fakeRun(gop), { count: 600, gop, bytes: 50_000 })) {
        p.unit(u);
        most = Math.max(most, p.bytes);
      }
      // A segment that grows holds a quarter and the fragment that filled it, an eighth and a picture.
      assert.ok(most <= limitBytes * 1.4 + 100_000, `held ${most}`);
      assert.ok(p.playlist().includes('#EXTINF'));
    }
  });
});

describe('Packager: judged by a player', () => {
  const skip = needPeer('ffmpeg', 'ffprobe');

  for (const container of ['fmp4', 'ts'] as const)
    test(`${container}: ffmpeg plays a playlist with all that it names across a new run`, { skip }, () => {
      const p = newPackager({ window: 10, container });
      // The clock has gone back a minute when the camera comes again.
      const [a, b] = [clipRun(0, { seconds: 6 }), clipRun(1, { seconds: 4, firstMs: epochMs - 54_000 })];
      for (const u of [...a.units, ...b.units]) p.unit(u);
      p.gap({ reason: 'no-media', atMs: epochMs });
      const folder = scratchFolder();
      mkdirSync(join(folder, 'hls/e'), { recursive: true });
      const playlist = p.playlist();
      for (const [, name = ''] of playlist.matchAll(/hls\/e\/([\w.-]+)/g))
        writeFileSync(join(folder, 'hls/e', name), p.file(name)!.bytes);
      const path = join(folder, 'stream.m3u8');
      writeFileSync(path, `${playlist}#EXT-X-ENDLIST\n`);
      const count = (stream: string): string =>
        new TextDecoder()
          .decode(
            runPeer('ffprobe', [
              ...['-v', 'error', '-of', 'csv=p=0', '-select_streams', stream, '-count_frames'],
              ...['-show_entries', 'stream=nb_read_frames', path],
            ]),
          )
          .split('\n')[0] ?? '';
      assert.equal(count('v:0'), '250', 'every picture is there');
      assert.equal(count('a:0'), `${94 + 63}`, 'every audio frame is there');
      const sum = [...playlist.matchAll(/EXTINF:([\d.]+)/g)].reduce((s, [, t]) => s + Number(t), 0);
      assert.ok(Math.abs(sum - 10) < 0.001, `${sum} s are listed`);
      runPeer('ffmpeg', ['-v', 'error', '-xerror', '-i', path, '-f', 'null', '-']);
    });

  // ffmpeg reads the first map of a playlist only, so each map is judged with its own segments.
  test('after a change of format each map fits its segments', { skip }, () => {
    const p = newPackager({ window: 10 });
    for (const u of [...clipRun(0).units, ...clipRun(1, { video: 'second.h264' }).units]) p.unit(u);
    p.gap({ reason: 'no-media', atMs: epochMs });
    const [before = '', after = ''] = p.playlist().split('#EXT-X-DISCONTINUITY\n');
    for (const [list, width] of [
      [before, 320],
      [after, 176],
    ] as const) {
      const names = [...list.matchAll(/hls\/e\/([\w.-]+)/g)].map(m => m[1] ?? '');
      const file = Buffer.concat(names.map(n => p.file(n)!.bytes));
      const { frames } = probe(file, ['-select_streams', 'v', '-show_entries', 'frame=width']);
      assert.equal(frames.length, 100);
      assert.ok(frames.every((f: { width: number }) => f.width === width));
    }
  });
});

describe('Packager: MPEG-TS', () => {
  test('the playlist is of version 3, without maps; segments are whole by themselves and follow on', () => {
    const p = newPackager({ container: 'ts', window: 10 });
    for (const u of clipRun(0).units) p.unit(u);
    p.gap({ reason: 'no-media', atMs: epochMs });
    const playlist = p.playlist();
    assert.match(playlist, /#EXT-X-VERSION:3\n/);
    assert.doesNotMatch(playlist, /EXT-X-MAP/);
    const names = [...playlist.matchAll(/hls\/e\/(\d+\.ts)/g)].map(m => m[1] ?? '');
    assert.ok(names.length >= 2);
    assert.equal(p.file(names[0]!.replace('.ts', '.m4s')), undefined);
    const counters = new Map<number, number>();
    for (const name of names) {
      const { bytes, contentType } = p.file(name)!;
      assert.equal(contentType, 'video/mp2t');
      const pids: number[] = [];
      for (let at = 0; at < bytes.length; at += 188) {
        const pid = ((bytes[at + 1]! & 0x1f) << 8) | bytes[at + 2]!;
        if (pids.length < 3) pids.push(pid);
        const before = counters.get(pid);
        const step = (bytes[at + 3]! & 0x10) === 0 ? 0 : 1;
        if (before !== undefined) assert.equal(bytes[at + 3]! & 15, (before + step) & 15, `${name} ${at}`);
        counters.set(pid, bytes[at + 3]! & 15);
      }
      assert.deepEqual(pids, [0, 0x1000, 0x100], name);
    }
  });

  test('what it does not carry: sound is left out, video is refused with a sentence', () => {
    const p = newPackager({ container: 'ts' });
    const run = fakeRun(0, [h264Track, pcmuTrack]);
    feed(p, pictures(run, { count: 41 }));
    assert.equal(p.fault, undefined);
    assert.ok(p.file('100.ts'));
    const av1 = { ...h264Track, codec: 'av1', codecText: 'av01.0.00M.08' } as Track;
    feed(p, pictures(fakeRun(1, [av1])));
    assert.match((p.fault as Fault | undefined)?.message ?? '', /MPEG-TS needs video in H.264 or H.265.*av1/);
  });
});
