/**
 * RTP packets of all tracks of one session to access units on one time base, in runs
 * (media/track). No I/O and no clock: the caller says when a packet came. Wherever times of
 * arrival are asked for they are wall clock, UTC milliseconds.
 *
 * A run begins with a keyframe of the video track (with any unit if there is only audio) and
 * ends where its timestamps or its SSRC jump, where other parameter sets come with a
 * keyframe, or when the caller says so. Audio before the first picture of a run is left out.
 * Another format of the audio beside a video begins a run too, with the next keyframe; the audio is
 * left out until then. Metadata is no track of a run: its documents are handed on as they come.
 */
import type { AccessUnit } from '#media/access-unit';
import { DecodingOrder } from '#media/decoding-order';
import type { Gap } from '#media/gap';
import { type Run, sameTrack, type Track } from '#media/track';
import { WallAnchor } from '#media/wall-anchor';
import { zeroOf } from './alignment.ts';
import type { MediaDescription } from './media-description.ts';
import { isPadded, markerOf, payloadBegin, payloadEnd, payloadTypeOf, seqOf, ssrcOf, timestampOf } from './packet.ts';
import type { RtpQuirk } from './quirks.ts';
import { late, restarted } from './reception.ts';
import { isRtcp, parseRtcp, type ReportBlock } from './rtcp.ts';
import { type TrackOwner, TrackReceiver } from './track-receiver.ts';

export type { AudioDescription, MediaDescription, VideoDescription } from './media-description.ts';

/** Who takes the units; a `Sink` of the hub fits. */
export interface MediaTaker {
  /** In decoding order per track; the first of a run is a keyframe of the video track, if there is one. */
  unit(unit: AccessUnit): void;
  /** The run has ended without another one beginning at once. */
  gap(gap: Gap): void;
  /** A metadata document (XML); its wall time is that of the media, or of its arrival while there is none. */
  document?(text: Uint8Array, wallMs: number): void;
  /** The sender breaks a rule, and is treated accordingly from now on. Told once each. */
  quirk?(name: RtpQuirk): void;
}

export interface ReceiverOptions {
  /** Whose clock says when a picture was taken (config.md 8.1). */
  readonly time: 'server' | 'device';
  /** The connection keeps packets in order: none can be late. */
  readonly ordered?: boolean;
  /** Ids of runs go on growing over sessions. */
  nextRunId(): number;
}

export interface ReceiverStats {
  packets: number;
  lostPackets: number;
  latePackets: number;
  units: number;
  /** Units that a loss took something of, or all: one at least for each hole. */
  lostUnits: number;
  /** Clock of the sender's reports minus ours when the last one came, ms; NaN while none came. */
  deviceClockMs: number;
  /**
   * Time that the sender's reports give to its pictures minus the wall time that they have here, ms: what its own recordings of them
   * are ahead by. NaN while no report came.
   */
  pictureClockMs: number;
  /** Units left out: before the first keyframe of a run, or out of order in time. */
  droppedUnits: number;
  /** Payloads that broke their format. */
  faults: number;
  lastFault: string;
}

/** Two clocks of one device that differ by more than this say nothing about each other. */
const slewLimitMs = 5_000;
const slewFromMs = 40;
/** Reports are sent every few seconds. */
const reportFreshMs = 60_000;

export class Receiver implements TrackOwner {
  readonly #taker: MediaTaker;
  readonly #options: ReceiverOptions;
  readonly #tracks: TrackReceiver[];
  readonly #master: TrackReceiver;
  readonly #audio: TrackReceiver | undefined;
  #run: Run | undefined;
  #anchor = new WallAnchor();
  /** What the next keyframe brings into force. */
  #next: Track | undefined;
  #nextDepth = 0;
  /** The run's audio is not what comes now. */
  #audioChanged = false;
  #depth = 0;
  #order = new DecodingOrder(0, 1);
  #lastWallMs = 0;
  #arrivalMs = 0;
  /** The anchor has not yet heard what the device's clock says. */
  #anchorUntold = true;
  readonly #quirks = new Set<RtpQuirk>();
  readonly stats: ReceiverStats = {
    packets: 0,
    lostPackets: 0,
    latePackets: 0,
    units: 0,
    lostUnits: 0,
    deviceClockMs: Number.NaN,
    pictureClockMs: Number.NaN,
    droppedUnits: 0,
    faults: 0,
    lastFault: '',
  };

