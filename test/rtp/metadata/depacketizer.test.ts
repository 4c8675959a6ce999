import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MetadataDepacketizer } from '#rtp/metadata/depacketizer';
import { transcript } from '../transcript.ts';

const cases: [name: string, into: string[], out: string[]][] = [
  ['a document in a packet', ['1 3c612f3e M'], ['K1 <a/>']],
  ['over three packets', ['1 3c', '1 612f', '1 3e M'], ['K1 <a/>']],
  ['no marker: the next time ends it', ['1 3c612f3e', '2 3c622f3e M'], ['K1 <a/>', 'K2 <b/>']],
  ['loss inside', ['1 3c', '-', '1 3e M', '2 3c622f3e M'], ['! a packet of a document was lost', 'K2 <b/> lost 1']],
  ['loss between', ['1 3c612f3e M', '-', '2 3c622f3e M'], ['K1 <a/>', 'K2 <b/> lost 1']],
  ['loss of the beginning', ['-', '1 2f3e M', '2 3c622f3e M'], ['K2 <b/> lost 1']],
  ['nothing in it', ['1 M'], []],
];

describe('MetadataDepacketizer', () => {
  for (const [name, into, out] of cases)
    test(name, () =>
      assert.deepEqual(
        transcript(
          t => new MetadataDepacketizer(t),
          into,
          data => Buffer.from(data).toString(),
        ),
        out,
      ),
    );

  test('a document without end is dropped at 1 MiB', () => {
    const piece = new Uint8Array(60_000).fill(0x3c);
    const out: string[] = [];
    const d = new MetadataDepacketizer({
      unit: () => void out.push('unit'),
      parameterSets: () => {},
      format: () => {},
      fault: text => void out.push(text),
    });
    for (let i = 0; i < 40; i++) d.push(piece, 0, piece.length, i === 39, 1, 0);
    assert.deepEqual(out, ['a document larger than 1 MiB was dropped']);
  });
});
