/** The object types of this build, one line each. A new type is one folder beside this file and one line here. */
import type { ObjectType } from '#core/define';

const modules: readonly Promise<{ readonly default: ObjectType }>[] = [
  import('./authnz/index.ts'),
  import('./httpstream/index.ts'),
  import('./mediafile/index.ts'),
  import('./mediasourceplugin/index.ts'),
  import('./onvif/index.ts'),
  import('./push/index.ts'),
  import('./recctl/index.ts'),
  import('./rtsp/index.ts'),
  import('./rtspsrv/index.ts'),
  import('./rule/index.ts'),
  import('./storage/index.ts'),
  import('./testsource/index.ts'),
  import('./webserver/index.ts'),
];

export const types: readonly ObjectType[] = (await Promise.all(modules)).map(module => module.default);
