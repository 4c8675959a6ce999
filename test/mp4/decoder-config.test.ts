import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fuzzRounds, fuzzSeed, mutate } from '#fake/fuzz';
import { parseAvcC, parseEsds, parseHvcC, writeAvcC, writeEsds, writeHvcC } from '#mp4/decoder-config';
import { bytesOf, hexOf } from './clip.ts';

/** VPS, SPS, PPS of x265: Main profile, level 2, 320x180. */
const hevc = [
  '40010c01ffff01600000030090000003000003003cba0240',
  '42010101600000030090000003000003003ca00a080c1f3e5ba4a4c2f0168080000003008000000c84',
  '4401c073c189',
].map(bytesOf);

describe('avcC', () => {
  const cases: [name: string, sets: string[], avcC: string][] = [
    ['baseline profile', ['6742c00cd9', '68cb83cb20'], '0142c00cffe1 0005 6742c00cd9 01 0005 68cb83cb20'],
    [
      'several sets',
      ['674d400c00', '68ee', '674d400c01', '68ef'],
      '014d400cffe2 0005 674d400c00 0005 674d400c01 02 0002 68ee 0002 68ef',
    ],
    // seq_parameter_set_id 0, chroma_format_idc 1, both depths 8: 1 010 1 1
    [
      'high profile tells chroma and depth',
      ['6764001eac', '68ee'],
      '0164001effe1 0005 6764001eac 01 0002 68ee fdf8f800',
    ],
  ];
  for (const [name, sets, avcC] of cases)
    test(name, () => {
      const parameterSets = sets.map(bytesOf);
      const written = writeAvcC(parameterSets);
      assert.equal(written && hexOf(written), hexOf(bytesOf(avcC)));
      const ordered = [...parameterSets].sort((a, b) => ((a[0] ?? 0) & 31) - ((b[0] ?? 0) & 31));
      assert.deepEqual(written && parseAvcC(written), { parameterSets: ordered, lengthBytes: 4 });
    });
});

test('hvcC: profile, level, chroma and the sets themselves come back', () => {
  const written = writeHvcC(hevc) ?? new Uint8Array(0);
  assert.equal(hexOf(written.subarray(0, 23)), '0101600000009000000000003cf000fcfdf8f800000f03');
  assert.deepEqual(parseHvcC(written), { parameterSets: hevc, lengthBytes: 4 });
});

describe('esds', () => {
  for (const config of ['', '1190', '119056e500', '00'.repeat(40)])
    test(`a configuration of ${config.length >> 1} bytes comes back`, () => {
      const bytes = bytesOf(config);
      assert.deepEqual(parseEsds(writeEsds(0x40, 'audio', bytes)), { objectType: 0x40, config: bytes });
    });

  test('sizes in four bytes, as most writers have them', () => {
    const esds = bytesOf(
      '03 80808022 0001 00 04 80808014 40 15 000000 0001f400 0001f400 05 80808002 1190 06 80808001 02',
    );
    assert.deepEqual(parseEsds(esds), { objectType: 0x40, config: bytesOf('1190') });
  });
});

test('any bytes: no throw, bounded', () => {
  const random = fuzzSeed('decoder-config');
  const avc = writeAvcC([bytesOf('6764001eac'), bytesOf('68ee')]) ?? new Uint8Array(0);
  const esds = writeEsds(0x40, 'audio', bytesOf('1190'));
  for (let round = 0; round < fuzzRounds(2000); round++) {
    parseAvcC(mutate(random, avc));
    parseHvcC(mutate(random, writeHvcC(hevc) ?? avc));
    parseEsds(mutate(random, esds));
    const noise = random.bytes(random.below(60));
    for (const write of [writeAvcC, writeHvcC]) {
      const type = write === writeAvcC ? 0x67 : 0x42;
      const written = write([Uint8Array.of(type, ...noise), Uint8Array.of(0x68)]);
      assert.ok((written?.length ?? 0) < 200);
    }
  }
});
