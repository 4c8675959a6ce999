/** Footage of the past in a gap of a track (archive/DESIGN.md, "Fill a gap"). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Missing } from '#archive/library/missing';
import type { Filling } from '#archive/recorder/filling';
import type { ByteSource } from '#core/bytes';
import { Fault } from '#core/errors';
import type { Run } from '#media/track';
import { clock, folder, makeRun, Rig, t0, units } from './rig.ts';

const gop = 50;
const at = (s: number): number => t0 + s * 1000;
const everything = { beginMs: undefined, endMs: undefined };

/** Twenty seconds of which 7.2 .. 14 are missing; the camera goes on making groups of two seconds meanwhile. */
async function broken(reason: 'network-loss' | 'not-scheduled' = 'network-loss', fileSeconds = 300) {
  const rig = await new Rig().open();
  rig.options = { ...rig.options, fileSeconds };
  await rig.record('cam1', { run: makeRun({ audio: true }), startMs: t0, from: 0, to: 7.2 });
  rig.recorder.track('cam1').gap({ reason, atMs: at(7.2) });
  await rig.pass(6800);
  await rig.record('cam1', { run: makeRun({ audio: true }), startMs: t0, from: 14, to: 20 });
  await rig.pass(3000);
  return rig;
}

const missing = async (rig: Rig): Promise<Missing[]> => [...(await rig.library.missing('cam1', everything))];
const toldMissing = async (rig: Rig): Promise<string[]> =>
  (await missing(rig)).map(
    m =>
      `${clock(new Date(m.beginMs).toISOString())} ${clock(new Date(m.endMs).toISOString())} ${m.reason} from ${m.lead ? clock(new Date(m.lead.beginMs).toISOString()) : 'a key frame'}`,
  );

/** What the device has kept from one moment to another, its clock off by so much, into the first gap. */
async function filling(rig: Rig, from: number, to: number, offMs = 0, run: Run = makeRun({ audio: true })) {
  const [gap] = await missing(rig);
  assert.ok(gap, 'something is missing');
  const into = rig.recorder.fill('cam1', gap);
  for (const u of units({ run, startMs: t0 + offMs, from, to, gop })) into.unit(u);
  return into;
}

async function end(rig: Rig, into: Filling): Promise<string[]> {
  const spans = await into.end();
  rig.recorder.filled(into);
  return spans.map(([b, e]) => `${clock(new Date(b).toISOString())} ${clock(new Date(e).toISOString())}`);
}

