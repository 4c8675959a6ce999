/**
 * GET as this object does it: with the login (Basic or Digest, RFC 7617, RFC 7616) and the headers of the configuration, which go
 * to the host of the configured URL alone; redirects are followed, but never from https to http.
 */
import type { ByteStream } from '#core/bytes';
import { Fault, type Kind } from '#core/errors';
import type { HttpOpenAnswer, World } from '#core/world';
import type { ByteRange } from '#hls/playlist-reader';
import { answerChallenge, type Challenge, type Login, parseChallenges, strongest } from '#rtsp/auth';

const redirectLimit = 5;
const headMs = 10_000;
/** Known to nobody but servers that ask for them, so other hosts get them too. */
const openHeaders = ['user-agent', 'referer'];

export interface FetcherOptions {
  readonly login: Login | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly verifyCertificate: boolean;
}

export interface Fetched extends HttpOpenAnswer {
  /** Where it came from in the end, for what is relative to it. */
  readonly url: URL;
}

/** An absolute http: or https: URL without login and fragment; undefined for anything else. */
export function httpUrl(text: string, base?: URL): URL | undefined {
  const url = URL.parse(text, base);
  if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === '') return undefined;
  url.hash = url.username = url.password = '';
  return url;
}

export class Fetcher {
  readonly #world: World;
  readonly #options: FetcherOptions;
  /** The host that login and headers are for. */
  readonly #host: string;
  #challenge: Challenge | undefined;
  #cnonce = '';
  #count = 0;

  constructor(world: World, first: URL, options: FetcherOptions) {
    this.#world = world;
    this.#options = options;
    this.#host = first.hostname;
  }

  /** The answer, whose status is 200 or, to `range`, 206. Fault `http-STATUS` for others. */
  async open(first: URL, signal: AbortSignal, range?: ByteRange): Promise<Fetched> {
    for (let url = first, redirects = 0; ; redirects++) {
      const answer = await this.#ask(url, signal, range);
      const { status, headers } = answer;
      if (status === 200 || (status === 206 && range !== undefined)) return { ...answer, url };
      answer.body.close();
      if (status < 300 || status > 399 || headers['location'] === undefined) throw statusFault(status, url);
      const next = httpUrl(headers['location'], url);
      if (next === undefined || redirects === redirectLimit)
        throw new Fault(
          'protocol',
          'http-redirect',
          `${url.host}: expected a stream, got a redirect to no HTTP URL or one too many`,
        );
      if (url.protocol === 'https:' && next.protocol === 'http:') throw downgrade(url);
      url = next;
    }
  }

  /** The same, for what is named inside another answer. */
  openNamed(name: string, inside: URL, signal: AbortSignal, range?: ByteRange): Promise<Fetched> {
    return this.open(this.resolve(name, inside), signal, range);
  }

  resolve(name: string, inside: URL): URL {
    const url = httpUrl(name, inside);
    if (url === undefined)
      throw new Fault('protocol', 'hls-garbled', `${inside.host}: expected an HTTP URL in the playlist, got another`);
    if (inside.protocol === 'https:' && url.protocol === 'http:') throw downgrade(inside);
    return url;
  }

  /** Once, and once more if a login is asked for and was not given, or its nonce is old. */
  async #ask(url: URL, signal: AbortSignal, range: ByteRange | undefined): Promise<HttpOpenAnswer> {
    const answer = await this.#once(url, signal, range);
    if (answer.status !== 401 || !this.#isHome(url) || this.#options.login === undefined) return answer;
    const challenge = strongest(parseChallenges([answer.headers['www-authenticate'] ?? '']));
    const before = this.#challenge;
    if (challenge === undefined || (before !== undefined && !isNew(before, challenge))) return answer;
    answer.body.close();
    this.#challenge = challenge;
    this.#cnonce = this.#world.random.uuid().replaceAll('-', '');
    this.#count = 0;
    const second = await this.#once(url, signal, range);
    if (second.status === 401) this.#challenge = undefined;
    return second;
  }

  #once(url: URL, signal: AbortSignal, range: ByteRange | undefined): Promise<HttpOpenAnswer> {
    const headers: Record<string, string> = { 'user-agent': 'Ocellus', accept: '*/*' };
    const home = this.#isHome(url);
    for (const [name, value] of Object.entries(this.#options.headers)) {
      const key = name.toLowerCase();
      if (home || openHeaders.includes(key)) headers[key] = value;
    }
    const { login } = this.#options;
    if (home && login !== undefined && this.#challenge !== undefined)
      headers['authorization'] = answerChallenge(this.#challenge, login, {
        method: 'GET',
        uri: url.pathname + url.search,
        cnonce: this.#cnonce,
        count: ++this.#count,
      });
    if (range !== undefined) headers['range'] = `bytes=${range.offset}-${range.offset + range.length - 1}`;
    const { verifyCertificate } = this.#options;
    return this.#world.http.open({ url: url.href, headers, timeoutMs: headMs, verifyCertificate, signal });
  }

  #isHome(url: URL): boolean {
    return url.hostname === this.#host;
  }
}

/** Whether an answer to `now` may do better than the one to `before`. */
const isNew = (before: Challenge, now: Challenge): boolean =>
  before.scheme !== now.scheme ||
  (now.scheme === 'digest' && before.scheme === 'digest' && (now.stale || now.nonce !== before.nonce));

const downgrade = (url: URL): Fault =>
  new Fault(
    'protocol',
    'http-redirect',
    `${url.host}: expected to stay with https, got an address that does not encrypt`,
  );

function statusFault(status: number, { host }: URL): Fault {
  const kind: Kind =
    status === 401 || status === 403 || status === 407
      ? 'refused'
      : status === 404 || status === 410 || status === 429 || status >= 500
        ? 'transport'
        : 'protocol';
  return new Fault(kind, `http-${status}`, `${host}: expected 200, got status ${status}`, { host });
}

/** A short body as a whole; Fault `too-large` beyond the limit. */
export async function readWhole(body: ByteStream, limitBytes: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for (let piece = await body.next(); piece !== undefined; piece = await body.next()) {
    size += piece.length;
    if (size > limitBytes) {
      body.close();
      throw new Fault('protocol', 'too-large', `expected at most ${limitBytes} bytes, got more`);
    }
    pieces.push(piece);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** `piece` and then what follows it in `body`. */
export function withFirst(piece: Uint8Array | undefined, body: ByteStream): ByteStream {
  let first = piece;
  return {
    next: () => {
      const now = first;
      first = undefined;
      return now === undefined ? body.next() : Promise.resolve(now);
    },
    close: () => body.close(),
  };
}
