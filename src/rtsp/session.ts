/**
 * The client's side of one RTSP session (RFC 2326), from the first request to TEARDOWN, over
 * a connection that somebody else holds: OPTIONS, DESCRIBE, SETUP of every track, PLAY,
 * keep-alive, receiver reports. Media come interleaved in the connection, or by UDP to sockets
 * of the owner (`Datagrams`). Pure: bytes and times go in, calls of `SessionTaker` come out.
 * Times are milliseconds of one clock of the caller. Recordings of a device are replayed likewise
 * (ONVIF Streaming 6): by range of time, as fast as the connection is read.
 *
 * Cameras are taken as they are:
 *   - an answer without CSeq is the answer to what was asked last;
 *   - media may come before PLAY is answered, and is handed on;
 *   - the channels are those the camera names, not those asked for;
 *   - a camera that answers nothing any more but sends media is left in peace;
 *   - one that plays no aggregate (459, RFC 2326 11.3.10) is played track by track;
 *   - and more, each by its name, in `quirks.ts`.
 */
import { writeReceiverReport } from '#rtp/rtcp';
import { parseSdp, type SessionDescription } from '#sdp/sdp';
import { type Asked, playHeaders, requirement } from './asked.ts';
import { ChannelMap } from './channel-map.ts';
import { ClientLogin } from './client-login.ts';
import { KeepAlive } from './keep-alive.ts';
import {
  bodyText,
  cseqOf,
  type Headers,
  header,
  interleavedPacket,
  type RtspRequest,
  type RtspResponse,
  sessionOf,
  statusText,
  writeRequest,
  writeResponse,
} from './message.ts';
import { RtspParser, type RtspTaker } from './parser.ts';
import { lackOf, type Presentation, presentationOf } from './presentation.ts';
import type { Lessons, QuirkName } from './quirks.ts';
import type { SessionFailure, SessionOptions, SessionTaker } from './session-owner.ts';
import { deliveryOf, type MediaTransport, rtpInfo, transportWanted } from './transport.ts';
import { parseRtspUrl, queryOf } from './url.ts';

export type { Datagrams, SessionFailure, SessionOptions, SessionTaker } from './session-owner.ts';

type Step = 'OPTIONS' | 'DESCRIBE' | 'SETUP' | 'PLAY' | 'playing' | 'over';

const reportEveryMs = 5_000;
const foreignMs = 1_000;

export class RtspSession implements RtspTaker {
  readonly #options: SessionOptions;
  readonly #taker: SessionTaker;
  readonly #transport: MediaTransport;
  readonly #login: ClientLogin;
  readonly #alive: KeepAlive;
  #parser: RtspParser;
  #step: Step = 'OPTIONS';
  #nowMs = 0;
  #cseq = 0;
  #asked: Asked | undefined;
  /** May be the answer, if none with the right CSeq comes. */
  #foreign: { readonly response: RtspResponse; readonly untilMs: number } | undefined;
  #sdp: SessionDescription | undefined;
  #presentation: Presentation = { tracks: [], control: '', ignored: [], quirks: [] };
  #setUp = 0;
  #setUpBegan = false;
  /** RTP ports of ours, by track. */
  #ports: readonly number[] = [];
  /** The track that PLAY goes to; -1: to all at once. */
  #playAt = -1;
  #rtpTimes: (number | undefined)[] = [];
  #sessionId: string | undefined;

  #reportAtMs = 0;
  readonly #channels = new ChannelMap();
  /** Channel for our RTCP of each track that is set up; -1: by `Datagrams`. */
  readonly #rtcpChannels: number[] = [];
  readonly #quirks = new Set<QuirkName>();

  constructor(options: SessionOptions, taker: SessionTaker) {
    this.#options = options;
    this.#taker = taker;
    this.#transport = options.transport ?? 'tcp';
    this.#login = new ClientLogin(options.login, options.basic, options.cnonce);
    this.#alive = new KeepAlive(options.lessons);
    this.#parser = new RtspParser(this);
  }

