/**
 * Faults on demand: the text form of tools/rtspload/README.md,
 *
 *     cam=A[-B]|all,type=T,at=S,every=S,dur=S,p=F,v=N,count=N,method=M,variant=V
 *
 * read into values, and what they do to packets. Pure and seeded: the same seed, clip and
 * faults give the same packets.
 */

import { Fault } from '#core/errors';
import type { SeededRandom } from '#fake/world';
import type { PacketBatch } from '#rtp/packet-batch';
import { type RogueType, rogueTypes } from './rogue.ts';

/** What happens once, when its time comes, to each session. */
const timed = ['drop', 'rst', 'stall', 'tsjump', 'ssrc', 'switch', 'rate'] as const;
/** What happens to packets with probability `p`. */
const perPacket = ['loss', 'burstloss', 'corrupt', 'trunc', 'reorder', 'dup', 'garbage', 'giant'] as const;
/** What holds while it lasts. */
// biome-ignore format: a list to read through
const lasting = ['firewall', 'mute', 'delay', 'jitter', 'rtsperr', 'split', 'sdp', 'reboot', 'expire', 'early',
  'unauthorized', 'redirect', 'nokey', 'noparams'] as const;
export const faultTypes = [...timed, ...perPacket, ...lasting, ...rogueTypes] as const;
export type FaultType = (typeof faultTypes)[number];
export type TimedType = (typeof timed)[number];

export const sdpVariants = [
  'noctl',
  'absctl',
  'nosprop',
  'lf',
  'meta',
  'badfmtp',
  'audiofirst',
  'unknown',
  'longhdr',
] as const;
export type SdpVariant = (typeof sdpVariants)[number];

export interface FaultSpec {
  readonly type: FaultType;
  /** Cameras by number, both included. */
  readonly from: number;
  readonly to: number;
  /** Seconds from PLAY. */
  readonly atS: number;
  /** Seconds from one time to the next; 0: once. */
  readonly everyS: number;
  /** Seconds that it lasts; 0: for ever (`stall`: 5). */
  readonly forS: number;
  readonly p: number;
  readonly v: number;
  /** At most so many times; 0: no limit. `drop`, `rst` and what concerns a `method` count per camera, the others per session. */
  readonly count: number;
  /** Which request, of those that concern one: `rtsperr`, `reboot`, `unauthorized`, `redirect`, and the rogue ones; '' is every one. */
  readonly method: string;
  /** `sdp` only. */
  readonly variant: SdpVariant | undefined;
}

/** Throws a Fault that names what it did not understand. */
export function parseFault(text: string): FaultSpec {
  const wrong = (what: string): Fault => new Fault('argument', 'bad-argument', `fault ${text}: ${what}`);
  const fields = new Map<string, string>();
  for (const part of text.split(',')) {
    const m = /^\s*(cam|type|at|every|dur|p|v|count|method|variant)=(.*?)\s*$/.exec(part);
    if (!m) throw wrong(`expected key=value, got ${part}`);
    fields.set(m[1] ?? '', m[2] ?? '');
  }
  const number = (key: string, otherwise: number): number => {
    const value = Number(fields.get(key) ?? otherwise);
    if (!Number.isFinite(value)) throw wrong(`expected a number for ${key}, got ${fields.get(key)}`);
    return value;
  };
  const cameras = /^(?:(all)|(\d+)(?:-(\d+))?)$/.exec(fields.get('cam') ?? 'all');
  if (!cameras) throw wrong('expected cam=N, cam=N-M or cam=all');
  const from = cameras[1] ? 0 : Number(cameras[2]);
  const to = cameras[1] ? Number.POSITIVE_INFINITY : Number(cameras[3] ?? cameras[2]);
  const type = faultTypes.find(t => t === fields.get('type'));
  if (!type) throw wrong(`expected type= one of ${faultTypes.join(' ')}`);
  const variant = sdpVariants.find(v => v === fields.get('variant'));
  if (type === 'sdp' && !variant) throw wrong(`expected variant= one of ${sdpVariants.join(' ')}`);
  return {
    type,
    from,
    to,
    atS: number('at', 0),
    everyS: number('every', 0),
    forS: number('dur', 0),
    p: number('p', 0.01),
    // The medium behind the one that is played from the beginning.
    v: number('v', type === 'switch' ? 1 : 0),
    count: number('count', 0),
    method: fields.get('method') ?? '',
    variant,
  };
}

/** All faults there are, shared by all cameras; they may come and go while sessions play. */
export class FaultBook {
  #specs: readonly FaultSpec[] = [];
  /** Times that a fault has struck a camera. */
  readonly #struck = new Map<FaultSpec, Map<number, number>>();

  get specs(): readonly FaultSpec[] {
    return this.#specs;
  }

  add(spec: FaultSpec): void {
    this.#specs = [...this.#specs, spec];
  }

  clear(): void {
    this.#specs = [];
    this.#struck.clear();
  }

