/**
 * MPEG transport streams (ISO/IEC 13818-1) to access units: bytes split anywhere go in, runs and
 * units come out. H.264, H.265; AAC (ADTS, LATM), Opus. Of several programs the first with video is
 * taken (the first with sound if none has), of several streams of a kind the first. Whatever the bytes are: no throw, and no more is kept than
 * 8 MiB for a picture, 8 MiB while the format of the sound is awaited and a slab. Left out: scrambling, metadata, PCR (times of presentation suffice).
 */

import type { DemuxerOptions, DemuxerTaker, StreamDemuxer } from '#demux/demuxer';
import { RunMaker } from '#demux/run-maker';
import type { Track } from '#media/track';
import type { UnitTaker } from './elementary.ts';
import { PacketReader, type PacketTaker } from './packet-reader.ts';
import { PesReader, payloadBegin } from './pes-reader.ts';
import { type ElementaryStream, type ProgramMap, parsePat, parsePmt, patPid, SectionReader } from './psi.ts';
import { codecOf, isVideo, nameOf, readerOf } from './stream-types.ts';

export interface DemuxerStats {
  packets: number;
  /** By their continuity counters, of the streams taken. */
  lostPackets: number;
  /** Bytes between packets. */
  skippedBytes: number;
}

/** Programs of one stream that are looked at. */
const programLimit = 64;

interface Stream {
  readonly stream: ElementaryStream;
  readonly reader: PesReader;
}

export type { DemuxerOptions, DemuxerTaker } from '#demux/demuxer';

/** One stream; after `end` another one. */
export class Demuxer implements PacketTaker, StreamDemuxer {
  readonly #taker: DemuxerTaker;
  readonly #enable: readonly string[];
  readonly #packets = new PacketReader(this);
  readonly #runs: RunMaker;
  readonly #pat: SectionReader;
  /** By PID of their PMT. */
  #programs = new Map<number, SectionReader>();
  readonly #maps = new Map<number, ProgramMap>();
  #order: readonly number[] = [];
  /** PID of the PMT of the program taken; -1: none yet. */
  #chosen = -1;
  #video: Stream | undefined;
  #audio: Stream | undefined;
  #videoPid = -1;
  #audioPid = -1;
  #arrivalMs = 0;
  readonly #told = new Set<string>();
  readonly stats: DemuxerStats = { packets: 0, lostPackets: 0, skippedBytes: 0 };

  constructor(taker: DemuxerTaker, options: DemuxerOptions) {
    this.#taker = taker;
    this.#enable = options.enable ?? ['video', 'audio'];
    this.#runs = new RunMaker(taker, options.nextRunId);
    this.#pat = new SectionReader(section => this.#associate(section));
  }

  /** `arrivalMs`: wall clock, UTC milliseconds. The bytes are not kept. */
  push(bytes: Uint8Array, arrivalMs: number): void {
    this.#arrivalMs = arrivalMs;
    this.#packets.push(bytes);
  }

  /** The stream has ended: what is whole goes out. What is pushed after this is another stream. */
  end(): void {
    this.#packets.end();
    this.#video?.reader.end();
    this.#audio?.reader.end();
    this.#runs.end();
    this.#programs.clear();
    this.#maps.clear();
    this.#order = [];
    this.#chosen = this.#videoPid = this.#audioPid = -1;
    this.#video = this.#audio = undefined;
  }

