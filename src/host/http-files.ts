/**
 * Static files: ETag, Range and content types by @fastify/send; what lies outside the folder
 * is not served, whatever way the path or a link takes there.
 */
import { realpath } from 'node:fs/promises';
import { relative, sep } from 'node:path';
import type { Readable } from 'node:stream';
import send from '@fastify/send';
import type { ByteStream } from '#core/bytes';
import { Fault } from '#core/errors';
import type { HttpAnswer, HttpRequest } from '#core/world';

send.mime.define({ 'application/vnd.apple.mpegurl': ['m3u8'], 'text/javascript': ['js', 'mjs'] }, true);

/** `path` is percent-encoded and absolute within the folder. */
export async function fileAnswer(folder: string, path: string, request: HttpRequest): Promise<HttpAnswer | undefined> {
  // What lies outside is refused before the file is opened.
  const inside = async (file: string): Promise<void> => {
    const [root, real] = await Promise.all([realpath(folder), realpath(file)]);
    const way = relative(root, real);
    if (way === '..' || way.startsWith(`..${sep}`) || way.startsWith(sep))
      throw new Fault('absent', 'not-found', 'the file lies outside the folder');
  };
  const conditions = { method: request.method, headers: { ...request.headers } } as unknown as Readable;
  let found: Awaited<ReturnType<typeof send>>;
  try {
    found = await send(conditions, path, { root: folder, dotfiles: 'ignore', onFile: inside, highWaterMark: 262_144 });
  } catch (e) {
    if (e instanceof Fault) return undefined;
    throw new Fault('storage', 'unavailable', 'a file could not be read', {}, e);
  }
  if (found.type === 'directory') return redirect(path, request);
  const headers = lowerCase(found.headers);
  if (found.statusCode === 416) {
    found.stream.destroy();
    const length = Number(/\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1]);
    throw new Fault('argument', 'range', 'Range: expected a range within the file', { length });
  }
  if (found.statusCode === 412) {
    found.stream.destroy();
    throw new Fault('state', 'precondition-failed', 'the file is another one than the request expects');
  }
  if (found.type !== 'file' && found.statusCode >= 400) {
    found.stream.destroy();
    return undefined;
  }
  headers['cache-control'] = 'no-cache'; // ask again with the ETag: a page is updated as a whole
  return { status: found.statusCode, headers, body: pulled(found.stream) };
}

/** A folder's page is below the folder, so that its relative links are too. */
function redirect(path: string, request: HttpRequest): HttpAnswer {
  const query = request.target.indexOf('?');
  const location = `${request.target.split('?', 1)[0] ?? path}/${query < 0 ? '' : request.target.slice(query)}`;
  // Two slashes in front would name another host.
  return { status: 301, headers: { location: location.replace(/^\/+/, '/'), 'cache-control': 'no-cache' }, body: '' };
}

const lowerCase = (headers: Readonly<Record<string, string | number>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]));

function pulled(stream: Readable): ByteStream {
  const pieces = stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  return {
    next: async () => {
      const { done, value } = await pieces.next();
      return done ? undefined : value;
    },
    close: () => void stream.destroy(),
  };
}
