/**
 * RTP packets of one access unit, one after the other in one buffer, each behind the four
 * bytes that RTSP puts before it on a TCP connection (RFC 2326 10.12):
 *
 *     0  '$'   1  channel   2  length(2)        only RTSP over TCP sends these
 *     4  RTP header (12 bytes, RFC 3550 5.1): no padding, extension or CSRC
 *    16  payload
 *
 * So a viewer over TCP is served with one write of `bytes`, and one over UDP or SRTP with
 * `offsets[i] + 4 .. offsets[i + 1]`. A batch is made once per stream, shared by all its
 * viewers, and nobody writes into it. Sizes are known before the buffer is made: one
 * allocation and one copy per access unit, no object per packet.
 */

/** Bytes of the interleaved prefix. */
export const prefixLength = 4;
/** Bytes of the RTP header as written here. */
export const headerLength = 12;

export class PacketBatch {
  readonly bytes: Uint8Array;
  /** Packet i is `bytes[offsets[i]] .. bytes[offsets[i + 1]]`, its prefix included; `count + 1` entries. */
  readonly offsets: Int32Array;
  readonly count: number;
  /** Sequence number of the first packet; the others follow it. */
  readonly seq: number;
  /** RTP timestamp of the first packet; the others have the same, but for PCM longer than a packet. */
  readonly timestamp: number;

  constructor(bytes: Uint8Array, offsets: Int32Array, count: number, seq: number, timestamp: number) {
    this.bytes = bytes;
    this.offsets = offsets;
    this.count = count;
    this.seq = seq;
    this.timestamp = timestamp;
  }

  /** RTP payload bytes of all packets: what a sender report counts (RFC 3550 6.4.1). */
  get payloadBytes(): number {
    return this.bytes.length - this.count * (prefixLength + headerLength);
  }
}

/** What a packetizer is given at birth. */
export interface PacketizerOptions {
  /** 0..127. */
  readonly payloadType: number;
  readonly ssrc: number;
  /** Of the first packet. */
  readonly seq: number;
  /** RTP payload bytes of one packet at most; a packet is 12 bytes longer. Taken as 64..65523. */
  readonly maxPayload: number;
  /** Interleaved channel; without meaning for UDP and SRTP. */
  readonly channel: number;
}

/**
 * Access units to RTP packets. One per track and stream; a new run needs a new one, which
 * goes on with `seq`.
 */
export interface Packetizer {
  /** Sequence number of the next packet. */
  readonly seq: number;
  readonly ssrc: number;
  /**
   * `data` as in `AccessUnit`; `timestamp` any integer, taken modulo 2^32. What the format
   * cannot carry gives a batch without packets.
   */
  packetize(data: Uint8Array, keyframe: boolean, timestamp: number): PacketBatch;
}

/** Lays out one batch: `begin`, then for each packet `next` and its payload into `bytes`, then `finish`. */
export class BatchWriter {
  readonly maxPayload: number;
  readonly ssrc: number;
  seq: number;
  bytes: Uint8Array;
  readonly #payloadType: number;
  readonly #channel: number;
  #offsets: Int32Array;
  #at: number;
  #written: number;
  #firstSeq: number;
  #firstTimestamp: number;
  #timestamp: number;
  /** The place of the last packet if it gets the marker, -1 if none does. */
  #marked: number;

  constructor(options: PacketizerOptions) {
    this.maxPayload = Math.min(Math.max(options.maxPayload, 64), 0xffff - headerLength);
    this.ssrc = options.ssrc >>> 0;
    this.seq = options.seq & 0xffff;
    this.bytes = new Uint8Array(0);
    this.#payloadType = options.payloadType & 0x7f;
    this.#channel = options.channel & 0xff;
    this.#offsets = new Int32Array(1);
    this.#at = 0;
    this.#written = 0;
    this.#firstSeq = this.seq;
    this.#firstTimestamp = 0;
    this.#timestamp = 0;
    this.#marked = -1;
  }

  /** `payloadBytes` of all `packets` together, exactly. With `marker` the last one gets it. */
  begin(packets: number, payloadBytes: number, timestamp: number, marker = true): void {
    this.bytes = new Uint8Array(packets * (prefixLength + headerLength) + payloadBytes);
    this.#offsets = new Int32Array(packets + 1);
    this.#at = 0;
    this.#written = 0;
    this.#firstSeq = this.seq;
    this.#firstTimestamp = this.#timestamp = timestamp >>> 0;
    this.#marked = marker ? packets : -1;
  }

  /** The packets that follow are so many ticks later. */
  advance(ticks: number): void {
    this.#timestamp = (this.#timestamp + ticks) >>> 0;
  }

  /** Writes prefix and header of the next packet; its payload goes to the returned place. */
  next(payloadLength: number): number {
    const { bytes, ssrc, seq } = this;
    const at = this.#at;
    const length = headerLength + payloadLength;
    const last = this.#written + 1 === this.#marked;
    const timestamp = this.#timestamp;
    bytes[at] = 0x24;
    bytes[at + 1] = this.#channel;
    bytes[at + 2] = length >> 8;
    bytes[at + 3] = length;
    bytes[at + 4] = 0x80; // version 2
    bytes[at + 5] = last ? this.#payloadType | 0x80 : this.#payloadType;
    bytes[at + 6] = seq >> 8;
    bytes[at + 7] = seq;
    bytes[at + 8] = timestamp >>> 24;
    bytes[at + 9] = timestamp >>> 16;
    bytes[at + 10] = timestamp >>> 8;
    bytes[at + 11] = timestamp;
    bytes[at + 12] = ssrc >>> 24;
    bytes[at + 13] = ssrc >>> 16;
    bytes[at + 14] = ssrc >>> 8;
    bytes[at + 15] = ssrc;
    this.seq = (seq + 1) & 0xffff;
    this.#written += 1;
    this.#at = at + prefixLength + length;
    this.#offsets[this.#written] = this.#at;
    return at + prefixLength + headerLength;
  }

  finish(): PacketBatch {
    return new PacketBatch(this.bytes, this.#offsets, this.#written, this.#firstSeq, this.#firstTimestamp);
  }
}
