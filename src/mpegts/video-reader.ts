/**
 * H.264 and H.265 elementary streams to access units (ISO/IEC 14496-10 7.4.1.2.3, ITU-T H.265 7.4.2.4.4): a
 * unit ends where a NAL unit begins that only the next one can have. Parameter sets, access unit
 * delimiters and filler are taken out; SEI stays. What is left of a picture with a hole is handed on with
 * how much is missing; a keyframe with a hole is none. RASL pictures of the first random access point of H.265, which
 * cannot be decoded, are left out. A second unit behind one time (some multiplexers write several into one PES
 * packet) follows its predecessor by the duration of a picture; two fields are one unit.
 */

import { stampRate } from '#demux/run-maker';
import { h264Track, naluType, parseSps } from '#media/h264';
import { H264EntryPoints } from '#media/h264-entry';
import { H264ParameterSets } from '#media/h264-sets';
import { h265Track, h265Type, h265TypeOf } from '#media/h265';
import { H265ParameterSets } from '#media/h265-sets';
import { UnitBuffer } from '#media/unit-buffer';
import { type ElementaryReader, Stamps, type UnitTaker } from './elementary.ts';
import { NaluReader, type NaluTaker } from './nalu-reader.ts';

const slabBytes = 128 << 10;
const unitLimitBytes = 8 << 20;

/** What a NAL unit is to its access unit. */
type Role = 'slice' | 'keyframe-slice' | 'set' | 'opens' | 'inside' | 'left-out';

export class VideoReader implements ElementaryReader, NaluTaker {
  readonly #taker: UnitTaker;
  readonly #hevc: boolean;
  readonly #sets: H264ParameterSets | H265ParameterSets;
  readonly #nalus = new NaluReader(this);
  readonly #stamps = new Stamps();
  readonly #unit = new UnitBuffer(slabBytes, unitLimitBytes);
  /** Place of the first NAL unit of the unit at hand; -1: nothing is there. */
  #at = -1;
  #picture = false;
  #keyframe = false;
  /** H.264: says which pictures are keyframes. */
  readonly #entry = new H264EntryPoints();
  #keyPts = Number.NaN;
  /** H.265: its slices are of this type. */
  #type = 0;
  #damaged = false;
  #lost = 0;
  /** Of the last unit; NaN: there was none with a time. */
  #pts = Number.NaN;
  #dts = Number.NaN;
  /** Duration of a picture, in stamps. */
  #frameTicks = stampRate / 25;
  /** Two fields may stand behind each other as one picture. */
  #fields = false;
  /** Random access points so far: none, the first, more. */
  #irap: 0 | 1 | 2 = 0;

  constructor(codec: 'h264' | 'h265', taker: UnitTaker) {
    this.#taker = taker;
    this.#hevc = codec === 'h265';
    this.#sets = this.#hevc ? new H265ParameterSets() : new H264ParameterSets();
  }

  stamp(pts: number, dts: number): void {
    this.#stamps.add(this.#nalus.place, pts, dts);
  }

  bytes(bytes: Uint8Array, begin: number, end: number): void {
    this.#nalus.push(bytes, begin, end);
  }

  lost(packets: number, starts: boolean): void {
    this.#lost += packets;
    if (starts) this.#nalus.end();
    else this.#nalus.hole();
    this.#damaged = this.#picture || !starts;
  }

