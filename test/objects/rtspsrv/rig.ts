/** An RTSP server over loopback with sources that a test feeds by hand, and a client that does what it is told. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Authenticator } from '#capability/authenticator';
import type { Ingest } from '#capability/ingest';
import type { LiveMedia } from '#capability/live-media';
import type { RecordedMedia } from '#capability/recorded-media';
import { clipRun } from '#fake/clip';
import { fakeContext } from '#fake/context';
import { FakeClock, fakeWorld } from '#fake/world';
import { createTcp } from '#host/tcp';
import { createUdp } from '#host/udp';
import { Hub } from '#hub/hub';
import type { AccessUnit } from '#media/access-unit';
import { parseRtcp, type RtcpPacket } from '#rtp/rtcp';
import type { RtspResponse } from '#rtsp/message';
import { RtspParser } from '#rtsp/parser';
import rtspsrv from '../../../objects/rtspsrv/index.ts';
import { createRtspsrv } from '../../../objects/rtspsrv/server.ts';
import { markNalu } from '../../../tools/fake-camera/mark.ts';

export type T = { after(f: () => Promise<void> | void): void };

export async function until(what: string, ask: () => boolean, timeoutMs = 5000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!ask()) {
    if (performance.now() > end) assert.fail(`${what}: not within ${timeoutMs} ms`);
    await new Promise(r => setTimeout(r, 5));
  }
}

/** A source whose pictures (and sound) come from the clip, numbered in an SEI, when a test says `give`. */
export class Source {
  readonly hub: Hub;
  readonly media: LiveMedia;
  readonly attached: string[] = [];
  readonly bugs: unknown[] = [];
  #units: readonly AccessUnit[];
  #at = 0;
  /** Of the next picture. */
  number = 0;

  constructor(what: Parameters<typeof clipRun>[1] = {}) {
    this.hub = new Hub({ gopLimitBytes: 16 << 20, gopLimitMs: 32_000, onBug: e => this.bugs.push(e) });
    this.#units = clipRun(1, { seconds: 60, ...what }).units;
    this.media = {
      attach: (sink, how) => {
        this.attached.push(how.who);
        return this.hub.attach(sink, how);
      },
      run: () => this.hub.run,
    };
  }

  /** Another run, from its first picture on. */
  again(id: number, what: Parameters<typeof clipRun>[1] = {}): void {
    this.#units = clipRun(id, { seconds: 60, ...what }).units;
    this.#at = 0;
  }

  /** So many pictures, and the sound between them. `paddingBytes` makes pictures large. */
  give(pictures: number, paddingBytes = 0): void {
    for (let given = 0; given < pictures; ) {
      const unit = this.#units[this.#at++];
      assert.ok(unit, 'the clip is long enough');
      const isPicture = unit.run.tracks[unit.track]?.kind === 'video';
      if (isPicture) given++;
      this.hub.publish(isPicture ? { ...unit, data: marked(unit.data, this.number++, paddingBytes) } : unit);
    }
  }
}

/** The picture behind its number, and filler data (NAL unit type 12) behind it. */
export function marked(data: Uint8Array, unit: number, paddingBytes: number): Uint8Array {
  const mark = markNalu({ camera: 0, unit, atNs: 0n });
  const filler = paddingBytes > 0 ? new Uint8Array(paddingBytes).fill(0xff) : new Uint8Array(0);
  if (paddingBytes > 0) filler[0] = 12;
  const nalus = [mark, ...(paddingBytes > 0 ? [filler] : [])];
  const out = new Uint8Array(nalus.reduce((n, x) => n + 4 + x.length, data.length));
  const view = new DataView(out.buffer);
  out.set(mark, 4);
  view.setUint32(0, mark.length);
  out.set(data, 4 + mark.length);
  if (paddingBytes > 0) {
    view.setUint32(4 + mark.length + data.length, filler.length);
    out.set(filler, 8 + mark.length + data.length);
  }
  return out;
}

export interface Rig {
  readonly port: number;
  readonly clock: FakeClock;
  readonly world: ReturnType<typeof fakeWorld>;
  readonly context: ReturnType<typeof fakeContext>;
  link(
    sources: Readonly<Record<string, Source>>,
    authenticator?: Authenticator,
    storages?: Readonly<Record<string, RecordedMedia>>,
  ): void;
  client(): Promise<Client>;
}

/** The server with a clock that moves when told. Nothing may be left open at the end. */
export async function serve(
  t: T,
  sources: Readonly<Record<string, Source>>,
  {
    authenticator,
    config = {},
    pushes = {},
    storages = {},
  }: {
    authenticator?: Authenticator;
    config?: Record<string, unknown>;
    storages?: Readonly<Record<string, RecordedMedia>>;
    /** Sources that somebody can publish into. */
    pushes?: Readonly<Record<string, { readonly media: LiveMedia; readonly ingest: Ingest }>>;
  } = {},
): Promise<Rig> {
  const clock = new FakeClock();
  const world = fakeWorld({ clock, tcp: createTcp(), udp: createUdp() });
  const defaults = { port: 0, address: '127.0.0.1', timeout: 60, transport: ['tcp', 'udp'] };
  const context = fakeContext(rtspsrv, 'server', { ...defaults, ...config }, world);
  let urls: readonly string[] = [];
  const object = createRtspsrv({ ...context, announce: (said: readonly string[]) => (urls = said) } as never);
  const link = (of: Readonly<Record<string, Source>>, guard?: Authenticator, archives = storages): void => {
    const media = new Map([...Object.entries(of), ...Object.entries(pushes)].map(([name, s]) => [name, s.media]));
    const ingests = new Map(Object.entries(pushes).map(([name, s]) => [name, s.ingest]));
    void object.link({
      sources: media,
      storages: new Map(Object.entries(archives)),
      ingests,
      authenticator: guard,
    } as never);
  };
  link(sources, authenticator);
  await object.start();
  assert.equal(urls.length, 1, 'it listens when it has started');
  const port = Number(/:(\d+)\/$/.exec(urls[0] ?? '')?.[1]);
  t.after(async () => {
    await context.scope.close();
    assert.deepEqual([context.scope.open, clock.waiting, context.said.faults], [[], 0, []]);
    for (const s of Object.values(sources)) assert.deepEqual([s.bugs, s.hub.size], [[], 0]);
  });
  return { port, clock, world, context, link, client: () => Client.open(t, port) };
}

