/**
 * One playing client: its place in the stream, and how it is sent to.
 *
 * Limits. Over TCP no more than `waitingBytes` wait for a client before the next chunk is
 * kept from it, and never more than `heldBytes` with that chunk (one picture that is larger
 * goes alone); what it does not get in time it skips, up to the next keyframe. One that takes
 * less than `leastBytes` in `patienceMs` is given up. Over UDP nothing waits: packets leave at
 * no more than `udpBytes` every `udpEveryMs` (51 Mbit/s), so that a large picture, or the group
 * at the beginning, does not flood the client's buffer.
 */
import type { Clock, TcpConnection, Timer, UdpSocket } from '#core/world';
import type { Chunk } from './chunk.ts';
import type { Stream, Taker } from './stream.ts';
import { type UdpPlace, UdpSender, udpBytes, udpEveryMs } from './udp-sender.ts';

const waitingBytes = 1 << 20;
const heldBytes = 4 << 20;
const patienceMs = 10_000;
const leastBytes = 64 << 10;

export interface Viewer extends Taker {
  /** Times it lost pictures because it was slow. */
  readonly skips: number;
  /** Call about once a second; why it must be given up, if it must. */
  tick(nowMs: number): string | undefined;
  /** Takes no more. */
  close(): void;
}

/** A place in a stream. */
class Cursor {
  readonly #stream: Stream;
  #at = -1;
  skips = 0;

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  /** What comes next, if it is there. */
  peek(): Chunk | undefined {
    const place = this.#stream.place(this.#at);
    if (this.#at >= 0 && place !== this.#at) this.skips++;
    this.#at = place;
    return this.#stream.chunk(place);
  }

  advance(): void {
    this.#at++;
  }
}

export class TcpViewer implements Viewer {
  readonly #stream: Stream;
  readonly #connection: TcpConnection;
  /** By track. */
  readonly #channels: readonly (number | undefined)[];
  readonly #onEnd: (why: string) => void;
  readonly #cursor: Cursor;
  #sentBytes = 0;
  /** What had left by then. */
  #leftBytes = 0;
  #leftMs: number;

  constructor(
    stream: Stream,
    connection: TcpConnection,
    channels: readonly (number | undefined)[],
    nowMs: number,
    onEnd: (why: string) => void,
  ) {
    this.#stream = stream;
    this.#connection = connection;
    this.#channels = channels;
    this.#onEnd = onEnd;
    this.#cursor = new Cursor(stream);
    this.#leftMs = nowMs;
    stream.join(this);
  }

  get skips(): number {
    return this.#cursor.skips;
  }

  pump(): void {
    const connection = this.#connection;
    for (let chunk = this.#cursor.peek(); chunk; chunk = this.#cursor.peek()) {
      const waiting = connection.queuedBytes;
      if (waiting >= waitingBytes || (waiting > 0 && waiting + chunk.bytes.length > heldBytes)) return;
      const bytes = this.#isUsual() ? chunk.bytes : chunk.onChannels(this.#channels);
      if (bytes.length > 0) connection.write(bytes);
      this.#sentBytes += bytes.length;
      this.#cursor.advance();
    }
  }

  tick(nowMs: number): string | undefined {
    const waiting = this.#connection.queuedBytes;
    const left = this.#sentBytes - waiting;
    if (waiting === 0 || left - this.#leftBytes >= leastBytes) {
      this.#leftBytes = left;
      this.#leftMs = nowMs;
    }
    if (nowMs - this.#leftMs < patienceMs) return undefined;
    return `took ${Math.max(0, left - this.#leftBytes)} bytes in ${patienceMs / 1000} s, ${waiting} wait`;
  }

  ended(why: string): void {
    this.#onEnd(why);
  }

  close(): void {
    this.#stream.leave(this);
  }

  /** All tracks are wanted, each on the channel it has in the chunks. */
  #isUsual(): boolean {
    const { tracks } = this.#stream;
    for (let i = 0; i < tracks.length; i++) if (this.#channels[i] !== 2 * i) return false;
    return true;
  }
}

export class UdpViewer implements Viewer {
  readonly #stream: Stream;
  readonly #sender: UdpSender;
  readonly #clock: Clock;
  readonly #onEnd: (why: string) => void;
  readonly #cursor: Cursor;
  #more: Timer | undefined;
  #closed = false;

  constructor(
    stream: Stream,
    sockets: readonly [rtp: UdpSocket, rtcp: UdpSocket],
    address: string,
    places: readonly (UdpPlace | undefined)[],
    clock: Clock,
    onEnd: (why: string) => void,
  ) {
    this.#stream = stream;
    this.#sender = new UdpSender(sockets, address, places);
    this.#clock = clock;
    this.#onEnd = onEnd;
    this.#cursor = new Cursor(stream);
    stream.join(this);
  }

  get skips(): number {
    return this.#cursor.skips;
  }

  pump(): void {
    if (this.#more || this.#closed) return; // the timer goes on
    let budget = udpBytes;
    for (;;) {
      if (!this.#sender.busy) {
        const chunk = this.#cursor.peek();
        if (!chunk) return;
        this.#sender.take(chunk);
        this.#cursor.advance();
      }
      budget = this.#sender.send(budget);
      if (budget <= 0) break;
    }
    this.#more = this.#clock.after(udpEveryMs, () => {
      this.#more = undefined;
      this.pump();
    });
  }

  tick(): undefined {}

  ended(why: string): void {
    this.#onEnd(why);
  }

  close(): void {
    this.#closed = true;
    this.#more?.cancel();
    this.#stream.leave(this);
  }
}
