/**
 * One track as viewers get it: one SSRC and one row of sequence numbers and timestamps for
 * as long as the stream lives, through all runs of the source.
 */
import type { AccessUnit } from '#media/access-unit';
import type { Track } from '#media/track';
import type { PacketBatch, Packetizer } from '#rtp/packet-batch';
import { createPacketizer } from '#rtp/packetizer';
import { writeRtcp } from '#rtp/rtcp';

/** 1500 Ethernet - 40 IPv6 - 8 UDP - 12 RTP. */
const usualPayload = 1440;

export class OutTrack {
  /** In the SDP; RTP goes on channel 2 * number. */
  readonly number: number;
  readonly ssrc: number;
  /** As it is now; parameter sets may be others with the next run. */
  track: Track;
  #packetizer: Packetizer;
  readonly #maxPayload: number;
  /** RTP timestamp, not yet cut to 32 bits, of the moment at which the stream began. */
  readonly #origin: number;
  /** The same of pts 0 of the run. */
  #base: number;
  /** The latest moment that was sent, or else the beginning of the run: RTP timestamp, not yet cut, and wall clock. */
  #lastTime: number;
  #lastWallMs = 0;
  #packets = 0;
  #octets = 0;

  /** Undefined for a codec that is not packetized. `word`: 32 random bits. `reserve`: bytes of a packet that are kept free. */
  static create(number: number, track: Track, word: () => number, reserve = 0): OutTrack | undefined {
    const maxPayload = usualPayload - reserve;
    const packetizer = packetizerOf(number, track, word(), word() & 0xffff, maxPayload);
    return packetizer && new OutTrack(number, track, packetizer, word(), maxPayload);
  }

  private constructor(number: number, track: Track, packetizer: Packetizer, origin: number, maxPayload: number) {
    this.number = number;
    this.track = track;
    this.#maxPayload = maxPayload;
    this.ssrc = packetizer.ssrc;
    this.#packetizer = packetizer;
    this.#origin = this.#base = this.#lastTime = origin;
  }

  get payloadType(): number {
    return payloadTypeOf(this.number);
  }

  /** Of the next packet. */
  get seq(): number {
    return this.#packetizer.seq;
  }

  /** Could this track go on as that one, so that nobody has to read the SDP again? New parameter sets come in band. */
  fits(track: Track): boolean {
    const now = this.track;
    if (now.codec !== track.codec || now.timescale !== track.timescale) return false;
    if (now.kind === 'video' || track.kind === 'video') return true;
    return now.channels === track.channels && sameBytes(now.config, track.config);
  }

  /** A new run begins; `fits` has said yes. */
  continueAs(track: Track): void {
    this.track = track;
    this.#packetizer = packetizerOf(this.number, track, this.ssrc, this.seq, this.#maxPayload) ?? this.#packetizer;
  }

  /** How far what was sent reaches beyond a moment `sinceMs` after the stream began, in milliseconds; 0 if it does not. */
  reachMs(sinceMs: number): number {
    if (this.#packets === 0) return 0;
    return Math.max(0, ((this.#lastTime - this.timeOf(sinceMs)) * 1000) / this.track.timescale);
  }

  /** A run begins: its pts 0 is `sinceMs` after the stream began, and at `wallMs`. */
  anchor(sinceMs: number, wallMs: number): void {
    this.#base = this.#lastTime = this.timeOf(sinceMs);
    this.#lastWallMs = wallMs;
  }

  packetize(unit: AccessUnit): PacketBatch {
    return this.packetizeAt(unit, this.#base + unit.pts);
  }

  /** With a timestamp, not yet cut to 32 bits, that the caller has chosen: `timeOf` something. */
  packetizeAt(unit: Pick<AccessUnit, 'data' | 'keyframe' | 'wallMs'>, time: number): PacketBatch {
    const batch = this.#packetizer.packetize(unit.data, unit.keyframe, time % 0x100000000);
    if (time >= this.#lastTime) {
      this.#lastTime = time;
      this.#lastWallMs = unit.wallMs;
    }
    this.#packets += batch.count;
    this.#octets += batch.payloadBytes;
    return batch;
  }

  /** RTP timestamp of a moment. */
  timeAt(wallMs: number): number {
    return mod32(this.#lastTime + Math.round(((wallMs - this.#lastWallMs) * this.track.timescale) / 1000));
  }

  /** RTP timestamp, not yet cut, of a moment `sinceMs` after the stream began. */
  timeOf(sinceMs: number): number {
    return this.#origin + Math.round((sinceMs * this.track.timescale) / 1000);
  }

  /** Ties timestamps to UTC (RFC 3550 6.4.1). With `leaves` nothing comes any more (6.6). */
  report(wallMs: number, cname: string, rtpTime = this.timeAt(wallMs), leaves = false): Uint8Array {
    return writeRtcp([
      {
        type: 'sender-report',
        ssrc: this.ssrc,
        wallMs,
        ntpMiddle: 0, // follows from wallMs
        rtpTime,
        packets: mod32(this.#packets),
        octets: mod32(this.#octets),
        reports: [],
      },
      { type: 'source-description', ssrc: this.ssrc, cname },
      ...(leaves ? [{ type: 'goodbye', ssrcs: [this.ssrc] } as const] : []),
    ]);
  }
}

const payloadTypeOf = (number: number): number => 96 + number;
const packetizerOf = (
  number: number,
  track: Track,
  ssrc: number,
  seq: number,
  maxPayload: number,
): Packetizer | undefined =>
  createPacketizer(track, { payloadType: payloadTypeOf(number), ssrc, seq, maxPayload, channel: 2 * number });

/** Cut to 32 bits, as it stands in packets. */
export const mod32 = (n: number): number => ((n % 0x100000000) + 0x100000000) % 0x100000000;
const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((x, i) => x === b[i]);
