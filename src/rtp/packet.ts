/**
 * The RTP header (RFC 3550 5.1), read where it lies: a packet is a place in a buffer, from
 * `begin` to `end`, and never becomes an object.
 *
 *   0  V=2 P X CC | 1  M PT | 2 seq | 4 timestamp | 8 SSRC | 12 CSRC.. | extension | payload | padding
 */

/** Where the payload begins; -1 if this is no RTP packet. */
export function payloadBegin(bytes: Uint8Array, begin: number, end: number): number {
  const first = bytes[begin]!;
  if (end - begin < 12 || first >> 6 !== 2) return -1;
  let at = begin + 12 + (first & 0x0f) * 4;
  if ((first & 0x10) !== 0) {
    if (at + 4 > end) return -1;
    at += 4 + 4 * ((bytes[at + 2]! << 8) | bytes[at + 3]!);
  }
  return at <= end ? at : -1;
}

/** Where the payload ends: before the padding; at `end` if what should be padding cannot be. `payload` comes from `payloadBegin`. */
export function payloadEnd(bytes: Uint8Array, begin: number, payload: number, end: number): number {
  if ((bytes[begin]! & 0x20) === 0) return end;
  const padding = bytes[end - 1]!;
  return padding > 0 && end - padding >= payload ? end - padding : end;
}

/** The padding bit is set. */
export const isPadded = (bytes: Uint8Array, begin: number): boolean => (bytes[begin]! & 0x20) !== 0;
export const markerOf = (bytes: Uint8Array, begin: number): boolean => (bytes[begin + 1]! & 0x80) !== 0;
export const payloadTypeOf = (bytes: Uint8Array, begin: number): number => bytes[begin + 1]! & 0x7f;
export const seqOf = (bytes: Uint8Array, begin: number): number => (bytes[begin + 2]! << 8) | bytes[begin + 3]!;
export const timestampOf = (bytes: Uint8Array, begin: number): number => uint32(bytes, begin + 4);
export const ssrcOf = (bytes: Uint8Array, begin: number): number => uint32(bytes, begin + 8);

export const uint32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;

/**
 * Wrapping distance from `a` to `b`, in -32768..32767. Sequence numbers wrap every 65536
 * packets, little more than a minute at 8 Mbit/s, so they are never compared with `<`.
 */
export const seqDistance = (a: number, b: number): number => ((b - a) << 16) >> 16;

/** Wrapping distance from timestamp `a` to `b`, in -2^31..2^31-1. */
export const timestampDistance = (a: number, b: number): number => (b - a) | 0;

/** Writes the 12 bytes of a header without CSRC and extension. */
export function writeRtpHeader(
  into: Uint8Array,
  at: number,
  marker: boolean,
  payloadType: number,
  seq: number,
  timestamp: number,
  ssrc: number,
): void {
  into[at] = 0x80;
  into[at + 1] = (marker ? 0x80 : 0) | payloadType;
  into[at + 2] = seq >> 8;
  into[at + 3] = seq;
  writeUint32(into, at + 4, timestamp);
  writeUint32(into, at + 8, ssrc);
}

/** Big-endian, in place. */
export function writeUint32(into: Uint8Array, at: number, value: number): void {
  into[at] = value >>> 24;
  into[at + 1] = value >>> 16;
  into[at + 2] = value >>> 8;
  into[at + 3] = value;
}
