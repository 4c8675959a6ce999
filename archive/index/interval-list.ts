/**
 * Recorded pieces of one track in ascending order, never touching: what lies less than a
 * second apart is one piece (api.md 6.1 rule 3). Pure; the index mirrors every change.
 */

/** Pieces closer than this are joined, milliseconds. */
export const joinMs = 1000;

export type Span = readonly [beginMs: number, endMs: number];

/** What an edit did, so that a mirror can do the same: all pieces that begin in `[from, to]` are replaced by `now`. */
export interface Edit {
  readonly from: number;
  readonly to: number;
  readonly now: readonly Span[];
}

export class IntervalList {
  #spans: Span[];

  /** `spans` in ascending order, without overlap. */
  constructor(spans: readonly Span[] = []) {
    this.#spans = [...spans];
  }

  get spans(): readonly Span[] {
    return this.#spans;
  }

  /** First moment and last; undefined when empty. */
  get bounds(): Span | undefined {
    const first = this.#spans[0];
    const last = this.#spans.at(-1);
    return first && last ? [first[0], last[1]] : undefined;
  }

  /** Total of the pieces, milliseconds. */
  get recordedMs(): number {
    return this.#spans.reduce((sum, [b, e]) => sum + e - b, 0);
  }

  add(begin: number, end: number): Edit {
    const low = this.#firstThat(s => s[1] + joinMs > begin);
    let high = low;
    let [b, e] = [begin, end];
    for (let s = this.#spans[high]; s && s[0] - joinMs < end; s = this.#spans[++high]) {
      b = Math.min(b, s[0]);
      e = Math.max(e, s[1]);
    }
    return this.#replace(low, high, [[b, e]]);
  }

  remove(begin: number, end: number): Edit {
    const low = this.#firstThat(s => s[1] > begin);
    let high = low;
    const rest: Span[] = [];
    for (let s = this.#spans[high]; s && s[0] < end; s = this.#spans[++high]) {
      if (s[0] < begin) rest.push([s[0], begin]);
      if (s[1] > end) rest.push([end, s[1]]);
    }
    return this.#replace(low, high, rest);
  }

  /** The pieces within `[begin, end)`, clipped to it. */
  clip(begin: number, end: number): Span[] {
    const out: Span[] = [];
    for (let i = this.#firstThat(s => s[1] > begin), s = this.#spans[i]; s && s[0] < end; s = this.#spans[++i])
      out.push([Math.max(begin, s[0]), Math.min(end, s[1])]);
    return out;
  }

  #replace(low: number, high: number, now: readonly Span[]): Edit {
    const gone = this.#spans.slice(low, high);
    this.#spans.splice(low, high - low, ...now);
    const touched = [...gone, ...now].map(s => s[0]);
    return { from: Math.min(...touched), to: Math.max(...touched), now };
  }

  /** Ends ascend with begins, so both can be searched by halving. */
  #firstThat(holds: (span: Span) => boolean): number {
    let low = 0;
    let high = this.#spans.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const span = this.#spans[middle];
      if (span && holds(span)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** Fragments in order as few pieces, so that a commit edits a list once. */
export function joined(records: readonly { readonly beginMs: number; readonly durationMs: number }[]): Span[] {
  const pieces: [number, number][] = [];
  for (const r of records) {
    const last = pieces.at(-1);
    if (last && r.beginMs - last[1] < joinMs) last[1] = Math.max(last[1], r.beginMs + r.durationMs);
    else pieces.push([r.beginMs, r.beginMs + r.durationMs]);
  }
  return pieces;
}
