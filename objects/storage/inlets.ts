/**
 * Tracks that are recorded on command, possibly by several at once: what one of them has
 * handed in already is stored once (docs/spec/config.md 10.2 rule 5). Pure, in front of the recorder.
 */
import type { Inlet } from '#capability/media-storage';
import type { Sink } from '#hub/sink';
import type { AccessUnit } from '#media/access-unit';
import type { Gap } from '#media/gap';
import type { Run } from '#media/track';

export interface InletsParts {
  /** Where units of the track go; undefined while the archive does not work, or where the source is recorded permanently. */
  readonly sink: (track: string) => Sink | undefined;
  readonly wallMs: () => number;
  /** Nobody has the track open any more. */
  readonly left: (track: string) => void;
}

interface Track {
  readonly open: Set<object>;
  /** Those that hand in units now. */
  readonly flowing: Set<object>;
  run: Run | undefined;
  /** Decoding time of the last unit, by index in the run. */
  lastDts: number[];
}

export class Inlets {
  readonly #parts: InletsParts;
  readonly #tracks = new Map<string, Track>();

  constructor(parts: InletsParts) {
    this.#parts = parts;
  }

  /** Names of tracks that somebody has open. */
  get tracks(): readonly string[] {
    return [...this.#tracks.keys()];
  }

  has(track: string): boolean {
    return this.#tracks.has(track);
  }

  /** The archive works, or the track is not recorded permanently any more: it is told why there is nothing. */
  settle(track: string): void {
    if (this.#tracks.get(track)?.flowing.size === 0) this.#tell(track, this.#parts.wallMs());
  }

  open(name: string): Inlet {
    const known = this.#tracks.get(name);
    const track = known ?? { open: new Set(), flowing: new Set(), run: undefined, lastDts: [] };
    const me = {};
    track.open.add(me);
    this.#tracks.set(name, track);
    if (!known) this.settle(name);
    return {
      unit: unit => {
        if (!track.open.has(me)) return;
        track.flowing.add(me);
        if (isNew(track, unit)) this.#parts.sink(name)?.unit(unit);
      },
      gap: gap => {
        if (!track.open.has(me)) return;
        track.flowing.delete(me);
        if (track.flowing.size === 0) this.#end(name, track, gap);
      },
      close: () => {
        if (!track.open.delete(me)) return;
        if (track.flowing.delete(me) && track.flowing.size === 0) this.#tell(name, this.#parts.wallMs());
        if (track.open.size > 0) return;
        this.#tracks.delete(name);
        this.#parts.left(name);
      },
    };
  }

  #tell(name: string, atMs: number): void {
    const track = this.#tracks.get(name);
    if (track) this.#end(name, track, { reason: 'not-scheduled', atMs });
  }

  #end(name: string, track: Track, gap: Gap): void {
    track.lastDts = [];
    track.run = undefined;
    this.#parts.sink(name)?.gap(gap);
  }
}

/** Whether the track has it not yet; it is noted as its last one. */
function isNew(track: Track, unit: AccessUnit): boolean {
  if (track.run !== unit.run) {
    // A late one hands in the end of a run that another one is past already.
    if (track.run !== undefined && unit.run.id < track.run.id) return false;
    track.run = unit.run;
    track.lastDts = [];
  }
  const last = track.lastDts[unit.track];
  if (last !== undefined && unit.dts <= last) return false;
  track.lastDts[unit.track] = unit.dts;
  return true;
}
