/**
 * The RTP header extension of recordings that are replayed (ONVIF Streaming 6.3): when a picture
 * was taken, by the clock of the device that recorded it. Read where it lies, in front of the payload:
 *
 *     0  0xABAC | 2  length in words (3, or more with an extension of JPEG behind it)
 *     4  NTP time, 64 bits
 *    12  C E D T 0000 | 13  low byte of the CSeq of the PLAY that asked for it | 14  padding
 *
 * It is in the first packet of every access unit, at least.
 */
import { uint32 } from './packet.ts';
import { ntpMs, ntpToUnix } from './rtcp.ts';

const profile = 0xabac;

/** Where the NTP time is; -1 if the packet from `begin` to `end` does not have the extension. */
export function replayHeaderAt(bytes: Uint8Array, begin: number, end: number): number {
  const first = bytes[begin]!;
  if (end - begin < 12 || first >> 6 !== 2 || (first & 0x10) === 0) return -1;
  const at = begin + 12 + (first & 0x0f) * 4;
  if (at + 16 > end || ((bytes[at]! << 8) | bytes[at + 1]!) !== profile) return -1;
  const words = (bytes[at + 2]! << 8) | bytes[at + 3]!;
  return words >= 3 && at + 4 + 4 * words <= end ? at + 4 : -1;
}

/** UTC milliseconds with fraction. */
export const replayTimeMs = (bytes: Uint8Array, at: number): number => ntpMs(uint32(bytes, at), uint32(bytes, at + 4));

/** E: the last access unit before something is missing, or of all that there is. */
export const endsSection = (bytes: Uint8Array, at: number): boolean => (bytes[at + 8]! & 0x40) !== 0;
/** T: nothing comes after it. */
export const endsReplay = (bytes: Uint8Array, at: number): boolean => (bytes[at + 8]! & 0x10) !== 0;

export interface ReplayHeader {
  readonly wallMs: number;
  /** C: it can be decoded without what was before. */
  readonly cleanPoint?: boolean;
  readonly endsSection?: boolean;
  readonly discontinuity?: boolean;
  readonly endsReplay?: boolean;
  readonly cseq: number;
}

/** The extension as it stands between RTP header and payload, 16 bytes; the bit X of the RTP header is the caller's. */
export function writeReplayHeader(h: ReplayHeader): Uint8Array {
  const out = new Uint8Array(16);
  const view = new DataView(out.buffer);
  view.setUint16(0, profile);
  view.setUint16(2, 3);
  const seconds = Math.floor(h.wallMs / 1000);
  view.setUint32(4, (seconds + ntpToUnix) % 0x100000000);
  view.setUint32(8, Math.floor(((h.wallMs - seconds * 1000) / 1000) * 0x100000000));
  const bit = (set: boolean | undefined, mask: number): number => (set ? mask : 0);
  out[12] = bit(h.cleanPoint, 0x80) | bit(h.endsSection, 0x40) | bit(h.discontinuity, 0x20) | bit(h.endsReplay, 0x10);
  out[13] = h.cseq;
  return out;
}
