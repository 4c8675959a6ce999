/** A browser plays what we write: fragments through Media Source Extensions, an export with a hidden lead-in as a file. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { type Browser, chromium, type Page } from 'playwright-core';
import { needPeer, pathOf } from '#fake/peers';
import { Fragmenter } from '#mp4/fragmenter';
import { writeInit } from '#mp4/init';
import { type IsomTrack, writeIsomHead } from '#mp4/isom';
import { beganMs, joined, unitsOf } from './clip.ts';

const clip = new Uint8Array(readFileSync(new URL('../fixture/media/clip.mp4', import.meta.url)));
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

describe('Chromium', { skip: needPeer('chromium') }, () => {
  let browser: Browser;
  let page: Page;
  before(async () => {
    browser = await chromium.launch({ executablePath: pathOf('chromium') ?? '', args: ['--no-sandbox'] });
    page = await browser.newPage();
    await page.goto('data:text/html,<video id=v muted></video>');
  });
  after(() => browser?.close());

  test('appends init segment and fragments, seeks and shows a picture', async () => {
    const { run, units } = await unitsOf(clip);
    const fragmenter = new Fragmenter(run, { maxSeconds: 1, cutAtKeyframes: true, prft: true, originDts: 'first' });
    const fragments = [...units.map(u => fragmenter.push(u)), fragmenter.flush()].filter(f => f !== undefined);
    const pieces = [writeInit(run.tracks), ...fragments.map(f => joined([f.header, ...f.chunks]))].map(base64);
    const type = `video/mp4; codecs="${run.tracks.map(t => t.codecText).join()}"`;
    const seen = await page.evaluate(playThroughMse, { pieces, type });
    assert.deepEqual(seen, { ranges: 1, begin: 0, end: 4, size: [320, 240], at: 2.5 });
  });

  test('opens an export at once and hides the lead-in', async () => {
    const { run, units } = await unitsOf(clip);
    const video = units.filter(u => u.track === 0);
    const [first] = run.tracks;
    assert.ok(first);
    const samples = {
      duration: new Uint32Array(video.length).fill(3600),
      compositionOffset: new Int32Array(video.length),
      size: Uint32Array.from(video, u => u.data.length),
      keyframe: Uint8Array.from(video, u => (u.keyframe ? 1 : 0)),
    };
    const track: IsomTrack = {
      descriptions: [first],
      samples: video.length,
      keyframes: video.filter(u => u.keyframe).length,
      chunks: 1,
      reordered: false,
      duration: 3600 * video.length,
      edits: [{ duration: 2800, mediaTime: 108_000 }],
      blocks: () => [{ count: video.length, description: 0, dataOffset: 0, samples }],
    };
    const data = video.map(u => u.data);
    const movie = { timescale: 1000, beginMs: beganMs, tracks: [track], dataBytes: joined(data).length };
    const head: Uint8Array[] = [];
    for await (const piece of writeIsomHead(movie)) head.push(piece);
    const seen = await page.evaluate(playFile, base64(joined([...head, ...data])));
    assert.deepEqual(seen, { duration: 2.8, size: [320, 240], at: 2 });
  });
});

// These two run in the page; `globalThis as any`, because the tree is not compiled for browsers.
async function playThroughMse({ pieces, type }: { pieces: string[]; type: string }) {
  const { document, MediaSource, URL: urls, atob: decode } = globalThis as any;
  const event = (target: any, name: string): Promise<void> =>
    new Promise((done, fail) => {
      target.addEventListener(name, () => done(), { once: true });
      target.addEventListener('error', () => fail(new Error(`error before ${name}`)), { once: true });
    });
  const video = document.getElementById('v');
  const source = new MediaSource();
  video.src = urls.createObjectURL(source);
  await event(source, 'sourceopen');
  const buffer = source.addSourceBuffer(type);
  for (const piece of pieces) {
    const appended = event(buffer, 'updateend');
    buffer.appendBuffer(Uint8Array.from(decode(piece), (c: string) => c.charCodeAt(0)));
    await appended;
  }
  const { buffered } = buffer;
  const seeked = event(video, 'seeked');
  video.currentTime = 2.5;
  await seeked;
  return {
    ranges: buffered.length,
    begin: Math.round(buffered.start(0) * 10) / 10,
    end: Math.round(buffered.end(0) * 10) / 10,
    size: [video.videoWidth, video.videoHeight],
    at: video.currentTime,
  };
}

async function playFile(file: string) {
  const { document, URL: urls, Blob: Bytes, atob: decode } = globalThis as any;
  const video = document.getElementById('v');
  const event = (name: string): Promise<void> =>
    new Promise((done, fail) => {
      video.addEventListener(name, () => done(), { once: true });
      video.addEventListener('error', () => fail(new Error(video.error?.message)), { once: true });
    });
  const loaded = event('loadeddata');
  const bytes = Uint8Array.from(decode(file), (c: string) => c.charCodeAt(0));
  video.src = urls.createObjectURL(new Bytes([bytes], { type: 'video/mp4' }));
  await loaded;
  const seeked = event('seeked');
  video.currentTime = 2;
  await seeked;
  return { duration: video.duration, size: [video.videoWidth, video.videoHeight], at: video.currentTime };
}
