/**
 * Access units of one run to a transport stream (ISO/IEC 13818-1): H.264, H.265, AAC as ADTS, Opus. What goes where is
 * layout.ts' to say, byte for byte; this writes it. No clock and no memory but the continuity counters, which can be given:
 * a segment that is written by itself continues the one before it if it begins with the counts of all before.
 *
 * Times of the run plus 1.4 s become those of the stream; the clock reference is 0.7 s before decoding time, which
 * is how far a decoder's buffer may be filled.
 */
import { stampWrap } from '#demux/run-maker';
import { aacSampleRates, parseAudioSpecificConfig } from '#media/aac';
import type { AccessUnit } from '#media/access-unit';
import type { AudioTrack, Run, Track } from '#media/track';
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

type Pes = Extract<Step<AccessUnit>, { kind: 'pes' }>;

export class Muxer {
  readonly #run: Run;
  readonly #layout: Layout<AccessUnit>;
  readonly #pat: Uint8Array;
  readonly #pmt: Uint8Array;
  readonly #adts: Uint8Array;
  /** Written so far, and before; their lowest four bits are the next counters. */
  readonly counts: PacketCounts;
  #out = new Uint8Array(0);
  #at = 0;

  /** `version` of the PMT, 0 to 31: another one when the formats are others than in the run before. */
  constructor(run: Run, counters: Counters = {}, version = 0) {
    this.#run = run;
    this.#layout = new Layout(run);
    this.counts = { pat: 0, pmt: 0, video: 0, audio: 0, pcr: 0, ...counters };
    const { video, audio } = carriedTracks(run);
    const streams = [video, audio].flatMap(i => streamOf(run.tracks[i]) ?? []);
    const pcrPid = video >= 0 ? pid.video : pid.audio;
    this.#pat = writePat(1, { number: programNumber, pmtPid: pid.pmt });
    this.#pmt = writePmt({ number: programNumber, pcrPid, streams }, version);
    const sound = run.tracks[audio];
    this.#adts = sound?.kind === 'audio' && sound.codec === 'aac' ? adtsHeader(sound) : new Uint8Array(7);
  }

  /** The packets that `unit` brings about; empty while sound is collected. The bytes are the caller's. */
  push(unit: AccessUnit): Uint8Array {
    return this.#write(this.#layout.push(unit));
  }

  /** What waits. */
  flush(): Uint8Array {
    return this.#write(this.#layout.flush());
  }

  #write(steps: readonly Step<AccessUnit>[]): Uint8Array {
    const wanted: PacketCounts = { pat: 0, pmt: 0, video: 0, audio: 0, pcr: 0 };
    for (const step of steps) countStep(this.#run, step, wanted);
    const packets = wanted.pat + wanted.pmt + wanted.video + wanted.audio + wanted.pcr;
    this.#out = new Uint8Array(packets * packetBytes);
    this.#at = 0;
    for (const step of steps)
      if (step.kind === 'tables') {
        this.#table(patPid, this.#pat, this.counts.pat++);
        this.#table(pid.pmt, this.#pmt, this.counts.pmt++);
      } else if (step.kind === 'pcr') this.#pcrPacket(step.pcr);
      else this.#pes(step);
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
    this.#out[at + 1] = 0x10;
    this.#writePcr(at + 2, pcr);
    this.#out.fill(0xff, at + pcrFieldBytes, at + payloadBytes);
    this.counts.pcr++;
  }

  #pes(step: Pes): void {
    const bytes = this.#pesBytes(step);
    const video = this.#run.tracks[step.track]?.kind === 'video';
    for (let from = 0; from < bytes.length; ) {
      const first = from === 0;
      const field = first && step.pcr ? pcrFieldBytes : 0;
      const count = Math.min(bytes.length - from, payloadBytes - field);
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
    out[at + 1] = step === undefined ? 0 : 0x10 | (step.units[0]?.keyframe ? 0x40 : 0);
    if (step !== undefined) this.#writePcr(at + 2, step.dts);
  }

  /** Base of 33 bits, 6 reserved, extension of 9 bits. */
  #writePcr(at: number, ticks: number): void {
    const base = stampOf(ticks - delayTicks);
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
    writeStamp(bytes, 9, timed ? 3 : 2, stampOf(step.pts));
    if (timed) writeStamp(bytes, 14, 1, stampOf(step.dts));
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
      const length = 7 + data.length;
      bytes.set(this.#adts, begin);
      bytes[begin + 3] = (bytes[begin + 3] ?? 0) | ((length >> 11) & 3);
      bytes[begin + 4] = length >> 3;
      bytes[begin + 5] = ((length & 7) << 5) | 0x1f;
      begin += 7;
    }
    bytes.set(data, begin);
    return begin + data.length;
  }
}

/** Delimiter, parameter sets with a keyframe, and the NAL units with start codes in place of their lengths. */
function writePicture(bytes: Uint8Array, begin: number, track: Track, unit: AccessUnit): number {
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

const stampOf = (ticks: number): number => (((ticks + originTicks) % stampWrap) + stampWrap) % stampWrap;

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

/** All but the length. ADTS cannot say SBR: its core coder is told, and decoders find the rest. */
function adtsHeader(track: AudioTrack): Uint8Array {
  const config = parseAudioSpecificConfig(track.config);
  const type = config === undefined || config.objectType > 4 ? 2 : config.objectType;
  const rate = config?.sampleRate ?? track.sampleRate;
  const index = Math.max(0, (aacSampleRates as readonly number[]).indexOf(rate));
  const channels = track.channels === 8 ? 7 : track.channels;
  return Uint8Array.of(
    0xff,
    0xf1,
    ((type - 1) << 6) | (index << 2) | (channels >> 2),
    (channels & 3) << 6,
    0,
    0x1f,
    0xfc,
  );
}
