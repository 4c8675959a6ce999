/**
 * What PLAY asks for: Range (RFC 2326 12.29, with the times of 3.6 and 3.7), and headers that are one number
 * (Scale 12.34, Speed 12.35). SMPTE times are left out, and so is the parameter `time`: PLAY happens at once.
 */

/** Bounds may be missing. `clock`: UTC milliseconds. `npt`: milliseconds from the beginning; `now` is where the presentation stands. */
export interface AskedRange {
  readonly unit: 'clock' | 'npt';
  readonly from: number | 'now' | undefined;
  readonly to: number | undefined;
}

/** Undefined for what is no range, or one in units that are not known. */
export function parseRange(text: string): AskedRange | undefined {
  const m = /^\s*(clock|npt)\s*=\s*([^\s;,-]*)\s*-\s*([^\s;,-]*)\s*(?:[;,].*)?$/i.exec(text);
  const [, unitText = '', fromText = '', toText = ''] = m ?? [];
  if (!m || (fromText === '' && toText === '')) return undefined;
  const unit = unitText.toLowerCase() === 'clock' ? 'clock' : 'npt';
  const read = unit === 'clock' ? clockMs : nptMs;
  const isNow = unit === 'npt' && fromText.toLowerCase() === 'now';
  const from = isNow ? 'now' : fromText === '' ? undefined : read(fromText);
  const to = toText === '' ? undefined : read(toText);
  if ((fromText !== '' && from === undefined) || (toText !== '' && to === undefined)) return undefined;
  return { unit, from, to };
}

/** `20260102T030405.250Z`; also of times without fraction. */
function clockMs(text: string): number | undefined {
  const m = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(?:\.(\d{1,9}))?Z$/i.exec(text);
  if (!m) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = m.slice(1, 7).map(Number);
  const date = new Date(0);
  // Date.UTC takes the years 0 to 99 for 1900 to 1999.
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const fractionMs = Math.floor(Number(`0.${m[7] ?? '0'}`) * 1000 + 1e-6);
  return date.getTime() + ((hour * 60 + minute) * 60 + second) * 1000 + fractionMs;
}

/** `7.5` or `0:00:07.5`. */
function nptMs(text: string): number | undefined {
  const m = /^(?:(\d{1,9}):(\d{1,2}):(\d{1,2}(?:\.\d{0,9})?)|(\d{1,12}(?:\.\d{0,9})?))$/.exec(text);
  if (!m) return undefined;
  const [, hours = '0', minutes = '0', seconds = '0', plain] = m;
  if (plain !== undefined) return Number(plain) * 1000;
  if (Number(minutes) > 59 || Number(seconds) >= 60) return undefined;
  return ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
}

/** `clock=A-B`, UTC milliseconds; without `toMs`: open. */
export const writeClockRange = (fromMs: number, toMs: number | undefined): string =>
  `clock=${clockText(fromMs)}-${toMs === undefined ? '' : clockText(toMs)}`;

/** `npt=A-B`, in milliseconds from the beginning; a time before it is written as the beginning. */
export const writeNptRange = (fromMs: number, toMs: number | undefined): string =>
  `npt=${nptText(fromMs)}-${toMs === undefined ? '' : nptText(toMs)}`;

const clockText = (ms: number): string => new Date(Math.floor(ms)).toISOString().replace(/[-:]/g, '');
const nptText = (ms: number): string => (Math.max(0, ms) / 1000).toFixed(3);

/** The value of a header that is one decimal number, with sign and fraction; undefined for anything else. */
export const numberIn = (text: string): number | undefined =>
  /^\s*-?\d{1,6}(?:\.\d{0,9})?\s*$/.test(text) ? Number(text) : undefined;
