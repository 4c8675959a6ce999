/**
 * Names in an archive folder (config.md 11): `TRACK/YYYY/MM/DD/HH/YYYYMMDDTHHMMSS.mmmZ.mp4`.
 * Names that come from outside are checked here and nowhere else.
 */
import { Fault } from '#core/errors';

export const indexFile = 'index.sqlite3';
export const lockFile = 'lock';
export const ledgerFolder = 'ledger';

/** Letters, digits, `_`, `-` (config.md 4.1), and dots inside for sources that appear at run time. Never a path. */
const trackName = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}$/;

export const isTrackName = (name: string): boolean => trackName.test(name) && name !== ledgerFolder;

/** The name of a track, before a path is made of it. Fault `not-found` for what no track can be called. */
export function checkedTrack(name: string): string {
  if (!isTrackName(name))
    throw new Fault('absent', 'not-found', `no track is called ${JSON.stringify(name.slice(0, 128))}`);
  return name;
}

/** ISO 8601 UTC with exactly three fraction digits. */
export const isoFromMs = (ms: number): string => new Date(Math.floor(ms)).toISOString();

/** `TRACK/YYYY/MM/DD/HH` in which a file that begins at `ms` lies. */
export function hourFolder(track: string, ms: number): string {
  const iso = isoFromMs(ms);
  return `${track}/${iso.slice(0, 4)}/${iso.slice(5, 7)}/${iso.slice(8, 10)}/${iso.slice(11, 13)}`;
}

/** Path below FOLDER of a file that begins at `ms`; `clash` counts namesakes that are already there. */
export function segmentPath(track: string, ms: number, clash = 0): string {
  const stamp = isoFromMs(ms).replace(/[-:]/g, '');
  return `${hourFolder(track, ms)}/${stamp}${clash === 0 ? '' : `_${clash}`}.mp4`;
}

/** Path of the ledger's month. */
export const ledgerPath = (ms: number): string => `${ledgerFolder}/${isoFromMs(ms).slice(0, 7)}.jsonl`;

/** The folders of a path below FOLDER, outermost first. */
export function foldersOf(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, i) => parts.slice(0, i + 1).join('/'));
}

/** Whether `name` may be a file of the archive at all: what the walk of a rebuild opens. */
export const isSegmentName = (name: string): boolean => /^[^.].*\.mp4$/i.test(name);
