/**
 * Access units of one run to movie fragments (ISO/IEC 14496-12 8.8): `moof` + header of `mdat`
 * as one buffer, sample data as views of the units. Pure; what comes out depends on what went in.
 *
 * A unit's duration is known when the next of its track comes, so one unit per track waits;
 * `flush` guesses for it. A fragment is cut
 *   - in front of a key frame of the video track, if wanted, but not of JPEG, where every picture is one;
 *   - when its video (its audio, in a run without video) would grow beyond `maxSeconds`;
 *     rates are not exact, so a quarter of the last sample's duration is allowed on top;
 *   - when video stands still and audio is a second further than that; audio that only catches up waits for video;
 *   - when it holds `limitBytes`: whatever comes, no more is ever held than that and one unit per track.
 *
 * Within a fragment the video samples come first, then audio, each in one `trun`.
 */
import type { AccessUnit } from '#media/access-unit';
import type { Run } from '#media/track';
import type { Fragment, FragmentTrack } from './fragment.ts';
import { writeFragmentHeader, writtenDts } from './fragment-header.ts';
import { SampleColumns } from './sample-columns.ts';

export interface FragmenterOptions {
  /** 0: every video unit is a fragment. */
  readonly maxSeconds: number;
  readonly cutAtKeyframes: boolean;
  /** Puts a `prft` with the wall clock in front of each fragment. */
  readonly prft: boolean;
  /**
   * `first`: the earliest sample of the first fragment has decoding time 0: files. Mostly that is the
   * first video sample, but audio that a source delivers late belongs before it and is kept.
   * `run`: decoding times of the run, moved up by whole seconds in the rare case that it begins below zero.
   * Units that would still lie below zero later are left out.
   */
  readonly originDts: 'first' | 'run';
  /** Sample data in one fragment; default 16 MiB, two seconds at 64 Mbit/s. */
  readonly limitBytes?: number;
}

export class Fragmenter {
  readonly run: Run;
  readonly #maxSeconds: number;
  readonly #cutAtKeyframes: boolean;
  readonly #prft: boolean;
  readonly #fromFirst: boolean;
  readonly #limitBytes: number;
  /** By index of the track in the run, and in file order: video first. */
  readonly #columns: readonly SampleColumns[];
  readonly #ordered: readonly SampleColumns[];
  /** The track that decides where to cut. */
  readonly #lead: SampleColumns | undefined;
  #sequence = 0;
  /** Sample data of units taken and not yet given away. */
  #heldBytes = 0;
  /** Subtracted from decoding times; undefined until the first fragment. */
  #originSeconds: number | undefined = undefined;
  /** See `leaveOutBefore`. */
  #earliestSeconds = 0;

  constructor(run: Run, options: FragmenterOptions) {
    this.run = run;
    this.#maxSeconds = options.maxSeconds;
    this.#cutAtKeyframes = options.cutAtKeyframes;
    this.#prft = options.prft;
    this.#fromFirst = options.originDts === 'first';
    this.#limitBytes = options.limitBytes ?? 16 * 1024 * 1024;
    this.#columns = run.tracks.map((track, i) => new SampleColumns(track, i));
    this.#ordered = ['video', 'audio'].flatMap(kind => this.#columns.filter(c => c.track.kind === kind));
    this.#lead = this.#ordered[0];
  }

  /** The next fragment will begin with a key frame of the video track; in a run without video always true. */
  get nextIsKeyframe(): boolean {
    const lead = this.#lead;
    if (!lead) return false;
    return lead.count > 0 ? lead.keyframes[0] === 1 : lead.waiting?.keyframe === true;
  }

  /**
   * The next fragment opens a new file: sequence numbers begin again at 1 and, with `originDts: 'first'`,
   * decoding times at 0. Called when `push` has given a fragment, or before any unit.
   */
  beginFile(): void {
    this.#sequence = 0;
    this.#originSeconds = undefined;
  }

