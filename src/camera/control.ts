/**
 * The connection that RTSP is spoken over: TCP or TLS to the camera, or two of them that make
 * a tunnel through HTTP (rtsp/http-tunnel). Cameras have certificates of their own making, so
 * none is asked for a good one unless `verify` says so; TLS then still hides the stream from who only listens.
 */
import { Fault, faultFrom } from '#core/errors';
import type { TcpConnection, World } from '#core/world';
import { answerChallenge, type Login, parseChallenges, strongest } from '#rtsp/auth';
import { type HttpHead, HttpHeadParser, tunnelled, tunnelRequest } from '#rtsp/http-tunnel';
import { headersNamed } from '#rtsp/message';
import type { RtspUrl } from '#rtsp/url';

export interface ControlOptions {
  readonly world: Pick<World, 'tcp' | 'random' | 'clock'>;
  readonly url: RtspUrl;
  readonly tunnel: boolean;
  readonly login: Login | undefined;
  readonly basic: boolean;
  readonly verify: boolean;
  readonly userAgent: string;
  readonly signal: AbortSignal;
  onBytes(buffer: Uint8Array, length: number): void;
  onClose(error?: Error): void;
}

/** What is used of it; a `TcpConnection` is one. */
export type Control = Pick<TcpConnection, 'localAddress' | 'remoteAddress' | 'write' | 'readEvery' | 'close'>;

const connectTimeoutMs = 5_000;
const answerTimeoutMs = 5_000;

export function openControl(options: ControlOptions): Promise<Control> {
  if (options.tunnel) return openTunnel(options);
  const { onBytes, onClose } = options;
  return connect(options, options.url.port, { onBytes, onClose });
}

function connect(
  { world, url, verify, signal }: ControlOptions,
  port: number,
  on: { onBytes(buffer: Uint8Array, length: number): void; onClose(error?: Error): void },
): Promise<TcpConnection> {
  const tls = url.tls ? { tls: verify ? {} : { rejectUnauthorized: false, legacy: true } } : {};
  return world.tcp.connect({ host: url.host, port, timeoutMs: connectTimeoutMs, signal, ...tls, ...on });
}

/** Where HTTP may be: at the port of the URL, if it names one, and at HTTP's own. */
function tunnelPorts(url: RtspUrl): readonly number[] {
  const web = url.tls ? 443 : 80;
  const said = /^rtsps?:\/\/(?:\[[^\]]*\]|[^:/?]*):\d/i.test(url.uri);
  return [...new Set(said ? [url.port, web] : [web, url.port])];
}

async function openTunnel(options: ControlOptions): Promise<Control> {
  const faults: Fault[] = [];
  for (const port of tunnelPorts(options.url)) {
    try {
      return await tunnelAt(options, port);
    } catch (e) {
      const fault = faultFrom(e);
      // A refused login is the camera's own word; nothing better is to be had at another port.
      if (options.signal.aborted || fault.kind === 'refused') throw fault;
      faults.push(fault);
    }
  }
  throw faults[0] ?? noTunnel('none');
}

const noTunnel = (got: string): Fault =>
  new Fault('transport', 'rtsp-tunnel', `expected an answer to GET for RTSP through HTTP, got ${got}`);

async function tunnelAt(options: ControlOptions, port: number): Promise<Control> {
  const { url, world, login, basic } = options;
  const target = url.uri.replace(/^rtsps?:\/\/[^/?]*/i, '') || '/';
  const head = await Tunnel.open(options, port, target, () => undefined);
  if (head instanceof Tunnel) return head;
  const usable = parseChallenges(headersNamed(head, 'www-authenticate'));
  const challenge = strongest(usable.filter(c => c.scheme === 'digest' || basic));
  const refused = new Fault('refused', 'rtsp-401', 'expected RTSP through HTTP to be allowed, got 401');
  if (login === undefined || challenge === undefined) throw refused;
  const cnonce = world.random.uuid().replaceAll('-', '');
  let count = 0;
  const tunnel = await Tunnel.open(options, port, target, method =>
    answerChallenge(challenge, login, { method, uri: target, cnonce, count: ++count }),
  );
  if (tunnel instanceof Tunnel) return tunnel;
  throw refused;
}

