/**
 * The client's side of one RTSP session (RFC 2326), from the first request to TEARDOWN, over
 * a connection that somebody else holds: OPTIONS, DESCRIBE, SETUP of every track with RTP
 * interleaved in the connection, PLAY, keep-alive, receiver reports. Pure: bytes and times go
 * in, calls of `SessionTaker` come out. Times are milliseconds of one clock of the caller.
 *
 * Cameras are taken as they are:
 *   - an answer without CSeq is the answer to what was asked last;
 *   - media may come before PLAY is answered, and is handed on;
 *   - the channels are those the camera names, not those asked for;
 *   - a camera that answers nothing any more but sends media is left in peace.
 */
import type { MediaDescription } from '#rtp/receiver';
import { type ReportBlock, writeRtcp } from '#rtp/rtcp';
import { parseSdp } from '#sdp/sdp';
import { answerChallenge, type Challenge, type Login, parseChallenges, strongest } from './auth.ts';
import {
  bodyText,
  cseqOf,
  type Headers,
  header,
  headersNamed,
  type RtspRequest,
  type RtspResponse,
  sessionOf,
  writeInterleavedHeader,
  writeRequest,
  writeResponse,
} from './message.ts';
import { RtspParser, type RtspTaker } from './parser.ts';
import { type Presentation, presentationOf, type Wanted } from './presentation.ts';
import { interleavedChannels, rtpInfo } from './transport.ts';
import { parseRtspUrl } from './url.ts';

/** Why a session ended. The kinds are those of core's errors. */
export interface SessionFailure {
  readonly kind: 'refused' | 'protocol' | 'timeout' | 'unsupported' | 'transport';
  readonly code: string;
  readonly message: string;
}

export interface SessionTaker {
  write(bytes: string | Uint8Array): void;
  /** The tracks that will be played, in the order of their indices; before any media. */
  described(media: readonly MediaDescription[], ignored: readonly string[]): void;
  /** PLAY was answered. `rtpTimes`: RTP time of each track at the same instant, where the camera says so. */
  playing(rtpTimes: readonly (number | undefined)[]): void;
  rtp(track: number, bytes: Uint8Array, begin: number, end: number): void;
  rtcp(track: number, bytes: Uint8Array, begin: number, end: number): void;
  /** What to report of a track; undefined before its first packet. */
  report(track: number): ReportBlock | undefined;
  /** The session is to be had at another URL; this one is over. */
  redirected(url: string): void;
  /** The session is over. Told once. */
  failed(failure: SessionFailure): void;
}

export interface SessionOptions {
  /** Without user and password. */
  readonly uri: string;
  readonly login: Login | undefined;
  /** A password in clear is not sent to whom a redirect names. */
  readonly basic: boolean;
  readonly want: Wanted;
  readonly userAgent: string;
  /** Any text that nobody can foresee. */
  readonly cnonce: string;
  /** Ours, in receiver reports. */
  readonly ssrc: number;
  readonly requestTimeoutMs: number;
}

type Step = 'OPTIONS' | 'DESCRIBE' | 'SETUP' | 'PLAY' | 'playing' | 'over';

interface Asked {
  readonly method: string;
  readonly uri: string;
  readonly headers: Headers;
  cseq: number;
  /** It was already repeated with an answer to a challenge. */
  repeated: boolean;
  deadlineMs: number;
}

const reportEveryMs = 5_000;
/** RFC 2326 12.37 */
const defaultTimeoutSeconds = 60;
const keepAliveMostMs = 30_000;

