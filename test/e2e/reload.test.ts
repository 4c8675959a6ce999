/** Cameras that come and go, reload and sudden death, seen from outside. Pictures are numbered, so a lost one shows. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Daemon, startDaemon, until } from '#fake/daemon';
import { needPeer } from '#fake/peers';
import { disorder, mp4Files, pictureNumbers } from '../../tools/bench/load.ts';
import { type FakeCamera, startFakeCamera } from '../../tools/fake-camera/fake-camera.ts';
import { decodedPictures } from './judge.ts';

interface Details {
  readonly timeline: readonly (readonly [string, string])[];
}
interface Gap {
  readonly begin: string;
  readonly end: string;
  readonly reason: string;
}

const site = (cameras: readonly (readonly [name: string, url: string])[], folder: string) => ({
  objects: [
    ...cameras.map(([name, url]) => ({ type: 'rtsp', name, url, transport: ['tcp'] })),
    { type: 'storage', name: 'stor', folder: join(folder, 'archive'), file_seconds: 10 },
  ],
  links: [[cameras.map(([name]) => name), 'stor']],
});

const recorded = (daemon: Daemon, cam: string): Promise<boolean> =>
  daemon
    .get<Details>(`/v1/svc/stor/${cam}`)
    .then(d => d.timeline.length > 0 && Date.parse(d.timeline.at(-1)![1]) > Date.now() - 3000);

/** Media sequence numbers that a viewer of live HLS sees, asking as players do. */
class Viewer {
  readonly seen: number[] = [];
  #on = true;
  readonly #done: Promise<void>;
  failures = 0;
  constructor(daemon: Daemon, source: string) {
    this.#done = (async () => {
      while (this.#on) {
        try {
          const text = await daemon.text(`/v1/svc/${source}/stream.m3u8`);
          const first = Number(/#EXT-X-MEDIA-SEQUENCE:(\d+)/.exec(text)?.[1]);
          const count = [...text.matchAll(/^#EXTINF/gm)].length;
          for (let n = first; n < first + count; n++) if (n > (this.seen.at(-1) ?? -1)) this.seen.push(n);
          if (text.includes('#EXT-X-DISCONTINUITY\n')) this.failures++;
        } catch {
          this.failures++;
        }
        await sleep(300);
      }
    })();
  }
  async end(): Promise<readonly number[]> {
    this.#on = false;
    await this.#done;
    return this.seen;
  }
}

async function twoCameras(t: { after(f: () => Promise<void>): void }): Promise<[FakeCamera, FakeCamera]> {
  const cameras = [await startFakeCamera({ cameras: ['a'] }), await startFakeCamera({ cameras: ['b'] })] as const;
  for (const c of cameras) t.after(() => c.stop());
  return [...cameras];
}

/** The daemon with both cameras, once both are recorded. */
async function recordingSite(t: {
  after(f: () => void | Promise<void>): void;
}): Promise<{ readonly a: FakeCamera; readonly daemon: Daemon }> {
  const [a, b] = await twoCameras(t);
  const daemon = await startDaemon(t, folder =>
    site(
      [
        ['a', a.url()],
        ['b', b.url()],
      ],
      folder,
    ),
  );
  await until('both record', async () => (await recorded(daemon, 'a')) && (await recorded(daemon, 'b')));
  return { a, daemon };
}

describe('a site with two cameras', () => {
  // Pieces less than a second apart are one in the timeline, and this camera's first pictures come in a burst.
  for (const outage of [2, 40])
    test(`a camera that is away for ${outage} s comes back; the other is undisturbed, and the gap is in the timeline`, {
      timeout: 170_000,
    }, async t => {
      const { a, daemon } = await recordingSite(t);
      await sleep(3000);
      const wentMs = Date.now();
      await a.stop();
      await sleep(outage * 1000);
      assert.match(daemon.log, /object-failed/);
      await a.start();
      const backMs = Date.now();
      await until(
        'records again',
        () =>
          recorded(daemon, 'a').then(
            async on => on && (await daemon.get<Details>('/v1/svc/stor/a')).timeline.length > 1,
          ),
        45_000,
      );
      const { timeline } = await daemon.get<Details>('/v1/svc/stor/a');
      // Back-off may sleep up to 30 s (+20 %) before the attempt that succeeds; then the first picture must come within 2 s.
      const firstMs = Date.parse(timeline.at(-1)![0]);
      const attempt = lastAttemptMs(daemon.log);
      t.diagnostic(`back after ${firstMs - backMs} ms, ${firstMs - attempt} ms after the attempt that succeeded`);
      assert.ok(firstMs - backMs < 38_000);
      assert.ok(firstMs - attempt < 2000, `${firstMs - attempt} ms after the attempt`);
      const gaps = await daemon.get<Gap[]>('/v1/svc/stor/a/gaps');
      assert.ok(
        gaps.some(
          g =>
            Math.abs(Date.parse(g.begin) - wentMs) < 2500 &&
            Math.abs(Date.parse(g.end) - firstMs) < 1000 &&
            /camera-unreachable|network-loss|no-media/.test(g.reason),
        ),
        JSON.stringify({ gaps, wentMs, firstMs }),
      );
      await sleep(1500);
      assert.equal(await daemon.stop(), 0);
      const numbers = pictureNumbers(mp4Files(join(daemon.folder, 'archive', 'b')), 0);
      assert.ok(numbers.length > 100);
      assert.equal(disorder(numbers), 0, 'the other camera lost no picture');
    });

  test('a reload that changes one URL leaves the other camera alone: viewer and recording go on without a break', {
    timeout: 120_000,
  }, async t => {
    const { daemon } = await recordingSite(t);
    const elsewhere = await startFakeCamera({ cameras: ['a2'] });
    t.after(() => elsewhere.stop());
    const viewer = new Viewer(daemon, 'b');
    await sleep(4000);
    const file = join(daemon.folder, 'site.json');
    const before = JSON.parse(readFileSync(file, 'utf8')) as { objects: { name: string; url?: string }[] };
    for (const o of before.objects) if (o.name === 'a') o.url = elsewhere.url();
    daemon.configure(before as never);
    daemon.signal('SIGHUP');
    await until('the reload is done', async () => daemon.log.includes('configuration-applied'));
    await sleep(8000);
    assert.ok(await recorded(daemon, 'a'), 'the changed camera records again');
    const seen = await viewer.end();
    assert.deepEqual([viewer.failures, disorder(seen)], [0, 0], `the viewer saw ${seen.join(' ')}`);
    assert.ok(seen.length >= 5);
    assert.equal(await daemon.stop(), 0);
    const numbers = pictureNumbers(mp4Files(join(daemon.folder, 'archive', 'b')), 0);
    assert.equal(disorder(numbers), 0, 'the other camera lost no picture');
    assert.deepEqual(/"op":"(\w+)","object":"(\w+)"/.exec(daemon.log)?.slice(1, 3), ['recreate', 'a']);
  });

  test('a reload with an error changes nothing and says why', { timeout: 60_000 }, async t => {
    const { daemon } = await recordingSite(t);
    daemon.configure({ objects: [{ type: 'rtps', name: 'a' }] });
    daemon.signal('SIGHUP');
    await until('it is refused', async () => daemon.log.includes('configuration-rejected'));
    assert.match(daemon.log, /site\.json:\d+:\d+: error: .*rtps/);
    await sleep(2500);
    assert.ok((await recorded(daemon, 'a')) && (await recorded(daemon, 'b')));
  });

  test('kill -9 while recording costs at most the last fragment, and the next start is quick', {
    skip: needPeer('ffmpeg', 'ffprobe'),
    timeout: 120_000,
  }, async t => {
    const { daemon } = await recordingSite(t);
    await sleep(13_000);
    const killedMs = Date.now();
    await daemon.stop('SIGKILL');
    const tookMs = await daemon.start();
    t.diagnostic(`ready ${Math.round(tookMs)} ms after the start of the process`);
    const anew = async (cam: string): Promise<boolean> =>
      Date.parse((await daemon.get<Details>(`/v1/svc/stor/${cam}`)).timeline.at(-1)?.[0] ?? '') > killedMs;
    await until('both record again', async () => (await anew('a')) && (await anew('b')));
    for (const cam of ['a', 'b']) {
      const { timeline } = await daemon.get<Details>(`/v1/svc/stor/${cam}`);
      const before = timeline.filter(([begin]) => Date.parse(begin) < killedMs).at(-1);
      const lostMs = killedMs - Date.parse(before![1]);
      t.diagnostic(`${cam}: ${lostMs} ms before the kill are lost`);
      // One fragment of at most a second, and what the camera and the clock were behind.
      assert.ok(lostMs < 2500, `${lostMs} ms lost`);
      const gaps = await daemon.get<Gap[]>(`/v1/svc/stor/${cam}/gaps`);
      assert.ok(
        gaps.some(g => g.reason === 'restart'),
        JSON.stringify(gaps),
      );
    }
    assert.equal(await daemon.stop(), 0);
    for (const cam of ['a', 'b']) {
      const folder = join(daemon.folder, 'archive', cam);
      const files = (readdirSync(folder, { recursive: true }) as string[]).filter(f => f.endsWith('.mp4')).sort();
      assert.ok(files.length >= 3);
      for (const f of files) assert.ok(decodedPictures(join(folder, f)) > 0, f);
    }
  });
});

/** Wall clock at which the last attempt to reach camera `a` began, from the log. */
function lastAttemptMs(log: string): number {
  const lines = log.split('\n').filter(l => l.includes('"event":"attempt"') && l.includes('"object":"a"'));
  return Date.parse(/"time":"([^"]+)"/.exec(lines.at(-1) ?? '')?.[1] ?? '');
}
