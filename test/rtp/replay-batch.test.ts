import assert from 'node:assert/strict';
import { test } from 'node:test';
import { payloadBegin } from '#rtp/packet';
import { BatchWriter, prefixLength } from '#rtp/packet-batch';
import { withReplayHeader } from '#rtp/replay-batch';
import { endsReplay, endsSection, type ReplayHeader, replayHeaderAt, replayTimeMs } from '#rtp/replay-header';

const wallMs = Date.UTC(2026, 0, 2, 3, 4, 5, 250);

function batch(
  payloads: readonly number[][] = [
    [1, 2, 3],
    [4, 5],
  ],
) {
  const writer = new BatchWriter({ payloadType: 96, ssrc: 5, seq: 9, maxPayload: 100, channel: 4 });
  writer.begin(payloads.length, payloads.flat().length, 1234);
  for (const p of payloads) writer.bytes.set(p, writer.next(p.length));
  return writer.finish();
}

const rows: [name: string, header: ReplayHeader, flags: string][] = [
  ['no flag', { wallMs, cseq: 7 }, '00'],
  ['a clean point', { wallMs, cleanPoint: true, cseq: 255 }, '80'],
  ['the end of a section', { wallMs, endsSection: true, cseq: 0 }, '40'],
  ['behind a discontinuity', { wallMs, discontinuity: true, cleanPoint: true, cseq: 1 }, 'a0'],
  ['the last of all', { wallMs, endsSection: true, endsReplay: true, cseq: 1 }, '50'],
  ['a time of the second NTP era', { wallMs: Date.UTC(2040, 5, 1, 0, 0, 0, 500), cseq: 1 }, '00'],
];
for (const [name, header, flags] of rows)
  test(`${name} is read as it was written`, () => {
    const { bytes, offsets } = withReplayHeader(batch(), header);
    const at = replayHeaderAt(bytes, prefixLength, offsets[1]!);
    assert.equal(Math.round(replayTimeMs(bytes, at)), header.wallMs);
    assert.equal(
      Buffer.from(bytes.subarray(at + 8, at + 10)).toString('hex'),
      flags + Buffer.of(header.cseq).toString('hex'),
    );
    assert.deepEqual(
      [endsSection(bytes, at), endsReplay(bytes, at)],
      [header.endsSection ?? false, header.endsReplay ?? false],
    );
  });

test('the first packet is longer, as its prefix says, and its payload stays; the second is the same', () => {
  const { bytes, offsets } = withReplayHeader(batch(), { wallMs: 500, cleanPoint: true, cseq: 7 });
  const plain = batch();
  assert.deepEqual([...offsets], [0, 35, 53]);
  assert.deepEqual([...bytes.subarray(0, 4)], [0x24, 4, 0, 31]);
  assert.deepEqual([...bytes.subarray(payloadBegin(bytes, 4, 35), 35)], [1, 2, 3]);
  assert.deepEqual(bytes.subarray(35), plain.bytes.subarray(plain.offsets[1]));
  assert.equal(replayHeaderAt(bytes, 39, 53), -1);
  // 1970 plus half a second, behind C and the CSeq.
  assert.equal(Buffer.from(bytes.subarray(16, 32)).toString('hex'), 'abac000383aa7e808000000080070000');
});

test('a batch without packets stays as it is', () => {
  const empty = batch([]);
  assert.equal(withReplayHeader(empty, { wallMs, cseq: 1 }), empty);
});
