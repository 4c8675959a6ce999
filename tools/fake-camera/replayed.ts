/**
 * What a device has recorded, replayed (ONVIF Streaming 6): the pictures that it has made at given
 * times, with the marks that they had, each packet that begins an access unit with the time of it in
 * an extension of its header. Written from the specification. Pure: time is an argument.
 *
 * Picture n was taken at `pictureMs(n)`, and is the clip's unit n modulo its length, so a live session of
 * a steady camera and any number of replays show the same pictures at the same times.
 */
import type { SeededRandom } from '#fake/world';
import type { Packetizer } from '#rtp/packet-batch';
import { createPacketizer } from '#rtp/packetizer';
import { writeReplayHeader } from '#rtp/replay-header';
import { writeRtcp } from '#rtp/rtcp';
import { lengthPrefixed } from './annexb.ts';
import type { Clip, ClipTrack } from './clip.ts';
import { payloadType } from './description.ts';
import { markNalu } from './mark.ts';

/** What of a camera is recorded, UTC milliseconds by the device's clock. Asked anew for each replay. */
export interface RecordedSpans {
  /** The camera whose pictures they are. */
  readonly camera: number;
  spans(): readonly (readonly [beginMs: number, endMs: number])[];
}

export interface ReplayedOptions {
  readonly clip: Clip;
  readonly random: SeededRandom;
  readonly maxPayload: number;
  readonly recorded: RecordedSpans;
  /** Wall clock of unit 0 of the clip, UTC milliseconds, by the device's clock. */
  readonly epochMs: number;
  /** Packets tell their times: the client has asked for it. */
  readonly timed: boolean;
}

interface Track {
  readonly index: number;
  readonly channel: number;
  readonly source: ClipTrack;
  readonly packetizer: Packetizer;
  readonly base: number;
  /** Number of the next unit since the epoch, and of the last one of the present span. */
  next: number;
}

export class Replayed {
  readonly #options: ReplayedOptions;
  readonly #tracks: Track[] = [];
  #spans: (readonly [beginMs: number, endMs: number])[] = [];
  #cseq = 0;
  /** Time of the unit that was played last. */
  atMs = 0;

  constructor(options: ReplayedOptions) {
    this.#options = options;
  }

  /** SETUP; gives the SSRC, undefined when the clip has no such track. */
  setUp(index: number, channel: number): number | undefined {
    const source = this.#options.clip.tracks[index];
    const { random, maxPayload } = this.#options;
    const [ssrc, base] = [random.below(0x10000) * 0x10000 + index, random.below(0x10000) * 0x10000];
    // Room for the extension.
    const how = {
      payloadType: payloadType(index),
      ssrc,
      seq: random.below(0x10000),
      maxPayload: maxPayload - 16,
      channel,
    };
    const packetizer = source && createPacketizer(source.track, how);
    if (!source || !packetizer) return undefined;
    this.#tracks.push({ index, channel, source, packetizer, base, next: 0 });
    return ssrc;
  }

  /** PLAY of `[beginMs, endMs)`: from the key frame at or before its begin, if that is recorded. */
  begin(beginMs: number, endMs: number, cseq: number): void {
    this.#cseq = cseq & 0xff;
    this.#spans = this.#options.recorded
      .spans()
      .flatMap(([b, e]) => (b < endMs && e > beginMs ? [[Math.max(b, beginMs), Math.min(e, endMs)] as const] : []));
    const [span] = this.#spans;
    if (span)
      this.#seek(span[0], Math.max(...this.#options.recorded.spans().flatMap(([b]) => (b <= span[0] ? [b] : []))));
  }

  /** Packets of the next access unit, each behind its four bytes of RTSP; undefined when there is no more. */
  next(): Uint8Array[] | undefined {
    for (let span = this.#spans[0]; span; span = this.#spans[0]) {
      const track = this.#tracks.toSorted((a, b) => this.#timeOf(a) - this.#timeOf(b))[0];
      if (track && this.#timeOf(track) < span[1]) return this.#unit(track, span[1]);
      this.#spans.shift();
      const after = this.#spans[0];
      if (after) this.#seek(after[0], after[0]);
    }
    return undefined;
  }

  /** RTCP BYE of each track, interleaved. */
  goodbye(): Uint8Array[] {
    return this.#tracks.map(t => {
      const rtcp = writeRtcp([{ type: 'goodbye', ssrcs: [t.packetizer.ssrc] }]);
      return Buffer.concat([Uint8Array.of(0x24, t.channel + 1, rtcp.length >> 8, rtcp.length), rtcp]);
    });
  }

  #unitMs({ source: { track, units } }: Track): number {
    return ((units[0]?.duration ?? 3600) * 1000) / track.timescale;
  }

  #timeOf(track: Track, number = track.next): number {
    return this.#options.epochMs + number * this.#unitMs(track);
  }

  /** To the key frame at or before `beginMs`, but not before `leastMs`. */
  #seek(beginMs: number, leastMs: number): void {
    for (const t of this.#tracks) {
      const { units, track } = t.source;
      const numberAt = (ms: number): number => Math.ceil((ms - this.#options.epochMs) / this.#unitMs(t) - 1e-6);
      t.next = Math.floor((beginMs - this.#options.epochMs) / this.#unitMs(t) + 1e-6);
      const isKey = (n: number): boolean => units[modulo(n, units.length)]?.keyframe === true;
      while (track.kind === 'video' && !isKey(t.next) && t.next > numberAt(leastMs)) t.next--;
      while (track.kind === 'video' && (!isKey(t.next) || t.next < numberAt(leastMs))) t.next++;
    }
  }

  #unit(track: Track, endMs: number): Uint8Array[] {
    const { source, packetizer, base } = track;
    const number = track.next++;
    const unit = source.units[modulo(number, source.units.length)]!;
    const wallMs = (this.atMs = this.#timeOf(track, number));
    const isVideo = source.track.kind === 'video';
    const mark = markNalu({
      camera: this.#options.recorded.camera,
      unit: number,
      atNs: BigInt(Math.round(wallMs)) * 1_000_000n,
    });
    const marked = isVideo && source.track.codec === 'h264';
    const data = marked ? Buffer.concat([lengthPrefixed([mark]), unit.data]) : unit.data;
    const timestamp = base + number * unit.duration + unit.compositionOffset;
    const batch = packetizer.packetize(data, unit.keyframe, timestamp);
    const last = isVideo && this.#timeOf(track) >= endMs;
    const header = writeReplayHeader({
      wallMs,
      cleanPoint: unit.keyframe,
      endsSection: last,
      endsReplay: last && this.#spans.length === 1,
      cseq: this.#cseq,
    });
    return Array.from({ length: batch.count }, (_, i) => {
      const packet = batch.bytes.subarray(batch.offsets[i], batch.offsets[i + 1]);
      return i === 0 && this.#options.timed ? withExtension(packet, header) : packet;
    });
  }
}

const modulo = (n: number, by: number): number => ((n % by) + by) % by;

/** Behind the header of 12 bytes, its bit X set. */
function withExtension(packet: Uint8Array, extension: Uint8Array): Uint8Array {
  const out = new Uint8Array(packet.length + extension.length);
  out.set(packet.subarray(0, 16));
  out.set(extension, 16);
  out.set(packet.subarray(16), 16 + extension.length);
  out[4] = (out[4] ?? 0) | 0x10;
  const length = out.length - 4;
  out[2] = length >> 8;
  out[3] = length;
  return out;
}
