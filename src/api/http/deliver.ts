/**
 * A media answer over HTTP: validators (RFC 9110 13), one byte range (RFC 9110 14), HEAD.
 * Several ranges at once are answered with the whole, as RFC 9110 14.2 allows.
 */
import { type ByteStream, isByteSource, type MediaAnswer } from '#core/bytes';
import { Fault } from '#core/errors';
import type { HttpAnswer, HttpRequest } from '#core/world';
import { closeAnswer } from '../method-table.ts';

export function deliver(request: HttpRequest, answer: MediaAnswer): HttpAnswer {
  const { body, status = 200 } = answer;
  const headers: Record<string, string> = { 'content-type': answer.contentType, ...answer.headers };
  headers['cache-control'] ??= answer.immutable ? 'public, max-age=31536000, immutable' : 'no-cache';
  const whole = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  const length = whole.length;
  const head = request.method === 'HEAD';
  if (status !== 200) return { status, headers: sized(headers, length), body: open(whole) };
  if (notModified(request, headers)) {
    closeAnswer(answer);
    delete headers['content-type'];
    return { status: 304, headers };
  }
  if (length === undefined) {
    if (!head) return { status, headers, body: open(whole) };
    closeAnswer(answer);
    throw new Fault('unsupported', 'method-not-allowed', 'expected GET: the answer has no end, so HEAD has none', {
      allow: 'GET, OPTIONS',
    });
  }
  headers['accept-ranges'] = 'bytes';
  if (head) {
    closeAnswer(answer);
    return { status, headers: sized(headers, length) };
  }
  const range = wantedRange(request, headers, length);
  if (range === undefined) return { status, headers: sized(headers, length), body: open(whole) };
  if (range === 'unsatisfiable') {
    closeAnswer(answer);
    throw new Fault('argument', 'range', `Range: expected a range within ${length} bytes`, { length });
  }
  headers['content-range'] = `bytes ${range.begin}-${range.end - 1}/${length}`;
  return { status: 206, headers: sized(headers, range.end - range.begin), body: open(whole, range.begin, range.end) };
}

const sized = (headers: Record<string, string>, length: number | undefined): Record<string, string> =>
  length === undefined ? headers : { ...headers, 'content-length': String(length) };

function open(body: Exclude<MediaAnswer['body'], string>, begin?: number, end?: number): Uint8Array | ByteStream {
  if (!isByteSource(body)) return begin === undefined ? body : body.subarray(begin, end);
  const stream = body.open(begin, end);
  body.close(); // what is open goes on
  return stream;
}

const opaque = (tag: string): string => tag.trim().replace(/^W\//, '');

function notModified(request: HttpRequest, headers: Readonly<Record<string, string>>): boolean {
  const wanted = request.headers['if-none-match'];
  const etag = headers['etag'];
  if (wanted === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) return false;
  if (wanted.trim() === '*') return true;
  return etag !== undefined && wanted.split(',').some(tag => opaque(tag) === opaque(etag));
}

/** Half-open. Undefined: the whole. */
export function wantedRange(
  request: HttpRequest,
  headers: Readonly<Record<string, string>>,
  length: number,
): { readonly begin: number; readonly end: number } | 'unsatisfiable' | undefined {
  const text = request.headers['range'];
  if (text === undefined || request.method !== 'GET') return undefined;
  const condition = request.headers['if-range']?.trim();
  // A weak tag never matches here (RFC 9110 13.1.5).
  if (condition !== undefined && condition !== headers['etag'] && condition !== headers['last-modified'])
    return undefined;
  if (condition?.startsWith('W/')) return undefined;
  const m = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/i.exec(text.trim());
  if (!m || (m[1] === '' && m[2] === '')) return undefined;
  if (m[1] === '') {
    const last = Math.min(Number(m[2]), length);
    return last === 0 ? 'unsatisfiable' : { begin: length - last, end: length };
  }
  const begin = Number(m[1]);
  const end = m[2] === '' ? length : Math.min(Number(m[2]) + 1, length);
  if (m[2] !== '' && Number(m[2]) < begin) return undefined;
  return begin >= length ? 'unsatisfiable' : { begin, end };
}
