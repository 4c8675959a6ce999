import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fuzzRounds, fuzzSeed, mutate } from '#fake/fuzz';
import { aacTrack, fakeRun, fakeUnit, h264Track } from '#fake/media';
import { parseFragmentHeader, readSamples } from '#mp4/fragment-parser';
import { Fragmenter } from '#mp4/fragmenter';
import { writeInit } from '#mp4/init';
import { scan } from '#mp4/scan';
import { bytesOf, joined, readerOf, unitsOf } from './clip.ts';

const clip = new Uint8Array(readFileSync(new URL('../fixture/media/clip.mp4', import.meta.url)));

/** A file as the archive writes it, and where its fragments begin. */
async function written(file = clip, maxSeconds = 1): Promise<{ bytes: Uint8Array; starts: number[] }> {
  const { run, units } = await unitsOf(file);
  const fragmenter = new Fragmenter(run, { maxSeconds, cutAtKeyframes: true, prft: true, originDts: 'first' });
  const parts = [writeInit(run.tracks)];
  const starts: number[] = [];
  let at = parts[0]?.length ?? 0;
  for (const fragment of [...units.map(u => fragmenter.push(u)), fragmenter.flush()]) {
    if (!fragment) continue;
    starts.push(at);
    at += fragment.bytes;
    parts.push(fragment.header, ...fragment.chunks);
  }
  return { bytes: joined(parts), starts: [...starts, at] };
}

const good = async (bytes: Uint8Array): Promise<number> =>
  (await scan(readerOf(bytes), bytes.length, () => {})).goodBytes;

describe('scan', () => {
  test('finds every fragment where it was written, with its samples', async () => {
    const { bytes, starts } = await written();
    const { units } = await unitsOf(clip);
    const found: number[] = [];
    const data: Uint8Array[][] = [[], []];
    const result = await scan(readerOf(bytes), bytes.length, (fragment, offset) => {
      found.push(offset);
      assert.equal(fragment.sequence, found.length);
      for (const { trackId, samples, count } of fragment.tracks)
        for (let i = 0; i < count; i++) {
          const at = offset + (samples.offset[i] ?? 0);
          data[trackId - 1]?.push(bytes.subarray(at, at + (samples.size[i] ?? 0)));
        }
    });
    assert.deepEqual([...found, result.goodBytes], starts);
    assert.deepEqual([result.fragments, result.init?.tracks.length], [starts.length - 1, 2]);
    for (const track of [0, 1])
      assert.deepEqual(
        data[track],
        units.filter(u => u.track === track).map(u => u.data),
      );
  });

  test('tells the wall clock of each fragment', async () => {
    const { bytes } = await written();
    const { units } = await unitsOf(clip);
    const told: (number | undefined)[] = [];
    await scan(readerOf(bytes), bytes.length, f => void told.push(f.prftWallMs));
    assert.deepEqual(
      told,
      units.filter(u => u.track === 0 && u.keyframe).map(u => u.wallMs),
    );
  });

  test('a file cut off anywhere is good up to its last whole fragment', async () => {
    const { bytes, starts } = await written();
    const init = starts[0] ?? 0;
    for (let length = 0; length <= bytes.length; length += 97) {
      const expected = length < init ? 0 : starts.filter(s => s <= length).at(-1);
      assert.equal(await good(bytes.subarray(0, length)), expected, `at ${length}`);
    }
  });

  const tails: [name: string, tail: Uint8Array][] = [
    ['zeros, as a file system leaves after a power cut', new Uint8Array(8192)],
    ['noise', Uint8Array.from({ length: 5000 }, (_, i) => (i * 7919) & 255)],
    ['a box of another kind', bytesOf('00000010 66726565 0000000000000000')],
    ['a moof without mdat', bytesOf('00000018 6d6f6f66 00000010 6d666864 00000000 00000009 00000008 66726565')],
    ['a moof of 4 GiB', bytesOf('fffffff0 6d6f6f66 00000010 6d666864')],
    ['a prft and nothing', bytesOf('00000020 70726674').slice()],
  ];
  for (const [name, tail] of tails)
    test(`stops cleanly before ${name}`, async () => {
      const { bytes } = await written();
      assert.equal(await good(joined([bytes, tail])), bytes.length);
    });

  test('a fragment whose samples point outside of it is damaged', async () => {
    const { bytes, starts } = await written();
    const broken = bytes.slice();
    const trun = Buffer.from(broken).indexOf('trun', starts[2] ?? 0, 'latin1');
    broken[trun + 12] = 0x7f; // data_offset
    assert.equal(await good(broken), starts[2]);
  });

  test('reads little: one read of 4 KiB per fragment', async () => {
    const { bytes } = await written();
    let read = 0;
    const result = await scan(
      async (offset, length) => {
        read += length;
        return bytes.slice(offset, offset + length);
      },
      bytes.length,
      () => {},
    );
    assert.ok(read <= 4096 * (result.fragments + 1), `${read} bytes`);
  });

  test('a header longer than the first read is read whole', async () => {
    const run = fakeRun(1);
    const fragmenter = new Fragmenter(run, { maxSeconds: 100, cutAtKeyframes: false, prft: true, originDts: 'first' });
    for (let i = 0; i < 2000; i++) fragmenter.push(fakeUnit(run, i * 3 + (i % 2), { keyframe: i === 0 }));
    const fragment = fragmenter.flush();
    assert.ok(fragment && fragment.header.length > 10_000);
    const bytes = joined([writeInit(run.tracks), fragment.header, ...fragment.chunks]);
    assert.equal(await good(bytes), bytes.length);
  });

  test('any bytes: no throw, no endless loop, never more good bytes than there are', async () => {
    const random = fuzzSeed('scan');
    const run = fakeRun(1, [h264Track, aacTrack]);
    const fragmenter = new Fragmenter(run, { maxSeconds: 0.1, cutAtKeyframes: true, prft: true, originDts: 'first' });
    const parts = [writeInit(run.tracks)];
    for (let i = 0; i < 12; i++) {
      const fragment = fragmenter.push(fakeUnit(run, i * 20, { track: i % 2, keyframe: i % 4 === 0 }));
      if (fragment) parts.push(fragment.header, ...fragment.chunks);
    }
    const valid = joined(parts);
    for (let round = 0; round < fuzzRounds(1000); round++) {
      const bytes = mutate(random, valid);
      const result = await scan(readerOf(bytes), bytes.length, () => {});
      assert.ok(result.goodBytes <= bytes.length && result.fragments <= bytes.length / 16);
    }
  });
});

