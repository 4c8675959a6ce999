/** What comes out of files and configurations: MP4, parameter sets, JSON. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Fault } from '#core/errors';
import { interpolate } from '#core/interpolate';
import { parseJson } from '#core/json-text';
import type { SeededRandom } from '#fake/world';
import { aacTrack, parseAudioSpecificConfig } from '#media/aac';
import { av1Track, isAv1Keyframe, obus } from '#media/av1';
import { h264Track, parseSps } from '#media/h264';
import { framerateOfVps, h265Track, parseH265Sps } from '#media/h265';
import { vp8Size } from '#media/vp8';
import { parseAv1C, parseAvcC, parseEsds, parseHvcC, writeAvcC, writeEsds, writeHvcC } from '#mp4/decoder-config';
import { readMp4, unitData } from '#mp4/file';
import { writeInit } from '#mp4/init';
import { parseInit, scan } from '#mp4/scan';
import { bend, bytesOf, joined, pick } from './bend.ts';
import { check, type Group } from './group.ts';
import { clipTrack } from './media.ts';

const shipped = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(fileURLToPath(new URL(`../../test/fixture/media/${name}`, import.meta.url))));

const sets = (track: object): readonly Uint8Array[] =>
  'parameterSets' in track ? (track.parameterSets as readonly Uint8Array[]) : [];

export async function fileGroups(): Promise<Group[]> {
  const tracks = await Promise.all((['h264', 'h265', 'av1', 'aac', 'vp8'] as const).map(clipTrack));
  const [h264, h265, av1] = tracks.map(t => t.track);
  const all = [
    ...[h264, h265, av1].flatMap(t => sets(t ?? {})),
    ...tracks.flatMap(t => t.units.slice(0, 1).map(u => u.data)),
  ];
  const configs = [
    writeAvcC(sets(h264 ?? {})),
    writeHvcC(sets(h265 ?? {})),
    writeEsds(0x40, 'audio', Uint8Array.of(0x14, 8)),
  ];
  const boxes = configs.flatMap(c => (c ? [c] : []));
  const clip = shipped('clip.mp4');
  const own = writeInit(tracks.slice(0, 1).map(t => t.track));
  const site = bytesOf(readFileSync(fileURLToPath(new URL('../../etc/demo.json', import.meta.url)), 'utf8'));
  return [
    { name: 'parameter-sets', round: random => setsRound(random, all, boxes) },
    { name: 'mp4-foreign', round: random => mp4Round(random, clip) },
    {
      name: 'mp4-own',
      async round(random) {
        const bytes = joined(bend(random, own), bend(random, clip.subarray(0, 2000)));
        parseInit(bytes);
        const read = async (at: number, length: number): Promise<Uint8Array> => bytes.subarray(at, at + length);
        const { goodBytes } = await scan(read, bytes.length, () => {});
        check(goodBytes <= bytes.length, `${goodBytes} good bytes of ${bytes.length}`);
        return bytes.length;
      },
    },
    {
      name: 'json',
      round(random) {
        const bytes = bend(random, site);
        const read = parseJson(new TextDecoder().decode(bytes));
        if ('value' in read)
          interpolate(read.value, { env: () => undefined, variables: {}, file: () => undefined } as never);
        return bytes.length;
      },
    },
  ];
}

function setsRound(random: SeededRandom, all: readonly Uint8Array[], boxes: readonly Uint8Array[]): number {
  let into = 0;
  for (let n = 0; n < 50; n++) {
    const bytes = bend(random, pick(random, all));
    into += bytes.length;
    parseSps(bytes);
    parseH265Sps(bytes);
    framerateOfVps(bytes);
    h264Track(bytes, [bytes]);
    h265Track([bytes, pick(random, all)]);
    av1Track(bytes);
    isAv1Keyframe(bytes);
    check([...obus(bytes)].length <= bytes.length, 'more OBUs than bytes');
    vp8Size(bytes);
    parseAudioSpecificConfig(bytes);
    aacTrack(bytes);
    const box = bend(random, pick(random, boxes));
    into += box.length;
    parseAvcC(box);
    parseHvcC(box);
    parseAv1C(box);
    parseEsds(box);
  }
  return into;
}

/** Tables and the beginning of the media: most bends should hit what says where things are. */
async function mp4Round(random: SeededRandom, clip: Uint8Array): Promise<number> {
  const whole = bend(random, clip.subarray(0, 3131));
  const bytes = joined(whole, clip.subarray(3131, 12_000));
  try {
    const file = await readMp4(async (at, length) => bytes.subarray(at, at + length), bytes.length);
    for (const { samples, entries } of file.tracks)
      for (let i = 0; i < samples.count; i++) {
        const [at, size] = [samples.offset[i] ?? 0, samples.size[i] ?? 0];
        check(at + size <= bytes.length, `a sample of ${size} bytes at ${at} of ${bytes.length}`);
        const [entry] = entries;
        if (entry && i < 20) unitData(bytes.subarray(at, at + size), entry);
      }
  } catch (e) {
    if (!(e instanceof Fault)) throw e;
  }
  return bytes.length;
}
