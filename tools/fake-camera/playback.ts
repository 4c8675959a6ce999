/**
 * What one session plays: the clip's tracks round and round, each by its own clock, as RTP.
 * A keyframe comes first. Pure: time is an argument, randomness is seeded.
 */
import type { SeededRandom } from '#fake/world';
import type { Track } from '#media/track';
import type { PacketBatch, Packetizer } from '#rtp/packet-batch';
import { createPacketizer } from '#rtp/packetizer';
import { type RtcpPacket, writeRtcp } from '#rtp/rtcp';
import { lengthPrefixed } from './annexb.ts';
import type { Clip, ClipTrack } from './clip.ts';
import { payloadType } from './description.ts';
import { markNalu } from './mark.ts';

export interface PlayedTrack {
  readonly index: number;
  readonly ssrc: number;
  /** Of the next packet. */
  readonly seq: number;
  /** RTP timestamp of the next unit. */
  readonly timestamp: number;
}

/** One track of a session, from SETUP on. */
class Playing {
  readonly index: number;
  source: ClipTrack;
  packetizer: Packetizer;
  readonly channel: number;
  /** RTP timestamp at the last PLAY; changed by faults. */
  base: number;
  /** Decoding time of the next unit, from the last PLAY. */
  ticks = 0;
  at = 0;
  lateMs = 0;
  packets = 0;
  octets = 0;

  constructor(index: number, source: ClipTrack, packetizer: Packetizer, channel: number, base: number) {
    this.index = index;
    this.source = source;
    this.packetizer = packetizer;
    this.channel = channel;
    this.base = base;
  }

  get clockRate(): number {
    return this.source.track.timescale;
  }
}

export interface PlaybackOptions {
  readonly clip: Clip;
  readonly camera: number;
  readonly random: SeededRandom;
  readonly maxPayload: number;
  /** Pictures carry marks (mark.ts). */
  readonly marks: boolean;
  /** The camera's clock runs fast by so many parts in a million. */
  readonly ppm: number;
  /** Number of the picture sent first after PLAY. */
  firstUnit(): number;
  /** Milliseconds that a unit is late on purpose. */
  lateMs(): number;
  /** Monotonic time of picture 0 of an encoder that runs all the time; pictures are taken as they are asked for, if absent. */
  readonly epochMs?: number;
  /** Key frames come with their parameter sets; always, if absent. */
  parameterSets?(): boolean;
}

/** A unit ready to send. */
export interface DueUnit {
  readonly track: number;
  readonly batch: PacketBatch;
  /** Number of the picture; undefined for audio. */
  readonly unit: number | undefined;
  readonly keyframe: boolean;
}

export class Playback {
  readonly #options: PlaybackOptions;
  readonly #tracks = new Map<number, Playing>();
  #startMs = 0;
  #everPlayed = false;
  #nextUnit = 0;
  /** Duration of pictures, times their own. */
  #stretch = 1;

  constructor(options: PlaybackOptions) {
    this.#options = options;
  }

