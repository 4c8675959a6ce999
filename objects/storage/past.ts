/** What tracks lack, and footage of the past for it (capability `media-storage`). */
import type { AllLimits, Range } from '#archive/library/library';
import type { Missing } from '#archive/library/missing';
import { limitsOfTrack } from '#archive/library/retention';
import type { Filling } from '#archive/recorder/filling';
import type { MissingFootage, PastInlet } from '#capability/media-storage';
import { Fault } from '#core/errors';

export interface PastParts {
  /** Fault while the archive does not work. */
  readonly library: () => { missing(track: string, range: Range): Promise<readonly Missing[]> };
  readonly recorder: () => { fill(track: string, gap: Missing): Filling; filled(filling: Filling): void } | undefined;
  readonly limits: () => AllLimits;
  readonly wallMs: () => number;
}

const hourMs = 3_600_000;

export class Past {
  readonly #parts: PastParts;
  readonly #busy = new Set<string>();

  constructor(parts: PastParts) {
    this.#parts = parts;
  }

  /** What retention would delete at once is not missed. */
  async missing(track: string): Promise<readonly MissingFootage[]> {
    const hours = limitsOfTrack(this.#parts.limits(), track).max_depth_abs_hours;
    const beginMs = hours === undefined ? undefined : this.#parts.wallMs() - hours * hourMs;
    return this.#parts.library().missing(track, { beginMs, endMs: undefined });
  }

  fill(track: string, gap: MissingFootage): PastInlet {
    const recorder = this.#parts.recorder();
    if (!recorder) throw new Fault('storage', 'unavailable', 'the archive is not open');
    if (this.#busy.has(track)) throw new Fault('state', 'conflict', `somebody fills a gap of ${track} already`);
    const filling = recorder.fill(track, gap);
    this.#busy.add(track);
    const done = (): void => {
      recorder.filled(filling);
      this.#busy.delete(track);
    };
    return {
      unit: unit => filling.unit(unit),
      get waitingBytes() {
        return filling.waitingBytes;
      },
      get over() {
        return filling.over;
      },
      end: () => filling.end().finally(done),
      cancel: () => filling.cancel().finally(done),
    };
  }
}
