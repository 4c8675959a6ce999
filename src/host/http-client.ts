/** One HTTP request, over TCP, TLS or a Unix socket: for the command line and for cameras. No redirects, no pool. */
import { request as plain } from 'node:http';
import { request as secure } from 'node:https';
import { Fault } from '#core/errors';
import type { HttpClientAnswer, HttpClientRequest } from '#core/world';

/** Old devices know no better; who they are is proved by neither side anyway. */
export const ofItsOwnMaking = {
  rejectUnauthorized: false,
  minVersion: 'TLSv1',
  ciphers: 'DEFAULT:@SECLEVEL=0',
} as const;

/** One request, one connection. Faults: `connect-failed`, `connection-lost`, `timeout`, `too-large`, `stopped`. */
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
    req.on('response', res => {
      const pieces: Buffer[] = [];
      let size = 0;
      res.on('data', (piece: Buffer) => {
        size += piece.length;
        if (size > wanted.limitBytes)
          fail(new Fault('argument', 'too-large', `${peer}: the answer is longer than ${wanted.limitBytes} bytes`));
        else pieces.push(piece);
      });
      res.on('error', e => fail(new Fault('transport', 'connection-lost', `${peer}: ${e.message}`, {}, e)));
      res.on('end', () => {
        settle();
        const headers = Object.fromEntries(Object.entries(res.headers).map(([k, v]) => [k, v?.toString()]));
        resolve({ status: res.statusCode ?? 0, headers, body: Buffer.concat(pieces) });
      });
    });
    wanted.signal?.addEventListener('abort', giveUp, { once: true });
    if (wanted.signal?.aborted) giveUp();
    else req.end(wanted.body);
  });
}
