/**
 * RTSP messages as text, RFC 2326 4, 6, 7 (and RFC 7826, which keeps the syntax): the
 * nouns and the writers. `parser.ts` reads them from a connection. Headers keep their
 * order and their doubles (a server may send several WWW-Authenticate).
 */

export type Headers = readonly (readonly [name: string, value: string])[];

export interface RtspRequest {
  readonly kind: 'request';
  readonly method: string;
  readonly uri: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

export interface RtspResponse {
  readonly kind: 'response';
  readonly status: number;
  readonly reason: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

export type RtspMessage = RtspRequest | RtspResponse;

const utf8 = new TextDecoder();
export const bodyText = (message: RtspMessage): string => utf8.decode(message.body);

/** The first header of that name, in whatever case it came. */
export function header(message: { readonly headers: Headers }, name: string): string | undefined {
  const wanted = name.toLowerCase();
  for (const [n, value] of message.headers) if (n.length === wanted.length && n.toLowerCase() === wanted) return value;
  return undefined;
}

/** Every header of that name, in order. */
export function headersNamed(message: { readonly headers: Headers }, name: string): string[] {
  const wanted = name.toLowerCase();
  return message.headers.filter(([n]) => n.toLowerCase() === wanted).map(([, value]) => value);
}

/** CSeq as a number; undefined when missing or not one. Cameras forget it, mostly in errors. */
export function cseqOf(message: RtspMessage): number | undefined {
  const text = header(message, 'cseq');
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

/** `Session: 12345678;timeout=60` (RFC 2326 12.37). `timeoutSeconds` is undefined when not said or senseless. */
export function sessionOf(message: RtspMessage): { id: string; timeoutSeconds: number | undefined } | undefined {
  const text = header(message, 'session');
  if (text === undefined) return undefined;
  const [id = '', ...parameters] = text.split(';').map(s => s.trim());
  const seconds = parameters.map(p => /^timeout\s*=\s*"?(\d{1,6})/i.exec(p)?.[1]).find(s => s !== undefined);
  const timeoutSeconds = seconds === undefined || Number(seconds) === 0 ? undefined : Number(seconds);
  return id === '' ? undefined : { id, timeoutSeconds };
}

/** RFC 2326 7.1.1; those a peer of ours meets. */
const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  301: 'Moved Permanently',
  302: 'Found',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  415: 'Unsupported Media Type',
  451: 'Parameter Not Understood',
  453: 'Not Enough Bandwidth',
  454: 'Session Not Found',
  455: 'Method Not Valid in This State',
  457: 'Invalid Range',
  459: 'Aggregate Operation Not Allowed',
  461: 'Unsupported Transport',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
  551: 'Option not supported',
};
export const reasonOf = (status: number): string => reasons[status] ?? 'Status';

/** Status and reason for people. Only words: a reason that quotes our request would quote the login too. */
export const statusText = ({ status, reason }: RtspResponse): string =>
  /^[A-Za-z][A-Za-z '-]{0,39}$/.test(reason) && !/basic/i.test(reason) ? `${status} ${reason}` : `${status}`;

export const writeRequest = (method: string, uri: string, headers: Headers, body = ''): string =>
  write(`${line(method)} ${line(uri)} RTSP/1.0`, headers, body);

export const writeResponse = (status: number, headers: Headers, body = ''): string =>
  write(`RTSP/1.0 ${status} ${reasonOf(status)}`, headers, body);

const utf8Encoder = new TextEncoder();
function write(startLine: string, headers: Headers, body: string): string {
  let text = `${startLine}\r\n`;
  for (const [name, value] of headers) text += `${line(name)}: ${line(value)}\r\n`;
  if (body !== '') text += `Content-Length: ${utf8Encoder.encode(body).length}\r\n`;
  return `${text}\r\n${body}`;
}

/** A line break in a value would let whoever chose the value write headers of their own. */
const line = (text: string): string => text.replace(/[\r\n]+/g, ' ');

/** A packet with its 4 bytes in front. */
export function interleavedPacket(channel: number, bytes: Uint8Array): Uint8Array {
  const packet = new Uint8Array(4 + bytes.length);
  writeInterleavedHeader(packet, 0, channel, bytes.length);
  packet.set(bytes, 4);
  return packet;
}

/** The 4 bytes before an interleaved packet (RFC 2326 10.12). */
export function writeInterleavedHeader(into: Uint8Array, at: number, channel: number, length: number): void {
  into[at] = 0x24;
  into[at + 1] = channel;
  into[at + 2] = length >> 8;
  into[at + 3] = length & 0xff;
}
