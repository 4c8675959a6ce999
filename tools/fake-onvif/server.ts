/** The HTTP half of the fake device: requests in, answers with all that goes wrong on purpose out, and a log of both. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { servicePaths } from './device.ts';
import { subscriptionPath } from './events.ts';
import type { FaultBook } from './faults.ts';
import type { Gate, Verdict } from './login.ts';
import { services, subscriptionService } from './services.ts';
import {
  envelope,
  faultBody,
  namespaces,
  notAuthorized,
  parseRequest,
  prefixOf,
  type Request,
  SoapFault,
  withOddPrefixes,
} from './soap.ts';
import { topicNamespaces } from './topics.ts';
import type { DeviceView, Handler } from './view.ts';
import { escapeXml } from './xml.ts';

export interface CallRecord {
  /** Local name of the request; the HTTP method and path where it was no SOAP. */
  readonly op: string;
  readonly path: string;
  /** What the caller proved itself with. */
  readonly login: 'none' | 'token' | 'digest' | 'wrong';
  readonly status: number;
  /** Of a SOAP fault: its innermost subcode. */
  readonly fault?: string;
  readonly atMs: number;
}

export interface SoapServerOptions {
  readonly host: string;
  readonly port: number;
  readonly faults: FaultBook;
  readonly gate: Gate | undefined;
  readonly open: 'standard' | 'time';
  view(op: string): DeviceView;
  readonly onCall: ((call: CallRecord) => void) | undefined;
}

const requestLimitBytes = 1 << 20;
const logLimit = 10_000;

/** ONVIF Core 5.9.4.3, class PRE_AUTH. */
const preAuth: ReadonlySet<string> = new Set([
  'GetWsdlUrl',
  'GetServices',
  'GetServiceCapabilities',
  'GetCapabilities',
  'GetHostname',
  'GetSystemDateAndTime',
  'GetEndpointReference',
]);

/** One white pixel. */
const jpeg = Buffer.from(
  '/9j/4AAQSkZJRgABAQEAYABgAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8UHRofHh0aHBwgJC4nICIsIxwcKDcpLDAxNDQ0Hyc5PTgyPC4zNDL/wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAACf/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AVN//2Q==',
  'base64',
);

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body: string | Buffer;
  readonly login: CallRecord['login'];
  readonly fault?: string | undefined;
}

export class SoapServer {
  readonly log: CallRecord[] = [];
  readonly #options: SoapServerOptions;
  readonly #sockets = new Set<Socket>();
  #port: number;
  #server: Server | undefined;
  #running = new AbortController();

  constructor(options: SoapServerOptions) {
    this.#options = options;
    this.#port = options.port;
  }

  get port(): number {
    return this.#port;
  }

