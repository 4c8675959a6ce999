/**
 * VP8 frames to RTP (RFC 7741): a descriptor of one byte, S on the first packet of a frame, and the bytes of the frame as
 * they come. Picture ids and temporal layers are left out; partitions are not told apart, which 4.4 allows.
 */
import { BatchWriter, type PacketBatch, type Packetizer, type PacketizerOptions } from '#rtp/packet-batch';

export class Vp8Packetizer implements Packetizer {
  readonly #writer: BatchWriter;

  constructor(options: PacketizerOptions) {
    this.#writer = new BatchWriter(options);
  }

  get seq(): number {
    return this.#writer.seq;
  }

  get ssrc(): number {
    return this.#writer.ssrc;
  }

  packetize(data: Uint8Array, _keyframe: boolean, timestamp: number): PacketBatch {
    const writer = this.#writer;
    const most = writer.maxPayload - 1;
    const packets = Math.ceil(data.length / most);
    writer.begin(packets, data.length + packets, timestamp);
    for (let at = 0; at < data.length; at += most) {
      const piece = Math.min(most, data.length - at);
      const to = writer.next(1 + piece);
      writer.bytes[to] = at === 0 ? 0x10 : 0;
      writer.bytes.set(data.subarray(at, at + piece), to + 1);
    }
    return writer.finish();
  }
}
