import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fakeRun, h264Track } from '#fake/media';
import { makeMedia, needPeer, probe, runPeer, scratchFolder } from '#fake/peers';
import type { AccessUnit } from '#media/access-unit';
import type { Run, Track } from '#media/track';
import { readMp4 } from '#mp4/file';
import { type IsomBlock, type IsomMovie, type IsomTrack, isomHeadBytes, writeIsomHead } from '#mp4/isom';
import { beganMs, joined, readerOf, unitsOf } from './clip.ts';

const clip = new Uint8Array(readFileSync(new URL('../fixture/media/clip.mp4', import.meta.url)));

/** Chunks of up to `perChunk` units; `data` is what follows the head. */
function layOut(run: Run, units: readonly AccessUnit[], perChunk = 12): { tracks: IsomTrack[]; data: Uint8Array[] } {
  const data: Uint8Array[] = [];
  let dataOffset = 0;
  const blocks: IsomBlock[][] = run.tracks.map(() => []);
  const waiting = run.tracks.map((_, track) => units.filter(u => u.track === track));
  const durationOf = (list: AccessUnit[], i: number): number =>
    list[i + 1] ? (list[i + 1]?.dts ?? 0) - (list[i]?.dts ?? 0) : (list[i]?.dts ?? 0) - (list[i - 1]?.dts ?? 0);
  for (let at = 0; waiting.some(list => at < list.length); at += perChunk)
    waiting.forEach((list, track) => {
      const some = list.slice(at, at + perChunk);
      if (some.length === 0) return;
      const samples = {
        duration: Uint32Array.from(some, (_, i) => durationOf(list, at + i)),
        compositionOffset: Int32Array.from(some, u => u.pts - u.dts),
        size: Uint32Array.from(some, u => u.data.length),
        keyframe: Uint8Array.from(some, u => (u.keyframe ? 1 : 0)),
      };
      blocks[track]?.push({ count: some.length, description: 0, dataOffset, samples });
      for (const u of some) {
        data.push(u.data);
        dataOffset += u.data.length;
      }
    });
  const tracks = run.tracks.map((track, i) => trackOf([track], blocks[i] ?? []));
  return { tracks, data };
}

function trackOf(descriptions: [Track, ...Track[]], blocks: readonly IsomBlock[]): IsomTrack {
  const sum = (of: (b: IsomBlock) => number): number => blocks.reduce((total, b) => total + of(b), 0);
  return {
    descriptions,
    samples: sum(b => b.count),
    keyframes: sum(b => b.samples.keyframe.reduce((n, k) => n + k, 0)),
    chunks: blocks.length,
    reordered: blocks.some(b => b.samples.compositionOffset.some(o => o !== 0)),
    duration: sum(b => b.samples.duration.reduce((n, d) => n + d, 0)),
    edits: [],
    blocks: () => blocks,
  };
}

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return joined(all);
}

const movieOf = (tracks: readonly IsomTrack[], data: readonly Uint8Array[]): IsomMovie => ({
  timescale: 90_000,
  beginMs: beganMs,
  tracks,
  dataBytes: data.reduce((sum, d) => sum + d.length, 0),
});

async function fileOf(movie: IsomMovie, data: readonly Uint8Array[]): Promise<Uint8Array> {
  const head = await collect(writeIsomHead(movie));
  assert.equal(head.length, isomHeadBytes(movie), 'the length that the counts promised');
  return joined([head, ...data]);
}

describe('writeIsomHead', () => {
  test('the samples come back as they went in', async () => {
    const { run, units } = await unitsOf(clip);
    const { tracks, data } = layOut(run, units);
    const file = await fileOf(movieOf(tracks, data), data);
    const again = await unitsOf(file);
    const plain = (list: readonly AccessUnit[]) =>
      [0, 1].map(track => {
        const mine = list.filter(u => u.track === track);
        return mine.map(u => [u.pts - (mine[0]?.dts ?? 0), u.dts - (mine[0]?.dts ?? 0), u.keyframe, u.data]);
      });
    assert.deepEqual(plain(again.units), plain(units));
  });

  test('from any byte on it is the same head, and tables before it are not produced', async () => {
    const { run, units } = await unitsOf(clip);
    const { tracks, data } = layOut(run, units);
    const movie = movieOf(tracks, data);
    const whole = await collect(writeIsomHead(movie));
    for (let begin = 0; begin <= whole.length; begin += 61)
      assert.deepEqual(await collect(writeIsomHead(movie, begin)), whole.subarray(begin));
    let passes = 0;
    const blocksOf = (t: IsomTrack) => (): ReturnType<IsomTrack['blocks']> => {
      passes++;
      return t.blocks();
    };
    const counted = { ...movie, tracks: tracks.map(t => ({ ...t, blocks: blocksOf(t) })) };
    await collect(writeIsomHead(counted, whole.length - 16));
    assert.equal(passes, 0);
  });

  test('a day of video costs small pieces, and its length is known without a pass', async () => {
    const perBlock = 25;
    const seconds = 24 * 3600;
    const samples = {
      duration: new Uint32Array(perBlock).fill(3600),
      compositionOffset: new Int32Array(perBlock).fill(1),
      size: new Uint32Array(perBlock).fill(20_000),
      keyframe: Uint8Array.from({ length: perBlock }, (_, i) => (i === 0 ? 1 : 0)),
    };
    const track: IsomTrack = {
      descriptions: [h264Track],
      ...{ samples: perBlock * seconds, keyframes: seconds, chunks: seconds, reordered: true, edits: [] },
      duration: seconds * 90_000,
      *blocks() {
        for (let i = 0; i < seconds; i++) yield { count: perBlock, description: 0, dataOffset: i * 500_000, samples };
      },
    };
    const movie: IsomMovie = { timescale: 1000, beginMs: beganMs, tracks: [track], dataBytes: seconds * 500_000 };
    const promised = isomHeadBytes(movie);
    let bytes = 0;
    for await (const piece of writeIsomHead(movie)) {
      assert.ok(piece.length <= 65_536);
      bytes += piece.length;
    }
    assert.equal(bytes, promised);
    assert.ok(bytes > 40e6 && bytes < 50e6, `${bytes}`);
  });

  test('samples that are not what the counts promised give a fault, not a wrong file', async () => {
    const { run, units } = await unitsOf(clip);
    const { tracks, data } = layOut(run, units);
    for (const wrong of [{ samples: 99 }, { samples: 101 }, { keyframes: 1 }, { chunks: 3 }]) {
      const movie = movieOf([{ ...(tracks[0] as IsomTrack), ...wrong }], data);
      await assert.rejects(collect(writeIsomHead(movie)), { code: 'index-mismatch' });
    }
  });
});