  /** SETUP. Undefined when the clip has no such track. */
  setUp(index: number, channel: number): PlayedTrack | undefined {
    const source = this.#options.clip.tracks[index];
    const { random, maxPayload } = this.#options;
    const packetizer =
      source &&
      createPacketizer(this.#bare(source.track), {
        payloadType: payloadType(index),
        ssrc: word(random),
        seq: random.below(0x10000),
        maxPayload,
        channel,
      });
    if (!source || !packetizer) return undefined;
    this.#tracks.set(index, new Playing(index, source, packetizer, channel, word(random)));
    return this.tracks.find(t => t.index === index);
  }

  get tracks(): readonly PlayedTrack[] {
    return [...this.#tracks.values()].map(t => ({
      index: t.index,
      ssrc: t.packetizer.ssrc,
      seq: t.packetizer.seq,
      timestamp: (t.base + t.ticks) >>> 0,
    }));
  }

  /** PLAY: from a keyframe, at once. After a pause the time that passed is missing, as from any live camera. */
  begin(nowMs: number): void {
    for (const t of this.#tracks.values()) {
      if (this.#everPlayed) t.base += Math.round(((nowMs - this.#startMs) / 1000) * t.clockRate);
      t.ticks = 0;
      while (t.at > 0 && !t.source.units[t.at]?.keyframe) t.at = (t.at + 1) % t.source.units.length;
    }
    this.#everPlayed = true;
    this.#startMs = nowMs;
    this.#nextUnit = this.#options.firstUnit();
    if (this.#options.epochMs !== undefined) this.#joinAt(this.#options.epochMs);
  }

  /** The next key frame of the encoder, when its time comes. */
  #joinAt(epochMs: number): void {
    const video = [...this.#tracks.values()].find(t => t.source.track.kind === 'video');
    if (!video) return;
    const { units } = video.source;
    while (!units[this.#nextUnit % units.length]?.keyframe) this.#nextUnit++;
    video.at = this.#nextUnit % units.length;
    this.#startMs = epochMs + this.#nextUnit * (((units[0]?.duration ?? 3600) * 1000) / video.clockRate);
  }

  /** The next unit whose time has come. `atNs` goes into its mark. */
  next(nowMs: number, atNs: () => bigint): DueUnit | undefined {
    for (const t of this.#tracks.values()) {
      const seconds = t.ticks / t.clockRate / (1 + this.#options.ppm * 1e-6);
      if (this.#startMs + seconds * 1000 + t.lateMs > nowMs) continue;
      const unit = t.source.units[t.at];
      if (!unit) continue;
      const { kind, codec } = t.source.track;
      const number = kind === 'video' ? this.#nextUnit++ : undefined;
      const mark = (n: number): Uint8Array =>
        lengthPrefixed([markNalu({ camera: this.#options.camera, unit: n, atNs: atNs() })]);
      // Only an SEI of H.264 carries a mark.
      const marked = number !== undefined && this.#options.marks && codec === 'h264';
      const data = marked ? joined(mark(number), unit.data) : unit.data;
      const batch = t.packetizer.packetize(data, unit.keyframe, t.base + t.ticks + unit.compositionOffset);
      t.packets += batch.count;
      t.octets += batch.payloadBytes;
      t.ticks += kind === 'video' ? Math.round(unit.duration * this.#stretch) : unit.duration;
      t.at = (t.at + 1) % t.source.units.length;
      t.lateMs = this.#options.lateMs();
      return { track: t.index, batch, unit: number, keyframe: unit.keyframe };
    }
    return undefined;
  }

  /** One sender report per track (RFC 3550 6.4.1), with the interleaved channel it belongs to. */
  reports(nowMs: number, wallMs: number): { track: number; channel: number; bytes: Uint8Array }[] {
    return [...this.#tracks.values()].map(t => {
      const seconds = ((nowMs - this.#startMs) / 1000) * (1 + this.#options.ppm * 1e-6);
      const rtpTime = (t.base + Math.round(seconds * t.clockRate)) >>> 0;
      const ssrc = t.packetizer.ssrc;
      const report: RtcpPacket = {
        type: 'sender-report',
        ssrc,
        wallMs,
        ntpMiddle: 0, // follows from wallMs
        rtpTime,
        packets: t.packets >>> 0,
        octets: t.octets >>> 0,
        reports: [],
      };
      const bytes = writeRtcp([report, { type: 'source-description', ssrc, cname: 'fake-camera' }]);
      return { track: t.index, channel: t.channel + 1, bytes };
    });
  }

  /** Fault `tsjump`: in RTP ticks, of every track alike. */
  jump(ticks: number): void {
    for (const t of this.#tracks.values()) t.base += ticks;
  }

  /** Fault `ssrc`: another SSRC and sequence, as after a restart of the encoder. */
  renew(): void {
    for (const t of this.#tracks.values()) this.#repack(t, t.packetizer.ssrc + 0x1111, t.packetizer.seq + 30000);
  }

  /** Fault `switch`: another clip from its first keyframe on, in the same stream. Tracks it cannot replace stay. */
  change(clip: Clip): void {
    for (const t of this.#tracks.values()) {
      const other = clip.tracks[t.index];
      if (!other || other.track.codec !== t.source.track.codec || other.track.timescale !== t.clockRate) continue;
      t.source = other;
      t.at = 0;
      this.#repack(t, t.packetizer.ssrc, t.packetizer.seq);
    }
  }

  /** Fault `rate`: pictures take `factor` times as long from now on. */
  stretch(factor: number): void {
    this.#stretch *= factor;
  }

  /** Fault `noparams`: a decoder is told nothing. */
  #bare(track: Track): Track {
    const bare = 'parameterSets' in track && this.#options.parameterSets?.() === false;
    return bare ? ({ ...track, parameterSets: [] } as Track) : track;
  }

  #repack(t: Playing, ssrc: number, seq: number): void {
    const { index, channel } = t;
    const { maxPayload } = this.#options;
    const options = { payloadType: payloadType(index), ssrc, seq, maxPayload, channel };
    t.packetizer = createPacketizer(this.#bare(t.source.track), options);
  }
}

const word = (random: SeededRandom): number => random.below(0x10000) * 0x10000 + random.below(0x10000);

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}
