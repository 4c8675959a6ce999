/**
 * Recordings of a device fill what a network has lost (docs/spec/config.md 8.3, 18.9): the real daemon, a device that
 * goes on recording while nobody reaches it, and pictures that tell their numbers.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Daemon, startDaemon, until } from '#fake/daemon';
import { needPeer } from '#fake/peers';
import { marksIn } from '../../tools/fake-camera/mark.ts';
import { type FakeOnvifOptions, startFakeOnvif } from '../../tools/fake-onvif/fake-onvif.ts';
import { decodedPictures, pictureWallTimes, unevenSteps } from './judge.ts';

type T = { after(f: () => void | Promise<void>): void };

interface Gap {
  readonly begin: string;
  readonly end: string;
  readonly reason: string;
  readonly filled?: string;
}

/** A device that has recorded for a minute, until `lastMs`, its clock ahead by `clockS`, and a daemon that records it. */
async function bench(t: T, options: FakeOnvifOptions['camera'] = {}, lastMs = () => Date.now(), clockS = 0) {
  const beganMs = Date.now() - 60_000 + clockS * 1000;
  const recording = {
    token: 'rec0',
    source: 'vs0',
    name: 'yard',
    get spans() {
      return [[beganMs, Math.max(beganMs + 1, lastMs() + clockS * 1000)] as const];
    },
  };
  const login = { user: 'admin', password: 'sesame' };
  const device = await startFakeOnvif({
    login,
    recordings: [recording],
    camera: { steady: true, ntpOffsetSeconds: clockS, ...options },
    faults: clockS === 0 ? [] : [`type=clock,v=${clockS}`],
  });
  t.after(() => device.stop());
  const daemon = await startDaemon(t, folder => ({
    objects: [
      {
        type: 'onvif',
        name: 'cam',
        url: device.url,
        auth: ['admin', 'sesame'],
        transport: ['tcp'],
        enable: ['video', 'audio'],
        archive: 'backfill',
      },
      { type: 'storage', name: 'stor', folder: join(folder, 'archive'), file_seconds: 4 },
    ],
    links: [['cam', 'stor']],
  }));
  const timeline = async (): Promise<string[][]> =>
    (await daemon.get<{ timeline: string[][] }>('/v1/svc/stor/cam')).timeline;
  const gaps = (): Promise<Gap[]> => daemon.get<Gap[]>('/v1/svc/stor/cam/gaps');
  /** So much more, from now on. */
  const recorded = async (seconds: number): Promise<void> => {
    let since: number | undefined;
    await until(`${seconds} s are recorded`, async () => {
      const last = Date.parse((await timeline().catch(() => [])).at(-1)?.[1] ?? '');
      if (!Number.isNaN(last)) since ??= last;
      return last - (since ?? last) > seconds * 1000;
    });
  };
  /** Nobody reaches the device for so long. */
  const cut = async (seconds: number): Promise<void> => {
    await device.stop();
    await sleep(seconds * 1000);
    await device.start();
    await until('it records again', async () => (await timeline()).length > 1, 30_000);
  };
  return { device, daemon, timeline, gaps, recorded, cut };
}

const filesOf = ({ folder }: Daemon): string[] =>
  (readdirSync(join(folder, 'archive', 'cam'), { recursive: true }) as string[])
    .filter(f => f.endsWith('.mp4'))
    .sort()
    .map(f => join(folder, 'archive', 'cam', f));
/** Numbers of the pictures on disk, file by file. */
const numbersOf = (daemon: Daemon): number[] => filesOf(daemon).flatMap(f => marksIn(readFileSync(f)).map(m => m.unit));
/** Where a number is not one more than the one before. */
const seams = (numbers: readonly number[]): string[] =>
  numbers.flatMap((n, i) => (i > 0 && n !== numbers[i - 1]! + 1 ? [`${numbers[i - 1]} ${n}`] : []));