export class RtspSession implements RtspTaker {
  readonly #options: SessionOptions;
  readonly #taker: SessionTaker;
  readonly #parser: RtspParser;
  #step: Step = 'OPTIONS';
  #nowMs = 0;
  #cseq = 0;
  #asked: Asked | undefined;
  #challenge: Challenge | undefined;
  /** Requests answered with the present nonce. */
  #nonceCount = 0;
  #presentation: Presentation = { tracks: [], control: '', ignored: [] };
  #setUp = 0;
  #sessionId: string | undefined;
  #keepAliveMs = keepAliveMostMs;
  #keepAliveAtMs = 0;
  #reportAtMs = 0;
  #getParameter = false;
  /** Channel -> track * 2, plus 1 for RTCP; -1: not ours. */
  readonly #channels = new Int16Array(256).fill(-1);
  /** Channel for our RTCP of each track. */
  readonly #rtcpChannels: number[] = [];

  constructor(options: SessionOptions, taker: SessionTaker) {
    this.#options = options;
    this.#taker = taker;
    this.#parser = new RtspParser(this);
  }

  get step(): Step {
    return this.#step;
  }

  start(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#ask('OPTIONS', this.#options.uri);
  }

  push(bytes: Uint8Array, length: number, nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.#step !== 'over') this.#parser.push(bytes, length);
  }

  /** At least once a second. */
  tick(nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.#step === 'over') return;
    const asked = this.#asked;
    if (asked && nowMs >= asked.deadlineMs) {
      this.#asked = undefined;
      if (this.#step !== 'playing') {
        const seconds = this.#options.requestTimeoutMs / 1000;
        this.#fail('timeout', 'rtsp-no-answer', `expected an answer to ${asked.method} within ${seconds} s, got none`);
        return;
      }
    }
    if (this.#step !== 'playing') return;
    if (nowMs >= this.#keepAliveAtMs && !this.#asked) {
      this.#keepAliveAtMs = nowMs + this.#keepAliveMs;
      this.#ask(this.#getParameter ? 'GET_PARAMETER' : 'OPTIONS', this.#presentation.control);
    }
    if (nowMs >= this.#reportAtMs) this.#sendReports(nowMs);
  }

  /** Says goodbye, if there is a session to end; the connection may be closed after it. */
  teardown(): void {
    if (this.#step !== 'over' && this.#sessionId !== undefined) this.#ask('TEARDOWN', this.#presentation.control);
    this.#step = 'over';
  }

  // What the parser says, RtspTaker:

  interleaved(channel: number, bytes: Uint8Array, begin: number, end: number): void {
    const target = this.#channels[channel]!;
    if (target < 0) return;
    if ((target & 1) === 0) this.#taker.rtp(target >> 1, bytes, begin, end);
    else this.#taker.rtcp(target >> 1, bytes, begin, end);
  }

  skipped(): void {} // debris is tolerated; what it cost shows as lost packets

  broken(reason: string): void {
    this.#fail('protocol', 'rtsp-too-large', reason);
  }

  /** Cameras seldom ask, but want an answer (RFC 2326 10.1, 10.8, 10.10). */
  request(request: RtspRequest): void {
    const cseq = header(request, 'cseq');
    const headers: Headers = cseq === undefined ? [] : [['CSeq', cseq]];
    const known = ['OPTIONS', 'GET_PARAMETER', 'SET_PARAMETER', 'ANNOUNCE', 'REDIRECT'].includes(request.method);
    this.#taker.write(writeResponse(known ? 200 : 501, headers));
    const location = header(request, 'location');
    if (request.method === 'REDIRECT' && location !== undefined) this.#redirect(location);
  }

  response(response: RtspResponse): void {
    const asked = this.#asked;
    const cseq = cseqOf(response);
    // An answer that came too late, or to nothing.
    if (this.#step === 'over' || !asked || (cseq !== undefined && cseq !== asked.cseq) || response.status < 200) return;
    this.#asked = undefined;
    if (response.status === 401) {
      this.#authorize(asked, response);
      return;
    }
    if (this.#step === 'playing') {
      this.#keptAlive(asked, response);
      return;
    }
    if (response.status >= 300 && response.status < 400 && header(response, 'location') !== undefined) {
      this.#redirect(header(response, 'location') ?? '');
      return;
    }
    // Whoever cannot say what it can do may still do it.
    if (response.status !== 200 && this.#step !== 'OPTIONS') {
      // Only words: one that quotes our request would quote the login too.
      const said = response.reason;
      const reason = /^[A-Za-z][A-Za-z '-]{0,39}$/.test(said) && !/basic/i.test(said) ? ` ${said}` : '';
      // A camera that is still starting says 404 or 454 and means: not yet. 403 is meant for this login.
      const kind = response.status === 403 ? 'refused' : 'protocol';
      this.#fail(kind, `rtsp-${response.status}`, `expected 200 to ${asked.method}, got ${response.status}${reason}`);
      return;
    }
    this.#next(response);
  }

  #next(response: RtspResponse): void {
    switch (this.#step) {
      case 'OPTIONS':
        this.#getParameter = /\bGET_PARAMETER\b/i.test(header(response, 'public') ?? '');
        this.#step = 'DESCRIBE';
        this.#ask('DESCRIBE', this.#options.uri, [['Accept', 'application/sdp']]);
        break;
      case 'DESCRIBE':
        this.#describe(response);
        break;
      case 'SETUP':
        this.#setUpTrack(response);
        break;
      case 'PLAY':
        this.#step = 'playing';
        this.#keepAliveAtMs = this.#nowMs + this.#keepAliveMs;
        this.#reportAtMs = this.#nowMs + 1_000;
        this.#taker.playing(
          rtpInfo(
            header(response, 'rtp-info'),
            this.#presentation.tracks.map(t => t.control),
          ),
        );
        break;
      default: // playing, over: not here
    }
  }

  #describe(response: RtspResponse): void {
    const said = [header(response, 'content-base'), header(response, 'content-location')];
    const base = said.find(b => b !== undefined && parseRtspUrl(b) !== undefined) ?? this.#options.uri;
    const sdp = parseSdp(bodyText(response));
    this.#presentation = presentationOf(sdp, base, this.#options.want);
    const { tracks, ignored } = this.#presentation;
    const videoIgnored = ignored.some(i => i.startsWith('video'));
    if (tracks.length === 0 || (videoIgnored && tracks[0]?.media.kind !== 'video')) {
      const got =
        ignored.join('; ') || (sdp.media.length === 0 ? 'none' : `${sdp.media.length} media sections of other kinds`);
      this.#fail(
        // Nothing at all is what a camera describes that is still starting.
        ignored.length > 0 ? 'unsupported' : 'protocol',
        'no-supported-media',
        `expected video or audio in a format that is understood in the description, got ${got}`,
      );
      return;
    }
    this.#step = 'SETUP';
    this.#taker.described(
      tracks.map(t => t.media),
      ignored,
    );
    this.#askSetUp();
  }

