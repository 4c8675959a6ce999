/** In front of every connection: it speaks RTSP at once, or is one of the two halves of RTSP through HTTP (rtsp/http-tunnel). */
import type { SeededRandom } from '#fake/world';
import { cookieOf, type HttpHead, HttpHeadParser, TunnelDecoder, tunnelAnswer } from '#rtsp/http-tunnel';
import { ConnectionGuard, type LoginOptions } from './guard.ts';

/** What stands behind the entrance. */
export interface Inside {
  receive(bytes: Uint8Array): void;
  write(text: string): void;
  close(): void;
}

export interface Entrance {
  push(bytes: Uint8Array, nowMs: number): void;
  /** It only carries what another connection's session hears. */
  readonly carries: boolean;
  close(): void;
}

export class Tunnels {
  /** Connections that have sent a GET, by cookie. */
  readonly #halves = new Map<string, Inside>();
  /** One for all, as cameras have it: the nonce of one connection is good for the next. */
  readonly #guard: ConnectionGuard;

  constructor(login: LoginOptions | undefined, random: SeededRandom) {
    this.#guard = new ConnectionGuard(login, random);
  }

  entrance(inside: Inside): Entrance {
    const parser = new HttpHeadParser();
    const decoder = new TunnelDecoder();
    let seen = new Uint8Array(0);
    let mode: 'unknown' | 'http' | 'rtsp' | 'get' | 'post' = 'unknown';
    let cookie = '';
    const body = (bytes: Uint8Array): void => {
      const plain = decoder.push(bytes);
      const half = this.#halves.get(cookie);
      if (plain === undefined || half === undefined) inside.close();
      else half.receive(plain);
    };
    const asked = (head: HttpHead, nowMs: number): void => {
      cookie = cookieOf(head) ?? '';
      const method = head.words[0];
      const request = { kind: 'request' as const, method, uri: head.words[1], headers: head.headers, body: head.rest };
      const challenge = this.#guard.challenge(request, nowMs);
      if (challenge !== undefined) {
        inside.write(`HTTP/1.0 401 Unauthorized\r\n${challenge.map(([n, v]) => `${n}: ${v}\r\n`).join('')}\r\n`);
        inside.close();
      } else if (cookie === '') {
        inside.write('HTTP/1.0 400 Bad Request\r\n\r\n');
        inside.close();
      } else if (method === 'GET') {
        mode = 'get';
        this.#halves.set(cookie, inside);
        inside.write(tunnelAnswer('ocellus-fake-camera'));
      } else {
        mode = 'post';
        body(head.rest);
      }
    };
    const push = (bytes: Uint8Array, nowMs: number): void => {
      if (mode === 'rtsp') inside.receive(bytes);
      else if (mode === 'post') body(bytes);
      else if (mode === 'http') {
        const head = parser.push(bytes);
        if (head === 'broken') inside.close();
        else if (head !== undefined) asked(head, nowMs);
      } else if (mode === 'unknown') {
        seen = Buffer.concat([seen, bytes]);
        // As many bytes as tell GET and POST from GET_PARAMETER.
        if (seen.length < 5) return;
        mode = /^(?:GET |POST )/.test(Buffer.from(seen.subarray(0, 5)).toString('latin1')) ? 'http' : 'rtsp';
        push(seen, nowMs);
      }
    };
    const close = (): void => {
      if (mode === 'get') this.#halves.delete(cookie);
      // Without the way back the other half is of no use.
      else if (mode === 'post') this.#halves.get(cookie)?.close();
    };
    return {
      push,
      close,
      get carries() {
        return mode === 'post';
      },
    };
  }
}
