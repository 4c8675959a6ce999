/**
 * The linked sources over RTSP, for any player (docs/spec/api.md 12, docs/spec/config.md 13.2):
 * rtsp://HOST:PORT/NAME; the recordings of the linked storages, rtsp://HOST:PORT/STOR/NAME?begin=T&end=T&speed=N;
 * and the way for publishers into the sources that are `push`. Not here yet: tokens in the URL.
 */
import { Authenticator } from '#capability/authenticator';
import { Ingest } from '#capability/ingest';
import { LiveMedia } from '#capability/live-media';
import { RecordedMedia } from '#capability/recorded-media';
import { many, optional } from '#core/capability';
import { defineObjectType } from '#core/define';
import { checkRtspsrv, RtspsrvConfig } from './config.ts';

export default defineObjectType({
  type: 'rtspsrv',
  summary: 'Serves the linked sources and archives over RTSP, and lets clients publish into linked push sources.',
  stage: 'media',
  config: RtspsrvConfig,
  provides: {},
  consumes: {
    sources: many(LiveMedia),
    storages: many(RecordedMedia),
    ingests: many(Ingest),
    authenticator: optional(Authenticator),
  },
  interfaces: [],
  check: checkRtspsrv,
  create: async context => {
    const { createRtspsrv } = await import('./server.ts');
    return createRtspsrv(context);
  },
});