export interface Got {
  readonly channel: number;
  readonly bytes: Uint8Array;
}

export class Client {
  readonly socket: Socket;
  readonly port: number;
  /** Interleaved packets, in order. */
  readonly got: Got[] = [];
  readonly #answers: RtspResponse[] = [];
  closed = false;
  session = '';
  #cseq = 0;

  static async open(t: T, port: number): Promise<Client> {
    const socket = connect(port, '127.0.0.1');
    t.after(() => void socket.destroy());
    await once(socket, 'connect');
    return new Client(socket, port);
  }

  constructor(socket: Socket, port: number) {
    this.socket = socket;
    this.port = port;
    const parser = new RtspParser({
      request: () => assert.fail('a server asks nothing'),
      response: r => void this.#answers.push(r),
      interleaved: (channel, bytes, begin, end) => void this.got.push({ channel, bytes: bytes.slice(begin, end) }),
      skipped: n => assert.fail(`${n} bytes of nonsense`),
      broken: why => assert.fail(why),
    });
    socket.on('data', (bytes: Buffer) => parser.push(new Uint8Array(bytes)));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
    });
  }

  url(path: string): string {
    return `rtsp://127.0.0.1:${this.port}/${path}`;
  }

  send(method: string, path: string, headers: Readonly<Record<string, string>> = {}, body = ''): void {
    const all = {
      ...(body === '' ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }),
      CSeq: String(++this.#cseq),
      ...(this.session === '' ? {} : { Session: this.session }),
      ...headers,
    };
    const lines = Object.entries(all).map(([n, v]) => `${n}: ${v}`);
    this.socket.write([`${method} ${this.url(path)} RTSP/1.0`, ...lines, '', body].join('\r\n'));
  }

  async ask(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>> = {},
    body = '',
  ): Promise<RtspResponse> {
    this.send(method, path, headers, body);
    await until(`an answer to ${method}`, () => this.#answers.length > 0);
    const answer = this.#answers.shift()!;
    this.session = /^[^;]+/.exec(headerOf(answer, 'Session') ?? '')?.[0] ?? this.session;
    return answer;
  }

  /** An answer that has come, if one has. */
  answered(): RtspResponse | undefined {
    return this.#answers.shift();
  }

  /** DESCRIBE, SETUP of the tracks over TCP, PLAY; the answer to PLAY. */
  async play(path: string, tracks: readonly number[] = [0, 1], firstChannel = 0): Promise<RtspResponse> {
    const described = await this.ask('DESCRIBE', path);
    assert.equal(described.status, 200);
    for (const [i, track] of tracks.entries()) {
      const c = firstChannel + 2 * i;
      const answer = await this.ask('SETUP', `${path}/trackID=${track}`, {
        Transport: `RTP/AVP/TCP;unicast;interleaved=${c}-${c + 1}`,
      });
      assert.equal(answer.status, 200);
    }
    const answer = await this.ask('PLAY', path, { Range: 'npt=now-' });
    assert.equal(answer.status, 200);
    return answer;
  }

  rtp(channel: number): readonly Uint8Array[] {
    return this.got.filter(g => g.channel === channel).map(g => g.bytes);
  }

  rtcp(channel: number): RtcpPacket[] {
    return this.rtp(channel).flatMap(b => parseRtcp(b, 0, b.length));
  }

  /** Numbers of the pictures that came, from their SEI (in single NAL unit packets, being short). */
  pictures(channel = 0): number[] {
    return this.rtp(channel).flatMap(numbersIn);
  }
}

/** The number of the picture whose mark this packet or file piece holds: marks are short and travel alone. */
export const numbersIn = (packet: Uint8Array): number[] => {
  if (packet.length > 300) return [];
  const m = /cam=\d{5} au=(\d{12})/.exec(Buffer.from(packet).toString('latin1'));
  return m ? [Number(m[1])] : [];
};

export const headerOf = (r: RtspResponse, name: string): string | undefined =>
  r.headers.find(([n]) => n.toLowerCase() === name.toLowerCase())?.[1];
export const seqOf = (p: Uint8Array): number => (p[2]! << 8) | p[3]!;
export const timeOf = (p: Uint8Array): number => new DataView(p.buffer, p.byteOffset).getUint32(4);
export const isRow = (numbers: readonly number[]): boolean =>
  numbers.every((n, i) => i === 0 || n === numbers[i - 1]! + 1);
export const seqsAreRow = (packets: readonly Uint8Array[]): boolean =>
  packets.every((p, i) => i === 0 || seqOf(p) === ((seqOf(packets[i - 1]!) + 1) & 0xffff));
