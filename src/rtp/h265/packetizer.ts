/**
 * H.265 access units to RTP, as RFC 7798 packs them: single NAL unit packets (4.4.1), the
 * parameter sets of a keyframe together in one AP (4.4.2), and FU (4.4.3) for NAL units longer
 * than a packet. Decoding order numbers and interleaving are left out: no viewer asks for them.
 *
 * Access units carry no parameter sets (`AccessUnit.data`), so they are put before every
 * keyframe: a viewer that joins there needs nothing else, not even the SDP's.
 */
import { NaluPacketizer, type NaluPacking } from '#rtp/nalu-packetizer';
import type { BatchWriter, PacketizerOptions } from '#rtp/packet-batch';

const AP = 48;
const FU = 49;

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

function fragment(writer: BatchWriter, from: Uint8Array, begin: number, length: number): void {
  const max = writer.maxPayload;
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

const packing: NaluPacking = { headerBytes: 2, leastBytes: 3, aggregate, fragment };

/** The packetizer of a track with these parameter sets. */
export const h265Packetizer = (options: PacketizerOptions, parameterSets: readonly Uint8Array[]): NaluPacketizer =>
  new NaluPacketizer(packing, options, parameterSets);
