/**
 * AV1 temporal units to RTP ("RTP Payload Format for AV1", AOM, v1.0): every OBU loses its size and becomes an element; packets are
 * filled in order, and what does not fit goes on in the next. All elements have their length in front (W = 0). N is set on
 * the first packet of a keyframe.
 */
import { obus, obuType } from '#media/av1';
import { BatchWriter, type PacketBatch, type Packetizer, type PacketizerOptions } from '#rtp/packet-batch';

/** A part of an OBU in one packet. */
interface Piece {
  /** The OBU's header, without size; empty when the piece continues one. */
  readonly header: Uint8Array;
  readonly begin: number;
  readonly end: number;
  readonly endsObu: boolean;
}

const nothing = new Uint8Array(0);

export class Av1Packetizer implements Packetizer {
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

  packetize(data: Uint8Array, keyframe: boolean, timestamp: number): PacketBatch {
    const writer = this.#writer;
    const packets = plan(data, writer.maxPayload);
    let bytes = 0;
    for (const p of packets) bytes += sizeOf(p);
    writer.begin(packets.length, bytes, timestamp);
    let goesOn = false;
    for (const [i, pieces] of packets.entries()) {
      let to = writer.next(sizeOf(pieces));
      const continued = goesOn;
      goesOn = pieces.at(-1)?.endsObu === false;
      writer.bytes[to++] = (continued ? 0x80 : 0) | (goesOn ? 0x40 : 0) | (i === 0 && keyframe ? 8 : 0);
      for (const { header, begin, end } of pieces) {
        to = writeLength(writer.bytes, to, header.length + end - begin);
        writer.bytes.set(header, to);
        writer.bytes.set(data.subarray(begin, end), to + header.length);
        to += header.length + end - begin;
      }
    }
    return writer.finish();
  }
}

/** What goes into which packet. */
function plan(data: Uint8Array, maxPayload: number): Piece[][] {
  const packets: Piece[][] = [];
  let packet: Piece[] = [];
  let room = 0;
  for (const { type, begin, payload, end } of obus(data)) {
    if (type === obuType.temporalDelimiter || type === obuType.padding || type === obuType.tileList) continue;
    const first = data[begin] ?? 0;
    let header = Uint8Array.of(first & ~2, ...((first & 4) !== 0 ? [data[begin + 1] ?? 0] : []));
    for (let at = payload; ; ) {
      // A length of 2 bytes at most: no packet is longer than 16383.
      if (room < 2 + header.length + 1) {
        packet = [];
        packets.push(packet);
        room = Math.min(maxPayload, 16000) - 1;
      }
      const piece = Math.min(end - at, room - 2 - header.length);
      packet.push({ header, begin: at, end: at + piece, endsObu: at + piece === end });
      room -= 2 + header.length + piece;
      at += piece;
      if (at >= end) break;
      header = nothing;
      room = 0;
    }
  }
  return packets;
}

function sizeOf(pieces: readonly Piece[]): number {
  let bytes = 1;
  for (const { header, begin, end } of pieces) {
    const length = header.length + end - begin;
    bytes += (length < 128 ? 1 : 2) + length;
  }
  return bytes;
}

function writeLength(into: Uint8Array, at: number, value: number): number {
  if (value < 128) into[at] = value;
  else {
    into[at] = (value & 0x7f) | 0x80;
    into[++at] = value >> 7;
  }
  return at + 1;
}
