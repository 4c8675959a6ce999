/**
 * SOAP requests to one device over World's HTTP, with its login in the way it wants:
 * WS-Security UsernameToken first, since every device of ONVIF's first ten years has it, and
 * HTTP Digest (RFC 7616) when it challenges (ONVIF Core 5.9); what worked is kept. A login is
 * tried once per way and once more when the device's clock turns out to be another: cameras
 * lock accounts.
 *
 * Every address is held to the device's host; a redirect is followed there and nowhere else.
 * Answers are limited to 2 MiB. Faults: `connect-failed`, `timeout`, `onvif-login`,
 * `onvif-fault`, `onvif-unsupported`, `onvif-garbled`, `onvif-redirect`; none has a credential in it.
 */
import { Fault, faultFrom } from '#core/errors';
import type { Clock, Http, HttpClientAnswer, Random } from '#core/world';
import { answerChallenge, type Challenge, type Login, parseChallenges, strongest } from '#rtsp/auth';
import { serviceUrl } from './address.ts';
import { type Addressing, isLoginFault, isUnknownAction, readEnvelope, type SoapFault, writeEnvelope } from './soap.ts';
import type { XmlElement } from './xml.ts';

export interface SoapParts {
  readonly http: Pick<Http, 'request'>;
  readonly clock: Pick<Clock, 'wallMs'>;
  readonly random: Pick<Random, 'bytes' | 'uuid'>;
  /** Of the device service, without credentials. */
  readonly url: string;
  readonly login: Login | undefined;
  /** For one request; default 10 s. */
  readonly timeoutMs?: number;
}

export interface SoapOptions {
  readonly signal?: AbortSignal | undefined;
  /** In place of the parts' one. */
  readonly timeoutMs?: number;
  readonly addressing?: Omit<Addressing, 'messageId'>;
  /** Sent without login first (ONVIF Core 5.9.3, access class PRE_AUTH). */
  readonly open?: boolean;
}

const answerLimitBytes = 2 << 20;
const redirectLimit = 2;

/** What is known of the login: nothing yet, a UsernameToken, or an HTTP challenge to be answered. */
type Way =
  | { readonly by: 'token' }
  | { readonly by: 'http'; readonly challenge: Challenge; readonly cnonce: string; count: number };

export class SoapClient {
  readonly #parts: SoapParts;
  #way: Way = { by: 'token' };
  /** Device's clock minus ours. */
  clockOffsetMs = 0;

  constructor(parts: SoapParts) {
    this.#parts = parts;
  }

  /**
   * Sends one request and answers the element inside the body of what came back. `resync` is
   * asked, once, when a login was refused that depends on the clock: whether it was off.
   */
  async call(url: string, body: string, options: SoapOptions, resync: () => Promise<boolean>): Promise<XmlElement> {
    if (options.open) {
      const got = await this.#exchange(url, body, options, undefined);
      if ('body' in got) return got.body;
      if (!('refused' in got)) throw got.fault;
    }
    const { login } = this.#parts;
    if (login === undefined) {
      const got = await this.#exchange(url, body, options, undefined);
      if ('body' in got) return got.body;
      throw got.fault;
    }
    let challengesLeft = 2;
    let resyncLeft = 1;
    for (;;) {
      const way = this.#way;
      const fresh = way.by === 'http' && way.count === 0;
      const got = await this.#exchange(url, body, options, way);
      if ('body' in got) return got.body;
      if (!('refused' in got)) throw got.fault;
      const challenge = strongest(got.refused);
      // A refused answer to a challenge just made is a wrong password, unless only its nonce had grown old.
      const again = way.by === 'token' || !fresh || (challenge?.scheme === 'digest' && challenge.stale);
      if (challenge !== undefined && again && challengesLeft-- > 0)
        this.#way = { by: 'http', challenge, cnonce: hex(this.#parts.random.bytes(8)), count: 0 };
      else if (way.by === 'token' && challenge === undefined && resyncLeft-- > 0 && (await resync())) continue;
      else {
        this.#way = { by: 'token' };
        throw got.fault;
      }
    }
  }

