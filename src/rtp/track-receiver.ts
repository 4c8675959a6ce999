/** One track of a `Receiver`: its sequence numbers, its clock, its depacketizer, and where it lies on the run's time base. */
import type { VideoTrack } from '#media/track';
import type { Depacketizer, UnitTaker } from './depacketizer.ts';
import type { MediaDescription } from './receiver.ts';
import { Reception } from './reception.ts';
import type { SenderReport } from './rtcp.ts';
import { TrackClock } from './timeline.ts';

export interface TrackOwner {
  unit(track: TrackReceiver, timestamp: number, keyframe: boolean, data: Uint8Array, lost: number): void;
  parameterSets(sps: Uint8Array, pps: readonly Uint8Array[]): void;
  fault(text: string): void;
}

export class TrackReceiver implements UnitTaker {
  readonly media: MediaDescription;
  readonly reception: Reception;
  readonly clock: TrackClock;
  /** Ticks of the track's timescale per tick of the RTP clock; 1 almost always. */
  readonly scale: number;
  depacketizer!: Depacketizer;
  readonly #owner: TrackOwner;
  #describedTypeSeen = false;

  /** The track of the run now, for video. */
  video: VideoTrack | undefined = undefined;
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

  constructor(media: MediaDescription, owner: TrackOwner) {
    this.media = media;
    this.#owner = owner;
    this.reception = new Reception(media.clockRate);
    this.clock = new TrackClock(media.clockRate);
    this.scale = (media.kind === 'video' ? 90000 : media.track.timescale) / media.clockRate;
  }

  connect(depacketizer: Depacketizer): void {
    this.depacketizer = depacketizer;
  }

  /** Some cameras send another payload type than they describe: it is believed until the described one comes. */
  accepts(payloadType: number): boolean {
    if (payloadType === this.media.payloadType) return (this.#describedTypeSeen = true);
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
    if (this.slew === 0 || this.media.kind !== 'audio') return;
    const most = Math.max(1, Math.round((this.media.track.samplesPerUnit || 1024) / 100));
    const step = Math.max(-most, Math.min(most, this.slew));
    this.zero += step;
    this.slew -= step;
  }

  unit(timestamp: number, keyframe: boolean, data: Uint8Array, lost: number): void {
    this.#owner.unit(this, timestamp, keyframe, data, lost);
  }
  parameterSets(sps: Uint8Array, pps: readonly Uint8Array[]): void {
    this.#owner.parameterSets(sps, pps);
  }
  fault(text: string): void {
    this.#owner.fault(text);
  }
}