/** Two connections as one. */
class Tunnel implements Control {
  readonly #options: ControlOptions;
  readonly #parser = new HttpHeadParser();
  #receiving: TcpConnection | undefined;
  #sending: TcpConnection | undefined;
  #head: ((head: HttpHead) => void) | undefined;
  #failed: ((fault: Fault) => void) | undefined;
  /** GET was answered with 200: what comes is for the session. */
  #taken = false;
  #lost = false;
  #closed = false;

  private constructor(options: ControlOptions) {
    this.#options = options;
  }

  /** The head of the answer if it is 401, the tunnel if it is 200. */
  static async open(
    options: ControlOptions,
    port: number,
    target: string,
    authorization: (method: string) => string | undefined,
  ): Promise<Tunnel | HttpHead> {
    const { url, world, userAgent } = options;
    const host = `${url.host.includes(':') ? `[${url.host}]` : url.host}:${port}`;
    const cookie = world.random.uuid().replaceAll('-', '').slice(0, 22);
    const request = (method: 'GET' | 'POST'): string => {
      const login = authorization(method);
      const who = login === undefined ? {} : { authorization: login };
      return tunnelRequest(method, target, { host, cookie, userAgent, ...who });
    };
    const tunnel = new Tunnel(options);
    try {
      const head = await tunnel.#get(port, request('GET'));
      const status = head.words[1];
      if (status === '401') {
        tunnel.close();
        return head;
      }
      if (!tunnel.#taken) throw noTunnel(/^\d{3}$/.test(status) ? status : 'another protocol');
      tunnel.#sending = await connect(options, port, { onBytes: () => {}, onClose: error => tunnel.#end(error) });
      if (tunnel.#lost) throw noTunnel('the end of the connection');
      tunnel.#sending.write(request('POST'));
      return tunnel;
    } catch (e) {
      tunnel.close();
      throw e;
    }
  }

  get localAddress(): string {
    return this.#receiving?.localAddress ?? '';
  }
  get remoteAddress(): string {
    return this.#receiving?.remoteAddress ?? '';
  }
  write(bytes: Uint8Array | string): boolean {
    return this.#sending?.write(tunnelled(bytes)) ?? false;
  }
  readEvery(ms: number): void {
    this.#receiving?.readEvery(ms);
  }
  close(): void {
    this.#closed = true;
    this.#sending?.close();
    this.#receiving?.close();
  }

  /** Sends the head and awaits that of the answer. */
  async #get(port: number, text: string): Promise<HttpHead> {
    this.#receiving = await connect(this.#options, port, {
      onBytes: (buffer, length) => this.#bytes(buffer, length),
      onClose: error => this.#end(error),
    });
    const receiving = this.#receiving;
    return new Promise((done, fail) => {
      const timer = this.#options.world.clock.after(answerTimeoutMs, () => fail(noTunnel('none')));
      this.#failed = fault => {
        timer.cancel();
        fail(fault);
      };
      this.#head = head => {
        timer.cancel();
        done(head);
      };
      if (this.#lost) this.#failed(noTunnel('the end of the connection'));
      receiving.write(text);
    });
  }

  #bytes(buffer: Uint8Array, length: number): void {
    if (this.#taken) {
      this.#options.onBytes(buffer, length);
      return;
    }
    const head = this.#parser.push(buffer, length);
    if (head === 'broken') this.#failed?.(noTunnel('what is no HTTP'));
    if (head === 'broken' || head === undefined) return;
    this.#taken = head.words[0].startsWith('HTTP/') && head.words[1] === '200';
    if (this.#taken && head.rest.length > 0) this.#options.onBytes(head.rest, head.rest.length);
    this.#head?.(head);
  }

  /** One of the two has ended: neither is of use without the other. */
  #end(error?: Error): void {
    if (this.#closed) return;
    this.#lost = true;
    if (this.#sending === undefined) {
      this.#failed?.(noTunnel('the end of the connection'));
      return;
    }
    this.close();
    this.#options.onClose(error);
  }
}
