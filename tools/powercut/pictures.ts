/**
 * Cameras whose pictures tell who they are: five a second, every byte follows from camera and number, and no byte is zero,
 * so that a judge knows what a file must hold. Some have sound.
 */
import type { AccessUnit } from '#media/access-unit';
import type { GapReason } from '#media/gap';
import type { Run } from '#media/track';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
const sps = hex('67640016acd940a02ff9610000030001000003003c8f162d96');
const pps = [hex('68ebe3cb22c0'), hex('68ebe3cb22c1')];

export const pictureMs = 200;

let runs = 0;

/** A picture's bytes as they are stored: one NAL unit behind its length. */
export function pictureBytes(camera: number, n: number, keyframe: boolean): Uint8Array {
  const length = 300 + ((n * 7919 + camera * 104_729) % 1400);
  const bytes = new Uint8Array(4 + length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length);
  bytes[4] = keyframe ? 0x65 : 0x41;
  bytes[5] = camera + 1;
  view.setUint32(6, n + 0x01000000);
  for (let i = 10; i < bytes.length; i++) bytes[i] = 1 + ((i * 31 + n * 17 + camera) % 255);
  return bytes;
}

/** Number of the picture that these bytes are, undefined when they are none or not wholly. */
export function pictureNumber(camera: number, bytes: Uint8Array): number | undefined {
  if (bytes.length < 10 || bytes[5] !== camera + 1) return undefined;
  const n = new DataView(bytes.buffer, bytes.byteOffset).getUint32(6) - 0x01000000;
  return Buffer.compare(bytes, pictureBytes(camera, n, bytes[4] === 0x65)) === 0 ? n : undefined;
}

export interface Taker {
  unit(unit: AccessUnit): void;
  gap(gap: { readonly reason: GapReason; readonly atMs: number }): void;
}

export class Camera {
  readonly id: number;
  readonly name: string;
  readonly #sound: boolean;
  readonly #group: number;
  #format = 0;
  #run: Run | undefined;
  #first = 0;
  #startMs = 0;
  #soundAt = 0;
  /** The next picture's; never used twice. */
  next = 0;
  /** Monotonic time at which each picture was handed over. */
  readonly fedAt: number[] = [];
  /** And the wall clock in it. */
  readonly wallAt: number[] = [];
  isOn = true;
  /** Its track is being ended; it may begin again then. */
  isEnding = false;

  constructor(id: number, sound: boolean, group: number) {
    this.id = id;
    this.name = `cam${id}`;
    this.#sound = sound;
    this.#group = group;
  }

  /** The next picture begins a new run: another connection, or another format too. */
  reconnect(otherFormat = false): void {
    this.#run = undefined;
    if (otherFormat) this.#format = 1 - this.#format;
  }

  /** Pictures handed over since then need not be stored: the archive says that it is full. */
  excuse(sinceMs: number): void {
    for (let n = this.next - 1; n >= 0 && (this.fedAt[n] ?? Number.NEGATIVE_INFINITY) >= sinceMs; n--)
      delete this.fedAt[n];
  }

  /** Pictures up to this moment. */
  feed(taker: Taker, wallMs: number, monotonicMs: number): void {
    if (!this.isOn || this.isEnding) return;
    if (!this.#run) this.#begin(wallMs);
    const run = this.#run as Run;
    for (;;) {
      const at = (this.next - this.#first) * pictureMs;
      const pictureWallMs = this.#startMs + at;
      if (pictureWallMs > wallMs) return;
      const keyframe = (this.next - this.#first) % this.#group === 0;
      const data = pictureBytes(this.id, this.next, keyframe);
      this.fedAt[this.next] = monotonicMs;
      this.wallAt[this.next] = pictureWallMs;
      this.next++;
      taker.unit({ run, track: 0, pts: at * 90, dts: at * 90, wallMs: pictureWallMs, keyframe, data, lost: 0 });
      if (this.#sound) this.#feedSound(taker, run, at + pictureMs);
    }
  }

  #feedSound(taker: Taker, run: Run, untilMs: number): void {
    for (; (this.#soundAt * 1024) / 48 < untilMs; this.#soundAt++) {
      const dts = this.#soundAt * 1024;
      const data = new Uint8Array(40).fill(1 + (this.#soundAt % 255));
      taker.unit({ run, track: 1, pts: dts, dts, wallMs: this.#startMs + dts / 48, keyframe: true, data, lost: 0 });
    }
  }

  #begin(wallMs: number): void {
    const video = {
      kind: 'video',
      codec: 'h264',
      timescale: 90_000,
      width: 640,
      height: 360,
      parameterSets: [sps, pps[this.#format] ?? sps],
      codecText: 'avc1.640016',
      framerate: 5,
    } as const;
    const audio = {
      kind: 'audio',
      codec: 'aac',
      timescale: 48_000,
      sampleRate: 48_000,
      channels: 1,
      config: hex('1188'),
      codecText: 'mp4a.40.2',
      samplesPerUnit: 1024,
    } as const;
    this.#run = { id: ++runs, tracks: this.#sound ? [video, audio] : [video] };
    this.#first = this.next;
    this.#startMs = wallMs;
    this.#soundAt = 0;
  }
}