  async #exchange(
    url: string,
    body: string,
    options: SoapOptions,
    way: Way | undefined,
  ): Promise<{ body: XmlElement } | { fault: Fault } | { refused: readonly Challenge[]; fault: Fault }> {
    const { login, clock, random } = this.#parts;
    const text = writeEnvelope(body, {
      token:
        login !== undefined && way?.by === 'token'
          ? { login, nonce: random.bytes(16), createdMs: clock.wallMs() + this.clockOffsetMs }
          : undefined,
      addressing: options.addressing && { ...options.addressing, messageId: `urn:uuid:${random.uuid()}` },
    });
    const answer = await this.#post(url, text, options, way);
    const challenges = answer.status === 401 ? parseChallenges([answer.headers['www-authenticate'] ?? '']) : [];
    const read = readEnvelope(new TextDecoder().decode(answer.body));
    const peer = new URL(this.#parts.url).host;
    if ('body' in read && answer.status < 300) return read;
    if (answer.status === 401 || ('fault' in read && isLoginFault(read.fault)))
      return {
        refused: challenges,
        fault: loginFault(peer, login !== undefined, 'fault' in read ? read.fault : undefined),
      };
    return { fault: 'fault' in read ? soapFault(peer, read.fault) : garbled(peer, answer, read) };
  }

  async #post(url: string, text: string, options: SoapOptions, way: Way | undefined): Promise<HttpClientAnswer> {
    const { http, login, timeoutMs = 10_000 } = this.#parts;
    const action = options.addressing === undefined ? '' : `; action="${options.addressing.action}"`;
    for (let to = url, redirects = 0; ; redirects++) {
      const { pathname, search } = new URL(to);
      const headers: Record<string, string> = {
        'content-type': `application/soap+xml; charset=utf-8${action}`,
        connection: 'close',
      };
      if (login !== undefined && way?.by === 'http')
        headers['authorization'] = answerChallenge(way.challenge, login, {
          method: 'POST',
          uri: pathname + search,
          cnonce: way.cnonce,
          count: ++way.count,
        });
      const answer = await http
        .request({
          url: to,
          method: 'POST',
          headers,
          body: text,
          timeoutMs: options.timeoutMs ?? timeoutMs,
          limitBytes: answerLimitBytes,
          embedded: true,
          signal: options.signal,
        })
        .catch(e => {
          throw faultFrom(e).code === 'too-large' ? tooLong(new URL(to).host) : e;
        });
      if (![301, 302, 307, 308].includes(answer.status)) return answer;
      const next = URL.parse(answer.headers['location'] ?? '', to);
      const peer = new URL(to).hostname;
      if (next === null || !/^https?:$/.test(next.protocol) || next.hostname !== peer || redirects === redirectLimit)
        throw new Fault('protocol', 'onvif-redirect', `${peer}: expected an answer, got a redirect to another place`);
      if (to.startsWith('https:') && next.protocol === 'http:')
        throw new Fault('protocol', 'onvif-redirect', `${peer}: expected an answer, got a redirect to one without TLS`);
      next.username = '';
      next.password = '';
      to = next.href;
    }
  }

  /** The address of a service as it is used. */
  place(returned: string | undefined): string | undefined {
    return serviceUrl(this.#parts.url, returned);
  }
}

function loginFault(peer: string, hadLogin: boolean, said: SoapFault | undefined): Fault {
  const words = said?.reason ? ` (it says: ${said.reason})` : '';
  const text = hadLogin ? 'the device refuses the login' : 'the device wants a login, and none is configured';
  return new Fault('refused', 'onvif-login', `${peer}: ${text}${words}`);
}

function soapFault(peer: string, f: SoapFault): Fault {
  const words = [f.codes.join('/'), f.reason].filter(t => t !== '').join(': ') || 'no reason given';
  return isUnknownAction(f)
    ? new Fault('unsupported', 'onvif-unsupported', `${peer}: the device does not have this function (${words})`, {
        codes: f.codes,
      })
    : new Fault('protocol', 'onvif-fault', `${peer}: the device refuses the request (${words})`, { codes: f.codes });
}

function garbled(peer: string, answer: HttpClientAnswer, read: object): Fault {
  const what = 'garbled' in read ? String(read.garbled) : 'an answer';
  const status = answer.status === 200 ? '' : `HTTP ${answer.status} with `;
  return new Fault('protocol', 'onvif-garbled', `${peer}: expected an answer of ONVIF, got ${status}${what}`, {
    status: answer.status,
  });
}

/** The device's doing: whoever called has not sent too much. */
const tooLong = (peer: string): Fault =>
  new Fault('protocol', 'onvif-garbled', `${peer}: expected an answer of at most ${answerLimitBytes} bytes, got more`);

const hex = (bytes: Uint8Array): string => Array.from(bytes, b => b.toString(16).padStart(2, '0')).join('');
