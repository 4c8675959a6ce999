/**
 * A file that is read from front to back (MPEG-TS, Matroska) as a tape: piece by piece through a demuxer,
 * however long it is. Sound and picture are put in the order of their times, since containers let one run
 * ahead of the other; what is read ahead for that is at most 2 s or 16 MiB. Runs of the demuxer follow each other without a
 * pause, so a jump of time within the file takes none. A file in which nothing is found within 32 MiB is given up.
 */
import { Fault } from '#core/errors';
import type { DemuxerOptions, DemuxerTaker, StreamDemuxer } from '#demux/demuxer';
import type { AccessUnit } from '#media/access-unit';
import type { Run } from '#media/track';
import { type ReadBytes, shortestSeconds, type Tape, type TapeItem, type TapeText, type TapeWishes } from './tape.ts';

const pieceBytes = 256 << 10;
const aheadSeconds = 2;
const aheadBytes = 16 << 20;
const hopeBytes = 32 << 20;

export type MakeDemuxer = (taker: DemuxerTaker, options: DemuxerOptions) => StreamDemuxer;

/** What was read of one run and not yet played. */
class Part {
  readonly run: Run;
  readonly units: AccessUnit[][];
  readonly texts: { readonly seconds: number; readonly text: string }[] = [];
  bytes = 0;
  endSeconds = 0;
  readonly #lastDts: number[];

  constructor(run: Run) {
    this.run = run;
    this.units = run.tracks.map(() => []);
    this.#lastDts = run.tracks.map(() => -1);
  }

  add(unit: AccessUnit): void {
    const track = this.run.tracks[unit.track];
    const last = this.#lastDts[unit.track] ?? -1;
    if (track === undefined) return;
    this.units[unit.track]?.push(unit);
    this.bytes += unit.data.length;
    this.#lastDts[unit.track] = unit.dts;
    const fixed = track.kind === 'audio' ? track.samplesPerUnit : track.timescale / (track.framerate || 25);
    const duration = fixed || (last < 0 ? 0 : unit.dts - last);
    this.endSeconds = Math.max(this.endSeconds, (unit.dts + duration) / track.timescale);
  }

  /** Decoding time of the first of a track's units; NaN: none is there. */
  secondsOf(track: number): number {
    const unit = this.units[track]?.[0];
    return unit === undefined ? Number.NaN : unit.dts / (this.run.tracks[track]?.timescale ?? 1);
  }

  /** From the first to the last, whatever the track. */
  get spanSeconds(): number {
    const first = Math.min(...this.units.map((_, i) => this.secondsOf(i)).filter(s => !Number.isNaN(s)));
    return this.endSeconds - first;
  }
}

export class StreamTape implements Tape {
  readonly #read: ReadBytes;
  readonly #make: MakeDemuxer;
  readonly #wishes: TapeWishes;
  #demuxer: StreamDemuxer;
  #offset = 0;
  #ended = false;
  #parts: Part[] = [];
  /** Where the first part begins. */
  #base = 0;
  #found = false;
  #runs = 0;

  constructor(read: ReadBytes, make: MakeDemuxer, wishes: TapeWishes) {
    this.#read = read;
    this.#make = make;
    this.#wishes = wishes;
    this.#demuxer = this.#newDemuxer();
  }

  get seconds(): number {
    return Math.max(shortestSeconds, this.#base + (this.#parts[0]?.endSeconds ?? 0));
  }

  rewind(): void {
    this.#demuxer = this.#newDemuxer();
    this.#offset = this.#base = 0;
    this.#ended = false;
    this.#parts = [];
  }

  next(): TapeItem | undefined | Promise<TapeItem | undefined> {
    return this.#isReady() ? this.#take() : this.#later();
  }

  async #later(): Promise<TapeItem | undefined> {
    while (!this.#isReady()) await this.#readOn();
    return this.#take();
  }

  #newDemuxer(): StreamDemuxer {
    const taker: DemuxerTaker = {
      run: run => {
        this.#found = true;
        this.#parts.push(new Part(run));
      },
      unit: unit => this.#parts.at(-1)?.add(unit),
      text: (_run, pts, text) => this.#parts.at(-1)?.texts.push({ seconds: pts / 90_000, text }),
      problem: text => this.#wishes.problem(text),
    };
    return this.#make(taker, { nextRunId: () => ++this.#runs, enable: this.#wishes.enable });
  }

  async #readOn(): Promise<void> {
    if (!this.#found && this.#offset > hopeBytes) throw this.#nothing();
    const bytes = await this.#read(this.#offset, pieceBytes);
    this.#offset += bytes.length;
    if (bytes.length > 0) this.#demuxer.push(bytes, 0);
    else {
      this.#demuxer.end();
      this.#ended = true;
      if (!this.#found) throw this.#nothing();
    }
  }

  #nothing(): Fault {
    const wanted = this.#wishes.enable.join(' or ') || 'media';
    return new Fault('config', 'no-media', `expected ${wanted} that we know in the file, got none`);
  }

  /** Whether nothing that is still to be read can come before what is there. */
  #isReady(): boolean {
    const [part] = this.#parts;
    if (this.#ended || this.#parts.length > 1) return true;
    if (part === undefined) return false;
    if (part.units.every(units => units.length > 0)) return true;
    return part.bytes > aheadBytes || (part.units.some(u => u.length > 0) && part.spanSeconds > aheadSeconds);
  }

  #take(): TapeItem | undefined {
    for (;;) {
      const [part] = this.#parts;
      if (part === undefined) return undefined;
      const item = this.#takeText(part) ?? this.#takeUnit(part);
      if (item !== undefined) return item;
      if (this.#parts.length === 1) return undefined;
      this.#base += part.endSeconds;
      this.#parts.shift();
    }
  }

  #takeUnit(part: Part): TapeItem | undefined {
    const track = earliest(part);
    const unit = part.units[track]?.shift();
    if (unit === undefined) return undefined;
    part.bytes -= unit.data.length;
    const scale = part.run.tracks[track]?.timescale ?? 1;
    return {
      tracks: part.run.tracks,
      track,
      dtsSeconds: this.#base + unit.dts / scale,
      ptsSeconds: this.#base + unit.pts / scale,
      keyframe: unit.keyframe,
      data: unit.data,
    };
  }

  /** A text that is due before the next unit, or behind the last. */
  #takeText(part: Part): TapeText | undefined {
    const [text] = part.texts;
    if (text === undefined || text.seconds > part.secondsOf(earliest(part))) return undefined;
    part.texts.shift();
    return { dtsSeconds: this.#base + text.seconds, text: text.text };
  }
}

/** The track whose first unit is due first, video before sound of the same time. */
function earliest(part: Part): number {
  let best = 0;
  for (let i = 1; i < part.units.length; i++)
    if (part.secondsOf(i) < part.secondsOf(best) || Number.isNaN(part.secondsOf(best))) best = i;
  return best;
}
