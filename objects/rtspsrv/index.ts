/**
 * The linked sources over RTSP, for any player (docs/spec/api.md 12, docs/spec/config.md 13.2):
 * rtsp://HOST:PORT/NAME; and the way for publishers into those that are `push`. Not here yet: the archive,
 * Require: onvif-replay, tokens in the URL.
 */
import { Authenticator } from '#capability/authenticator';
import { Ingest } from '#capability/ingest';
import { LiveMedia } from '#capability/live-media';
import { many, optional } from '#core/capability';
import { defineObjectType } from '#core/define';
import { checkRtspsrv, RtspsrvConfig } from './config.ts';

export default defineObjectType({
  type: 'rtspsrv',
  summary: 'Serves the linked sources over RTSP, and lets clients publish into linked push sources.',
  stage: 'media',
  config: RtspsrvConfig,
  provides: {},
  consumes: { sources: many(LiveMedia), ingests: many(Ingest), authenticator: optional(Authenticator) },
  interfaces: [],
  check: checkRtspsrv,
  create: async context => {
    const { createRtspsrv } = await import('./server.ts');
    return createRtspsrv(context);
  },
});
