import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ByteSource, MediaAnswer } from '#core/bytes';
import { fuzzRounds, fuzzSeed } from '#fake/fuzz';
import { needPeer } from '#fake/peers';
import type { AccessUnit } from '#media/access-unit';
import type { Track } from '#media/track';
import { type Probed, probe, realMedia } from './ffmpeg-media.ts';
import { makeRun, Rig, t0 } from './rig.ts';

async function bytesOf(answer: MediaAnswer, begin?: number, end?: number): Promise<Uint8Array> {
  const stream = (answer.body as ByteSource).open(begin, end);
  const pieces: Uint8Array[] = [];
  for (let p = await stream.next(); p; p = await stream.next()) pieces.push(p.slice());
  stream.close();
  return new Uint8Array(Buffer.concat(pieces));
}

const ask = (
  rig: Rig,
  fromS: number,
  toS: number,
  gaps: 'skip' | 'keep' = 'skip',
  format: 'isom' | 'fmp4' | 'ts' = 'isom',
): Promise<MediaAnswer> =>
  rig.library.export({
    track: 'cam1',
    beginMs: t0 + fromS * 1000,
    endMs: t0 + toS * 1000,
    format,
    gaps,
  });

/** How many pictures of each width ffprobe decodes. */
function sizesOf(path: string): Record<string, number> {
  const args = ['-v', 'error', '-of', 'csv=p=0', '-select_streams', 'v:0', '-show_entries', 'frame=width', path];
  const run = spawnSync('ffprobe', args, { encoding: 'utf8' });
  assert.equal(run.stderr, '');
  const sizes: Record<string, number> = {};
  for (const width of run.stdout.match(/\d+/g) ?? []) sizes[width] = (sizes[width] ?? 0) + 1;
  return sizes;
}

