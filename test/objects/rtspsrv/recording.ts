/** An archive in memory: the clip, numbered, cut into pieces at its key frames, with holes where a test wants them. */
import type { ReadRequest, RecordedMedia, RecordedPiece } from '#capability/recorded-media';
import { Fault } from '#core/errors';
import { clipRun } from '#fake/clip';
import { epochMs } from '#fake/media';
import { marked } from './rig.ts';

export interface Stretch {
  /** After `epochMs`. */
  readonly fromMs: number;
  readonly seconds: number;
  readonly audio?: boolean;
  readonly video?: 'clip.h264' | 'second.h264';
  readonly paddingBytes?: number;
}

/** Pieces of one second each; pictures are numbered through all stretches. */
export function piecesOf(stretches: readonly Stretch[]): RecordedPiece[] {
  const pieces: RecordedPiece[] = [];
  let number = 0;
  for (const [i, { fromMs, seconds, audio = true, video = 'clip.h264', paddingBytes = 0 }] of stretches.entries()) {
    const { run, units } = clipRun(i + 1, { seconds, audio, video, firstMs: epochMs + fromMs });
    for (let s = 0; s < seconds; s++) {
      const beginMs = epochMs + fromMs + s * 1000;
      const within = units.filter(u => u.wallMs >= beginMs && u.wallMs < beginMs + 1000);
      pieces.push({
        beginMs,
        endMs: beginMs + 1000,
        run: i + 1,
        format: video,
        // New objects every time, as they come from another thread.
        tracks: structuredClone(run.tracks) as RecordedPiece['tracks'],
        keyframe: true,
        units: within.map(({ run: _, lost: __, ...u }) =>
          u.track === 0 ? { ...u, data: marked(u.data, number++, paddingBytes) } : u,
        ),
        next: beginMs,
      });
    }
  }
  return pieces;
}

export class Recording implements RecordedMedia {
  readonly pieces: RecordedPiece[];
  readonly asked: ReadRequest[] = [];
  fault: Fault | undefined;

  constructor(...stretches: Stretch[]) {
    this.pieces = piecesOf(stretches);
  }

  async intervals(track: string, beginMs = Number.NEGATIVE_INFINITY, endMs = Number.POSITIVE_INFINITY) {
    this.#check(track);
    const found: [number, number][] = [];
    for (const p of this.pieces) {
      const [begin, end] = [Math.max(p.beginMs, beginMs), Math.min(p.endMs, endMs)];
      const last = found.at(-1);
      if (end <= begin) continue;
      if (last && begin - last[1] < 1000) last[1] = end;
      else found.push([begin, end]);
    }
    return found;
  }

  async read(request: ReadRequest): Promise<RecordedPiece | undefined> {
    this.asked.push(request);
    this.#check(request.track);
    const { from, how, untilMs } = request;
    if (how === 'backward-keyframes') {
      const p = this.pieces.findLast(x => ('next' in from ? x.beginMs < from.next : x.beginMs <= from.atMs));
      return p && p.beginMs >= (untilMs ?? Number.NEGATIVE_INFINITY) ? keyframeOf(p) : undefined;
    }
    const p = this.pieces.find(x => ('next' in from ? x.beginMs > from.next : x.endMs > from.atMs));
    if (!p || p.beginMs >= (untilMs ?? Number.POSITIVE_INFINITY)) return undefined;
    return how === 'forward' ? p : keyframeOf(p);
  }

  #check(track: string): void {
    if (this.fault) throw this.fault;
    if (track !== 'cam') throw new Fault('absent', 'not-found', `no track is called ${track} here`);
  }
}

const keyframeOf = (p: RecordedPiece): RecordedPiece => ({
  ...p,
  units: p.units.filter(u => u.track === 0).slice(0, 1),
});
