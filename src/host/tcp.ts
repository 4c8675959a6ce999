/**
 * TCP and TLS as `Tcp` (core/world.ts). All connections that we open read into one buffer,
 * since a reader that copies nothing out of turn needs no more; connections that we accept
 * get the buffers Node makes, which is all it offers there.
 *
 * At most `queueLimitBytes` wait to be sent per connection; what would go beyond ends it.
 */
import { connect as connectPlain, createServer, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { Fault } from '#core/errors';
import type { Tcp, TcpConnection, TcpListener, TcpOptions } from '#core/world';

/** The largest read that pays: more only pushes other data out of the processor's cache. */
const readBytes = 256 << 10;
const queueSlowBytes = 1 << 20;
const queueLimitBytes = 16 << 20;
/** What is queued may still leave for so long after `close`. */
const lingerMs = 1_000;

export function createTcp(): Tcp {
  const shared = new Uint8Array(readBytes);
  return { connect: options => connect(options, shared), listen };
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

function listen(options: Parameters<Tcp['listen']>[0]): Promise<TcpListener> {
  return new Promise((done, fail) => {
    const open = new Set<Connection>();
    const server = createServer({ noDelay: true, keepAlive: true }, socket => {
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
    });
    const failed = (e: NodeJS.ErrnoException): void => {
      const { host, port } = options;
      const text = `expected to listen at ${host}:${port}, got ${e.code ?? e.message}`;
      fail(new Fault('transport', 'listen-failed', text, { host, port }, e));
    };
    server.once('error', failed);
    server.listen(options.port, options.host, () => {
      server.off('error', failed);
      // Out of file descriptors, mostly: the connection is lost, the listener is not.
      server.on('error', () => {});
      const address = server.address();
      const close = (): Promise<void> =>
        new Promise(closed => {
          server.close(() => closed());
          for (const connection of open) connection.close();
        });
      done({ port: typeof address === 'object' && address !== null ? address.port : options.port, close });
    });
  });
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