  /** Whether a program was found, and what it has: `h264`, `aac`; empty while none was. */
  get codecs(): readonly string[] {
    return [this.#video, this.#audio].flatMap(s => (s && codecOf(s.stream)) ?? []);
  }

  // What the packet reader says, PacketTaker:

  skipped(count: number): void {
    this.stats.skippedBytes += count;
    this.#taker.problem('bytes between packets');
  }

  packet(bytes: Uint8Array, at: number): void {
    this.stats.packets++;
    const pid = ((bytes[at + 1]! & 0x1f) << 8) | bytes[at + 2]!;
    if (pid === this.#videoPid) this.stats.lostPackets += this.#video?.reader.packet(bytes, at) ?? 0;
    else if (pid === this.#audioPid) this.stats.lostPackets += this.#audio?.reader.packet(bytes, at) ?? 0;
    else {
      const sections = pid === patPid ? this.#pat : this.#programs.get(pid);
      if (sections === undefined || (bytes[at + 1]! & 0x80) !== 0) return;
      const begin = payloadBegin(bytes, at);
      if (begin < at + 188) sections.payload(bytes, begin, at + 188, (bytes[at + 1]! & 0x40) !== 0);
    }
  }

  #associate(section: Uint8Array): void {
    const programs = parsePat(section);
    if (programs === undefined) {
      this.#taker.problem('a PAT that makes no sense');
      return;
    }
    const pids = programs.slice(0, programLimit).map(p => p.pmtPid);
    if (pids.join() === this.#order.join()) return;
    this.#order = pids;
    for (const pid of this.#programs.keys())
      if (!pids.includes(pid)) {
        this.#programs.delete(pid);
        this.#maps.delete(pid);
      }
    for (const pid of pids)
      if (!this.#programs.has(pid)) this.#programs.set(pid, new SectionReader(s => this.#map(pid, s)));
    if (!pids.includes(this.#chosen)) this.#chosen = -1;
  }

  #map(pid: number, section: Uint8Array): void {
    const map = parsePmt(section);
    if (map === undefined) {
      this.#taker.problem('a PMT that makes no sense');
      return;
    }
    this.#maps.set(pid, map);
    if (this.#chosen < 0) {
      const all = this.#maps.size >= this.#programs.size;
      const best =
        this.#order.find(p => this.#has(p, true)) ?? (all ? this.#order.find(p => this.#has(p, false)) : undefined);
      if (best === undefined && all) this.#tellLeftOut(map, undefined, undefined);
      this.#chosen = best ?? -1;
    }
    const chosen = this.#maps.get(this.#chosen);
    if (chosen !== undefined) this.#select(chosen);
  }

  #has(pid: number, video: boolean): boolean {
    return this.#maps.get(pid)?.streams.some(s => this.#isTaken(s, video)) ?? false;
  }

  #isTaken(stream: ElementaryStream, video: boolean): boolean {
    const codec = codecOf(stream);
    return codec !== undefined && isVideo(codec) === video && this.#enable.includes(video ? 'video' : 'audio');
  }

  #select(map: ProgramMap): void {
    const video = map.streams.find(s => this.#isTaken(s, true));
    const audio = map.streams.find(s => this.#isTaken(s, false));
    const newVideo = news(this.#video?.stream, video);
    const newAudio = news(this.#audio?.stream, audio);
    if (newVideo === 'same' && newAudio === 'same') return;
    if (newVideo !== 'same') this.#video?.reader.end();
    if (newAudio !== 'same') this.#audio?.reader.end();
    this.#runs.streams(newVideo, newAudio);
    if (newVideo !== 'same') this.#video = video && this.#open(video, true);
    if (newAudio !== 'same') this.#audio = audio && this.#open(audio, false);
    this.#videoPid = video?.pid ?? -1;
    this.#audioPid = audio?.pid ?? -1;
    this.#tellLeftOut(map, video, audio);
  }

  #tellLeftOut(map: ProgramMap, video: ElementaryStream | undefined, audio: ElementaryStream | undefined): void {
    for (const s of map.streams) {
      if (s === video || s === audio) continue;
      const text = `left out: ${codecOf(s) === undefined ? nameOf(s) : `another ${codecOf(s)}`}`;
      if (this.#told.has(text) || this.#told.size > 100) continue;
      this.#told.add(text);
      this.#taker.problem(text);
    }
  }

  #open(stream: ElementaryStream, video: boolean): Stream {
    const runs = this.#runs;
    const taker: UnitTaker = {
      format: (track: Track) => runs.format(track),
      unit: (pts, dts, keyframe, data, lost) => {
        if (video) runs.video(pts, dts, keyframe, data, lost, this.#arrivalMs);
        else runs.audio(pts, data, lost, this.#arrivalMs);
      },
      problem: text => this.#taker.problem(text),
    };
    const codec = codecOf(stream) ?? 'h264';
    return { stream, reader: new PesReader(readerOf(codec, stream, taker), taker.problem) };
  }
}

/** How a stream of the program relates to the one that is read. */
function news(before: ElementaryStream | undefined, now: ElementaryStream | undefined): 'none' | 'same' | 'new' {
  if (now === undefined) return before === undefined ? 'same' : 'none';
  return before?.pid === now.pid &&
    codecOf(before) === codecOf(now) &&
    before.descriptors.join() === now.descriptors.join()
    ? 'same'
    : 'new';
}
