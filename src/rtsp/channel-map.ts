/**
 * Which interleaved channel carries what (RFC 2326 10.12), by the answers to SETUP. A channel
 * that the camera gave to two tracks is told apart by what comes on it.
 */
import { payloadTypeOf, ssrcOf, uint32 } from '#rtp/packet';
import { isRtcp } from '#rtp/rtcp';

interface Way {
  readonly track: number;
  readonly rtcp: boolean;
  readonly payloadType: number;
}

const shared = -2;

export class ChannelMap {
  /** Channel -> track * 2, plus 1 for RTCP; -1: not ours; -2: see `#ways`. */
  readonly #targets = new Int16Array(256).fill(-1);
  readonly #ways = new Map<number, Way[]>();
  /** Of the tracks that share a channel, as their packets come. */
  readonly #ssrcs: number[] = [];

  /** True: somebody else has one of these channels already. */
  assign(track: number, rtp: number, rtcp: number, payloadType: number): boolean {
    // RTP comes last: some cameras name one channel for both.
    const rtcpShared = this.#add(rtcp, { track, rtcp: true, payloadType });
    const rtpShared = this.#add(rtp, { track, rtcp: false, payloadType });
    return rtcpShared || rtpShared;
  }

  /** What comes there belongs to this track, unless it is somebody's already. */
  assume(track: number, rtp: number, rtcp: number, payloadType: number): void {
    if (this.#targets[rtp] === -1) this.#add(rtp, { track, rtcp: false, payloadType });
    if (this.#targets[rtcp] === -1) this.#add(rtcp, { track, rtcp: true, payloadType });
  }

  /** track * 2, plus 1 for RTCP, of what is at `begin`; -1: nobody's. */
  targetOf(channel: number, bytes: Uint8Array, begin: number, end: number): number {
    const target = this.#targets[channel] ?? -1;
    return target === shared ? this.#told(this.#ways.get(channel) ?? [], bytes, begin, end) : target;
  }

  #add(channel: number, way: Way): boolean {
    const ways = this.#ways.get(channel) ?? [];
    ways.push(way);
    this.#ways.set(channel, ways);
    const others = ways.some(w => w.track !== way.track);
    this.#targets[channel] = others ? shared : 2 * way.track + (way.rtcp ? 1 : 0);
    return others;
  }

  #told(ways: readonly Way[], bytes: Uint8Array, begin: number, end: number): number {
    if (end - begin < 8) return -1;
    const type = payloadTypeOf(bytes, begin);
    const way = ways.find(w => !w.rtcp && w.payloadType === type);
    if (way === undefined && isRtcp(bytes, begin)) {
      const ssrc = uint32(bytes, begin + 4);
      const sender = ways.find(w => this.#ssrcs[w.track] === ssrc) ?? ways.find(w => w.rtcp);
      return sender === undefined ? -1 : 2 * sender.track + 1;
    }
    if (way === undefined || end - begin < 12) return -1;
    this.#ssrcs[way.track] = ssrcOf(bytes, begin);
    return 2 * way.track;
  }
}
