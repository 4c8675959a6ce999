/**
 * What a stream is like now: bit rate, frame rate, time of the last picture, formats. Fed
 * with every unit, asked a few times a minute. Ages are on the monotonic clock.
 *
 * Bits are counted per half second of arrival. Pictures are rated by their own decoding
 * times, since cameras that nobody watches are read in batches and arrive in bursts.
 */
import type { AccessUnit } from '#media/access-unit';
import type { AudioTrack, Run, VideoTrack } from '#media/track';

const bucketMs = 500;
/** Ten whole half-seconds and the one that is running. */
const buckets = 11;
const windowMs = (buckets - 1) * bucketMs;
/** 5 s at 50 pictures per second; of faster streams a shorter window. */
const pictures = 256;

export class Statistics {
  readonly #bytes = new Float64Array(buckets);
  #bucket = -1;
  /** When media began to flow, for windows that are not yet full; when the last unit came. */
  #sinceMs = 0;
  #lastMs = Number.NEGATIVE_INFINITY;
  readonly #arrivedMs = new Float64Array(pictures);
  readonly #dtsMs = new Float64Array(pictures);
  #next = 0;
  #filled = 0;
  #run: Run | undefined;
  #videoTrack = -1;
  #timescale = 1;
  video: VideoTrack | undefined;
  audio: AudioTrack | undefined;
  /** Of all runs. */
  readonly totals = { video: { bytes: 0, samples: 0 }, audio: { bytes: 0, samples: 0 } };
  /** Wall clock of the newest picture, of the newest unit in a stream without video; 0 before the first. */
  lastFrameMs = 0;

  /** Tells whether a new run has begun with this unit. */
  unit(unit: AccessUnit, nowMs: number): boolean {
    const begins = unit.run !== this.#run;
    if (begins) this.#begin(unit.run);
    this.#turn(nowMs);
    if (nowMs - this.#lastMs > windowMs) this.#sinceMs = nowMs;
    this.#lastMs = nowMs;
    const at = this.#bucket % buckets;
    this.#bytes[at] = (this.#bytes[at] as number) + unit.data.length;
    const total = unit.track === this.#videoTrack ? this.totals.video : this.totals.audio;
    total.bytes += unit.data.length;
    total.samples++;
    if (this.#videoTrack >= 0 && unit.track !== this.#videoTrack) return begins;
    if (unit.wallMs > this.lastFrameMs || begins) this.lastFrameMs = unit.wallMs;
    if (this.#videoTrack < 0) return begins;
    this.#arrivedMs[this.#next] = nowMs;
    this.#dtsMs[this.#next] = (unit.dts / this.#timescale) * 1000;
    this.#next = (this.#next + 1) % pictures;
    if (this.#filled < pictures) this.#filled++;
    return begins;
  }

  /** Bits per second over the last five seconds, all tracks. */
  bitrate(nowMs: number): number {
    if (this.#bucket < 0) return 0;
    this.#turn(nowMs);
    let bytes = 0;
    for (const b of this.#bytes) bytes += b;
    // The running bucket counts with the part of it that has passed; a stream younger than a bucket is rated over one.
    const spanMs = Math.max(bucketMs, Math.min(windowMs + (nowMs % bucketMs), nowMs - this.#sinceMs));
    return Math.round((bytes * 8000) / spanMs);
  }

  /** Pictures per second over the last five seconds, two decimals; 0 when fewer than two came. */
  framerate(nowMs: number): number {
    let count = 0;
    for (let back = 1; back <= this.#filled; back++) {
      if (nowMs - (this.#arrivedMs[(this.#next - back + pictures) % pictures] as number) > windowMs) break;
      count = back;
    }
    if (count < 2) return 0;
    const newest = this.#dtsMs[(this.#next - 1 + pictures) % pictures] as number;
    const oldest = this.#dtsMs[(this.#next - count + pictures) % pictures] as number;
    return newest > oldest ? Math.round(((count - 1) * 100_000) / (newest - oldest)) / 100 : 0;
  }

  #begin(run: Run): void {
    this.#run = run;
    this.#videoTrack = run.tracks.findIndex(t => t.kind === 'video');
    this.video = run.tracks.find(t => t.kind === 'video');
    this.audio = run.tracks.find(t => t.kind === 'audio');
    this.#timescale = this.video?.timescale ?? 1;
    this.#filled = 0;
  }

  /** Empties the buckets that time has passed over. */
  #turn(nowMs: number): void {
    const bucket = Math.floor(nowMs / bucketMs);
    if (bucket === this.#bucket) return;
    if (this.#bucket < 0 || bucket - this.#bucket >= buckets) this.#bytes.fill(0);
    else for (let b = this.#bucket + 1; b <= bucket; b++) this.#bytes[b % buckets] = 0;
    this.#bucket = bucket;
  }
}
