/**
 * How a run becomes transport stream packets: which steps, and how many packets each takes. It follows from the
 * sizes and times of units alone, so that the length of a segment is known, exactly, before one byte of it is written.
 *
 *   - PAT and PMT at the beginning, before every keyframe and every 0.4 s;
 *   - a video unit is one PES packet, with an access unit delimiter, keyframes with their parameter sets;
 *   - frames of sound share a PES packet for up to 0.12 s or 4 KiB: alone each would be stuffed up to whole packets;
 *   - a PCR with every unit of the PID that has them, and in packets of their own so that they are at most 40 ms apart.
 */
import { stampRate } from '#demux/run-maker';
import type { AccessUnit } from '#media/access-unit';
import type { Run, Track } from '#media/track';
import { packetBytes } from './packet-reader.ts';

/** What of a unit tells how many packets it takes; an `AccessUnit` has it. */
export interface UnitShape extends Pick<AccessUnit, 'track' | 'pts' | 'dts' | 'keyframe'> {
  readonly data: { readonly length: number };
}

export type Step<U extends UnitShape = UnitShape> =
  | { readonly kind: 'tables' }
  /** A packet that has only a PCR, in 90 kHz of the run. */
  | { readonly kind: 'pcr'; readonly pcr: number }
  | {
      readonly kind: 'pes';
      readonly track: number;
      /** One of video, some of sound. */
      readonly units: readonly U[];
      /** In 90 kHz of the run. */
      readonly pts: number;
      readonly dts: number;
      /** With a PCR, which is `dts`. */
      readonly pcr: boolean;
    };

/** Packets of each PID that has a continuity counter, and those that have none. */
export interface PacketCounts {
  pat: number;
  pmt: number;
  video: number;
  audio: number;
  /** Packets with nothing but a PCR: their counter stands still (2.4.3.3). */
  pcr: number;
}

/** Another one whenever the same units take another number of packets than before: counts are kept in archives. */
export const layoutVersion = 1;

const tablesTicks = 0.4 * stampRate;
const pcrTicks = 0.04 * stampRate;
const groupTicks = 0.12 * stampRate;
const groupBytes = 4096;
/** A gap is not filled with more PCRs than this: a second. */
const mostPcrs = 25;

/** Bytes of a packet behind its header. */
export const payloadBytes = packetBytes - 4;
/** Length, flags and PCR. */
export const pcrFieldBytes = 8;

/** Whether a transport stream can carry the track as we write it. */
export const isCarried = (track: Track): boolean => ['h264', 'h265', 'aac', 'opus'].includes(track.codec);

/** The tracks of a run that are carried: the first of a kind; -1: none. */
export function carriedTracks(run: Run): { readonly video: number; readonly audio: number } {
  const first = (kind: string): number => run.tracks.findIndex(t => t.kind === kind && isCarried(t));
  return { video: first('video'), audio: first('audio') };
}

export class Layout<U extends UnitShape> {
  readonly #run: Run;
  readonly #video: number;
  readonly #audio: number;
  #tablesAt = Number.NEGATIVE_INFINITY;
  #pcrAt = Number.NaN;
  #group: U[] = [];
  #groupBytes = 0;

  constructor(run: Run) {
    this.#run = run;
    const { video, audio } = carriedTracks(run);
    this.#video = video;
    this.#audio = audio;
  }

