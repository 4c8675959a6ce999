/** One track of a `Receiver`: its sequence numbers, its clock, its depacketizer, and where it lies on the run's time base. */
import { h264Track, parseSps } from '#media/h264';
import { h265Track, h265Type, h265TypeOf, parseH265Sps } from '#media/h265';
import type { Track } from '#media/track';
import type { Depacketizer, UnitTaker } from './depacketizer.ts';
import { createDepacketizer } from './formats.ts';
import type { MediaDescription } from './media-description.ts';
import type { RtpQuirk } from './quirks.ts';
import { Reception } from './reception.ts';
import type { SenderReport } from './rtcp.ts';
import { TrackClock } from './timeline.ts';

export interface TrackOwner {
  unit(track: TrackReceiver, timestamp: number, keyframe: boolean, data: Uint8Array, lost: number): void;
  /** `depth`: how many pictures may be decoded before one and shown after it; undefined: not known. */
  format(track: TrackReceiver, format: Track, depth: number | undefined): void;
  fault(text: string): void;
  quirk(name: RtpQuirk): void;
}

export class TrackReceiver implements UnitTaker {
  readonly media: MediaDescription;
  readonly reception: Reception;
  readonly clock: TrackClock;
  /** Ticks of the track's timescale per tick of the RTP clock; 1 almost always. */
  scale: number;
  readonly depacketizer: Depacketizer;
  readonly #owner: TrackOwner;
  #describedTypeSeen = false;

  /** What its units are now; undefined while that is not known. */
  track: Track | undefined;
  /** Of the track's timescale: the instant 0 of the run. */
  zero = 0;
  /** `zero` is known; the master's always is. */
  aligned = false;
  lastPts = -1;
  lastWallMs = 0;
  /** What `zero` is still to be moved by. */
  slew = 0;
  reportMs = Number.NEGATIVE_INFINITY;
  reportWallMs = 0;
  reportTimestamp = 0;
  infoMs = Number.NEGATIVE_INFINITY;
  infoTimestamp = 0;
  /** The sender has said goodbye (RFC 3550 6.6) and sent nothing since. */
  gone = false;

  /** `ordered`: see `Reception`. */
  constructor(media: MediaDescription, owner: TrackOwner, ordered: boolean) {
    this.media = media;
    this.#owner = owner;
    this.reception = new Reception(media.clockRate, ordered);
    this.clock = new TrackClock(media.clockRate);
    this.track = media.kind === 'audio' ? media.track : undefined;
    this.scale = (media.kind === 'audio' ? media.track.timescale : 90000) / media.clockRate;
    this.depacketizer = createDepacketizer(media, this);
  }

  /** Some cameras send another payload type than they describe: it is believed until the described one comes. */
  accepts(payloadType: number): boolean {
    if (payloadType === this.media.payloadType) return (this.#describedTypeSeen = true);
    if (!this.#describedTypeSeen) this.quirk('undescribed-payload-type');
    return !this.#describedTypeSeen;
  }

  scaled(ticks: number): number {
    return this.scale === 1 ? ticks : Math.round(ticks * this.scale);
  }

  senderReport(report: SenderReport, arrivalMs: number): void {
    this.reception.senderReport(report.ntpMiddle, arrivalMs);
    if (report.wallMs === 0) return;
    this.reportMs = arrivalMs;
    this.reportWallMs = report.wallMs;
    this.reportTimestamp = report.rtpTime;
  }

  playInfo(rtpTime: number, arrivalMs: number): void {
    this.infoMs = arrivalMs;
    this.infoTimestamp = rtpTime;
  }

  /** Another sender begins. */
  restart(): void {
    this.depacketizer.restart();
    this.restartClock();
    this.reportMs = this.infoMs = Number.NEGATIVE_INFINITY;
  }

  restartClock(): void {
    this.clock.restart();
    this.aligned = false;
    this.slew = 0;
  }

  /** Moves `zero` by at most 1% of a unit. */
  slewStep(): void {
    const { track } = this;
    if (this.slew === 0 || track?.kind !== 'audio') return;
    const most = Math.max(1, Math.round((track.samplesPerUnit || 1024) / 100));
    const step = Math.max(-most, Math.min(most, this.slew));
    this.zero += step;
    this.slew -= step;
  }

  unit(timestamp: number, keyframe: boolean, data: Uint8Array, lost: number): void {
    this.#owner.unit(this, timestamp, keyframe, data, lost);
  }
  parameterSets(sets: readonly Uint8Array[]): void {
    const { media } = this;
    if (media.kind !== 'video') return;
    const track = media.codec === 'h265' ? h265Track(sets) : h264Track(sets[0] ?? new Uint8Array(0), sets.slice(1));
    if (track === undefined) this.fault('parameter sets that make no sense');
    else this.#owner.format(this, track, media.codec === 'h265' ? h265Depth(sets) : parseSps(sets[0]!)?.reorder);
  }
  format(track: Track): void {
    this.#owner.format(this, track, 0);
  }
  fault(text: string): void {
    this.#owner.fault(text);
  }
  quirk(name: RtpQuirk): void {
    this.#owner.quirk(name);
  }
}

function h265Depth(sets: readonly Uint8Array[]): number | undefined {
  const sps = sets.find(s => h265TypeOf(s[0] ?? 0) === h265Type.sps);
  return sps && parseH265Sps(sps)?.reorder;
}
