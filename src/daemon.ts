/** The daemon: reads, checks, starts, tells that it is ready, reloads on SIGHUP, stops on SIGTERM. Composition root of the main thread. */

import { createHash } from 'node:crypto';
import { serveControl } from '#api/control';
import { describe } from '#api/describe';
import type { ObjectType } from '#core/define';
import { type ConfigurationSource, readConfiguration } from '#core/documents';
import { faultFrom } from '#core/errors';
import type { InterfaceDecl } from '#core/interface';
import { documentSchema } from '#core/json-schema';
import { plan } from '#core/plan';
import { type Problem, problemLine } from '#core/problem';
import { type CommonInterface, type HouseInterface, Runtime } from '#core/runtime';
import { Scope } from '#core/scope';
import { Stage } from '#core/stage';
import { remoteStage } from '#core/stage-wire';
import type { Log, World } from '#core/world';
import { giveThreadsRoom } from '#host/memory';
import type { ServiceManager } from '#host/service';
import type { MainThreads } from '#host/threads';
import { BaseObject } from '#interface/base-object';
import { EventProducer } from '#interface/event-producer';
import { OnvifDiscovery } from '#interface/onvif-discovery';
import { onvifDiscovery } from './environment.ts';

export interface DaemonParts {
  readonly world: World;
  readonly threads: MainThreads;
  readonly version: string;
  readonly source: ConfigurationSource;
  /** Writable state: control socket and generated secrets. */
  readonly stateFolder: string;
  readonly manager: ServiceManager;
  /** One line on stdout. */
  print(line: string): void;
  /** stdout is a terminal: print for a person. */
  readonly forPeople: boolean;
}

/** How long the end waits for a service manager that does not say that it has taken note. */
const farewellMs = 500;

/** Interfaces that every object has besides its type's. */
const commonInterfaces: readonly CommonInterface[] = [
  { decl: EventProducer },
  {
    decl: BaseObject,
    implement: ({ name, type, meta, state }) => ({
      get_name: () => name,
      get_type: () => type,
      get_meta: () => meta ?? null,
      get_state: () => state,
    }),
  },
];
export const everyInterface = commonInterfaces.map(c => c.decl);

const offeredByHouse = (world: World): readonly HouseInterface[] => [onvifDiscovery(world)];
export const houseInterfaces: readonly InterfaceDecl[] = [OnvifDiscovery];

/** Up to so many objects on the media loop the daemon stays small; a reload that brings more has its effect on this at the next start. */
const fewMediaObjects = 6;

export const exitCodes = { inOrder: 0, problems: 1, usage: 2, cannotStart: 3, bug: 70 } as const;

/** Runs until it is told to stop; the exit code. */
export async function runDaemon(
  parts: DaemonParts,
  signals: { on(signal: 'SIGTERM' | 'SIGINT' | 'SIGHUP', then: () => void): void },
): Promise<number> {
  const { world, threads, source, stateFolder, version } = parts;
  const { log } = world;
  // Signals that come during the start wait for its end: nothing is torn in two.
  let asked = false;
  const stopped = new Promise<void>(stop => {
    const end = (): void => {
      asked = true;
      stop();
    };
    for (const signal of ['SIGTERM', 'SIGINT'] as const) signals.on(signal, end);
  });
  const reloads = new Reloads();
  signals.on('SIGHUP', () => reloads.ask());

  const first = await readConfiguration(world.files, source);
  tell(log, first.problems);
  if (!first.configuration) return exitCodes.problems;

  const types = new Map(source.types.map((t): [string, ObjectType] => [t.type, t]));
  const onMedia = first.configuration.objects.filter(o => types.get(o.type)?.stage === 'media').length;
  if (onMedia > fewMediaObjects) giveThreadsRoom();
  const runtime = new Runtime({
    world,
    version,
    types,
    everyInterface: commonInterfaces,
    houseInterfaces: offeredByHouse(world),
    openStages: (news, automatic, ask) => ({
      main: new Stage('main', world, types, news, automatic, ask),
      media: remoteStage(threads.connect('media', 'stage'), news, ask),
    }),
    plan: (running, wanted) => plan(running, wanted, source.types, sha256),
    load: (planned, running) => readConfiguration(world.files, source, planned, running),
    describe: objects => describe({ version, types: source.types, everyInterface, houseInterfaces, objects }),
    schema: () => documentSchema(source.types),
  });
  const scope = new Scope('daemon', (e, task) => log.error('task-failed', { task, error: faultFrom(e).message }));
  const end = async (exitCode: number): Promise<number> => {
    await runtime.stop();
    await scope.close();
    return exitCode;
  };
  try {
    await world.files.makeFolder(stateFolder);
    scope.own('control socket', await serveControl(world, runtime.house, `${stateFolder}/control.sock`), s =>
      s.close(),
    );
    await runtime.apply(first.configuration);
  } catch (e) {
    log.error('cannot-start', { error: faultFrom(e).message });
    return end(exitCodes.cannotStart);
  }
  if (!asked) ready(parts, runtime);
  reloads.allow(() => reload(parts, runtime));
  await stopped;
  log.info('stopping');
  const told = parts.manager.tell('STOPPING=1');
  const exitCode = await end(exitCodes.inOrder);
  await Promise.race([told, world.clock.sleep(farewellMs)]);
  return exitCode;
}

/** Reloads, one after the other. Who asks while one waits for its turn has asked for that one: it reads what is there then. */
class Reloads {
  #turn: Promise<void>;
  #open: (reload: () => Promise<void>) => void = () => undefined;
  #waits = false;
  #reload: () => Promise<void> = () => Promise.resolve();

  constructor() {
    this.#turn = new Promise(allowed => {
      this.#open = reload => {
        this.#reload = reload;
        allowed();
      };
    });
  }

  /** The start is over. */
  allow(reload: () => Promise<void>): void {
    this.#open(reload);
  }

  ask(): void {
    if (this.#waits) return;
    this.#waits = true;
    this.#turn = this.#turn.then(() => {
      this.#waits = false;
      return this.#reload();
    });
  }
}

function ready(parts: DaemonParts, runtime: Runtime): void {
  const { stateFolder, version } = parts;
  const objects = runtime.house.objects().length;
  if (parts.forPeople)
    parts.print(
      `Ocellus ${version} runs ${objects} objects. Open ${runtime.urls.join(' or ') || 'nothing: no server is configured'}`,
    );
  else
    parts.print(
      JSON.stringify({
        event: 'ready',
        version,
        pid: process.pid,
        objects,
        urls: runtime.urls,
        control: `${stateFolder}/control.sock`,
      }),
    );
  void parts.manager.tell('READY=1');
}

async function reload(parts: DaemonParts, runtime: Runtime): Promise<void> {
  const { log } = parts.world;
  try {
    void parts.manager.tell('RELOADING=1');
    const outcome = await runtime.reload();
    tell(log, outcome.problems);
    if ('plan' in outcome) log.info('configuration-applied', { hash: outcome.plan.hash, steps: outcome.plan.steps });
    else log.error('configuration-rejected', { problems: outcome.problems.length, running: 'the former one' });
  } catch (e) {
    log.error('reload-failed', { error: faultFrom(e).message, running: 'the former one' });
  }
  void parts.manager.tell('READY=1');
}

function tell(log: Log, problems: readonly Problem[]): void {
  for (const p of problems)
    log[p.severity === 'error' ? 'error' : p.severity === 'warning' ? 'warn' : 'info']('configuration', {
      problem: problemLine(p),
      ...p,
    });
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
