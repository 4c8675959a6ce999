/** `ocellus archive`: an archive on the disk without its daemon (docs/spec/config.md 2.2). What is found is printed; the exit code says whether all is in order. */
import {
  type ArchiveProblem,
  checkArchive,
  exportArchive,
  rebuildArchive,
  verifyArchive,
} from '#archive/library/offline';
import { type ArchiveCommand, textTable } from '#command/archive';
import type { World } from '#core/world';

/** What to print and to return: 0 in order, 1 problems were found. */
interface Done {
  readonly text: string;
  readonly exitCode: 0 | 1;
}

const problemLines = (problems: readonly ArchiveProblem[]): string[] => problems.map(p => `${p.file}: ${p.problem}`);

/** `world` may block. `json`: one JSON value instead of a text. */
export async function runArchive(world: World, command: ArchiveCommand, json: boolean): Promise<Done> {
  const done = (value: object, lines: readonly string[], problems: readonly ArchiveProblem[] = []): Done => ({
    text: json ? JSON.stringify(value, undefined, 2) : lines.join('\n'),
    exitCode: problems.length > 0 ? 1 : 0,
  });
  switch (command.is) {
    case 'check': {
      const report = await checkArchive(world, command.folder, command.depth);
      const { problems } = report;
      const total = { files: report.files, bytes: report.bytes, problems: problems.length };
      return done(report, [...problemLines(problems), textTable([total])], problems);
    }
    case 'rebuild': {
      const report = await rebuildArchive(world, command.folder);
      return done(report, [textTable([report])]);
    }
    case 'verify': {
      const report = await verifyArchive(world, command.folder);
      const rows = Object.entries(report.tracks).map(([track, r]) => ({ track, ...r }));
      const table = rows.length > 0 ? textTable(rows) : 'the ledger has no hashes';
      return done(report, [...problemLines(report.problems), table], report.problems);
    }
    case 'export': {
      const bytes = await exportArchive(world, command.folder, command, command.out);
      return done({ file: command.out, bytes }, [`${command.out}: ${bytes} bytes`]);
    }
    default:
      return command satisfies never;
  }
}
