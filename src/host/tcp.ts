/**
 * TCP and TLS as `Tcp` (core/world.ts). All connections that we open read into one buffer,
 * since a reader that copies nothing out of turn needs no more; connections that we accept
 * get the buffers Node makes, which is all it offers there.
 *
 * At most `queueLimitBytes` wait to be sent per connection; what would go beyond ends it.
 */
import { connect as connectPlain, createServer, type Socket } from 'node:net';
import {
  type ConnectionOptions,
  connect as connectTls,
  createServer as createTlsServer,
  type Server as TlsServer,
} from 'node:tls';
import { Fault } from '#core/errors';
import type { Log, Tcp, TcpConnection, TcpListener, TcpListenOptions, TcpOptions } from '#core/world';
import { readPem, watchPem } from '#host/certificate';
import type { ResolvePath } from '#host/paths';

/** The largest read that pays: more only pushes other data out of the processor's cache. */
const readBytes = 256 << 10;
const queueSlowBytes = 1 << 20;
const queueLimitBytes = 16 << 20;
/** What is queued may still leave for so long after `close`. */
const lingerMs = 1_000;
/** Of TLS, for clients that connect and say nothing. */
const handshakeLimitMs = 10_000;
/** Connections that have not come to terms yet: nobody else counts them. */
const handshakesLimit = 500;

/** What listening with TLS needs: where the configuration's paths lead, and whom to tell of renewed certificates. */
interface TcpParts {
  readonly paths: ResolvePath;
  readonly log: Log;
  readonly handshakeMs?: number;
  readonly handshakesMost?: number;
}

const silent: Log = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {}, with: () => silent };

export function createTcp(parts: TcpParts = { paths: path => path, log: silent }): Tcp {
  const shared = new Uint8Array(readBytes);
  return { connect: options => connect(options, shared), listen: options => listen(options, parts) };
}

function connect(options: TcpOptions, shared: Uint8Array): Promise<TcpConnection> {
  const { host, port, tls: secure, timeoutMs, signal } = options;
  const { legacy, ...tls } = secure ?? {};
  const place = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return new Promise((done, fail) => {
    const onread = {
      buffer: shared,
      callback: (length: number, buffer: Uint8Array): boolean => {
        connection.take(buffer, length);
        return true;
      },
    };
    const socket = secure
      ? connectTls({
          host,
          port,
          onread,
          ...(isAddress(host) ? {} : { servername: host }),
          ...(legacy ? { minVersion: 'TLSv1', ciphers: 'DEFAULT:@SECLEVEL=0' } : {}),
          ...tls,
        } as ConnectionOptions)
      : connectPlain({ host, port, onread, noDelay: true, keepAlive: true });
    const connection = new Connection(socket, options);
    const refuse = (fault: Fault): void => {
      settle();
      connection.close();
      fail(fault);
    };
    const timer = setTimeout(() => {
      const text = `expected a connection to ${place} within ${timeoutMs / 1000} s, got none`;
      refuse(new Fault('timeout', 'connect-timeout', text, { host, port }));
    }, timeoutMs);
    const aborted = (): void => refuse(new Fault('cancelled', 'stopped', 'the connection is not wanted any more'));
    const failed = (e: NodeJS.ErrnoException): void => {
      const text = `expected a connection to ${place}, got ${e.code ?? e.message}`;
      refuse(new Fault('transport', 'connect-failed', text, { host, port }, e));
    };
    const ready = (): void => {
      settle();
      connection.begin();
      done(connection);
    };
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
      socket.off('error', failed);
      socket.off(secure ? 'secureConnect' : 'connect', ready);
    };
    socket.on('error', failed);
    socket.once(secure ? 'secureConnect' : 'connect', ready);
    if (signal?.aborted) aborted();
    else signal?.addEventListener('abort', aborted, { once: true });
  });
}

/** An address has no server name to indicate (RFC 6066 3). */
const isAddress = (host: string): boolean => host.includes(':') || /^\d+(\.\d+){3}$/.test(host);

