/** Files of pictures one after the other: JPEGs, and IVF (a header of 32 bytes, then pictures behind 12 bytes of size and time). */

export interface Ivf {
  /** `AV01`, `VP80`. */
  readonly fourcc: string;
  readonly framerate: number;
  readonly pictures: readonly Uint8Array[];
}

/** Undefined for what is no IVF. */
export function readIvf(bytes: Uint8Array): Ivf | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 32 || text(bytes.subarray(0, 4)) !== 'DKIF') return undefined;
  const pictures: Uint8Array[] = [];
  for (let at = view.getUint16(6, true); at + 12 <= bytes.length; ) {
    const end = at + 12 + view.getUint32(at, true);
    if (end > bytes.length) break;
    pictures.push(bytes.slice(at + 12, end));
    at = end;
  }
  const framerate = view.getUint32(16, true) / (view.getUint32(20, true) || 1);
  return { fourcc: text(bytes.subarray(8, 12)), framerate, pictures };
}

/** From each SOI to its EOI; FF inside a scan is followed by 00 or a restart marker, so both are found where they are. */
export function readJpegs(bytes: Uint8Array): Uint8Array[] {
  const pictures: Uint8Array[] = [];
  let begin = -1;
  for (let at = 0; at + 1 < bytes.length; at++) {
    if (bytes[at] !== 0xff) continue;
    if (bytes[at + 1] === 0xd8) begin = at;
    else if (bytes[at + 1] === 0xd9 && begin >= 0) {
      pictures.push(bytes.slice(begin, at + 2));
      begin = -1;
    }
  }
  return pictures;
}

/** Width and height in the frame header (SOF0). */
export function jpegSize(picture: Uint8Array): readonly [width: number, height: number] | undefined {
  const u16 = (at: number): number => ((picture[at] ?? 0) << 8) | (picture[at + 1] ?? 0);
  for (let at = 2; at + 9 < picture.length && picture[at] === 0xff; at += 2 + u16(at + 2))
    if (picture[at + 1] === 0xc0) return [u16(at + 7), u16(at + 5)];
  return undefined;
}

const text = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
