/**
 * HTTP servers: fastify as the shell around Node's HTTP/1.1 and, over TLS, HTTP/2. Every
 * request goes to one handler with its path untouched: routing, parsing and refusing are the
 * faces' work (src/api/http). Here: listening, TLS, limits against slow and many clients, and
 * an end that leaves nothing open.
 */
import { stat, unlink } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import { type AddressInfo, connect, type Socket } from 'node:net';
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { Fault } from '#core/errors';
import type { Http, HttpAnswer, HttpListenOptions, HttpServer, Log } from '#core/world';
import { readPem, watchPem } from '#host/certificate';
import type { ResolvePath } from '#host/paths';
import { httpOpen, httpRequest } from './http-door.ts';
import { type RawRequest, type RawResponse, requestOf, sendAnswer } from './http-exchange.ts';
import { fileAnswer } from './http-files.ts';

/** Short answers under way when the server closes get this long. */
const graceMs = 300;

/** Paths of static folders and certificates are the configuration's (docs/spec/config.md 2.1). */
export const createHttp = (log: Log, paths: ResolvePath): Http => ({
  listen: options => listen(options, log, paths),
  file: (folder, path, request) => fileAnswer(paths(folder), path, request),
  request: httpRequest,
  open: httpOpen,
});

type AnyServer = Server | Http2SecureServer;

async function listen(options: HttpListenOptions, log: Log, paths: ResolvePath): Promise<HttpServer> {
  const stallMs = options.stallMs ?? 30_000;
  const headersMs = options.headersMs ?? 15_000;
  const underWay = new Set<Promise<void>>();

  const serve = async (raw: RawRequest, res: RawResponse): Promise<void> => {
    res.on('error', () => undefined); // the client is gone; 'close' says so too
    const target = (raw as { originalUrl?: string }).originalUrl ?? raw.url ?? '/';
    const request = requestOf(raw, target, stallMs);
    let answer: HttpAnswer;
    try {
      answer = await options.handle(request);
    } catch (e) {
      log.error('http-handler-failed', { method: request.method, error: String(e) });
      answer = { status: 500, headers: { 'content-type': 'application/json' }, body: broken };
    }
    try {
      await sendAnswer(raw, res, answer);
    } catch (e) {
      log.warn('http-answer-failed', { method: request.method, error: String(e) });
      res.destroy();
    }
  };

  const tls = options.tls && {
    key: paths(options.tls.key),
    certificate: paths(options.tls.certificate),
  };
  const pem = tls ? await readPem(tls) : undefined;
  const limits = {
    requestTimeout: 0, // bodies may be endless
    headersTimeout: headersMs,
    connectionsCheckingInterval: Math.max(50, headersMs / 3),
    keepAliveTimeout: 70_000,
    maxHeaderSize: 32 * 1024,
    keepAlive: true, // a peer that vanished is found out by the system
    keepAliveInitialDelay: 60_000,
  };
  const shell = Fastify({
    serverFactory: handler =>
      (pem
        ? createSecureServer({ ...limits, ...pem, allowHTTP1: true }, handler as never)
        : createServer(limits, handler)) as Server,
    // The router would decode the path and refuse some: it sees none.
    rewriteUrl: () => '/',
    exposeHeadRoutes: false,
    clientErrorHandler: (_error, socket) => {
      if (socket.writable) socket.end(badRequest);
      else socket.destroy();
    },
  });
  // Before fastify reads the body: limits of size and time are the handler's.
  shell.addHook('onRequest', (request: FastifyRequest, reply: FastifyReply, _next) => {
    reply.hijack();
    const done = serve(request.raw, reply.raw);
    underWay.add(done);
    void done.then(() => underWay.delete(done));
  });
  shell.get('/', () => undefined);
  await shell.ready();
  const server = shell.server as AnyServer;
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  if (pem) server.on('session', session => session.setTimeout(0));
  const limitConnections = (connections: number): void => {
    server.maxConnections = connections > 0 ? connections : Number.MAX_SAFE_INTEGER;
  };
  limitConnections(options.connections);
  try {
    await bound(server, options.at);
  } catch (e) {
    await shell.close();
    throw e;
  }
  const watching = tls && watchPem(tls, log, renewed => (server as Http2SecureServer).setSecureContext(renewed));
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    watching?.();
    const ended = new Promise<void>(done => server.close(() => done()));
    if ('closeIdleConnections' in server) server.closeIdleConnections();
    if (underWay.size > 0) await settled([...underWay], graceMs);
    for (const socket of sockets) socket.destroy();
    await Promise.all([...underWay]);
    await ended;
    await shell.close();
  };
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? (address as AddressInfo).port : 0,
    limitConnections,
    close: () => (closing ??= close()),
  };
}

const broken = '{"code":"internal","reason":"a mistake in the daemon prevented the answer; its log says more"}';
const badRequestBody =
  '{"code":"bad-argument","reason":"expected an HTTP request, got something else, or not in time"}';
const badRequest = `HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${badRequestBody.length}\r\n\r\n${badRequestBody}`;

async function bound(server: AnyServer, at: HttpListenOptions['at']): Promise<void> {
  if ('socket' in at) await freeSocket(at.socket);
  await new Promise<void>((done, fail) => {
    const refuse = (e: NodeJS.ErrnoException): void => {
      const where = 'socket' in at ? at.socket : `${at.host ?? 'any address'}, port ${at.port}`;
      const taken = e.code === 'EADDRINUSE';
      const sentence = taken ? `${where}: somebody else listens there` : `${where}: cannot listen (${e.code})`;
      fail(new Fault('transport', taken ? 'address-in-use' : 'listen-refused', sentence, {}, e));
    };
    server.once('error', refuse);
    const listening = (): void => {
      server.off('error', refuse);
      done();
    };
    if ('socket' in at) {
      // The socket is made within this call: nobody can connect before it has its mode 0600.
      const before = process.umask(0o177);
      server.listen({ path: at.socket }, listening);
      process.umask(before);
    } else server.listen({ port: at.port, ...(at.host === undefined ? {} : { host: at.host }) }, listening);
  });
}

/** Removes the socket of a dead process; Fault `state` when a live one answers. */
async function freeSocket(path: string): Promise<void> {
  const kind = await stat(path).catch(() => undefined);
  if (!kind) return;
  if (!kind.isSocket())
    throw new Fault('state', 'conflict', `${path}: expected a socket or nothing there, got something else`);
  const alive = await new Promise<boolean>(done => {
    const socket = connect({ path });
    socket.once('connect', () => done(true)).once('error', () => done(false));
    socket.once('connect', () => socket.destroy());
  });
  if (alive) throw new Fault('state', 'conflict', `${path}: another daemon serves this socket`);
  await unlink(path);
}

const settled = (promises: readonly Promise<void>[], ms: number): Promise<unknown> => {
  let timer: NodeJS.Timeout;
  const late = new Promise<void>(done => {
    timer = setTimeout(done, ms);
  });
  return Promise.race([Promise.all(promises), late]).finally(() => clearTimeout(timer));
};
