/**
 * RTCP (RFC 3550 6): sender and receiver reports, source descriptions, goodbyes; read from
 * and written to compound packets. Other packet types are passed over. Packets are few, so
 * they become objects.
 */
import { uint32, writeUint32 } from './packet.ts';

export interface ReportBlock {
  /** Of the source reported on. */
  readonly ssrc: number;
  /** In 1/256 of the packets since the last report. */
  readonly fractionLost: number;
  /** In all; clamped to 24 bits, signed, when written. */
  readonly lost: number;
  readonly highestSeq: number;
  readonly jitter: number;
  /** Middle 32 bits of the NTP time of the last sender report; 0: none. */
  readonly lastReport: number;
  /** In 1/65536 s. */
  readonly delaySinceLastReport: number;
}

export interface SenderReport {
  readonly type: 'sender-report';
  readonly ssrc: number;
  /** The sender's wall clock, UTC milliseconds with fraction; 0 when it has none. */
  readonly wallMs: number;
  readonly ntpMiddle: number;
  readonly rtpTime: number;
  readonly packets: number;
  readonly octets: number;
  readonly reports: readonly ReportBlock[];
}
export interface ReceiverReport {
  readonly type: 'receiver-report';
  readonly ssrc: number;
  readonly reports: readonly ReportBlock[];
}
export interface SourceDescription {
  readonly type: 'source-description';
  readonly ssrc: number;
  readonly cname: string;
}
export interface Goodbye {
  readonly type: 'goodbye';
  readonly ssrcs: readonly number[];
}
export type RtcpPacket = SenderReport | ReceiverReport | SourceDescription | Goodbye;

/** Seconds from NTP's 1900 to 1970. */
export const ntpToUnix = 2208988800;

/** UTC milliseconds of an NTP time of 64 bits. It wraps in 2036: seconds without the top bit belong to the second era (RFC 5905 6). */
export function ntpMs(seconds: number, fraction: number): number {
  const unix = seconds < 0x80000000 ? seconds + 0x100000000 - ntpToUnix : seconds - ntpToUnix;
  return unix * 1000 + (fraction * 1000) / 0x100000000;
}

/** RTCP, not RTP: by the numbers that RTP keeps free for that (RFC 5761 4). */
export const isRtcp = (bytes: Uint8Array, begin: number): boolean => {
  const type = bytes[begin + 1]!;
  return type >= 192 && type <= 223;
};

/** The packets of a compound packet that make sense; a broken one ends it. */
export function parseRtcp(bytes: Uint8Array, begin: number, end: number): RtcpPacket[] {
  const found: RtcpPacket[] = [];
  for (let at = begin; at + 4 <= end; ) {
    const size = 4 + 4 * ((bytes[at + 2]! << 8) | bytes[at + 3]!);
    const until = at + size;
    if (bytes[at]! >> 6 !== 2 || until > end) break;
    const count = bytes[at]! & 0x1f;
    switch (bytes[at + 1]) {
      case 200:
        if (size >= 28) found.push(senderReport(bytes, at, until, count));
        break;
      case 201:
        if (size >= 8)
          found.push({
            type: 'receiver-report',
            ssrc: uint32(bytes, at + 4),
            reports: blocks(bytes, at + 8, until, count),
          });
        break;
      case 202: {
        const description = size >= 8 && count > 0 ? sourceDescription(bytes, at, until) : undefined;
        if (description) found.push(description);
        break;
      }
      case 203: {
        const ssrcs: number[] = [];
        for (let i = 0; i < count && at + 8 + 4 * i <= until; i++) ssrcs.push(uint32(bytes, at + 4 + 4 * i));
        found.push({ type: 'goodbye', ssrcs });
        break;
      }
      default: // APP, feedback: nothing we act on
    }
    at = until;
  }
  return found;
}

function senderReport(bytes: Uint8Array, at: number, until: number, count: number): SenderReport {
  const seconds = uint32(bytes, at + 8);
  const fraction = uint32(bytes, at + 12);
  return {
    type: 'sender-report',
    ssrc: uint32(bytes, at + 4),
    wallMs: seconds === 0 ? 0 : ntpMs(seconds, fraction),
    ntpMiddle: (((seconds & 0xffff) << 16) | (fraction >>> 16)) >>> 0,
    rtpTime: uint32(bytes, at + 16),
    packets: uint32(bytes, at + 20),
    octets: uint32(bytes, at + 24),
    reports: blocks(bytes, at + 28, until, count),
  };
}

