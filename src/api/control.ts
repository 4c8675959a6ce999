/**
 * The control socket (docs/spec/config.md 2.2, api.md 2.1): the paths of a webserver for every
 * object, with all rights. Who may open the socket, mode 0600, is whom the daemon belongs to.
 */
import type { House } from '#core/published';
import type { HttpServer, World } from '#core/world';
import { openAccess } from './access.ts';
import { type FaceSettings, HttpFace } from './http/face.ts';
import { MethodTable } from './method-table.ts';

const limitBytes = 16_000_000;

const settings: FaceSettings = {
  cors: [],
  hosts: [],
  hostname: '',
  trustProxy: [],
  checkHost: false, // a browser cannot reach a Unix socket
  api: true,
  plan: 'granted',
  jsonLimitBytes: limitBytes,
  configLimitBytes: limitBytes,
  server: {},
};

/** Fault `state` when another daemon serves the socket; a dead one's socket is replaced. */
export function serveControl(
  world: Pick<World, 'clock' | 'log' | 'http'>,
  house: House,
  socket: string,
): Promise<HttpServer> {
  const table = new MethodTable(world.clock);
  const face = new HttpFace({
    world,
    table,
    access: openAccess(true),
    house: () => house,
    settings: () => settings,
  });
  return world.http.listen({
    at: { socket },
    connections: 100,
    handle: request => {
      table.set(house.objects());
      return face.handle(request);
    },
  });
}