describe('readSamples', () => {
  const moof = (traf: string): Uint8Array => {
    const body = bytesOf(traf);
    const size = (n: number): Uint8Array => bytesOf(n.toString(16).padStart(8, '0'));
    return joined([size(body.length + 16), bytesOf("'moof'"), size(body.length + 8), bytesOf("'traf'"), body]);
  };

  test('defaults of the trex, base-data-offset and several runs, as other writers have them', () => {
    const bytes = moof(`
      00000018 'tfhd' 00000001 00000005 0000000000001000
      00000014 'trun' 00000001 00000002 00000010
      00000014 'trun' 00000004 00000001 00000000`);
    const [track] = readSamples(bytes, 999, new Map([[5, { duration: 20, size: 160, flags: 0x10000 }]])) ?? [];
    assert.deepEqual([track?.trackId, track?.baseDts, track?.duration, track?.bytes], [5, undefined, 60, 480]);
    assert.deepEqual([...(track?.samples.offset ?? [])], [0x1010, 0x10b0, 0x1150]);
    assert.deepEqual([...(track?.samples.keyframe ?? [])], [0, 0, 1]);
  });

  test('a second track without any base follows the data of the first', () => {
    const one = bytesOf(`00000014 'tfhd' 00000010 00000001 00000064 00000014 'trun' 00000001 00000003 00000200`);
    const two = bytesOf(`00000014 'tfhd' 00000010 00000002 0000000a 00000010 'trun' 00000000 00000001`);
    const traf = (body: Uint8Array): Uint8Array =>
      joined([bytesOf((body.length + 8).toString(16).padStart(8, '0')), bytesOf("'traf'"), body]);
    const body = joined([traf(one), traf(two)]);
    const bytes = joined([bytesOf((body.length + 8).toString(16).padStart(8, '0')), bytesOf("'moof'"), body]);
    assert.deepEqual(
      readSamples(bytes, 1000)?.map(t => t.samples.offset[0]),
      [1512, 1812],
    );
  });

  test('a run that claims more samples than it has rows, or than anybody would believe, is damaged', () => {
    for (const trun of [`00000014 'trun' 00000200 00000009 00000001`, `00000010 'trun' 00000000 ffffffff`])
      assert.equal(readSamples(moof(`00000010 'tfhd' 00020000 00000001 ${trun}`), 0), undefined);
  });

  test('any bytes: no throw, bounded', () => {
    const random = fuzzSeed('readSamples');
    const valid = moof(`00000018 'tfhd' 00000001 00000005 0000000000001000 00000014 'trun' 00000001 00000002 00000010`);
    for (let round = 0; round < fuzzRounds(3000); round++) {
      const bytes = mutate(random, valid);
      readSamples(bytes, 0);
      parseFragmentHeader(bytes, 0);
    }
  });
});