/** Numbers of the pictures in a file, in order; also of those in a file that is not listed. */
function picturesOf(rig: Rig, name: string): number[] {
  const bytes = rig.files.bytesOf(`${folder}/${name}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: number[] = [];
  // The unit's own length, its NAL unit header, the number.
  for (let i = 0; i + 9 < bytes.length; i++)
    if (view.getUint32(i) === 396 && (bytes[i + 4] === 0x65 || bytes[i + 4] === 0x41))
      found.push(view.getUint32(i + 5));
  return found;
}
/** The last two seconds may still be in memory. */
const allPictures = (rig: Rig): number[] =>
  rig
    .segments()
    .flatMap(s => picturesOf(rig, s))
    .filter(n => n < 450);
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

const told = async (rig: Rig): Promise<string[]> =>
  (await rig.library.gaps('cam1', everything)).map(
    g => `${clock(g.begin)} ${clock(g.end)} ${g.reason}${g.filled === undefined ? '' : ' filled'}`,
  );

async function exportedBytes(rig: Rig): Promise<number> {
  const answer = await rig.library.export({
    track: 'cam1',
    beginMs: at(1),
    endMs: at(19),
    format: 'isom',
    gaps: 'skip',
  });
  const stream = (answer.body as ByteSource).open();
  let bytes = 0;
  for (let p = await stream.next(); p; p = await stream.next()) bytes += p.length;
  return bytes;
}

async function again(rig: Rig): Promise<void> {
  await rig.stop();
  rig.removeIndex();
  await rig.open();
  await rig.pass(2000);
}

describe('what is missing', () => {
  test('is a gap that nobody decided on, with the incomplete group of pictures before it', async () => {
    const rig = await broken();
    assert.deepEqual(await toldMissing(rig), ['00:07.200 00:14.000 network-loss from 00:06.000']);
    await rig.stop();
  });

  test('is not what was not scheduled, nor a gap that lasts', async () => {
    const rig = await broken('not-scheduled');
    rig.recorder.track('cam1').gap({ reason: 'network-loss', atMs: at(20) });
    await rig.pass(5000);
    assert.deepEqual(await toldMissing(rig), []);
    await rig.stop();
  });

  test('is not what somebody deleted around it', async () => {
    const rig = await broken('network-loss', 2);
    await rig.library.deleteRange('cam1', { beginMs: at(4), endMs: at(16) });
    assert.deepEqual(await toldMissing(rig), []);
    await rig.stop();
  });

  test('keeps what is locked before it', async () => {
    const rig = await broken();
    const lock = { track: 'cam1', id: 'l', beginMs: at(6.5), endMs: at(7), reason: 'r', untilMs: null, by: null };
    await rig.library.lock(lock);
    assert.deepEqual(await toldMissing(rig), ['00:07.200 00:14.000 network-loss from a key frame']);
    await rig.stop();
  });
});

describe('a gap', () => {
  test('is filled from the key frame before it to its end, every picture once, while recording goes on', async () => {
    const rig = await broken();
    const into = await filling(rig, 4, 18);
    await rig.record('cam1', { run: makeRun({ audio: true }), startMs: t0, from: 24, to: 26 });
    assert.equal(into.over, true);
    assert.deepEqual(await end(rig, into), ['00:06.000 00:14.000']);
    assert.deepEqual((await rig.timeline('cam1'))[0], '00:00.000 00:20.000');
    assert.deepEqual((await told(rig))[0], '00:07.200 00:14.000 network-loss filled');
    assert.deepEqual(await missing(rig).then(m => m.filter(g => g.endMs < at(20))), []);
    assert.deepEqual(allPictures(rig), numbers(0, 450));
    await rig.stop();
  });

  test('is filled without a seam by a device whose clock is a little wrong', async () => {
    const rig = await broken();
    assert.deepEqual(await end(rig, await filling(rig, 4, 18, -180)), ['00:06.000 00:14.000']);
    assert.deepEqual(allPictures(rig), numbers(0, 450));
    await rig.stop();
  });

  test('is filled from the first key frame inside when the group before it must stay', async () => {
    for (const why of ['locked', 'another format']) {
      const rig = await broken();
      if (why === 'locked')
        await rig.library.lock({
          track: 'cam1',
          id: 'l',
          beginMs: at(6.5),
          endMs: at(7),
          reason: 'r',
          untilMs: null,
          by: null,
        });
      const run = makeRun(why === 'locked' ? { audio: true } : { audio: true, pps: '68ebe3cb22c1' });
      assert.deepEqual(await end(rig, await filling(rig, 4, 18, 0, run)), ['00:08.000 00:14.000'], why);
      assert.deepEqual(
        await told(rig),
        ['00:07.200 00:08.000 network-loss', '00:07.200 00:14.000 network-loss filled'].slice(1),
        why,
      );
      assert.deepEqual(allPictures(rig), [...numbers(0, 180), ...numbers(200, 450)], why);
      await rig.stop();
    }
  });

  test('is filled as far as there is footage, and the rest goes on from there', async () => {
    const rig = await broken();
    assert.deepEqual(await end(rig, await filling(rig, 4, 10.4)), ['00:06.000 00:10.400']);
    assert.deepEqual(await told(rig), ['00:07.200 00:10.400 network-loss filled', '00:10.400 00:14.000 network-loss']);
    assert.deepEqual(await toldMissing(rig), ['00:10.400 00:14.000 network-loss from 00:10.000']);
    assert.deepEqual(await end(rig, await filling(rig, 9, 18)), ['00:10.000 00:14.000']);
    assert.deepEqual(await told(rig), ['00:07.200 00:14.000 network-loss filled']);
    assert.deepEqual(allPictures(rig), numbers(0, 450));
    await rig.stop();
  });

  test('keeps a hole of the footage that fills it', async () => {
    const rig = await broken();
    const [gap] = await missing(rig);
    const into = rig.recorder.fill('cam1', gap!);
    const run = makeRun();
    for (const u of units({ run, startMs: t0, from: 6, to: 9 })) into.unit(u);
    for (const u of units({ run, startMs: t0, from: 12, to: 18 })) into.unit(u);
    assert.deepEqual(await end(rig, into), ['00:08.000 00:09.000', '00:12.000 00:14.000']);
    // Without sound it is another format. Less than a second in front of footage is no gap.
    assert.deepEqual(await told(rig), [
      '00:07.200 00:09.000 network-loss filled',
      '00:09.000 00:12.000 network-loss',
      '00:12.000 00:14.000 network-loss filled',
    ]);
    await rig.stop();
  });

  test('takes one of two footages of the same time, of a device whose clock was set back', async () => {
    const rig = await broken();
    const [gap] = await missing(rig);
    const into = rig.recorder.fill('cam1', gap!);
    for (const u of units({ run: makeRun({ audio: true }), startMs: t0, from: 6, to: 11 })) into.unit(u);
    for (const u of units({ run: makeRun({ audio: true }), startMs: t0 - 2000, from: 11, to: 18 })) into.unit(u);
    assert.deepEqual(await end(rig, into), ['00:06.000 00:11.000', '00:12.000 00:14.000']);
    const files = await rig.library.channelSummary('cam1', everything);
    assert.ok(files.timeline.length <= 2);
    await rig.stop();
  });

  test('stays filled when the power is cut after it was told', async () => {
    const rig = await broken('network-loss', 2);
    await end(rig, await filling(rig, 4, 18));
    rig.files.powerCut();
    await rig.open();
    assert.deepEqual((await told(rig))[0], '00:07.200 00:14.000 network-loss filled');
    assert.deepEqual(
      allPictures(rig).filter(n => n < 350),
      numbers(0, 350),
    );
    await rig.pass(2000);
    assert.ok((await rig.timeline('cam1'))[0]?.startsWith('00:00.000 00:1'));
    await rig.stop();
  });

  test('is filled in files of the usual length, and can be played across all of them', async () => {
    const rig = await broken('network-loss', 2);
    const before = await exportedBytes(rig);
    assert.deepEqual(await end(rig, await filling(rig, 4, 18)), [
      '00:06.000 00:08.000',
      '00:08.000 00:10.000',
      '00:10.000 00:12.000',
      '00:12.000 00:14.000',
    ]);
    assert.equal(rig.segments().length, 10);
    assert.ok((await exportedBytes(rig)) > before + 170 * 400, 'the export has the pictures in between');
    assert.deepEqual(allPictures(rig), numbers(0, 450));
    await rig.stop();
  });

  test('that was filled is still told as filled when the index is made anew', async () => {
    const rig = await broken();
    await end(rig, await filling(rig, 4, 10.4));
    const gaps = await told(rig);
    await again(rig);
    const now = await told(rig);
    assert.deepEqual(now.slice(0, 2), gaps);
    assert.equal((await rig.timeline('cam1')).length, 2);
    await rig.stop();
  });

  test('of which the filling is deleted is told as removed', async () => {
    const rig = await broken('network-loss', 2);
    await end(rig, await filling(rig, 4, 18));
    await rig.library.deleteRange('cam1', { beginMs: at(8), endMs: at(12) });
    assert.deepEqual(
      (await told(rig)).filter(g => !g.endsWith('filled')),
      ['00:08.000 00:12.000 removed'],
    );
    assert.deepEqual(await toldMissing(rig), []);
    await rig.stop();
  });
});

describe('footage of the past that is not wanted', () => {
  test('nothing is left of a filling that was cancelled', async () => {
    const rig = await broken();
    const before = rig.segments();
    const into = await filling(rig, 4, 10);
    await rig.pass(500);
    assert.ok(rig.segments().length > before.length, 'a file was begun');
    await into.cancel();
    assert.deepEqual(rig.segments(), before);
    assert.deepEqual(await told(rig), ['00:07.200 00:14.000 network-loss']);
    await rig.stop();
  });

  test('a rescan does not take what is being written', async () => {
    const rig = await broken();
    const into = await filling(rig, 4, 11.2);
    await rig.pass(500);
    assert.deepEqual(await rig.library.rescan(), { found: 0, missing: 0 });
    assert.deepEqual(await end(rig, into), ['00:06.000 00:11.200']);
    await rig.stop();
  });

  test('a stop of the archive ends a filling', async () => {
    const rig = await broken();
    const before = rig.segments().length;
    await filling(rig, 4, 10);
    await rig.pass(500);
    await rig.stop();
    assert.equal(rig.segments().length, before);
    await rig.open();
    assert.equal(rig.opened.unclean, false);
    await rig.stop();
  });

  test('a crash in the middle leaves what was listed and nothing else, and the rest can be filled', async () => {
    const rig = await broken('network-loss', 2);
    const into = await filling(rig, 4, 11.2);
    // Long enough for files of two seconds to be listed, up to the one that is being written.
    await rig.pass(1000);
    assert.equal(into.over, false);
    rig.kill();
    await rig.open();
    assert.equal(rig.opened.unclean, true);
    assert.deepEqual(await rig.timeline('cam1'), ['00:00.000 00:10.000', '00:14.000 00:19.000']);
    assert.deepEqual((await told(rig)).slice(0, 2), [
      '00:07.200 00:10.000 network-loss filled',
      '00:10.000 00:14.000 network-loss',
    ]);
    assert.deepEqual(allPictures(rig), [...numbers(0, 250), ...numbers(350, 450)], 'no file of it is left');
    assert.deepEqual(await end(rig, await filling(rig, 4, 18)), [
      // The group before is replaced, complete as it is.
      '00:08.000 00:10.000',
      '00:10.000 00:12.000',
      '00:12.000 00:14.000',
    ]);
    assert.deepEqual(allPictures(rig), numbers(0, 450));
    await rig.stop();
  });

  test('a crash while the index is lost too leaves footage of its own time', async () => {
    const rig = await broken('network-loss', 2);
    await filling(rig, 4, 11.2);
    await rig.pass(1000);
    rig.kill();
    rig.removeIndex();
    await rig.open();
    await rig.pass(2000);
    const [first] = await rig.timeline('cam1');
    assert.ok(first === '00:00.000 00:10.000' || first === '00:00.000 00:11.000', `${first}`);
    const found = allPictures(rig);
    assert.deepEqual(found, [...new Set(found)], 'nothing is there twice');
    await rig.stop();
  });

  test('a lock that comes while it is written keeps what it should replace', async () => {
    const rig = await broken();
    const into = await filling(rig, 4, 18);
    await rig.library.lock({
      track: 'cam1',
      id: 'l',
      beginMs: at(6.5),
      endMs: at(7),
      reason: 'r',
      untilMs: null,
      by: null,
    });
    await assert.rejects(into.end(), (f: Fault) => f.code === 'exists');
    assert.deepEqual(await told(rig), ['00:07.200 00:14.000 network-loss']);
    assert.deepEqual(allPictures(rig), [...numbers(0, 180), ...numbers(350, 450)]);
    await rig.stop();
  });

  test('a disk that is full takes nothing of it', async () => {
    const rig = await broken();
    const before = rig.segments();
    rig.files.before = (operation, path) => {
      if (operation === 'write' && path.includes('000006')) throw new Fault('storage', 'disk-full', 'no space');
    };
    const into = await filling(rig, 4, 18);
    await assert.rejects(into.end(), (f: Fault) => f.code === 'disk-full');
    assert.deepEqual(rig.segments(), before);
    await rig.stop();
  });
});
