/**
 * MPEG-TS and the other forms out of the real daemon: hls.js in Chromium, ffmpeg and VLC play HLS of transport streams, live
 * and recorded; exports are judged by ffprobe, and their ranges compared with the whole.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { type Daemon, freePort, startDaemon, temporaryFolder, until } from '#fake/daemon';
import { fuzzRounds, fuzzSeed } from '#fake/fuzz';
import { hasPeer, needPeer, pathOf } from '#fake/peers';

const hlsJs = fileURLToPath(new URL('../../node_modules/hls.js/dist/hls.min.js', import.meta.url));

/** Plays what `?` says; what went wrong is in `problems`. */
const page = `<!doctype html><video muted autoplay width=320></video><script src="hls.min.js"></script><script>
  globalThis.problems = [];
  const hls = new Hls({ enableWorker: false });
  hls.on(Hls.Events.ERROR, (_, data) => problems.push(data.type + ' ' + data.details));
  hls.on(Hls.Events.FRAG_LOADED, (_, data) => { globalThis.last = data.frag.url; });
  hls.loadSource(location.search.slice(1));
  hls.attachMedia(document.querySelector('video'));
</script>`;

/** In the page: opens a file, and seeks in it. */
async function openClip(url: string) {
  const { document } = globalThis as any;
  const video = document.createElement('video');
  const event = (name: string): Promise<void> =>
    new Promise((done, fail) => {
      video.addEventListener(name, () => done(), { once: true });
      video.addEventListener('error', () => fail(new Error(video.error?.message)), { once: true });
    });
  const loaded = event('loadeddata');
  video.src = url;
  await loaded;
  const first = video.currentTime;
  const seeked = event('seeked');
  video.currentTime = 7;
  await seeked;
  return { duration: video.duration, first, at: video.currentTime, error: video.error };
}

/** What ffprobe says of one kind of stream, and nothing else. */
function probed(input: string, ...more: readonly string[]): { frames: { pts_time: string }[] } {
  const args = ['-v', 'warning', '-of', 'json', '-select_streams', 'v:0', '-show_entries', 'frame=pts_time', ...more];
  const done = spawnSync('ffprobe', [...args, input], { encoding: 'utf8', maxBuffer: 1 << 28, timeout: 60_000 });
  assert.equal(done.stderr.trim(), '', done.stderr);
  return JSON.parse(done.stdout) as { frames: { pts_time: string }[] };
}

