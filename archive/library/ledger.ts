/**
 * The ledger: what the files cannot tell, one JSON object per line, a file per month, append
 * only (archive/DESIGN.md, "On disk"). Read when an index is made anew, and its end after a crash.
 */
import { faultFrom } from '#core/errors';
import type { Files } from '#core/world';
import { type LedgerEntry, ledgerLine, parseLedgerLine } from '../format/ledger-line.ts';
import { ledgerFolder, ledgerPath } from '../format/paths.ts';
import type { Note } from './notes.ts';

/** An entry and the moment whose month it belongs to. */
export type Dated = readonly [atMs: number, entry: LedgerEntry];

/** What these notes leave in the ledger. Fragments and files leave nothing. */
export function entriesOf(notes: readonly Note[]): Dated[] {
  return notes.flatMap((note): Dated[] => {
    if (note.is === 'gap') {
      const { track, beginMs, endMs, reason, filledMs } = note;
      const filled = filledMs === undefined ? {} : { filled: filledMs };
      return [[beginMs, { gap: { track, begin: beginMs, end: endMs, reason, ...filled } }]];
    }
    if (note.is === 'clock')
      return [[note.atMs, { clock: { track: note.track, at: note.atMs, offset_ms: note.offsetMs } }]];
    return [];
  });
}

export class Ledger {
  readonly #files: Files;
  readonly #folder: string;
  /** False when the last line may have been cut off: by a crash before, or by a full disk. */
  #isWhole = false;
  #last: Promise<void> = Promise.resolve();
  /** Months whose names are on the medium, as far as this process knows. */
  readonly #named = new Set<string>();

  /** `folder` is the archive's. */
  constructor(files: Files, folder: string) {
    this.#files = files;
    this.#folder = folder;
  }

  /** One after the other, whoever asks. On the medium when it resolves: what depends on it may be told. */
  append(entries: readonly Dated[]): Promise<void> {
    if (entries.length === 0) return Promise.resolve();
    const done = this.#last.then(() => this.#append(entries));
    // Who asked handles the failure; the chain must not fail for those who ask later.
    this.#last = done.catch(() => {});
    return done;
  }

  async #append(entries: readonly Dated[]): Promise<void> {
    const texts = new Map<string, string>();
    for (const [ms, entry] of entries) {
      const path = ledgerPath(ms);
      texts.set(path, (texts.get(path) ?? '') + ledgerLine(entry));
    }
    const isWhole = this.#isWhole;
    this.#isWhole = false;
    const ledger = `${this.#folder}/${ledgerFolder}`;
    if (this.#named.size === 0) await this.#files.makeFolder(ledger);
    for (const [path, text] of texts) {
      // A line of its own, so that a torn one spoils no other.
      await this.#files.append(`${this.#folder}/${path}`, isWhole ? text : `\n${text}`);
      if (this.#named.has(path)) continue;
      for (const folder of [ledger, this.#folder]) await this.#files.syncFolder(folder);
      this.#named.add(path);
    }
    this.#isWhole = true;
  }

  /** Names of the months that there are, oldest first: `YYYY-MM.jsonl`. */
  async months(): Promise<string[]> {
    const entries = await listOrNothing(this.#files, `${this.#folder}/${ledgerFolder}`);
    return entries.filter(e => e.kind === 'file' && /^\d{4}-\d\d\.jsonl$/.test(e.name)).map(e => e.name);
  }
  /** Lines of one month that `wanted` lets pass, as entries. */
  async read(month: string, wanted: (line: string) => boolean = () => true): Promise<LedgerEntry[]> {
    const text = await this.#files.readText(`${this.#folder}/${ledgerFolder}/${month}`);
    return parseLedger(text, wanted);
  }
  remove(month: string): Promise<void> {
    return this.#files.remove(`${this.#folder}/${ledgerFolder}/${month}`);
  }
}

/** Lines that are none of ours are passed over. */
export function parseLedger(text: string, wanted: (line: string) => boolean = () => true): LedgerEntry[] {
  const entries: LedgerEntry[] = [];
  for (const line of text.split('\n')) {
    const entry = line !== '' && wanted(line) ? parseLedgerLine(line) : undefined;
    if (entry) entries.push(entry);
  }
  return entries;
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
