import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fuzzRounds, fuzzSeed, mutate } from '#fake/fuzz';
import { aacTrack } from '#media/aac';
import { parseStreamMuxConfig } from '#media/latm';
import { LatmDepacketizer, type LatmPacking } from '#rtp/latm/depacketizer';
import { hex, text, transcript } from '../transcript.ts';

describe('StreamMuxConfig', () => {
  const cases: [name: string, bytes: string, told: string | undefined][] = [
    ['AAC-LC, 48 kHz, mono', '4000231 03fc0', '1 frame, 1188: mp4a.40.2 48000 1'],
    ['two frames in an element', '4100231 03fc0', '2 frame, 1188: mp4a.40.2 48000 1'],
    [
      "GStreamer's, cut off, with the extension that says no SBR",
      '40002310adca00',
      '1 frame, 118856e500: mp4a.40.2 48000 1',
    ],
    ['two programs', '40102310 3fc0', undefined],
    ['nothing', '', undefined],
  ];
  for (const [name, bytes, told] of cases)
    test(name, () => {
      const mux = parseStreamMuxConfig(hex(bytes));
      const track = mux && aacTrack(mux.config);
      const got =
        mux &&
        `${mux.frames} frame, ${text(mux.config).replace(/(?<=^1188)0+$/, '')}: ${track?.codecText} ${track?.sampleRate} ${track?.channels}`;
      assert.equal(got, told);
    });
});

const mux = parseStreamMuxConfig(hex('400023103fc0'))!;
const two = { ...mux, frames: 2 };
const packing = (m: typeof mux | undefined, inBand = false): LatmPacking => ({ inBand, mux: m, clockRate: 48000 });
/** 1: a bit 0, then the configuration; the frame is not on a byte border any more. */
const inBand = (frame: string): string => shifted(`0${bits('400023103fc0').slice(0, mux.bits)}`, frame);
const stays = (frame: string): string => shifted('1', frame);
const bits = (h: string): string => [...hex(h)].map(b => b.toString(2).padStart(8, '0')).join('');
const shifted = (front: string, frame: string): string => {
  const all = front + bits(frame);
  return text(
    Uint8Array.from(all.padEnd(Math.ceil(all.length / 8) * 8, '0').match(/.{8}/g) ?? [], b => Number.parseInt(b, 2)),
  );
};

const cases: [name: string, packing: LatmPacking, into: string[], out: string[]][] = [
  ['one frame', packing(mux), ['1 03 aabbcc M'], ['K1 aabbcc']],
  ['a frame longer than 254 bytes', packing(mux), [`1 ff 01 ${'aa'.repeat(256)} M`], [`K1 ${'aa'.repeat(256)}`]],
  ['two frames, a unit apart', packing(two), ['1 02 aabb 01 cc M'], ['K1 aabb', 'K1025 cc']],
  ['over two packets', packing(mux), ['1 03 aa', '1 bbcc M'], ['K1 aabbcc']],
  [
    'loss inside',
    packing(mux),
    ['1 03 aa', '-', '2 01 dd M'],
    ['! an element in fragments did not end', 'K2 dd lost 1'],
  ],
  ['a frame that does not fit', packing(mux), ['1 09 aa M'], ['! a frame that does not fit']],
  ['an empty payload', packing(mux), ['1 M'], ['! a packet without payload']],
  [
    'the configuration in band, once, then as before',
    packing(undefined, true),
    [`1 ${inBand('03aabbcc')} M`, `2 ${stays('02ddee')} M`, `3 ${inBand('01ff')} M`],
    ['format aac 48000 1 mp4a.40.2', 'K1 aabbcc', 'K2 ddee', 'K3 ff'],
  ],
  [
    'before any configuration',
    packing(undefined, true),
    [`1 ${stays('02ddee')} M`],
    ['! frames before any configuration'],
  ],
  [
    'a configuration in band that is none',
    packing(undefined, true),
    ['1 7fffffff M'],
    ['! a configuration that makes no sense'],
  ],
];

describe('LatmDepacketizer', () => {
  for (const [name, p, into, out] of cases)
    test(name, () =>
      assert.deepEqual(
        transcript(t => new LatmDepacketizer(t, p), into),
        out,
      ),
    );

  test('any payloads: no throw, bounded', () => {
    const random = fuzzSeed('latm depacketizer');
    const valid = ['03aabbcc', '02aabb01cc', inBand('03aabbcc'), stays('02ddee')].map(hex);
    for (let round = 0; round < fuzzRounds(300); round++) {
      let into = 0;
      let out = 0;
      const p = [packing(mux), packing(two), packing(undefined, true)][random.below(3)]!;
      const taker = {
        unit: (_t: number, _k: boolean, d: Uint8Array) => void (out += d.length),
        parameterSets: () => {},
        format: () => {},
        fault: () => {},
      };
      const d = new LatmDepacketizer(taker, p);
      for (let i = 0; i < 30; i++) {
        const bytes = mutate(random, valid[random.below(valid.length)]!);
        into += bytes.length;
        d.push(bytes, 0, bytes.length, random.below(2) === 0, random.below(4), random.below(9) === 0 ? 1 : 0);
      }
      assert.ok(out <= into);
    }
  });
});
