/**
 * What comes over one RTSP connection, either direction, as messages and interleaved
 * packets (RFC 2326 4, 10.12). Split and merged as TCP likes; lines may end with LF alone;
 * bytes that are nothing known are skipped until something known begins, since cameras put
 * debris between interleaved packets. Interleaved packets are handed on as a place in the
 * caller's own buffer wherever they are whole in it: nothing is copied or allocated.
 *
 * At most `limits` of a message and 64 KiB of a packet are held back between two pushes.
 */
import type { Headers, RtspRequest, RtspResponse } from './message.ts';

export interface RtspTaker {
  request(request: RtspRequest): void;
  response(response: RtspResponse): void;
  /** RTP or RTCP: `bytes` from `begin` to `end`, valid during the call only. */
  interleaved(channel: number, bytes: Uint8Array, begin: number, end: number): void;
  /** That many bytes were neither message nor packet. */
  skipped(bytes: number): void;
  /** A message larger than allowed: the connection makes no sense any more, and later bytes are ignored. */
  broken(reason: string): void;
}

export interface RtspLimits {
  /** Start line and headers together. */
  readonly headBytes: number;
  readonly bodyBytes: number;
}

const defaultLimits: RtspLimits = { headBytes: 16 << 10, bodyBytes: 256 << 10 };
const dollar = 0x24;
const packetLimit = 4 + 0xffff;
/** Longer start lines are debris; URLs of cameras stay well below. */
const startLineBytes = 2048;
/** Debris without anything known in between: whoever sends so much speaks something else. */
const debrisLimitBytes = 1 << 20;
const isUpper = (byte: number): boolean => byte >= 0x41 && byte <= 0x5a;
const utf8 = new TextDecoder();

export class RtspParser {
  readonly #taker: RtspTaker;
  readonly #limits: RtspLimits;
  /** 1 for channels that were set up. While none is, any is believed. */
  readonly #channels = new Uint8Array(256);
  #channelsKnown = false;
  /** The beginning of something that is not whole yet. */
  #held = new Uint8Array(4096);
  #heldLength = 0;
  /** So many bytes of the head, whose start line was good, were already searched for its end. */
  #searched = 0;
  /** Set while the body of this message is awaited: the head is not parsed twice. */
  #head: Head | undefined;
  /**
   * Of the bytes being scanned: no start line begins before the first place, and from there to
   * the second is text without a line end. So debris is looked at once, however text-like it is.
   */
  #noTextBefore = 0;
  #lineUntil = 0;
  /** Debris since the last known thing. */
  #debrisBytes = 0;
  /** The last byte read belonged to something known. */
  #inSync = true;
  #broken = false;

  constructor(taker: RtspTaker, limits: RtspLimits = defaultLimits) {
    this.#taker = taker;
    this.#limits = limits;
  }

  /** A channel that packets are expected on; helps to tell packets from debris. */
  expectChannel(channel: number): void {
    this.#channels[channel & 0xff] = 1;
    this.#channelsKnown = true;
  }

