/**
 * The object: listens, and hands requests to the face (src/api/http), which knows what they mean.
 */
import { isLoopback, openAccess } from '#api/access';
import { type FaceSettings, HttpFace } from '#api/http/face';
import { MethodTable } from '#api/method-table';
import type { Context } from '#core/define';
import { Fault } from '#core/errors';
import type { House, Published } from '#core/published';
import type { Scope } from '#core/scope';
import type { HttpServer } from '#core/world';
import { listOf, type WebserverConfig } from './config.ts';
import { serveStatic } from './static.ts';

const megabyte = 1_000_000;
const bytesOf = (megabytes: number): number => (megabytes === 0 ? Number.MAX_SAFE_INTEGER : megabytes * megabyte);

/** It owns the sockets. */
export function createWebserver(context: Context<typeof WebserverConfig>) {
  const { world } = context;
  // IPv6 addresses are also written as they stand in URLs.
  const addresses = listOf(context.config.address).map(a => a.toLowerCase().replace(/^\[(.*)\]$/, '$1'));
  const local = addresses.length > 0 && addresses.every(isLoopback);
  let config = context.config;
  const settingsOf = (c: WebserverConfig): FaceSettings => ({
    cors: listOf(c.cors),
    hosts: c.hosts,
    hostname: world.hostname,
    trustProxy: c.trust_proxy,
    checkHost: true,
    api: c.api,
    plan: !c.clusters ? 'absent' : local ? 'granted' : 'refused',
    jsonLimitBytes: bytesOf(c.limits.json_mb),
    configLimitBytes: bytesOf(c.limits.config_mb),
    server: { hls: c.hls },
  });
  let settings = settingsOf(config);
  let house: House | undefined;
  const servers = new Set<HttpServer>();

  const table = new MethodTable(world.clock);
  const face = new HttpFace({
    world,
    table,
    access: openAccess(local),
    house: () => {
      if (!house) throw new Fault('storage', 'unavailable', `${context.name} is not linked yet`);
      return house;
    },
    settings: () => settings,
    files: (request, target) => serveStatic(world, config, request, target.path),
  });

  const listen = async (host: string | undefined): Promise<HttpServer> => {
    const server = await world.http.listen({
      at: { host, port: config.port },
      ...(config.tls ? { tls: config.tls } : {}),
      connections: config.limits.connections,
      handle: request => face.handle(request),
    });
    servers.add(server);
    return server;
  };

  const listenAll = async (scope: Scope): Promise<readonly string[]> => {
    const urls: string[] = [];
    for (const host of addresses.length > 0 ? addresses : [undefined]) {
      const server = scope.own(`port ${config.port}`, await listen(host), s => {
        servers.delete(s);
        return s.close();
      });
      const name = host === undefined ? 'localhost' : host.includes(':') ? `[${host}]` : host;
      urls.push(`${config.tls ? 'https' : 'http'}://${name}:${server.port}/`);
    }
    return urls;
  };

  return {
    provides: {},
    published: {},
    link(links: { objects: ReadonlyMap<string, Published>; house: House }) {
      house = links.house;
      table.set(links.objects.values());
    },
    /** Returns when it listens or is known not to: who is told that the daemon is ready wants to connect. */
    start() {
      return new Promise<void>(settled => {
        context.persist('listen', async attempt => {
          try {
            context.announce(await listenAll(attempt.scope));
            attempt.healthy();
          } finally {
            settled();
          }
          await new Promise<void>(done => attempt.signal.addEventListener('abort', () => done(), { once: true }));
        });
      });
    },
    apply(next: WebserverConfig) {
      config = next;
      settings = settingsOf(next);
      face.forget();
      for (const server of servers) server.limitConnections(config.limits.connections);
    },
  };
}
