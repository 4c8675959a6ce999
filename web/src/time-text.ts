/** Times, durations, sizes and rates as an operator reads them. Pure but for the time zone of the machine. */

/** Which clock the page shows. */
export type Zone = 'utc' | 'local';

/** Distance of the shown clock from UTC at that moment. */
export const offsetMs = (zone: Zone, timeMs: number): number =>
  zone === 'utc' ? 0 : -new Date(timeMs).getTimezoneOffset() * 60_000;

const two = (n: number): string => String(n).padStart(2, '0');
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** Its UTC parts are the parts of the shown clock. */
const shifted = (zone: Zone, timeMs: number): Date => new Date(timeMs + offsetMs(zone, timeMs));

export const zoneName = (zone: Zone, timeMs: number): string => {
  const minutes = offsetMs(zone, timeMs) / 60_000;
  if (minutes === 0) return 'UTC';
  const size = Math.abs(minutes);
  return `UTC${minutes < 0 ? '\u2212' : '+'}${Math.floor(size / 60)}${size % 60 === 0 ? '' : `:${two(size % 60)}`}`;
};

/** `14:03:22` */
export function clockText(zone: Zone, timeMs: number): string {
  const d = shifted(zone, timeMs);
  return `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`;
}

/** `2026-01-02` */
export function dateText(zone: Zone, timeMs: number): string {
  const d = shifted(zone, timeMs);
  return `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())}`;
}

/** `2026-01-02 14:03:22 UTC+3` */
export const momentText = (zone: Zone, timeMs: number): string =>
  `${dateText(zone, timeMs)} ${clockText(zone, timeMs)} ${zoneName(zone, timeMs)}`;

/** What stands at a tick: `14:03:20`, `14:03`, or `Fri 2 Jan` at midnight. */
export function tickText(zone: Zone, timeMs: number, stepMs: number): string {
  const d = shifted(zone, timeMs);
  const midnight = d.getUTCHours() === 0 && d.getUTCMinutes() === 0 && d.getUTCSeconds() === 0;
  if (midnight) return `${days[d.getUTCDay()]} ${d.getUTCDate()} ${months[d.getUTCMonth()]}`;
  return stepMs < 60_000 ? clockText(zone, timeMs) : clockText(zone, timeMs).slice(0, 5);
}

/** `4.2 s`, `45 s`, `2 min 30 s`, `3 h 5 min`, `12 d 4 h`: two units, the smaller left out when it is 0. */
export function durationText(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const pair = (big: number, bigName: string, small: number, smallName: string): string =>
    small === 0 ? `${big} ${bigName}` : `${big} ${bigName} ${small} ${smallName}`;
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return pair(Math.floor(whole / 60), 'min', whole % 60, 's');
  const minutes = Math.floor(whole / 60);
  if (minutes < 48 * 60) return pair(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  const hours = Math.floor(minutes / 60);
  return pair(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

function scaled(value: number, units: readonly string[]): string {
  let [n, i] = [value, 0];
  while (n >= 999.5 && i < units.length - 1) [n, i] = [n / 1000, i + 1];
  return `${i > 0 && n < 9.95 ? n.toFixed(1) : Math.round(n)} ${units[i]}`;
}

export const sizeText = (bytes: number): string => scaled(bytes, ['B', 'kB', 'MB', 'GB', 'TB', 'PB']);
export const rateText = (bitsPerSecond: number): string => scaled(bitsPerSecond, ['bit/s', 'kbit/s', 'Mbit/s']);

const codecNames: readonly (readonly [RegExp, string])[] = [
  [/^avc[13]/, 'H.264'],
  [/^(hvc|hev)1/, 'H.265'],
  [/^av01/, 'AV1'],
  [/^mp4a/, 'AAC'],
  [/^opus/i, 'Opus'],
];

/** RFC 6381 text as people say it; unknown codecs as they are. */
export const codecText = (codec: string): string => codecNames.find(([form]) => form.test(codec))?.[1] ?? codec;

/** For a file name: `20260102T140322Z`. */
export const fileTime = (timeMs: number): string => new Date(timeMs).toISOString().replaceAll(/[-:]|\.\d+/g, '');
