/**
 * Times as devices write them: xs:dateTime and xs:duration (XML Schema part 2), and the
 * structure of GetSystemDateAndTime (ONVIF Core 8.3.3). What is broken is undefined; a time
 * without a zone is UTC, as ONVIF has it.
 */
import { at, numberAt, type XmlElement } from './xml.ts';

const dateTime = /^(\d{4})-(\d{1,2})-(\d{1,2})[T ](\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,](\d+))?\s*(Z|[+-]\d\d:?\d\d)?$/i;

/** UTC milliseconds; undefined when it is no time, or of before 1971, where devices begin that do not know it. */
export function readDateTime(text: string | undefined): number | undefined {
  const m = dateTime.exec(text?.trim() ?? '');
  if (!m) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = m.slice(1, 7).map(Number);
  const ms = utcMs(year, month, day, hour, minute, second);
  if (ms === undefined) return undefined;
  const zone = m[8] ?? 'Z';
  const sign = zone.startsWith('-') ? -1 : 1;
  const [, zoneHours = '0', zoneMinutes = '0'] = /(\d\d):?(\d\d)/.exec(zone) ?? [];
  const offset = sign * (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60_000;
  return ms + Math.floor(Number(`0.${(m[7] ?? '0').slice(0, 9)}`) * 1000) - offset;
}

/** 24:00:00 and a leap second are let pass: they are the begin of what follows. */
function utcMs(y: number, month: number, day: number, h: number, min: number, s: number): number | undefined {
  if (y < 1971 || month < 1 || month > 12 || day < 1 || day > 31 || h > 24 || min > 59 || s > 60) return undefined;
  return Date.UTC(y, month - 1, day, h, min, s);
}

/** Milliseconds of `PT1M30.5S` and the like; months and years are not understood. */
export function readDuration(text: string | undefined): number | undefined {
  const m = /^P(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?)?$/i.exec(
    text?.trim() ?? '',
  );
  if (!m || m.slice(1).every(p => p === undefined)) return undefined;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = m.slice(1).map(p => Number(p ?? 0));
  return Math.round((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000);
}

/** As a duration of XML. */
export const writeDuration = (ms: number): string => `PT${Math.max(1, Math.round(ms / 1000))}S`;

/** What the device's clock says, of the answer to GetSystemDateAndTime; undefined if it does not say it in UTC. */
export function readSystemTime(answer: XmlElement): number | undefined {
  const utc = at(answer, 'SystemDateAndTime', 'UTCDateTime');
  const part = (group: string, name: string): number => numberAt(utc, group, name) ?? -1;
  const [h, min, s] = [part('Time', 'Hour'), part('Time', 'Minute'), part('Time', 'Second')];
  if (h < 0 || min < 0 || s < 0) return undefined;
  return utcMs(part('Date', 'Year'), part('Date', 'Month'), part('Date', 'Day'), h, min, s);
}