  async start(): Promise<void> {
    if (this.#server) return;
    this.#running = new AbortController();
    const server = createServer((request, response) => void this.#take(request, response));
    server.on('connection', socket => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((done, fail) => {
      server.once('error', fail);
      server.listen(this.#port, this.#options.host, done);
    });
    this.#port = (server.address() as { port: number }).port;
    this.#server = server;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.#running.abort();
    const closed = new Promise<void>(done => (server ? server.close(() => done()) : done()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, this.#running.signal]);
    const path = new URL(request.url ?? '/', 'http://x').pathname;
    const pieces: Buffer[] = [];
    let length = 0;
    try {
      for await (const piece of request as AsyncIterable<Buffer>) {
        length += piece.length;
        if (length <= requestLimitBytes) pieces.push(piece);
      }
    } catch {
      return; // the client has gone
    }
    if (length > requestLimitBytes) return void response.writeHead(413).end();
    const text = Buffer.concat(pieces).toString('utf8');
    let soap: Request | SoapFault;
    try {
      soap = parseRequest(text);
    } catch (e) {
      soap = e as SoapFault;
    }
    const op = soap instanceof SoapFault ? `${request.method} ${path}` : soap.body.name;
    const strikes = (type: Parameters<FaultBook['strikes']>[0]): ReturnType<FaultBook['strikes']> =>
      this.#options.faults.strikes(type, op);
    const at = { op, path, atMs: Date.now() };

    if (strikes('reset')) {
      this.#note({ ...at, login: 'none', status: 0 });
      return void request.socket.resetAndDestroy();
    }
    if (strikes('silent')) return this.#note({ ...at, login: 'none', status: 0 });
    const slow = strikes('slow');
    if (slow) await pause(slow.v ?? 1000, signal);
    const redirect = strikes('redirect');
    const answer: Answer = redirect
      ? {
          status: redirect.v ?? 307,
          headers: { location: `http://${redirect.host ?? '127.0.0.1:9'}${request.url}` },
          body: '',
          login: 'none',
        }
      : strikes('html500')
        ? {
            status: 500,
            headers: { 'content-type': 'text/html' },
            body: '<!DOCTYPE html><html><head><title>500</title></head><body><h1>Internal Server Error<br></h1></body></html>',
            login: 'none',
          }
        : request.method === 'GET'
          ? this.#snapshot(request, path)
          : await this.#soap(soap, op, request, path, signal);
    this.#note({ ...at, login: answer.login, status: answer.status, ...(answer.fault ? { fault: answer.fault } : {}) });
    if (signal.aborted) return void request.socket.destroy();
    let { body } = answer;
    if (typeof body === 'string' && body !== '') {
      if (strikes('prefixes')) body = withOddPrefixes(body);
      const cut = strikes('truncate');
      if (cut) body = body.slice(0, cut.v ?? Math.floor(body.length / 2));
    }
    const huge = strikes('huge');
    response.writeHead(answer.status, {
      'content-type': 'application/soap+xml; charset=utf-8',
      ...answer.headers,
      ...(huge ? {} : { 'content-length': Buffer.byteLength(body) }),
    });
    if (huge) await pour(response, body, huge.v ?? 64 << 20);
    else response.end(body);
  }

  async #soap(
    soap: Request | SoapFault,
    op: string,
    http: IncomingMessage,
    path: string,
    signal: AbortSignal,
  ): Promise<Answer> {
    let login: CallRecord['login'] = 'none';
    try {
      if (http.method !== 'POST') return { status: 405, headers: { allow: 'POST' }, body: '', login };
      if (soap instanceof SoapFault) throw soap;
      const handler = this.#find(path, soap);
      if (handler === undefined)
        return { status: 404, headers: { 'content-type': 'text/html' }, body: '<h1>404</h1>', login };
      const wanted = this.#options.faults.strikes('fault', op);
      if (wanted)
        throw new SoapFault('Receiver', ['Action', wanted.code ?? 'ActionNotSupported'], 'a fault on purpose');
      const view = this.#options.view(op);
      const { verdict, by } = this.#proof(soap, http, view);
      login = verdict === 'wrong' ? 'wrong' : by;
      const denied = this.#options.faults.strikes('denied', op);
      if (denied || (verdict !== 'ok' && !this.#isOpen(op)))
        return this.#denied(soap, denied?.v, http.headers.authorization !== undefined, login);
      const body = await handler(soap.body, view, { header: soap.header, path, signal });
      return { status: 200, body: this.#wrapped(soap, body, true), login };
    } catch (e) {
      const fault = e instanceof SoapFault ? e : new SoapFault('Receiver', ['Action'], `the fake broke: ${String(e)}`);
      // SOAP 1.2 part 2, table 20: the sender's fault is 400.
      const status = fault.code === 'Sender' ? 400 : 500;
      const request = soap instanceof SoapFault ? undefined : soap;
      return { status, body: this.#wrapped(request, faultBody(fault), false), login, fault: fault.subcodes.at(-1) };
    }
  }

  #find(path: string, { body }: Request): Handler | undefined {
    if (path.startsWith(subscriptionPath)) {
      const known = subscriptionService[body.name];
      if (known) return known;
    } else if (!Object.values(servicePaths).some(p => p === path)) return undefined;
    // Requests to another service of the device are answered, whatever the path, as most devices do.
    const prefix = prefixOf(body.namespace);
    const view = this.#options.view('');
    const service = prefix !== undefined && prefix in services ? (prefix as keyof typeof services) : undefined;
    const table = service && view.offers(service) ? services[service] : undefined;
    const handler = table && Object.hasOwn(table, body.name) ? table[body.name] : undefined;
    if (!handler)
      return () => {
        throw new SoapFault('Receiver', ['ActionNotSupported'], `Optional Action Not Implemented: ${body.name}`);
      };
    return handler;
  }

  #isOpen(op: string): boolean {
    return this.#options.open === 'time' ? op === 'GetSystemDateAndTime' : preAuth.has(op);
  }

  #proof(
    soap: Request,
    http: IncomingMessage,
    view: DeviceView,
  ): { verdict: Verdict; by: 'none' | 'token' | 'digest' } {
    const { gate } = this.#options;
    if (!gate) return { verdict: 'ok', by: 'none' };
    const token = gate.token(soap.header, view.nowMs());
    if (token !== 'none') return { verdict: token, by: 'token' };
    const verdict = gate.digest(http.headers.authorization, http.method ?? '', http.url ?? '');
    return { verdict, by: verdict === 'none' ? 'none' : 'digest' };
  }

  /** HTTP's own 401 where Digest is offered and nothing else was tried; the SOAP fault otherwise. */
  #denied(soap: Request, status: number | undefined, triedDigest: boolean, login: CallRecord['login']): Answer {
    const { gate } = this.#options;
    const challenges = gate?.challenges() ?? [];
    const byHttp = status === undefined && challenges.length > 0 && (login !== 'wrong' || triedDigest);
    const body = this.#wrapped(soap, faultBody(notAuthorized()), false);
    return {
      status: status ?? (byHttp ? 401 : 400),
      ...(byHttp ? { headers: { 'www-authenticate': challenges } } : {}),
      body,
      login,
      fault: 'NotAuthorized',
    };
  }

  /** A client that addresses its request gets its answer addressed (WS-Addressing 1.0). */
  #wrapped(request: Request | undefined, body: string, good: boolean): string {
    const extra = Object.entries(topicNamespaces)
      .map(([p, uri]) => ` xmlns:${p}="${uri}"`)
      .join('');
    if (request?.action === undefined) return envelope(body, '', extra);
    const action = good ? `${request.action.replace(/Request$/, '')}Response` : `${namespaces.wsa}/soap/fault`;
    const relates =
      request.messageId === undefined ? '' : `<wsa:RelatesTo>${escapeXml(request.messageId)}</wsa:RelatesTo>`;
    return envelope(body, `<wsa:Action>${escapeXml(action)}</wsa:Action>${relates}`, extra);
  }

  #snapshot(request: IncomingMessage, path: string): Answer {
    const token = /^\/onvif\/snapshot\/(.+)$/.exec(path)?.[1];
    const view = this.#options.view('snapshot');
    if (!view.profiles.some(p => p.video && p.token === token)) return { status: 404, body: '', login: 'none' };
    const { gate } = this.#options;
    const verdict = gate ? gate.digest(request.headers.authorization, 'GET', request.url ?? '') : 'ok';
    if (verdict !== 'ok') {
      const challenges = gate?.challenges() ?? [];
      return {
        status: 401,
        headers: challenges.length > 0 ? { 'www-authenticate': challenges } : {},
        body: '',
        login: verdict === 'wrong' ? 'wrong' : 'none',
      };
    }
    return { status: 200, headers: { 'content-type': 'image/jpeg' }, body: jpeg, login: gate ? 'digest' : 'none' };
  }

  #note(call: CallRecord): void {
    this.log.push(call);
    if (this.log.length > logLimit) this.log.shift();
    this.#options.onCall?.(call);
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise(done => {
    const wake = (): void => {
      clearTimeout(timer);
      done();
    };
    const timer = setTimeout(wake, ms);
    signal.addEventListener('abort', wake, { once: true });
  });

/** The answer, then spaces until so many bytes are sent; as fast as the client reads, until it goes. */
async function pour(response: ServerResponse, body: string | Buffer, bytes: number): Promise<void> {
  response.write(body);
  const piece = Buffer.alloc(65_536, 0x20);
  for (let sent = 0; sent < bytes && !response.destroyed; sent += piece.length)
    if (!response.write(piece))
      await new Promise<void>(done => {
        const go = (): void => {
          response.off('drain', go).off('close', go);
          done();
        };
        response.on('drain', go).on('close', go);
      });
  response.end();
}
