/**
 * The ledger: what the files cannot tell, one JSON object per line, a file per month, append
 * only (archive/DESIGN.md, "On disk"). Read only when an index is made anew.
 */
import { faultFrom } from '#core/errors';
import type { Files } from '#core/world';
import { type GapReason, gapReasons } from '#media/gap';
import { isTrackName, ledgerFolder, ledgerPath } from '../format/paths.ts';
import type { GapNote, Note } from './notes.ts';

/** Lines of these notes, by month file. Fragments and files leave no line. */
export function ledgerLines(notes: readonly Note[]): Map<string, string> {
  const lines = new Map<string, string>();
  const add = (ms: number, entry: object): void => {
    const path = ledgerPath(ms);
    lines.set(path, `${lines.get(path) ?? ''}${JSON.stringify(entry)}\n`);
  };
  for (const note of notes) {
    if (note.is === 'gap') {
      const { track, beginMs, endMs, reason } = note;
      add(beginMs, { gap: { track, begin: beginMs, end: endMs, reason } });
    } else if (note.is === 'clock')
      add(note.atMs, { clock: { track: note.track, at: note.atMs, offset_ms: note.offsetMs } });
  }
  return lines;
}

/**
 * `isWhole`: what is there ends with a whole line. Otherwise the lines begin on a line of their own, so that
 * a torn one spoils no other. True when something was written.
 */
export async function appendLedger(
  files: Files,
  folder: string,
  notes: readonly Note[],
  isWhole: boolean,
): Promise<boolean> {
  const lines = ledgerLines(notes);
  if (lines.size === 0) return false;
  await files.makeFolder(`${folder}/${ledgerFolder}`);
  for (const [path, text] of lines) await files.append(`${folder}/${path}`, isWhole ? text : `\n${text}`);
  return true;
}

/** The gaps that one month's text tells, the last line of each track and begin. Lines that are none of ours are passed over. */
export function parseLedger(text: string): GapNote[] {
  const gaps = new Map<string, GapNote>();
  for (const line of text.split('\n')) {
    const gap = gapFrom(line);
    if (gap) gaps.set(`${gap.track} ${gap.beginMs}`, gap);
  }
  return [...gaps.values()];
}

function gapFrom(line: string): GapNote | undefined {
  let entry: { gap?: { track?: unknown; begin?: unknown; end?: unknown; reason?: unknown } } | null;
  try {
    entry = JSON.parse(line) as typeof entry;
  } catch (e) {
    // A line that a power cut left half written.
    if (e instanceof SyntaxError) return undefined;
    throw faultFrom(e);
  }
  const { track, begin, end, reason } = entry?.gap ?? {};
  const isEnd = end === null || typeof end === 'number';
  if (typeof track !== 'string' || !isTrackName(track) || typeof begin !== 'number' || !isEnd) return undefined;
  if (!(gapReasons as readonly unknown[]).includes(reason)) return undefined;
  return { is: 'gap', track, beginMs: begin, endMs: end, reason: reason as GapReason };
}

/** Every gap that the ledger knows. */
export async function readLedger(files: Files, folder: string): Promise<GapNote[]> {
  const gaps: GapNote[] = [];
  for (const { name, kind } of await listOrNothing(files, `${folder}/${ledgerFolder}`))
    if (kind === 'file' && name.endsWith('.jsonl'))
      gaps.push(...parseLedger(await files.readText(`${folder}/${ledgerFolder}/${name}`)));
  return gaps;
}

/** What is in a folder; nothing when there is none. */
export async function listOrNothing(files: Files, folder: string): Promise<Awaited<ReturnType<Files['list']>>> {
  try {
    return await files.list(folder);
  } catch (e) {
    const fault = faultFrom(e);
    if (fault.kind === 'absent') return [];
    throw fault;
  }
}
