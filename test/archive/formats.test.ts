/** Every form of an export, decoded picture by picture and compared with what was recorded. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ExportRequest } from '#archive/library/library';
import type { ByteSource, MediaAnswer } from '#core/bytes';
import { needPeer } from '#fake/peers';
import type { AccessUnit } from '#media/access-unit';
import { type MediaOptions, probe, realMedia } from './ffmpeg-media.ts';
import { Rig, t0 } from './rig.ts';

async function bytesOf(answer: MediaAnswer, begin?: number, end?: number): Promise<Uint8Array> {
  const stream = (answer.body as ByteSource).open(begin, end);
  const pieces: Uint8Array[] = [];
  for (let p = await stream.next(); p; p = await stream.next()) pieces.push(p);
  stream.close();
  return new Uint8Array(Buffer.concat(pieces));
}

const ask = (rig: Rig, fromS: number, toS: number, more: Partial<ExportRequest>): Promise<MediaAnswer> =>
  rig.library.export({
    track: 'cam1',
    beginMs: t0 + fromS * 1000,
    endMs: t0 + toS * 1000,
    format: 'isom',
    gaps: 'skip',
    ...more,
  });

async function feed(rig: Rig, units: readonly AccessUnit[]): Promise<void> {
  const sink = rig.recorder.track('cam1');
  for (const u of units) {
    const ahead = u.wallMs - rig.world.clock.wallMs();
    if (ahead >= 250) await rig.pass(ahead);
    sink.unit(u);
  }
  await rig.pass(250);
}

/** ffmpeg's parser, which looks ahead of the decoder, knows the first sample description of a plain MP4 alone; its decoder knows all. */
const complaints = (text: string): string =>
  text
    .split('\n')
    .filter(l => !l.startsWith('[NULL @'))
    .join('\n');

interface Picture {
  readonly seconds: number;
  readonly md5: string;
}

/** What ffmpeg decodes, in the order of showing, with the times of the file; it must not complain. */
function decoded(path: string): Picture[] {
  const run = spawnSync(
    'ffmpeg',
    [
      '-v',
      'error',
      '-copyts',
      '-i',
      path,
      '-map',
      '0:v:0',
      '-vsync',
      'passthrough',
      '-enc_time_base',
      '-1',
      '-f',
      'framemd5',
      '-',
    ],
    { encoding: 'utf8' },
  );
  assert.equal(complaints(run.stderr), '');
  const base = /^#tb 0: (\d+)\/(\d+)/m.exec(run.stdout);
  const tick = Number(base?.[1]) / Number(base?.[2]);
  return run.stdout
    .split('\n')
    .filter(l => l !== '' && !l.startsWith('#'))
    .map(l => l.split(',').map(f => f.trim()))
    .map(f => ({ seconds: Number(f[2]) * tick, md5: f[5] ?? '' }));
}

