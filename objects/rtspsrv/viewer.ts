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
import { prefixLength } from '#rtp/packet-batch';
import type { Chunk, Part } from './chunk.ts';
import type { Stream, Taker } from './stream.ts';

const waitingBytes = 1 << 20;
const heldBytes = 4 << 20;
const patienceMs = 10_000;
const leastBytes = 64 << 10;
const udpBytes = 64 << 10;
const udpEveryMs = 10;

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

/** Where the packets of a track go. */
export interface UdpPlace {
  readonly rtpPort: number;
  readonly rtcpPort: number;
}

export class UdpViewer implements Viewer {
  readonly #stream: Stream;
  readonly #sockets: readonly [rtp: UdpSocket, rtcp: UdpSocket];
  readonly #address: string;
  /** By track. */
  readonly #places: readonly (UdpPlace | undefined)[];
  readonly #clock: Clock;
  readonly #onEnd: (why: string) => void;
  readonly #cursor: Cursor;
  /** Place within the chunk: part and packet. */
  #part = 0;
  #packet = 0;
  #chunk: Chunk | undefined;
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
    this.#sockets = sockets;
    this.#address = address;
    this.#places = places;
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
      if (!this.#chunk) {
        this.#chunk = this.#cursor.peek();
        if (!this.#chunk) return;
        this.#part = this.#packet = 0;
      }
      budget = this.#send(this.#chunk, budget);
      if (budget <= 0) break;
      this.#chunk = undefined;
      this.#cursor.advance();
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

  /** Sends of the chunk what the budget allows; what is left of it, 0 if the chunk is not finished. */
  #send(chunk: Chunk, given: number): number {
    let budget = given;
    for (; this.#part < chunk.parts.length; this.#part++) {
      const part = chunk.parts[this.#part] as Part;
      const place = this.#places[part.track];
      const packets = part.offsets.length - 1;
      for (; place && this.#packet < packets; this.#packet++) {
        if (budget <= 0) return 0;
        const begin = (part.offsets[this.#packet] ?? 0) + prefixLength;
        const end = part.offsets[this.#packet + 1] ?? begin;
        const isRtp = part.kind === 'rtp';
        const port = isRtp ? place.rtpPort : place.rtcpPort;
        this.#sockets[isRtp ? 0 : 1].send(chunk.bytes, begin, end, this.#address, port);
        budget -= end - begin;
      }
      this.#packet = 0;
    }
    return Math.max(1, budget);
  }
}
