/**
 * The other direction of plain/depacketizer.ts. PCM longer than a packet goes in several, each with the time of its
 * first sample; an Opus packet cannot be divided (RFC 7587 4.2), so one that is too long gives no packet. No markers:
 * they would say that silence ends here (RFC 3551 4.1).
 */
import { BatchWriter, type PacketBatch, type Packetizer, type PacketizerOptions } from '#rtp/packet-batch';

export class PlainPacketizer implements Packetizer {
  readonly #writer: BatchWriter;
  readonly #stepBytes: number;
  /** Bytes of one packet at most, whole samples. */
  readonly #most: number;

  /** `stepBytes`: of one sample of all channels, which is one tick; 0: units are not to be divided. */
  constructor(options: PacketizerOptions, stepBytes: number) {
    this.#writer = new BatchWriter(options);
    this.#stepBytes = stepBytes;
    const { maxPayload } = this.#writer;
    this.#most = stepBytes === 0 ? maxPayload : maxPayload - (maxPayload % stepBytes);
  }

  get seq(): number {
    return this.#writer.seq;
  }

  get ssrc(): number {
    return this.#writer.ssrc;
  }

  packetize(data: Uint8Array, _keyframe: boolean, timestamp: number): PacketBatch {
    const writer = this.#writer;
    const step = this.#stepBytes;
    const length = step === 0 ? (data.length > this.#most ? 0 : data.length) : data.length - (data.length % step);
    writer.begin(Math.ceil(length / this.#most), length, timestamp, false);
    for (let at = 0; at < length; at += this.#most) {
      if (at > 0) writer.advance(this.#most / step);
      const piece = Math.min(this.#most, length - at);
      writer.bytes.set(data.subarray(at, at + piece), writer.next(piece));
    }
    return writer.finish();
  }
}
