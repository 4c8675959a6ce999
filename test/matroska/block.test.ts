import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseBlock } from '#matroska/block';
import { elementHeader } from '#matroska/ebml';

const hex = (text: string): Uint8Array =>
  Uint8Array.from(text.match(/[0-9a-f]{2}/g) ?? [], h => Number.parseInt(h, 16));
const text = (bytes: Uint8Array): string => Array.from(bytes, b => b.toString(16).padStart(2, '0')).join('');

describe('parseBlock', () => {
  // Track 1, timestamp 2, flags; then what the lacing says.
  const cases: [name: string, block: string, frames: string[] | undefined][] = [
    ['no lacing: all of it is one frame', '81 0002 80 aabb', ['aabb']],
    ['Xiph: sizes in bytes of 255 and a last one', '81 0002 02 02 01 02 aa bbbb cccc', ['aa', 'bbbb', 'cccc']],
    ['all of one size', '81 0002 04 01 aabb ccdd', ['aabb', 'ccdd']],
    ['EBML: the first size, then a difference', '81 0002 06 02 81 c0 aa bb0b cccc', ['aa', 'bb0b', 'cccc']],
    ['EBML: a size that becomes smaller', '81 0002 06 02 82 be aaaa bb cc', ['aaaa', 'bb', 'cc']],
    ['one size that does not go up', '81 0002 04 01 aabbcc', undefined],
    ['Xiph: a size beyond the end', '81 0002 02 01 09 aa', undefined],
    ['EBML: a size below nothing', '81 0002 06 02 81 80 aa', undefined],
    ['lacing without a count', '81 0002 02', undefined],
    ['a head cut short', '81 00', undefined],
    ['nothing', '', undefined],
  ];
  for (const [name, block, frames] of cases)
    test(name, () => {
      const bytes = hex(block);
      assert.deepEqual(parseBlock(bytes, 0, bytes.length)?.frames.map(text), frames);
    });

  test('a timestamp is signed', () => {
    assert.deepEqual(parseBlock(hex('4001fffe80aa'), 0, 6), {
      track: 1,
      timestamp: -2,
      keyframe: true,
      frames: [Uint8Array.of(0xaa)],
    });
  });
});

describe('elementHeader', () => {
  const cases: [name: string, bytes: string, header: ReturnType<typeof elementHeader>][] = [
    ['one byte each', 'a3 85', { id: 0xa3, size: 5, length: 2 }],
    ['a long id, a long size', '1f43b675 01000000 00000102', { id: 0x1f43b675, size: 258, length: 12 }],
    ['a size that is not known', '18538067 ff', { id: 0x18538067, size: -1, length: 5 }],
    ['cut inside the size', '1f43b675 0100', undefined],
    ['nothing yet', '', undefined],
    ['an id of five bytes', '0843b67580', null],
    ['a size of nine bytes', 'a3 00', null],
  ];
  for (const [name, bytes, header] of cases)
    test(name, () => assert.deepEqual(elementHeader(hex(bytes), 0, hex(bytes).length), header));
});
