/** An httpstream in the world of this machine, and servers for it to pull from. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type FakeContext, fakeContext } from '#fake/context';
import { FakeLog } from '#fake/world';
import { createPaths } from '#host/paths';
import { createWorld } from '#host/world';
import type { AccessUnit } from '#media/access-unit';
import type { Gap } from '#media/gap';
import { HttpStream } from '#objects/httpstream/http-stream';
import httpstream from '#objects/httpstream/index';

const defaults = {
  kind: 'auto',
  headers: {},
  verify_certificate: false,
  dynamic: false,
  enable: ['video', 'audio'],
  stall_seconds: 10,
  linger_seconds: 10,
  time: 'server',
};

export interface Rig {
  readonly context: FakeContext;
  readonly units: AccessUnit[];
  /** `performance.now` of each unit. */
  readonly arrivedMs: number[];
  readonly gaps: Gap[];
  readonly log: FakeLog;
  /** Resolves when `ready` says so, asked at every unit and every 50 ms. */
  until(ready: () => boolean, limitMs?: number): Promise<void>;
  /** Nobody is attached any more. */
  detach(): void;
  close(): Promise<void>;
}

/** What a failed attempt threw. */
export interface FaultLike {
  readonly kind: string;
  readonly code: string;
}

/** Started, with somebody attached. */
export function pull(config: Readonly<Record<string, unknown>>): Rig {
  const log = new FakeLog();
  const world = createWorld({ log, threads: { connect: () => never() }, paths: createPaths('/'), mayBlock: false });
  const context = fakeContext(httpstream, 'http1', { ...defaults, ...config }, world);
  const object = new HttpStream(context as never);
  const units: AccessUnit[] = [];
  const arrivedMs: number[] = [];
  const gaps: Gap[] = [];
  const sink = {
    unit: (u: AccessUnit) => {
      units.push(u);
      arrivedMs.push(performance.now());
    },
    gap: (g: Gap) => void gaps.push(g),
  };
  const attached = object.provides.media.attach(sink, { who: 'test', from: 'next' });
  object.start();
  return {
    context,
    units,
    arrivedMs,
    gaps,
    log,
    until: async (ready, limitMs = 20_000) => {
      const began = performance.now();
      while (!ready()) {
        if (performance.now() - began > limitMs)
          throw new Error(
            `not in time: ${units.length} units, ${JSON.stringify(gaps)}, ${context.said.faults.map(String)}, ${JSON.stringify(log.lines)}`,
          );
        await new Promise(done => setTimeout(done, 20));
      }
    },
    detach: () => attached.close(),
    close: async () => {
      attached.close();
      await context.scope.close();
    },
  };
}

const never = (): never => {
  throw new Error('no thread is needed');
};

/** A server on loopback; `close` cuts everything. */
export async function serve(handle: RequestListener): Promise<{ url: string; server: Server; close(): Promise<void> }> {
  const server = createServer(handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export const ofKind = (units: readonly AccessUnit[], kind: string): AccessUnit[] =>
  units.filter(u => u.run.tracks[u.track]?.kind === kind);
