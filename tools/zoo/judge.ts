/** Whether what the archive says of a track adds up (api.md 6.5), and whether recordings have every picture. */
import { readFileSync } from 'node:fs';
import type { Daemon } from '#fake/daemon';
import { gapReasons } from '#media/gap';
import { marksIn } from '../fake-camera/mark.ts';

/** What became of the time since a track's first recording. */
export interface Account {
  /** From the first moment to the last. */
  readonly seconds: number;
  readonly pieces: number;
  readonly gaps: number;
  /** `2 network-loss, 1 no-media` */
  readonly reasons: string;
  readonly missingSeconds: number;
  readonly wrong: readonly string[];
}

type Interval = readonly [beginMs: number, endMs: number];

/** Times in the answers are whole milliseconds, and of both ends. */
const toleranceMs = 2;

export async function accountOf(daemon: Daemon, track: string): Promise<Account> {
  const [details, gaps] = [
    await daemon.get<{ timeline: readonly (readonly [string, string])[] }>(`/v1/svc/stor/${track}`),
    await daemon.get<readonly { begin: string; end: string | null; reason: string }[]>(`/v1/svc/stor/${track}/gaps`),
  ];
  return account(
    details.timeline.map(([begin, end]) => [Date.parse(begin), Date.parse(end)]),
    gaps.map(g => ({ at: [Date.parse(g.begin), g.end === null ? Date.now() : Date.parse(g.end)], reason: g.reason })),
  );
}

/** Timeline and gaps must cover the range without a hole and without overlap, and every gap have a known reason. */
export function account(
  timeline: readonly Interval[],
  gaps: readonly { readonly at: Interval; readonly reason: string }[],
): Account {
  const wrong: string[] = [];
  const [begin = 0] = timeline[0] ?? [];
  const [, end = begin] = timeline.at(-1) ?? [];
  const counts = new Map<string, number>();
  for (const { reason } of gaps) {
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
    if (!gapReasons.some(known => known === reason)) wrong.push(`a gap of unknown reason ${reason}`);
  }
  const parts = [
    ...timeline.map(at => ({ at, what: 'footage' })),
    ...gaps.map(({ at, reason }) => ({ at, what: reason })),
  ].sort((a, b) => a.at[0] - b.at[0] || a.at[1] - b.at[1]);
  let until = begin;
  for (const { at, what } of parts) {
    if (at[0] - until > toleranceMs) wrong.push(`${at[0] - until} ms before ${what} that nothing explains`);
    if (until - at[0] > toleranceMs && at[1] > at[0])
      wrong.push(`${what} overlaps what is before it by ${until - at[0]} ms`);
    until = Math.max(until, at[1]);
  }
  return {
    ...{ seconds: (end - begin) / 1000, pieces: timeline.length, gaps: gaps.length, wrong },
    reasons: [...counts].map(([reason, n]) => `${n} ${reason}`).join(', '),
    missingSeconds: gaps.reduce((sum, { at }) => sum + at[1] - at[0], 0) / 1000,
  };
}

/** By the marks in the pictures of one camera's files, in order of their names. */
export function lostPictures(files: readonly string[]): { readonly pictures: number; readonly lost: number } {
  const numbers = files.toSorted().flatMap(f => marksIn(new Uint8Array(readFileSync(f))).map(m => m.unit));
  const lost = numbers.filter((n, i) => i > 0 && n !== (numbers[i - 1] ?? 0) + 1).length;
  return { pictures: numbers.length, lost };
}