  end(): void {
    this.#nalus.end();
    if (this.#picture) this.#finish();
    this.#unit.drop();
    this.#at = -1;
    this.#irap = 0;
    this.#entry.restart();
    this.#pts = this.#dts = Number.NaN;
  }

  // What the NAL unit reader says, NaluTaker:

  dropped(why: string): void {
    this.#damaged = true;
    this.#taker.problem(why);
  }

  nalu(bytes: Uint8Array, begin: number, end: number, at: number): void {
    const role = this.#hevc ? roleH265(bytes[begin]!) : roleH264(bytes[begin]!);
    const isSlice = role === 'slice' || role === 'keyframe-slice';
    if (this.#picture) {
      if (this.#opensNext(role, isSlice, bytes, begin, end, at)) this.#finish();
    } else if (this.#at >= 0 && this.#stamps.waits(this.#at, at)) this.#restart();
    if (role === 'left-out') return;
    if (this.#at < 0) this.#at = at;
    if (role === 'set') {
      this.#sets.offer(bytes, begin, end);
      return;
    }
    // An access unit delimiter only opens.
    if (role === 'opens' && isDelimiter(this.#hevc, bytes[begin]!)) return;
    if (!this.#hevc) this.#enter(isSlice, bytes, begin, end);
    this.#unit.appendLength(end - begin);
    this.#unit.append(bytes, begin, end);
    if (!isSlice) return;
    if (!this.#picture && !isFirstSlice(this.#hevc, bytes, begin, end)) this.#damaged = true;
    this.#picture = true;
    this.#type = h265TypeOf(bytes[begin]!);
    if (role === 'keyframe-slice') this.#keyframe = true;
  }

  #enter(isSlice: boolean, bytes: Uint8Array, begin: number, end: number): void {
    const type = bytes[begin]! & 0x1f;
    if (isSlice) this.#entry.slice(type === naluType.idr, bytes, begin + 1, end);
    else if (type === naluType.sei) this.#entry.sei(bytes, begin, end);
  }

  #opensNext(role: Role, isSlice: boolean, bytes: Uint8Array, begin: number, end: number, at: number): boolean {
    const first = role === 'set' || role === 'opens' || (isSlice && isFirstSlice(this.#hevc, bytes, begin, end));
    const timed = this.#stamps.waits(this.#at, at);
    if (first) return timed || !this.#fields;
    // After a hole the slice that began the picture may be missing.
    return isSlice && this.#damaged && timed;
  }

  /** Nothing is left of the picture that was to come: what came before it is forgotten. */
  #restart(): void {
    this.#unit.drop();
    this.#entry.drop();
    this.#at = -1;
    this.#damaged = false;
  }

  #finish(): void {
    const { keyframe, lost, damaged } = { keyframe: this.#keyframe, lost: this.#lost, damaged: this.#damaged };
    const { overflown } = this.#unit;
    const timed = this.#stamps.take(this.#at);
    if (timed) {
      this.#pts = this.#stamps.pts;
      this.#dts = this.#stamps.dts;
    } else {
      this.#pts += this.#frameTicks;
      this.#dts += this.#frameTicks;
    }
    this.#at = -1;
    this.#picture = this.#keyframe = this.#damaged = false;
    const entered = this.#entry.picture(!damaged && !overflown);
    if (overflown || Number.isNaN(this.#dts)) {
      this.#unit.drop();
      this.#lost++;
      this.#taker.problem(overflown ? 'a picture larger than 8 MiB' : 'a picture before any time');
      return;
    }
    const whole = this.#hevc ? keyframe && !damaged : entered;
    if (!this.#isDecodable(whole)) {
      this.#unit.drop();
      return;
    }
    this.#lost = 0;
    const sets = this.#sets.takeChanged();
    if (sets !== undefined) this.#format(sets);
    this.#taker.unit(this.#pts, this.#dts, whole, this.#unit.take(), lost);
  }

  /** H.265 8.1.3: not a RASL picture of the first random access point; nor one that leads the first of H.264. */
  #isDecodable(keyframe: boolean): boolean {
    if (!this.#hevc) {
      if (keyframe) this.#keyPts = this.#pts;
      return keyframe || !this.#entry.leads || this.#pts >= this.#keyPts;
    }
    if (keyframe) this.#irap = this.#irap === 0 ? 1 : 2;
    return this.#irap !== 1 || (this.#type !== h265Type.raslN && this.#type !== h265Type.raslR);
  }

  #format(sets: readonly Uint8Array[]): void {
    const [first = new Uint8Array(0)] = sets;
    const track = this.#hevc ? h265Track(sets) : h264Track(first, sets.slice(1));
    if (track === undefined) {
      this.#taker.problem('parameter sets that make no sense');
      return;
    }
    if (track.framerate > 0) this.#frameTicks = stampRate / track.framerate;
    this.#fields = !this.#hevc && parseSps(first)?.framesOnly === false;
    this.#taker.format(track);
  }
}

/** Table 7-1. Types 14 to 18, and those that the RTP payload formats use for themselves, open a unit as SEI does. */
function roleH264(header: number): Role {
  const type = header & 0x1f;
  if (type === naluType.idr) return 'keyframe-slice';
  if (type >= 1 && type < naluType.idr) return 'slice';
  if (type === naluType.sps || type === naluType.pps) return 'set';
  if (type === naluType.sei || type === naluType.aud || (type >= 14 && type <= 18)) return 'opens';
  if (type === 13 || type === 19) return 'inside';
  return 'left-out';
}

/** H.265 table 7-1; 7.4.2.4.4: 41 to 44 and 48 to 55 open a unit, too. Layers above the base are left out. */
function roleH265(header: number): Role {
  const type = h265TypeOf(header);
  if ((header & 1) !== 0) return 'left-out';
  if (type >= h265Type.firstIrap && type <= h265Type.lastIrap) return 'keyframe-slice';
  if (type <= h265Type.lastSlice) return 'slice';
  if (type <= h265Type.pps) return 'set';
  if (type === h265Type.aud || type === 39) return 'opens';
  return type === 40 ? 'inside' : 'left-out';
}

const isDelimiter = (hevc: boolean, header: number): boolean =>
  hevc ? h265TypeOf(header) === h265Type.aud : (header & 0x1f) === naluType.aud;

/** first_mb_in_slice 0, first_slice_segment_in_pic_flag. Data partitions B and C (3, 4) never are. */
function isFirstSlice(hevc: boolean, bytes: Uint8Array, begin: number, end: number): boolean {
  if (hevc) return end - begin > 2 && (bytes[begin + 2]! & 0x80) !== 0;
  const type = bytes[begin]! & 0x1f;
  return type !== 3 && type !== 4 && end - begin > 1 && (bytes[begin + 1]! & 0x80) !== 0;
}
