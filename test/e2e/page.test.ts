/**
 * The page in a browser, as its operator uses it: the shipped demonstration, the real daemon,
 * Chromium, and ffprobe as the judge of what was downloaded. One session, in the order in which
 * footage comes to be.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { type Daemon, type Document, startDaemon, until } from '#fake/daemon';
import { needPeer, pathOf, probe } from '#fake/peers';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** The page plays what is 20 s old: a clip and a moment need some more. */
const footageMs = 40_000;

/** The demonstration with its recordings in `folder`, and without its webserver: the test brings one on a free port. */
function demonstration(folder: string): Document {
  const demo = JSON.parse(readFileSync(join(root, 'etc/demo.json'), 'utf8')) as Document;
  const objects = demo.objects
    .filter(o => o['type'] !== 'webserver')
    .map(o => (o['type'] === 'storage' ? { ...o, folder: join(folder, 'archive') } : o));
  const links = (demo.links ?? []).filter(l => !JSON.stringify(l).includes('"web"'));
  return { objects, links };
}

interface Playing {
  readonly at: number;
  readonly width: number;
  readonly paused: boolean;
}

// What runs in the page takes its globals as `any`, because the tree is not compiled for browsers.
const playing = (page: Page): Promise<Playing> =>
  page.evaluate(() => {
    const v = (globalThis as any).document.querySelector('video');
    return { at: v.currentTime, width: v.videoWidth, paused: v.paused };
  });

/** Waits for a picture that goes on for a second. Its time may jump meanwhile: the picture before may still be there, in another time. */
async function moves(page: Page, what: string): Promise<void> {
  let last: Playing | undefined;
  let moved = 0;
  await until(`${what}, moving`, async () => {
    const now = await playing(page);
    const step = last === undefined ? 0 : now.at - last.at;
    moved = step < 0 || step > 3 ? 0 : moved + step;
    last = now;
    return now.width > 0 && !now.paused && moved > 1;
  });
}

/** Pixels of the timeline that are blue as recordings are. */
const recordedPixels = (page: Page): Promise<number> =>
  page.evaluate(() => {
    const canvas = (globalThis as any).document.querySelector('canvas');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let i = 0; i < data.length; i += 4)
      if (data[i] === 0x3d && data[i + 1] === 0x7f && data[i + 2] === 0xc4) count++;
    return count;
  });

const stamp = async (page: Page): Promise<number> =>
  Date.parse((await page.locator('.stamp').innerText()).replace(' UTC', 'Z').replace(' ', 'T'));

