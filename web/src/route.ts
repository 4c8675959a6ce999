/**
 * What is looked at, as the part of the address behind `#`, so that a link can be sent:
 * `#live/cam1`, `#archive/stor0/cam1/2026-01-02T14:03:22.500Z`. Pure.
 */

export type Route =
  | { readonly mode: 'live'; readonly source: string }
  | { readonly mode: 'archive'; readonly storage: string; readonly source: string; readonly atMs: number };

export function hashOf(route: Route): string {
  const source = encodeURIComponent(route.source);
  if (route.mode === 'live') return `#live/${source}`;
  return `#archive/${encodeURIComponent(route.storage)}/${source}/${new Date(route.atMs).toISOString()}`;
}

/** Undefined for what is none; times as docs/spec/api.md 2.3 takes them. */
export function routeOf(hash: string): Route | undefined {
  const parts = hash.replace(/^#/, '').split('/').map(decoded);
  if (parts.includes('')) return undefined;
  const [mode, first, second, time] = parts;
  if (mode === 'live' && first !== undefined && parts.length === 2) return { mode, source: first };
  if (mode !== 'archive' || first === undefined || second === undefined || time === undefined) return undefined;
  const atMs = timeOf(time);
  return parts.length === 4 && atMs !== undefined ? { mode, storage: first, source: second, atMs } : undefined;
}

/** The end of what a `Date` can hold. */
const mostMs = 8.64e15;

function timeOf(text: string): number | undefined {
  const ms = /^\d{1,16}$/.test(text) ? Number(text) : /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
  return Math.abs(ms) <= mostMs ? ms : undefined;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return ''; // not percent-encoded text: no route
  }
}
