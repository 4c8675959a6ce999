/**
 * A cage of faulty cameras beside three healthy ones, all recorded by one real daemon: first
 * all are well, then the faults begin, then they are over. What must hold is in `judge.ts`.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Daemon, startDaemon, temporaryFolder } from '#fake/daemon';
import { makeMedia } from '#fake/peers';
import { pssBytesOf } from '../bench/process-tree.ts';
import { type FakeCamera, startFakeCamera } from '../fake-camera/fake-camera.ts';
import type { Exhibit } from './exhibits.ts';
import { type Account, accountOf, lostPictures } from './judge.ts';

export interface Life {
  readonly warmSeconds: number;
  readonly faultSeconds: number;
  /** Time for memory to come to rest, once everybody is well. */
  readonly restSeconds: number;
  readonly seed: number;
}

export interface Outcome {
  readonly name: string;
  /** From the end of the fault to media that is younger than it. */
  readonly recoveredSeconds: number | undefined;
  readonly allowedSeconds: number;
  readonly account: Account;
  readonly wrong: readonly string[];
}

export interface CageOutcome {
  readonly outcomes: readonly Outcome[];
  /** Pictures recorded of the healthy cameras, and how many of them do not follow the one before. */
  readonly healthy: readonly { readonly name: string; readonly pictures: number; readonly lost: number }[];
  readonly megabytes: { readonly before: number; readonly most: number; readonly after: number };
  readonly files: { readonly before: number; readonly after: number };
  /** What is wrong with the daemon as a whole, or with the healthy. */
  readonly wrong: readonly string[];
  /** Of the daemon. */
  readonly log: string;
}

interface Cleanup {
  after(f: () => void | Promise<void>): void;
}

const login = { user: 'operator', password: 'not:a/secret@all', schemes: ['MD5'] } as const;
/** Until everybody is recorded, when all are well. */
const beginSeconds = 20;
/** A dialogue in mid-air, the first key frame, and a fragment until the index shows it. */
const slackSeconds = 16;
/** The longest that the runtime waits between attempts (core/backoff). */
const longestSeconds = 36;
/** More than the heap breathes. */
const growthMegabytes = 24;
/** Handles may differ by a file that is just being changed for the next. */
const handleSlack = 4;