describe('MPEG-TS', { skip: needPeer('ffmpeg', 'ffprobe'), timeout: 170_000 }, () => {
  let daemon: Daemon;
  let site = '';
  let scratch = '';
  const cleanUp: (() => void | Promise<void>)[] = [];

  before(async () => {
    const t = { after: (f: () => void | Promise<void>) => void cleanUp.push(f) };
    const port = await freePort();
    site = `http://127.0.0.1:${port}`;
    scratch = temporaryFolder(t);
    const staticpath = join(scratch, 'site');
    mkdirSync(staticpath);
    writeFileSync(join(staticpath, 'index.html'), page);
    copyFileSync(hlsJs, join(staticpath, 'hls.min.js'));
    daemon = await startDaemon(t, folder => ({
      objects: [
        { type: 'testsource', name: 'yard', text: 'YARD', audio: true },
        { type: 'storage', name: 'archive', folder: join(folder, 'archive'), file_seconds: 6 },
        { type: 'webserver', name: 'site', address: '127.0.0.1', port, staticpath, hls: { container: 'ts' } },
      ],
      links: [
        ['yard', 'archive'],
        ['site', ['yard', 'archive']],
      ],
    }));
  });
  after(async () => {
    for (const f of cleanUp.reverse()) await f();
  });

  /** First and last moment of what is recorded, once it is `seconds` long. */
  const footage = (seconds: number): Promise<[number, number]> =>
    until(
      'footage',
      async () => {
        const { timeline } = await daemon.get<{ timeline: [string, string][] }>('/v1/svc/archive/yard');
        const [b = 0, e = 0] = (timeline[0] ?? []).map(t => Date.parse(t));
        return e - b > seconds * 1000 && ([b, e] as [number, number]);
      },
      60_000,
    );
  const path = (what: string, begin: number, end: number, more = ''): string =>
    `/v1/svc/archive/yard/${what}?begin=${new Date(begin).toISOString()}&end=${new Date(end).toISOString()}${more}`;

  test('hls.js plays it live and from the archive without a single complaint; Chromium opens the files of an interval', {
    skip: needPeer('chromium'),
  }, async () => {
    const browser: Browser = await chromium.launch({
      executablePath: pathOf('chromium') ?? '',
      args: ['--no-sandbox', '--disable-gpu', '--autoplay-policy=no-user-gesture-required'],
    });
    try {
      const [begin] = await footage(14);
      const live = '/v1/svc/yard/stream.m3u8';
      for (const source of [live, path('stream.m3u8', begin, begin + 13_000)]) {
        const tab = await browser.newPage();
        await tab.goto(`${site}/?${source}`);
        const state = () =>
          tab.evaluate(() => {
            const { document, problems, last } = globalThis as any;
            const v = document.querySelector('video');
            return { at: v.currentTime, width: v.videoWidth, problems, last: String(last) };
          });
        await until('a picture', async () => (await state()).width > 0, 30_000);
        const from = (await state()).at;
        // Over a border of segments, and in the archive over one of files.
        await until('it plays on', async () => (await state()).at > from + (source === live ? 4 : 7), 30_000);
        const { problems, last } = await state();
        // That a busy machine plays haltingly is no complaint about what it plays.
        const complaints = problems.filter((p: string) => !/bufferStalled|bufferNudge/.test(p));
        assert.deepEqual(complaints, [], source);
        assert.match(last, /\.ts$/);
        await tab.close();
      }
      for (const format of ['isom', 'fmp4']) {
        const tab = await browser.newPage();
        await tab.goto(`${site}/?`);
        const clip = path('export', begin + 1500, begin + 11_500, `&format=${format}`);
        const opened = await tab.evaluate(openClip, clip);
        // Of a fragmented file ffmpeg, and so Chromium, counts what the edit list hides too, at both ends.
        const most = format === 'isom' ? 10.1 : 20;
        assert.ok(opened.duration > 9.9 && opened.duration < most, `${format}: ${opened.duration} s`);
        assert.deepEqual([opened.first, opened.at, opened.error], [0, 7, null], format);
        await tab.close();
      }
    } finally {
      await browser.close();
    }
  });

  test('ffmpeg decodes the live playlist and that of an interval without a complaint', async () => {
    const [begin] = await footage(14);
    const live = probed(`${site}/v1/svc/yard/stream.m3u8`, '-read_intervals', '%+4');
    assert.ok(live.frames.length > 50);
    // A busy machine makes the test picture skip some: what is recorded tells when.
    const times = (container: string): number[] => {
      const { frames } = probed(`${site}${path('stream.m3u8', begin, begin + 13_000, `&container=${container}`)}`);
      return frames.map(f => Number(f.pts_time) - Number(frames[0]?.pts_time));
    };
    const [ts, fmp4] = [times('ts'), times('fmp4')];
    assert.ok(ts.length > 200, `${ts.length}`);
    assert.equal(ts.length, fmp4.length);
    for (const [i, t] of ts.entries())
      assert.ok(Math.abs(t - (fmp4[i] ?? 0)) < 0.001, `picture ${i}: ${t}, ${fmp4[i]}`);
  });

  test('VLC plays it', { skip: hasPeer('cvlc') ? false : 'needs cvlc' }, () => {
    const folder = join(scratch, 'vlc');
    mkdirSync(folder);
    chmodSync(scratch, 0o755);
    chmodSync(folder, 0o777);
    const out = join(folder, 'out.ts');
    const words = ['-I', 'dummy', `${site}/v1/svc/yard/stream.m3u8`, '--run-time', '6', '--no-sout-all'];
    words.push('--sout', `#std{access=file,mux=ts,dst=${out}}`, 'vlc://quit');
    // It refuses to be root.
    const asNobody = process.getuid?.() === 0 ? ['runuser', '-u', 'nobody', '--'] : [];
    const [program = '', ...args] = [...asNobody, 'cvlc', ...words];
    spawnSync(program, args, { timeout: 40_000, env: { ...process.env, HOME: folder } });
    assert.ok(existsSync(out), 'VLC wrote what it read');
    const done = spawnSync(
      'ffprobe',
      [
        '-v',
        'error',
        '-count_packets',
        '-select_streams',
        'v:0',
        '-show_entries',
        'stream=nb_read_packets',
        '-of',
        'csv=p=0',
        out,
      ],
      { encoding: 'utf8' },
    );
    assert.ok(Number.parseInt(done.stdout, 10) > 60, `${done.stdout} pictures`);
  });

  test('every form: known length, ranges that are those of the whole, conditions, refusals', async () => {
    const [begin] = await footage(14);
    const random = fuzzSeed('ranges over HTTP');
    for (const [what, type, more] of [
      ['export', 'video/mp4', '&format=isom'],
      ['export', 'video/mp4', '&format=fmp4'],
      ['export', 'video/mp2t', '&format=ts'],
      ['stream', 'video/h264', '&media=video'],
      ['stream', 'audio/aac', '&media=audio'],
    ] as const) {
      const url = daemon.url + path(what, begin + 1500, begin + 12_480, more);
      const answer = await fetch(url);
      const whole = new Uint8Array(await answer.arrayBuffer());
      const tag = answer.headers.get('etag') ?? '';
      assert.deepEqual([answer.status, answer.headers.get('content-type')], [200, type], more);
      assert.equal(Number(answer.headers.get('content-length')), whole.length, more);
      assert.equal(answer.headers.get('accept-ranges'), 'bytes');
      assert.match(answer.headers.get('content-disposition') ?? '', /^attachment; filename="yard_.*"$/);
      for (let n = fuzzRounds(10); n > 0; n--) {
        const from = random.below(whole.length);
        const to = Math.min(whole.length - 1, from + random.below(60_000));
        const part = await fetch(url, { headers: { range: `bytes=${from}-${to}`, 'if-range': tag } });
        assert.equal(part.status, 206);
        assert.equal(part.headers.get('content-range'), `bytes ${from}-${to}/${whole.length}`);
        assert.deepEqual(
          Buffer.from(await part.arrayBuffer()),
          Buffer.from(whole.subarray(from, to + 1)),
          `${more} ${from}-${to}`,
        );
      }
      const status = async (u: string, headers: Record<string, string> = {}): Promise<number> => {
        const a = await fetch(u, { headers });
        await a.body?.cancel();
        return a.status;
      };
      assert.equal(await status(url, { range: 'bytes=0-9', 'if-range': '"another"' }), 200);
      assert.equal(await status(url, { range: `bytes=${whole.length}-` }), 416);
      assert.equal(await status(url, { 'if-none-match': tag }), 304);
      assert.equal(await status(daemon.url + path(what, begin - 9e6, begin - 8e6, more)), 404);
      assert.equal(await status(`${daemon.url}/v1/svc/archive/yard/${what}?begin=2026-01-01T00:00:00Z${more}`), 400);
      if (type === 'audio/aac') continue;
      const file = join(scratch, `whole.${type === 'video/mp2t' ? 'ts' : type === 'video/h264' ? 'h264' : 'mp4'}`);
      writeFileSync(file, whole);
      assert.ok(probed(file).frames.length >= 274, more);
    }
  });

  test('key frames are listed, and each is had as a file', async () => {
    const [begin] = await footage(14);
    const list = await daemon.get<{ time: string; size: number }[]>(path('keyframes', begin, begin + 10_000));
    assert.ok(list.length >= 4);
    const third = list[2];
    const answer = await fetch(`${daemon.url}/v1/svc/archive/yard/keyframe?timestamp=${third?.time}`);
    assert.equal(answer.headers.get('x-timestamp'), third?.time);
    const file = join(scratch, 'key.mp4');
    writeFileSync(file, new Uint8Array(await answer.arrayBuffer()));
    assert.equal(probed(file).frames.length, 1);
    const called = await fetch(`${daemon.url}/v1/svc/archive/VideoStorage/keyframe_base64`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(['yard', third?.time]),
    });
    const text = (await called.json()) as string;
    assert.equal(Buffer.from(text, 'base64').length > (third?.size ?? 0), true);
  });
});
