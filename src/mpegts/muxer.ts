/**
 * Access units of one run to a transport stream (ISO/IEC 13818-1): H.264, H.265, AAC as ADTS, Opus. What goes where is
 * layout.ts' to say, byte for byte; this writes it. No clock and no memory but the continuity counters, which can be given:
 * a segment that is written by itself continues the one before it if it begins with the counts of all before.
 *
 * Times of the run plus 1.4 s, and what `MuxPlace` adds, become those of the stream; the clock reference is 0.7 s before decoding time, which
 * is how far a decoder's buffer may be filled.
 */
import { stampWrap } from '#demux/run-maker';
import type { AccessUnit } from '#media/access-unit';
import { adtsBytes, adtsTemplate, writeAdtsHeader } from '#media/adts';
import type { Run, Track } from '#media/track';
import {
  carriedTracks,
  countStep,
  Layout,
  type PacketCounts,
  payloadBytes,
  pcrFieldBytes,
  pesHeaderBytes,
  pesPayloadBytes,
  type Step,
} from './layout.ts';
import { packetBytes, syncByte } from './packet-reader.ts';
import { type ElementaryStream, patPid, writePat, writePmt } from './psi.ts';
import { opusExtension, streamType, tag } from './stream-types.ts';

const pid = { pmt: 0x1000, video: 0x100, audio: 0x101 } as const;
const programNumber = 1;
const originTicks = 1.4 * 90_000;
const delayTicks = 0.7 * 90_000;

/** Start values of the continuity counters: what was written before, modulo 16. */
export type Counters = Partial<Pick<PacketCounts, 'pat' | 'pmt' | 'video' | 'audio'>>;

/** What of an access unit is written. */
export type MuxUnit = Pick<AccessUnit, 'track' | 'pts' | 'dts' | 'keyframe' | 'data'>;

/** Where in a stream that has more than this run it stands. */
export interface MuxPlace {
  /** Of the PMT, 0 to 31: another one when the formats are others than in the run before. Default 0. */
  readonly version?: number;
  /** Added to all times, 90 kHz. Default 0. */
  readonly shiftTicks?: number;
  /** The clock does not go on from what was before: told with the first reference (2.4.3.5). */
  readonly discontinuity?: boolean;
}

type Pes = Extract<Step<MuxUnit>, { kind: 'pes' }>;

/** Continuity counters count to this. */
const turn = 16;

export class Muxer {
  readonly #run: Run;
  readonly #layout: Layout<MuxUnit>;
  readonly #shiftTicks: number;
  #discontinuity: boolean;
  readonly #pat: Uint8Array;
  readonly #pmt: Uint8Array;
  readonly #adts: Uint8Array;
  /** Written so far, and before; their lowest four bits are the next counters. */
  readonly counts: PacketCounts;
  #out = new Uint8Array(0);
  #at = 0;

  constructor(run: Run, counters: Counters = {}, place: MuxPlace = {}) {
    this.#run = run;
    this.#shiftTicks = originTicks + (place.shiftTicks ?? 0);
    this.#discontinuity = place.discontinuity ?? false;
    this.#layout = new Layout(run);
    this.counts = { pat: 0, pmt: 0, video: 0, audio: 0, pcr: 0, ...counters };
    const { video, audio } = carriedTracks(run);
    const streams = [video, audio].flatMap(i => streamOf(run.tracks[i]) ?? []);
    const pcrPid = video >= 0 ? pid.video : pid.audio;
    this.#pat = writePat(1, { number: programNumber, pmtPid: pid.pmt });
    this.#pmt = writePmt({ number: programNumber, pcrPid, streams }, place.version ?? 0);
    const sound = run.tracks[audio];
    this.#adts = sound?.kind === 'audio' && sound.codec === 'aac' ? adtsTemplate(sound) : new Uint8Array(adtsBytes);
  }

  /** The packets that `unit` brings about; empty while sound is collected. The bytes are the caller's. */
  push(unit: MuxUnit): Uint8Array {
    return this.#write(this.#layout.push(unit));
  }

  /** What waits. */
  flush(): Uint8Array {
    return this.#write(this.#layout.flush());
  }

