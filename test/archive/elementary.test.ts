/** Raw elementary streams and key frames out of the archive. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { ByteSource, MediaAnswer } from '#core/bytes';
import { needPeer, probe, scratchFolder } from '#fake/peers';
import type { AccessUnit } from '#media/access-unit';
import type { Run, Track } from '#media/track';
import { parseFragmentHeader } from '#mp4/fragment-parser';
import { parseInit } from '#mp4/scan';
import { realMedia } from './ffmpeg-media.ts';
import { makeRun, Rig, t0, units } from './rig.ts';

async function bytesOf(answer: MediaAnswer, begin?: number, end?: number): Promise<Uint8Array> {
  const stream = (answer.body as ByteSource).open(begin, end);
  const pieces: Uint8Array[] = [];
  for (let p = await stream.next(); p; p = await stream.next()) pieces.push(p);
  stream.close();
  return new Uint8Array(Buffer.concat(pieces));
}

const ask = (rig: Rig, fromS: number, toS: number, media: 'video' | 'audio' = 'video'): Promise<MediaAnswer> =>
  rig.library.elementary({ track: 'cam1', beginMs: t0 + fromS * 1000, endMs: t0 + toS * 1000, media });

/** Twelve seconds in files of four. */
async function recorded(run: Run = makeRun({ audio: true })): Promise<Rig> {
  const rig = await new Rig().open();
  rig.options = { ...rig.options, fileSeconds: 4 };
  await rig.record('cam1', { run, startMs: t0, from: 0, to: 12 });
  await rig.stop();
  return rig.open();
}

const hex = (...pieces: readonly (Uint8Array | string)[]): string =>
  pieces.map(p => (typeof p === 'string' ? p : Buffer.from(p).toString('hex'))).join('');

const videoOf = (run: Run, from: number, to: number): AccessUnit[] =>
  [...units({ run, startMs: t0, from, to })].filter(u => u.track === 0);

test('H.264: start codes for lengths, parameter sets before each key frame, the end exact; any part is that part of the whole', async () => {
  const run = makeRun({ audio: true });
  const rig = await recorded(run);
  const answer = await ask(rig, 3, 7.52);
  const sets = run.tracks[0]?.kind === 'video' ? run.tracks[0].parameterSets : [];
  const expected = videoOf(run, 2, 7.52).flatMap(u => [
    ...(u.keyframe ? sets.flatMap(s => ['00000001', s]) : []),
    '00000001',
    u.data.subarray(4),
  ]);
  const whole = await bytesOf(answer);
  assert.equal(hex(whole), hex(...expected));
  assert.equal((answer.body as ByteSource).length, whole.length);
  assert.deepEqual(await bytesOf(answer, 1000, 21_000), whole.slice(1000, 21_000));
  assert.equal(answer.contentType, 'video/h264');
  assert.equal(answer.headers?.['x-timestamp'], new Date(t0 + 2000).toISOString());
  assert.match(answer.headers?.['content-disposition'] ?? '', /filename="cam1_2026\d{4}T.*\.h264"/);
  await rig.stop();
});

test('AAC: every frame behind an ADTS header that tells its length', async () => {
  const rig = await recorded();
  const answer = await ask(rig, 0, 4, 'audio');
  const bytes = await bytesOf(answer);
  assert.equal(bytes.length % 47, 0);
  assert.ok(Math.abs(bytes.length / 47 - (4 * 48_000) / 1024) <= 1);
  // 40 bytes and 7, mono, 48 kHz.
  for (let at = 0; at < bytes.length; at += 47)
    assert.equal(hex(bytes.subarray(at, at + 7)), 'fff14c4005fffc', `frame at ${at}`);
  await rig.stop();
});

const plain = (codec: string): Run => {
  const [video] = makeRun().tracks;
  return { id: 1, tracks: [{ ...video, codec, parameterSets: [], codecText: codec } as Track] };
};

