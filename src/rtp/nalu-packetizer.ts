/**
 * Access units of NAL units to RTP, what H.264 (RFC 6184) and H.265 (RFC 7798) have in common: a
 * NAL unit that fits is a packet, a longer one goes in fragments, and the parameter sets stand
 * together before every keyframe: a viewer that joins there needs nothing else, not even
 * the SDP's (`AccessUnit.data` carries none). How fragments and aggregates look is the format's
 * (`NaluPacking`).
 */
import { BatchWriter, type PacketBatch, type Packetizer, type PacketizerOptions } from '#rtp/packet-batch';

/** How a format packs what is longer or shorter than a packet. */
export interface NaluPacking {
  /** Bytes of a NAL unit's header: not repeated in fragments, each of which has one byte more than that of its own. */
  readonly headerBytes: number;
  /** Shorter NAL units are none. */
  readonly leastBytes: number;
  /** Several NAL units as one payload. */
  aggregate(sets: readonly Uint8Array[]): Uint8Array;
  /** Writes a NAL unit longer than a payload as `packetsFor` fragments. */
  fragment(writer: BatchWriter, from: Uint8Array, begin: number, length: number): void;
}

export class NaluPacketizer implements Packetizer {
  readonly #packing: NaluPacking;
  readonly #writer: BatchWriter;
  readonly #parameterSets: readonly Uint8Array[];
  /** The parameter sets as one payload; empty when they do not fit in one or there is but one. */
  readonly #aggregate: Uint8Array;
  readonly #setPackets: number;
  readonly #setBytes: number;

  constructor(packing: NaluPacking, options: PacketizerOptions, parameterSets: readonly Uint8Array[]) {
    this.#packing = packing;
    const { headerBytes } = packing;
    const writer = new BatchWriter(options);
    const sets = parameterSets.filter(s => s.length >= packing.leastBytes);
    const together = packing.aggregate(sets);
    this.#writer = writer;
    this.#parameterSets = sets;
    this.#aggregate = sets.length > 1 && together.length <= writer.maxPayload ? together : new Uint8Array(0);
    let packets = 0;
    let bytes = 0;
    for (const s of sets) {
      packets += packetsFor(headerBytes, s.length, writer.maxPayload);
      bytes += payloadFor(headerBytes, s.length, writer.maxPayload);
    }
    this.#setPackets = this.#aggregate.length > 0 ? 1 : packets;
    this.#setBytes = this.#aggregate.length > 0 ? this.#aggregate.length : bytes;
  }

  get seq(): number {
    return this.#writer.seq;
  }

  get ssrc(): number {
    return this.#writer.ssrc;
  }

  /** NAL units shorter than `leastBytes` are left out; a length that points past the end ends the unit before it. */
  packetize(data: Uint8Array, keyframe: boolean, timestamp: number): PacketBatch {
    const writer = this.#writer;
    const { headerBytes, leastBytes, fragment } = this.#packing;
    const max = writer.maxPayload;
    let packets = 0;
    let bytes = 0;
    let whole = 0; // where the last NAL unit that fits ends
    for (let at = 0; at + 4 <= data.length; ) {
      const length = lengthAt(data, at);
      const end = at + 4 + length;
      if (end > data.length) break;
      if (length >= leastBytes) {
        packets += packetsFor(headerBytes, length, max);
        bytes += payloadFor(headerBytes, length, max);
      }
      whole = end;
      at = end;
    }
    const sets = keyframe && packets > 0;
    if (sets) {
      packets += this.#setPackets;
      bytes += this.#setBytes;
    }
    writer.begin(packets, bytes, timestamp);
    if (sets) this.#writeSets();
    for (let at = 0; at < whole; ) {
      const length = lengthAt(data, at);
      if (length >= leastBytes) writeNalu(writer, fragment, data, at + 4, length);
      at += 4 + length;
    }
    return writer.finish();
  }

  #writeSets(): void {
    const together = this.#aggregate;
    if (together.length > 0) this.#writer.bytes.set(together, this.#writer.next(together.length));
    else for (const s of this.#parameterSets) writeNalu(this.#writer, this.#packing.fragment, s, 0, s.length);
  }
}

const lengthAt = (data: Uint8Array, at: number): number =>
  (((data[at] ?? 0) << 24) | ((data[at + 1] ?? 0) << 16) | ((data[at + 2] ?? 0) << 8) | (data[at + 3] ?? 0)) >>> 0;

/** Fragments carry all but the NAL unit's header, behind that header with one byte more, their own. */
const packetsFor = (headerBytes: number, length: number, max: number): number =>
  length <= max ? 1 : Math.ceil((length - headerBytes) / (max - headerBytes - 1));
const payloadFor = (headerBytes: number, length: number, max: number): number =>
  length <= max ? length : length - headerBytes + (headerBytes + 1) * packetsFor(headerBytes, length, max);

function writeNalu(
  writer: BatchWriter,
  fragment: NaluPacking['fragment'],
  from: Uint8Array,
  begin: number,
  length: number,
): void {
  if (length > writer.maxPayload) fragment(writer, from, begin, length);
  else writer.bytes.set(from.subarray(begin, begin + length), writer.next(length));
}
