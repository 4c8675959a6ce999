/** Private key and certificate of a server, from PEM files, and their renewal without a restart. */
import { readFile, stat } from 'node:fs/promises';
import { Fault } from '#core/errors';
import type { Log } from '#core/world';

export interface PemPaths {
  readonly key: string;
  readonly certificate: string;
}

export interface Pem {
  readonly key: Buffer;
  readonly cert: Buffer;
}

const lookEveryMs = 10_000;

/** Fault `storage` with the path when one of the files cannot be read. */
export async function readPem(paths: PemPaths): Promise<Pem> {
  const read = async (what: string, path: string): Promise<Buffer> => {
    try {
      return await readFile(path);
    } catch (e) {
      const code = (e as NodeJS.ErrnoException).code;
      throw new Fault('storage', 'unavailable', `tls.${what}: cannot read ${path} (${code})`, {}, e);
    }
  };
  return { key: await read('key', paths.key), cert: await read('certificate', paths.certificate) };
}

/** Hands over what the files hold whenever they change; a pair that is not whole yet is tried again. Returns how to end it. */
export function watchPem(paths: PemPaths, log: Log, take: (pem: Pem) => void): () => void {
  const stamp = async (): Promise<string> => {
    const stats = await Promise.all([stat(paths.key), stat(paths.certificate)]);
    return stats.map(s => `${s.mtimeMs} ${s.size}`).join();
  };
  let last = stamp().catch(() => '');
  const timer = setInterval(async () => {
    try {
      const now = await stamp();
      if (now === (await last)) return;
      take(await readPem(paths));
      last = Promise.resolve(now);
      log.info('certificate-renewed');
    } catch (e) {
      log.warn('certificate-not-renewed', { error: String(e) });
    }
  }, lookEveryMs);
  timer.unref();
  return () => clearInterval(timer);
}
