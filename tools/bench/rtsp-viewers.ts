/**
 * N viewers over RTSP/TCP in one process, as cheap as Node allows: for rtsp-fanout.ts. Reads
 * every interleaved packet's header, so that a lost, repeated or reordered packet is seen.
 *
 *   node tools/bench/rtsp-viewers.ts URL N
 *
 * Says `ready` when all play, then a line of JSON every second.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const [url = '', count = '1'] = process.argv.slice(2);
const { hostname, port } = new URL(url);
const shared = Buffer.allocUnsafe(256 << 10);
const channels = 8;

class Viewer {
  readonly socket: Socket;
  packets = 0;
  bytes = 0;
  wrong = 0;
  closed = false;
  /** By channel; -1 before the first packet. */
  readonly #seq = new Int32Array(channels).fill(-1);
  /** Of a packet: the bytes still to come, and its first 8 so far. */
  #left = 0;
  readonly #head = new Uint8Array(8);
  #headLength = 0;
  #text = '';
  #answered: ((text: string) => void) | undefined;
  #playing = false;
  #cseq = 0;
  #session = '';

  constructor() {
    this.socket = connect({
      host: hostname,
      port: Number(port),
      noDelay: true,
      onread: { buffer: shared, callback: (length, buffer) => this.#take(buffer, length) },
    });
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.closed = true;
    });
  }

  async play(): Promise<void> {
    await this.#ask('DESCRIBE', url, ['Accept: application/sdp']);
    const tracks = [...this.#text.matchAll(/^a=control:(trackID=\d+)/gm)].map(m => m[1] ?? '');
    for (const [i, track] of tracks.entries())
      await this.#ask('SETUP', `${url}/${track}`, [`Transport: RTP/AVP/TCP;unicast;interleaved=${2 * i}-${2 * i + 1}`]);
    await this.#ask('PLAY', url, ['Range: npt=now-']);
    setInterval(() => {
      this.#cseq++;
      const session = this.#session === '' ? '' : `Session: ${this.#session}\r\n`;
      this.socket.write(`OPTIONS ${url} RTSP/1.0\r\nCSeq: ${this.#cseq}\r\n${session}\r\n`);
    }, 20_000);
  }

  async #ask(method: string, uri: string, headers: readonly string[]): Promise<void> {
    const session = this.#session === '' ? [] : [`Session: ${this.#session}`];
    const lines = [`${method} ${uri} RTSP/1.0`, `CSeq: ${++this.#cseq}`, ...session, ...headers, '', ''];
    this.#text = '';
    const answer = new Promise<string>(done => {
      this.#answered = done;
    });
    this.#playing = method === 'PLAY';
    this.socket.write(lines.join('\r\n'));
    const text = await answer;
    if (!text.startsWith('RTSP/1.0 200')) throw new Error(`${method}: ${text.slice(0, 40)}`);
    this.#session = /^Session: ([^;\r]+)/m.exec(text)?.[1] ?? this.#session;
  }

  #take(buffer: Uint8Array, length: number): boolean {
    this.bytes += length;
    let at = 0;
    while (at < length) {
      if (this.#left > 0) {
        const skipped = Math.min(this.#left, length - at);
        this.#left -= skipped;
        at += skipped;
        continue;
      }
      if (this.#headLength === 0 && buffer[at] !== 0x24) {
        at = this.#takeText(buffer, at, length);
        continue;
      }
      const head = this.#head;
      while (this.#headLength < 8 && at < length) head[this.#headLength++] = buffer[at++] ?? 0;
      if (this.#headLength < 8) break;
      this.#headLength = 0;
      const channel = head[1] ?? 0;
      this.#left = (((head[2] ?? 0) << 8) | (head[3] ?? 0)) - 4;
      if ((channel & 1) === 1) continue;
      const seq = ((head[6] ?? 0) << 8) | (head[7] ?? 0);
      const last = this.#seq[channel % channels] ?? -1;
      if (last >= 0 && seq !== ((last + 1) & 0xffff)) this.wrong++;
      this.#seq[channel % channels] = seq;
      this.packets++;
    }
    return true;
  }

  /** Answers come whole, or in pieces while nothing else comes; what follows the answer to PLAY is packets. */
  #takeText(buffer: Uint8Array, at: number, length: number): number {
    const piece = Buffer.from(buffer.buffer, buffer.byteOffset + at, length - at).toString('latin1');
    const before = this.#text.length;
    this.#text += piece;
    const head = this.#text.indexOf('\r\n\r\n');
    if (head < 0) return length;
    const body = Number(/^Content-Length: (\d+)/m.exec(this.#text)?.[1] ?? 0);
    const end = head + 4 + body;
    if (this.#text.length < end) return length;
    const used = end - before;
    if (!this.#playing) this.#answered?.(this.#text);
    else {
      this.#answered?.(this.#text.slice(0, end));
      this.#text = '';
    }
    return at + used;
  }
}

const viewers: Viewer[] = [];
for (let i = 0; i < Number(count); i++) {
  const viewer = new Viewer();
  viewers.push(viewer);
  await viewer.play();
  if (i % 20 === 19) await sleep(20);
}
process.stdout.write('ready\n');
const sum = (of: (v: Viewer) => number): number => viewers.reduce((n, v) => n + of(v), 0);
setInterval(() => {
  const figures = {
    viewers: viewers.filter(v => !v.closed).length,
    packets: sum(v => v.packets),
    bytes: sum(v => v.bytes),
    wrong: sum(v => v.wrong),
    least: Math.min(...viewers.map(v => v.packets)),
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}, 1000);
