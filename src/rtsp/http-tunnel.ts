/**
 * RTSP through HTTP, as Apple's "Tunnelling RTSP and RTP over HTTP" (TN2084-ish, 2000) has it
 * and ONVIF asks of its devices (Streaming Specification 5.1.1.3): the client opens two
 * connections that name each other by one cookie. On the first it sends a GET, whose answer
 * never ends and is what the server says; on the second a POST, whose body is what the client
 * says, in Base64. Here: the requests, the heads of both directions and the Base64, pure.
 *
 * The POST announces the 32767 bytes that all clients announce and no server counts; it is not answered.
 */
import type { Headers } from './message.ts';

const cookieHeader = 'x-sessioncookie';
const headLimitBytes = 16 << 10;
const latin1 = new TextDecoder('latin1');

/** The head of GET or POST; both carry the same `cookie`. */
export function tunnelRequest(
  method: 'GET' | 'POST',
  target: string,
  options: {
    readonly host: string;
    readonly cookie: string;
    readonly userAgent: string;
    readonly authorization?: string;
  },
): string {
  const { host, cookie, userAgent, authorization } = options;
  const headers: Headers = [
    ['Host', host],
    ['User-Agent', userAgent],
    [cookieHeader, cookie],
    ...(method === 'GET'
      ? [['Accept', 'application/x-rtsp-tunnelled'] as const]
      : [
          ['Content-Type', 'application/x-rtsp-tunnelled'] as const,
          ['Content-Length', '32767'] as const,
          ['Expires', 'Sun, 9 Jan 1972 00:00:00 GMT'] as const,
        ]),
    ['Pragma', 'no-cache'],
    ['Cache-Control', 'no-cache'],
    ...(authorization === undefined ? [] : [['Authorization', authorization] as const]),
  ];
  return `${method} ${target} HTTP/1.0\r\n${headers.map(([n, v]) => `${n}: ${v}\r\n`).join('')}\r\n`;
}

/** What the server answers to GET when it takes the tunnel. */
export const tunnelAnswer = (name: string): string =>
  `HTTP/1.0 200 OK\r\nServer: ${name}\r\nConnection: close\r\nCache-Control: no-store\r\nPragma: no-cache\r\nContent-Type: application/x-rtsp-tunnelled\r\n\r\n`;

export interface HttpHead {
  /** `['HTTP/1.0', '200', 'OK']` or `['GET', '/live', 'HTTP/1.0']`; more words are in the last. */
  readonly words: readonly [string, string, string];
  readonly headers: Headers;
  /** What came behind the head. */
  readonly rest: Uint8Array;
}

/** The cookie of a request that asks for a tunnel; undefined for any other. */
export const cookieOf = (head: HttpHead): string | undefined =>
  head.headers.find(([n]) => n.toLowerCase() === cookieHeader)?.[1];

/** Collects the head of an HTTP message, and no more than that. */
export class HttpHeadParser {
  #text = '';

  /** `broken` for what is no HTTP or longer than 16 KiB; undefined while it is not whole. */
  push(bytes: Uint8Array, length: number = bytes.length): HttpHead | 'broken' | undefined {
    const before = this.#text.length;
    this.#text += latin1.decode(bytes.subarray(0, Math.min(length, headLimitBytes)));
    const end = /\r?\n\r?\n/.exec(this.#text);
    if (end === null) {
      const odd = !/^[\x20-\x7e]*(?:[\r\n]|$)/.test(this.#text);
      return odd || this.#text.length >= headLimitBytes ? 'broken' : undefined;
    }
    const [first = '', ...lines] = this.#text.slice(0, end.index).split(/\r?\n/);
    const words = /^(\S+) +(\S+)(?: +(.*))?$/.exec(first);
    if (!words || !(words[1]?.startsWith('HTTP/1.') || words[3]?.startsWith('HTTP/1.'))) return 'broken';
    const headers = lines.flatMap(line => {
      const colon = line.indexOf(':');
      return colon < 1 ? [] : [[line.slice(0, colon).trim(), line.slice(colon + 1).trim()] as const];
    });
    const from = Math.max(0, end.index + end[0].length - before);
    return { words: [words[1] ?? '', words[2] ?? '', words[3] ?? ''], headers, rest: bytes.slice(from, length) };
  }
}

/** One message of the client for the body of POST. Each is padded for itself; servers decode in groups of four. */
export function tunnelled(bytes: string | Uint8Array): string {
  const octets = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
  let text = '';
  for (let at = 0; at < octets.length; at += 0x3000)
    text += btoa(String.fromCharCode(...octets.subarray(at, at + 0x3000)));
  return text;
}

/** The body of POST, as it comes, back to bytes. Line ends are passed over; what is no Base64 at all breaks it. */
export class TunnelDecoder {
  #left = '';

  /** Undefined when the body makes no sense. */
  push(bytes: Uint8Array, length: number = bytes.length): Uint8Array | undefined {
    const text = this.#left + latin1.decode(bytes.subarray(0, length)).replace(/[\r\n\t ]+/g, '');
    const whole = text.length - (text.length % 4);
    this.#left = text.slice(whole);
    const groups = text.slice(0, whole);
    if (!/^(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)*$/.test(groups)) return undefined;
    // Each message is padded for itself: padding may stand anywhere between two groups.
    const out = new Uint8Array((whole / 4) * 3);
    let at = 0;
    for (const run of groups.match(/[A-Za-z0-9+/]+={0,2}/g) ?? []) {
      const plain = atob(run);
      for (let i = 0; i < plain.length; i++) out[at++] = plain.charCodeAt(i);
    }
    return out.subarray(0, at);
  }
}
