/**
 * One RTSP connection as the server sees it (RFC 2326, state machine of A.2): bytes in,
 * effects out. What only the owner can know (may this user? what is there? which ports?)
 * it asks as a question, and goes on when the answer comes, at once or much later; requests
 * that arrive meanwhile wait, a few of them. No socket, no clock. A client plays (DESCRIBE,
 * SETUP, PLAY) or publishes (ANNOUNCE, SETUP, RECORD; RFC 2326 10.3, 10.11).
 *
 * One session per connection, ended with it: RFC 2326 lets a session outlive its
 * connection, but then nobody would be left to end it. Left out: REDIRECT, and an ANNOUNCE
 * that changes what is announced already.
 */

import { Announced } from '#rtsp/announced';
import { type Headers, header, type RtspRequest, sessionOf, writeResponse } from '#rtsp/message';
import { RtspParser } from '#rtsp/parser';
import type { Answer, MediaIn, Question, ServerEffect } from '#rtsp/server-dialogue';
import { type Target, targetOf } from '#rtsp/server-target';
import { chooseTransport, type MulticastPlace, type ServerTransport, transportText } from '#rtsp/server-transport';

export interface ServerOptions {
  /** Unguessable; RFC 2326 3.4 wants 8 characters or more. */
  readonly sessionId: string;
  /** Announced, and kept: a session silent for longer ends, and its connection with it. */
  readonly timeoutSeconds: number;
  /** `requests`: only those keep a session alive, as strict cameras have it; `anything`: RTCP too (RFC 2326 has it so). */
  readonly keepAlive: 'requests' | 'anything';
  readonly transports: readonly ('tcp' | 'udp')[];
  /** Where media may go by multicast; without it, they may not. */
  readonly multicast?: MulticastPlace;
  /** Value of `Server`. */
  readonly name: string;
  /** Feature tags that `Require` may name. */
  readonly features?: readonly string[];
}

export interface TrackSetup {
  readonly track: number;
  readonly transport: ServerTransport;
  /** As the client calls it. */
  readonly url: string;
}

/** Requests that may wait for an answer of the owner; more end the connection. With the parser's limits at most 256 KiB. */
const waitingLimit = 8;
const limits = { headBytes: 16 << 10, bodyBytes: 16 << 10 };
/** Bytes that are neither request nor packet before we stop listening. */
const debrisLimit = 64 << 10;

const playing = ['OPTIONS', 'DESCRIBE', 'SETUP', 'PLAY', 'PAUSE', 'TEARDOWN', 'GET_PARAMETER', 'SET_PARAMETER'];
const publishing = ['ANNOUNCE', 'RECORD'];
/** About whatever the session is about. */
const either = ['SETUP', 'PAUSE', 'TEARDOWN', 'GET_PARAMETER', 'SET_PARAMETER'];

type State = 'init' | 'ready' | 'playing' | 'recording' | 'closed';

interface Pending {
  readonly request: RtspRequest;
  readonly cseq: string;
  readonly target: Target;
  readonly question: Question['ask'];
  readonly transport?: ServerTransport;
}

export class ServerSession {
  readonly #options: ServerOptions;
  readonly #parser: RtspParser;
  readonly #tracks = new Map<number, TrackSetup>();
  readonly #media: MediaIn | undefined;
  #state: State = 'init';
  /** The presentation whose tracks are set up. */
  #presentation: Target | undefined;
  /** What the client is going to send, if it is. */
  #announced: Announced | undefined;
  #sessions = 0;
  #pending: Pending | undefined;
  #waiting: RtspRequest[] = [];
  #debris = 0;
  #nowMs = 0;
  #aliveMs: number;
  #effects: ServerEffect[] = [];

