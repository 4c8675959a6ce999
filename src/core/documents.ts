/**
 * Paths of the command line to documents and variables (docs/spec/config.md 2.1, 2.2): a file
 * is read whatever it is called; a folder means the `*.json` files directly in it, in byte
 * order of their names, without those whose name begins with a dot.
 */
import { checkConfiguration, neededFiles } from '#core/check';
import type { Checked, Configuration, Document } from '#core/configuration';
import type { ObjectType } from '#core/define';
import { Fault } from '#core/errors';
import type { PlannedDocuments } from '#core/published';
import type { Files } from '#core/world';

export interface ConfigurationSource {
  /** Files and folders; empty means the first of the default folders that exists. */
  readonly paths: readonly string[];
  readonly variableFiles: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly strict: boolean;
  readonly types: readonly ObjectType[];
}

/** Where configuration lies when nobody says (config.md 2.1). */
const defaultFolders = ['/etc/ocellus.conf.d', '/etc/viinex.conf.d'];

/** The longest document or variables file: far above any real configuration, far below what would hurt. */
const documentLimitBytes = 16 << 20;

/**
 * Reads and checks. Trouble with the paths themselves (missing, unreadable) is a Fault; what
 * is wrong inside the documents is a problem.
 * @param planned documents to take after those on disk, or instead of them
 * @param running whose secrets `{"$secret":"keep"}` means
 */
export async function readConfiguration(
  files: Files,
  source: ConfigurationSource,
  planned: PlannedDocuments = { documents: [], replace: false },
  running?: Configuration,
): Promise<Checked> {
  const onDisk = planned.replace ? [] : await readDocuments(files, source.paths);
  const documents = [...onDisk, ...planned.documents];
  const variables: Record<string, unknown> = {};
  for (const path of source.variableFiles) Object.assign(variables, await readVariables(files, path));
  const included = new Map<string, string>();
  for (const path of neededFiles(documents)) {
    try {
      included.set(path, await readLimited(files, path));
    } catch {
      // Left out on purpose: the check reports it at the place of use.
    }
  }
  const { env, strict, types } = source;
  return checkConfiguration({
    documents,
    types,
    strict,
    env,
    variables,
    files: included,
    ...(running ? { running } : {}),
  });
}

export async function readDocuments(files: Files, paths: readonly string[]): Promise<Document[]> {
  const documents: Document[] = [];
  for (const path of paths.length > 0 ? paths : [await defaultFolder(files)]) {
    const { kind } = await files.stat(path);
    const names =
      kind === 'folder'
        ? (await files.list(path))
            .filter(e => e.kind !== 'folder' && e.name.endsWith('.json') && !e.name.startsWith('.'))
            .map(e => `${path.replace(/\/+$/, '')}/${e.name}`)
        : [path];
    for (const name of names) documents.push({ name, text: await readLimited(files, name) });
  }
  return documents;
}

async function defaultFolder(files: Files): Promise<string> {
  for (const folder of defaultFolders) {
    try {
      await files.stat(folder);
      return folder;
    } catch (e) {
      if (!(e instanceof Fault) || e.kind !== 'absent') throw e;
    }
  }
  throw new Fault(
    'absent',
    'no-configuration',
    `no path was given, and neither ${defaultFolders.join(' nor ')} exists`,
  );
}

async function readVariables(files: Files, path: string): Promise<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(await readLimited(files, path));
  } catch (e) {
    if (e instanceof Fault) throw e;
    throw new Fault(
      'config',
      'bad-variables',
      `${path} is not JSON: expected one object of variables`,
      { file: path },
      e,
    );
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Fault('config', 'bad-variables', `${path} holds something else than one object of variables`, {
      file: path,
    });
  return value as Record<string, unknown>;
}

async function readLimited(files: Files, path: string): Promise<string> {
  const { size } = await files.stat(path);
  if (size > documentLimitBytes)
    throw new Fault('config', 'too-large', `${path} has ${size} bytes, more than ${documentLimitBytes}`, {
      file: path,
    });
  return files.readText(path);
}