  /** The first of a type that holds for a camera, `elapsedS` after PLAY. */
  active(camera: number, type: FaultType, elapsedS: number): FaultSpec | undefined {
    for (const f of this.#specs)
      if (f.type === type && concerns(f, camera) && elapsedS >= f.atS && (f.forS <= 0 || elapsedS < f.atS + f.forS))
        return f;
    return undefined;
  }

  /** May it strike this camera once more? If so it is counted. */
  strike(spec: FaultSpec, camera: number): boolean {
    const counts = this.#struck.get(spec) ?? new Map<number, number>();
    const so = counts.get(camera) ?? 0;
    if (spec.count > 0 && so >= spec.count) return false;
    this.#struck.set(spec, counts.set(camera, so + 1));
    return true;
  }

  /** The first of these types that strikes this request; counted. */
  request(camera: number, method: string, types: readonly FaultType[]): FaultSpec | undefined {
    for (const f of this.#specs)
      if (types.includes(f.type) && concerns(f, camera) && (f.method === '' || f.method === method))
        if (this.strike(f, camera)) return f;
    return undefined;
  }

  /** What the reply to this request is bent by; counted. */
  rogue(camera: number, method: string): (FaultSpec & { readonly type: RogueType }) | undefined {
    return this.request(camera, method, rogueTypes) as (FaultSpec & { readonly type: RogueType }) | undefined;
  }
}

const concerns = (f: FaultSpec, camera: number): boolean => camera >= f.from && camera <= f.to;

export interface PacketCounts {
  lost: number;
  corrupt: number;
  reordered: number;
  duplicate: number;
}

/** The faults of one playing session. */
export class SessionFaults {
  readonly #book: FaultBook;
  readonly #camera: number;
  readonly #random: SeededRandom;
  /** How often each timed fault has struck this session. */
  readonly #times = new Map<FaultSpec, number>();
  /** A packet that waits for the one behind it, per track. */
  readonly #held = new Map<number, Uint8Array>();

  constructor(book: FaultBook, camera: number, random: SeededRandom) {
    this.#book = book;
    this.#camera = camera;
    this.#random = random;
  }

  /** Timed faults whose time has come since the last call. */
  due(elapsedS: number): FaultSpec[] {
    const found: FaultSpec[] = [];
    for (const f of this.#book.specs) {
      if (!timed.some(t => t === f.type) || !concerns(f, this.#camera)) continue;
      const times = this.#times.get(f) ?? 0;
      if (times > 0 && f.everyS <= 0) continue;
      if (elapsedS < f.atS + times * f.everyS) continue;
      const perCamera = f.type === 'drop' || f.type === 'rst';
      if (perCamera ? !this.#book.strike(f, this.#camera) : f.count > 0 && times >= f.count) continue;
      this.#times.set(f, times + 1);
      found.push(f);
    }
    return found;
  }

  /** Milliseconds that this unit is late. */
  jitterMs(elapsedS: number): number {
    const f = this.#book.active(this.#camera, 'jitter', elapsedS);
    return f ? this.#random.unit() * f.v : 0;
  }

  /** The batch whole, when no fault concerns its packets. */
  harmless(elapsedS: number): boolean {
    return this.#held.size === 0 && perPacket.every(t => !this.#book.active(this.#camera, t, elapsedS));
  }

  /** The packets of the batch, each with its 4 bytes of prefix, as the network would deliver them; debris between them has no prefix. */
  mangle(track: number, batch: PacketBatch, elapsedS: number, tcp: boolean, counts: PacketCounts): Uint8Array[] {
    const out: Uint8Array[] = [];
    const strikes = (type: FaultType): FaultSpec | undefined => {
      const f = this.#book.active(this.#camera, type, elapsedS);
      return f && this.#random.unit() < f.p ? f : undefined;
    };
    const burst = this.#book.active(this.#camera, 'burstloss', elapsedS);
    const period = burst && burst.everyS > 0 ? burst.everyS : Number.POSITIVE_INFINITY;
    const inBurst = burst !== undefined && ((elapsedS - burst.atS) % period) * 1000 < burst.v;
    for (let i = 0; i < batch.count; i++) {
      if (inBurst || strikes('loss')) {
        counts.lost += 1;
        continue;
      }
      let packet = batch.bytes.slice(batch.offsets[i], batch.offsets[i + 1]);
      if (strikes('corrupt')) {
        const at = 16 + this.#random.below(Math.max(1, packet.length - 16));
        packet[at] = (packet[at] ?? 0) ^ (1 + this.#random.below(255));
        counts.corrupt += 1;
      }
      if (packet.length > 40 && strikes('trunc')) {
        packet = packet.slice(0, 18 + this.#random.below(packet.length - 20));
        packet[2] = (packet.length - 4) >> 8;
        packet[3] = packet.length - 4;
        counts.corrupt += 1;
      }
      if (tcp && strikes('garbage')) {
        out.push(this.#random.bytes(1 + this.#random.below(60)));
        counts.corrupt += 1;
      }
      if (tcp && strikes('giant')) {
        out.push(this.#giant(packet));
        counts.corrupt += 1;
      }
      if (!this.#held.has(track) && strikes('reorder')) {
        this.#held.set(track, packet);
        counts.reordered += 1;
        continue;
      }
      out.push(packet);
      if (strikes('dup')) {
        out.push(packet);
        counts.duplicate += 1;
      }
      const held = this.#held.get(track);
      if (held) out.push(held);
      this.#held.delete(track);
    }
    return out;
  }

  /** A packet of the greatest length that its prefix can say, on the track's channel or on nobody's. */
  #giant(like: Uint8Array): Uint8Array {
    const packet = new Uint8Array(4 + 0xffff);
    packet.set(like.subarray(0, 16));
    if (this.#random.below(2) === 0) packet[1] = 200;
    packet[2] = packet[3] = 0xff;
    return packet;
  }

  /** Where to cut bytes for the wire; the whole when `split` does not hold. */
  pieces(bytes: Uint8Array, elapsedS: number): Uint8Array[] {
    if (!this.#book.active(this.#camera, 'split', elapsedS)) return [bytes];
    const out: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; ) {
      // Mostly a few bytes, so that headers are cut too, sometimes a lot, so that it ends.
      const length = this.#random.below(3) > 0 ? 1 + this.#random.below(20) : 1 + this.#random.below(2000);
      out.push(bytes.subarray(at, at + length));
      at += length;
    }
    return out;
  }
}