function blocks(bytes: Uint8Array, at: number, until: number, count: number): ReportBlock[] {
  const found: ReportBlock[] = [];
  for (; found.length < count && at + 24 <= until; at += 24)
    found.push({
      ssrc: uint32(bytes, at),
      fractionLost: bytes[at + 4]!,
      lost: ((bytes[at + 5]! << 24) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 8)) >> 8,
      highestSeq: uint32(bytes, at + 8),
      jitter: uint32(bytes, at + 12),
      lastReport: uint32(bytes, at + 16),
      delaySinceLastReport: uint32(bytes, at + 20),
    });
  return found;
}

function sourceDescription(bytes: Uint8Array, at: number, until: number): SourceDescription | undefined {
  for (let i = at + 8; i + 2 <= until && bytes[i] !== 0; i += 2 + bytes[i + 1]!)
    if (bytes[i] === 1 && i + 2 + bytes[i + 1]! <= until)
      return {
        type: 'source-description',
        ssrc: uint32(bytes, at + 4),
        cname: new TextDecoder().decode(bytes.subarray(i + 2, i + 2 + bytes[i + 1]!)),
      };
  return undefined;
}

/** One compound packet. The first should be a report (RFC 3550 6.1). */
export function writeRtcp(packets: readonly RtcpPacket[]): Uint8Array {
  const parts = packets.map(writeOne);
  const whole = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** What a receiver says of one source: a report, and who it is (RFC 3550 6.1). */
export const writeReceiverReport = (ssrc: number, report: ReportBlock, cname: string): Uint8Array =>
  writeRtcp([
    { type: 'receiver-report', ssrc, reports: [report] },
    { type: 'source-description', ssrc, cname },
  ]);

function writeOne(p: RtcpPacket): Uint8Array {
  switch (p.type) {
    case 'sender-report': {
      const out = frame(200, p.reports.length, 24 + 24 * p.reports.length);
      const seconds = Math.floor(p.wallMs / 1000);
      writeUint32(out, 4, p.ssrc);
      writeUint32(out, 8, p.wallMs === 0 ? 0 : (seconds + ntpToUnix) % 0x100000000);
      writeUint32(out, 12, p.wallMs === 0 ? 0 : Math.floor(((p.wallMs - seconds * 1000) / 1000) * 0x100000000));
      writeUint32(out, 16, p.rtpTime);
      writeUint32(out, 20, p.packets);
      writeUint32(out, 24, p.octets);
      writeBlocks(out, 28, p.reports);
      return out;
    }
    case 'receiver-report': {
      const out = frame(201, p.reports.length, 4 + 24 * p.reports.length);
      writeUint32(out, 4, p.ssrc);
      writeBlocks(out, 8, p.reports);
      return out;
    }
    case 'source-description': {
      const name = new TextEncoder().encode(p.cname).subarray(0, 255);
      // The list of items ends with at least one zero and on a word.
      const out = frame(202, 1, 4 + 4 * Math.floor((2 + name.length + 4) / 4));
      writeUint32(out, 4, p.ssrc);
      out[8] = 1;
      out[9] = name.length;
      out.set(name, 10);
      return out;
    }
    case 'goodbye': {
      const out = frame(203, p.ssrcs.length, 4 * p.ssrcs.length);
      p.ssrcs.forEach((ssrc, i) => {
        writeUint32(out, 4 + 4 * i, ssrc);
      });
      return out;
    }
  }
}

function frame(type: number, count: number, bodyBytes: number): Uint8Array {
  const out = new Uint8Array(4 + bodyBytes);
  out[0] = 0x80 | count;
  out[1] = type;
  out[2] = (bodyBytes / 4) >> 8;
  out[3] = (bodyBytes / 4) & 0xff;
  return out;
}

function writeBlocks(out: Uint8Array, at: number, reports: readonly ReportBlock[]): void {
  for (const r of reports) {
    writeUint32(out, at, r.ssrc);
    writeUint32(out, at + 4, Math.max(-0x800000, Math.min(0x7fffff, r.lost)) & 0xffffff);
    out[at + 4] = r.fractionLost;
    writeUint32(out, at + 8, r.highestSeq);
    writeUint32(out, at + 12, r.jitter);
    writeUint32(out, at + 16, r.lastReport);
    writeUint32(out, at + 20, r.delaySinceLastReport);
    at += 24;
  }
}