  get step(): Step {
    return this.#step;
  }

  /** The camera was asked for this transport: what went wrong since may be about it. */
  get setUpAsked(): boolean {
    return this.#setUpBegan;
  }

  /** The session has ended against our will; media came until `mediaMs`. What the next one is to do better. */
  lessons(mediaMs: number): Lessons {
    return this.#alive.lessons(mediaMs);
  }

  start(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#ask('OPTIONS', this.#options.uri);
  }

  push(bytes: Uint8Array, length: number, nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.#step !== 'over') this.#parser.push(bytes, length);
  }

  /** Ports for the media of each track, by `Datagrams.open`; RTCP comes to the one above. */
  portsOpen(ports: readonly number[], nowMs: number): void {
    this.#nowMs = nowMs;
    this.#ports = ports;
    if (this.#step === 'SETUP') this.#askSetUp();
  }

  /**
   * The connection was lost and is there again. A session whose media come by UDP outlives
   * it (RFC 2326 1.1), if the camera has it so: asked at once.
   */
  reconnected(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#parser = new RtspParser(this);
    this.#asked = this.#foreign = undefined;
    if (this.#step === 'playing') this.#keepAlive();
  }

  /** At least once a second. */
  tick(nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.#step === 'over') return;
    const asked = this.#asked;
    if (asked && this.#foreign && nowMs >= this.#foreign.untilMs) {
      this.#quirk('foreign-cseq');
      this.#answered(asked, this.#foreign.response);
    } else if (asked && nowMs >= asked.deadlineMs) {
      this.#asked = undefined;
      if (this.#step === 'PLAY' && this.#taker.report(0) !== undefined) {
        this.#quirk('play-unanswered');
        this.#played([]);
      } else if (this.#step !== 'playing') {
        const seconds = this.#options.requestTimeoutMs / 1000;
        this.#fail('timeout', 'rtsp-no-answer', `expected an answer to ${asked.method} within ${seconds} s, got none`);
        return;
      }
    }
    if (this.#step !== 'playing') return;
    if (!this.#asked && this.#alive.isDue(nowMs)) this.#keepAlive();
    if (nowMs >= this.#reportAtMs) this.#sendReports(nowMs);
  }

  /** Says goodbye, if there is a session to end; the connection may be closed after it. */
  teardown(): void {
    const all = this.#playAt < 0 ? [this.#control] : this.#presentation.tracks.map(t => t.control);
    if (this.#step !== 'over' && this.#sessionId !== undefined) for (const uri of all) this.#ask('TEARDOWN', uri);
    this.#step = 'over';
  }

  // What the parser says, RtspTaker:

  interleaved(channel: number, bytes: Uint8Array, begin: number, end: number): void {
    const target = this.#channels.targetOf(channel, bytes, begin, end);
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
    // Without Location: to where it is, anew (RFC 7826 13.10).
    if (request.method === 'REDIRECT' && this.#step !== 'over')
      this.#redirect(header(request, 'location') ?? this.#options.uri);
  }

  response(response: RtspResponse): void {
    const asked = this.#asked;
    const cseq = cseqOf(response);
    if (this.#step === 'over' || !asked || response.status < 200) return;
    if (cseq !== undefined && cseq !== asked.cseq && !this.#quirks.has('foreign-cseq')) {
      // Too late, or to nothing; but a number that nobody has used may be the camera's own count.
      if (cseq === 0 || cseq > asked.cseq) this.#foreign = { response, untilMs: this.#nowMs + foreignMs };
      return;
    }
    this.#answered(asked, response);
  }

  #answered(asked: Asked, response: RtspResponse): void {
    this.#asked = this.#foreign = undefined;
    if (this.#step === 'playing') this.#alive.answered();
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
    if (response.status === 459 && this.#step === 'PLAY' && this.#playAt < 0) {
      this.#playAt = 0;
      this.#askPlay();
      return;
    }
    if (this.#askedInAnotherWay(asked, response.status)) return;
    // Whoever cannot say what it can do may still do it.
    if (response.status !== 200 && this.#step !== 'OPTIONS') {
      // A camera that is still starting says 404 or 454 and means: not yet. 403 is meant for this login.
      const kind = response.status === 403 ? 'refused' : 'protocol';
      this.#fail(kind, `rtsp-${response.status}`, `expected 200 to ${asked.method}, got ${statusText(response)}`);
      return;
    }
    this.#next(response);
  }

  /** A refusal that there is a remedy for. */
  #askedInAnotherWay(asked: Asked, status: number): boolean {
    if (this.#step === 'PLAY' && [400, 457].includes(status) && asked.headers.some(h => h[1].startsWith('npt='))) {
      this.#quirk('range-refused');
      this.#ask('PLAY', asked.uri);
      return true;
    }
    if (this.#step !== 'SETUP' || this.#setUp > 0 || ![400, 404, 451, 454].includes(status)) return false;
    const { uri, want } = this.#options;
    const query = queryOf(uri);
    if (query === '' || asked.uri.includes(query) || this.#sdp === undefined) return false;
    this.#quirk('query-lost');
    this.#presentation = presentationOf(this.#sdp, uri, want);
    this.#askSetUp();
    return true;
  }

  #quirk(name: QuirkName): void {
    if (this.#quirks.has(name)) return;
    this.#quirks.add(name);
    this.#taker.quirk(name);
  }

  #next(response: RtspResponse): void {
    switch (this.#step) {
      case 'OPTIONS':
        this.#alive.announced(header(response, 'public') ?? '');
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
        this.#played(response.headers);
        break;
      default: // playing, over: not here
    }
  }

  #played(headers: Headers): void {
    const controls = this.#presentation.tracks.map(t => t.control);
    const info = header({ headers }, 'rtp-info');
    if (this.#playAt < 0) this.#rtpTimes = rtpInfo(info, controls);
    else {
      this.#rtpTimes.push(rtpInfo(info, controls.slice(this.#playAt, this.#playAt + 1))[0]);
      this.#playAt++;
      if (this.#playAt < controls.length) {
        this.#askPlay();
        return;
      }
    }
    this.#step = 'playing';
    this.#alive.begin(this.#nowMs);
    this.#reportAtMs = this.#nowMs + 1_000;
    this.#taker.playing(this.#rtpTimes);
  }

  #describe(response: RtspResponse): void {
    const said = [header(response, 'content-base'), header(response, 'content-location')];
    const base = said.find(b => b !== undefined && parseRtspUrl(b) !== undefined) ?? this.#options.uri;
    const sdp = parseSdp(bodyText(response));
    this.#sdp = sdp;
    this.#presentation = presentationOf(sdp, base, this.#options.want);
    const { tracks, ignored } = this.#presentation;
    for (const name of this.#presentation.quirks) this.#quirk(name);
    const lack = lackOf(this.#presentation, sdp);
    if (lack !== undefined) {
      // Nothing at all is what a camera describes that is still starting.
      this.#fail(ignored.length > 0 ? 'unsupported' : 'protocol', 'no-supported-media', lack);
      return;
    }
    this.#step = 'SETUP';
    this.#taker.described(
      tracks.map(t => t.media),
      ignored,
    );
    // The owner says when its ports are open.
    if (this.#transport === 'udp') this.#options.datagrams?.open(tracks.length);
    else this.#askSetUp();
  }

  #askSetUp(): void {
    const track = this.#presentation.tracks[this.#setUp];
    if (track === undefined) {
      this.#step = 'PLAY';
      this.#askPlay();
      return;
    }
    this.#setUpBegan = true;
    const transport = transportWanted(this.#transport, this.#firstOf(this.#setUp));
    this.#ask('SETUP', track.control, [...requirement(this.#options.replay), ['Transport', transport]]);
  }

  /** The first of the pair of channels or ports that is proposed for a track. */
  #firstOf(track: number): number {
    return this.#transport === 'udp' ? (this.#ports[track] ?? 0) : 2 * track;
  }

  #askPlay(): void {
    this.#ask('PLAY', this.#control, playHeaders(this.#options.replay));
  }

  /** What requests about the session as a whole name: one of its tracks where the camera knows no whole. */
  get #control(): string {
    const tracks = this.#presentation.tracks;
    const one = this.#playAt < 0 ? undefined : tracks[Math.min(this.#playAt, tracks.length - 1)];
    return one?.control ?? this.#presentation.control;
  }

  #keepAlive(): void {
    this.#ask(this.#alive.next(this.#nowMs), this.#control);
  }

  #setUpTrack(response: RtspResponse): void {
    const session = sessionOf(response);
    if (session) {
      this.#sessionId ??= session.id;
      // Said for one track it holds for the others, which need not repeat it.
      if (session.timeoutSeconds !== undefined) this.#alive.timeout(session.timeoutSeconds);
    }
    const asked = this.#transport;
    const delivery = deliveryOf(header(response, 'transport'), asked, this.#firstOf(this.#setUp));
    if (delivery === undefined) {
      const expected = asked === 'tcp' ? 'RTP interleaved in the connection' : `RTP by ${asked}`;
      this.#fail('transport', 'rtsp-transport', `expected ${expected}, got another transport`);
      return;
    }
    if (delivery.kind === 'tcp') {
      const { rtp, rtcp } = delivery;
      const payloadType = this.#presentation.tracks[this.#setUp]?.media.payloadType ?? -1;
      this.#rtcpChannels[this.#setUp] = rtcp;
      const expected = [rtp, rtcp];
      if (this.#channels.assign(this.#setUp, rtp, rtcp, payloadType)) {
        this.#quirk('shared-channels');
        const proposed = this.#firstOf(this.#setUp);
        this.#channels.assume(this.#setUp, proposed, proposed + 1, payloadType);
        expected.push(proposed, proposed + 1);
      }
      for (const channel of expected) this.#parser.expectChannel(channel);
    } else {
      this.#rtcpChannels[this.#setUp] = -1;
      this.#options.datagrams?.delivery(this.#setUp, delivery);
    }
    this.#setUp++;
    this.#askSetUp();
  }

  #keptAlive(asked: Asked, response: RtspResponse): void {
    if (response.status === 454) {
      this.#fail('protocol', 'rtsp-454', `expected 200 to ${asked.method}, got 454 Session Not Found`);
    } else if (response.status !== 200) this.#alive.refused(this.#nowMs);
  }

  #authorize(asked: Asked, response: RtspResponse): void {
    const answer = this.#login.challenged(response, asked.method, asked.repeats);
    if (typeof answer !== 'string') {
      if (answer.quirk !== undefined) this.#quirk(answer.quirk);
      this.#send({ ...asked, repeats: asked.repeats + 1 });
    } else if (this.#step !== 'playing') this.#fail('refused', 'rtsp-401', answer);
    else {
      this.#quirk('keep-alive-unauthorized');
      this.#alive.change();
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
    this.#send({ method, uri, headers, cseq: 0, repeats: 0, deadlineMs: 0 });
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
    const authorization = this.#login.authorization(asked.method, asked.uri);
    if (authorization !== undefined) headers.push(['Authorization', authorization]);
    this.#taker.write(writeRequest(asked.method, asked.uri, [...headers, ...asked.headers]));
  }

  #sendReports(nowMs: number): void {
    this.#reportAtMs = nowMs + reportEveryMs;
    const { ssrc } = this.#options;
    for (const [track, channel] of this.#rtcpChannels.entries()) {
      const report = this.#taker.report(track);
      if (report === undefined) continue;
      const rtcp = writeReceiverReport(ssrc, report, 'ocellus');
      if (channel < 0) this.#options.datagrams?.rtcp(track, rtcp);
      else this.#taker.write(interleavedPacket(channel, rtcp));
    }
  }

  #fail(kind: SessionFailure['kind'], code: string, message: string): void {
    if (this.#step === 'over') return;
    this.#step = 'over';
    this.#taker.failed({ kind, code, message });
  }
}
