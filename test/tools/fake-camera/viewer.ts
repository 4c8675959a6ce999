/** A small honest RTSP client for judging the fake camera: keeps every packet, with its time, as it came. */
import { createSocket, type Socket as Udp } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { answerChallenge, type Login, parseChallenges, strongest } from '#rtsp/auth';
import { bodyText, type Headers, headersNamed, type RtspResponse, sessionOf, writeRequest } from '#rtsp/message';
import { RtspParser } from '#rtsp/parser';
import { marksIn } from '../../../tools/fake-camera/mark.ts';

export interface Packet {
  readonly track: number;
  readonly rtcp: boolean;
  readonly bytes: Uint8Array;
  readonly atMs: number;
}

export const seqOf = (p: Packet): number => (p.bytes[2]! << 8) | p.bytes[3]!;
export const timestampOf = (p: Packet): number => new DataView(p.bytes.buffer, p.bytes.byteOffset).getUint32(4);
export const ssrcOf = (p: Packet): number => new DataView(p.bytes.buffer, p.bytes.byteOffset).getUint32(8);
export const payloadOf = (p: Packet): Uint8Array => p.bytes.subarray(12);

export class Viewer {
  readonly url: string;
  readonly login: Login | undefined;
  readonly packets: Packet[] = [];
  readonly chunks: number[] = [];
  skipped = 0;
  session = '';
  sdp = '';
  playAnswer: RtspResponse | undefined;
  lastChallenge = '';
  readonly socket: Socket;
  readonly closed: Promise<string>;
  readonly #parser: RtspParser;
  readonly #waiting: ((r: RtspResponse) => void)[] = [];
  readonly #udp: Udp[] = [];
  #authorized: ((method: string, uri: string) => Headers) | undefined;
  #cseq = 0;
  #nonceUses = 0;

  static async open(url: string): Promise<Viewer> {
    const u = new URL(url);
    const login = u.username
      ? { user: decodeURIComponent(u.username), password: decodeURIComponent(u.password) }
      : undefined;
    const socket = connect(Number(u.port), u.hostname);
    await new Promise<void>((done, failed) => {
      socket.once('connect', done);
      socket.once('error', failed);
    });
    return new Viewer(socket, `rtsp://${u.host}${u.pathname}`, login);
  }

  constructor(socket: Socket, url: string, login: Login | undefined) {
    this.socket = socket;
    this.url = url;
    this.login = login;
    let error = 'end';
    socket.on('error', (e: NodeJS.ErrnoException) => (error = e.code ?? e.message));
    this.closed = new Promise(done => socket.once('close', () => done(error)));
    this.#parser = new RtspParser({
      request: () => {},
      response: r => this.#waiting.shift()?.(r),
      interleaved: (channel, bytes, begin, end) =>
        this.#packet(channel >> 1, (channel & 1) === 1, bytes.slice(begin, end)),
      skipped: n => (this.skipped += n),
      broken: reason => socket.destroy(new Error(reason)),
    });
    socket.on('data', (bytes: Buffer) => {
      this.chunks.push(bytes.length);
      this.#parser.push(bytes);
    });
  }

  #packet(track: number, rtcp: boolean, bytes: Uint8Array): void {
    this.packets.push({ track, rtcp, bytes, atMs: performance.now() });
  }

  /** Sends a request and answers one challenge. */
  async request(method: string, uri: string, headers: Headers = []): Promise<RtspResponse> {
    const first = await this.#once(method, uri, headers);
    const challenge = strongest(parseChallenges(headersNamed(first, 'www-authenticate')));
    const login = this.login;
    if (first.status !== 401 || !challenge || !login) return first;
    this.lastChallenge = headersNamed(first, 'www-authenticate').join();
    this.#nonceUses = 0;
    this.#authorized = (m, to) => [
      [
        'Authorization',
        answerChallenge(challenge, login, { method: m, uri: to, cnonce: 'c', count: ++this.#nonceUses }),
      ],
    ];
    return this.#once(method, uri, headers);
  }

  #once(method: string, uri: string, headers: Headers): Promise<RtspResponse> {
    const session: Headers = this.session ? [['Session', this.session]] : [];
    const all: Headers = [
      ['CSeq', String(++this.#cseq)],
      ...session,
      ...(this.#authorized?.(method, uri) ?? []),
      ...headers,
    ];
    const answer = new Promise<RtspResponse>(done => this.#waiting.push(done));
    this.socket.write(writeRequest(method, uri, all));
    return Promise.race([answer, this.closed.then(why => Promise.reject(new Error(`closed: ${why}`)))]);
  }

  /** DESCRIBE, SETUP of tracks, PLAY; throws at the first answer that is not 200. */
  async play(transport: 'tcp' | 'udp' = 'tcp', tracks: readonly number[] = [0, 1]): Promise<this> {
    const ok = (r: RtspResponse, what: string): RtspResponse => {
      if (r.status !== 200) throw new Error(`${what}: ${r.status}`);
      return r;
    };
    this.sdp = bodyText(ok(await this.request('DESCRIBE', this.url), 'DESCRIBE'));
    for (const track of tracks) {
      const wish =
        transport === 'tcp'
          ? `RTP/AVP/TCP;unicast;interleaved=${2 * track}-${2 * track + 1}`
          : `RTP/AVP;unicast;client_port=${(await this.#listen(track)).join('-')}`;
      const answer = ok(await this.request('SETUP', `${this.url}/trackID=${track}`, [['Transport', wish]]), 'SETUP');
      this.session = sessionOf(answer)?.id ?? '';
    }
    this.playAnswer = ok(await this.request('PLAY', `${this.url}/`), 'PLAY');
    return this;
  }

  async #listen(track: number): Promise<number[]> {
    const ports: number[] = [];
    for (const rtcp of [false, true]) {
      const socket = createSocket('udp4');
      this.#udp.push(socket);
      socket.on('message', bytes => this.#packet(track, rtcp, new Uint8Array(bytes)));
      await new Promise<void>(done => socket.bind(0, '127.0.0.1', done));
      ports.push(socket.address().port);
    }
    return ports;
  }

  rtp(track: number): Packet[] {
    return this.packets.filter(p => p.track === track && !p.rtcp);
  }

  /** Numbers of the pictures whose marks arrived, in order of arrival. */
  get numbers(): number[] {
    return this.rtp(0).flatMap(p => marksIn(payloadOf(p)).map(m => m.unit));
  }

  /** Waits until it is so; fails after some seconds. */
  async until(so: () => boolean, seconds = 8): Promise<void> {
    const begin = performance.now();
    while (!so()) {
      if (performance.now() - begin > seconds * 1000) throw new Error(`not within ${seconds} s: ${so}`);
      await new Promise(done => setTimeout(done, 10));
    }
  }

  async close(): Promise<void> {
    this.socket.destroy();
    await Promise.all([this.closed, ...this.#udp.map(s => new Promise<void>(done => s.close(() => done())))]);
  }
}
