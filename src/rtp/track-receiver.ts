/** One track of a `Receiver`: its sequence numbers, its clock, its depacketizer, and where it lies on the run's time base. */
import { h264Track, parseSps } from '#media/h264';
import { h265Track, h265Type, h265TypeOf, parseH265Sps } from '#media/h265';
import type { Track } from '#media/track';
import { AudioClock, secondsOf } from './audio-clock.ts';
import type { Depacketizer, UnitTaker } from './depacketizer.ts';
import { createDepacketizer } from './formats.ts';
import { type MediaDescription, withClockRate } from './media-description.ts';
import type { RtpQuirk } from './quirks.ts';
import { Reception } from './reception.ts';
import type { SenderReport } from './rtcp.ts';
import { ArrivalClock, TrackClock } from './timeline.ts';

export interface TrackOwner {
  unit(track: TrackReceiver, timestamp: number, keyframe: boolean, data: Uint8Array, lost: number): void;
  /** `depth`: how many pictures may be decoded before one and shown after it; undefined: not known. */
  format(track: TrackReceiver, format: Track, depth: number | undefined): void;
  fault(text: string): void;
  quirk(name: RtpQuirk): void;
  /** The track counts at another rate from now on: what it said of its times is void. */
  recounted(track: TrackReceiver): void;
}

/** Jumps within this time that are too many. */
const jumpsMs = 60_000;
const jumpsMost = 5;

export class TrackReceiver implements UnitTaker {
  media: MediaDescription;
  readonly reception: Reception;
  clock: TrackClock;
  /** Ticks of the track's timescale per tick of the RTP clock; 1 almost always. */
  scale: number;
  #depacketizer: Depacketizer;
  readonly #owner: TrackOwner;
  readonly #audioClock: AudioClock | undefined;
  /** In place of timestamps that mean nothing. */
  #arrivalClock: ArrivalClock | undefined;
  /** When the timestamps jumped last. */
  readonly #jumps: number[] = [];
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
    this.#depacketizer = createDepacketizer(media, this);
    this.#audioClock = media.kind === 'audio' ? new AudioClock(media.clockRate) : undefined;
  }

  /** A payload: `bytes` from `begin` to `end`, as the depacketizer takes it. */
  push(
    bytes: Uint8Array,
    begin: number,
    end: number,
    marker: boolean,
    timestamp: number,
    lost: number,
    arrivalMs: number,
  ): void {
    const rate = this.#audioClock?.packet(timestamp, lost > 0, arrivalMs);
    if (rate !== undefined) this.#recount(rate);
    this.#depacketizer.push(bytes, begin, end, marker, timestamp, lost);
  }

  /** The next unit's time, see `TrackClock.ticks`. */
  ticks(timestamp: number, arrivalMs: number): number {
    const said = this.#arrivalClock?.timestamp(arrivalMs) ?? timestamp;
    const ticks = this.clock.ticks(said, arrivalMs);
    if (this.clock.jumped && this.media.kind === 'video') this.#noteJump(arrivalMs);
    return ticks;
  }

  /** Pictures are placed by their arrival: they should be read as they come. */
  get byArrival(): boolean {
    return this.#arrivalClock !== undefined;
  }

  #noteJump(arrivalMs: number): void {
    this.#jumps.push(arrivalMs);
    if (this.#jumps.length > jumpsMost) this.#jumps.shift();
    if (this.#jumps.length < jumpsMost || arrivalMs - this.#jumps[0]! > jumpsMs || this.byArrival) return;
    this.#arrivalClock = new ArrivalClock(this.media.clockRate);
    this.reportMs = this.infoMs = Number.NEGATIVE_INFINITY;
    this.quirk('jumping-timestamps');
  }

  /** The clock of the sound runs at another rate than was described. */
  #recount(clockRate: number): void {
    const { media } = this;
    if (media.kind !== 'audio') return;
    this.media = withClockRate(media, clockRate);
    this.clock = new TrackClock(clockRate);
    this.scale = (this.track ?? media.track).timescale / clockRate;
    this.#depacketizer = createDepacketizer(this.media, this);
    this.aligned = false;
    this.slew = 0;
    this.quirk('audio-clock');
    this.#owner.recounted(this);
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
    if (report.wallMs === 0 || this.byArrival) return;
    this.reportMs = arrivalMs;
    this.reportWallMs = report.wallMs;
    this.reportTimestamp = report.rtpTime;
  }

  playInfo(rtpTime: number, arrivalMs: number): void {
    if (this.byArrival) return;
    this.infoMs = arrivalMs;
    this.infoTimestamp = rtpTime;
  }

  /** Another sender begins. */
  restart(): void {
    this.#depacketizer.restart();
    this.restartClock();
    this.reportMs = this.infoMs = Number.NEGATIVE_INFINITY;
  }

  restartClock(): void {
    this.clock.restart();
    if (this.byArrival) this.#arrivalClock = new ArrivalClock(this.media.clockRate);
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
    if (this.track?.kind === 'audio') this.#audioClock?.unit(secondsOf(this.track, data));
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