  /** `media` in the order of the session's tracks; at least one. */
  constructor(media: readonly MediaDescription[], taker: MediaTaker, options: ReceiverOptions) {
    this.#taker = taker;
    this.#options = options;
    this.#tracks = media.map(m => new TrackReceiver(m, this, options.ordered === true));
    this.#master = this.#tracks.find(t => t.media.kind === 'video') ?? this.#tracks[0]!;
    this.#audio = this.#tracks.find(t => t.media.kind === 'audio');
  }

  get run(): Run | undefined {
    return this.#run;
  }
  /** Wall time of the last unit, or 0. */
  get lastWallMs(): number {
    return this.#lastWallMs;
  }

  rtp(index: number, bytes: Uint8Array, begin: number, end: number, arrivalMs: number): void {
    const track = this.#tracks[index];
    // Types from 64 to 95 with the marker look like RTCP too.
    if (end - begin >= 8 && isRtcp(bytes, begin) && track?.media.payloadType !== payloadTypeOf(bytes, begin)) {
      this.quirk('rtcp-beside-rtp');
      this.#reports(index, bytes, begin, end, arrivalMs);
      return;
    }
    const payload = payloadBegin(bytes, begin, end);
    const until = payload < 0 ? -1 : payloadEnd(bytes, begin, payload, end);
    if (track === undefined || until < 0) {
      this.fault('a packet that is no RTP');
      return;
    }
    if (!track.accepts(payloadTypeOf(bytes, begin))) {
      this.fault('a packet of another payload type');
      return;
    }
    if (until === end && isPadded(bytes, begin)) this.quirk('padding-overruns');
    this.#arrivalMs = arrivalMs;
    track.gone = false;
    const timestamp = timestampOf(bytes, begin);
    const lost = track.reception.packet(seqOf(bytes, begin), ssrcOf(bytes, begin), timestamp, arrivalMs);
    this.stats.packets++;
    if (lost === late) {
      this.stats.latePackets++;
      if (track.reception.frozen) this.quirk('frozen-sequence');
      return;
    }
    if (lost === restarted) {
      track.restart();
      if (track === this.#master) this.#endRun();
    } else this.stats.lostPackets += lost;
    track.push(bytes, payload, until, markerOf(bytes, begin), timestamp, lost > 0 ? lost : 0, arrivalMs);
  }

  rtcp(index: number, bytes: Uint8Array, begin: number, end: number, arrivalMs: number): void {
    if (end - begin >= 12 && bytes[begin]! >> 6 === 2 && !isRtcp(bytes, begin)) {
      this.quirk('rtcp-beside-rtp');
      this.rtp(index, bytes, begin, end, arrivalMs);
    } else this.#reports(index, bytes, begin, end, arrivalMs);
  }

  #reports(index: number, bytes: Uint8Array, begin: number, end: number, arrivalMs: number): void {
    const track = this.#tracks[index];
    if (track === undefined) return;
    for (const p of parseRtcp(bytes, begin, end)) {
      if (p.type === 'goodbye' && p.ssrcs.includes(track.reception.ssrc)) track.gone = true;
      if (p.type !== 'sender-report') continue;
      track.senderReport(p, arrivalMs);
      if (p.wallMs === 0) continue;
      if (track === this.#master) this.stats.deviceClockMs = p.wallMs - arrivalMs;
      if (track.clock.blank) continue;
      if (track === this.#master) {
        this.#tellAnchor(arrivalMs);
        const mediaMs = (track.clock.ticksOf(p.rtpTime) * 1000) / track.clock.clockRate;
        this.stats.pictureClockMs = p.wallMs - mediaMs - this.#anchor.offsetMs;
      }
      this.#correctAudio(arrivalMs);
    }
  }

  /** What the device's clock says, if it is to be believed at all. */
  #tellAnchor(arrivalMs: number): void {
    const { clock, reportTimestamp, reportWallMs, reportMs } = this.#master;
    if (this.#options.time !== 'device' || arrivalMs - reportMs > reportFreshMs) return;
    this.#anchor.device((clock.ticksOf(reportTimestamp) * 1000) / clock.clockRate, reportWallMs, arrivalMs);
    this.#anchorUntold = false;
  }

  /** Every sender of media has said goodbye, and sends nothing any more. */
  get allGone(): boolean {
    return this.#tracks.every(t => t.gone || t.reception.ssrc < 0) && this.#master.gone;
  }

  /** RTP-Info of PLAY's answer: `rtpTime` of each track is the same instant (RFC 2326 12.33). */
  playInfo(index: number, rtpTime: number, arrivalMs: number): void {
    this.#tracks[index]?.playInfo(rtpTime, arrivalMs);
  }

  /** The wall clock was set: what was learned from times of arrival is void. */
  clockStep(): void {
    for (const t of this.#tracks) t.restartClock();
    this.#endRun();
  }

  /** Pictures are placed by their arrival, so they should be read as they come. */
  get byArrival(): boolean {
    return this.#master.byArrival;
  }

  /** Interarrival jitter of the video, of the audio if there is only that. */
  get jitterMs(): number {
    return (this.#master.reception.jitter * 1000) / this.#master.media.clockRate;
  }

  /** What a receiver report says of a track; undefined before its first packet. */
  report(index: number, arrivalMs: number): ReportBlock | undefined {
    return this.#tracks[index]?.reception.report(arrivalMs);
  }

  // What the tracks say, TrackOwner:

  fault(text: string): void {
    this.stats.faults++;
    this.stats.lastFault = text;
  }

  quirk(name: RtpQuirk): void {
    if (this.#quirks.has(name)) return;
    this.#quirks.add(name);
    this.#taker.quirk?.(name);
  }

  format(track: TrackReceiver, format: Track, depth: number | undefined): void {
    // The stream confirms what its description said.
    if (format.kind === 'audio' && track.track !== undefined && sameTrack(format, track.track)) return;
    if (track === this.#master) {
      this.#next = format;
      this.#nextDepth = depth ?? 0;
      return;
    }
    track.track = format;
    track.scale = format.timescale / track.media.clockRate;
    this.#audioChanged = this.#run !== undefined;
  }

  recounted(track: TrackReceiver): void {
    if (track === this.#master) this.#endRun();
    else this.#audioChanged = this.#run !== undefined;
  }

  unit(track: TrackReceiver, timestamp: number, keyframe: boolean, data: Uint8Array, lost: number): void {
    const ticks = track.ticks(timestamp, this.#arrivalMs);
    if (lost > 0) this.stats.lostUnits++;
    if (track.media.kind === 'metadata') this.#document(track, ticks, data);
    else if (track === this.#master) this.#masterUnit(track, ticks, keyframe, data, lost);
    else this.#audioUnit(track, ticks, data, lost);
  }

  #masterUnit(track: TrackReceiver, ticks: number, keyframe: boolean, data: Uint8Array, lost: number): void {
    if (track.clock.jumped) this.#endRun();
    if (keyframe && (this.#run === undefined || this.#isOver)) this.#beginRun(track, ticks);
    const run = this.#run;
    if (run === undefined || this.#otherSequence(run)) {
      this.stats.droppedUnits++;
      return;
    }
    let pts = track.scaled(ticks) - track.zero;
    const dts = this.#order.next(pts);
    if (dts > pts) pts = dts;
    const wallMs = this.#anchor.unit((ticks * 1000) / track.clock.clockRate, this.#arrivalMs);
    if (this.#anchorUntold) this.#tellAnchor(this.#arrivalMs);
    this.#lastWallMs = wallMs;
    this.stats.units++;
    this.#taker.unit({ run, track: 0, pts, dts, wallMs, keyframe, data, lost });
  }

  /** Another sequence has begun, and its keyframe was lost: what follows is nothing that the run's decoder could take. */
  #otherSequence(run: Run): boolean {
    const [now, next] = [run.tracks[0], this.#next];
    if (next?.kind !== 'video' || now?.kind !== 'video') return false;
    return next.width !== now.width || next.height !== now.height || next.codecText !== now.codecText;
  }

  /** What comes next does not belong to the run. */
  get #isOver(): boolean {
    return this.#next !== undefined || this.#audioChanged || this.#anchor.broken || this.#order.reordered;
  }

  #audioUnit(track: TrackReceiver, ticks: number, data: Uint8Array, lost: number): void {
    const run = this.#run;
    if (track.clock.jumped) track.aligned = false;
    if (run !== undefined && !track.aligned) this.#align(track);
    track.slewStep();
    const pts = track.scaled(ticks) - track.zero;
    if (run === undefined || this.#audioChanged || pts < 0 || pts <= track.lastPts) {
      this.stats.droppedUnits++;
      return;
    }
    track.lastPts = pts;
    track.lastWallMs = Math.max(track.lastWallMs, this.#wallOf(track, pts));
    this.stats.units++;
    this.#taker.unit({ run, track: 1, pts, dts: pts, wallMs: track.lastWallMs, keyframe: true, data, lost });
  }

  #document(track: TrackReceiver, ticks: number, text: Uint8Array): void {
    if (track.clock.jumped) track.aligned = false;
    const run = this.#run;
    if (run !== undefined && track !== this.#master && !track.aligned) this.#align(track);
    const wallMs =
      track.aligned && run !== undefined ? this.#wallOf(track, track.scaled(ticks) - track.zero) : this.#arrivalMs;
    this.#taker.document?.(text, wallMs);
  }

  /** Wall time of what is at `pts` of the run, of a track that is aligned with the master. */
  #wallOf(track: TrackReceiver, pts: number): number {
    const master = this.#master;
    const mediaMs =
      (pts / track.scale / track.clock.clockRate + master.zero / master.scale / master.clock.clockRate) * 1000;
    return mediaMs + this.#anchor.offsetMs;
  }

  #beginRun(track: TrackReceiver, ticks: number): void {
    const next = this.#next ?? track.track;
    if (next === undefined) return;
    if (next.kind === 'audio') track.scale = next.timescale / track.clock.clockRate;
    track.track = next;
    this.#next = undefined;
    this.#audioChanged = false;
    const tracks = [next];
    let frameTicks = 1;
    if (next.kind === 'video') {
      if (this.#order.reordered) this.#nextDepth = Math.max(this.#nextDepth, this.#order.seen);
      frameTicks = next.framerate > 0 ? Math.round(next.timescale / next.framerate) : next.timescale / 25;
    }
    this.#depth = next.kind === 'video' ? Math.min(16, this.#nextDepth) : 0;
    this.#order = new DecodingOrder(this.#depth, frameTicks);
    const lead = this.#depth * frameTicks;
    const audio = this.#audio;
    if (audio?.track !== undefined && audio !== track) {
      tracks.push(audio.track);
      audio.aligned = false;
      audio.lastPts = -1;
      audio.lastWallMs = 0;
    }
    if (this.#run === undefined || this.#anchor.broken) {
      this.#anchor = new WallAnchor();
      this.#anchorUntold = true;
    }
    track.zero = track.scaled(ticks) - lead;
    this.#run = Object.freeze({ id: this.#options.nextRunId(), tracks: Object.freeze(tracks) });
  }

  #endRun(): void {
    if (this.#run === undefined) return;
    this.#run = undefined;
    this.#taker.gap({ reason: 'no-media', atMs: this.#lastWallMs });
  }

  #align(track: TrackReceiver): void {
    track.zero = zeroOf(track, this.#master, this.#arrivalMs);
    track.aligned = true;
  }

  /** Sender reports know better than the network how two tracks belong together: the audio follows, inaudibly. */
  #correctAudio(arrivalMs: number): void {
    const audio = this.#audio;
    if (audio === undefined || audio === this.#master || this.#run === undefined || !audio.aligned) return;
    const error = zeroOf(audio, this.#master, arrivalMs, 'reports') - audio.zero;
    const errorMs = Math.abs(error / audio.scale / audio.clock.clockRate) * 1000;
    if (errorMs > slewFromMs && errorMs < slewLimitMs) audio.slew = error;
  }
}
