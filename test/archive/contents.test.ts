import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { contentsLength, contentsTail, parseContents, writeContents } from '#archive/format/contents';
import { packRecords, unpackRecords } from '#archive/format/record';
import { scanFile } from '#archive/library/scan-file';
import { folder, makeRun, Rig, t0 } from './rig.ts';

const init = Uint8Array.from({ length: 500 }, (_, i) => i);
/** Fragments of these sizes behind the init segment. */
function packed(sizes: readonly number[], tracks = 1): Uint8Array {
  let offset = init.length;
  const records = sizes.map((bytes, i) => {
    const record = {
      beginMs: t0 + i * 1000,
      durationMs: 1000,
      offset,
      bytes,
      headerBytes: 100,
      keyframe: i === 0,
      reordered: false,
      tracks: Array.from({ length: tracks }, () => ({ baseDts: i * 90_000, samples: 25, duration: 90_000, bytes })),
    };
    offset += bytes;
    return record;
  });
  return packRecords(records, tracks);
}
const table = (sizes: readonly number[]): { at: number; bytes: Uint8Array; records: Uint8Array } => {
  const records = packed(sizes);
  const at = init.length + sizes.reduce((a, b) => a + b, 0);
  return { at, bytes: writeContents(init, at, records, 1), records };
};

describe('table of contents', () => {
  test('comes back as it was written, and its end tells its length', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 1e6 }), { minLength: 1, maxLength: 400 });
    fc.assert(
      fc.property(sizes, some => {
        const { at, bytes, records } = table(some);
        assert.equal(contentsLength(bytes.subarray(bytes.length - contentsTail)), bytes.length);
        assert.deepEqual(Buffer.from(parseContents(init, at, bytes, 1) ?? []), Buffer.from(records));
      }),
    );
  });

  test('of which any byte has changed is none', () => {
    const { at, bytes } = table([1000, 2000, 3000]);
    for (let i = 0; i < bytes.length; i++) {
      const wrong = bytes.slice();
      wrong[i] = (wrong[i] ?? 0) ^ 0x40;
      assert.equal(parseContents(init, at, wrong, 1), undefined, `byte ${i}`);
    }
  });

  const { at, bytes } = table([1000, 2000]);
  const wrong: [what: string, init: Uint8Array, at: number, bytes: Uint8Array, tracks: number][] = [
    ['of another file', init.map(b => b ^ 1), at, bytes, 1],
    ['at another place', init, at + 1, bytes, 1],
    ['of another number of tracks', init, at, bytes, 2],
    ['cut off', init, at, bytes.subarray(0, bytes.length - 1), 1],
    ['with something behind it', init, at, Uint8Array.from([...bytes, 0]), 1],
    ['of nothing', init, at, new Uint8Array(), 1],
    ['whose fragments do not reach it', init, at + 5, writeContents(init, at + 5, packed([1000, 2000]), 1), 1],
  ];
  for (const [what, i, a, b, n] of wrong)
    test(`${what} is none`, () => assert.equal(parseContents(i, a, b, n), undefined));

  test('any bytes are taken without a throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(1000), fc.nat(3), (some, a, n) => {
        contentsLength(some);
        assert.equal(parseContents(init, a, some, n), undefined);
      }),
    );
  });

  test('a file tells the same with its table and without', async () => {
    const rig = await new Rig().open();
    await rig.record('cam1', { run: makeRun({ audio: true }), startMs: t0, from: 0, to: 10 });
    await rig.stop();
    const path = `${folder}/${rig.segments()[0]}`;
    const whole = rig.files.bytesOf(path);
    const scanned = async (): Promise<NonNullable<Awaited<ReturnType<typeof scanFile>>>> => {
      let reads = 0;
      rig.files.before = op => void (op === 'read' && reads++);
      const file = await rig.files.open(path, 'read');
      const found = await scanFile(file);
      await file.close();
      assert.ok(found);
      assert.equal(reads > 3, found.goodBytes < whole.length, 'two reads with a table');
      return found;
    };
    const quick = await scanned();
    assert.equal(quick.goodBytes, whole.length);
    rig.files.put(path, whole.slice(0, whole.length - 1));
    const slow = await scanned();
    assert.ok(slow.goodBytes < whole.length && slow.goodBytes > whole.length - 1000);
    const [a, b] = [unpackRecords(quick.records, 2), unpackRecords(slow.records, 2)];
    assert.deepEqual({ ...quick, records: 0, goodBytes: 0 }, { ...slow, records: 0, goodBytes: 0 });
    assert.equal(a.length, 10);
    for (const [i, r] of a.entries()) {
      const { beginMs, durationMs, ...rest } = b[i]!;
      assert.ok(Math.abs(beginMs - r.beginMs) < 0.01 && Math.abs(durationMs - r.durationMs) < 100);
      assert.deepEqual(rest, (({ beginMs: _, durationMs: __, ...others }) => others)(r));
    }
  });
});
