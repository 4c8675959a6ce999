/**
 * One request and its answer on Node's HTTP classes, 1.1 and 2 alike: bodies in with limits
 * of size and time, answers out with back-pressure. A stream answer is pulled piece by piece,
 * so a client that stops reading holds one piece and what the system buffers.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { ByteStream } from '#core/bytes';
import { Fault, faultFrom } from '#core/errors';
import type { HttpAnswer, HttpRequest } from '#core/world';

export type RawRequest = IncomingMessage | Http2ServerRequest;
export type RawResponse = ServerResponse | Http2ServerResponse;

/** Of a body that nobody wanted, read and thrown away so that its sender gets to reading the answer. */
const drainBytes = 8 * 1024 * 1024;
const drainMs = 1000;

const tooLarge = (limitBytes: number): Fault =>
  new Fault('argument', 'too-large', `body: expected at most ${limitBytes} bytes, got more`);

/** HTTP/2 requests end with their stream and need no care for what follows on the connection. */
const isHttp1 = (raw: RawRequest): boolean => raw.httpVersionMajor === 1;

const hasBody = (raw: RawRequest): boolean =>
  raw.headers['transfer-encoding'] !== undefined ||
  Number(raw.headers['content-length'] ?? 0) > 0 ||
  (!isHttp1(raw) && !raw.readableEnded);

/** A request as the faces see it; its body is read when somebody asks, and given up after `stallMs` of silence. */
export function requestOf(raw: RawRequest, target: string, stallMs: number): HttpRequest {
  return {
    method: raw.method ?? 'GET',
    target,
    headers: headersOf(raw),
    address: raw.socket.remoteAddress ?? '',
    secure: 'encrypted' in raw.socket && raw.socket.encrypted === true,
    body: limitBytes => readBody(raw, limitBytes, stallMs),
    stream: () => pullBody(raw),
  };
}

/** Node joins what came several times by commas, save Set-Cookie, which no request has. */
function headersOf(raw: RawRequest): HttpRequest['headers'] {
  if (isHttp1(raw)) return raw.headers as HttpRequest['headers'];
  const headers: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(raw.headers))
    if (!name.startsWith(':')) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  const authority = (raw.headers as Record<string, unknown>)[':authority'];
  if (typeof authority === 'string') headers['host'] ??= authority;
  return headers;
}

function readBody(raw: RawRequest, limitBytes: number, stallMs: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    if (Number(raw.headers['content-length'] ?? 0) > limitBytes) return reject(tooLarge(limitBytes));
    const pieces: Buffer[] = [];
    let size = 0;
    const stalled = (): void =>
      finish(() => reject(new Fault('timeout', 'timeout', `body: nothing came for ${stallMs / 1000} s`)));
    let timer = setTimeout(stalled, stallMs);
    const onData = (piece: Buffer): void => {
      size += piece.length;
      clearTimeout(timer);
      if (size > limitBytes) finish(() => reject(tooLarge(limitBytes)));
      else {
        pieces.push(piece);
        timer = setTimeout(stalled, stallMs);
      }
    };
    const onEnd = (): void => finish(() => resolve(Buffer.concat(pieces)));
    const onGone = (): void =>
      finish(() => reject(new Fault('cancelled', 'stopped', 'body: the client went away before its end')));
    const finish = (then: () => void): void => {
      clearTimeout(timer);
      raw.off('data', onData).off('end', onEnd).off('close', onGone).off('error', onGone).off('aborted', onGone);
      raw.on('error', ignore); // a later reset of the connection concerns nobody here
      then();
    };
    if (raw.readableEnded) return finish(() => resolve(new Uint8Array(0)));
    if (raw.destroyed) return onGone();
    raw.on('data', onData).on('end', onEnd).on('close', onGone).on('error', onGone).on('aborted', onGone);
  });
}

/** Read ahead of who pulls; then the client's window closes. */
const aheadBytes = 256 * 1024;

/**
 * Reads ahead rather than on demand: Node throws away what it holds itself when the client closes the connection, and clients
 * do that right behind the last byte (FFmpeg).
 */
function pullBody(raw: RawRequest): ByteStream {
  let ahead: Buffer[] = [];
  let bytes = 0;
  let state: 'open' | 'ended' | 'gone' | 'closed' = raw.readableEnded ? 'ended' : raw.destroyed ? 'gone' : 'open';
  let wake = ignore;
  const become = (now: typeof state): void => {
    if (state === 'open') state = now;
    wake();
  };
  const onData = (piece: Buffer): void => {
    ahead.push(piece);
    bytes += piece.length;
    if (bytes >= aheadBytes) raw.pause();
    wake();
  };
  const onEnd = (): void => become('ended');
  const onGone = (): void => become('gone');
  raw.on('data', onData).on('end', onEnd).on('close', onGone).on('error', onGone);
  return {
    next: async () => {
      while (state === 'open' && bytes === 0)
        await new Promise<void>(done => {
          wake = done;
        });
      if (state === 'closed') return undefined;
      if (bytes > 0) {
        // A copy: Node's buffers share their memory, and a piece belongs to who pulls it.
        const piece = new Uint8Array(bytes);
        let at = 0;
        for (const part of ahead) {
          piece.set(part, at);
          at += part.length;
        }
        ahead = [];
        bytes = 0;
        raw.resume();
        return piece;
      }
      if (state === 'ended') return undefined;
      throw new Fault('cancelled', 'stopped', 'body: the client went away before its end');
    },
    close: () => {
      if (state === 'closed') return;
      state = 'closed';
      ahead = [];
      bytes = 0;
      raw.off('data', onData).off('end', onEnd).off('close', onGone).off('error', onGone);
      raw.on('error', ignore); // a later reset of the connection concerns nobody here
      raw.pause();
      wake();
    },
  };
}

