/**
 * The command line as a value (docs/spec/config.md 2.2). Pure: words in, a command or a
 * usage error out.
 */
import { parseArgs } from 'node:util';
import { Fault } from '#core/errors';
import type { ArchiveFlags } from './archive.ts';

export const commandNames = ['run', 'check', 'plan', 'call', 'describe', 'schema', 'archive'] as const;
export type CommandName = (typeof commandNames)[number];

/** Commands of the specification that this build does not have yet. */
const notYet: ReadonlySet<string> = new Set(['token', 'hash', 'keygen']);

export interface Options {
  readonly command: CommandName | 'help' | 'version';
  /** What follows the command: paths, or the words of `call`. */
  readonly words: readonly string[];
  readonly logLevel: string;
  readonly variables: readonly string[];
  readonly strict: boolean;
  readonly json: boolean;
  /** Of `archive`. */
  readonly archive: ArchiveFlags;
  readonly home: string | undefined;
  readonly state: string | undefined;
  /** TARGET of `plan` and `call`: a server instead of the control socket. */
  readonly target: { readonly url: string; readonly token?: string; readonly key?: string } | undefined;
}

export const usage = `usage:
  ocellus [run]   [options] PATH...     start; PATH is a JSON document or a folder of them
  ocellus check   [options] [--json] PATH...   report all problems, start nothing
  ocellus plan    [options] [TARGET] PATH...   what a reload would do to the running daemon
  ocellus call    [TARGET] OBJECT INTERFACE.FUNCTION [JSON]   call any function
  ocellus describe | schema             interfaces and types; JSON Schema of a document
  ocellus archive check   [--quick|--sizes|--hashes] [--json] FOLDER   files against index
  ocellus archive rebuild [--json] FOLDER   index anew from files and ledger
  ocellus archive verify  [--json] FOLDER   chain of hashes of the ledger, and the files of it
  ocellus archive export  [--out FILE] FOLDER TRACK BEGIN END   an interval as MP4, without the daemon
options:
  --log-level LEVEL    error, warn, info (default), debug, trace
  --variables FILE     JSON object of variables, repeatable
  --strict             warnings become errors
  --home DIR           base of relative paths (OCELLUS_HOME; default: where Ocellus is installed)
  --state DIR          writable state and control socket (default: HOME/var)
  --media-loops N      threads that carry media; this build has 1
TARGET (default: the control socket in the state folder):
  --url URL [--token TOKEN | --key KEY:SECRET]
exit codes: 0 in order, 1 errors in the configuration or the answer, 2 usage, 3 could not start, 70 internal error`;

const bad = (message: string): Fault => new Fault('argument', 'usage', message);

export function parseOptions(words: readonly string[]): Options {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(words);
  } catch (e) {
    throw bad(e instanceof Error ? e.message : String(e));
  }
  const { values, positionals } = parsed;
  const [first, ...rest] = positionals;
  if (first !== undefined && notYet.has(first)) throw bad(`"ocellus ${first}" is not available in this build`);
  const named = (commandNames as readonly string[]).includes(first ?? '');
  const loops = values['media-loops'];
  if (loops !== undefined && loops !== '1') throw bad(`--media-loops ${loops}: this build carries media on one loop`);
  if (values.modules !== undefined) throw bad('--modules: scripts are not available in this build');
  const logLevel = (values['log-level'] ?? 'info').toLowerCase();
  if (!['error', 'warn', 'info', 'debug', 'trace'].includes(logLevel))
    throw bad(`--log-level ${values['log-level']}: expected ERROR, WARN, INFO, DEBUG or TRACE`);
  if (values.url === undefined && (values.token !== undefined || values.key !== undefined))
    throw bad('--token and --key need --url');
  return {
    command: values.help ? 'help' : values.version ? 'version' : named ? (first as CommandName) : 'run',
    words: named ? rest : positionals,
    logLevel,
    variables: values.variables ?? [],
    strict: values.strict ?? false,
    json: values.json ?? false,
    archive: {
      quick: values.quick ?? false,
      sizes: values.sizes ?? false,
      hashes: values.hashes ?? false,
      out: values.out,
    },
    home: values.home,
    state: values.state,
    target:
      values.url === undefined
        ? undefined
        : {
            url: values.url,
            ...(values.token === undefined ? {} : { token: values.token }),
            ...(values.key === undefined ? {} : { key: values.key }),
          },
  };
}

const parse = (words: readonly string[]) =>
  parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      'log-level': { type: 'string' },
      variables: { type: 'string', multiple: true },
      strict: { type: 'boolean' },
      json: { type: 'boolean' },
      quick: { type: 'boolean' },
      sizes: { type: 'boolean' },
      hashes: { type: 'boolean' },
      out: { type: 'string' },
      home: { type: 'string' },
      state: { type: 'string' },
      'media-loops': { type: 'string' },
      modules: { type: 'string', multiple: true },
      url: { type: 'string' },
      token: { type: 'string' },
      key: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean' },
    },
  });