  #askSetUp(): void {
    const track = this.#presentation.tracks[this.#setUp];
    if (track === undefined) {
      this.#step = 'PLAY';
      this.#ask('PLAY', this.#presentation.control, [['Range', 'npt=0.000-']]);
      return;
    }
    const channel = 2 * this.#setUp;
    this.#ask('SETUP', track.control, [['Transport', `RTP/AVP/TCP;unicast;interleaved=${channel}-${channel + 1}`]]);
  }

  #setUpTrack(response: RtspResponse): void {
    const session = sessionOf(response);
    if (session) {
      this.#sessionId ??= session.id;
      const seconds = session.timeoutSeconds ?? defaultTimeoutSeconds;
      this.#keepAliveMs = Math.max(1_000, Math.min(keepAliveMostMs, seconds * 500));
    }
    const channels = interleavedChannels(header(response, 'transport'), 2 * this.#setUp);
    if (channels === undefined) {
      this.#fail('transport', 'rtsp-transport', 'expected RTP interleaved in the connection, got another transport');
      return;
    }
    const [rtp, rtcp] = channels;
    this.#channels[rtcp] = 2 * this.#setUp + 1;
    this.#channels[rtp] = 2 * this.#setUp;
    this.#rtcpChannels[this.#setUp] = rtcp;
    this.#parser.expectChannel(rtp);
    this.#parser.expectChannel(rtcp);
    this.#setUp++;
    this.#askSetUp();
  }

  #keptAlive(asked: Asked, response: RtspResponse): void {
    if (response.status === 454) {
      this.#fail('protocol', 'rtsp-454', `expected 200 to ${asked.method}, got 454 Session Not Found`);
    } else if (response.status !== 200 && this.#getParameter) {
      // Announced, but not meant: OPTIONS keeps a session alive as well (RFC 2326 12.37).
      this.#getParameter = false;
      this.#keepAliveAtMs = this.#nowMs;
    }
  }

  #authorize(asked: Asked, response: RtspResponse): void {
    const challenges = parseChallenges(headersNamed(response, 'www-authenticate'));
    const usable = challenges.filter(c => c.scheme === 'digest' || this.#options.basic);
    const challenge = strongest(usable);
    if (this.#options.login === undefined) {
      this.#fail('refused', 'rtsp-401', `expected ${asked.method} to be allowed, got 401: the camera asks for a login`);
    } else if (challenge === undefined) {
      this.#fail('refused', 'rtsp-401', 'expected a Digest or Basic challenge, got 401 with none that can be answered');
    } else if (asked.repeated) {
      this.#fail('refused', 'rtsp-401', `expected ${asked.method} to be allowed, got 401: the login is not accepted`);
    } else {
      this.#challenge = challenge;
      this.#nonceCount = 0;
      this.#send({ ...asked, repeated: true });
    }
  }

  #redirect(location: string): void {
    const url = parseRtspUrl(location);
    if (url === undefined) {
      this.#fail('protocol', 'rtsp-redirect', 'expected a redirect to an RTSP URL, got another');
      return;
    }
    this.#step = 'over';
    this.#taker.redirected(location);
  }

  #ask(method: string, uri: string, headers: Headers = []): void {
    this.#send({ method, uri, headers, cseq: 0, repeated: false, deadlineMs: 0 });
  }

  #send(asked: Asked): void {
    asked.cseq = ++this.#cseq;
    asked.deadlineMs = this.#nowMs + this.#options.requestTimeoutMs;
    this.#asked = asked;
    const headers: (readonly [string, string])[] = [
      ['CSeq', `${asked.cseq}`],
      ['User-Agent', this.#options.userAgent],
    ];
    if (this.#sessionId !== undefined) headers.push(['Session', this.#sessionId]);
    if (this.#challenge !== undefined && this.#options.login !== undefined) {
      const { method, uri } = asked;
      const request = { method, uri, cnonce: this.#options.cnonce, count: ++this.#nonceCount };
      headers.push(['Authorization', answerChallenge(this.#challenge, this.#options.login, request)]);
    }
    this.#taker.write(writeRequest(asked.method, asked.uri, [...headers, ...asked.headers]));
  }

  #sendReports(nowMs: number): void {
    this.#reportAtMs = nowMs + reportEveryMs;
    const { ssrc } = this.#options;
    for (const [track, channel] of this.#rtcpChannels.entries()) {
      const report = this.#taker.report(track);
      if (report === undefined) continue;
      const rtcp = writeRtcp([
        { type: 'receiver-report', ssrc, reports: [report] },
        { type: 'source-description', ssrc, cname: 'ocellus' },
      ]);
      const packet = new Uint8Array(4 + rtcp.length);
      writeInterleavedHeader(packet, 0, channel, rtcp.length);
      packet.set(rtcp, 4);
      this.#taker.write(packet);
    }
  }

  #fail(kind: SessionFailure['kind'], code: string, message: string): void {
    if (this.#step === 'over') return;
    this.#step = 'over';
    this.#taker.failed({ kind, code, message });
  }
}
