/**
 * A web server: the linked objects under `/v1/svc`, discovery, static files (docs/spec/api.md
 * 2, 3; docs/spec/config.md 13.1). It owns the sockets; what requests mean is src/api/http.
 * Not here yet: login, the event WebSocket, remote objects, view audit.
 */
import { many, one } from '#core/capability';
import { defineObjectType } from '#core/define';
import { House, Published } from '#core/published';
import { checkWebserver, WebserverConfig } from './config.ts';

export default defineObjectType({
  type: 'webserver',
  summary: 'Publishes the linked objects over HTTP and serves static files.',
  stage: 'main',
  config: WebserverConfig,
  provides: {},
  consumes: { objects: many(Published), house: one(House) },
  interfaces: [],
  check: checkWebserver,
  create: async context => {
    const { createWebserver } = await import('./server.ts');
    return createWebserver(context);
  },
});
