/** When a rule is in force: periods of the week in time zones (docs/spec/config.md 10.3). Pure. */

export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof weekdays)[number];

export interface Period {
  /** On which it begins; absent: every day. */
  readonly days?: readonly Weekday[];
  /** HH:MM. */
  readonly from: string;
  /** HH:MM; not later than `from`: on the next day. */
  readonly to: string;
  readonly tz?: string;
}

const formats = new Map<string | undefined, Intl.DateTimeFormat>();

/** Weekday (0 is Monday) and minute of the day of a moment in a zone. */
function localTime(wallMs: number, zone: string | undefined): { readonly day: number; readonly minute: number } {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', {
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
      ...(zone === undefined ? {} : { timeZone: zone }),
    });
    formats.set(zone, format);
  }
  const part = (type: string): string => format.formatToParts(wallMs).find(p => p.type === type)?.value ?? '';
  return {
    day: weekdays.indexOf(part('weekday').toLowerCase() as Weekday),
    minute: Number(part('hour')) * 60 + Number(part('minute')),
  };
}

const minuteOf = (text: string): number => {
  const [hours = '0', minutes = '0'] = text.split(':');
  return Number(hours) * 60 + Number(minutes);
};

/** Whether a moment is inside one of the periods; without any it always is. */
export function inForce(schedule: readonly Period[], wallMs: number): boolean {
  return schedule.length === 0 || schedule.some(period => contains(period, wallMs));
}

function contains({ days = weekdays, from, to, tz }: Period, wallMs: number): boolean {
  const { day, minute } = localTime(wallMs, tz);
  const [begin, end] = [minuteOf(from), minuteOf(to)];
  const on = (d: number): boolean => days.includes(weekdays[(d + 7) % 7] as Weekday);
  if (begin < end) return on(day) && minute >= begin && minute < end;
  return (on(day) && minute >= begin) || (on(day - 1) && minute < end);
}

/** Whether a text names a time zone that this machine knows. */
export function isZone(text: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: text });
    return true;
  } catch {
    return false;
  }
}
