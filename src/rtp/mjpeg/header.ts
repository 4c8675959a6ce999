/** What is in front of the scan of a JPEG, from SOI to SOS: made from what RTP carries (RFC 2435 B). */
import { jpegHuffman, jpegMarker } from '#media/jpeg';

export interface JpegLayout {
  /** 0: 4:2:2 (two luminance blocks side by side), 1: 4:2:0 (two by two). */
  readonly sampling: 0 | 1;
  readonly width: number;
  readonly height: number;
  /** MCUs; 0: no restart markers. */
  readonly restartInterval: number;
  /** Luminance and chrominance, or one for both: 64 bytes each, or 128 where the value's bit in `precision` is set. */
  readonly tables: Uint8Array;
  readonly precision: number;
}

/** Undefined when the tables do not add up. */
export function writeJpegHeader(layout: JpegLayout): Uint8Array | undefined {
  const { sampling, width, height, restartInterval, tables, precision } = layout;
  const first = (precision & 1) !== 0 ? 128 : 64;
  const second = (precision & 2) !== 0 ? 128 : 64;
  const both = tables.length >= first + second;
  if (tables.length < first) return undefined;
  const out: number[] = [0xff, jpegMarker.soi];
  const segment = (marker: number, ...body: number[]): void => {
    out.push(0xff, marker, (body.length + 2) >> 8, (body.length + 2) & 0xff, ...body);
  };
  segment(jpegMarker.dqt, (first === 128 ? 0x10 : 0) | 0, ...tables.subarray(0, first));
  if (both) segment(jpegMarker.dqt, (second === 128 ? 0x10 : 0) | 1, ...tables.subarray(first, first + second));
  if (restartInterval > 0) segment(jpegMarker.dri, restartInterval >> 8, restartInterval & 0xff);
  const chroma = both ? 1 : 0;
  const luminance = sampling === 0 ? 0x21 : 0x22;
  const size = [height >> 8, height & 0xff, width >> 8, width & 0xff];
  segment(jpegMarker.sof0, 8, ...size, 3, 1, luminance, 0, 2, 0x11, chroma, 3, 0x11, chroma);
  for (const table of jpegHuffman) segment(jpegMarker.dht, ...table);
  segment(jpegMarker.sos, 3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0);
  return Uint8Array.from(out);
}
