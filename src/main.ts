/** Command line and composition root: the only reader of the arguments and the environment. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Outcome, runCall, runPlan } from '#api/client';
import { describe } from '#api/describe';
import { parseArchiveCommand } from '#command/archive';
import { type Options, parseOptions, usage } from '#command/options';
import { type ConfigurationSource, readConfiguration, readDocuments } from '#core/documents';
import { Fault, faultFrom } from '#core/errors';
import { documentSchema } from '#core/json-schema';
import { problemLine } from '#core/problem';
import { createHttp } from '#host/http';
import { createLog, type LogLevel } from '#host/log';
import { releaseStartMemory, weighBuffersWithHeap } from '#host/memory';
import { createPaths } from '#host/paths';
import { ServiceManager } from '#host/service';
import { MainThreads } from '#host/threads';
import { createWorld } from '#host/world';
import { types } from '../objects/index.ts';
import { runArchive } from './archive-command.ts';
import { everyInterface, exitCodes, houseInterfaces, runDaemon } from './daemon.ts';

const installFolder = dirname(dirname(fileURLToPath(import.meta.url)));
const { version } = JSON.parse(readFileSync(`${installFolder}/package.json`, 'utf8')) as { version: string };
const print = (text: string): void => void process.stdout.write(`${text}\n`);
const tell = ({ stdout, stderr, exitCode }: Outcome): number => {
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  return exitCode;
};
const printJson = (value: unknown): void => print(JSON.stringify(value, undefined, 2));

async function main(options: Options): Promise<number> {
  weighBuffersWithHeap();
  const home = resolve(options.home ?? process.env['OCELLUS_HOME'] ?? installFolder);
  const stateFolder = resolve(options.state ?? `${home}/var`);
  const target = options.target ?? { socket: `${stateFolder}/control.sock` };
  const logText = process.stderr.isTTY === true;
  const logLevel = options.logLevel as LogLevel;
  const log = createLog({ level: logLevel, thread: 'main', text: logText });
  const entry = (name: string): URL => new URL(`./${name}-thread.ts`, import.meta.url);
  const threads = new MainThreads(
    { media: entry('media'), library: entry('library') },
    { logLevel, logText, home },
    (thread, reason) => {
      // Without that thread there is no service to speak of; a fresh start is quick, and the service manager makes it.
      log.error('thread-ended', { thread, reason });
      process.exit(exitCodes.bug);
    },
  );
  const paths = createPaths(home);
  const world = createWorld({ log, threads, paths, mayBlock: false, http: createHttp(log, paths) });
  const source: ConfigurationSource = {
    paths: options.words.map(path => resolve(path)),
    variableFiles: options.variables.map(path => resolve(path)),
    env: process.env,
    strict: options.strict,
    types,
  };
  switch (options.command) {
    case 'help':
      print(usage);
      return exitCodes.inOrder;
    case 'version':
      print(version);
      return exitCodes.inOrder;
    case 'describe':
      printJson(describe({ version, types, everyInterface, houseInterfaces, objects: [] }));
      return exitCodes.inOrder;
    case 'schema':
      printJson(documentSchema(types));
      return exitCodes.inOrder;
    case 'check': {
      const { problems, configuration } = await readConfiguration(world.files, source);
      if (options.json) printJson(problems);
      else for (const p of problems) print(problemLine(p));
      return configuration ? exitCodes.inOrder : exitCodes.problems;
    }
    case 'plan':
      return tell(
        await runPlan(
          world,
          target,
          source.paths.length > 0 ? await readDocuments(world.files, source.paths) : undefined,
        ),
      );
    case 'archive': {
      const command = parseArchiveCommand(options.words, options.archive);
      const folder = resolve(command.folder);
      const there =
        command.is === 'export' ? { ...command, folder, out: resolve(command.out) } : { ...command, folder };
      // Nothing else runs in this process: SQLite may block its thread.
      const blocking = createWorld({ log, threads, paths, mayBlock: true });
      const { text, exitCode } = await runArchive(blocking, there, options.json);
      print(text);
      return exitCode;
    }
    case 'call': {
      const [object, method, json, ...more] = options.words;
      if (object === undefined || method === undefined || more.length > 0)
        throw new Fault('argument', 'usage', 'call: expected OBJECT INTERFACE.FUNCTION [JSON]');
      return tell(await runCall(world, target, { object, method, ...(json === undefined ? {} : { json }) }));
    }
    case 'run':
      releaseStartMemory();
      try {
        return await runDaemon(
          {
            world,
            threads,
            version,
            source,
            stateFolder,
            manager: new ServiceManager(process.env['NOTIFY_SOCKET'], (state, error) =>
              log.warn('service-manager-not-told', { state, error }),
            ),
            print,
            forPeople: process.stdout.isTTY === true,
          },
          { on: (signal, then) => void process.on(signal, then) },
        );
      } finally {
        await threads.end();
      }
    default:
      return options.command satisfies never;
  }
}

async function end(): Promise<number> {
  try {
    return await main(parseOptions(process.argv.slice(2)));
  } catch (e) {
    const fault = e instanceof Fault ? e : faultFrom(e);
    process.stderr.write(`ocellus: ${fault.message}\n`);
    if (fault.code === 'usage') process.stderr.write(`${usage}\n`);
    if (fault.kind === 'bug') process.stderr.write(`${(fault.cause as Error | undefined)?.stack ?? fault.stack}\n`);
    return fault.code === 'usage' ? exitCodes.usage : fault.kind === 'bug' ? exitCodes.bug : exitCodes.problems;
  }
}

// Who reads the output may be gone before us: a pager that was quit, a program that wanted the ready line only.
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);
process.exitCode = await end();
// What is left open after a clean stop would be a leak: it shows as a process that does not end, so it is not hidden by an exit here.
