/**
 * The client's side of a login (RFC 2617, RFC 7616): which challenge is answered, and what comes
 * next if the answer is not taken. A wrong password is tried as seldom as possible, since
 * devices lock accounts.
 */
import { answerChallenge, type Challenge, type Login, parseChallenges, strongest } from './auth.ts';
import { headersNamed, type RtspResponse } from './message.ts';
import type { RtspQuirk } from './quirks.ts';

/** A camera whose nonces are stale at once would let us try for ever. */
const staleMost = 3;

interface Way {
  readonly challenge: Challenge;
  readonly quirk?: RtspQuirk;
}

export class ClientLogin {
  readonly #login: Login | undefined;
  readonly #basic: boolean;
  readonly #cnonce: string;
  #challenge: Challenge | undefined;
  /** Requests answered with the present nonce. */
  #nonceCount = 0;
  /** Which of the ways to answer is gone; the ones before it were refused. */
  #way = 0;

  /** `basic`: a password in clear may be sent. `cnonce`: any text that nobody can foresee. */
  constructor(login: Login | undefined, basic: boolean, cnonce: string) {
    this.#login = login;
    this.#basic = basic;
    this.#cnonce = cnonce;
  }

  /**
   * After a 401 to a request that was asked `repeats` times before with an answer: ask again (`quirk`: in a new way), or why that
   * is of no use.
   */
  challenged(response: RtspResponse, method: string, repeats: number): { quirk?: RtspQuirk } | string {
    if (this.#login === undefined) return `expected ${method} to be allowed, got 401: the camera asks for a login`;
    const offered = parseChallenges(headersNamed(response, 'www-authenticate'));
    const ways = waysOf(offered.filter(c => c.scheme === 'digest' || this.#basic));
    if (ways.length === 0) return 'expected a Digest or Basic challenge, got 401 with none that can be answered';
    const present = ways[Math.min(this.#way, ways.length - 1)];
    const stale = present?.challenge.scheme === 'digest' && present.challenge.stale && repeats < staleMost;
    if (repeats > 0 && !stale) this.#way++;
    const way = ways[this.#way];
    if (way === undefined) {
      this.#way = ways.length - 1;
      return `expected ${method} to be allowed, got 401: the login is not accepted`;
    }
    this.#challenge = way.challenge;
    this.#nonceCount = 0;
    return repeats > 0 && way.quirk !== undefined && !stale ? { quirk: way.quirk } : {};
  }

  /** The value of Authorization; undefined while nobody asked for it. */
  authorization(method: string, uri: string): string | undefined {
    if (this.#challenge === undefined || this.#login === undefined) return undefined;
    const request = { method, uri, cnonce: this.#cnonce, count: ++this.#nonceCount };
    return answerChallenge(this.#challenge, this.#login, request);
  }
}

/** What can be answered, in the order in which it is tried. A password in clear is no way out of a refused Digest. */
function waysOf(challenges: readonly Challenge[]): Way[] {
  const best = strongest(challenges);
  if (best === undefined) return [];
  const ways: Way[] = [{ challenge: best }];
  if (best.scheme === 'basic') return ways;
  if (best.written !== undefined)
    ways.push({ challenge: { ...best, ...best.written, asWritten: true }, quirk: 'realm-as-written' });
  const md5 = challenges.find(c => c.scheme === 'digest' && c.algorithm.startsWith('MD5'));
  if (md5 !== undefined && !best.algorithm.startsWith('MD5')) ways.push({ challenge: md5, quirk: 'sha-256-unmeant' });
  return ways;
}