const ignore = (): void => undefined;

/** Resolves when the answer has left or cannot leave any more, and its stream is closed. */
export async function sendAnswer(raw: RawRequest, res: RawResponse, answer: HttpAnswer): Promise<void> {
  const { body, status } = answer;
  const stream = isStream(body) ? body : undefined;
  const headers: Record<string, string> = { ...answer.headers };
  let whole = isStream(body) ? undefined : bytesOf(body);
  if (whole && answer.compress) whole = await compressed(raw, whole, whole === body, headers);
  if (isHttp1(raw) && !raw.complete && hasBody(raw)) {
    await drain(raw as IncomingMessage);
    if (!raw.complete) headers['connection'] = 'close';
  }
  if (res.writableEnded || res.destroyed || res.closed) return stream?.close();
  const bodyless = status === 204 || status === 304;
  if (whole && !bodyless) headers['content-length'] ??= String(whole.length);
  (res as ServerResponse).writeHead(status, headers);
  if (stream && !bodyless && raw.method !== 'HEAD') return pump(res as ServerResponse, stream);
  stream?.close();
  await new Promise<void>(done => {
    res.once('close', done);
    (res as ServerResponse).end(bodyless || raw.method === 'HEAD' ? undefined : whole);
  });
}

const bytesOf = (body: Uint8Array | string | undefined): Uint8Array =>
  body === undefined ? empty : typeof body === 'string' ? Buffer.from(body) : body;

const isStream = (body: HttpAnswer['body']): body is ByteStream =>
  typeof body === 'object' && !(body instanceof Uint8Array);

const compress = promisify(gzip) as (data: Uint8Array, options: { level: number }) => Promise<Buffer>;
/** Answers that are made once and sent often are compressed once. */
const kept = new WeakMap<Uint8Array, Uint8Array>();
const accepted = /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/i;

async function compressed(
  raw: RawRequest,
  bytes: Uint8Array,
  mayComeAgain: boolean,
  headers: Record<string, string>,
): Promise<Uint8Array> {
  headers['vary'] = headers['vary'] === undefined ? 'Accept-Encoding' : `${headers['vary']}, Accept-Encoding`;
  if (!accepted.test(String(raw.headers['accept-encoding'] ?? ''))) return bytes;
  let small = kept.get(bytes);
  if (!small) {
    small = await compress(bytes, { level: 4 });
    if (mayComeAgain) kept.set(bytes, small);
  }
  headers['content-encoding'] = 'gzip';
  return small;
}

const empty = new Uint8Array(0);

/** Throws away what still comes of a body, for a while. */
function drain(raw: IncomingMessage): Promise<void> {
  return new Promise(done => {
    let left = drainBytes;
    const finish = (): void => {
      clearTimeout(timer);
      raw.off('data', onData).off('end', finish).off('close', finish);
      done();
    };
    const onData = (piece: Buffer): void => {
      left -= piece.length;
      if (left < 0) finish();
    };
    const timer = setTimeout(finish, drainMs);
    raw.on('error', ignore);
    raw.on('data', onData).on('end', finish).on('close', finish);
    raw.resume(); // whoever had begun to read it may have stopped there
  });
}

async function pump(res: ServerResponse, stream: ByteStream): Promise<void> {
  let gone: () => void = ignore;
  const closed = new Promise<undefined>(done => {
    gone = () => done(undefined);
  });
  res.once('close', gone).once('error', gone);
  try {
    for (;;) {
      // Whichever comes first: a stream that waits must not keep us when the client is gone.
      const piece = await Promise.race([stream.next(), closed]);
      if (piece === undefined || res.destroyed) break;
      if (piece.length > 0 && !res.write(piece)) await Promise.race([drained(res), closed]);
      if (res.destroyed) break;
    }
    if (!res.destroyed) await new Promise<void>(done => res.once('close', done).end());
  } catch (e) {
    // The status has left already: cutting the connection is the only way left to say so.
    res.destroy();
    throw faultFrom(e);
  } finally {
    stream.close();
  }
}

const drained = (res: ServerResponse): Promise<void> => new Promise(done => res.once('drain', done));
