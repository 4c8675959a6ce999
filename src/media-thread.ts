/** Entry of the media loop: the stage on which sources live, and whatever reads them. */
import { Stage } from '#core/stage';
import { serveStage } from '#core/stage-wire';
import { createLog } from '#host/log';
import { releaseStartMemory } from '#host/memory';
import { createPaths } from '#host/paths';
import { workerThread } from '#host/threads';
import { createWorld } from '#host/world';
import { types } from '../objects/index.ts';

const { threads, settings } = workerThread((service, port) => {
  if (service === 'stage')
    serveStage(
      port,
      (news, ask) => new Stage('media', world, new Map(types.map(t => [t.type, t])), news, undefined, ask),
    );
  else port.close();
});
const log = createLog({ level: settings.logLevel, text: settings.logText, thread: 'media' });
const world = createWorld({ log, threads, paths: createPaths(settings.home), mayBlock: false });

releaseStartMemory();
// One object's bug must not take every camera with it: it is told, and the rest goes on.
process.on('uncaughtException', e => log.error('bug', { error: e.message, stack: e.stack }));
process.on('unhandledRejection', e =>
  log.error('bug', { error: String(e), stack: e instanceof Error ? e.stack : undefined }),
);