describe('exports before judges', { skip: needPeer('ffmpeg', 'ffprobe') }, () => {
  for (const [name, video, bframes] of [
    ['H.264', 'h264', 0],
    ['H.264 with B-pictures', 'h264', 2],
    ['H.265 with B-pictures', 'h265', 3],
  ] as const)
    test(`${name}: ffprobe sees every packet, ffmpeg decodes`, async () => {
      const { run, units } = await unitsOf(makeMedia('mp4', { video, audio: 'aac', bframes, seconds: 3 }));
      const { tracks, data } = layOut(run, units);
      const file = await fileOf(movieOf(tracks, data), data);
      const { packets, format } = probe(file, ['-show_packets', '-show_format']);
      for (const track of [0, 1]) {
        const mine = units.filter(u => u.track === track);
        const origin = mine[0]?.dts ?? 0;
        const offset = video && bframes > 0 && track === 0 ? packets.find((p: any) => p.stream_index === 0).dts : 0;
        assert.deepEqual(
          packets
            .filter((p: any) => p.stream_index === track)
            .map((p: any) => [p.pts - offset, p.dts - offset, Number(p.size), p.flags[0] === 'K']),
          mine.map(u => [u.pts - origin, u.dts - origin, u.data.length, u.keyframe]),
        );
      }
      assert.equal(format.tags.creation_time, '2026-01-01T00:00:00.000000Z');
      decodes(file);
    });

  test('an edit list hides the lead-in: pictures begin exactly where asked', async () => {
    const { run, units } = await unitsOf(
      makeMedia('mp4', { video: 'h264', audio: 'aac', bframes: 2, seconds: 3, gop: 50 }),
    );
    const { tracks, data } = layOut(run, units);
    // 1.2 s into the file, in the middle of the first group of pictures; what is left lasts 1.8 s.
    const [first, second] = [units.find(u => u.track === 0), units.find(u => u.track === 1)];
    const begin = { video: 1.2 * 90_000 - (first?.dts ?? 0), audio: Math.round(1.2 * 48_000) - (second?.dts ?? 0) };
    const duration = 1.8 * 90_000;
    const cut = tracks.map((t, i) => ({ ...t, edits: [{ duration, mediaTime: i === 0 ? begin.video : begin.audio }] }));
    const file = await fileOf(movieOf(cut, data), data);
    const { format, frames } = probe(file, ['-show_format', '-show_frames', '-select_streams', 'v']);
    assert.equal(Number(format.duration), 1.8);
    assert.deepEqual([frames.length, Number(frames[0].pts_time)], [45, 0]);
    decodes(file);
  });

  test('several sample descriptions in one track: each picture is decoded with its own', async () => {
    const [a, b] = [
      await unitsOf(makeMedia('mp4', { video: 'h264', seconds: 1 })),
      await unitsOf(makeMedia('mp4', { video: 'h264', seconds: 1, size: '160x120' })),
    ];
    const [one, two] = [layOut(a.run, a.units), layOut(b.run, b.units)];
    const bytes = one.data.reduce((sum, d) => sum + d.length, 0);
    const later = [...((two.tracks[0] as IsomTrack).blocks() as IsomBlock[])].map(c => ({
      ...c,
      description: 1,
      dataOffset: c.dataOffset + bytes,
    }));
    const blocks = [...((one.tracks[0] as IsomTrack).blocks() as IsomBlock[]), ...later];
    const track = trackOf([a.run.tracks[0] as Track, b.run.tracks[0] as Track], blocks);
    const data = [...one.data, ...two.data];
    const file = await fileOf(movieOf([track], data), data);
    const { frames } = probe(file, ['-show_frames']);
    assert.deepEqual([frames.length, frames[0].width, frames[49].width], [50, 320, 160]);
    const mp4 = await readMp4(readerOf(file), file.length);
    assert.deepEqual(
      mp4.tracks[0]?.entries.map(e => e?.track.kind === 'video' && e.track.width),
      [320, 160],
    );
    assert.deepEqual([mp4.tracks[0]?.samples.description[24], mp4.tracks[0]?.samples.description[25]], [0, 1]);
  });
});

function decodes(file: Uint8Array): void {
  const path = `${scratchFolder()}/judged.mp4`;
  writeFileSync(path, file);
  runPeer('ffmpeg', ['-v', 'error', '-xerror', '-i', path, '-f', 'null', '-']);
}

test('a run without samples makes an empty movie', async () => {
  const { tracks, data } = layOut(fakeRun(1), []);
  const movie = movieOf(tracks, data);
  assert.equal((await collect(writeIsomHead(movie))).length, isomHeadBytes(movie));
});
