/**
 * What the outside world offers, as interfaces. `src/host` implements them, `test/fake`
 * imitates them, and everybody else is handed them. Each thread has a world of its own.
 */
import type { ByteStream } from '#core/bytes';
import type { Port } from '#core/wire';

export interface Clock {
  /** Milliseconds, fractions allowed; never goes back. For timeouts and ages. */
  monotonicMs(): number;
  /** UTC milliseconds since the epoch; may jump. For people and for the archive's search key only. */
  wallMs(): number;
  /** Calls back once, after `ms`. */
  after(ms: number, then: () => void): Timer;
  /** Calls back every `ms` until cancelled. */
  every(ms: number, then: () => void): Timer;
  /** Resolves after `ms`, or at once when the signal fires. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Timer {
  cancel(): void;
}

export type Facts = Readonly<Record<string, unknown>>;

/** Event name in kebab-case, facts as fields. One line each; never a credential; nothing per packet. */
export interface Log {
  error(event: string, facts?: Facts): void;
  warn(event: string, facts?: Facts): void;
  info(event: string, facts?: Facts): void;
  debug(event: string, facts?: Facts): void;
  /** A log that adds these facts to every line. */
  with(facts: Facts): Log;
}

export interface Random {
  /** In 0 (included) .. 1 (excluded). */
  unit(): number;
  /** Cryptographic. */
  bytes(count: number): Uint8Array;
  uuid(): string;
}

export interface TcpOptions {
  readonly host: string;
  readonly port: number;
  /** TLS with these options; undefined is plain TCP. */
  readonly tls?: {
    readonly servername?: string;
    readonly rejectUnauthorized?: boolean;
    /** Old versions and weak keys too, as old devices have them: TLS 1.0 and up. */
    readonly legacy?: boolean;
  };
  readonly timeoutMs: number;
  /** Gives up connecting; without effect once connected. */
  readonly signal?: AbortSignal;
  /**
   * Bytes that came: `buffer` holds them in 0 .. `length` and is reused for the next call, of
   * this connection or another, so keep a copy of what must stay.
   */
  onBytes(buffer: Uint8Array, length: number): void;
  /** The connection has ended, once; `error` says why if not in order. */
  onClose(error?: Error): void;
}

export interface TcpConnection {
  readonly localAddress: string;
  readonly remoteAddress: string;
  /**
   * Queues bytes; `false` when so much waits for the peer (1 MiB) that it is time to leave
   * something out. Far beyond that (16 MiB) the connection ends with Fault `overload`.
   */
  write(bytes: Uint8Array | string): boolean;
  /** Bytes accepted by `write` and not yet by the system. */
  readonly queuedBytes: number;
  /** Reads at most every `ms`; 0 reads as bytes come. For streams nobody watches. Infinity reads nothing until it is called again, and the peer has to wait. */
  readEvery(ms: number): void;
  /** Ends it and frees it; what was written may still leave. `onBytes` and `onClose` are not called any more. */
  close(): void;
}

export interface TcpListener {
  readonly port: number;
  close(): Promise<void>;
}

export interface TcpListenOptions {
  /** On all addresses without it. */
  readonly host?: string | undefined;
  /** 0 takes a free one. */
  readonly port: number;
  /** TLS with these PEM files, read again when they change. A client that does not come to terms is never accepted. */
  readonly tls?: { readonly key: string; readonly certificate: string };
  accept(connection: TcpConnection, listen: (on: Pick<TcpOptions, 'onBytes' | 'onClose'>) => void): void;
}

export interface Tcp {
  /** Rejects with Fault `transport` (or `timeout`) when it cannot. */
  connect(options: TcpOptions): Promise<TcpConnection>;
  /** Fault `transport` when the address is in use or refused, `storage` when a file of `tls` cannot be read. */
  listen(options: TcpListenOptions): Promise<TcpListener>;
}

export interface UdpSocketOptions {
  /** The local address; for a multicast group that is joined, the group itself, so that only its packets come. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** The multicast group `host` is joined at the interface that has this address; others may listen to it too. */
  readonly joinAt?: string;
  /** Wanted of the system, which may give less. */
  readonly receiveBufferBytes?: number;
  /** One packet. `bytes` is the callee's to keep. */
  onPacket(bytes: Uint8Array, address: string, port: number): void;
}

export interface UdpPairOptions {
  readonly host: string;
  /** Ports to take one of, both included; any free ones without it. */
  readonly ports?: readonly [least: number, most: number];
  readonly receiveBufferBytes?: number;
  /** `which`: 0 the even port (RTP), 1 the odd one (RTCP). */
  onPacket(which: 0 | 1, bytes: Uint8Array, address: string, port: number): void;
}

export interface UdpSocket {
  readonly port: number;
  /** What the system gave; Linux counts its own bookkeeping in. */
  readonly receiveBufferBytes: number;
  /** Bytes accepted by `send` and not yet by the system. */
  readonly queuedBytes: number;
  /** Sends a copy-free view, so the bytes must not change. What cannot be sent is lost, as UDP is. */
  send(bytes: Uint8Array, begin: number, end: number, address: string, port: number): void;
  /** For what is sent to multicast groups: the interface with this address, and how many routers it may pass. */
  multicastFrom(address: string, ttl: number): void;
  /** `onPacket` is not called any more. */
  close(): void;
}

/** UDP. All reject with Fault `transport` when the system refuses. */
export interface Udp {
  /** IPv4 addresses of the interfaces that are up, loopback too: one socket each for what is said to all networks. */
  addresses(): readonly string[];
  open(options: UdpSocketOptions): Promise<UdpSocket>;
  /** Two neighbouring ports, the first one even (RFC 3550 11). */
  openPair(options: UdpPairOptions): Promise<readonly [rtp: UdpSocket, rtcp: UdpSocket]>;
}

export interface FileStat {
  readonly size: number;
  readonly modifiedMs: number;
  readonly kind: 'file' | 'folder' | 'other';
  /** Another file of the same name has another one. */
  readonly id: number;
}

/** An open file. Offsets are explicit, so any number of reads may be under way. */
export interface OpenFile {
  /** Reads into a fresh array; shorter at the end of the file. */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Writes all the pieces one after the other from `offset` on, in as few system calls as can be. */
  write(offset: number, pieces: readonly Uint8Array[]): Promise<void>;
  /** Data are on the medium when it resolves (fdatasync). */
  sync(): Promise<void>;
  truncate(length: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

/** Files, asynchronous. A missing file rejects with Fault `absent`, other trouble with Fault `storage`. */
export interface Files {
  /** `create` fails if it exists; `edit` is read and write of an existing file. */
  open(path: string, how: 'read' | 'create' | 'edit'): Promise<OpenFile>;
  readText(path: string): Promise<string>;
  /** Replaces the file at once or not at all: temporary name, sync, rename. */
  writeText(path: string, text: string, mode?: number): Promise<void>;
  /** At the end of a file, which is made if there is none. The bytes are on the medium when it resolves; a new name is so by `syncFolder`. */
  append(path: string, text: string): Promise<void>;
  /** Names, in byte order. */
  list(folder: string): Promise<readonly { readonly name: string; readonly kind: FileStat['kind'] }[]>;
  stat(path: string): Promise<FileStat>;
  makeFolder(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Removes an empty folder; a folder that is not empty stays and that is no error. */
  removeEmptyFolder(path: string): Promise<void>;
  /** Makes the names in a folder durable (fsync of the folder). */
  syncFolder(path: string): Promise<void>;
  volume(path: string): Promise<{ readonly sizeBytes: number; readonly freeBytes: number }>;
  /** Takes a lock file that dies with the process; Fault `state` when another process holds it. */
  lock(path: string): Promise<{ release(): Promise<void> }>;
}

export type SqlValue = string | number | bigint | null | Uint8Array;

/** SQLite, synchronous: only in threads that may block. The five methods are all there is. */
export interface Database {
  exec(sql: string): void;
  run(sql: string, ...values: readonly SqlValue[]): { readonly changes: number; readonly lastId: number };
  all<Row = Readonly<Record<string, SqlValue>>>(sql: string, ...values: readonly SqlValue[]): Row[];
  /** All or nothing. */
  transaction<T>(work: () => T): T;
  close(): void;
}

/** Names of the threads beside the main one. */
export type ThreadName = 'media' | 'library';

export interface Threads {
  /** A port to the named thread, which its composition root begins to serve; starts the thread if need be. */
  connect(thread: ThreadName, service: string): Port;
}

export interface HttpRequest {
  readonly method: string;
  /** Path and query as they came, percent-encoded. */
  readonly target: string;
  /** Lower-case names; a header that came several times is joined by commas. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Of the other end of the connection; `''` on a Unix socket. */
  readonly address: string;
  /** Came over TLS. */
  readonly secure: boolean;
  /** The whole body, once; Fault `too-large` beyond the limit, `timeout` when it stops coming, `cancelled` when the client goes. */
  body(limitBytes: number): Promise<Uint8Array>;
  /** The body as it comes, instead; pulled no faster than it is read. Rejects with Fault `cancelled` when the client goes before its end. No time is too long. */
  stream(): ByteStream;
}

export interface HttpAnswer {
  readonly status: number;
  /** Lower-case names. Content-Length of bytes and text is the server's to set; of a stream it must be here, or the answer is chunked. */
  readonly headers: Readonly<Record<string, string>>;
  /** A stream is pulled as fast as the client reads, and closed at its end or when the client goes away. Never sent for HEAD. */
  readonly body?: Uint8Array | string | ByteStream;
  /** May be sent with `Content-Encoding: gzip` if the client accepts that. */
  readonly compress?: boolean;
}

export interface HttpListenOptions {
  /** A port (0 takes a free one) on one address or, with `host` undefined, on all; or a Unix socket, made with mode 0600. */
  readonly at: { readonly host: string | undefined; readonly port: number } | { readonly socket: string };
  /** Paths of PEM files; read again when they change. */
  readonly tls?: { readonly key: string; readonly certificate: string };
  /** Open at once; 0 is unlimited. More are closed as they come. */
  readonly connections: number;
  /** How long a client may take for its headers, and for each further piece of a body. Defaults 15 s and 30 s. */
  readonly headersMs?: number;
  readonly stallMs?: number;
  /** Does not reject; if it does, the client gets 500. */
  handle(request: HttpRequest): Promise<HttpAnswer>;
}

export interface HttpServer {
  /** 0 on a Unix socket. */
  readonly port: number;
  limitConnections(connections: number): void;
  /** Stops listening, lets short answers finish and cuts what is endless; resolves when nothing is open. */
  close(): Promise<void>;
}

export interface HttpClientRequest {
  /** `http:` or `https:`; with `socket` only its path and query count. */
  readonly url: string;
  /** Unix socket to go through. */
  readonly socket?: string;
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs: number;
  /** An answer longer than this is Fault `too-large`. */
  readonly limitBytes: number;
  /**
   * The peer is a device with a small web server of its own: over `https:` it has a certificate of its own making
   * and may speak nothing newer than TLS 1.0; its headers may break RFC 9112.
   */
  readonly embedded?: boolean;
  /** Gives up: Fault `cancelled`. */
  readonly signal?: AbortSignal | undefined;
}

export interface HttpClientAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
}

export interface HttpOpenRequest {
  /** `http:` or `https:`; a login in it is not sent. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Connecting and the head of the answer may take so long together; the body as long as it likes. */
  readonly timeoutMs: number;
  /** Over `https:`: a known authority must have signed the certificate for this name. Else any will do, and TLS 1.0. */
  readonly verifyCertificate: boolean;
  /** Ends the request at any time: the head is Fault `cancelled`, the body ends with one. */
  readonly signal?: AbortSignal;
}

export interface HttpOpenAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Pulled from the connection, which waits when nobody pulls; Fault `transport` when it breaks off. Decompressed. */
  readonly body: ByteStream;
}

export interface Http {
  /** Fault `transport` when the address is in use or refused; a live server behind a Unix socket is Fault `state`, a dead one's socket is replaced. */
  listen(options: HttpListenOptions): Promise<HttpServer>;
  /**
   * A file below `folder` as an answer: ETag, Range, content type; `index.html` of a folder. Undefined
   * when there is none, when it lies outside (links included) and when a name in it begins with a dot.
   */
  file(folder: string, path: string, request: HttpRequest): Promise<HttpAnswer | undefined>;
  /** One request, from any thread. Rejects with Fault `transport`, `timeout` or `cancelled`; any status is an answer. No redirects are followed. */
  request(request: HttpClientRequest): Promise<HttpClientAnswer>;
  /**
   * GET of a body that may never end, from any thread. Connections whose body was read to its end serve again.
   * Rejects as `request` does, and with Fault `protocol` for what is no HTTP; any status is an answer. No redirects are followed.
   */
  open(request: HttpOpenRequest): Promise<HttpOpenAnswer>;
}

export interface World {
  readonly clock: Clock;
  readonly log: Log;
  readonly random: Random;
  readonly tcp: Tcp;
  readonly udp: Udp;
  readonly files: Files;
  readonly threads: Threads;
  readonly http: Http;
  /** Opens or creates a database file. Only on threads that may block (`library`); elsewhere it throws. */
  openDatabase(path: string): Database;
  /** Two connected ports, for handing one to another thread. */
  channel(): readonly [Port, Port];
  readonly hostname: string;
}
