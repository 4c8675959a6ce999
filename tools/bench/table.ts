/** A benchmark's result as text and JSON, with the conditions that make it a number (docs/design/numbers.md). */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';

export type Row = Readonly<Record<string, string | number>>;

/** Nearest-rank quantile. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.round(q * (sorted.length - 1))))] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

export function conditions(): Readonly<Record<string, string>> {
  const ffmpeg = /version (\S+)/.exec(spawnSync('ffmpeg', ['-version'], { encoding: 'utf8' }).stdout ?? '')?.[1];
  const gstreamer = /version (\S+)/.exec(
    spawnSync('gst-launch-1.0', ['--version'], { encoding: 'utf8' }).stdout ?? '',
  )?.[1];
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
    kernel: readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim(),
    node: process.version,
    ...(ffmpeg === undefined ? {} : { ffmpeg }),
    ...(gstreamer === undefined ? {} : { gstreamer }),
  };
}

export function printTable(title: string, rows: readonly Row[], jsonFile: string | undefined): void {
  const columns = [...new Set(rows.flatMap(r => Object.keys(r)))];
  const cell = (v: string | number | undefined): string =>
    typeof v === 'number' && !Number.isInteger(v) ? v.toFixed(Math.abs(v) < 1 ? 3 : 2) : String(v ?? '');
  const widths = columns.map(c => Math.max(c.length, ...rows.map(r => cell(r[c]).length)));
  const line = (cells: readonly string[]): string => `| ${cells.map((c, i) => c.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  const where = conditions();
  process.stdout.write(
    [
      `${title}`,
      Object.entries(where)
        .map(([k, v]) => `${k} ${v}`)
        .join(', '),
      '',
      line(columns),
      line(widths.map(w => '-'.repeat(w))),
      ...rows.map(r => line(columns.map(c => cell(r[c])))),
      '',
    ].join('\n'),
  );
  if (jsonFile) writeFileSync(jsonFile, `${JSON.stringify({ title, conditions: where, rows }, undefined, 2)}\n`);
}
