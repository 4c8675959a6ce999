/** Packets of one access unit with the replay header of ONVIF in the first of them: the writing side of replay-header.ts. */
import { headerLength, PacketBatch, prefixLength } from '#rtp/packet-batch';
import { type ReplayHeader, writeReplayHeader } from '#rtp/replay-header';

/** Bytes that the header adds to a packet. */
export const replayHeaderLength = 16;

/** A copy, longer by the header; `seq` and timestamps stay. A batch without packets is returned as it is. */
export function withReplayHeader(batch: PacketBatch, header: ReplayHeader): PacketBatch {
  if (batch.count === 0) return batch;
  const from = batch.bytes;
  const bytes = new Uint8Array(from.length + replayHeaderLength);
  const behind = prefixLength + headerLength;
  bytes.set(from.subarray(0, behind));
  bytes.set(writeReplayHeader(header), behind);
  bytes.set(from.subarray(behind), behind + replayHeaderLength);
  const length = (batch.offsets[1] ?? 0) - prefixLength + replayHeaderLength;
  bytes[2] = length >> 8;
  bytes[3] = length;
  bytes[prefixLength] = (bytes[prefixLength] ?? 0) | 0x10; // X, RFC 3550 5.1
  const offsets = batch.offsets.map((o, i) => (i === 0 ? o : o + replayHeaderLength));
  return new PacketBatch(bytes, offsets, batch.count, batch.seq, batch.timestamp);
}
