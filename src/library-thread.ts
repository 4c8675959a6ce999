/** Entry of the library thread: what may block. SQLite, lists, exports, deletions. */
import { createLibraryService } from '#archive/library/service';
import { serve } from '#core/wire';
import { createLog } from '#host/log';
import { createPaths } from '#host/paths';
import { workerThread } from '#host/threads';
import { createWorld } from '#host/world';

const { threads, settings } = workerThread((service, port) => {
  if (service === 'archive') serve(port, createLibraryService(world));
  else port.close();
});
const log = createLog({ level: settings.logLevel, text: settings.logText, thread: 'library' });
const world = createWorld({ log, threads, paths: createPaths(settings.home), mayBlock: true });

// As on the media loop: one archive's bug must not take the others with it.
process.on('uncaughtException', e => log.error('bug', { error: e.message, stack: e.stack }));
process.on('unhandledRejection', e =>
  log.error('bug', { error: String(e), stack: e instanceof Error ? e.stack : undefined }),
);