  /** Without `media` nobody can publish: ANNOUNCE is answered with 501. */
  constructor(options: ServerOptions, nowMs: number, media?: MediaIn) {
    this.#options = options;
    this.#media = media;
    this.#aliveMs = nowMs;
    this.#parser = new RtspParser(
      {
        request: request => this.#effects.push(...this.#take(request)),
        response: () => this.#alive(), // the answer to a request of ours; we send none
        interleaved: (channel, bytes, begin, end) => this.#interleaved(channel, bytes, begin, end),
        skipped: bytes => this.#skipped(bytes),
        broken: reason => this.#effects.push(...this.#close(reason, true)),
      },
      limits,
    );
  }

  get state(): State {
    return this.#state;
  }

  /** Those set up, by track number. */
  get tracks(): readonly TrackSetup[] {
    return [...this.#tracks.values()].sort((a, b) => a.track - b.track);
  }

  push(bytes: Uint8Array, nowMs: number, length: number = bytes.length): ServerEffect[] {
    this.#nowMs = nowMs;
    if (this.#state !== 'closed') this.#parser.push(bytes, length);
    return this.#taken();
  }

  /** The owner's answer to the one open question; without one, or of the wrong kind, it counts as refused with 500. */
  answer(answer: Answer, nowMs: number): ServerEffect[] {
    this.#nowMs = nowMs;
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending && this.#state !== 'closed') this.#effects.push(...this.#answered(pending, answer));
    while (!this.#pending && this.#state !== 'closed') {
      const next = this.#waiting.shift();
      if (!next) break;
      this.#effects.push(...this.#take(next));
    }
    return this.#taken();
  }

  /** The client was heard by another way: RTCP over UDP. */
  heard(nowMs: number): void {
    if (this.#options.keepAlive === 'anything') this.#aliveMs = nowMs;
  }

  /** Call about once a second. */
  tick(nowMs: number): ServerEffect[] {
    this.#nowMs = nowMs;
    if (this.#state !== 'closed' && nowMs - this.#aliveMs > this.#options.timeoutSeconds * 1000) {
      this.#effects.push(...this.#end('timeout'));
      this.#effects.push(...this.#close(`nothing heard for ${this.#options.timeoutSeconds} s`, false));
    }
    return this.#taken();
  }

  #taken(): ServerEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  #take(request: RtspRequest): ServerEffect[] {
    if (this.#state === 'closed') return [];
    if (this.#pending) {
      if (this.#waiting.length >= waitingLimit) return this.#close(`more than ${waitingLimit} requests wait`, false);
      this.#waiting.push(request);
      return [];
    }
    const cseq = header(request, 'cseq') ?? '';
    if (!/^\d{1,10}$/.test(cseq)) return this.#write(400, []);
    const id = sessionOf(request)?.id;
    if (id !== undefined && id !== this.#id) return this.#write(454, [['CSeq', cseq]]);
    this.#alive();
    const target = this.#announced?.target(request.uri) ?? targetOf(request.uri);
    if (!target) return this.#write(400, [['CSeq', cseq]]);
    const unsupported = (header(request, 'require') ?? '')
      .split(',')
      .map(s => s.trim())
      .filter(s => s !== '' && !this.#options.features?.includes(s));
    if (unsupported.length > 0)
      return this.#write(551, [
        ['CSeq', cseq],
        ['Unsupported', unsupported.join(', ')],
      ]);
    const { method } = request;
    const publishes = publishing.includes(method) || (this.#announced !== undefined && either.includes(method));
    return this.#ask({ request, cseq, target, question: 'admit' }, { ask: 'admit', request, target, publishes });
  }

  #ask(pending: Pending, question: Question): ServerEffect[] {
    this.#pending = pending;
    return [{ do: 'ask', question }];
  }

  #answered(p: Pending, answer: Answer): ServerEffect[] {
    if (answer.as === 'refuse') return this.#reply(p, answer.status, answer.headers);
    if (answer.as !== p.question) return this.#reply(p, 500);
    switch (answer.as) {
      case 'admit':
        return this.#admitted(p);
      case 'describe':
        return this.#reply(
          p,
          200,
          [['Content-Base', `${p.target.url}/`], ['Content-Type', 'application/sdp'], ...(answer.headers ?? [])],
          answer.sdp,
        );
      case 'announce':
        this.#announced = new Announced(p.target, answer.controls);
        this.#presentation = p.target;
        return this.#reply(p, 200);
      case 'setup':
        return this.#setUp(p, answer);
      case 'play': {
        const info = answer.info
          .filter(i => this.#tracks.has(i.track))
          .map(i => `url=${this.#tracks.get(i.track)?.url};seq=${i.seq};rtptime=${i.timestamp}`);
        this.#state = 'playing';
        const headers: Headers = [
          this.#sessionHeader(),
          ['Range', answer.range],
          ...(info.length > 0 ? [['RTP-Info', info.join(',')] as const] : []),
          ...(answer.headers ?? []),
        ];
        return [...this.#reply(p, 200, headers), { do: 'play' }];
      }
    }
  }

  #admitted(p: Pending): ServerEffect[] {
    const { request, target } = p;
    const known = sessionOf(request) !== undefined;
    switch (request.method) {
      case 'OPTIONS':
        return this.#reply(p, 200, [['Public', this.#methods.join(', ')]]);
      case 'DESCRIBE':
        return this.#ask({ ...p, question: 'describe' }, { ask: 'describe', request, target });
      case 'ANNOUNCE':
        if (!this.#media) return this.#unknown(p);
        if (this.#state !== 'init' || this.#announced) return this.#reply(p, 455);
        return this.#ask({ ...p, question: 'announce' }, { ask: 'announce', request, target });
      case 'SETUP':
        return this.#askSetup(p);
      case 'GET_PARAMETER':
      case 'SET_PARAMETER':
        // Without a body both are pings; parameters we have none.
        return this.#reply(p, request.body.length === 0 ? 200 : 451, known ? [this.#sessionHeader()] : []);
      case 'PLAY':
      case 'RECORD':
      case 'PAUSE':
      case 'TEARDOWN':
        if (request.method === 'RECORD' && !this.#media) return this.#unknown(p);
        if (!known) return this.#reply(p, 454);
        if (this.#state === 'init') return this.#reply(p, 455);
        return this.#control(p);
      default:
        return this.#unknown(p);
    }
  }

  #unknown(p: Pending): ServerEffect[] {
    return this.#reply(p, 501, [['Allow', this.#methods.join(', ')]]);
  }

  #askSetup(p: Pending): ServerEffect[] {
    if (this.#state === 'playing' || this.#state === 'recording') return this.#reply(p, 455);
    const publishes = this.#announced !== undefined;
    if (this.#presentation && !samePresentation(this.#presentation, p.target)) return this.#reply(p, 459);
    const taken = this.tracks.filter(t => t.track !== p.target.track);
    const transport = chooseTransport(
      header(p.request, 'transport') ?? '',
      this.#options.transports,
      taken.map(t => t.transport),
      this.#options.multicast,
      publishes ? 'record' : 'play',
    );
    if (!transport) return this.#reply(p, 461);
    return this.#ask({ ...p, question: 'setup', transport }, { ask: 'setup', target: p.target, transport, publishes });
  }

  #setUp(p: Pending, answer: Extract<Answer, { as: 'setup' }>): ServerEffect[] {
    const { transport } = p;
    if (!transport) return this.#reply(p, 500);
    if (this.#state === 'init') {
      this.#state = 'ready';
      this.#sessions += 1;
      this.#presentation = p.target;
    }
    const url = p.target.track === undefined ? `${this.#url}/trackID=${answer.track}` : p.target.control;
    this.#tracks.set(answer.track, { track: answer.track, transport, url });
    if (transport.kind === 'tcp') {
      for (const channel of [transport.channel, transport.channel + 1]) this.#parser.expectChannel(channel);
      this.#announced?.channels(answer.track, transport.channel);
    }
    return this.#reply(p, 200, [
      ['Transport', transportText(transport, answer.ssrc, answer.serverPorts)],
      this.#sessionHeader(),
    ]);
  }

  /**
   * PLAY, RECORD, PAUSE and TEARDOWN mean the whole session even if they name one of its tracks:
   * GStreamer plays track by track where the SDP has no aggregate control URL.
   */
  #control(p: Pending): ServerEffect[] {
    const { request, target } = p;
    if (this.#presentation && !samePresentation(this.#presentation, target)) return this.#reply(p, 404);
    if (request.method === (this.#announced ? 'PLAY' : 'RECORD')) return this.#reply(p, 455);
    if (request.method === 'RECORD') {
      this.#state = 'recording';
      return [...this.#reply(p, 200, [this.#sessionHeader()]), { do: 'record' }];
    }
    if (request.method === 'PLAY') return this.#ask({ ...p, question: 'play' }, { ask: 'play', request, target });
    const done = this.#reply(p, 200, [['Session', this.#id ?? '']]);
    if (request.method === 'TEARDOWN') return [...done, ...this.#end('teardown')];
    if (this.#state === 'ready') return done;
    this.#state = 'ready';
    return [...done, { do: 'pause' }];
  }

  #interleaved(channel: number, bytes: Uint8Array, begin: number, end: number): void {
    if (this.#options.keepAlive === 'anything') this.#alive();
    if (this.#announced) {
      const place = this.#state === 'recording' ? this.#announced.placeOf(channel) : -1;
      if (place < 0 || !this.#media) return;
      if (place & 1) this.#media.rtcp(place >> 1, bytes, begin, end);
      else this.#media.rtp(place >> 1, bytes, begin, end);
      return;
    }
    this.#effects.push({ do: 'rtcp', channel, bytes: bytes.slice(begin, end) });
  }

  #skipped(bytes: number): void {
    this.#debris += bytes;
    if (this.#debris > debrisLimit)
      this.#effects.push(...this.#close(`expected RTSP, got ${this.#debris} bytes of something else`, true));
  }

  #alive(): void {
    this.#aliveMs = this.#nowMs;
  }

  #end(why: 'teardown' | 'timeout' | 'closed'): ServerEffect[] {
    const had = this.#announced !== undefined || (this.#state !== 'init' && this.#state !== 'closed');
    this.#tracks.clear();
    this.#announced = undefined;
    this.#presentation = undefined;
    if (this.#state !== 'closed') this.#state = 'init';
    return had ? [{ do: 'end', why }] : [];
  }

  #close(why: string, tell: boolean): ServerEffect[] {
    if (this.#state === 'closed') return [];
    const last: ServerEffect[] = [...(tell ? this.#write(400, []) : []), ...this.#end('closed'), { do: 'close', why }];
    this.#state = 'closed';
    this.#pending = undefined;
    this.#waiting = [];
    return last;
  }

  get #methods(): readonly string[] {
    return this.#media ? [...playing, ...publishing] : playing;
  }

  /** Of the session that is set up; undefined while none is. */
  get #id(): string | undefined {
    if (this.#state === 'init' || this.#state === 'closed') return undefined;
    return this.#sessions === 1 ? this.#options.sessionId : `${this.#options.sessionId}-${this.#sessions}`;
  }

  get #url(): string {
    return this.#presentation?.url ?? '';
  }

  #sessionHeader(): readonly [string, string] {
    return ['Session', `${this.#id ?? ''};timeout=${this.#options.timeoutSeconds}`];
  }

  #reply(p: Pending, status: number, headers: Headers = [], body = ''): ServerEffect[] {
    return this.#write(status, [['CSeq', p.cseq], ...headers], body);
  }

  #write(status: number, headers: Headers, body = ''): ServerEffect[] {
    return [{ do: 'write', text: writeResponse(status, [...headers, ['Server', this.#options.name]], body) }];
  }
}

const samePresentation = (a: Target, b: Target): boolean =>
  a.presentation === b.presentation && (a.query === b.query || b.query === '');
