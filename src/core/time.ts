/**
 * Points in time and intervals as callers write them and as we write them
 * (docs/spec/api.md 2.3). In: ISO 8601 with `Z` or an offset and 0 to 6 fraction digits, or
 * milliseconds since the epoch in decimal digits. Out: ISO 8601 UTC with exactly three
 * fraction digits. Years 0000 to 9999; local times and leap seconds are not accepted.
 */
import { Fault } from '#core/errors';

/** 9999-12-31T23:59:59.999Z: what still has four digits of year. */
const lastMs = 253_402_300_799_999;
/** 0000-01-01T00:00:00.000Z. */
const firstMs = -62_167_219_200_000;

const iso = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:[Zz]|([+-])(\d\d):?(\d\d))$/;

/** UTC milliseconds since the epoch, cut off below the millisecond; undefined when `text` is no time. */
export function parseTime(text: string): number | undefined {
  if (/^\d{1,15}$/.test(text)) return Number(text) <= lastMs ? Number(text) : undefined;
  const m = iso.exec(text);
  if (!m) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = m.slice(1, 7).map(Number);
  const date = new Date(0);
  // Date.UTC takes the years 0 to 99 for 1900 to 1999.
  date.setUTCFullYear(year, month - 1, day);
  // What does not come back the same was no day: 30 February would silently become 2 March.
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const offsetHours = Number(m[9] ?? 0);
  const offsetMinutes = Number(m[10] ?? 0);
  if (offsetHours > 23 || offsetMinutes > 59) return undefined;
  const offset = (offsetHours * 60 + offsetMinutes) * (m[8] === '-' ? -60_000 : 60_000);
  const millis = Number((m[7] ?? '').padEnd(3, '0').slice(0, 3));
  const ms = date.getTime() + ((hour * 60 + minute) * 60 + second) * 1000 + millis - offset;
  return ms >= firstMs && ms <= lastMs ? ms : undefined;
}

/** ISO 8601 UTC with exactly three fraction digits; times outside of the years 0000 to 9999 become the nearest inside. */
export const isoTime = (ms: number): string =>
  new Date(Math.min(lastMs, Math.max(firstMs, Number.isNaN(ms) ? 0 : Math.floor(ms)))).toISOString();

/** The time that the parameter `name` gives; Fault `bad-argument` when it gives none. */
export function timeArgument(name: string, text: string): number {
  const ms = parseTime(text);
  if (ms === undefined)
    throw new Fault(
      'argument',
      'bad-argument',
      `${name}: expected a time in ISO 8601 with Z or an offset, or milliseconds since the epoch, got ${JSON.stringify(text.slice(0, 60))}`,
    );
  return ms;
}

/** `[beginMs, endMs)`; an undefined bound is open. */
export interface TimeRange {
  readonly beginMs: number | undefined;
  readonly endMs: number | undefined;
}

/**
 * An interval parameter, of which any bound, or the whole, may be missing. Fault
 * `bad-argument` for a bound that is no time and for an end at or before the begin.
 */
export function parseInterval(interval: readonly (string | null | undefined)[] | null | undefined): TimeRange {
  const [begin, end] = interval ?? [];
  const beginMs = begin === null || begin === undefined ? undefined : timeArgument('begin', begin);
  const endMs = end === null || end === undefined ? undefined : timeArgument('end', end);
  if (beginMs !== undefined && endMs !== undefined && endMs <= beginMs)
    throw new Fault(
      'argument',
      'bad-argument',
      `end: expected a time after begin (${isoTime(beginMs)}), got ${isoTime(endMs)}`,
    );
  return { beginMs, endMs };
}