async function listen(
  options: TcpListenOptions,
  { paths, log, handshakeMs = handshakeLimitMs, handshakesMost = handshakesLimit }: TcpParts,
): Promise<TcpListener> {
  const { host, port } = options;
  const tls = options.tls && { key: paths(options.tls.key), certificate: paths(options.tls.certificate) };
  const pem = tls && (await readPem(tls));
  const open = new Set<Connection>();
  const sockets = new Set<Socket>();
  const take = (socket: Socket): void => {
    const ends: Pick<TcpOptions, 'onBytes' | 'onClose'> = { onBytes: () => {}, onClose: () => {} };
    let on = ends;
    const connection = new Connection(socket, {
      onBytes: (buffer, length) => on.onBytes(buffer, length),
      onClose: error => on.onClose(error),
    });
    open.add(connection);
    socket.once('close', () => open.delete(connection));
    connection.begin();
    options.accept(connection, given => {
      on = given;
    });
    // Only now: no byte may come before somebody listens.
    socket.on('data', (bytes: Uint8Array) => connection.take(bytes, bytes.length));
  };
  const plain = { noDelay: true, keepAlive: true };
  const server = pem
    ? createTlsServer({ ...plain, ...pem, handshakeTimeout: handshakeMs }, take)
    : createServer(plain, take);
  if (pem) {
    // Those that have not yet come to terms must end with the listener too.
    server.on('connection', (socket: Socket) => {
      socket.on('error', () => {});
      if (sockets.size - open.size >= handshakesMost) {
        socket.destroy();
        return;
      }
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    // Node tells that a handshake failed or took too long, and leaves its socket open.
    server.on('tlsClientError', (_e: Error, socket: Socket) => void socket.destroy());
  }
  const place = `${host === undefined ? 'any address' : host}, port ${port}`;
  await new Promise<void>((done, fail) => {
    const failed = (e: NodeJS.ErrnoException): void => {
      const text = `expected to listen at ${place}, got ${e.code ?? e.message}`;
      const code = e.code === 'EADDRINUSE' ? 'address-in-use' : 'listen-failed';
      fail(new Fault('transport', code, text, { host, port }, e));
    };
    server.once('error', failed);
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      server.off('error', failed);
      // Out of file descriptors, mostly: the connection is lost, the listener is not.
      server.on('error', () => {});
      done();
    });
  });
  const watching = tls && watchPem(tls, log, renewed => (server as TlsServer).setSecureContext(renewed));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: () =>
      new Promise(closed => {
        watching?.();
        server.close(() => closed());
        for (const connection of open) connection.close();
        // What was just written may still leave, for a little while.
        if (sockets.size > 0) setTimeout(() => sockets.forEach(s => void s.destroy()), lingerMs).unref();
      }),
  };
}

class Connection implements TcpConnection {
  readonly #socket: Socket;
  readonly #on: Pick<TcpOptions, 'onBytes' | 'onClose'>;
  localAddress = '';
  remoteAddress = '';
  #error: Error | undefined;
  #ended = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(socket: Socket, on: Pick<TcpOptions, 'onBytes' | 'onClose'>) {
    this.#socket = socket;
    this.#on = on;
  }

  /** It is connected: from now on its end is told. */
  begin(): void {
    const s = this.#socket;
    this.localAddress = addressText(s.localAddress, s.localPort);
    this.remoteAddress = addressText(s.remoteAddress, s.remotePort);
    s.on('error', e => {
      this.#error ??= e;
    });
    s.once('close', () => {
      this.#stopTimer();
      if (this.#ended) return;
      this.#ended = true;
      this.#on.onClose(this.#error);
    });
  }

  take(buffer: Uint8Array, length: number): void {
    if (!this.#ended) this.#on.onBytes(buffer, length);
  }

  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  write(bytes: Uint8Array | string): boolean {
    const s = this.#socket;
    if (this.#ended || s.destroyed) return false;
    if (s.writableLength + bytes.length > queueLimitBytes) {
      const text = `expected the peer to read, got ${s.writableLength} bytes waiting for it`;
      s.destroy(new Fault('overload', 'reader-too-slow', text, { peer: this.remoteAddress }));
      return false;
    }
    s.write(bytes);
    return s.writableLength <= queueSlowBytes;
  }

  readEvery(ms: number): void {
    this.#stopTimer();
    const s = this.#socket;
    if (this.#ended || s.destroyed) return;
    if (ms === Number.POSITIVE_INFINITY) {
      s.pause();
      return;
    }
    s.resume();
    if (ms <= 0) return;
    // The immediate comes right after the poll that the timer made possible: one round of reading.
    const pause = (): void => {
      if (this.#timer !== undefined) s.pause();
    };
    this.#timer = setInterval(() => {
      s.resume();
      setImmediate(pause);
    }, ms);
    setImmediate(pause);
  }

  close(): void {
    this.#stopTimer();
    if (this.#ended && this.#socket.destroyed) return;
    this.#ended = true;
    const s = this.#socket;
    // Nobody hears of what goes wrong from here on.
    s.on('error', () => {});
    if (s.writableLength === 0 || s.connecting) {
      s.destroy();
      return;
    }
    s.resume();
    s.destroySoon();
    setTimeout(() => s.destroy(), lingerMs).unref();
  }

  #stopTimer(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

const addressText = (address: string | undefined, port: number | undefined): string =>
  address === undefined ? '' : `${address.includes(':') ? `[${address}]` : address}:${port}`;