  /** The steps that `unit` brings about, those of sound that waited included. Units of tracks that are not carried bring none. */
  push(unit: U): Step<U>[] {
    const steps: Step<U>[] = [];
    if (unit.track === this.#audio) this.#sound(unit, steps);
    else if (unit.track === this.#video) this.#picture(unit, steps);
    return steps;
  }

  /** What waits goes out: nothing follows, or it is for another segment. */
  flush(): Step<U>[] {
    const steps: Step<U>[] = [];
    this.#flushSound(steps);
    return steps;
  }

  #picture(unit: U, steps: Step<U>[]): void {
    const dts = this.#ticks(unit, unit.dts);
    const [first] = this.#group;
    if (first !== undefined && dts - this.#ticks(first, first.pts) >= groupTicks) this.#flushSound(steps);
    this.#lead(dts, unit.keyframe, steps);
    const pts = this.#ticks(unit, unit.pts);
    steps.push({ kind: 'pes', track: unit.track, units: [unit], pts, dts, pcr: true });
  }

  #sound(unit: U, steps: Step<U>[]): void {
    const [first] = this.#group;
    const size = soundBytes(this.#run.tracks[unit.track]?.codec, unit.data.length);
    if (first !== undefined) {
      const span = this.#ticks(unit, unit.pts) - this.#ticks(first, first.pts);
      if (span >= groupTicks || span < 0 || this.#groupBytes + size > groupBytes) this.#flushSound(steps);
    }
    this.#group.push(unit);
    this.#groupBytes += size;
  }

  #flushSound(steps: Step<U>[]): void {
    const units = this.#group;
    const [first] = units;
    if (first === undefined) return;
    this.#group = [];
    this.#groupBytes = 0;
    const pts = this.#ticks(first, first.pts);
    const leads = this.#video < 0;
    if (leads) this.#lead(pts, false, steps);
    else if (this.#tablesAt === Number.NEGATIVE_INFINITY) {
      this.#tablesAt = pts;
      steps.push({ kind: 'tables' });
    }
    steps.push({ kind: 'pes', track: first.track, units, pts, dts: pts, pcr: leads });
  }

  /** What has to come before a unit of the PID with the PCR. */
  #lead(dts: number, keyframe: boolean, steps: Step<U>[]): void {
    if (keyframe || dts - this.#tablesAt >= tablesTicks || dts < this.#tablesAt) {
      this.#tablesAt = dts;
      steps.push({ kind: 'tables' });
    }
    let pcr = this.#pcrAt + pcrTicks;
    for (let i = 0; pcr < dts && i < mostPcrs; i++, pcr += pcrTicks) steps.push({ kind: 'pcr', pcr });
    this.#pcrAt = dts;
  }

  #ticks(unit: U, time: number): number {
    const scale = this.#run.tracks[unit.track]?.timescale ?? stampRate;
    return scale === stampRate ? time : Math.round((time * stampRate) / scale);
  }
}

/** Adds the packets of a step. */
export function countStep(run: Run, step: Step, counts: PacketCounts): void {
  if (step.kind === 'tables') {
    counts.pat++;
    counts.pmt++;
  } else if (step.kind === 'pcr') counts.pcr++;
  else {
    const room = payloadBytes - (step.pcr ? pcrFieldBytes : 0);
    const size = pesHeaderBytes(step) + pesPayloadBytes(run, step);
    const packets = size <= room ? 1 : 1 + Math.ceil((size - room) / payloadBytes);
    if (run.tracks[step.track]?.kind === 'video') counts.video += packets;
    else counts.audio += packets;
  }
}

/** How many packets a segment of these units takes; 188 bytes each. */
export function packetCount(run: Run, units: Iterable<UnitShape>): PacketCounts {
  const counts: PacketCounts = { pat: 0, pmt: 0, video: 0, audio: 0, pcr: 0 };
  const layout = new Layout(run);
  for (const unit of units) for (const step of layout.push(unit)) countStep(run, step, counts);
  for (const step of layout.flush()) countStep(run, step, counts);
  return counts;
}

type Pes = Extract<Step, { kind: 'pes' }>;

/** With a PTS, and a DTS where it differs. */
export const pesHeaderBytes = (step: Pes): number => (step.pts === step.dts ? 14 : 19);

/** Of the elementary stream. */
export function pesPayloadBytes(run: Run, step: Pes): number {
  const track = run.tracks[step.track];
  let size = 0;
  for (const unit of step.units) {
    const { length } = unit.data;
    size +=
      track?.kind === 'video'
        ? delimiterBytes(track) + setsBytes(track, unit.keyframe) + length
        : soundBytes(track?.codec, length);
  }
  return size;
}

const delimiterBytes = (track: Track): number => (track.codec === 'h265' ? 7 : 6);

function setsBytes(track: Track, keyframe: boolean): number {
  if (track.kind !== 'video' || !keyframe) return 0;
  return track.parameterSets.reduce((sum, set) => sum + 4 + set.length, 0);
}

/** With its header: ADTS, or the control header of Opus. */
const soundBytes = (codec: Track['codec'] | undefined, length: number): number =>
  codec === 'opus' ? 3 + Math.floor(length / 255) + length : 7 + length;