  /**
   * All of these, and nothing before or behind them, in whole turns of the continuity counters: any segment made like
   * this follows any other without a jump of the counters. Tables are repeated for it, and the last units spread over more packets.
   */
  segment(units: Iterable<MuxUnit>): Uint8Array {
    const steps: Step<MuxUnit>[] = [];
    for (const unit of units) steps.push(...this.#layout.push(unit));
    steps.push(...this.#layout.flush());
    const counts: PacketCounts = { pat: 0, pmt: 0, video: 0, audio: 0, pcr: 0 };
    for (const step of steps) countStep(this.#run, step, counts);
    const missing = (n: number): number => (turn - (n % turn)) % turn;
    const tables = Array.from({ length: missing(counts.pat) }, (): Step<MuxUnit> => ({ kind: 'tables' }));
    return this.#write([...tables, ...steps], { video: missing(counts.video), audio: missing(counts.audio) });
  }

  /** `spread`: how many packets more the last unit of each kind takes. */
  #write(steps: readonly Step<MuxUnit>[], spread = { video: 0, audio: 0 }): Uint8Array {
    const last = (kind: string): Step | undefined =>
      steps.findLast(s => s.kind === 'pes' && this.#run.tracks[s.track]?.kind === kind);
    const [lastPicture, lastSound] = spread.video + spread.audio > 0 ? [last('video'), last('audio')] : [];
    const wanted: PacketCounts = { pat: 0, pmt: 0, video: 0, audio: 0, pcr: 0 };
    for (const step of steps) countStep(this.#run, step, wanted);
    const { video, audio } = spread;
    const packets = wanted.pat + wanted.pmt + wanted.video + wanted.audio + wanted.pcr + video + audio;
    this.#out = new Uint8Array(packets * packetBytes);
    this.#at = 0;
    for (const step of steps)
      if (step.kind === 'tables') {
        this.#table(patPid, this.#pat, this.counts.pat++);
        this.#table(pid.pmt, this.#pmt, this.counts.pmt++);
      } else if (step.kind === 'pcr') this.#pcrPacket(step.pcr);
      else this.#pes(step, step === lastPicture ? video : step === lastSound ? audio : 0);
    return this.#out;
  }

  #table(pidOf: number, section: Uint8Array, counter: number): void {
    const at = this.#begin(pidOf, true, 0x10 | (counter & 15));
    this.#out.fill(0xff, at, at + payloadBytes);
    this.#out[at] = 0;
    this.#out.set(section, at + 1);
  }

  /** Adaptation field only: the counter stays that of the packet before (2.4.3.3). */
  #pcrPacket(pcr: number): void {
    const video = carriedTracks(this.#run).video >= 0;
    const before = (video ? this.counts.video : this.counts.audio) - 1;
    const at = this.#begin(video ? pid.video : pid.audio, false, 0x20 | (before & 15));
    this.#out[at] = payloadBytes - 1;
    this.#out[at + 1] = 0x10 | this.#discontinuityFlag();
    this.#writePcr(at + 2, pcr);
    this.#out.fill(0xff, at + pcrFieldBytes, at + payloadBytes);
    this.counts.pcr++;
  }

  /** `spread`: so many packets more than need be; each has a byte at least, and a PES packet is longer than sixteen. */
  #pes(step: Pes, spread: number): void {
    const bytes = this.#pesBytes(step);
    const room = payloadBytes - (step.pcr ? pcrFieldBytes : 0);
    let packets = 1 + Math.max(0, Math.ceil((bytes.length - room) / payloadBytes)) + spread;
    const video = this.#run.tracks[step.track]?.kind === 'video';
    for (let from = 0; from < bytes.length; ) {
      const first = from === 0;
      const field = first && step.pcr ? pcrFieldBytes : 0;
      const count = Math.min(bytes.length - from - --packets, payloadBytes - field);
      const stuffing = payloadBytes - field - count;
      const counter = (video ? this.counts.video++ : this.counts.audio++) & 15;
      const at = this.#begin(video ? pid.video : pid.audio, first, (field + stuffing > 0 ? 0x30 : 0x10) | counter);
      if (field + stuffing > 0) this.#adaptation(at, field + stuffing, field > 0 ? step : undefined);
      this.#out.set(bytes.subarray(from, from + count), at + field + stuffing);
      from += count;
    }
  }

  /** `size` bytes at `at`, with the PCR and the random access flag of a step if it is given. */
  #adaptation(at: number, size: number, step: Pes | undefined): void {
    const out = this.#out;
    out[at] = size - 1;
    if (size === 1) return;
    out.fill(0xff, at + 2, at + size);
    out[at + 1] = step === undefined ? 0 : 0x10 | (step.units[0]?.keyframe ? 0x40 : 0) | this.#discontinuityFlag();
    if (step !== undefined) this.#writePcr(at + 2, step.dts);
  }

  #discontinuityFlag(): number {
    const flag = this.#discontinuity ? 0x80 : 0;
    this.#discontinuity = false;
    return flag;
  }

  /** Base of 33 bits, 6 reserved, extension of 9 bits. */
  #writePcr(at: number, ticks: number): void {
    const base = stampOf(ticks + this.#shiftTicks - delayTicks);
    const out = this.#out;
    const high = Math.floor(base / 2);
    out[at] = high >>> 24;
    out[at + 1] = high >>> 16;
    out[at + 2] = high >>> 8;
    out[at + 3] = high;
    out[at + 4] = ((base & 1) << 7) | 0x7e;
    out[at + 5] = 0;
  }