test('others: as they are stored; there is none of a kind that was not recorded', async () => {
  const run = plain('mjpeg');
  const rig = await recorded(run);
  assert.equal(hex(await bytesOf(await ask(rig, 0, 2))), hex(...videoOf(run, 0, 2).map(u => u.data)));
  await assert.rejects(ask(rig, 0, 2, 'audio'), { code: 'no-data' });
  await assert.rejects(ask(rig, 50, 52), { code: 'no-data' });
  await rig.stop();
});

test('every key frame with its time and size, of files and of what is being recorded', async () => {
  const rig = await recorded();
  const list = await rig.library.keyframes('cam1', { beginMs: t0 + 1000, endMs: t0 + 8000 });
  assert.deepEqual(
    list.map(k => [Date.parse(k.time) - t0, k.size]),
    [2000, 4000, 6000].map(ms => [ms, 400]),
  );
  assert.equal((await rig.library.keyframes('cam1', { beginMs: undefined, endMs: undefined })).length, 6);
  assert.deepEqual(await rig.library.keyframes('cam1', { beginMs: t0 + 99_000, endMs: undefined }), []);
  await rig.stop();
});

const places: [at: number | undefined, got: number][] = [
  [3, 2],
  [4, 4],
  [3.999, 2],
  [60, 10],
  [undefined, 10],
];
for (const [at, got] of places)
  test(`the key frame at or before ${at ?? 'now'} is that of ${got} s, as a file of one sample`, async () => {
    const run = makeRun({ audio: true });
    const rig = await recorded(run);
    const answer = await rig.library.keyframe('cam1', at === undefined ? undefined : t0 + at * 1000);
    assert.equal(answer.headers?.['x-timestamp'], new Date(t0 + got * 1000).toISOString());
    const bytes = answer.body as Uint8Array;
    const init = parseInit(bytes);
    assert.ok(init && 'tracks' in init);
    assert.equal(init.tracks.length, 1);
    const info = parseFragmentHeader(bytes, init.bytes);
    assert.ok(info && 'tracks' in info);
    assert.equal(info.tracks[0]?.count, 1);
    const wanted = videoOf(run, got, got + 0.04)[0]?.data ?? new Uint8Array();
    assert.equal(hex(bytes.subarray(init.bytes + info.headerBytes)), hex(wanted));
    await rig.stop();
  });

test('no key frame before the first, none of what nobody knows; one that somebody took is passed over', async () => {
  const rig = await recorded();
  await assert.rejects(rig.library.keyframe('cam1', t0 - 1), { code: 'no-data' });
  await assert.rejects(rig.library.keyframe('nobody', t0), { code: 'not-found' });
  rig.files.entries.delete(`/archive/${rig.segments()[2]}`);
  const answer = await rig.library.keyframe('cam1', undefined);
  assert.equal(answer.headers?.['x-timestamp'], new Date(t0 + 6000).toISOString());
  await rig.stop();
});

describe('elementary streams, judged by ffmpeg', { skip: needPeer('ffmpeg', 'ffprobe') }, () => {
  test('both are decoded without a complaint, with as many pictures as were wanted', async () => {
    const rig = await new Rig().open();
    const folder = scratchFolder();
    const sink = rig.recorder.track('cam1');
    for (const u of realMedia(join(folder, 'a.mp4'), { seconds: 8, bframes: 2, audio: true })(1, t0)) {
      const ahead = u.wallMs - rig.world.clock.wallMs();
      if (ahead >= 250) await rig.pass(ahead);
      sink.unit(u);
    }
    await rig.stop();
    await rig.open();
    const frames = async (media: 'video' | 'audio', extension: string): Promise<number> =>
      probe(await bytesOf(await ask(rig, 0, 7, media)), ['-show_entries', 'frame=media_type'], extension).frames.length;
    // Pictures are shown 80 ms later than they are decoded; up to two more are needed by the last.
    const pictures = await frames('video', 'h264');
    assert.ok(pictures >= 173 && pictures <= 175, `${pictures}`);
    const sound = await frames('audio', 'aac');
    assert.ok(Math.abs(sound - (7 * 48_000) / 1024) < 3, `${sound}`);
    await rig.stop();
  });
});
