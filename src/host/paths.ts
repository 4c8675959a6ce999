/**
 * Paths of a configuration to paths of the machine (docs/spec/config.md 2.1): relative ones
 * start at the home folder; in the source tree the folders of an installed package lie
 * elsewhere, so that one configuration runs from both.
 */
import { existsSync } from 'node:fs';
import { isAbsolute, join, normalize } from 'node:path';

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
