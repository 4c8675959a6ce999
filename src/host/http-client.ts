/** One HTTP request, over TCP, TLS or a Unix socket: for the command line and for cameras. No redirects, no pool. */
import { type ClientRequest, request as plain } from 'node:http';
import { request as secure } from 'node:https';
import { Fault } from '#core/errors';
import type { HttpClientAnswer, HttpClientRequest } from '#core/world';

/** Old devices know no better; who they are is proved by neither side anyway. */
export const ofItsOwnMaking = {
  rejectUnauthorized: false,
  minVersion: 'TLSv1',
  ciphers: 'DEFAULT:@SECLEVEL=0',
} as const;

/** Answers of status 1xx that may come before the answer proper. */
const interimLimit = 8;

/** `fail` when the peer sends interim answers without end. */
export function limitInterim(req: ClientRequest, peer: string, fail: (fault: Fault) => void): void {
  let interim = 0;
  req.on('information', () => {
    if (++interim > interimLimit)
      fail(new Fault('protocol', 'http-garbled', `${peer}: expected an answer, got one of status 1xx after the other`));
  });
}

/** What has come of a body, in one buffer: a peer may send it byte by byte, and a hundred bytes go with each piece that is kept. */
class Gathered {
  readonly #limitBytes: number;
  #buffer = Buffer.allocUnsafeSlow(0);
  #size = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Says whether it is within the limit. */
  add(piece: Buffer): boolean {
    const size = this.#size + piece.length;
    if (size > this.#limitBytes) return false;
    if (size > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(this.#limitBytes, Math.max(size, 2 * this.#buffer.length)));
      larger.set(this.#buffer.subarray(0, this.#size));
      this.#buffer = larger;
    }
    this.#buffer.set(piece, this.#size);
    this.#size = size;
    return true;
  }

  get whole(): Buffer {
    return this.#buffer.subarray(0, this.#size);
  }
}

/** One request, one connection. Faults: `connect-failed`, `connection-lost`, `timeout`, `too-large`, `stopped`, `http-garbled`. */
export function httpRequest(wanted: HttpClientRequest): Promise<HttpClientAnswer> {
  return new Promise((resolve, reject) => {
    const url = new URL(wanted.url);
    const peer = wanted.socket ?? url.host;
    const fail = (fault: Fault): void => {
      settle();
      reject(fault);
      req.destroy();
    };
    const settle = (): void => {
      clearTimeout(timer);
      wanted.signal?.removeEventListener('abort', giveUp);
    };
    const giveUp = (): void => fail(new Fault('cancelled', 'stopped', `${peer}: not wanted any more`));
    const timer = setTimeout(
      () => fail(new Fault('timeout', 'timeout', `${peer} did not answer within ${wanted.timeoutMs / 1000} s`)),
      wanted.timeoutMs,
    );
    const req = (url.protocol === 'https:' && wanted.socket === undefined ? secure : plain)({
      method: wanted.method,
      path: url.pathname + url.search,
      headers: {
        ...wanted.headers,
        ...(wanted.body === undefined ? {} : { 'content-length': Buffer.byteLength(wanted.body) }),
      },
      agent: false,
      ...(wanted.embedded ? { insecureHTTPParser: true, ...ofItsOwnMaking } : {}),
      ...(wanted.socket === undefined
        ? { hostname: url.hostname.replace(/^\[|\]$/g, ''), port: url.port || undefined }
        : { socketPath: wanted.socket }),
    });
    req.on('error', (e: NodeJS.ErrnoException) =>
      fail(new Fault('transport', 'connect-failed', `${peer}: ${e.code ?? e.message}`, {}, e)),
    );
    limitInterim(req, peer, fail);
    req.on('response', res => {
      const body = new Gathered(wanted.limitBytes);
      res.on('data', (piece: Buffer) => {
        if (!body.add(piece))
          fail(new Fault('argument', 'too-large', `${peer}: the answer is longer than ${wanted.limitBytes} bytes`));
      });
      res.on('error', e => fail(new Fault('transport', 'connection-lost', `${peer}: ${e.message}`, {}, e)));
      res.on('end', () => {
        settle();
        const headers = Object.fromEntries(Object.entries(res.headers).map(([k, v]) => [k, v?.toString()]));
        resolve({ status: res.statusCode ?? 0, headers, body: body.whole });
      });
    });
    wanted.signal?.addEventListener('abort', giveUp, { once: true });
    if (wanted.signal?.aborted) giveUp();
    else req.end(wanted.body);
  });
}