  /** A packet's header; gives where what is behind it begins. */
  #begin(pidOf: number, starts: boolean, control: number): number {
    const at = this.#at;
    this.#at += packetBytes;
    this.#out[at] = syncByte;
    this.#out[at + 1] = (starts ? 0x40 : 0) | (pidOf >> 8);
    this.#out[at + 2] = pidOf & 0xff;
    this.#out[at + 3] = control;
    return at + 4;
  }

  #pesBytes(step: Pes): Uint8Array {
    const head = pesHeaderBytes(step);
    const track = this.#run.tracks[step.track];
    const size = head + pesPayloadBytes(this.#run, step);
    const bytes = new Uint8Array(size);
    const id = track?.kind === 'video' ? 0xe0 : track?.codec === 'opus' ? 0xbd : 0xc0;
    // Pictures may be longer than the length can say: 0 then, which only video may have.
    const length = size - 6 > 0xffff ? 0 : size - 6;
    const timed = step.pts !== step.dts;
    bytes.set([0, 0, 1, id, length >> 8, length & 0xff, 0x84, timed ? 0xc0 : 0x80, head - 9]);
    writeStamp(bytes, 9, timed ? 3 : 2, stampOf(step.pts + this.#shiftTicks));
    if (timed) writeStamp(bytes, 14, 1, stampOf(step.dts + this.#shiftTicks));
    let at = head;
    for (const unit of step.units)
      at =
        track?.kind === 'video' ? writePicture(bytes, at, track, unit) : this.#writeSound(bytes, at, track, unit.data);
    return bytes;
  }

  #writeSound(bytes: Uint8Array, at: number, track: Track | undefined, data: Uint8Array): number {
    let begin = at;
    if (track?.codec === 'opus') {
      bytes[begin++] = 0x7f;
      bytes[begin++] = 0xe0;
      let left = data.length;
      for (; left >= 255; left -= 255) bytes[begin++] = 255;
      bytes[begin++] = left;
    } else {
      writeAdtsHeader(bytes, begin, this.#adts, data.length);
      begin += adtsBytes;
    }
    bytes.set(data, begin);
    return begin + data.length;
  }
}

/** Delimiter, parameter sets with a keyframe, and the NAL units with start codes in place of their lengths. */
function writePicture(bytes: Uint8Array, begin: number, track: Track, unit: MuxUnit): number {
  const delimiter = track.codec === 'h265' ? [0, 0, 0, 1, 0x46, 1, 0x50] : [0, 0, 0, 1, 9, 0xf0];
  bytes.set(delimiter, begin);
  let at = begin + delimiter.length;
  if (unit.keyframe && track.kind === 'video')
    for (const set of track.parameterSets) {
      bytes[at + 3] = 1;
      bytes.set(set, at + 4);
      at += 4 + set.length;
    }
  bytes.set(unit.data, at);
  const end = at + unit.data.length;
  const view = new DataView(bytes.buffer);
  while (at + 4 <= end) {
    const next = at + 4 + view.getUint32(at);
    view.setUint32(at, 1);
    at = next;
  }
  return end;
}

const stampOf = (ticks: number): number => ((ticks % stampWrap) + stampWrap) % stampWrap;

/** 2.4.3.7: `kind` 2 a PTS alone, 3 one before a DTS, 1 the DTS. */
function writeStamp(bytes: Uint8Array, at: number, kind: number, stamp: number): void {
  const high = Math.floor(stamp / 2 ** 30);
  bytes[at] = (kind << 4) | (high << 1) | 1;
  bytes[at + 1] = Math.floor(stamp / 2 ** 22) & 0xff;
  bytes[at + 2] = ((Math.floor(stamp / 2 ** 15) & 0x7f) << 1) | 1;
  bytes[at + 3] = Math.floor(stamp / 2 ** 7) & 0xff;
  bytes[at + 4] = ((stamp & 0x7f) << 1) | 1;
}

function streamOf(track: Track | undefined): ElementaryStream | undefined {
  const none = new Uint8Array(0);
  switch (track?.codec) {
    case 'h264':
      return { streamType: streamType.h264, pid: pid.video, descriptors: none };
    case 'h265':
      return { streamType: streamType.h265, pid: pid.video, descriptors: none };
    case 'aac':
      return { streamType: streamType.adts, pid: pid.audio, descriptors: none };
    case 'opus': {
      const channels = track.kind === 'audio' ? track.channels : 2;
      const registration = [tag.registration, 4, 0x4f, 0x70, 0x75, 0x73]; // "Opus"
      const descriptors = Uint8Array.of(...registration, tag.extension, 2, opusExtension, channels);
      return { streamType: streamType.privateData, pid: pid.audio, descriptors };
    }
    default:
      return undefined;
  }
}