export async function runCage(t: Cleanup, cage: readonly Exhibit[], life: Life): Promise<CageOutcome> {
  const healthy = await startFakeCamera({ cameras: ['well-tcp', 'well-udp', 'well-http'], seed: life.seed });
  t.after(() => healthy.stop());
  const folder = temporaryFolder(t as { after(f: () => void): void });
  const cameras = new Map<Exhibit, FakeCamera>();
  for (const [at, exhibit] of cage.entries()) {
    const camera = await startFakeCamera({
      cameras: [exhibit.name],
      seed: life.seed * 100 + at,
      ...mediaFor(exhibit, folder),
      ...(exhibit.login ? { login } : {}),
    });
    t.after(() => camera.stop());
    cameras.set(exhibit, camera);
  }
  const bare = (url: string): string => url.replace(/\/\/[^@/]*@/, '//');
  const objects = [
    ...healthy.names.map(name => ({
      ...{ type: 'rtsp', name, url: healthy.url(name), transport: [name.replace('well-', '')] },
    })),
    ...cage.map(e => ({
      ...{ type: 'rtsp', name: e.name, url: bare(cameras.get(e)?.url() ?? ''), transport: [e.transport] },
      ...(e.login ? { auth: [login.user, login.password] } : {}),
    })),
  ];
  const daemon = await startDaemon(t as { after(f: () => Promise<void>): void }, home => ({
    objects: [...objects, { type: 'storage', name: 'stor', folder: join(home, 'archive') }],
    links: [[objects.map(o => o.name), 'stor']],
  }));

  const begun = await within(beginSeconds, async () =>
    (
      await everybody(
        daemon,
        objects.map(o => o.name),
      )
    ).every(e => e > 0),
  );
  if (begun === undefined) throw new Error(`not everybody is recorded when all are well\n${daemon.log.slice(-3000)}`);
  await sleep(life.warmSeconds * 1000);
  const before = { megabytes: megabytesOf(daemon), files: handlesOf(daemon) };
  let most = before.megabytes;
  const watching = setInterval(() => {
    most = Math.max(most, megabytesOf(daemon));
  }, 500);
  t.after(() => clearInterval(watching));

  for (const [exhibit, camera] of cameras) {
    for (const fault of exhibit.faults) camera.fault(fault);
    if (exhibit.dialogue) camera.drop();
  }
  await sleep(life.faultSeconds * 1000);
  for (const camera of cameras.values()) camera.clearFaults();
  const clearedMs = Date.now();

  const recovered = new Map<string, number>();
  const longest = Math.max(...cage.map(e => allowedSeconds(e, life)));
  await within(longest, async () => {
    const ends = await everybody(
      daemon,
      cage.map(e => e.name),
    );
    // Younger by more than a fragment, so that it is no rest of what came before.
    for (const [at, exhibit] of cage.entries())
      if ((ends[at] ?? 0) > clearedMs + 1500 && !recovered.has(exhibit.name))
        recovered.set(exhibit.name, (Date.now() - clearedMs) / 1000);
    return recovered.size === cage.length;
  });
  await sleep(life.restSeconds * 1000);
  clearInterval(watching);
  const after = { megabytes: megabytesOf(daemon), files: handlesOf(daemon) };

  const accounts = new Map<string, Account>();
  for (const { name } of objects) accounts.set(name, await accountOf(daemon, name));
  const code = await daemon.stop();
  const log = daemon.log;

  const outcomes = cage.map((e): Outcome => {
    const account = accounts.get(e.name);
    if (account === undefined) throw new Error(`no account of ${e.name}`);
    const recoveredSeconds = recovered.get(e.name);
    const allowed = allowedSeconds(e, life);
    const wrong = [...account.wrong];
    if (recoveredSeconds === undefined || recoveredSeconds > allowed)
      wrong.push(`not recorded again within ${allowed.toFixed(0)} s`);
    if (e.harmless && account.gaps > 0) wrong.push(`gaps, where there is no reason for any: ${account.reasons}`);
    return { name: e.name, recoveredSeconds, allowedSeconds: allowed, account, wrong };
  });
  const wrong: string[] = [];
  const well = healthy.names.map(name => {
    const files = (readdirSync(join(daemon.folder, 'archive', name), { recursive: true }) as string[])
      .filter(f => f.endsWith('.mp4'))
      .map(f => join(daemon.folder, 'archive', name, f));
    const { pictures, lost } = lostPictures(files);
    const account = accounts.get(name);
    const seconds = (account?.seconds ?? 0) - 2;
    if (lost > 0) wrong.push(`${name}: ${lost} pictures do not follow the one before`);
    if (pictures < seconds * 25) wrong.push(`${name}: ${pictures} pictures in ${seconds.toFixed(0)} s`);
    if (account !== undefined && account.gaps > 0) wrong.push(`${name}: gaps: ${account.reasons}`);
    wrong.push(...(account?.wrong ?? []).map(w => `${name}: ${w}`));
    return { name, pictures, lost };
  });
  if (after.megabytes - before.megabytes > growthMegabytes)
    wrong.push(`memory grew from ${before.megabytes.toFixed(0)} to ${after.megabytes.toFixed(0)} MB`);
  if (after.files - before.files > handleSlack) wrong.push(`open files grew from ${before.files} to ${after.files}`);
  if (code !== 0) wrong.push(`the daemon ended with ${code}`);
  const bug = log.split('\n').find(l => l.includes('"kind":"bug"') || l.includes('"level":"fatal"'));
  if (bug !== undefined) wrong.push(`a bug: ${bug.slice(0, 400)}`);
  if (log.includes(login.password)) wrong.push('a password is in the log');
  return {
    ...{ outcomes, healthy: well, wrong, log },
    megabytes: { before: before.megabytes, most, after: after.megabytes },
    files: { before: before.files, after: after.files },
  };
}

/** From the end of a fault: what is left of the back-off, which doubles while the fault lasts, and then an attempt. */
const allowedSeconds = (e: Exhibit, life: Life): number =>
  Math.max(e.patienceSeconds, Math.min(longestSeconds, 2.4 + 1.2 * life.faultSeconds)) + slackSeconds;

function mediaFor(exhibit: Exhibit, folder: string): { media?: readonly string[] } {
  if (exhibit.media === undefined) return {};
  if (typeof exhibit.media === 'string') return { media: [exhibit.media] };
  const path = join(folder, `${exhibit.name}.mp4`);
  writeFileSync(path, makeMedia('mp4', exhibit.media));
  return { media: [path] };
}

/** Wall clock of the youngest media of each; 0 where there is none. */
async function everybody(daemon: Daemon, names: readonly string[]): Promise<number[]> {
  return Promise.all(
    names.map(async name => {
      const got = await daemon
        .get<{ timeline: readonly (readonly [string, string])[] }>(`/v1/svc/stor/${name}`)
        .catch(() => undefined);
      return Date.parse(got?.timeline.at(-1)?.[1] ?? '') || 0;
    }),
  );
}

async function within(seconds: number, ask: () => Promise<boolean>): Promise<true | undefined> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    if (await ask()) return true;
    if (performance.now() > deadline) return undefined;
    await sleep(200);
  }
}

const megabytesOf = (daemon: Daemon): number => pssBytesOf([daemon.pid]) / 1e6;
const handlesOf = (daemon: Daemon): number => readdirSync(`/proc/${daemon.pid}/fd`).length;
