/** Entry of the library thread: what may block. SQLite, lists, exports, deletions. */
import { archiveService } from '#archive/library/service';
import { createLog } from '#host/log';
import { releaseStartMemory } from '#host/memory';
import { createPaths } from '#host/paths';
import { workerThread } from '#host/threads';
import { createWorld } from '#host/world';

const { threads, settings } = workerThread((service, port) => {
  if (service === 'archive') archiveService(world)(port);
  else port.close();
});
const log = createLog({ level: settings.logLevel, text: settings.logText, thread: 'library' });
const world = createWorld({ log, threads, paths: createPaths(settings.home), mayBlock: true });

releaseStartMemory();
// As on the media loop: one archive's bug must not take the others with it.
process.on('uncaughtException', e => log.error('bug', { error: e.message, stack: e.stack }));
process.on('unhandledRejection', e =>
  log.error('bug', { error: String(e), stack: e instanceof Error ? e.stack : undefined }),
);
