/**
 * RTP packets of all tracks of one session to access units on one time base, in runs
 * (media/track). No I/O and no clock: the caller says when a packet came. Wherever times of
 * arrival are asked for they are wall clock, UTC milliseconds.
 *
 * A run begins with a keyframe of the video track (with any unit if there is only audio) and
 * ends where its timestamps or its SSRC jump, where other parameter sets come with a
 * keyframe, or when the caller says so. Audio before the first picture of a run is left out.
 */
import type { AccessUnit } from '#media/access-unit';
import type { Gap } from '#media/gap';
import { h264Track, parseSps } from '#media/h264';
import type { AudioTrack, Run, Track, VideoTrack } from '#media/track';
import { AacDepacketizer, type AacPacking } from './aac/depacketizer.ts';
import { zeroOf } from './alignment.ts';
import { DecodingOrder } from './decoding-order.ts';
import { H264Depacketizer } from './h264/depacketizer.ts';
import { markerOf, payloadBegin, payloadEnd, payloadTypeOf, seqOf, ssrcOf, timestampOf } from './packet.ts';
import { late, restarted } from './reception.ts';
import { parseRtcp, type ReportBlock } from './rtcp.ts';
import { WallAnchor } from './timeline.ts';
import { type TrackOwner, TrackReceiver } from './track-receiver.ts';

export interface VideoDescription {
  readonly kind: 'video';
  readonly codec: 'h264';
  readonly payloadType: number;
  readonly clockRate: number;
  /** Known beforehand; empty if they come in band. */
  readonly parameterSets: readonly Uint8Array[];
}
export interface AudioDescription {
  readonly kind: 'audio';
  readonly codec: 'aac';
  readonly payloadType: number;
  readonly clockRate: number;
  readonly packing: AacPacking;
  readonly track: AudioTrack;
}
export type MediaDescription = VideoDescription | AudioDescription;

/** Who takes the units; a `Sink` of the hub fits. */
export interface MediaTaker {
  /** In decoding order per track; the first of a run is a keyframe of the video track, if there is one. */
  unit(unit: AccessUnit): void;
  /** The run has ended without another one beginning at once. */
  gap(gap: Gap): void;
}

export interface ReceiverOptions {
  /** Whose clock says when a picture was taken (config.md 8.1). */
  readonly time: 'server' | 'device';
  /** Ids of runs go on growing over sessions. */
  nextRunId(): number;
}

export interface ReceiverStats {
  packets: number;
  lostPackets: number;
  latePackets: number;
  units: number;
  /** Units left out: before the first keyframe of a run, or out of order in time. */
  droppedUnits: number;
  /** Payloads that broke their format. */
  faults: number;
  lastFault: string;
}

/** Two clocks of one device that differ by more than this say nothing about each other. */
const slewLimitMs = 5_000;
const slewFromMs = 40;

export class Receiver implements TrackOwner {
  readonly #taker: MediaTaker;
  readonly #options: ReceiverOptions;
  readonly #tracks: TrackReceiver[];
  readonly #master: TrackReceiver;
  readonly #audio: TrackReceiver | undefined;
  #run: Run | undefined;
  #anchor = new WallAnchor();
  /** Parameter sets that the next keyframe brings into force. */
  #nextVideo: VideoTrack | undefined;
  #nextDepth = 0;
  #depth = 0;
  #order = new DecodingOrder(0, 1);
  #lastWallMs = 0;
  #arrivalMs = 0;
  readonly stats: ReceiverStats = {
    packets: 0,
    lostPackets: 0,
    latePackets: 0,
    units: 0,
    droppedUnits: 0,
    faults: 0,
    lastFault: '',
  };