describe('forms of an export, decoded by ffmpeg', { skip: needPeer('ffmpeg', 'ffprobe') }, () => {
  let scratch = '';
  before(() => {
    scratch = mkdtempSync(join(tmpdir(), 'ocellus-formats-'));
  });
  after(async () => {
    for (const r of archives.values()) await (await r).rig.stop();
    rmSync(scratch, { recursive: true, force: true });
  });

  /** The pictures of units, numbered: what a decoder makes of them without any container. */
  function pictures(units: readonly AccessUnit[]): string[] {
    const codec = units[0]?.run.tracks[0]?.codec;
    const path = join(scratch, `reference.${codec === 'h265' ? 'hevc' : 'h264'}`);
    const pieces: Uint8Array[] = [];
    for (const u of units) {
      const track = u.run.tracks[u.track];
      if (track?.kind !== 'video') continue;
      if (u.keyframe) for (const set of track.parameterSets) pieces.push(Uint8Array.of(0, 0, 0, 1), set);
      const data = u.data.slice();
      const view = new DataView(data.buffer);
      for (let at = 0; at < data.length; ) {
        const next = at + 4 + view.getUint32(at);
        view.setUint32(at, 1);
        at = next;
      }
      pieces.push(data);
    }
    writeFileSync(path, Buffer.concat(pieces));
    const md5s = decoded(path).map(p => p.md5);
    assert.equal(new Set(md5s).size, md5s.length, 'every picture is another one');
    return md5s;
  }

  interface Recorded {
    readonly rig: Rig;
    /** In the order of showing. */
    readonly md5s: readonly string[];
  }

  /** Twelve seconds in files of four, a gap of eight, six seconds of a second run; 25 pictures a second, a key frame every two. */
  function recorded(options: Omit<MediaOptions, 'seconds'>, second = options): Promise<Recorded> {
    const key = JSON.stringify([options, second]);
    const known = archives.get(key) ?? record(options, second);
    archives.set(key, known);
    return known;
  }
  /** Exports change nothing, so tests share archives. */
  const archives = new Map<string, Promise<Recorded>>();

  async function record(options: Omit<MediaOptions, 'seconds'>, second: typeof options): Promise<Recorded> {
    const rig = await new Rig().open();
    rig.options = { ...rig.options, fileSeconds: 4 };
    const first = realMedia(join(scratch, 'a.mp4'), { ...options, seconds: 12 })(1, t0);
    const later = realMedia(join(scratch, 'b.mp4'), { ...second, seconds: 6, hue: 90 })(2, t0 + 20_000);
    await feed(rig, first);
    rig.recorder.track('cam1').gap({ reason: 'camera-unreachable', atMs: t0 + 12_000 });
    await feed(rig, later);
    await rig.stop();
    return { rig: await rig.open(), md5s: [...pictures(first), ...pictures(later)] };
  }

  /** Decoded pictures as their numbers. */
  async function shown(r: Recorded, answer: MediaAnswer, extension: string): Promise<{ n: number; seconds: number }[]> {
    const path = join(scratch, `export.${extension}`);
    const bytes = await bytesOf(answer);
    assert.equal((answer.body as ByteSource).length, bytes.length);
    writeFileSync(path, bytes);
    assert.equal(complaints(probe(path).errors), '');
    return decoded(path).map(p => ({ n: r.md5s.indexOf(p.md5), seconds: p.seconds }));
  }

  const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

  // Pictures [first, last) are wanted; lead: the key frame that decoding begins with.
  const rows: [
    name: string,
    options: Omit<MediaOptions, 'seconds'>,
    from: number,
    to: number,
    lead: number,
    first: number,
    last: number,
  ][] = [
    ['from a key frame to a key frame', {}, 4, 8, 100, 100, 200],
    ['across two file borders, from a picture between key frames', { audio: true }, 3, 9.2, 50, 75, 230],
    ['to a picture in the middle of a fragment', { audio: true }, 2.4, 6.52, 50, 60, 163],
    ['one picture', { audio: true }, 5.04, 5.08, 100, 126, 127],
    ['with pictures shown out of order', { bframes: 2, audio: true }, 3.08, 9.28, 50, 75, 230],
    ['across a gap, which is closed', { audio: true }, 11, 23, 250, 275, 375],
    ['all there is', { bframes: 2 }, -1, 40, 0, 0, 450],
  ];
  for (const [name, options, from, to, lead, first, last] of rows) {
    test(`fmp4, ${name}: every picture once, the first at 0, before it only what an edit list hides`, async () => {
      const r = await recorded(options);
      const all = await shown(r, await ask(r.rig, from, to, { format: 'fmp4' }), 'mp4');
      const seen = all.filter(p => p.seconds > -0.001);
      const b = options.bframes ? 2 : 0;
      // What is shown behind the end may be needed by what is shown before it; the edit list's end hides it.
      assert.deepEqual(seen.map(p => p.n).slice(0, last - first), numbers(first, last));
      assert.ok(seen.length <= last - first + b, `${seen.length}`);
      assert.deepEqual(
        all.filter(p => p.seconds <= -0.001).map(p => p.n),
        numbers(lead, first),
      );
      const slack = name.startsWith('across a gap') ? 0.045 : 0.002;
      for (const [i, p] of seen.entries())
        assert.ok(Math.abs(p.seconds - i * 0.04) < slack, `picture ${p.n} at ${p.seconds}`);
    });

    test(`ts, ${name}: every picture once, from the key frame that X-Timestamp tells on`, async () => {
      const r = await recorded(options);
      const answer = await ask(r.rig, from, to, { format: 'ts' });
      const all = await shown(r, answer, 'ts');
      assert.deepEqual(all.map(p => p.n).slice(0, last - lead), numbers(lead, last));
      assert.ok(all.length <= last - lead + (options.bframes ? 2 : 0), `${all.length}`);
      const wall = lead >= 300 ? t0 + 20_000 + (lead - 300) * 40 : t0 + lead * 40;
      const told = Date.parse(answer.headers?.['x-timestamp'] ?? '');
      assert.ok(Math.abs(told - wall - (options.bframes ? 80 : 0)) < 2, `${told - wall}`);
      const slack = name.startsWith('across a gap') ? 0.045 : 0.002;
      for (const [i, p] of all.entries())
        assert.ok(Math.abs(p.seconds - (all[0]?.seconds ?? 0) - i * 0.04) < slack, `picture ${p.n} at ${p.seconds}`);
    });
  }

  for (const format of ['isom', 'fmp4', 'ts'] as const) {
    test(`${format}: another codec configuration in the middle is decoded as what it is`, async () => {
      const r = await recorded({}, { bframes: 1, profile: 'main' });
      const all = await shown(r, await ask(r.rig, 0, 40, { format }), format === 'ts' ? 'ts' : 'mp4');
      assert.deepEqual(
        all.map(p => p.n),
        numbers(0, 450),
      );
    });

    test(`${format}: H.265, another codec configuration in the middle`, async () => {
      const r = await recorded({ codec: 'h265', bframes: 2 }, { codec: 'h265' });
      const all = await shown(r, await ask(r.rig, 3.08, 40, { format }), format === 'ts' ? 'ts' : 'mp4');
      const seen = format === 'ts' ? all : all.filter(p => p.seconds > -0.001);
      assert.deepEqual(
        seen.map(p => p.n),
        numbers(format === 'ts' ? 50 : 75, 450),
      );
    });

    test(`${format}: with gaps kept file time is wall clock minus begin`, async () => {
      const r = await recorded({ audio: true });
      const all = await shown(r, await ask(r.rig, 10, 24, { format, gaps: 'keep' }), format === 'ts' ? 'ts' : 'mp4');
      const begin = format === 'ts' ? (all[0]?.seconds ?? 0) : 0;
      const at = (n: number): string | undefined => all.find(p => p.n === n)?.seconds.toFixed(1);
      const expected = (s: number): string => (begin + s).toFixed(1);
      assert.deepEqual([250, 299, 300, 399].map(at), [0, 1.96, 10, 13.96].map(expected));
      assert.equal(all.length, 150);
    });
  }
});
