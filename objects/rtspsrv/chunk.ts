/**
 * What all viewers of a stream are sent in one go: the packets of a picture, of the sound
 * beside it, and now and then sender reports, one after the other in one buffer, each behind
 * the four bytes that RTSP over TCP puts before it (RFC 2326 10.12). Track n has channel 2n
 * for RTP and 2n+1 for RTCP, which is what clients ask for when they set up all tracks; so
 * nearly every viewer over TCP is served by one write of the same bytes.
 */
import { type PacketBatch, prefixLength } from '#rtp/packet-batch';

/** Packets of one track that stand next to each other. */
export interface Part {
  /** Number of the track in the SDP. */
  readonly track: number;
  readonly kind: 'rtp' | 'rtcp';
  /** Where packet i begins in the chunk, its prefix included; one entry more than there are packets. */
  readonly offsets: Int32Array;
}

/** What a part is made of. */
export interface Piece {
  readonly track: number;
  readonly kind: Part['kind'];
  readonly bytes: Uint8Array;
  readonly offsets: Int32Array;
}

/** The packets of one access unit. */
export const rtpPiece = (track: number, batch: PacketBatch): Piece => ({
  track,
  kind: 'rtp',
  bytes: batch.bytes,
  offsets: batch.offsets,
});

/** One RTCP packet with its prefix. */
export function rtcpPiece(track: number, packet: Uint8Array): Piece {
  const bytes = new Uint8Array(prefixLength + packet.length);
  bytes[0] = 0x24;
  bytes[1] = 2 * track + 1;
  bytes[2] = packet.length >> 8;
  bytes[3] = packet.length;
  bytes.set(packet, prefixLength);
  return { track, kind: 'rtcp', bytes, offsets: Int32Array.of(0, bytes.length) };
}

/** Made once, shared by all viewers, written by nobody. */
export class Chunk {
  readonly bytes: Uint8Array;
  readonly parts: readonly Part[];

  constructor(pieces: readonly Piece[]) {
    const [first] = pieces;
    if (first && pieces.length === 1) {
      this.bytes = first.bytes;
      this.parts = pieces;
      return;
    }
    let length = 0;
    for (const p of pieces) length += p.bytes.length;
    this.bytes = new Uint8Array(length);
    let at = 0;
    this.parts = pieces.map(({ track, kind, bytes, offsets }) => {
      const begin = at;
      this.bytes.set(bytes, begin);
      at += bytes.length;
      return { track, kind, offsets: offsets.map(o => o + begin) };
    });
  }

  /** The packets of the tracks that have a channel (by track; undefined: left out), with that channel; a copy. */
  onChannels(channels: readonly (number | undefined)[]): Uint8Array {
    const kept = this.parts.filter(p => channels[p.track] !== undefined);
    const out = new Uint8Array(kept.reduce((n, p) => n + endOf(p) - beginOf(p), 0));
    let at = 0;
    for (const part of kept) {
      const channel = (channels[part.track] ?? 0) + (part.kind === 'rtcp' ? 1 : 0);
      const begin = beginOf(part);
      out.set(this.bytes.subarray(begin, endOf(part)), at);
      for (let i = 0; i + 1 < part.offsets.length; i++) out[at + (part.offsets[i] ?? 0) - begin + 1] = channel;
      at += endOf(part) - begin;
    }
    return out;
  }

  /** Sequence number of the first RTP packet of a track in here. */
  firstSeq(track: number): number | undefined {
    const part = this.parts.find(p => p.track === track && p.kind === 'rtp');
    if (!part) return undefined;
    const at = beginOf(part) + prefixLength + 2;
    return ((this.bytes[at] ?? 0) << 8) | (this.bytes[at + 1] ?? 0);
  }
}

const beginOf = (part: Part): number => part.offsets[0] ?? 0;
const endOf = (part: Part): number => part.offsets.at(-1) ?? 0;
