/** The words and the printed form of `ocellus archive` (docs/spec/config.md 2.2). Pure. */
import { Fault } from '#core/errors';
import { timeArgument } from '#core/time';

export type ArchiveCommand =
  | { readonly is: 'check'; readonly folder: string; readonly depth: 'quick' | 'sizes' | 'hashes' }
  | { readonly is: 'rebuild' | 'verify'; readonly folder: string }
  | {
      readonly is: 'export';
      readonly folder: string;
      readonly track: string;
      readonly beginMs: number;
      readonly endMs: number;
      /** The file to write. */
      readonly out: string;
    };

export interface ArchiveFlags {
  readonly quick: boolean;
  readonly sizes: boolean;
  readonly hashes: boolean;
  readonly out: string | undefined;
}

const bad = (message: string): Fault => new Fault('argument', 'usage', `archive: ${message}`);

/** Of the words that follow `archive`. Fault `usage` for what is none. */
export function parseArchiveCommand(words: readonly string[], flags: ArchiveFlags): ArchiveCommand {
  const [is, folder, ...rest] = words;
  const depths = (['quick', 'sizes', 'hashes'] as const).filter(d => flags[d]);
  if (is !== 'check' && depths.length > 0) throw bad(`--${depths[0]} is for check`);
  if (is !== 'export' && flags.out !== undefined) throw bad('--out is for export');
  if (folder === undefined) throw bad('expected check, rebuild, verify or export, and a FOLDER');
  switch (is) {
    case 'check':
      if (depths.length > 1) throw bad('expected one of --quick, --sizes and --hashes');
      if (rest.length > 0) throw bad('check: expected one FOLDER');
      return { is, folder, depth: depths[0] ?? 'sizes' };
    case 'rebuild':
    case 'verify':
      if (rest.length > 0) throw bad(`${is}: expected one FOLDER`);
      return { is, folder };
    case 'export': {
      const [track, begin, end, ...more] = rest;
      if (track === undefined || begin === undefined || end === undefined || more.length > 0)
        throw bad('export: expected FOLDER TRACK BEGIN END');
      const [beginMs, endMs] = [timeArgument('BEGIN', begin), timeArgument('END', end)];
      if (endMs <= beginMs) throw bad('export: expected END after BEGIN');
      const stamp = (ms: number): string => new Date(ms).toISOString().replace(/[-:]/g, '');
      return {
        is,
        folder,
        track,
        beginMs,
        endMs,
        out: flags.out ?? `${track}_${stamp(beginMs)}_${stamp(endMs)}.mp4`,
      };
    }
    default:
      throw bad(`expected check, rebuild, verify or export, got ${JSON.stringify(is)}`);
  }
}

/** A table for people: columns as wide as their widest cell. */
export function textTable(rows: readonly Readonly<Record<string, string | number>>[]): string {
  const columns = [...new Set(rows.flatMap(r => Object.keys(r)))];
  const widths = columns.map(c => Math.max(c.length, ...rows.map(r => String(r[c] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(columns), ...rows.map(r => line(columns.map(c => String(r[c] ?? ''))))].join('\n');
}
