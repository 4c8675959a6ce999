/**
 * The fixed parts of a baseline JPEG (ITU-T T.81) that RTP does not carry (RFC 2435 A, B): default
 * quantization tables and the typical Huffman tables of Annex K; and the track of such pictures.
 */
import type { VideoTrack } from '#media/track';

/** JPEG marker codes, second byte. */
export const jpegMarker = { sof0: 0xc0, dht: 0xc4, soi: 0xd8, eoi: 0xd9, sos: 0xda, dqt: 0xdb, dri: 0xdd } as const;

const bytes = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/[0-9a-f]{2}/g) ?? [], h => Number.parseInt(h, 16));

/** K.1, luminance then chrominance, in zigzag order: RFC 2435 A. */
const baseTables = bytes(
  `100b0c0e0c0a100e0d0e1211101318281a181616183123251d283a333d3c3933
   383740485c4e404457453738506d51575f626768673e4d71797064785c656763
   1112121815182f1a1a2f63423842636363636363636363636363636363636363
   6363636363636363636363636363636363636363636363636363636363636363`,
);

/** RFC 2435 A: both tables, 64 bytes each, for Q of 1..99 as the IJG's library scales them. */
export function jpegQuantization(q: number): Uint8Array {
  const factor = Math.min(99, Math.max(1, q));
  const scale = factor < 50 ? Math.floor(5000 / factor) : 200 - factor * 2;
  return baseTables.map(v => Math.min(255, Math.max(1, Math.floor((v * scale + 50) / 100))));
}

const acLuminance = `01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435363738
  393a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6
  a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa`;
const acChrominance = `0001020311040521310612415107617113223281081442 91a1b1c109233352f0156272d10a162434e125f11718191a262728292a353637
  38393a434445464748494a535455565758595a636465666768696a737475767778797a82838485868788898a92939495969798999aa2a3a4
  a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa`;

/** K.3 to K.6 as the bodies of four DHT segments: class and number, how many codes of each length, their values. */
export const jpegHuffman: readonly Uint8Array[] = [
  bytes('00 00010501010101010100000000000000 000102030405060708090a0b'),
  bytes(`10 0002010303020403050504040000017d ${acLuminance}`),
  bytes('01 00030101010101010101010000000000 000102030405060708090a0b'),
  bytes(`11 00020102040403040705040400010277 ${acChrominance}`),
];

/** `mp4v.6c`: JPEG in MPEG-4 systems (RFC 6381 3.3, ISO/IEC 14496-1 table 5). */
export const mjpegTrack = (width: number, height: number): VideoTrack =>
  Object.freeze({
    kind: 'video',
    codec: 'mjpeg',
    timescale: 90000,
    width,
    height,
    parameterSets: Object.freeze([]),
    codecText: 'mp4v.6c',
    framerate: 0,
  } satisfies VideoTrack);

/** Frame headers of all processes but the hierarchical ones (T.81 table B.1); DHT, JPG and DAC lie between them. */
const isFrameHeader = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;

/** Size of the picture in a JPEG that begins at `at`; undefined if there is no whole frame header before its scan. */
export function jpegSize(bytes: Uint8Array, at = 0): { readonly width: number; readonly height: number } | undefined {
  if (bytes[at] !== 0xff || bytes[at + 1] !== jpegMarker.soi) return undefined;
  for (let i = at + 2; i + 9 <= bytes.length; ) {
    if (bytes[i] !== 0xff) return undefined;
    const marker = bytes[i + 1] ?? 0;
    // B.1.1.2: any number of fill bytes; then markers without a length.
    if (marker === 0xff || marker === 0x01) {
      i += marker === 0xff ? 1 : 2;
      continue;
    }
    if (marker === jpegMarker.sos || marker === jpegMarker.eoi) return undefined;
    const length = ((bytes[i + 2] ?? 0) << 8) | (bytes[i + 3] ?? 0);
    if (length < 2) return undefined;
    if (isFrameHeader(marker)) {
      const height = ((bytes[i + 5] ?? 0) << 8) | (bytes[i + 6] ?? 0);
      const width = ((bytes[i + 7] ?? 0) << 8) | (bytes[i + 8] ?? 0);
      return width > 0 && height > 0 ? { width, height } : undefined;
    }
    i += 2 + length;
  }
  return undefined;
}
