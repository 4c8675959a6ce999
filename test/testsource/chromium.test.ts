/** A browser plays the test source through Media Source Extensions, and the clock is read from the pixels it shows. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Browser, chromium, type Page } from 'playwright-core';
import { needPeer, pathOf } from '#fake/peers';
import type { AccessUnit } from '#media/access-unit';
import type { Run, Track } from '#media/track';
import { Fragmenter } from '#mp4/fragmenter';
import { writeInit } from '#mp4/init';
import { PictureMaker } from '#objects/testsource/picture-maker';
import { readStrip } from '#objects/testsource/strip';
import { samplesPerFrame, toneFrame, toneTrack } from '#objects/testsource/tone';

const begin = Date.UTC(2026, 5, 1, 10, 59, 57);
const seconds = 8;

/** Eight seconds, so that bands sent from memory are among them. */
function made(width: number, height: number): { run: Run; units: AccessUnit[] } {
  const wishes = { width, height, framerate: 25, gop: 25, bitrate: 500_000, text: 'Browser', camera: 0 };
  const maker = new PictureMaker(wishes);
  const level = (maker.parameterSets[0]?.[3] ?? 0).toString(16);
  const video: Track = {
    kind: 'video',
    codec: 'h264',
    timescale: 90_000,
    width,
    height,
    parameterSets: maker.parameterSets,
    codecText: `avc1.42c0${level.padStart(2, '0')}`,
    framerate: 25,
  };
  const run: Run = { id: 1, tracks: [video, toneTrack] };
  const units: AccessUnit[] = [];
  let sounds = 0;
  for (let n = 0; n < seconds * 25; n++) {
    const wallMs = begin + n * 40;
    units.push({ run, track: 0, pts: n * 3600, dts: n * 3600, wallMs, lost: 0, ...maker.next(wallMs, n) });
    for (; sounds * samplesPerFrame <= n * 1920; sounds++) {
      const pts = sounds * samplesPerFrame;
      const at = begin + pts / 48;
      units.push({ run, track: 1, pts, dts: pts, wallMs: at, keyframe: true, data: toneFrame(at), lost: 0 });
    }
  }
  assert.ok(maker.quantiser.settled);
  return { run, units };
}

describe('Chromium', { skip: needPeer('chromium') }, () => {
  let browser: Browser;
  let page: Page;
  before(async () => {
    browser = await chromium.launch({ executablePath: pathOf('chromium') ?? '', args: ['--no-sandbox'] });
    page = await browser.newPage();
  });
  after(() => browser?.close());

  const sizes: [number, number, number][] = [
    [640, 360, 16],
    [322, 182, 8],
  ];
  for (const [width, height, side] of sizes)
    test(`shows at ${width}x${height} at every moment the picture of that moment`, async () => {
      const { run, units } = made(width, height);
      const fragmenter = new Fragmenter(run, { maxSeconds: 1, cutAtKeyframes: true, prft: true, originDts: 'first' });
      const fragments = [...units.map(u => fragmenter.push(u)), fragmenter.flush()].filter(f => f !== undefined);
      const pieces = [writeInit(run.tracks), ...fragments.map(f => Buffer.concat([f.header, ...f.chunks]))];
      const times = [0.02, 0.5, 1.02, 2.94, 4.5, 6.3, 7.9];
      await page.goto('data:text/html,<video id=v muted></video><canvas id=c></canvas>');
      const seen = await page.evaluate(strips, {
        pieces: pieces.map(piece => Buffer.from(piece).toString('base64')),
        type: `video/mp4; codecs="${run.tracks.map(t => t.codecText).join()}"`,
        times,
        rows: side * 2,
      });
      assert.deepEqual(seen.size, [width, height]);
      const read = seen.strips.map(luma => readStrip(Uint8Array.from(luma), width, side));
      const want = times.map(at => ({ wallMs: begin + Math.floor(at * 25) * 40, number: Math.floor(at * 25) }));
      assert.deepEqual(read, want);
    });
});

// Runs in the page; `globalThis as any`, because the tree is not compiled for browsers.
async function strips(ask: { pieces: string[]; type: string; times: number[]; rows: number }) {
  const { document, MediaSource, URL: urls, atob: decode } = globalThis as any;
  const video = document.getElementById('v');
  const event = (target: any, name: string): Promise<void> =>
    new Promise((done, fail) => {
      target.addEventListener(name, () => done(), { once: true });
      video.addEventListener('error', () => fail(new Error(video.error?.message)), { once: true });
    });
  const source = new MediaSource();
  const opened = event(source, 'sourceopen');
  video.src = urls.createObjectURL(source);
  await opened;
  const buffer = source.addSourceBuffer(ask.type);
  for (const piece of ask.pieces) {
    const appended = event(buffer, 'updateend');
    buffer.appendBuffer(Uint8Array.from(decode(piece), (c: string) => c.charCodeAt(0)));
    await appended;
  }
  // Or it waits for more sound before it shows the last pictures.
  source.endOfStream();
  const canvas = document.getElementById('c');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  const drawing = canvas.getContext('2d', { willReadFrequently: true });
  const found: number[][] = [];
  for (const time of ask.times) {
    const seeked = event(video, 'seeked');
    video.currentTime = time;
    await seeked;
    drawing.drawImage(video, 0, 0);
    const { data } = drawing.getImageData(0, 0, canvas.width, ask.rows);
    found.push(Array.from({ length: data.length / 4 }, (_, i) => data[i * 4 + 1]));
  }
  return { size: [video.videoWidth, video.videoHeight], strips: found };
}
