/** Recordings read back as access units: what went in comes out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReadRequest, RecordedPiece } from '#capability/recorded-media';
import type { AccessUnit } from '#media/access-unit';
import { RecordedReader } from '#playback/recorded-reader';
import { makeRun, Rig, t0, units } from './rig.ts';

/** Twelve seconds in files of four, ten seconds of nothing, four seconds of another run. */
async function recorded(): Promise<{ rig: Rig; fed: AccessUnit[] }> {
  const rig = await new Rig().open();
  rig.options = { ...rig.options, fileSeconds: 4 };
  const footage = [
    { run: makeRun({ audio: true }), startMs: t0, from: 0, to: 12 },
    { run: makeRun({ pps: '68ebe3cb22c1' }), startMs: t0 + 22_000, from: 0, to: 4 },
  ];
  await rig.record('cam1', footage[0]!);
  rig.recorder.track('cam1').gap({ reason: 'no-media', atMs: t0 + 12_000 });
  await rig.record('cam1', footage[1]!);
  await rig.stop();
  await rig.open();
  return { rig, fed: footage.flatMap(f => [...units(f)]) };
}

const reader = (rig: Rig, atMs: number, more: Omit<Partial<ReadRequest>, 'from'> = {}): RecordedReader =>
  new RecordedReader(
    {
      intervals: (track, beginMs, endMs) => rig.library.intervals(track, { beginMs, endMs }),
      read: request => rig.library.read(request),
    },
    { track: 'cam1', atMs, ...more },
  );

async function all(from: RecordedReader): Promise<AccessUnit[]> {
  const got: AccessUnit[] = [];
  for (let u = await from.next(); u; u = await from.next()) got.push(u);
  return got;
}

/** Everything of a unit that must survive, as text. */
const text = (u: AccessUnit): string =>
  [u.track, u.pts, u.dts, u.keyframe, u.wallMs.toFixed(1), Buffer.from(u.data).toString('base64')].join(' ');

const seconds = (u: { wallMs: number }): number => Math.round((u.wallMs - t0) / 10) / 100;

test('every unit comes back as it was, in decoding order, and each run is one run', async () => {
  const { rig, fed } = await recorded();
  const got = await all(reader(rig, t0));
  assert.deepEqual([...got].map(text).sort(), [...fed].map(text).sort());
  const late = (u: AccessUnit): number => u.dts / (u.run.tracks[u.track]?.timescale ?? 1);
  for (const [i, u] of got.entries()) {
    const before = got[i - 1];
    if (before?.run === u.run) assert.ok(late(before) <= late(u) + 1e-9, `unit ${i}`);
  }
  assert.deepEqual(
    [...new Set(got.map(u => u.run))].map(r => [r.id, r.tracks.length]),
    [
      [0, 2],
      [1, 1],
    ],
  );
  await rig.stop();
});

// at, until: seconds. first, last: seconds of the first unit and the last; n: number of units.
const places: [name: string, how: ReadRequest['how'], at: number, until: number | undefined, got: string][] = [
  ['a time between key frames: from the key frame before it', 'forward', 3, 4, '2..3.96'],
  ['a time in a gap: from the footage behind it', 'forward', 15, undefined, '22..25.96'],
  ['a time behind everything: nothing', 'forward', 30, undefined, 'none'],
  ['a time before everything: from the beginning', 'forward', -5, 1, '0..0.96'],
  ['key frames forward', 'forward-keyframes', 3, undefined, '2 4 6 8 10 22 24'],
  ['key frames backward, over file borders and the gap', 'backward-keyframes', 25, undefined, '24 22 10 8 6 4 2 0'],
  ['key frames backward from a key frame, to a time', 'backward-keyframes', 8, 4, '8 6 4'],
  ['key frames backward from a time before everything', 'backward-keyframes', -1, undefined, 'none'],
];
for (const [name, how, at, until, expected] of places)
  test(name, async () => {
    const { rig } = await recorded();
    const untilMs = until === undefined ? {} : { untilMs: t0 + until * 1000 };
    const got = await all(reader(rig, t0 + at * 1000, { how, ...untilMs }));
    const video = got.filter(u => u.track === 0);
    const told =
      how === 'forward' ? `${seconds(video[0] ?? { wallMs: 0 })}..${seconds(video.at(-1) ?? { wallMs: 0 })}` : '';
    assert.equal(got.length === 0 ? 'none' : told || got.map(seconds).join(' '), expected);
    if (how !== 'forward') assert.ok(got.every(u => u.keyframe && u.track === 0));
    await rig.stop();
  });

test('what is deleted between two questions is passed over, and a file that somebody took too', async () => {
  const { rig } = await recorded();
  const first = await rig.library.read({ track: 'cam1', from: { atMs: t0 + 3000 }, how: 'forward' });
  await rig.library.deleteRange('cam1', { beginMs: t0, endMs: t0 + 4000 });
  rig.files.entries.delete(`/archive/${rig.segments()[0]}`);
  const next = await rig.library.read({
    track: 'cam1',
    from: { next: (first as RecordedPiece).next },
    how: 'forward',
  });
  assert.equal(seconds({ wallMs: next?.beginMs ?? 0 }), 8);
  await rig.stop();
});

test('the end of what is being recorded is no end: the next piece comes when it is on the disk', async () => {
  const rig = await new Rig().open();
  const run = makeRun();
  await rig.record('cam1', { run, startMs: t0, from: 0, to: 3 });
  await rig.pass(2000);
  const from = reader(rig, t0);
  const before = (await all(from)).length;
  assert.ok(before >= 50 && before <= 75, `${before}`);
  await rig.record('cam1', { run, startMs: t0 + 2000, from: 3, to: 6 });
  await rig.pass(2000);
  const later = await all(from);
  assert.equal(later[0]?.pts, before * 3600);
  await rig.stop();
});

test('intervals are those of the timeline', async () => {
  const { rig } = await recorded();
  const intervals = await rig.library.intervals('cam1', { beginMs: t0 + 1000, endMs: t0 + 23_000 });
  assert.deepEqual(
    intervals.map(([b, e]) => [b - t0, e - t0]),
    [
      [1000, 12_000],
      [22_000, 23_000],
    ],
  );
  await assert.rejects(rig.library.intervals('nobody', { beginMs: undefined, endMs: undefined }), {
    code: 'not-found',
  });
  await rig.stop();
});
