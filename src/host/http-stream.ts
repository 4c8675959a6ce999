/**
 * GET of bodies that may be long or endless: the head is awaited with a deadline, the body pulled from the
 * connection piece by piece. Connections live on in a pool of the process while the server lets them. Lenient
 * about headers, as the small servers of cameras need it. Bounds: a head of 16 KiB (Node's), and
 * of a body what one read of the system gives.
 */
import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, request as plain } from 'node:http';
import { Agent as HttpsAgent, request as secure } from 'node:https';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip, createInflate } from 'node:zlib';
import type { ByteStream } from '#core/bytes';
import { Fault } from '#core/errors';
import type { HttpOpenAnswer, HttpOpenRequest } from '#core/world';
import { limitInterim, ofItsOwnMaking } from './http-client.ts';

/** An idle connection is given up before most servers do so (5 s is Node's and Apache's). */
const pool = { keepAlive: true, timeout: 4_000, maxFreeSockets: 16 } as const;
const agents = { plain: new HttpAgent(pool), secure: new HttpsAgent(pool) };

/** Faults: `connect-failed`, `connection-lost`, `timeout`, `stopped`, `http-garbled`. */
export async function httpOpen(wanted: HttpOpenRequest): Promise<HttpOpenAnswer> {
  for (;;) {
    const attempt = new Attempt(wanted);
    try {
      return await attempt.answer;
    } catch (e) {
      // The server had closed a connection of the pool just then: that is no answer of its.
      if (!attempt.staleConnection || wanted.signal?.aborted === true) throw e;
    }
  }
}

class Attempt {
  readonly answer: Promise<HttpOpenAnswer>;
  readonly #peer: string;
  readonly #signal: AbortSignal | undefined;
  readonly #request: ClientRequest;
  readonly #timer: NodeJS.Timeout;
  readonly #reject: (fault: Fault) => void;
  readonly #onAbort = (): void => this.#giveUp();
  #fault: Fault | undefined;
  staleConnection = false;

  constructor(wanted: HttpOpenRequest) {
    const url = new URL(wanted.url);
    const tls = url.protocol === 'https:';
    this.#peer = url.host;
    this.#signal = wanted.signal;
    const { promise, resolve, reject } = Promise.withResolvers<HttpOpenAnswer>();
    this.answer = promise;
    this.#reject = reject;
    const { timeoutMs } = wanted;
    this.#timer = setTimeout(
      () => this.#fail(new Fault('timeout', 'timeout', `${this.#peer} did not answer within ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
    this.#request = (tls ? secure : plain)({
      method: 'GET',
      hostname: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port || undefined,
      path: url.pathname + url.search,
      headers: { 'accept-encoding': 'identity', ...wanted.headers },
      agent: tls ? agents.secure : agents.plain,
      insecureHTTPParser: true,
      ...(wanted.verifyCertificate ? {} : ofItsOwnMaking),
    });
    this.#request.on('error', e => this.#fail(this.#faultOf(e)));
    limitInterim(this.#request, this.#peer, fault => this.#fail(fault));
    this.#request.on('response', response => {
      clearTimeout(this.#timer);
      const headers = Object.fromEntries(Object.entries(response.headers).map(([k, v]) => [k, v?.toString()]));
      resolve({ status: response.statusCode ?? 0, headers, body: this.#bodyOf(response) });
    });
    this.#signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (this.#signal?.aborted) this.#giveUp();
    else this.#request.end();
  }

  #giveUp(): void {
    this.#fail(new Fault('cancelled', 'stopped', `${this.#peer}: not wanted any more`));
  }

  #fail(fault: Fault): void {
    this.#fault ??= fault;
    this.#settle();
    this.#reject(fault);
    this.#request.destroy();
  }

  #settle(): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }

  #faultOf(error: NodeJS.ErrnoException): Fault {
    const what = `${this.#peer}: ${error.code ?? error.message}`;
    if (error.code?.startsWith('HPE_')) return new Fault('protocol', 'http-garbled', what, {}, error);
    this.staleConnection = this.#request.reusedSocket && error.code === 'ECONNRESET';
    return new Fault('transport', 'connect-failed', what, {}, error);
  }

  #bodyOf(response: IncomingMessage): ByteStream {
    // Whatever ends it early is told by the iterator, too.
    const onError = (): void => undefined;
    response.on('error', onError);
    const encoding = response.headers['content-encoding']?.trim().toLowerCase();
    let readable: Readable = response;
    if (encoding === 'gzip' || encoding === 'x-gzip' || encoding === 'deflate')
      readable = pipeline(response, encoding === 'deflate' ? createInflate() : createGunzip(), onError);
    readable.on('error', onError);
    const pieces: AsyncIterator<Buffer> = readable.iterator({ destroyOnReturn: true });
    const close = (): void => {
      this.#settle();
      // A body read to its end leaves its connection to the pool.
      if (!readable.readableEnded || !response.complete) this.#request.destroy();
      readable.destroy();
    };
    return {
      next: async () => {
        try {
          const { done, value } = await pieces.next();
          if (this.#fault) throw this.#fault;
          if (done !== true) return value;
          this.#settle();
          return undefined;
        } catch (e) {
          close();
          throw this.#fault ?? this.#brokenOff(e);
        }
      },
      close,
    };
  }

  #brokenOff(error: unknown): Fault {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    const garbled = /^(HPE_|Z_)/.test(code);
    return garbled
      ? new Fault('protocol', 'http-garbled', `${this.#peer}: ${code}`, {}, error)
      : new Fault('transport', 'connection-lost', `${this.#peer}: ${code}`, {}, error);
  }
}