describe('export as isom, judged by ffprobe', { skip: needPeer('ffmpeg', 'ffprobe') }, () => {
  let scratch = '';
  before(() => {
    scratch = mkdtempSync(join(tmpdir(), 'ocellus-export-'));
  });
  after(() => rmSync(scratch, { recursive: true, force: true }));

  async function feed(rig: Rig, units: readonly AccessUnit[]): Promise<void> {
    const sink = rig.recorder.track('cam1');
    for (const u of units) {
      const ahead = u.wallMs - rig.world.clock.wallMs();
      if (ahead >= 250) await rig.pass(ahead);
      sink.unit(u);
    }
    await rig.pass(250);
  }

  /** Twenty seconds in files of four, then a gap of ten seconds, then ten more. */
  async function recorded(options: { bframes?: number; audio?: boolean }): Promise<Rig> {
    const rig = await new Rig().open();
    rig.options = { ...rig.options, fileSeconds: 4 };
    const media = realMedia(join(scratch, 'source.mp4'), { seconds: 20, ...options });
    await feed(rig, media(1, t0));
    rig.recorder.track('cam1').gap({ reason: 'camera-unreachable', atMs: t0 + 20_000 });
    await feed(
      rig,
      media(2, t0 + 30_000).filter(u => u.wallMs < t0 + 40_000),
    );
    await rig.stop();
    return rig.open();
  }

  async function probed(rig: Rig, from: number, to: number, gaps?: 'skip' | 'keep'): Promise<Probed> {
    const path = join(scratch, 'export.mp4');
    writeFileSync(path, await bytesOf(await ask(rig, from, to, gaps)));
    const result = probe(path);
    assert.equal(result.errors, '');
    return result;
  }

  const rows: [
    name: string,
    options: { bframes?: number; audio?: boolean },
    from: number,
    to: number,
    pictures: number,
  ][] = [
    ['from a key frame to a key frame', {}, 4, 8, 100],
    ['from a picture between key frames, across two file borders', {}, 3, 9.2, 155],
    ['to a picture in the middle of a fragment', { audio: true }, 2, 6.52, 113],
    ['with pictures shown out of order', { bframes: 2, audio: true }, 3, 9.2, 155],
    ['longer than what there is', {}, 0, 20, 500],
    ['longer than what there is, out of order', { bframes: 2 }, 0, 21, 500],
    ['across a gap, which is closed', { audio: true }, 18, 33, 125],
  ];
  for (const [name, options, from, to, pictures] of rows)
    test(`${name}: every picture once, the first at 0`, async () => {
      const rig = await recorded(options);
      // B pictures delay what is shown, and so the wall clock, by the same time everywhere.
      const shift = options.bframes ? 0.08 : 0;
      const { video, audio } = await probed(rig, from + shift, to + shift);
      assert.equal(video.length, pictures);
      assert.ok(Math.abs(video[0] ?? 1) < 0.002, `first at ${video[0]}`);
      // At a gap audio may end up to two frames later than video.
      const slack = name.startsWith('across a gap') ? 0.045 : 0.002;
      for (const [i, t] of video.entries()) assert.ok(Math.abs(t - i * 0.04) < slack, `picture ${i} at ${t}`);
      if (options.audio) {
        const length = pictures / 25;
        assert.ok(Math.abs((audio.at(-1) ?? 0) - length) < 0.06, `audio ends at ${audio.at(-1)} of ${length}`);
        assert.ok((audio[0] ?? 1) < 0.03, `audio begins at ${audio[0]}`);
      }
      await rig.stop();
    });

  test('with gaps kept the last picture is held, so that file time is wall clock minus begin', async () => {
    const rig = await recorded({ audio: true });
    const { video } = await probed(rig, 18, 33, 'keep');
    assert.equal(video.length, 125);
    assert.deepEqual(
      [0, 49, 50, 124].map(i => video[i]?.toFixed(2)),
      ['0.00', '1.96', '12.00', '14.96'],
    );
    await rig.stop();
  });

  test('with gaps kept a step of the clock is held too, though the media went on', async () => {
    const rig = await new Rig().open();
    const media = realMedia(join(scratch, 'step.mp4'), { seconds: 8 })(1, t0);
    await feed(
      rig,
      media.map(u => (u.wallMs < t0 + 4000 ? u : { ...u, wallMs: u.wallMs + 6000 })),
    );
    await rig.stop();
    await rig.open();
    const { video } = await probed(rig, 0, 14, 'keep');
    assert.deepEqual(
      [0, 99, 100].map(i => video[i]?.toFixed(2)),
      ['0.00', '3.96', '10.00'],
    );
    assert.equal((await probed(rig, 0, 14)).video[100]?.toFixed(2), '4.00');
    await rig.stop();
  });

  test('with gaps kept a begin before the footage is kept too', async () => {
    const rig = await recorded({});
    const { video } = await probed(rig, 28, 32, 'keep');
    assert.deepEqual([video.length, video[0]?.toFixed(2), video.at(-1)?.toFixed(2)], [50, '2.00', '3.96']);
    await rig.stop();
  });

  for (const format of ['isom', 'fmp4', 'ts'] as const)
    test(`${format}: another size of the picture in the middle decodes as what it is`, async () => {
      const rig = await new Rig().open();
      const small = realMedia(join(scratch, 'a.mp4'), { seconds: 4 });
      const large = realMedia(join(scratch, 'b.mp4'), { seconds: 4, size: '640x360' });
      await feed(rig, small(1, t0));
      await feed(rig, large(2, t0 + 4000));
      await rig.stop();
      await rig.open();
      const path = join(scratch, `sizes.${format === 'ts' ? 'ts' : 'mp4'}`);
      const request = { track: 'cam1', beginMs: t0, endMs: t0 + 8000, format, gaps: 'skip' } as const;
      writeFileSync(path, await bytesOf(await rig.library.export(request)));
      assert.deepEqual(sizesOf(path), { '320': 100, '640': 100 });
      await rig.stop();
    });

  for (const container of ['fmp4', 'ts'] as const)
    test(`the playlist of an interval as ${container} plays through ffprobe, file borders included`, async () => {
      const rig = await recorded({ audio: true });
      const { body } = await rig.library.playlist('cam1', { beginMs: t0 + 1000, endMs: t0 + 19_000 }, container);
      const text = String(body);
      const dir = mkdtempSync(join(scratch, 'hls-'));
      for (const uri of text.match(/hls\/[^"\s]+/g) ?? []) {
        const answer = await rig.library.hls('cam1', uri.slice(4));
        assert.equal(answer.immutable, true);
        writeFileSync(join(dir, uri.slice(4)), answer.body as Uint8Array);
      }
      writeFileSync(join(dir, 'list.m3u8'), text.replaceAll('hls/', ''));
      const { video, audio, errors } = probe(join(dir, 'list.m3u8'));
      assert.equal(errors, '');
      assert.equal(video.length, 500);
      for (const [i, t] of video.entries())
        assert.ok(Math.abs(t - (video[0] ?? 0) - i * 0.04) < 0.002, `picture ${i} at ${t}`);
      assert.ok(audio.length > 900);
      assert.equal(text.includes('DISCONTINUITY'), false);
      await rig.stop();
    });
});

describe('export', () => {
  async function recorded(): Promise<Rig> {
    const rig = await new Rig().open();
    rig.options = { ...rig.options, fileSeconds: 4 };
    await rig.record('cam1', { run: makeRun({ audio: true }), startMs: t0, from: 0, to: 12 });
    await rig.stop();
    return rig.open();
  }

  for (const format of ['isom', 'fmp4', 'ts'] as const)
    test(`${format}: any part on its own is that part of the whole, and the length is known before`, async () => {
      const rig = await recorded();
      const answer = await rig.library.export({
        track: 'cam1',
        beginMs: t0 + 1020,
        endMs: t0 + 9500,
        format,
        gaps: 'skip',
      });
      const whole = await bytesOf(answer);
      const { length } = whole;
      assert.equal((answer.body as ByteSource).length, length);
      const random = fuzzSeed(`ranges of ${format}`);
      const ranges: [number, number][] = [
        [0, 1],
        [length - 1, length],
        [3, length],
      ];
      for (let n = fuzzRounds(20); n > 0; n--) {
        const begin = random.below(length);
        ranges.push([begin, begin + 1 + random.below(random.below(2) ? 2000 : length - begin)]);
      }
      for (const [b, e] of ranges) assert.deepEqual(await bytesOf(answer, b, e), whole.slice(b, e), `${b}..${e}`);
      await rig.stop();
    });

  test('ts: continuity counters go on over fragments and file borders, and a part in the middle has those of the whole', async () => {
    const rig = await recorded();
    const answer = await rig.library.export({
      track: 'cam1',
      beginMs: t0,
      endMs: t0 + 12_000,
      format: 'ts',
      gaps: 'skip',
    });
    const bytes = await bytesOf(answer);
    const last = new Map<number, number>();
    const wrong: number[] = [];
    for (let at = 0; at < bytes.length; at += 188) {
      assert.equal(bytes[at], 0x47);
      const pid = (((bytes[at + 1] ?? 0) & 0x1f) << 8) | (bytes[at + 2] ?? 0);
      const counts = ((bytes[at + 3] ?? 0) & 0x10) !== 0;
      const counter = (bytes[at + 3] ?? 0) & 15;
      const before = last.get(pid);
      if (before !== undefined && counter !== (counts ? (before + 1) & 15 : before)) wrong.push(at);
      last.set(pid, counter);
    }
    assert.deepEqual(wrong, []);
    assert.equal(last.size, 4);
    await rig.stop();
  });

  test('ts: once a file is hashed its packets are counted: an export reads the border alone before it begins', async () => {
    const rig = await recorded();
    const request = { track: 'cam1', beginMs: t0, endMs: t0 + 11_000, format: 'ts', gaps: 'skip' } as const;
    const cost = async (): Promise<number> => {
      const before = rig.files.reads;
      await rig.library.export(request);
      return rig.files.reads - before;
    };
    const counted = await cost();
    assert.ok(counted > 3, `${counted}`);
    assert.ok((await cost()) <= 3);
    const again = await recorded();
    await again.pass(10_000);
    const before = again.files.reads;
    const first = await again.library.export(request);
    assert.ok(again.files.reads - before <= 3, `${again.files.reads - before}`);
    assert.equal((first.body as ByteSource).length, ((await rig.library.export(request)).body as ByteSource).length);
    await rig.stop();
    await again.stop();
  });

  test('ts: what a transport stream cannot carry is refused', async () => {
    const rig = await new Rig().open();
    const run = makeRun();
    const jpeg = { ...run.tracks[0], codec: 'mjpeg', parameterSets: [], codecText: 'jpeg' } as Track;
    await rig.record('cam1', { run: { id: 99, tracks: [jpeg] }, startMs: t0, from: 0, to: 4, gop: 1 });
    await rig.stop();
    await rig.open();
    const request = { track: 'cam1', beginMs: t0, endMs: t0 + 3000, gaps: 'skip' } as const;
    await assert.rejects(rig.library.export({ ...request, format: 'ts' }), { code: 'not-acceptable' });
    assert.ok((await bytesOf(await rig.library.export({ ...request, format: 'fmp4' }))).length > 0);
    await rig.stop();
  });

  test('the same request has the same tag, another one another', async () => {
    const rig = await recorded();
    const tag = async (a: number, b: number): Promise<string | undefined> => (await ask(rig, a, b)).headers?.['etag'];
    assert.equal(await tag(1, 9), await tag(1, 9));
    assert.notEqual(await tag(1, 9), await tag(1, 8));
    await rig.stop();
  });

  for (const format of ['isom', 'fmp4', 'ts'] as const)
    test(`${format}: who stops reading leaves nothing open`, async () => {
      const rig = await recorded();
      const stream = ((await ask(rig, 1, 9, 'skip', format)).body as ByteSource).open();
      await stream.next();
      stream.close();
      await rig.pass(1000);
      assert.equal(rig.files.openCount, 0);
      await rig.stop();
    });

  test('what cannot be answered is refused with a reason', async () => {
    const rig = await recorded();
    await assert.rejects(ask(rig, 100, 110), { kind: 'absent', code: 'no-data' });
    const request = { track: 'cam1', beginMs: t0, endMs: t0 + 1000, gaps: 'skip' } as const;
    await assert.rejects(rig.library.export({ ...request, format: 'isom', track: '../etc' }), { kind: 'absent' });
    for (const path of ['../../index.sqlite3', 'init-.mp4', '1-2.m4s', '1-2.ts', 'x'])
      await assert.rejects(rig.library.hls('cam1', path), { kind: 'absent' });
    await rig.stop();
  });

  test('files removed or cut by hand while the daemon runs: the answer has what is left, and their time becomes gaps removed', async () => {
    const rig = await recorded();
    await rig.pass(2000);
    const [first, second] = rig.segments().map(p => `/archive/${p}`);
    const cut = rig.files.bytesOf(first ?? '');
    rig.files.put(first ?? '', cut.slice(0, cut.length - 600));
    rig.files.entries.delete(second ?? '');
    const bytes = await bytesOf(await ask(rig, 1, 12));
    assert.ok(bytes.length > 0);
    assert.deepEqual(await rig.timeline('cam1'), ['00:00.000 00:03.000', '00:08.000 00:12.000']);
    assert.equal((await rig.gaps('cam1'))[0], '00:03.000 00:08.000 removed');
    await rig.stop();
  });

  test('a file removed by hand is in no playlist any more', async () => {
    const rig = await recorded();
    await rig.pass(2000);
    rig.files.entries.delete(`/archive/${rig.segments()[1]}`);
    const { body } = await rig.library.playlist('cam1', { beginMs: t0, endMs: t0 + 12_000 }, 'fmp4');
    assert.equal(String(body).match(/m4s/g)?.length, 2);
    assert.ok(String(body).includes('#EXT-X-DISCONTINUITY'));
    await rig.stop();
  });

  test('a playlist names segments by time: the same footage has the same names whatever was asked', async () => {
    const rig = await recorded();
    const uris = async (from: number, to: number): Promise<readonly string[]> =>
      String((await rig.library.playlist('cam1', { beginMs: t0 + from, endMs: t0 + to }, 'fmp4')).body).match(
        /hls\/\d+-\d+\.m4s/g,
      ) ?? [];
    const all = await uris(0, 12_000);
    assert.equal(all.length, 3);
    assert.deepEqual(await uris(5000, 6000), [all[1]]);
    await rig.stop();
  });
});
