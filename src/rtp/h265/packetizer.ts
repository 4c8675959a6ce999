/**
 * H.265 access units to RTP, as RFC 7798 packs them: single NAL unit packets (4.4.1), the
 * parameter sets of a keyframe together in one AP (4.4.2), and FU (4.4.3) for NAL units longer
 * than a packet. Decoding order numbers and interleaving are left out: no viewer asks for them.
 *
 * Access units carry no parameter sets (`AccessUnit.data`), so they are put before every
 * keyframe: a viewer that joins there needs nothing else, not even the SDP's.
 */
import { BatchWriter, type PacketBatch, type Packetizer, type PacketizerOptions } from '#rtp/packet-batch';

const AP = 48;
const FU = 49;

export class H265Packetizer implements Packetizer {
  readonly #writer: BatchWriter;
  readonly #parameterSets: readonly Uint8Array[];
  /** The parameter sets as one AP payload; empty when they do not fit in one or there is but one. */
  readonly #aggregate: Uint8Array;
  readonly #setPackets: number;
  readonly #setBytes: number;

  constructor(options: PacketizerOptions, parameterSets: readonly Uint8Array[]) {
    const writer = new BatchWriter(options);
    const sets = parameterSets.filter(s => s.length > 2);
    const together = aggregate(sets);
    this.#writer = writer;
    this.#parameterSets = sets;
    this.#aggregate = sets.length > 1 && together.length <= writer.maxPayload ? together : new Uint8Array(0);
    let packets = 0;
    let bytes = 0;
    for (const s of sets) {
      packets += packetsFor(s.length, writer.maxPayload);
      bytes += payloadFor(s.length, writer.maxPayload);
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

  /** NAL units shorter than their header are left out; a length that points past the end ends the unit before it. */
  packetize(data: Uint8Array, keyframe: boolean, timestamp: number): PacketBatch {
    const writer = this.#writer;
    const max = writer.maxPayload;
    let packets = 0;
    let bytes = 0;
    let whole = 0; // where the last NAL unit that fits ends
    for (let at = 0; at + 4 <= data.length; ) {
      const length = lengthAt(data, at);
      const end = at + 4 + length;
      if (end > data.length) break;
      if (length > 2) {
        packets += packetsFor(length, max);
        bytes += payloadFor(length, max);
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
      if (length > 2) writeNalu(writer, data, at + 4, length);
      at += 4 + length;
    }
    return writer.finish();
  }

  #writeSets(): void {
    const together = this.#aggregate;
    if (together.length > 0) this.#writer.bytes.set(together, this.#writer.next(together.length));
    else for (const s of this.#parameterSets) writeNalu(this.#writer, s, 0, s.length);
  }
}

/** 4.4.2: F is the OR, layer and temporal id the lowest of what is inside: parameter sets have 0 and 1. */
function aggregate(sets: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(sets.reduce((n, s) => n + 2 + s.length, 2));
  out[0] = AP << 1;
  out[1] = 1;
  let at = 2;
  for (const s of sets) {
    out[at] = s.length >> 8;
    out[at + 1] = s.length;
    out.set(s, at + 2);
    at += 2 + s.length;
  }
  return out;
}

const lengthAt = (data: Uint8Array, at: number): number =>
  (((data[at] ?? 0) << 24) | ((data[at + 1] ?? 0) << 16) | ((data[at + 2] ?? 0) << 8) | (data[at + 3] ?? 0)) >>> 0;

/** FU carries all but the NAL unit's header of 2 bytes, in pieces of 3 bytes less than a payload; those 3 are its own. */
const packetsFor = (length: number, max: number): number => (length <= max ? 1 : Math.ceil((length - 2) / (max - 3)));
const payloadFor = (length: number, max: number): number =>
  length <= max ? length : length - 2 + 3 * packetsFor(length, max);

function writeNalu(writer: BatchWriter, from: Uint8Array, begin: number, length: number): void {
  const max = writer.maxPayload;
  if (length <= max) {
    writer.bytes.set(from.subarray(begin, begin + length), writer.next(length));
    return;
  }
  const header = from[begin] ?? 0;
  const type = (header >> 1) & 0x3f;
  const end = begin + length;
  for (let at = begin + 2; at < end; ) {
    const piece = Math.min(max - 3, end - at);
    const to = writer.next(piece + 3);
    writer.bytes[to] = (header & 0x81) | (FU << 1);
    writer.bytes[to + 1] = from[begin + 1] ?? 0;
    writer.bytes[to + 2] = type | (at === begin + 2 ? 0x80 : 0) | (at + piece === end ? 0x40 : 0);
    writer.bytes.set(from.subarray(at, at + piece), to + 3);
    at += piece;
  }
}