  /** `media` in the order of the session's tracks; at least one. */
  constructor(media: readonly MediaDescription[], taker: MediaTaker, options: ReceiverOptions) {
    this.#taker = taker;
    this.#options = options;
    this.#tracks = media.map(m => new TrackReceiver(m, this));
    for (const t of this.#tracks) t.connect(depacketizerOf(t));
    this.#master = this.#tracks.find(t => t.media.kind === 'video') ?? this.#tracks[0]!;
    this.#audio = this.#tracks.find(t => t.media.kind === 'audio');
    // Parameter sets of the description count as if they had come in band.
    for (const t of this.#tracks)
      if (t.media.kind === 'video' && t.depacketizer instanceof H264Depacketizer)
        t.depacketizer.offer(t.media.parameterSets);
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
    this.#arrivalMs = arrivalMs;
    const timestamp = timestampOf(bytes, begin);
    const lost = track.reception.packet(seqOf(bytes, begin), ssrcOf(bytes, begin), timestamp, arrivalMs);
    this.stats.packets++;
    if (lost === late) {
      this.stats.latePackets++;
      return;
    }
    if (lost === restarted) {
      track.restart();
      if (track === this.#master) this.#endRun();
    } else this.stats.lostPackets += lost;
    track.depacketizer.push(bytes, payload, until, markerOf(bytes, begin), timestamp, lost > 0 ? lost : 0);
  }

  rtcp(index: number, bytes: Uint8Array, begin: number, end: number, arrivalMs: number): void {
    const track = this.#tracks[index];
    if (track === undefined) return;
    for (const p of parseRtcp(bytes, begin, end)) {
      if (p.type !== 'sender-report') continue;
      track.senderReport(p, arrivalMs);
      if (p.wallMs === 0 || track.clock.blank) continue;
      if (track === this.#master && this.#options.time === 'device')
        this.#anchor.device((track.clock.ticksOf(p.rtpTime) * 1000) / track.clock.clockRate, p.wallMs, arrivalMs);
      this.#correctAudio(arrivalMs);
    }
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

  /** What a receiver report says of a track; undefined before its first packet. */
  report(index: number, arrivalMs: number): ReportBlock | undefined {
    return this.#tracks[index]?.reception.report(arrivalMs);
  }

  // What the tracks say, TrackOwner:

  fault(text: string): void {
    this.stats.faults++;
    this.stats.lastFault = text;
  }

  parameterSets(sps: Uint8Array, pps: readonly Uint8Array[]): void {
    const track = h264Track(sps, pps);
    if (track === undefined) {
      this.fault('parameter sets that make no sense');
      return;
    }
    this.#nextVideo = track;
    this.#nextDepth = parseSps(sps)?.reorder ?? 0;
  }

  unit(track: TrackReceiver, timestamp: number, keyframe: boolean, data: Uint8Array, lost: number): void {
    const ticks = track.clock.ticks(timestamp, this.#arrivalMs);
    if (track === this.#master) this.#masterUnit(track, ticks, keyframe, data, lost);
    else this.#audioUnit(track, ticks, data, lost);
  }

  #masterUnit(track: TrackReceiver, ticks: number, keyframe: boolean, data: Uint8Array, lost: number): void {
    if (track.clock.jumped) this.#endRun();
    if (
      keyframe &&
      (this.#run === undefined || this.#nextVideo !== undefined || this.#anchor.broken || this.#order.reordered)
    )
      this.#beginRun(track, ticks);
    const run = this.#run;
    if (run === undefined) {
      this.stats.droppedUnits++;
      return;
    }
    let pts = track.scaled(ticks) - track.zero;
    const dts = this.#order.next(pts);
    if (dts > pts) pts = dts;
    const wallMs = this.#anchor.unit((ticks * 1000) / track.clock.clockRate, this.#arrivalMs);
    this.#lastWallMs = wallMs;
    this.stats.units++;
    this.#taker.unit({ run, track: 0, pts, dts, wallMs, keyframe, data, lost });
  }

  #audioUnit(track: TrackReceiver, ticks: number, data: Uint8Array, lost: number): void {
    const run = this.#run;
    if (track.clock.jumped) track.aligned = false;
    if (run !== undefined && !track.aligned) this.#align(track);
    track.slewStep();
    const pts = track.scaled(ticks) - track.zero;
    if (run === undefined || pts < 0 || pts <= track.lastPts) {
      this.stats.droppedUnits++;
      return;
    }
    track.lastPts = pts;
    const master = this.#master;
    const mediaMs =
      (pts / track.scale / track.clock.clockRate + master.zero / master.scale / master.clock.clockRate) * 1000;
    track.lastWallMs = Math.max(track.lastWallMs, mediaMs + this.#anchor.offsetMs);
    this.stats.units++;
    this.#taker.unit({ run, track: 1, pts, dts: pts, wallMs: track.lastWallMs, keyframe: true, data, lost });
  }

  #beginRun(track: TrackReceiver, ticks: number): void {
    const tracks: Track[] = [];
    let lead = 0;
    if (track.media.kind === 'video') {
      const video = this.#nextVideo ?? track.video;
      if (video === undefined) return;
      if (this.#order.reordered) this.#nextDepth = Math.max(this.#nextDepth, this.#depth + 1);
      track.video = video;
      this.#nextVideo = undefined;
      this.#depth = Math.min(16, this.#nextDepth);
      tracks.push(video);
      const frameTicks = video.framerate > 0 ? Math.round(video.timescale / video.framerate) : video.timescale / 25;
      this.#order = new DecodingOrder(this.#depth, frameTicks);
      lead = this.#depth * frameTicks;
    } else {
      this.#order = new DecodingOrder(0, 1);
      tracks.push(track.media.track);
    }
    const audio = this.#audio;
    if (audio !== undefined && audio !== track && audio.media.kind === 'audio') {
      tracks.push(audio.media.track);
      audio.aligned = false;
      audio.lastPts = -1;
      audio.lastWallMs = 0;
    }
    if (this.#run === undefined || this.#anchor.broken) this.#anchor = new WallAnchor();
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

function depacketizerOf(track: TrackReceiver): H264Depacketizer | AacDepacketizer {
  return track.media.kind === 'video' ? new H264Depacketizer(track) : new AacDepacketizer(track, track.media.packing);
}
