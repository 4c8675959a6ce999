/**
 * Paths of a configuration to paths of the machine (docs/spec/config.md 2.1): relative ones
 * start at the home folder; in the source tree the folders of an installed package lie
 * elsewhere, so that one configuration runs from both.
 */
import { existsSync } from 'node:fs';
import { isAbsolute, join, normalize } from 'node:path';
import type { Files } from '#core/world';

const inSourceTree: readonly (readonly [installed: string, source: string])[] = [
  ['share/web', 'web/dist'],
  ['share/js/modules', 'scripts/modules'],
  ['share/types', 'tools/plugin'],
];

export type ResolvePath = (path: string) => string;

export function createPaths(home: string): ResolvePath {
  const installed = existsSync(join(home, 'share'));
  return path => {
    if (isAbsolute(path)) return path;
    const clean = normalize(path);
    if (!installed)
      for (const [from, to] of inSourceTree)
        if (clean === from || clean.startsWith(`${from}/`)) return join(home, to, clean.slice(from.length));
    return join(home, clean);
  };
}

/** Files that are found by the configuration's paths. */
export const filesAt = (paths: ResolvePath, files: Files): Files => ({
  open: (path, how) => files.open(paths(path), how),
  readText: path => files.readText(paths(path)),
  writeText: (path, text, mode) => files.writeText(paths(path), text, mode),
  append: (path, text) => files.append(paths(path), text),
  list: folder => files.list(paths(folder)),
  stat: path => files.stat(paths(path)),
  makeFolder: path => files.makeFolder(paths(path)),
  rename: (from, to) => files.rename(paths(from), paths(to)),
  remove: path => files.remove(paths(path)),
  removeEmptyFolder: path => files.removeEmptyFolder(paths(path)),
  syncFolder: path => files.syncFolder(paths(path)),
  volume: path => files.volume(paths(path)),
  lock: path => files.lock(paths(path)),
});
