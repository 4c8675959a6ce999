/**
 * AAC frames to RTP, as RFC 3640 packs them in mode AAC-hbr (3.3.6): one frame per packet,
 *
 *     AU-headers-length(16) = 16 | AU-size(13) AU-Index(3) = 0 | the frame
 *
 * A frame longer than a packet goes in fragments, each with the size of the whole frame,
 * the marker on the last (3.2.3.1). Several frames in one packet are left out: they would
 * save a few bytes and cost delay. `sizelength=13;indexlength=3;indexdeltalength=3` in the SDP.
 */
import { BatchWriter, type PacketBatch, type Packetizer, type PacketizerOptions } from '#rtp/packet-batch';

/** AU-headers-length and one AU header. */
const auHeaders = 4;
/** What 13 bits can say. */
const longestFrame = 0x1fff;

export class AacPacketizer implements Packetizer {
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

  /** `data` is one raw frame without ADTS. An empty frame, or one longer than 8191 bytes, gives no packet. */
  packetize(data: Uint8Array, _keyframe: boolean, timestamp: number): PacketBatch {
    const writer = this.#writer;
    const most = writer.maxPayload - auHeaders;
    const packets = data.length > longestFrame ? 0 : Math.ceil(data.length / most);
    writer.begin(packets, packets === 0 ? 0 : data.length + packets * auHeaders, timestamp);
    for (let i = 0; i < packets; i++) {
      const begin = i * most;
      const piece = Math.min(most, data.length - begin);
      const to = writer.next(auHeaders + piece);
      writer.bytes[to] = 0;
      writer.bytes[to + 1] = 16;
      writer.bytes[to + 2] = data.length >> 5;
      writer.bytes[to + 3] = data.length << 3;
      writer.bytes.set(piece === data.length ? data : data.subarray(begin, begin + piece), to + auHeaders);
    }
    return writer.finish();
  }
}
