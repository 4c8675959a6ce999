/**
 * `GET /v1/svc` of 30 objects beside a bare fastify route that answers the same bytes (numbers.md
 * P20): microseconds of CPU of the server per request, measured in turns, median of five pairs.
 * The load comes from a process of its own: 16 connections, one request at a time on each.
 *
 *     npm run bench -- svc [--json FILE]
 */
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { parseArgs } from 'node:util';
import Fastify from 'fastify';
import { openAccess } from '#api/access';
import { HttpFace } from '#api/http/face';
import { MethodTable } from '#api/method-table';
import { fakeHouse } from '#fake/published';
import { toy } from '#fake/toy';
import { FakeLog } from '#fake/world';
import { clock } from '#host/clock';
import { createHttp } from '#host/http';
import { createPaths } from '#host/paths';
import { median, printTable } from './table.ts';

const seconds = 3;
const pairs = 5;
const connections = 16;

/** One connection's share; resolves with the number of answers. */
function client(port: number, untilMs: number): Promise<number> {
  const request = Buffer.from(`GET /v1/svc HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  return new Promise((done, fail) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    let got = '';
    let answers = 0;
    socket.on('error', fail).on('data', piece => {
      got += piece.toString('latin1');
      const body = got.indexOf('\r\n\r\n') + 4;
      if (body < 4) return;
      const length = Number(/content-length: (\d+)/i.exec(got)?.[1]);
      if (got.length < body + length) return;
      got = '';
      answers++;
      if (Date.now() < untilMs) socket.write(request);
      else {
        socket.destroy();
        done(answers);
      }
    });
  });
}

async function load(port: number): Promise<void> {
  const untilMs = Date.now() + seconds * 1000;
  const answers = await Promise.all(Array.from({ length: connections }, () => client(port, untilMs)));
  console.log(answers.reduce((a, b) => a + b, 0));
}

/** Microseconds of this process per answer, while the load runs. */
async function measured(port: number): Promise<number> {
  const before = process.cpuUsage();
  const child = spawn(process.execPath, [import.meta.filename, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', d => (out += d));
  await new Promise(done => child.once('close', done));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / Number(out);
}

async function main(): Promise<void> {
  const objects = Array.from({ length: 30 }, (_, i) => toy(`cam${i}`));
  const table = new MethodTable(clock);
  table.set(objects);
  const house = fakeHouse(objects);
  const settings = {
    ...{ cors: [], hosts: [], hostname: 'x', trustProxy: [], checkHost: true, api: true, plan: 'absent' as const },
    ...{ jsonLimitBytes: 1e6, configLimitBytes: 1e6, server: {} },
  };
  const world = { log: new FakeLog() };
  const face = new HttpFace({ world, table, access: openAccess(false), house: () => house, settings: () => settings });
  const ours = await createHttp(world.log, createPaths('/')).listen({
    at: { host: '127.0.0.1', port: 0 },
    connections: 0,
    handle: request => face.handle(request),
  });
  const bare = Fastify();
  const answer = objects.map(o => ['ToyBox', o.name]);
  bare.get('/v1/svc', async () => answer);
  const barePort = Number(new URL(await bare.listen({ port: 0, host: '127.0.0.1' })).port);

  await measured(ours.port); // warm
  await measured(barePort);
  const rows: { 'ours, us': number; 'bare fastify, us': number; ratio: number }[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    const a = await measured(ours.port);
    const b = await measured(barePort);
    rows.push({ 'ours, us': a, 'bare fastify, us': b, ratio: a / b });
  }
  const ratio = median(rows.map(r => r.ratio));
  printTable(`GET /v1/svc of 30 objects: median ratio ${ratio.toFixed(2)}, target <= 1.5`, rows, json);
  await Promise.all([ours.close(), bare.close()]);
}

const { values, positionals } = parseArgs({ options: { json: { type: 'string' } }, allowPositionals: true });
const json = values.json;
await (positionals[0] === undefined ? main() : load(Number(positionals[0])));
