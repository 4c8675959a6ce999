/** Names of objects (docs/spec/config.md 4.1), and which known name somebody meant. */
import { snakeCase } from '#core/interface';

export const nameLimit = 128;

/** Letters, digits, `_`, `-`: the name is URL segment, WAMP URI segment, RTSP path, folder and script member at once. */
export const isName = (text: string): boolean => /^[A-Za-z0-9_-]+$/.test(text) && text.length <= nameLimit;

/** Each hides a path of the API. */
export const reservedNames: ReadonlyMap<string, string> = new Map([
  ['meta', 'it would hide /v1/svc/meta'],
  ['svc', 'it would hide /v1/svc'],
]);

/** Hides `retention` of a storage, where tracks are named after sources. */
export const reservedForSources = 'retention';

/** Procedures of the daemon itself that come first over WAMP. */
export const hiddenOverWamp: ReadonlySet<string> = new Set(['auth', 'discovery', 'clusters', 'config', 'health']);

/** Names with the same folded form cannot be told apart by the faces that fold (api.md 13.3). */
export const folded = (name: string): string => snakeCase(name).replaceAll('-', '_').replaceAll('.', '_');

/**
 * The known name that a misspelt one most likely means; undefined if none is near. Near is
 * one slip in short names and a third of the letters in longer ones, letter case apart. A
 * known name that the given one begins with is near too (`tls_config`, `secrets`).
 */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  const wanted = name.toLowerCase();
  for (const candidate of known) {
    const lower = candidate.toLowerCase();
    const limit = Math.max(1, Math.floor(Math.max(wanted.length, lower.length) / 3));
    const begins = lower.length > 2 && wanted.startsWith(lower);
    const slips = distanceOf(wanted, lower, limit);
    const distance = begins ? Math.min(2, slips) : slips;
    if (distance <= (begins ? 2 : limit) && distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Optimal string alignment: insert, delete, replace, swap two neighbours. Infinite where it is surely past `limit`. */
function distanceOf(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit || a.length > nameLimit || b.length > nameLimit)
    return Number.POSITIVE_INFINITY;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length] ?? Number.POSITIVE_INFINITY;
}