  push(bytes: Uint8Array, length: number = bytes.length): void {
    let at = 0;
    while (this.#heldLength > 0 && at < length && !this.#broken) {
      if (this.#head === undefined && this.#held[0] === dollar) at = this.#topUpPacket(bytes, at, length);
      else {
        // Text is rare: it is simply collected, together with what came behind it.
        this.#hold(bytes, at, length);
        at = length;
        this.#scanHeld();
      }
    }
    if (this.#broken || at >= length) return;
    const used = this.#scan(bytes, at, length);
    if (used < length && !this.#broken) this.#hold(bytes, used, length);
  }

  /** Completes the packet whose beginning is held, and no more, so that what follows needs no copy. */
  #topUpPacket(bytes: Uint8Array, at: number, length: number): number {
    const held = this.#held;
    while (at < length && this.#heldLength < 4) held[this.#heldLength++] = bytes[at++]!;
    if (this.#heldLength < 4) return at;
    const whole = 4 + ((held[2]! << 8) | held[3]!);
    if (whole > 4 && this.#heldLength < 5) {
      if (at >= length) return at;
      held[this.#heldLength++] = bytes[at++]!;
    }
    if (whole === 4 || !this.#plausible(held, 0)) {
      this.#scanHeld();
      return at;
    }
    const until = Math.min(length, at + whole - this.#heldLength);
    this.#hold(bytes, at, until);
    if (this.#heldLength < whole) return until;
    this.#heldLength = 0;
    this.#inSync = true;
    this.#taker.interleaved(this.#held[1]!, this.#held, 4, whole);
    return until;
  }

  #scanHeld(): void {
    const used = this.#scan(this.#held, 0, this.#heldLength);
    this.#held.copyWithin(0, used, this.#heldLength);
    this.#heldLength -= Math.min(used, this.#heldLength);
  }

  /** Takes everything whole from `begin` on; returns where the first incomplete thing begins. */
  #scan(bytes: Uint8Array, begin: number, end: number): number {
    let at = begin;
    this.#noTextBefore = this.#lineUntil = begin;
    while (at < end && !this.#broken) {
      if (this.#head !== undefined) {
        const head = this.#head;
        if (end - at < head.bodyBytes) return at;
        this.#head = undefined;
        this.#deliver(head, bytes.slice(at, at + head.bodyBytes));
        at += head.bodyBytes;
        continue;
      }
      const first = bytes[at]!;
      if (first === dollar) {
        if (end - at < 4) return at;
        const whole = 4 + ((bytes[at + 2]! << 8) | bytes[at + 3]!);
        if (whole > 4 && end - at < 5) return at;
        if (this.#plausible(bytes, at)) {
          if (end - at < whole) return at;
          this.#inSync = true;
          this.#taker.interleaved(bytes[at + 1]!, bytes, at + 4, at + whole);
          at += whole;
          continue;
        }
      } else if (first === 0x0d || first === 0x0a) {
        at++; // stray line ends between messages are allowed (RFC 2326 4.1)
        continue;
      } else if (isUpper(first)) {
        const used = this.#scanHead(bytes, at, end);
        if (used === 0) return at;
        if (used > 0) {
          at += used;
          continue;
        }
      }
      at = this.#skip(bytes, at, end);
    }
    return at;
  }

  /** Could a packet begin here? RTP and RTCP both carry version 2 in their first two bits. */
  #plausible(bytes: Uint8Array, at: number): boolean {
    const known = !this.#channelsKnown || this.#channels[bytes[at + 1]!] === 1;
    const empty = bytes[at + 2] === 0 && bytes[at + 3] === 0;
    if (empty) return this.#inSync && known;
    return bytes[at + 4]! >> 6 === 2 && (known || this.#inSync);
  }

  #skip(bytes: Uint8Array, at: number, end: number): number {
    let next = at + 1;
    while (next < end && bytes[next] !== dollar && !(isUpper(bytes[next]!) && next >= this.#noTextBefore)) next++;
    this.#debrisBytes = this.#inSync ? next - at : this.#debrisBytes + next - at;
    this.#inSync = false;
    this.#searched = 0;
    this.#taker.skipped(next - at);
    if (this.#debrisBytes > debrisLimitBytes) {
      this.#broken = true;
      this.#taker.broken(`expected RTSP, got ${this.#debrisBytes} bytes of something else`);
    }
    return next;
  }

  /** Length of the head at `at`, 0 while it is not whole, -1 if this is no message at all. */
  #scanHead(bytes: Uint8Array, at: number, end: number): number {
    const startLine = this.#searched > 0 ? 1 : this.#startLine(bytes, at, end);
    if (startLine <= 0) return startLine;
    for (let from = at + this.#searched; ; ) {
      const lf = bytes.indexOf(0x0a, from);
      if (lf < 0 || lf >= end) {
        if (end - at > this.#limits.headBytes) return this.#tooLarge('head', end - at, this.#limits.headBytes);
        this.#searched = end - at;
        return 0;
      }
      if (lf + 1 - at > this.#limits.headBytes) return this.#tooLarge('head', lf + 1 - at, this.#limits.headBytes);
      const emptyLine = bytes[lf - 1] === 0x0a || (bytes[lf - 1] === 0x0d && bytes[lf - 2] === 0x0a);
      if (emptyLine) {
        this.#searched = 0;
        const head = parseHead(utf8.decode(bytes.subarray(at, lf + 1)));
        if (head === undefined) return -1;
        if (head.bodyBytes > this.#limits.bodyBytes)
          return this.#tooLarge('body', head.bodyBytes, this.#limits.bodyBytes);
        this.#inSync = true;
        if (head.bodyBytes === 0) this.#deliver(head, new Uint8Array(0));
        else this.#head = head;
        return lf + 1 - at;
      }
      from = lf + 1;
    }
  }

  /** 1 if a start line begins at `at`, 0 while that is open, -1 if not: debris soon shows a byte that text has not. */
  #startLine(bytes: Uint8Array, at: number, end: number): number {
    const until = Math.min(end, at + startLineBytes);
    if (at < this.#noTextBefore) return -1;
    for (let i = Math.max(at, this.#lineUntil); i < until; i++) {
      const b = bytes[i]!;
      if (b === 0x0a) {
        const line = utf8.decode(bytes.subarray(at, i));
        if (startLine.test(line)) return 1;
        const inside = line.search(startLineInside);
        this.#noTextBefore = inside < 0 ? i : at + inside;
        return -1;
      }
      if ((b < 0x20 && b !== 0x0d && b !== 0x09) || b > 0x7e) {
        this.#noTextBefore = i;
        return -1;
      }
    }
    this.#lineUntil = Math.max(until, this.#lineUntil);
    return end - at < startLineBytes ? 0 : -1;
  }

  #tooLarge(what: string, bytes: number, limit: number): number {
    this.#broken = true;
    this.#taker.broken(`expected an RTSP ${what} of at most ${limit} bytes, got ${bytes}`);
    return 1;
  }

  #deliver(head: Head, body: Uint8Array): void {
    if (head.request) this.#taker.request({ kind: 'request', ...head.request, headers: head.headers, body });
    else if (head.response) this.#taker.response({ kind: 'response', ...head.response, headers: head.headers, body });
  }

  #hold(bytes: Uint8Array, begin: number, end: number): void {
    const needed = this.#heldLength + end - begin;
    if (needed > this.#held.length) {
      const grown = new Uint8Array(Math.max(needed, packetLimit, 2 * this.#held.length));
      grown.set(this.#held.subarray(0, this.#heldLength));
      this.#held = grown;
    }
    this.#held.set(bytes.subarray(begin, end), this.#heldLength);
    this.#heldLength = needed;
  }
}

interface Head {
  readonly request?: { readonly method: string; readonly uri: string };
  readonly response?: { readonly status: number; readonly reason: string };
  readonly headers: Headers;
  readonly bodyBytes: number;
}

/** A server that speaks HTTP on this port still answers something worth telling. */
const statusLine = /^(?:RTSP|HTTP)\/\d\.\d\s+(\d{3})\s*(.*)$/;
const requestLine = /^([A-Z][A-Z_]{2,31})\s+(\S+)\s+(?:RTSP|HTTP)\/\d\.\d\s*$/;
const startLine = /^(?:(?:RTSP|HTTP)\/\d\.\d\s+\d{3}|[A-Z][A-Z_]{2,31}\s+\S+\s+(?:RTSP|HTTP)\/\d\.\d\s*$)/;
/** One behind debris that looks like text, in one line with it. */
const startLineInside = new RegExp(startLine.source.replaceAll('^', ''));

function parseHead(text: string): Head | undefined {
  const lines = text.split(/\r?\n/);
  const first = lines[0] ?? '';
  const status = statusLine.exec(first);
  const request = status ? null : requestLine.exec(first);
  if (!status && !request) return undefined;
  const headers: [string, string][] = [];
  for (const line of lines.slice(1)) {
    const last = headers.at(-1);
    if (last && /^[ \t]/.test(line)) {
      last[1] = `${last[1]} ${line.trim()}`; // folded, RFC 2326 4.2
      continue;
    }
    const colon = line.indexOf(':');
    if (colon > 0) headers.push([line.slice(0, colon).trim(), line.slice(colon + 1).trim()]);
  }
  const length = headers.find(([n]) => n.toLowerCase() === 'content-length')?.[1] ?? '';
  const bodyBytes = /^\d{1,9}$/.test(length) ? Number(length) : 0;
  if (request) return { request: { method: request[1] ?? '', uri: request[2] ?? '' }, headers, bodyBytes };
  return { response: { status: Number(status?.[1]), reason: status?.[2]?.trim() ?? '' }, headers, bodyBytes };
}
