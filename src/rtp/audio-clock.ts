/**
 * Does the time of a track of sound run at the rate that its description says? How long the
 * sound of a packet is, the sound itself tells; its timestamps should go on by as much, and
 * arrive as fast. Where both agree on another usual rate, that is the clock (quirk `audio-clock`). Pure.
 */
import type { AudioTrack } from '#media/track';
import { timestampDistance } from './packet.ts';

/** Of RFC 3551, RFC 7587, AAC, and the 90000 that is copied from video. */
const usual = [8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 90000];
/** So many packets that agree with the description settle the question. */
const enough = 50;
/** A window that is judged by its arrival: longer than what cameras send at once at the beginning. */
const windowMs = 3_000;

/** Seconds of sound in a unit; 0 where it does not tell. */
export function secondsOf(track: AudioTrack, data: Uint8Array): number {
  switch (track.codec) {
    case 'aac':
      return track.samplesPerUnit / track.sampleRate;
    case 'opus':
      return opusSeconds(data);
    case 'lpcm':
      return data.length / (2 * track.channels * track.sampleRate);
    default:
      return data.length / (track.channels * track.sampleRate);
  }
}

/** RFC 6716 3.1, 3.2: the length of a frame is in the first octet, and how many there are. */
function opusSeconds(data: Uint8Array): number {
  const first = data[0] ?? 0;
  const config = first >> 3;
  const frameMs =
    config < 12 ? [10, 20, 40, 60][config & 3]! : config < 16 ? [10, 20][config & 1]! : [2.5, 5, 10, 20][config & 3]!;
  const code = first & 3;
  const frames = code === 0 ? 1 : code < 3 ? 2 : (data[1] ?? 0) & 0x3f;
  return (frames * frameMs) / 1000;
}

export class AudioClock {
  readonly #clockRate: number;
  #timestamp = -1;
  /** Of the sound since the present timestamp. */
  #seconds = 0;
  #agreed = 0;
  #settled = false;
  /** The rate that the last packets told, and since when. */
  #candidate = 0;
  #beganMs = 0;
  #ticks = 0;

  constructor(clockRate: number) {
    this.#clockRate = clockRate;
  }

  unit(seconds: number): void {
    this.#seconds += seconds;
  }

  /** Before the units of each packet. The true rate, when it is known to be another. */
  packet(timestamp: number, lost: boolean, arrivalMs: number): number | undefined {
    if (this.#settled || timestamp === this.#timestamp) return undefined;
    const step = timestampDistance(this.#timestamp, timestamp);
    const seconds = this.#seconds;
    const usable = this.#timestamp >= 0 && !lost && step > 0 && seconds > 0;
    this.#timestamp = timestamp;
    this.#seconds = 0;
    return usable ? this.#weigh(step, seconds, arrivalMs) : undefined;
  }

  #weigh(step: number, seconds: number, arrivalMs: number): number | undefined {
    const rate = step / seconds;
    if (near(rate, this.#clockRate, 0.02)) {
      this.#settled = ++this.#agreed >= enough;
      this.#candidate = 0;
      return undefined;
    }
    const candidate = usual.find(u => near(rate, u, 0.02)) ?? 0;
    if (candidate !== this.#candidate || candidate === 0) {
      this.#candidate = candidate;
      this.#beganMs = arrivalMs;
      this.#ticks = 0;
      return undefined;
    }
    this.#ticks += step;
    const passedMs = arrivalMs - this.#beganMs;
    if (passedMs < windowMs) return undefined;
    const arrived = (this.#ticks * 1000) / passedMs;
    if (near(arrived, candidate, 0.15)) {
      this.#settled = true;
      return candidate;
    }
    this.#beganMs = arrivalMs;
    this.#ticks = 0;
    return undefined;
  }
}

const near = (value: number, wanted: number, part: number): boolean => Math.abs(value - wanted) <= wanted * part;
