/**
 * Chunks to one client as UDP packets, a budget of bytes at a time: no more than `udpBytes` every `udpEveryMs`
 * (51 Mbit/s), so that a large picture, or many at once, do not flood the client's buffer.
 */
import type { UdpSocket } from '#core/world';
import { prefixLength } from '#rtp/packet-batch';
import type { Chunk, Part } from './chunk.ts';

export const udpBytes = 64 << 10;
export const udpEveryMs = 10;

/** Where the packets of a track go. */
export interface UdpPlace {
  readonly rtpPort: number;
  readonly rtcpPort: number;
}

export class UdpSender {
  readonly #sockets: readonly [rtp: UdpSocket, rtcp: UdpSocket];
  readonly #address: string;
  /** By track. */
  readonly #places: readonly (UdpPlace | undefined)[];
  #chunk: Chunk | undefined;
  /** Place within the chunk: part and packet. */
  #part = 0;
  #packet = 0;

  constructor(
    sockets: readonly [rtp: UdpSocket, rtcp: UdpSocket],
    address: string,
    places: readonly (UdpPlace | undefined)[],
  ) {
    this.#sockets = sockets;
    this.#address = address;
    this.#places = places;
  }

  /** Part of a chunk still has to leave. */
  get busy(): boolean {
    return this.#chunk !== undefined;
  }

  /** While not busy. */
  take(chunk: Chunk): void {
    this.#chunk = chunk;
    this.#part = this.#packet = 0;
  }

  /** Sends of the chunk what the budget allows; what is left of it, 0 if the chunk is not finished. */
  send(given: number): number {
    const chunk = this.#chunk;
    if (!chunk) return given;
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
    this.#chunk = undefined;
    return Math.max(1, budget);
  }
}
