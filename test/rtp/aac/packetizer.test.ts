import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AacPacketizer } from '#rtp/aac/packetizer';
import type { PacketBatch } from '#rtp/packet-batch';

const text = (b: Uint8Array): string => Buffer.from(b).toString('hex');
const frame = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i & 0xff);
const packetizer = (): AacPacketizer =>
  new AacPacketizer({ payloadType: 97, ssrc: 1, seq: 9, maxPayload: 100, channel: 4 });
const packets = (batch: PacketBatch): Uint8Array[] =>
  Array.from({ length: batch.count }, (_, i) => batch.bytes.slice(batch.offsets[i], batch.offsets[i + 1]));

describe('AacPacketizer', () => {
  test('a frame goes behind one AU header with its size in 13 bits and index 0', () =>
    assert.deepEqual(packets(packetizer().packetize(frame(3), true, 1024)).map(text), [
      '24040013' + '80e1000900000400' + '00000001' + '0010' + '0018' + '000102',
    ]));

  const rows: [name: string, length: number, [size: number, marker: boolean, bytes: number][]][] = [
    ['a frame that just fits is one packet', 96, [[96, true, 96]]],
    [
      'a longer one goes in fragments that all tell the whole size',
      200,
      [
        [200, false, 96],
        [200, false, 96],
        [200, true, 8],
      ],
    ],
    [
      'the longest that 13 bits can say',
      8191,
      [...Array.from({ length: 85 }, (): [number, boolean, number] => [8191, false, 96]), [8191, true, 31]],
    ],
    ['one byte more cannot be said and gives nothing', 8192, []],
    ['an empty frame gives nothing', 0, []],
  ];
  for (const [name, length, expected] of rows)
    test(name, () => {
      const got = packets(packetizer().packetize(frame(length), true, 0));
      assert.deepEqual(
        got.map(p => [((p[18]! << 8) | p[19]!) >> 3, (p[5]! & 0x80) !== 0, p.length - 20]),
        expected,
      );
      assert.deepEqual(
        Buffer.concat(got.map(p => p.subarray(20))),
        Buffer.from(expected.length > 0 ? frame(length) : []),
      );
    });
});
