/**
 * H.264 access units to RTP, as RFC 6184 packs them with packetization-mode 1: single NAL
 * unit packets (5.6), the parameter sets of a keyframe together in one STAP-A (5.7.1), and
 * FU-A (5.8) for NAL units longer than a packet. Mode 0 and interleaved mode are left out:
 * no viewer asks for them.
 *
 * Access units carry no parameter sets (`AccessUnit.data`), so they are put before every
 * keyframe: a viewer that joins there needs nothing else, not even the SDP's.
 */
import { NaluPacketizer, type NaluPacking } from '#rtp/nalu-packetizer';
import type { BatchWriter, PacketizerOptions } from '#rtp/packet-batch';

const STAP_A = 24;
const FU_A = 28;

/** RFC 6184 5.7.1: F is the OR and NRI the maximum of what is inside; each NAL unit behind its length in 2 bytes. */
function aggregate(sets: readonly Uint8Array[]): Uint8Array {
  let length = 1;
  let forbidden = 0;
  let importance = 0;
  for (const s of sets) {
    const header = s[0] ?? 0;
    length += 2 + s.length;
    forbidden |= header & 0x80;
    importance = Math.max(importance, header & 0x60);
  }
  const out = new Uint8Array(length);
  out[0] = forbidden | importance | STAP_A;
  let at = 1;
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
  const indicator = (header & 0xe0) | FU_A;
  const type = header & 0x1f;
  const end = begin + length;
  // Never one packet with both S and E, which 5.8 forbids: what is longer than `max` needs two of `max - 2`.
  for (let at = begin + 1; at < end; ) {
    const piece = Math.min(max - 2, end - at);
    const to = writer.next(piece + 2);
    writer.bytes[to] = indicator;
    writer.bytes[to + 1] = type | (at === begin + 1 ? 0x80 : 0) | (at + piece === end ? 0x40 : 0);
    // A view for every packet: 0.1 us with its copy, where a loop over the bytes costs 1.6 (1400 bytes).
    writer.bytes.set(from.subarray(at, at + piece), to + 2);
    at += piece;
  }
}

const packing: NaluPacking = { headerBytes: 1, leastBytes: 1, aggregate, fragment };

/** The packetizer of a track with these parameter sets. */
export const h264Packetizer = (options: PacketizerOptions, parameterSets: readonly Uint8Array[]): NaluPacketizer =>
  new NaluPacketizer(packing, options, parameterSets);