describe('the page', { skip: needPeer('chromium', 'ffprobe'), timeout: 170_000 }, () => {
  let daemon: Daemon;
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];
  const foreign: string[] = [];
  const cleanUp: (() => void | Promise<void>)[] = [];

  before(async () => {
    const built = spawnSync(process.execPath, ['tools/build-web.ts', '--if-missing'], { cwd: root });
    assert.equal(built.status, 0, String(built.stderr));
    daemon = await startDaemon({ after: f => void cleanUp.push(f) }, demonstration);
    browser = await chromium.launch({
      executablePath: pathOf('chromium') ?? '',
      args: ['--no-sandbox', '--disable-gpu', '--autoplay-policy=no-user-gesture-required'],
    });
    // UTC, so that what the page says can be read back.
    page = await browser.newPage({ viewport: { width: 1280, height: 800 }, timezoneId: 'UTC' });
    page.on('pageerror', e => complaints.push(String(e)));
    page.on('console', m => {
      if (/Content Security Policy|Refused to/i.test(m.text())) complaints.push(m.text());
    });
    page.on('request', r => {
      if (!r.url().startsWith(daemon.url) && !r.url().startsWith('blob:')) foreign.push(r.url());
    });
    await page.goto(`${daemon.url}/`);
  });

  after(async () => {
    await browser?.close();
    for (const f of cleanUp.reverse()) await f();
  });

  test('without a link it shows the first live source, at once and moving', async () => {
    await moves(page, 'a live picture');
    assert.match(page.url(), /#live\/yard$/);
    assert.match(await page.locator('.behind').innerText(), /^\d+(\.\d)? s behind live$/);
  });

  test('the list tells what each source is, and which is recorded', async () => {
    const yard = page.getByRole('link', { name: /^Yard/ });
    await until('recording is shown', async () => /REC/.test(await yard.innerText()));
    assert.match(await yard.innerText(), /\d+×\d+ · H\.264 · \d+/);
    assert.equal(await yard.getAttribute('aria-current'), 'page');
    assert.match(await page.getByRole('link', { name: /^Gate/ }).innerText(), /on demand/);
  });

  test('a source on demand begins to play when it is chosen, and Back returns', async () => {
    await page.getByRole('link', { name: /^Gate/ }).click();
    await until('its title', async () => (await page.locator('h1').innerText()) === 'Gate');
    await moves(page, 'the picture of the gate');
    await page.goBack();
    await until('the title again', async () => (await page.locator('h1').innerText()) === 'Yard');
    await moves(page, 'the picture of the yard again');
  });

  test('the timeline shows what is recorded', async () => {
    await page.getByRole('button', { name: 'Ten minutes' }).click();
    await until('recorded pixels', async () => (await recordedPixels(page)) > 200);
  });

  test('a click on the timeline plays that moment, and the address leads to it', async () => {
    await until(
      'enough footage',
      async () => {
        const { timeline } = await daemon.get<{ timeline: [string, string][] }>('/v1/svc/archive/yard');
        return timeline.some(([b, e]) => Date.parse(e) - Date.parse(b) > footageMs);
      },
      60_000,
    );
    const canvas = page.getByRole('slider', { name: 'Timeline' });
    const box = await canvas.boundingBox();
    assert.ok(box);
    const [from, to] = [await canvas.getAttribute('aria-valuemin'), await canvas.getAttribute('aria-valuemax')].map(
      Number,
    );
    assert.ok(from && to && to - from === 600);
    const wantedMs = Date.now() - 35_000;
    const x = ((wantedMs / 1000 - from) / (to - from)) * box.width;
    await canvas.click({ position: { x, y: 60 } });
    await until('the address of the moment', async () => page.url().includes('#archive/'));
    await moves(page, 'a picture of the archive');
    // A pixel is about 0.6 s, the window moves once a second, and it has been playing since.
    const off = (await stamp(page)) - wantedMs;
    assert.ok(off > -3000 && off < 10_000, `wanted ${new Date(wantedMs).toISOString()}, off by ${off} ms`);
    assert.match(page.url(), /#archive\/archive\/yard\/20\d\d-.*Z$/);

    const link = await browser.newPage({ timezoneId: 'UTC' });
    await link.goto(page.url());
    await moves(link, 'what the link leads to');
    assert.ok(Math.abs((await stamp(link)) - wantedMs) < 20_000);
    await link.close();
  });

  test('keys jump, pause holds the moment', async () => {
    const canvas = page.getByRole('slider', { name: 'Timeline' });
    await canvas.press('Home');
    const [first = ''] = (await daemon.get<{ time_boundaries: string[] }>('/v1/svc/archive/yard')).time_boundaries;
    await until('the beginning', async () => Math.abs((await stamp(page)) - Date.parse(first)) < 5000);
    await moves(page, 'the beginning');
    await page.getByRole('button', { name: 'Pause' }).click();
    const { at, paused } = await playing(page);
    assert.equal(paused, true);
    await page.getByRole('button', { name: 'Play', exact: true }).click();
    await until('it goes on', async () => (await playing(page)).at > at);
  });

  test('a range that is dragged with Shift is downloaded as an MP4 of that length, under a name that says what it is', async () => {
    const canvas = page.getByRole('slider', { name: 'Timeline' });
    const box = await canvas.boundingBox();
    assert.ok(box);
    const beginMs = Date.parse(
      (await daemon.get<{ time_boundaries: string[] }>('/v1/svc/archive/yard')).time_boundaries[0] ?? '',
    );
    const [from = 0, to = 0] = [
      await canvas.getAttribute('aria-valuemin'),
      await canvas.getAttribute('aria-valuemax'),
    ].map(Number);
    const xOf = (ms: number): number => box.x + ((ms / 1000 - from) / (to - from)) * box.width;
    await page.keyboard.down('Shift');
    await page.mouse.move(xOf(beginMs + 5000), box.y + 60);
    await page.mouse.down();
    await page.mouse.move(xOf(beginMs + 15_000), box.y + 60, { steps: 5 });
    await page.mouse.up();
    await page.keyboard.up('Shift');
    const link = page.getByRole('link', { name: /^Download \d+ kB|^Download [\d.]+ MB/ });
    const coming = page.waitForEvent('download');
    await link.click();
    const download = await coming;
    assert.match(download.suggestedFilename(), /^yard_20\d{6}T\d{6}.*_20\d{6}T\d{6}.*\.mp4$/);
    const { format, streams } = probe(new Uint8Array(readFileSync(await download.path())), [
      '-show_format',
      '-show_streams',
    ]);
    assert.ok(Math.abs(Number(format.duration) - 10) < 1.5, `about ten seconds, got ${format.duration}`);
    assert.deepEqual(streams.map((s: { codec_name: string }) => s.codec_name).sort(), ['aac', 'h264']);
  });

  test('the button goes back to live', async () => {
    await page.getByRole('button', { name: 'Live', exact: true }).click();
    await moves(page, 'live again');
    assert.match(page.url(), /#live\/yard$/);
  });

  test('on a phone nothing is wider than the screen, and the picture comes first', async () => {
    const layout = (): Promise<[width: number, picture: number, list: number]> =>
      page.evaluate(() => {
        const { document } = globalThis as any;
        const top = (selector: string): number => document.querySelector(selector).getBoundingClientRect().top;
        return [document.documentElement.scrollWidth, top('video'), top('nav')];
      });
    await page.setViewportSize({ width: 390, height: 844 });
    await moves(page, 'a picture on the phone');
    const [width, picture, list] = await layout();
    assert.equal(width, 390);
    assert.ok(picture < list);
    await page.getByRole('button', { name: 'Back into the archive' }).click();
    await moves(page, 'the archive on the phone');
    assert.equal((await layout())[0], 390);
  });

  test('nothing was loaded from elsewhere, nothing was refused, nothing broke', () => {
    assert.deepEqual({ foreign, complaints }, { foreign: [], complaints: [] });
  });

  test('a server that is gone is told in words', async () => {
    await daemon.stop();
    const banner = page.locator('.banner');
    await until('the words', async () => (await banner.count()) > 0 && /no connection/.test(await banner.innerText()));
  });
});
