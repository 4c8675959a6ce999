/** What a webserver serves outside `/v1`: further folders, the folder at `/`, the fallback page, in this order. */

import { notAllowed } from '#api/routes';
import type { HttpAnswer, HttpRequest, World } from '#core/world';

export interface StaticSettings {
  readonly staticpath?: string;
  readonly mounts: Readonly<Record<string, string>>;
  readonly fallback?: string;
}

/** `path` is percent-encoded; undefined when nothing is there. */
export async function serveStatic(
  world: Pick<World, 'http'>,
  settings: StaticSettings,
  request: HttpRequest,
  path: string,
): Promise<HttpAnswer | undefined> {
  const { staticpath, mounts, fallback } = settings;
  const mount = Object.keys(mounts)
    .filter(prefix => path.startsWith(prefix))
    .sort((a, b) => b.length - a.length)[0];
  const folder = mount === undefined ? staticpath : mounts[mount];
  if (folder === undefined && fallback === undefined) return undefined;
  if (request.method !== 'GET' && request.method !== 'HEAD') throw notAllowed(request.method, ['GET', 'HEAD']);
  const below = mount === undefined ? path : path.slice(mount.length - 1);
  const file = folder === undefined ? undefined : await world.http.file(folder, below, request);
  if (file || fallback === undefined) return file;
  const slash = fallback.lastIndexOf('/');
  const name = encodeURIComponent(fallback.slice(slash + 1));
  return world.http.file(slash < 0 ? '.' : fallback.slice(0, slash) || '/', `/${name}`, request);
}
