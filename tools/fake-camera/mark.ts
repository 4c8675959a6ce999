/**
 * The mark in every picture: an SEI message user_data_unregistered (ISO/IEC 14496-10 D.1.7)
 * with camera, picture number and send time. It survives any copy of the stream, so loss,
 * order and delay can be proved at every output without decoding. The same bytes as
 * tools/rtspload writes:
 *
 *     rtspload-sei-v1!                                    16 bytes, the uuid
 *     cam=%05d au=%012d t=%019d ................          64 bytes of text; t is UTC in nanoseconds
 */

const uuid = 'rtspload-sei-v1!';
const textLength = 64;

export interface Mark {
  readonly camera: number;
  /** Number of the picture by the camera's clock. Grows by one from picture to picture. */
  readonly unit: number;
  /** When it was sent, UTC nanoseconds. */
  readonly atNs: bigint;
}

/** The SEI NAL unit. All ASCII: nothing in it needs emulation prevention. */
export function markNalu(mark: Mark): Uint8Array {
  const digits = (n: number | bigint, width: number): string => String(n).padStart(width, '0');
  const text = `cam=${digits(mark.camera, 5)} au=${digits(mark.unit, 12)} t=${digits(mark.atNs, 19)} `;
  const body = (uuid + text.padEnd(textLength, '.')).slice(0, uuid.length + textLength);
  const out = new Uint8Array(3 + body.length + 1);
  out[0] = 6;
  out[1] = 5;
  out[2] = body.length;
  for (let i = 0; i < body.length; i++) out[3 + i] = body.charCodeAt(i);
  out[3 + body.length] = 0x80;
  return out;
}

/** All marks in any bytes that hold H.264 with whole SEI: an access unit, an MP4 file, Annex B. In order. */
export function marksIn(bytes: Uint8Array): Mark[] {
  const found: Mark[] = [];
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = buffer.indexOf(uuid); at >= 0; at = buffer.indexOf(uuid, at + 1)) {
    const text = buffer.toString('latin1', at + uuid.length, at + uuid.length + textLength);
    const m = /^cam=(\d{5,}) au=(\d{12,}) t=(\d{19,}) /.exec(text);
    if (m) found.push({ camera: Number(m[1]), unit: Number(m[2]), atNs: BigInt(m[3] ?? 0) });
  }
  return found;
}