  /** Samples of later fragments that lie before this decoding time as written, in seconds, are left out: their file has ended. */
  leaveOutBefore(seconds: number): void {
    this.#earliestSeconds = seconds;
  }

  /** Takes a unit of this run, in decoding order per track; gives the fragment that it completes, of the units before it. */
  push(unit: AccessUnit): Fragment | undefined {
    const column = this.#columns[unit.track];
    if (!column) return undefined;
    const jumped = column.push(unit);
    this.#heldBytes += unit.data.length;
    return jumped || this.#heldBytes >= this.#limitBytes || this.#isFull(column, unit) ? this.#cut() : undefined;
  }

  /** Everything that is left, with a guessed duration for the last unit of each track. More may be pushed afterwards. */
  flush(): Fragment | undefined {
    for (const column of this.#ordered) column.settle(column.lastDuration);
    return this.#cut();
  }

  #isFull(column: SampleColumns, unit: AccessUnit): boolean {
    if (column.count === 0) return false;
    const { duration, lastDuration, track } = column;
    const maxTicks = this.#maxSeconds * track.timescale;
    if (column !== this.#lead) return duration > maxTicks + track.timescale && this.#leadStandsStill(column);
    if (this.#cutAtKeyframes && track.kind === 'video' && unit.keyframe && track.codec !== 'mjpeg') return true;
    return duration + lastDuration > maxTicks + lastDuration / 4;
  }

  /** Footage of `column` goes further than the next picture by more than may be held. Of a burst one track comes behind the other. */
  #leadStandsStill(column: SampleColumns): boolean {
    const waiting = this.#lead?.waiting;
    if (!waiting) return true;
    const end = (column.base + column.duration) / column.track.timescale;
    return end - waiting.dts / (this.#lead?.track.timescale ?? 1) > this.#maxSeconds;
  }

  /** One fragment of all samples whose duration is known; undefined when there are none. */
  #cut(): Fragment | undefined {
    const ordered = this.#ordered;
    const origin = (this.#originSeconds ??= this.#origin());
    const earliest = origin + Math.max(0, this.#earliestSeconds);
    for (const c of ordered) if (c.count > 0) c.dropBefore(Math.round(earliest * c.track.timescale));
    const first = ordered.find(c => c.count > 0);
    if (!first) {
      if (this.#sequence === 0) this.#originSeconds = undefined;
      return undefined;
    }
    const header = writeFragmentHeader(++this.#sequence, ordered, origin, this.#prft ? first : undefined);
    const tracks: FragmentTrack[] = [];
    let chunks: Uint8Array[] = [];
    let bytes = header.length;
    for (const c of ordered) {
      if (c.count === 0) continue;
      const { index: track, duration, count: samples, bytes: dataBytes } = c;
      tracks.push({ track, baseDts: writtenDts(c, origin), duration, samples, bytes: dataBytes });
      if (chunks.length === 0) chunks = c.chunks;
      else for (const chunk of c.chunks) chunks.push(chunk);
      bytes += dataBytes;
    }
    const fragment = {
      run: this.run,
      header,
      chunks,
      bytes,
      beginMs: first.wallMs,
      endMs: first.wallMs + (first.duration * 1000) / first.track.timescale,
      keyframe: first === this.#lead && first.keyframes[0] === 1,
      tracks,
    };
    for (const c of ordered) c.clear();
    this.#heldBytes = 0;
    for (const c of ordered) this.#heldBytes += c.waiting?.data.length ?? 0;
    return fragment;
  }

  /** In seconds, from the first samples that go into the file. */
  #origin(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const c of this.#ordered) if (c.count > 0) earliest = Math.min(earliest, c.base / c.track.timescale);
    if (earliest === Number.POSITIVE_INFINITY) return 0;
    return this.#fromFirst ? earliest : Math.min(0, Math.floor(earliest));
  }
}
