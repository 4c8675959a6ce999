/** The world of one thread, made of this machine. */
import { hostname } from 'node:os';
import { Fault } from '#core/errors';
import type { Http, Log, Threads, World } from '#core/world';
import { clock } from '#host/clock';
import { openDatabase } from '#host/database';
import { createFiles } from '#host/files';
import { httpOpen, httpRequest } from '#host/http-door';
import { filesAt, type ResolvePath } from '#host/paths';
import { channel } from '#host/port';
import { random } from '#host/random';
import { createTcp } from '#host/tcp';
import { createUdp } from '#host/udp';

export interface WorldParts {
  readonly log: Log;
  readonly threads: Threads;
  readonly paths: ResolvePath;
  /** This thread may block: it gets databases. */
  readonly mayBlock: boolean;
  /** Servers live on the main thread; the others make requests, and do without loading what a server needs. */
  readonly http?: Http;
}

const noHttp = (): never => {
  throw new Fault('bug', 'internal', 'HTTP servers are for the main thread');
};

export function createWorld({ log, threads, paths, mayBlock, http }: WorldParts): World {
  return {
    clock,
    log,
    random,
    tcp: createTcp({ paths, log }),
    udp: createUdp(),
    files: filesAt(paths, createFiles()),
    threads,
    http: http ?? { listen: noHttp, file: noHttp, request: httpRequest, open: httpOpen },
    openDatabase: path => {
      if (!mayBlock) throw new Fault('bug', 'internal', 'a database was opened on a thread that must not block');
      return openDatabase(paths(path));
    },
    channel,
    hostname: hostname(),
  };
}
