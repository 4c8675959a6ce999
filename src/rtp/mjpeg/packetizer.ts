/**
 * JPEG pictures to RTP (RFC 2435), with their quantization tables in every first packet (Q 255). What the payload
 * cannot say gives no packets: anything but baseline YUV 4:2:0 or 4:2:2 with the typical Huffman tables.
 * Width and height go in units of 8 pixels; from 2041 on as 0, and the SDP has to tell.
 */
import { jpegHuffman, jpegMarker } from '#media/jpeg';
import { BatchWriter, type PacketBatch, type Packetizer, type PacketizerOptions } from '#rtp/packet-batch';

export class MjpegPacketizer implements Packetizer {
  readonly #writer: BatchWriter;

  constructor(options: PacketizerOptions) {
    // The first packet has to hold its header and two tables of 16 bits.
    this.#writer = new BatchWriter({ ...options, maxPayload: Math.max(options.maxPayload, 512) });
  }

  get seq(): number {
    return this.#writer.seq;
  }

  get ssrc(): number {
    return this.#writer.ssrc;
  }

  packetize(data: Uint8Array, _keyframe: boolean, timestamp: number): PacketBatch {
    const writer = this.#writer;
    const jpeg = parseJpeg(data);
    const scan = jpeg === undefined ? 0 : data.length - jpeg.scanAt;
    if (jpeg === undefined || scan > 0xffffff) {
      writer.begin(0, 0, timestamp);
      return writer.finish();
    }
    const headerBytes = jpeg.restartInterval > 0 ? 12 : 8;
    const tableBytes = 4 + jpeg.tables.length;
    const most = writer.maxPayload - headerBytes;
    const first = Math.min(scan, most - tableBytes);
    const packets = 1 + Math.ceil((scan - first) / most);
    writer.begin(packets, packets * headerBytes + tableBytes + scan, timestamp);
    for (let offset = 0, piece = first; offset < scan || offset === 0; ) {
      const tables = offset === 0 ? tableBytes : 0;
      let to = writer.next(headerBytes + tables + piece);
      to = writeHeader(writer.bytes, to, jpeg, offset);
      if (tables > 0) {
        writer.bytes.set([0, jpeg.precision, jpeg.tables.length >> 8, jpeg.tables.length & 0xff], to);
        writer.bytes.set(jpeg.tables, to + 4);
      }
      const at = jpeg.scanAt + offset;
      writer.bytes.set(data.subarray(at, at + piece), to + tables);
      offset += piece;
      piece = Math.min(most, scan - offset);
      if (piece === 0) break;
    }
    return writer.finish();
  }
}

interface Jpeg {
  readonly sampling: 0 | 1;
  readonly width: number;
  readonly height: number;
  readonly restartInterval: number;
  readonly precision: number;
  readonly tables: Uint8Array;
  readonly scanAt: number;
}

function writeHeader(into: Uint8Array, at: number, jpeg: Jpeg, offset: number): number {
  const eighths = (pixels: number): number => (pixels > 2040 ? 0 : Math.ceil(pixels / 8));
  into[at] = 0;
  into[at + 1] = offset >> 16;
  into[at + 2] = offset >> 8;
  into[at + 3] = offset;
  into[at + 4] = jpeg.sampling + (jpeg.restartInterval > 0 ? 64 : 0);
  into[at + 5] = 255;
  into[at + 6] = eighths(jpeg.width);
  into[at + 7] = eighths(jpeg.height);
  if (jpeg.restartInterval === 0) return at + 8;
  into[at + 8] = jpeg.restartInterval >> 8;
  into[at + 9] = jpeg.restartInterval;
  // F and L set, count 0x3fff: the pieces are not cut at restart markers (3.1.7).
  into[at + 10] = 0xff;
  into[at + 11] = 0xff;
  return at + 12;
}

/** Undefined for what RFC 2435 cannot carry. */
function parseJpeg(data: Uint8Array): Jpeg | undefined {
  if (data[0] !== 0xff || data[1] !== jpegMarker.soi) return undefined;
  const quantizers = new Map<number, Uint8Array>();
  let frame: { width: number; height: number; sampling: 0 | 1; used: readonly [number, number] } | undefined;
  let restartInterval = 0;
  for (let at = 2; at + 4 <= data.length; ) {
    const marker = data[at + 1] ?? 0;
    const length = ((data[at + 2] ?? 0) << 8) | (data[at + 3] ?? 0);
    const end = at + 2 + length;
    if (data[at] !== 0xff || length < 2 || end > data.length) return undefined;
    const body = data.subarray(at + 4, end);
    if (marker === jpegMarker.dqt) readQuantizers(body, quantizers);
    else if (marker === jpegMarker.dri) restartInterval = ((body[0] ?? 0) << 8) | (body[1] ?? 0);
    else if (marker === jpegMarker.sof0) frame = frameOf(body);
    else if (marker === jpegMarker.dht) {
      if (!hasTypicalTables(body)) return undefined;
    } else if (marker > jpegMarker.sof0 && marker < 0xd0 && marker !== 0xc8 && marker !== 0xcc) return undefined;
    else if (marker === jpegMarker.sos) {
      const [first, second] = frame === undefined ? [] : [quantizers.get(frame.used[0]), quantizers.get(frame.used[1])];
      if (frame === undefined || first === undefined || second === undefined) return undefined;
      const precision = (first.length === 128 ? 1 : 0) | (second.length === 128 ? 2 : 0);
      const tables = new Uint8Array(first.length + second.length);
      tables.set(first);
      tables.set(second, first.length);
      return { ...frame, restartInterval, precision, tables, scanAt: end };
    }
    at = end;
  }
  return undefined;
}

function readQuantizers(body: Uint8Array, into: Map<number, Uint8Array>): void {
  for (let at = 0; at < body.length; ) {
    const header = body[at] ?? 0;
    const size = header >> 4 === 0 ? 64 : 128;
    if (at + 1 + size > body.length) return;
    into.set(header & 15, body.subarray(at + 1, at + 1 + size));
    at += 1 + size;
  }
}

/** Three components, luminance 2x1 or 2x2, both chrominances alike and 1x1. */
function frameOf(
  body: Uint8Array,
): { width: number; height: number; sampling: 0 | 1; used: readonly [number, number] } | undefined {
  if (body.length < 15 || body[0] !== 8 || body[5] !== 3) return undefined;
  const luminance = body[7];
  if ((luminance !== 0x21 && luminance !== 0x22) || body[10] !== 0x11 || body[13] !== 0x11) return undefined;
  if (body[11] !== body[14]) return undefined;
  return {
    height: ((body[1] ?? 0) << 8) | (body[2] ?? 0),
    width: ((body[3] ?? 0) << 8) | (body[4] ?? 0),
    sampling: luminance === 0x21 ? 0 : 1,
    used: [body[8] ?? 0, body[11] ?? 0],
  };
}

function hasTypicalTables(body: Uint8Array): boolean {
  for (let at = 0; at < body.length; ) {
    const table = jpegHuffman.find(t => t[0] === body[at]);
    if (table === undefined || table.some((byte, i) => byte !== body[at + i])) return false;
    at += table.length;
  }
  return true;
}
