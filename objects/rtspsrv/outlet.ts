/**
 * The way out to one client that plays a recording: takes a chunk when the one before has left. Over TCP no more
 * than `waitingBytes` and one picture wait for a client, over UDP one picture.
 */
import type { TcpConnection } from '#core/world';
import type { Chunk } from './chunk.ts';
import { type UdpSender, udpBytes } from './udp-sender.ts';

const waitingBytes = 1 << 20;

/** Ask again so often while there is no room. */
export const outletEveryMs = 10;

export interface Outlet {
  /** Call every `outletEveryMs` at most; false: not now. Over UDP it sends what has to leave yet. */
  hasRoom(): boolean;
  /** When there is room. */
  send(chunk: Chunk): void;
}

/** `channels`: of each track; undefined: not wanted. */
export function tcpOutlet(connection: TcpConnection, channels: readonly (number | undefined)[]): Outlet {
  return {
    hasRoom: () => connection.queuedBytes < waitingBytes,
    send(chunk) {
      const isUsual = chunk.parts.every(p => channels[p.track] === 2 * p.track);
      const bytes = isUsual ? chunk.bytes : chunk.onChannels(channels);
      if (bytes.length > 0) connection.write(bytes);
    },
  };
}

/** The budget of a moment is given anew when somebody asks for room `outletEveryMs` after the last time. */
export function udpOutlet(sender: UdpSender, nowMs: () => number): Outlet {
  let budget = udpBytes;
  let givenMs = Number.NEGATIVE_INFINITY;
  return {
    hasRoom() {
      const now = nowMs();
      if (now - givenMs >= outletEveryMs) {
        givenMs = now;
        budget = udpBytes;
      }
      if (sender.busy && budget > 0) budget = sender.send(budget);
      return !sender.busy && budget > 0;
    },
    send(chunk) {
      sender.take(chunk);
      budget = sender.send(budget);
    },
  };
}
