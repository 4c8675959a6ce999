import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aacTrack, epochMs, fakeRun, fakeUnit, h264Track } from '#fake/media';
import { SeededRandom, settle } from '#fake/world';
import { isGap, itemBytes, Reader, type ReaderItem, type ReaderOptions } from '#hub/reader';

const run = fakeRun(0, [h264Track, aacTrack]);
const dataBytes = 100;

/** `40!` is a keyframe at 40 ms, `40a` audio, `gap` a gap, `?` takes an item, `...` in the limit units of `dataBytes` fit. */
function play(reader: Reader, script: string): string[] {
  const got: string[] = [];
  const say = (item: ReaderItem | undefined): string => {
    if (!item) return 'nothing';
    if (isGap(item)) return `${item.reason}@${item.atMs - epochMs}`;
    return `${item.wallMs - epochMs}`;
  };
  for (const word of script.split(' ')) {
    const ms = Number.parseInt(word, 10);
    if (word === '?') got.push(say(reader.poll()));
    else if (word === '*') for (let item = reader.poll(); item; item = reader.poll()) got.push(say(item));
    else if (word.startsWith('gap')) reader.gap({ reason: 'no-media', atMs: epochMs + Number(word.slice(3)) });
    else {
      const track = word.endsWith('a') ? 1 : 0;
      reader.unit(fakeUnit(run, ms, { track, keyframe: track === 1 || word.endsWith('!'), bytes: dataBytes }));
    }
  }
  return got;
}

const room = (units: number): number => units * (dataBytes + itemBytes);

describe('Reader: when it is too slow', () => {
  const viewer: ReaderOptions = { whenSlow: 'skip-to-keyframe', limitBytes: room(4) };
  const archive: ReaderOptions = { whenSlow: 'drop-groups', limitBytes: room(4), reason: 'disk-slow' };
  // script: what comes, '?' takes one item, '*' all that there are
  const cases: [name: string, options: ReaderOptions, script: string, got: string, skipped: number][] = [
    ['who keeps up loses nothing', viewer, '0! ? 40 ? 80 ? 120! ? 160 ?', '0 40 80 120 160', 0],
    ['what fits is queued', viewer, '0! 40 80 120! *', '0 40 80 120', 0],
    [
      'a viewer is moved to the newest keyframe that is queued',
      viewer,
      '0! 40 80! 120 160 *',
      'overload@0 80 120 160',
      2,
    ],
    ['a viewer is moved to the keyframe that comes', viewer, '0! 40 80 120 160! 200 *', 'overload@0 160 200', 4],
    [
      'without a keyframe a viewer waits for the next one',
      viewer,
      '0! 40 80 120 160 200 240! 280 *',
      'overload@0 240 280',
      6,
    ],
    ['a viewer goes on from what it took', viewer, '0! 40 ? 80 120 160 200 240! *', '0 overload@40 240', 5],
    ['audio is no place to go on', viewer, '0! 40 80a 120a 160 200a 240! *', 'overload@0 240', 6],
    ['a queue that grows old is moved too', { ...viewer, limitMs: 100 }, '0! 40! 130 *', 'overload@0 40 130', 1],
    [
      'a viewer behind in time goes on with the newest keyframe',
      { ...viewer, limitMs: 100 },
      '0! 100! 140 *',
      'overload@0 100 140',
      1,
    ],
    [
      'the archive keeps what it has and drops what comes',
      archive,
      '0! 40 80 120 160 200 * 240 280! 320 *',
      '0 40 80 120 disk-slow@160 280 320',
      3,
    ],
    [
      'the archive begins again with a keyframe and half of the room',
      archive,
      '0! 40 80 120 160 ? 200! ? ? ? 240 280! *',
      '0 40 80 120 disk-slow@160 280',
      3,
    ],
    ['a gap of the source stays in its place', archive, '0! 40 gap60 1000! *', '0 40 no-media@60 1000', 0],
    [
      'gaps that meet become one',
      archive,
      '0! 40 80 120 160 gap190 gap200 * 1000! *',
      '0 40 80 120 no-media@160 1000',
      1,
    ],
    ['a gap that was taken does not swallow the next', viewer, '0! gap10 ? ? gap20 ?', '0 no-media@10 no-media@20', 0],
  ];
  for (const [name, options, script, got, skipped] of cases)
    test(name, () => {
      const reader = new Reader(options);
      assert.equal(play(reader, script).join(' '), got);
      assert.equal(reader.skipped, skipped);
      assert.equal(reader.queuedBytes, 0);
    });

  test('a picture larger than the limit is lost, and nothing else', () => {
    const reader = new Reader(viewer);
    reader.unit(fakeUnit(run, 0, { keyframe: true, bytes: 10_000 }));
    assert.equal(reader.queuedBytes, itemBytes);
    assert.equal(play(reader, '40 80! *').join(' '), 'overload@0 80');
  });
});

test('whatever comes and goes: bounded, in order, complete from a keyframe to the next gap', t => {
  const seed = Date.now() % 100_000;
  t.diagnostic(`seed ${seed}`);
  const random = new SeededRandom(seed);
  for (const whenSlow of ['skip-to-keyframe', 'drop-groups'] as const) {
    const limitBytes = 5000;
    const reader = new Reader({ whenSlow, limitBytes, limitMs: 3000 });
    let [taken, last, broken] = [0, -1, false];
    const take = (): void => {
      const item = reader.poll();
      if (!item) return;
      if (isGap(item)) broken = true;
      else {
        taken++;
        const index = (item.wallMs - epochMs) / 40;
        if (broken) assert.ok(index > last && item.keyframe && item.track === 0, 'after a gap comes a keyframe');
        else assert.equal(index, last + 1, 'without a gap nothing is missing');
        [last, broken] = [index, false];
      }
    };
    const sent = 20_000;
    for (let i = 0; i < sent; i++) {
      const track = i > 0 && random.below(3) === 0 ? 1 : 0;
      const keyframe = i === 0 || track === 1 || random.below(12) === 0;
      reader.unit(fakeUnit(run, i * 40, { track, keyframe, bytes: random.below(500) }));
      assert.ok(reader.queuedBytes <= limitBytes + itemBytes);
      for (let n = random.below(4); n > 0; n--) take();
      if (i % 1000 < 300) continue;
      take();
    }
    while (reader.queuedBytes > 0) take();
    assert.equal(taken + reader.skipped, sent);
  }
});

describe('Reader.next', () => {
  test('it waits for an item, in order', async () => {
    const reader = new Reader({ whenSlow: 'drop-groups', limitBytes: room(4) });
    const got: unknown[] = [];
    const reading = (async () => {
      for (let item = await reader.next(); item; item = await reader.next()) got.push(isGap(item) ? 'gap' : item.pts);
    })();
    await settle();
    play(reader, '0! 40');
    await settle();
    play(reader, 'gap50');
    await settle();
    assert.deepEqual(got, [0, 3600, 'gap']);
    reader.close();
    await reading;
  });

  test('closing frees what is queued and takes nothing more', async () => {
    const reader = new Reader({ whenSlow: 'drop-groups', limitBytes: room(4) });
    play(reader, '0! 40');
    reader.close();
    play(reader, '80! gap90');
    assert.equal(await reader.next(), undefined);
    assert.equal(reader.queuedBytes, 0);
  });
});