describe('a gap that the device has recorded', { skip: needPeer('ffmpeg', 'ffprobe'), concurrency: true }, () => {
  test('is filled after the network is back: one timeline, every picture once, every file in order', {
    timeout: 90_000,
  }, async t => {
    const b = await bench(t);
    await b.recorded(5);
    await b.cut(5);
    assert.deepEqual(
      (await b.gaps()).filter(g => g.filled !== undefined),
      [],
    );
    await until('the gap is filled', async () => (await b.timeline()).length === 1, 40_000);
    const gaps = await b.gaps();
    assert.ok(gaps.length > 0 && gaps.every(g => Date.parse(g.filled ?? '') > Date.parse(g.end)), JSON.stringify(gaps));
    await b.recorded(2);
    // From before the gap to behind it, in one piece.
    const [begin, end] = [Date.parse(gaps[0]!.begin) - 2000, Date.parse(gaps.at(-1)!.end) + 2000];
    const range = `begin=${new Date(begin).toISOString()}&end=${new Date(end).toISOString()}`;
    const exported = join(b.daemon.folder, 'exported.mp4');
    writeFileSync(exported, await b.daemon.bytes(`/v1/svc/stor/cam/export?format=isom&${range}`));
    assert.equal(await b.daemon.stop(), 0);

    assert.deepEqual(seams(numbersOf(b.daemon)), []);
    for (const file of filesOf(b.daemon)) assert.ok(decodedPictures(file) > 0);
    // Those before its begin are needed to decode the first, and not shown.
    assert.deepEqual(seams(marksIn(readFileSync(exported)).map(m => m.unit)), []);
    const shown = decodedPictures(exported);
    assert.ok(Math.abs(shown - (end - begin) / 40) <= 2, `${shown} pictures in ${end - begin} ms`);
    // At the seam the clocks of two connections meet, which on a busy machine differ by a picture.
    const steps = unevenSteps(await pictureWallTimes(filesOf(b.daemon)), 40, 45);
    assert.deepEqual(steps, [], 'every picture at its time');
    assert.match(b.daemon.log, /gap-filled/);
    assert.ok(!b.daemon.log.includes('sesame'));
    // And the next start finds everything as it was.
    await b.daemon.start();
    await b.recorded(1);
    assert.equal((await b.gaps()).filter(g => g.filled !== undefined && g.reason !== 'restart').length, gaps.length);
  });

  test('is left as it is where the device has nothing', { timeout: 90_000 }, async t => {
    let stoppedMs = 0;
    const b = await bench(t, {}, () => stoppedMs || Date.now());
    await b.recorded(4);
    stoppedMs = Date.now();
    await b.cut(3);
    await until('it is told', async () => b.daemon.log.includes('gap-not-in-device'), 30_000);
    await b.recorded(2);
    assert.equal((await b.timeline()).length, 2);
    assert.ok((await b.gaps()).every(g => g.filled === undefined));
    assert.equal(b.device.called.filter(op => op === 'GetReplayUri').length, 0);
  });

  test('is filled to its end although the device dies in the middle of it, and has another hour', {
    timeout: 90_000,
  }, async t => {
    const b = await bench(t, { replaySpeed: 2 }, undefined, 3600);
    await b.recorded(4);
    await b.cut(6);
    const plays = b.device.camera?.counts.plays ?? 0;
    await until('a replay', async () => (b.device.camera?.counts.plays ?? 0) > plays, 30_000);
    await sleep(2000);
    b.device.camera?.drop('rec0', 'rst');
    await until('it is told', async () => b.daemon.log.includes('backfill-failed'), 30_000);
    await until('the gap is filled', async () => (await b.timeline()).length === 1, 40_000);
    assert.match(b.daemon.log, /"code":"connection-lost"[^\n]*"event":"backfill-failed"/);
    assert.equal(await b.daemon.stop(), 0);
    assert.deepEqual(seams(numbersOf(b.daemon)), []);
    for (const file of filesOf(b.daemon)) assert.ok(decodedPictures(file) > 0);
  });

  test('is filled although the daemon is killed in the middle of it', { timeout: 90_000 }, async t => {
    const b = await bench(t, { replaySpeed: 2 });
    await b.recorded(4);
    await b.cut(6);
    const plays = b.device.camera?.counts.plays ?? 0;
    await until('a replay', async () => (b.device.camera?.counts.plays ?? 0) > plays, 30_000);
    const before = filesOf(b.daemon);
    await sleep(2500);
    await b.daemon.stop('SIGKILL');
    const newest = before.at(-1) ?? '';
    // Names are times: what is older than the footage after the gap and was not there before was being fetched.
    const fetched = filesOf(b.daemon).filter(f => !before.includes(f) && f < newest);
    assert.ok(fetched.length > 0, 'it was killed while it wrote');
    assert.doesNotMatch(b.daemon.log, /gap-filled/);
    await b.daemon.start();
    await b.recorded(1);
    await until('the gaps are filled', async () => (await b.timeline()).length === 1, 40_000);
    assert.deepEqual(new Set((await b.gaps()).map(g => g.filled !== undefined)), new Set([true]));
    assert.equal(await b.daemon.stop(), 0);
    // Without sender reports the device tells its clock in whole seconds. Where no two key frames lie close enough to
    // tell the rest, as may be after a restart, as much as that second may be there twice, or missing.
    for (const seam of seams(numbersOf(b.daemon))) {
      const [before = 0, behind = 0] = seam.split(' ').map(Number);
      assert.ok(Math.abs(behind - before - 1) <= 25, seam);
    }
    for (const file of filesOf(b.daemon)) assert.ok(decodedPictures(file) > 0);
  });
});
